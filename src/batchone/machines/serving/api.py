"""Routes of serving."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.serving import Served, Serving
from batchone.kernel.module import Context

Engineer = Annotated[Actor, Depends(allow("engineer"))]


def router(context: Context) -> APIRouter:
    """`/api/serving`, from the protocol alone."""
    routes = APIRouter(prefix="/api/serving", tags=["serving"])

    @routes.get("")
    async def served(actor: Engineer) -> Served:
        """Where and how the namespace is served as OPC UA, and which clients wanted in and may not."""
        return await context.get(Serving).served(actor.tenant)

    return routes
