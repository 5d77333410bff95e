"""Production's routes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.production import ItemRecord, Job, Production, StationNow
from batchone.contracts.sales import Sales
from batchone.kernel.errors import NotFound
from batchone.kernel.http import idempotency_key
from batchone.kernel.module import Context

_Staff = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
_Commander = Annotated[Actor, Depends(allow("planner", "engineer"))]
_Anybody = Annotated[Actor, Depends(allow())]
_Key = Annotated[str, Depends(idempotency_key)]


class Release(BaseModel):
    """What to do again, and why."""

    model_config = ConfigDict(extra="forbid")
    redo: tuple[str, ...] = Field(default=(), max_length=50)
    note: str = Field(default="", max_length=500)


def router(context: Context) -> APIRouter:
    """The routes, over whoever implements `Production`."""
    routes = APIRouter(prefix="/api", tags=["production"])

    @routes.get("/items/{item}")
    async def item(item: str, actor: _Anybody) -> ItemRecord:
        """An item's record by id or serial; a customer sees the items of own orders."""
        record = await context.get(Production).item(actor.tenant, item)
        if actor.role in ("customer", "supplier"):
            order = await context.get(Sales).order(actor.tenant, record.order)
            if order.customer.id != actor.party:
                raise NotFound("production.no_item", f"There is no item {item}.", "Look the item up from its order.")
        return record

    @routes.post("/items/{item}/release")
    async def release(item: str, body: Release, actor: _Commander, key: _Key) -> ItemRecord:
        """Let a held item go on."""
        return await context.get(Production).release_item(actor.tenant, item, body.redo, body.note, key, actor)

    @routes.get("/jobs")
    async def jobs(
        actor: _Staff, state: str = "", equipment: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> tuple[Job, ...]:
        """Jobs, newest first."""
        return await context.get(Production).jobs(actor.tenant, state, equipment, limit)

    @routes.post("/jobs/{job}/abort")
    async def abort(job: str, actor: _Commander, key: _Key) -> Job:
        """Stop a job at its machine."""
        return await context.get(Production).abort_job(actor.tenant, job, key, actor)

    @routes.get("/stations")
    async def stations(actor: _Staff) -> tuple[StationNow, ...]:
        """Every job at an equipment now."""
        return await context.get(Production).stations(actor.tenant)

    return routes
