"""Routes of alarms."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import Alarm, Alarms
from batchone.kernel.module import Context

Reader = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
Seer = Annotated[Actor, Depends(allow("operator", "engineer"))]
Limit = Annotated[int, Query(ge=1, le=1000)]


def router(context: Context) -> APIRouter:
    """`/api/alarms/...`, from the protocol alone."""
    routes = APIRouter(prefix="/api/alarms", tags=["alarms"])

    @routes.get("")
    async def alarms(
        actor: Reader, equipment: str = "", show: Literal["active", "all"] = "active", limit: Limit = 200
    ) -> tuple[Alarm, ...]:
        """Alarms that have not ended, worst first; or the newest, ended ones too."""
        if show == "active":
            return (await context.get(Alarms).active(actor.tenant, equipment))[:limit]
        return await context.get(Alarms).history(actor.tenant, equipment, limit)

    @routes.post("/{alarm}/acknowledge")
    async def acknowledge(actor: Seer, alarm: str) -> Alarm:
        """Say that you have seen it. Repeating it changes nothing, so no idempotency key is asked for."""
        return await context.get(Alarms).acknowledge(actor.tenant, alarm, actor)

    return routes
