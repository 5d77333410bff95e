"""Logistics' tables, read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from batchone.chain.logistics.model import Carrier
from batchone.contracts.logistics import Shipment
from batchone.contracts.sales import OrderPlaced
from batchone.kernel.database import Transaction, load_queries

_SQL = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True)
class Complete:
    """An order all of whose items are finished."""

    product: str
    priority: int
    promised: datetime
    lead_s: float
    items: tuple[str, ...]


async def set_carriers(tx: Transaction, tenant: str, product: str, carriers: Sequence[Carrier]) -> None:
    """The carriers of a product, in the order of its pack."""
    await tx.run(_SQL["forget_carriers"], tenant=tenant, product=product)
    await tx.many(
        _SQL["add_carrier"],
        [
            {
                "tenant": tenant, "product": product, "carrier": each.id, "place": place, "name": Jsonb(dict(each.name)),
                "transit_s": each.transit_s,
            }
            for place, each in enumerate(carriers)
        ],
    )  # fmt: skip


async def carriers(tx: Transaction, tenant: str, product: str) -> list[Carrier]:
    """The carriers of a product."""
    rows = await tx.all(_SQL["carriers"], tenant=tenant, product=product)
    return [Carrier(row["carrier"], row["name"], row["transit_s"]) for row in rows]


async def add_order(tx: Transaction, tenant: str, order: OrderPlaced) -> None:
    """An order whose items will be shipped together."""
    await tx.run(
        _SQL["add_order"], tenant=tenant, order=order.order, product=order.product, priority=order.priority,
        promised=order.promised_p50, lead_s=order.lead_s, items=list(order.items),
    )  # fmt: skip


async def add_finished(tx: Transaction, tenant: str, item: str, order: str) -> None:
    """An item is finished."""
    await tx.run(_SQL["add_finished"], tenant=tenant, item=item, order=order)


async def complete_order(tx: Transaction, tenant: str, order: str) -> Complete | None:
    """The order, once all of its items are finished."""
    row = await tx.one(_SQL["complete_order"], tenant=tenant, order=order)
    if row is None:
        return None
    return Complete(row["product"], row["priority"], _utc(row["promised"]), row["lead_s"], tuple(row["items"]))


async def add_shipment(
    tx: Transaction, tenant: str, shipment: str, order: str, items: Sequence[str], carrier: Carrier, ready: datetime
) -> None:
    """A shipment that stands ready then; an order that has one gets no second."""
    await tx.run(
        _SQL["add_shipment"], tenant=tenant, id=shipment, order=order, items=list(items), carrier=carrier.id,
        carrier_name=Jsonb(dict(carrier.name)), transit_s=carrier.transit_s, ready=ready,
    )  # fmt: skip


async def locked(tx: Transaction, tenant: str, shipment: str, now: datetime) -> Shipment | None:
    """A shipment as it stands now, kept to this transaction until it ends."""
    row = await tx.one(_SQL["shipment_for_update"], tenant=tenant, shipment=shipment)
    return None if row is None else _shipment(row, now)


async def shipments(
    tx: Transaction, tenant: str, state: str, order: str, carrier: str, limit: int, now: datetime, *, oldest_first: bool
) -> tuple[Shipment, ...]:
    """Shipments as they stand now, by the time from which they are ready."""
    text = _SQL["shipments"].replace("{direction}", "ASC" if oldest_first else "DESC")
    rows = await tx.all(text, tenant=tenant, state=state, order=order, carrier=carrier, limit=limit, now=now)
    return tuple(_shipment(row, now) for row in rows)


async def take(tx: Transaction, tenant: str, shipment: str, at: datetime) -> Shipment:
    """The carrier has it."""
    row = await tx.one(_SQL["take_shipment"], tenant=tenant, shipment=shipment, at=at)
    assert row is not None
    return _shipment(row, at)


async def deliver(tx: Transaction, tenant: str, shipment: str, at: datetime) -> Shipment:
    """The customer has it."""
    row = await tx.one(_SQL["deliver_shipment"], tenant=tenant, shipment=shipment, at=at)
    assert row is not None
    return _shipment(row, at)


def _shipment(row: Mapping[str, Any], now: datetime) -> Shipment:
    # Waiting is what a clock says of a shipment, so nobody has to wake up and write that it is over.
    waits = row["state"] == "ready" and row["ready"] > now
    return Shipment(
        id=row["id"], tenant=row["tenant"], order=row["order_id"], items=tuple(row["items"]), carrier=row["carrier"],
        carrier_name=row["carrier_name"], state="waiting" if waits else row["state"], ready=_utc(row["ready"]),
        taken=_maybe(row["taken"]), delivered=_maybe(row["delivered"]), expected=_maybe(row["expected"]),
    )  # fmt: skip


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)


def _maybe(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(UTC)
