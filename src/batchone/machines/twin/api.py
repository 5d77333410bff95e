"""Routes of the twin."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import DataNow, EquipmentAt, LastValue, Twin
from batchone.kernel.module import Context

Reader = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]


def router(context: Context) -> APIRouter:
    """`/api/twin/...`, from the protocol alone."""
    routes = APIRouter(prefix="/api/twin", tags=["twin"])

    @routes.get("")
    async def data(actor: Reader) -> tuple[DataNow, ...]:
        """How fresh and good the samples of every equipment are."""
        return await context.get(Twin).data(actor.tenant)

    @routes.get("/{equipment}")
    async def last(actor: Reader, equipment: str, at: datetime | None = None) -> tuple[LastValue, ...] | EquipmentAt:
        """The last value of every signal of an equipment; with `at` (a time with its zone), how the equipment was then: its
        state, its signals with their ages, its alarms."""
        twin = context.get(Twin)
        return await (twin.last(actor.tenant, equipment) if at is None else twin.at(actor.tenant, equipment, at))

    return routes
