"""Routes of the thing model."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Response

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.things import Thing, ThingModel, Things, ThingsEdition
from batchone.kernel.module import Context
from batchone.machines.twin.things.text import SignalText

Reader = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
Engineer = Annotated[Actor, Depends(allow("engineer"))]
_TEXT = "application/yaml"


def router(context: Context) -> APIRouter:
    """`/api/things/...`, from the protocol alone."""
    routes = APIRouter(prefix="/api/things", tags=["things"])

    @routes.get("")
    async def model(actor: Reader) -> ThingModel:
        """Every type and thing, of packs and declared ones."""
        return await context.get(Things).model(actor.tenant)

    @routes.get("/text")
    async def text(actor: Reader, version: Annotated[int, Query(ge=0)] = 0) -> Response:
        """What is declared beside the packs, as text; `version` 0 is the newest."""
        return Response(await context.get(Things).text(actor.tenant, version), media_type=_TEXT)

    @routes.get("/editions")
    async def editions(actor: Reader) -> tuple[ThingsEdition, ...]:
        """Every version, the newest first."""
        return await context.get(Things).editions(actor.tenant)

    @routes.put("/text")
    async def declare(
        actor: Engineer, text: Annotated[str, Body(media_type=_TEXT)], note: Annotated[str, Query(max_length=400)] = ""
    ) -> ThingModel:
        """Take a text as the next version; refused whole, with every fault by line."""
        return await context.get(Things).declare(actor.tenant, text, note, actor)

    @routes.post("/{thing}/signals")
    async def adopt(actor: Engineer, thing: str, signal: SignalText) -> ThingModel:
        """Declare one more signal of a thing, as for one in quarantine."""
        more = Thing(thing, "", {}, "", signals=(signal.made(),))
        return await context.get(Things).extend(actor.tenant, (more,), f"adopted {thing}/{signal.id}", actor)

    return routes
