"""Which carrier takes an order, and what may be done with a shipment: pure rules over plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchone.contracts.logistics import Shipment
from batchone.kernel.errors import Conflict

STATES = ("waiting", "ready", "in_transit", "delivered")


@dataclass(frozen=True)
class Carrier:
    """Who carries, and how long it undertakes to need."""

    id: str
    name: Mapping[str, str]
    transit_s: float


def quickest(carriers: Sequence[Carrier]) -> Carrier | None:
    """The one that promises count on; the first of the pack where several are as quick."""
    return min(carriers, key=lambda each: each.transit_s, default=None)


def choose(carriers: Sequence[Carrier], ready: datetime, promised: datetime, priority: int) -> Carrier | None:
    """The carrier of an order that is ready: the slowest that still arrives by the promised p50 date, else the quickest.

    Slower carriers bundle more and cost less, and a customer who was promised a date is served by keeping it. What has
    priority always goes with the quickest.
    """
    in_time = [each for each in carriers if ready + timedelta(seconds=each.transit_s) <= promised]
    if priority > 0 or not in_time:
        return quickest(carriers)
    return max(in_time, key=lambda each: each.transit_s)


def may_take(shipment: Shipment) -> None:
    """What the lead of the chosen options keeps back cannot be taken yet."""
    if shipment.state == "waiting":
        raise Conflict(
            "logistics.not_ready", f"The shipment {shipment.id} cannot leave before {shipment.ready:%Y-%m-%d %H:%M} UTC.",
            "Take it then: what its options need after the last station is not done.", shipment=shipment.id,
        )  # fmt: skip


def may_deliver(shipment: Shipment) -> None:
    """Only what the carrier has taken can be delivered."""
    if shipment.state in ("waiting", "ready"):
        raise Conflict(
            "logistics.not_taken", f"The shipment {shipment.id} has not been taken.", "Take it first, then deliver it.",
            shipment=shipment.id,
        )  # fmt: skip
