"""Bills of materials, stock, call-offs and lots. Owned by `chain.sourcing`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Literal, Protocol

from batchone.contracts.design import BomLine
from batchone.contracts.enterprises import Actor
from batchone.kernel.facts import fact


@dataclass(frozen=True)
class MaterialNeed:
    """So many of a variant, consumed at an operation."""

    module: str
    variant: str
    quantity: int
    op: str

    @staticmethod
    def of(line: BomLine) -> MaterialNeed:
        """What a line of a bill of materials needs; store is kept in whole units, so a part of one is a whole one."""
        return MaterialNeed(line.module, line.variant, ceil(round(line.quantity, 6)), line.op)


@dataclass(frozen=True)
class MaterialDate:
    """When a need can be met: now (from stock), or from a call-off at `at`; `supplier` says whose lead time decides.

    It is met by `at` with probability `on_time`, and otherwise up to `late_s` seconds later, any moment being as likely.
    """

    need: MaterialNeed
    at: datetime
    source: Literal["stock", "on_order", "lead_time"]
    supplier: str
    on_time: float = 1.0
    late_s: float = 0.0


@dataclass(frozen=True)
class StockLevel:
    """What is there of a variant: free on hand, allocated to items, called off and on its way.

    `waiting` is what items need and is not set aside yet (there is none while any is free). At or below `reorder_at` of
    on hand + on order - waiting, a call-off is sent. What was received is on hand, allocated, or consumed.
    """

    module: str
    variant: str
    on_hand: int
    allocated: int
    on_order: int
    waiting: int = 0
    reorder_at: int = 0
    product: str = ""


CallOffState = Literal["sent", "confirmed", "announced", "received", "overdue"]


@dataclass(frozen=True)
class CallOff:
    """Demand sent to a supplier and what became of it."""

    id: str
    tenant: str
    supplier: str
    supplier_name: str
    module: str
    variant: str
    quantity: int
    sent: datetime
    needed: datetime
    state: CallOffState
    confirmed_for: datetime | None
    received: datetime | None
    lot: str | None
    product: str = ""


@fact("bom.exploded")
@dataclass(frozen=True)
class BomExploded:
    """What an order needs is known."""

    order: str
    items: tuple[str, ...]
    needs: tuple[MaterialNeed, ...]


@fact("material.expected")
@dataclass(frozen=True)
class MaterialExpected:
    """The material for an item's operation will be there at `at` (said again when it changes)."""

    order: str
    item: str
    op: str
    at: datetime


@fact("material.allocated")
@dataclass(frozen=True)
class MaterialAllocated:
    """A lot's pieces were set aside for an item; `complete` when the operation now has all it needs.

    `supplier` is empty for a lot of the opening stock.
    """

    item: str
    op: str
    module: str
    variant: str
    quantity: int
    lot: str
    supplier: str
    complete: bool


@fact("calloff.sent")
@dataclass(frozen=True)
class CallOffSent:
    """Demand was sent to a supplier."""

    call_off: str
    supplier: str
    module: str
    variant: str
    quantity: int
    needed: datetime


@fact("calloff.confirmed")
@dataclass(frozen=True)
class CallOffConfirmed:
    """The supplier confirmed a date."""

    call_off: str
    supplier: str
    variant: str
    quantity: int
    at: datetime


@fact("calloff.received")
@dataclass(frozen=True)
class CallOffReceived:
    """The delivery came in as a lot."""

    call_off: str
    lot: str
    variant: str
    quantity: int


class Sourcing(Protocol):
    """Material dates, stock, and the suppliers' side of call-offs."""

    async def material_dates(
        self, tenant: str, product: str, needs: Sequence[MaterialNeed], count: int
    ) -> tuple[MaterialDate, ...]:
        """When each need, times `count` items, could be met, counting stock not yet allocated and supplier lead times."""
        ...

    async def stock(self, tenant: str) -> tuple[StockLevel, ...]:
        """Stock of every variant."""
        ...

    async def call_offs(
        self, tenant: str, state: str, supplier: str, limit: int, oldest_first: bool = False
    ) -> tuple[CallOff, ...]:
        """Call-offs, newest first unless asked otherwise; empty filters mean all."""
        ...

    async def confirm(self, tenant: str, call_off: str, at: datetime, actor: Actor) -> CallOff:
        """The supplier confirms delivery at `at`; again with the same date changes nothing."""
        ...

    async def deliver(self, tenant: str, call_off: str, lot: str, actor: Actor) -> CallOff:
        """The delivery arrived under the supplier's lot number; again changes nothing."""
        ...
