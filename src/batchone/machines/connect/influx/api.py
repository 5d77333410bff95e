"""Where InfluxDB line protocol is pushed to: the addresses that its clients expect, below `/api/influx`."""

from __future__ import annotations

import zlib
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.sources import Sources
from batchone.kernel.errors import Refused
from batchone.kernel.module import Context

Writer = Annotated[Actor, Depends(allow("engineer", "operator"))]
_BODY_MAX = 32_000_000
"""Bytes of a body, unpacked; the protocol behind this one carries no more."""
_PART = 6_000_000
"""Bytes of a question over the bus, which takes 8 MB: longer bodies go in parts, cut between lines."""


def router(context: Context) -> APIRouter:
    """`/api/influx/write` (v1) and `/api/influx/api/v2/write` (v2), from the protocol alone. An answer of 204 means that every
    line that can be read is on disk; 422 names the lines that cannot, of which the others are kept all the same."""
    routes = APIRouter(prefix="/api/influx", tags=["machines"])

    @routes.get("/ping", status_code=204)
    @routes.head("/ping", status_code=204)
    async def ping() -> Response:
        """Whether somebody is there."""
        return Response(status_code=204)

    @routes.post("/write", status_code=204)
    async def write(actor: Writer, request: Request, db: str, precision: Annotated[str, Query()] = "ns") -> Response:
        """Version 1; `db` is the connection."""
        return await _write(context, actor, request, db, precision)

    @routes.post("/api/v2/write", status_code=204)
    async def write_v2(actor: Writer, request: Request, bucket: str, precision: Annotated[str, Query()] = "ns") -> Response:
        """Version 2; `bucket` is the connection, `org` is whoever the token is of."""
        return await _write(context, actor, request, bucket, precision)

    return routes


async def _write(context: Context, actor: Actor, request: Request, connection: str, precision: str) -> Response:
    body = await _body(request)
    sources = context.get(Sources)
    refused, what = 0, ""
    for part in _parts(body):
        taken = await sources.push(actor.tenant, connection, part, {"precision": precision})
        refused, what = refused + taken.refused, what or taken.what
    if refused:
        kept = "All others are kept; do not send them again."
        raise Refused("influx.lines", f"{refused} lines could not be read. The first: {what}.", kept)
    return Response(status_code=204)


async def _body(request: Request) -> str:
    coding = request.headers.get("content-encoding", "identity")
    if coding not in ("identity", "gzip"):
        raise Refused("influx.encoding", f"A body in '{coding}' cannot be read.", "Send it plain or in gzip.")
    unpack = zlib.decompressobj(wbits=31) if coding == "gzip" else None
    found, size = [], 0
    try:
        async for chunk in request.stream():
            # No more is unpacked than is taken, so that a small body cannot stand for a very large one.
            plain = unpack.decompress(chunk, _BODY_MAX + 1 - size) if unpack else chunk
            found.append(plain)
            size += len(plain)
            if size > _BODY_MAX:
                raise Refused("influx.too_large", f"A body has more than {_BODY_MAX} bytes.", "Send it in several.")
        return b"".join(found).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise Refused("influx.body", f"The body cannot be read: {error}.", "Send lines of UTF-8 text.") from error


def _parts(body: str) -> list[str]:
    """The body in parts of whole lines. A text that spans lines may be cut; it is no sample."""
    parts, start = [], 0
    while len(body) - start > _PART:
        cut = body.rfind("\n", start, start + _PART)
        end = cut + 1 if cut > start else start + _PART
        parts.append(body[start:end])
        start = end
    return [*parts, body[start:]]
