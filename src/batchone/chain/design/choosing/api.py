"""The routes of choosing: what is under way, saved and shared, and customers' pictures."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from batchone.chain.design.choosing.pictures import BYTES_MAX
from batchone.contracts.access import allow
from batchone.contracts.choosing import Choosing, Picture, Saved, UnderWay
from batchone.contracts.enterprises import Actor
from batchone.kernel.errors import Refused
from batchone.kernel.module import Context

_Anybody = Annotated[Actor, Depends(allow())]
_Id = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
_Word = Annotated[str, Field(max_length=200, pattern=r"^[a-z0-9._-]+$")]
_CHOICES_MAX = 2000
_PICTURE = {
    "Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "private, max-age=31536000, immutable",
}  # fmt: skip


class Begun(BaseModel):
    """What to begin with."""

    model_config = ConfigDict(extra="forbid", strict=True)
    product: str = Field(max_length=64, pattern=r"^[a-z0-9_-]+$")
    choices: dict[_Word, _Word] = Field(default_factory=dict, max_length=_CHOICES_MAX)


class Seen(BaseModel):
    """The revision that the person saw when they clicked."""

    model_config = ConfigDict(extra="forbid", strict=True)
    revision: int = Field(ge=1)


class Click(Seen):
    """A click: values to take, choices to drop, and what the customer brings to values."""

    take: dict[_Word, _Word] = Field(default_factory=dict, max_length=_CHOICES_MAX)
    drop: list[_Word] = Field(default_factory=list, max_length=_CHOICES_MAX)
    contents: dict[_Word, Annotated[str, Field(max_length=500)]] = Field(default_factory=dict, max_length=50)


class Named(BaseModel):
    """A name of 1 to 80 characters."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str = Field(max_length=400)


def add_routes(routes: APIRouter, context: Context) -> None:
    """The routes, over whoever implements `Choosing`."""
    _under_way(routes, context)
    _saved(routes, context)
    _pictures(routes, context)


def _under_way(routes: APIRouter, context: Context) -> None:
    @routes.post("/choosing", status_code=201)
    async def begin(body: Begun, actor: _Anybody) -> UnderWay:
        """Begin choosing; it survives restarts. A person has at most 50 under way, the oldest are forgotten."""
        return await context.get(Choosing).begin(actor.tenant, body.product, body.choices, actor)

    @routes.get("/choosing/{choosing}")
    async def under_way(choosing: _Id, actor: _Anybody) -> UnderWay:
        """Take up again what is under way; it is there for the person who began it alone."""
        return await context.get(Choosing).under_way(actor.tenant, choosing, actor)

    @routes.post("/choosing/{choosing}/clicks")
    async def click(choosing: _Id, body: Click, actor: _Anybody) -> UnderWay:
        """Change choices. Of two clicks on one revision the second is a 409 with the `revision` and `choices` to take up."""
        return await context.get(Choosing).click(
            actor.tenant, choosing, body.revision, body.take, tuple(body.drop), body.contents, actor
        )

    @routes.post("/choosing/{choosing}/undo")
    async def undo(choosing: _Id, body: Seen, actor: _Anybody) -> UnderWay:
        """Go back one change; up to 200 are remembered."""
        return await context.get(Choosing).undo(actor.tenant, choosing, body.revision, actor)

    @routes.post("/choosing/{choosing}/redo")
    async def redo(choosing: _Id, body: Seen, actor: _Anybody) -> UnderWay:
        """Go forward again what was undone."""
        return await context.get(Choosing).redo(actor.tenant, choosing, body.revision, actor)


def _saved(routes: APIRouter, context: Context) -> None:
    @routes.post("/choosing/{choosing}/saves", status_code=201)
    async def save(choosing: _Id, body: Named, actor: _Anybody) -> Saved:
        """Save what is under way; its `token` is the link to share. At most 200 a person."""
        return await context.get(Choosing).save(actor.tenant, choosing, body.name, actor)

    @routes.get("/saved")
    async def saved(actor: _Anybody) -> tuple[Saved, ...]:
        """What the person saved, the newest first."""
        return await context.get(Choosing).saved(actor.tenant, actor)

    @routes.get("/saved/{token}")
    async def shared(token: _Id, request: Request) -> Saved:
        """What was saved under a token; whoever has it may see it, signed in or not."""
        actor = getattr(request.state, "actor", None)
        return await context.get(Choosing).shared(token, actor if isinstance(actor, Actor) else None)

    @routes.post("/saved/{token}/forks", status_code=201)
    async def fork(token: _Id, actor: _Anybody) -> UnderWay:
        """Go on from a saved configuration as one's own."""
        return await context.get(Choosing).fork(token, actor)

    @routes.put("/saved/{token}/vote")
    async def vote(token: _Id, actor: _Anybody) -> Saved:
        """Vote for it; one vote a person, however often this is sent."""
        return await context.get(Choosing).vote(token, True, actor)

    @routes.delete("/saved/{token}/vote")
    async def take_vote(token: _Id, actor: _Anybody) -> Saved:
        """Take one's vote back."""
        return await context.get(Choosing).vote(token, False, actor)


def _pictures(routes: APIRouter, context: Context) -> None:
    @routes.post("/pictures", status_code=201, openapi_extra={"requestBody": _BODY})
    async def keep_picture(request: Request, actor: _Anybody) -> Picture:
        """Keep a PNG, JPEG or WebP picture (the body) of at most 4 MB and 25 million pixels; at most 200 a person."""
        return await context.get(Choosing).keep_picture(actor.tenant, await _read(request), actor)

    @routes.get("/pictures/{digest}", response_class=Response)
    async def picture(digest: _Id, actor: _Anybody) -> Response:
        """A picture, with its own type and nothing that could run."""
        found = await context.get(Choosing).picture(actor.tenant, digest)
        return Response(base64.b64decode(found.base64), media_type=f"image/{found.picture.format}", headers=_PICTURE)


_BODY = {
    "required": True,
    "content": {f"image/{kind}": {"schema": {"type": "string", "format": "binary"}} for kind in ("png", "jpeg", "webp")},
}


async def _read(request: Request) -> str:
    """The body in base 64; reading stops as soon as it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BYTES_MAX:
            raise Refused("design.picture_size", "The picture is too large.", f"Send at most {BYTES_MAX} bytes.")
    return base64.b64encode(body).decode()
