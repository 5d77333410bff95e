"""Routes of declared connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Response

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.sources import Connector, Point, Probed, Source, Sources, SourcesEdition
from batchone.contracts.things import Thing
from batchone.kernel.module import Context

Reader = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
Engineer = Annotated[Actor, Depends(allow("engineer"))]
_TEXT = "application/yaml"


def router(context: Context) -> APIRouter:
    """`/api/connections/...`, from the protocol alone."""
    routes = APIRouter(prefix="/api/connections", tags=["connections"])

    @routes.get("/text")
    async def text(actor: Reader, version: Annotated[int, Query(ge=0)] = 0) -> Response:
        """What is declared beside the packs, as text; `version` 0 is the newest."""
        return Response(await context.get(Sources).text(actor.tenant, version), media_type=_TEXT)

    @routes.get("/protocols")
    async def protocols(actor: Reader) -> tuple[Connector, ...]:  # noqa: ARG001 - whoever is signed in
        """Every protocol that is spoken: how its urls begin, the tier that it reached, and what is missing."""
        return await context.get(Sources).connectors()

    @routes.get("/editions")
    async def editions(actor: Reader) -> tuple[SourcesEdition, ...]:
        """Every version, the newest first."""
        return await context.get(Sources).editions(actor.tenant)

    @routes.put("/text")
    async def declare(
        actor: Engineer, text: Annotated[str, Body(media_type=_TEXT)], note: Annotated[str, Query(max_length=400)] = ""
    ) -> Mapping[str, int]:
        """Take a text as the next version; refused whole, with every fault by line."""
        return {"version": await context.get(Sources).declare(actor.tenant, text, note, actor)}

    @routes.put("/{connection}")
    async def connect(
        actor: Engineer, connection: str, url: Annotated[str, Body()], points: Annotated[tuple[Point, ...], Body()] = (),
        settings: Annotated[dict[str, str] | None, Body()] = None, things: Annotated[tuple[Thing, ...], Body()] = (),
        note: Annotated[str, Query(max_length=400)] = "",
    ) -> Mapping[str, int]:  # fmt: skip
        """Declare one connection, in the place of one of the same id, and the equipment and signals that are new by it."""
        source = Source(connection, url, settings or {}, points)
        return {"version": await context.get(Sources).connect(actor.tenant, source, things, note, actor)}

    @routes.delete("/{connection}")
    async def disconnect(
        actor: Engineer, connection: str, note: Annotated[str, Query(max_length=400)] = ""
    ) -> Mapping[str, int]:
        """Declare all connections but one."""
        return {"version": await context.get(Sources).disconnect(actor.tenant, connection, note, actor)}

    @routes.post("/probe")
    async def probe(
        actor: Engineer, url: Annotated[str, Body()], settings: Annotated[dict[str, str] | None, Body()] = None
    ) -> Probed:
        """Look at what answers at an address, and what it may be; nothing is declared by that."""
        return await context.get(Sources).probe(actor.tenant, url, settings or {}, actor)

    return routes
