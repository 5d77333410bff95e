"""Routes of quarantine."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Response

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.quarantine import Quarantined, Quarantines
from batchone.contracts.things import SignalType, Thing
from batchone.kernel.module import Context

Reader = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
Engineer = Annotated[Actor, Depends(allow("engineer"))]
Connection = Annotated[str, Body(max_length=100)]
Path = Annotated[str, Body(max_length=600)]


def router(context: Context) -> APIRouter:
    """`/api/machines/quarantine/...`, from the protocol alone."""
    routes = APIRouter(prefix="/api/machines/quarantine", tags=["machines"])

    @routes.get("")
    async def quarantine(actor: Reader) -> tuple[Quarantined, ...]:
        """What was set aside: undeclared signals, and what could not be read."""
        return await context.get(Quarantines).listed(actor.tenant)

    @routes.post("/adopt", status_code=204)
    async def adopt(
        actor: Engineer, connection: Connection, path: Path, equipment: Annotated[str, Body(max_length=100)],
        signal: Annotated[SignalType, Body()], place: Annotated[str, Body(max_length=400)] = "",
    ) -> Response:  # fmt: skip
        """Declare what came under a path as a signal of an equipment, a known one or a new one with its place."""
        thing = Thing(equipment, "", {}, place, signals=(signal,))
        await context.get(Quarantines).adopt(actor.tenant, connection, path, thing, actor)
        return Response(status_code=204)

    @routes.post("/dismiss", status_code=204)
    async def dismiss(actor: Engineer, connection: Connection, path: Path) -> Response:
        """Show it no more among what waits for a judgement."""
        await context.get(Quarantines).dismiss(actor.tenant, connection, path, actor)
        return Response(status_code=204)

    @routes.post("/restore", status_code=204)
    async def restore(actor: Engineer, connection: Connection, path: Path) -> Response:
        """Let it wait for a judgement again."""
        await context.get(Quarantines).restore(actor.tenant, connection, path, actor)
        return Response(status_code=204)

    return routes
