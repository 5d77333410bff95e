"""From the finished item to the customer's door. Owned by `chain.logistics`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.enterprises import Actor
from batchone.kernel.facts import fact


@dataclass(frozen=True)
class Shipment:
    """An order's finished items on their way with a carrier.

    `ready` is from when the carrier may take them: the finish of the last item and the lead of the chosen options. Until then
    the shipment is `waiting`.
    """

    id: str
    tenant: str
    order: str
    items: tuple[str, ...]
    carrier: str
    carrier_name: Mapping[str, str]
    state: Literal["waiting", "ready", "in_transit", "delivered"]
    ready: datetime
    taken: datetime | None
    delivered: datetime | None
    expected: datetime | None = None
    """When the carrier should be at the customer's door, once it has taken the items."""


@fact("custody.transferred")
@dataclass(frozen=True)
class CustodyTransferred:
    """The carrier took the items."""

    shipment: str
    order: str
    items: tuple[str, ...]
    carrier: str
    expected: datetime | None = None


@fact("order.delivered")
@dataclass(frozen=True)
class OrderDelivered:
    """The customer has the items."""

    shipment: str
    order: str
    items: tuple[str, ...]
    at: datetime


class Logistics(Protocol):
    """Shipments and the carriers' side of them."""

    async def shipments(
        self, tenant: str, state: str, order: str, limit: int, carrier: str = "", oldest_first: bool = False
    ) -> tuple[Shipment, ...]:
        """Shipments, newest first unless asked otherwise; empty filters mean all."""
        ...

    async def take(self, tenant: str, shipment: str, actor: Actor) -> Shipment:
        """The carrier takes the items, from `ready` on (`Conflict` before); again changes nothing."""
        ...

    async def deliver(self, tenant: str, shipment: str, actor: Actor) -> Shipment:
        """The items were handed to the customer; again changes nothing."""
        ...

    async def transit_s(self, tenant: str, product: str) -> float:
        """How long carriers usually take, in seconds: the quickest one of the product's, which promises count on."""
        ...
