"""Logistics' routes: shipments. A carrier sees and moves only its own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.logistics import Logistics, Shipment
from batchone.kernel.errors import Forbidden
from batchone.kernel.module import Context

_ID = r"^[A-Za-z0-9._:-]*$"
_Partner = Annotated[Actor, Depends(allow("supplier", "planner"))]
_Id = Annotated[str, Path(max_length=64, pattern=_ID)]
_Word = Annotated[str, Query(max_length=64, pattern=_ID)]


def router(context: Context) -> APIRouter:
    """The routes, over whoever implements `Logistics`."""
    routes = APIRouter(prefix="/api/shipments", tags=["logistics"])

    @routes.get("")
    async def shipments(
        actor: _Partner, state: _Word = "", order: _Word = "", carrier: _Word = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100, oldest_first: bool = False,
    ) -> tuple[Shipment, ...]:  # fmt: skip
        """Shipments, newest first unless asked otherwise; a carrier's own only."""
        whose = _party(actor) or carrier
        return await context.get(Logistics).shipments(actor.tenant, state, order, limit, whose, oldest_first)

    @routes.post("/{shipment}/take")
    async def take(shipment: _Id, actor: _Partner) -> Shipment:
        """Take the items to bring them to the customer; again changes nothing."""
        _party(actor)
        return await context.get(Logistics).take(actor.tenant, shipment, actor)

    @routes.post("/{shipment}/deliver")
    async def deliver(shipment: _Id, actor: _Partner) -> Shipment:
        """The items were handed over; again changes nothing."""
        _party(actor)
        return await context.get(Logistics).deliver(actor.tenant, shipment, actor)

    return routes


def _party(actor: Actor) -> str:
    """The carrier an actor acts for; empty for staff."""
    if actor.role == "supplier" and not actor.party:
        raise Forbidden(
            "logistics.no_party", "This person acts for no carrier.", "Have an admin name the carrier they act for."
        )
    return actor.party if actor.role == "supplier" else ""
