"""Routes of the twin."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import DataNow, LastValue, Twin
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
    async def last(actor: Reader, equipment: str) -> tuple[LastValue, ...]:
        """The last value of every signal of an equipment."""
        return await context.get(Twin).last(actor.tenant, equipment)

    return routes
