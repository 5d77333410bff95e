"""Planning's routes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from batchone.chain.planning.api_by_hand import add_routes_by_hand
from batchone.chain.planning.api_export import add_export_routes
from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor, Enterprises
from batchone.contracts.planning import PlanDiff, PlannedOperation, Planning, PlanSummary, PlanWindow
from batchone.kernel.http import idempotency_key
from batchone.kernel.module import Context

_Staff = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
_Planner = Annotated[Actor, Depends(allow("planner"))]
_Key = Annotated[str, Depends(idempotency_key)]


class Replan(BaseModel):
    """Why to plan anew."""

    model_config = ConfigDict(extra="forbid")
    why: str = Field(min_length=1, max_length=200)


def router(context: Context) -> APIRouter:
    """The routes, over whoever implements `Planning`."""
    routes = APIRouter(prefix="/api/plan", tags=["planning"])

    @routes.get("")
    async def summary(actor: _Staff) -> PlanSummary:
        """The plan in force."""
        return await context.get(Planning).summary(actor.tenant)

    @routes.get("/history")
    async def history(actor: _Staff, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> tuple[PlanSummary, ...]:
        """The newest plans."""
        return await context.get(Planning).summaries(actor.tenant, limit)

    @routes.get("/window")
    async def window(
        actor: _Staff, start: datetime | None = None, end: datetime | None = None,
        limit: Annotated[int, Query(ge=1, le=20_000)] = 3000,
    ) -> PlanWindow:  # fmt: skip
        """The operations of the plan in force that touch a window; by default the hour past and the four to come."""
        now = context.clock.now()
        since, until = start or now - timedelta(hours=1), end or now + timedelta(hours=4)
        return await context.get(Planning).window(actor.tenant, since, until, limit)

    @routes.get("/orders/{order}")
    async def of_order(order: str, actor: _Staff) -> tuple[PlannedOperation, ...]:
        """The planned operations of an order."""
        return await context.get(Planning).of_order(actor.tenant, order)

    @routes.get("/diff")
    async def diff(actor: _Staff, before: int, after: int) -> PlanDiff:
        """What one plan differs in from another."""
        return await context.get(Planning).diff(actor.tenant, before, after)

    @routes.post("/runs")
    async def replan(body: Replan, actor: _Planner, key: _Key) -> PlanSummary:
        """Plan anew from how things stand."""
        made = await context.get(Planning).replan(actor.tenant, body.why)
        await context.get(Enterprises).record(actor, "plan.run", str(made.number), key, "done", {"why": body.why})
        return made

    add_routes_by_hand(routes, context)
    add_export_routes(routes, context)

    # Last, so that the names above are not taken for numbers.
    @routes.get("/{number}")
    async def plan(number: int, actor: _Staff) -> PlanWindow:
        """Any plan as it was when it came into force, as far as it was not over by then."""
        return await context.get(Planning).plan(actor.tenant, number)

    return routes
