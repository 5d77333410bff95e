"""Sourcing's routes: call-offs and stock. A supplier sees and answers only the call-offs sent to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.sourcing import CallOff, Sourcing, StockLevel
from batchone.kernel.errors import Forbidden
from batchone.kernel.module import Context

_ID = r"^[A-Za-z0-9._:-]*$"
_Partner = Annotated[Actor, Depends(allow("supplier", "planner"))]
_Staff = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
_Id = Annotated[str, Path(max_length=64, pattern=_ID)]
_Word = Annotated[str, Query(max_length=64, pattern=_ID)]


class Confirmation(BaseModel):
    """When the supplier will deliver."""

    model_config = ConfigDict(extra="forbid")
    at: AwareDatetime


class Delivery(BaseModel):
    """The lot number on the delivery."""

    model_config = ConfigDict(extra="forbid", strict=True)
    lot: str = Field(min_length=1, max_length=64)


def router(context: Context) -> APIRouter:
    """The routes, over whoever implements `Sourcing`."""
    routes = APIRouter(prefix="/api", tags=["sourcing"])

    @routes.get("/call-offs")
    async def call_offs(
        actor: _Partner, state: _Word = "", supplier: _Word = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100, oldest_first: bool = False,
    ) -> tuple[CallOff, ...]:  # fmt: skip
        """Call-offs, newest first unless asked otherwise; a supplier's own only."""
        whose = _party(actor) or supplier
        return await context.get(Sourcing).call_offs(actor.tenant, state, whose, limit, oldest_first)

    @routes.post("/call-offs/{call_off}/confirm")
    async def confirm(call_off: _Id, body: Confirmation, actor: _Partner) -> CallOff:
        """Confirm a date; the same again changes nothing."""
        _party(actor)
        return await context.get(Sourcing).confirm(actor.tenant, call_off, body.at, actor)

    @routes.post("/call-offs/{call_off}/deliver")
    async def deliver(call_off: _Id, body: Delivery, actor: _Partner) -> CallOff:
        """Deliver the whole quantity as one lot; the same again changes nothing."""
        _party(actor)
        return await context.get(Sourcing).deliver(actor.tenant, call_off, body.lot.strip(), actor)

    @routes.get("/stock")
    async def stock(actor: _Staff) -> tuple[StockLevel, ...]:
        """Stock of every variant."""
        return await context.get(Sourcing).stock(actor.tenant)

    return routes


def _party(actor: Actor) -> str:
    """The supplier an actor acts for; empty for staff."""
    if actor.role == "supplier" and not actor.party:
        raise Forbidden(
            "sourcing.no_party", "This person acts for no supplier.", "Have an admin name the supplier they act for."
        )
    return actor.party if actor.role == "supplier" else ""
