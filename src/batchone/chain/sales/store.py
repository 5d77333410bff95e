"""Sales' tables, read and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from psycopg.types.json import Jsonb

from batchone.chain.sales.model import Progress, search_text
from batchone.contracts.sales import Customer, Notice, Order, OrderPage, Promise, Reason
from batchone.kernel.database import Row, Transaction, load_queries
from batchone.kernel.facts import adapter
from batchone.kernel.money import Money

_SQL = load_queries(Path(__file__).parent / "queries.sql")
_SORTS = {
    "number": "o.number", "customer": "lower(o.customer_name)", "placed": "o.placed", "promised": "o.p90",
    "planned": "coalesce(o.delivered, o.planned_delivery)", "status": "o.status",
}  # fmt: skip
SORTS = tuple(sorted([*_SORTS, *(f"-{name}" for name in _SORTS)]))


@dataclass(frozen=True)
class Offered:
    """A promise with what only sales needs to know of it."""

    promise: Promise
    choices: Mapping[str, str]
    lead_s: float
    transit_s: float
    reservation: str

    @property
    def after_finish(self) -> timedelta:
        """What lies between the finish of the last item and the customer's door."""
        return timedelta(seconds=self.lead_s + self.transit_s)


@dataclass(frozen=True)
class Filter:
    """Which orders; empty means all."""

    words: tuple[str, ...]
    status: str
    customer: str


async def add_promise(tx: Transaction, offered: Offered, actor: str, inquiry: str, key: str = "") -> None:
    """Store a promise."""
    promise = offered.promise
    reasons = adapter(tuple[Reason, ...]).dump_python(promise.reasons, mode="json")
    await tx.run(
        _SQL["add_promise"], tenant=promise.tenant, id=promise.id, owner=promise.customer, actor=actor,
        configuration=promise.configuration, product=promise.product, choices=Jsonb(dict(offered.choices)),
        quantity=promise.quantity, priority=promise.priority, unit_price=promise.unit_price.amount,
        price=promise.price.amount, currency=promise.price.currency, p50=promise.p50, p90=promise.p90,
        lead_s=offered.lead_s, transit_s=offered.transit_s, plan=promise.plan, reservation=offered.reservation,
        reasons=Jsonb(reasons), given=promise.given, expires=promise.expires, inquiry=inquiry, key=key,
    )  # fmt: skip


async def end_inquiry(tx: Transaction, tenant: str, actor: str, inquiry: str, now: datetime) -> list[tuple[str, str]]:
    """End what a person was promised for an inquiry and did not order: each promise with its reservation."""
    # Whoever is ordering one of them right now has it locked; the second statement sees what came of it.
    locked = await tx.all(_SQL["lock_inquiry"], tenant=tenant, actor=actor, inquiry=inquiry, now=now)
    rows = await tx.all(_SQL["replace_promises"], tenant=tenant, ids=[row["id"] for row in locked], now=now)
    return [(row["id"], row["reservation"]) for row in rows]


async def promise(tx: Transaction, tenant: str, promise_id: str, *, lock: bool = False) -> Offered | None:
    """A stored promise."""
    row = await tx.one(_SQL["promise_for_update" if lock else "promise"], tenant=tenant, id=promise_id)
    return None if row is None else _offered(row)


async def promise_of_key(tx: Transaction, tenant: str, person: str, key: str) -> Promise | None:
    """What a person was promised under a key; whoever asks has the key to himself until commit."""
    await tx.run(_SQL["lock_key"], tenant=tenant, person=f"{person} promise", key=key)
    row = await tx.one(_SQL["promise_of_key"], tenant=tenant, actor=person, key=key)
    return None if row is None else _offered(row).promise


def _offered(row: Row) -> Offered:
    given = Promise(
        id=row["id"], tenant=row["tenant"], configuration=row["configuration"], product=row["product"],
        quantity=row["quantity"], priority=row["priority"], unit_price=Money(row["unit_price"], row["currency"]),
        price=Money(row["price"], row["currency"]), p50=_utc(row["p50"]), p90=_utc(row["p90"]), plan=row["plan"],
        reasons=adapter(tuple[Reason, ...]).validate_python(row["reasons"]), given=_utc(row["given"]),
        expires=_utc(row["expires"]), customer=row["owner"],
    )  # fmt: skip
    return Offered(given, row["choices"], row["lead_s"], row["transit_s"], row["reservation"])


async def order_of_key(tx: Transaction, tenant: str, person: str, key: str) -> Row | None:
    """The order (id, promise) that this person placed under this key; whoever asks has the key to himself until commit."""
    await tx.run(_SQL["lock_key"], tenant=tenant, person=person, key=key)
    return await tx.one(_SQL["order_of_key"], tenant=tenant, person=person, key=key)


async def is_used(tx: Transaction, tenant: str, promise_id: str) -> bool:
    """Whether an order was placed on this promise."""
    return await tx.one(_SQL["order_of_promise"], tenant=tenant, promise=promise_id) is not None


async def next_number(tx: Transaction, tenant: str, year: int) -> int:
    """The next number of a year; it is taken only if the transaction commits, so the numbers have no gaps."""
    row = await tx.one(_SQL["next_number"], tenant=tenant, year=year)
    assert row is not None
    return int(row["last"])


async def add_order(tx: Transaction, order: Order, offered: Offered, person: str, key: str) -> None:
    """Store an order and its items."""
    customer = order.customer
    search = search_text(order.number, customer, order.product, order.configuration, order.choices)
    await tx.run(
        _SQL["add_order"], tenant=order.tenant, id=order.id, number=order.number, customer_id=customer.id,
        customer_name=customer.name, customer_town=customer.town, configuration=order.configuration,
        product=order.product, choices=Jsonb(dict(order.choices)), quantity=order.quantity, priority=order.priority,
        price=order.price.amount, currency=order.price.currency, promise=order.promise, p50=order.promised_p50,
        p90=order.promised_p90, lead_s=offered.lead_s, transit_s=offered.transit_s, placed=order.placed, placed_by=person,
        key=key, search=search,
    )  # fmt: skip
    rows = [{"tenant": order.tenant, "id": item, "order": order.id, "place": place} for place, item in enumerate(order.items)]
    await tx.many(_SQL["add_item"], rows)


async def order(tx: Transaction, tenant: str, order_id: str) -> Order | None:
    """An order, by id or number."""
    row = await tx.one(_SQL["order"], tenant=tenant, order=order_id)
    if row is None:
        return None
    return replace(_order(row), notices=(await notices(tx, tenant, [row["id"]])).get(row["id"], ()))


async def notices(tx: Transaction, tenant: str, orders: Sequence[str]) -> dict[str, tuple[Notice, ...]]:
    """What customers were told of some orders, the newest first."""
    found: dict[str, tuple[Notice, ...]] = {}
    for row in await tx.all(_SQL["notices"], tenant=tenant, orders=list(orders)):
        found[row["order_id"]] = (*found.get(row["order_id"], ()), notice_of(row))
    return found


def notice_of(row: Mapping[str, Any]) -> Notice:
    """A stored notice."""
    return Notice(
        _utc(row["at"]), row["kind"], _utc(row["old_p50"]), _utc(row["old_p90"]), _utc(row["p50"]), _utc(row["p90"]),
        adapter(tuple[Reason, ...]).validate_python(row["reasons"]), _maybe(row["read"]),
    )  # fmt: skip


async def news(tx: Transaction, tenant: str, customer: str) -> int:
    """How many orders of a customer have notices that are not read."""
    row = await tx.one(_SQL["count_news"], tenant=tenant, customer=customer)
    assert row is not None
    return int(row["orders"])


async def read_notices(tx: Transaction, tenant: str, order_id: str, at: datetime) -> tuple[int, ...]:
    """All that was told of an order is read; the plans of what was not before."""
    return tuple(row["plan"] for row in await tx.all(_SQL["read_notices"], tenant=tenant, order=order_id, at=at))


async def add_notice(
    tx: Transaction, tenant: str, order_id: str, plan: int, at: datetime, kind: Literal["later", "earlier"], likely: datetime,
    sure: datetime, reasons: Sequence[Reason],
) -> bool:  # fmt: skip
    """The dates of an order moved to a p50 and p90 finish; false if the customer knows newer ones, or has it."""
    row = await tx.one(_SQL["order_for_notice"], tenant=tenant, order=order_id)
    if row is None or row["taken"] is not None or row["delivered"] is not None:
        return False
    last = await tx.one(_SQL["last_notice"], tenant=tenant, order=order_id)
    if last is not None and last["plan"] >= plan:
        return False
    known, after = last or row, timedelta(seconds=row["lead_s"] + row["transit_s"])
    await tx.run(
        _SQL["add_notice"], tenant=tenant, order=order_id, plan=plan, at=at, kind=kind, old_p50=known["p50"],
        old_p90=known["p90"], p50=likely + after, p90=sure + after,
        reasons=Jsonb(adapter(tuple[Reason, ...]).dump_python(tuple(reasons), mode="json")),
    )  # fmt: skip
    return True


async def orders(tx: Transaction, tenant: str, which: Filter, sort: str, offset: int, limit: int) -> OrderPage:
    """A page of orders. `sort` is one of `SORTS`; orders without the sorted date come last."""
    direction = "DESC" if sort.startswith("-") else "ASC"
    by = f"{_SORTS[sort.removeprefix('-')]} {direction} NULLS LAST, o.id {direction}"
    values = {"tenant": tenant, "words": list(which.words), "status": which.status, "customer": which.customer}
    where = _SQL["orders_where"]
    counted = await tx.one(_SQL["count_orders"].replace("{where}", where), **values)
    assert counted is not None
    text = _SQL["orders"].replace("{where}", where).replace("{sort}", by)
    rows = await tx.all(text, **values, offset=offset, limit=limit)
    told = await notices(tx, tenant, [row["id"] for row in rows])
    return OrderPage(tuple(replace(_order(row), notices=told.get(row["id"], ())) for row in rows), int(counted["total"]))


async def plan(tx: Transaction, tenant: str, number: int, finishes: Sequence[tuple[str, datetime]], at: datetime) -> list[str]:
    """A plan says when orders are finished; the orders whose status may change by it."""
    rows = await tx.all(
        _SQL["plan_orders"], tenant=tenant, number=number, at=at, orders=[order_id for order_id, _ in finishes],
        finishes=[finish for _, finish in finishes],
    )  # fmt: skip
    return [row["id"] for row in rows if row["status"] == "placed"]


async def start(tx: Transaction, tenant: str, order_id: str, at: datetime) -> bool:
    """The first job of an order began; false if one had before."""
    return bool(await tx.run(_SQL["start_order"], tenant=tenant, order=order_id, at=at))


async def hold(tx: Transaction, tenant: str, order_id: str, item: str, at: datetime, *, held: bool) -> bool:
    """An item is held, or no longer; false if that is older than what is known."""
    return bool(await tx.run(_SQL["hold_item"], tenant=tenant, order=order_id, item=item, held=held, at=at))


async def finish_item(tx: Transaction, tenant: str, order_id: str, item: str) -> bool:
    """An item is finished; false if it was before."""
    return bool(await tx.run(_SQL["finish_item"], tenant=tenant, order=order_id, item=item))


async def take(tx: Transaction, tenant: str, order_id: str, at: datetime, expected: datetime | None) -> bool:
    """The carrier took the items; false if it had before."""
    return bool(await tx.run(_SQL["take_order"], tenant=tenant, order=order_id, at=at, expected=expected))


async def deliver(tx: Transaction, tenant: str, order_id: str, at: datetime) -> bool:
    """The customer has the items; false if that is known."""
    return bool(await tx.run(_SQL["deliver_order"], tenant=tenant, order=order_id, at=at))


async def progress(tx: Transaction, tenant: str, order_id: str) -> Progress | None:
    """What is known of an order."""
    row = await tx.one(_SQL["progress"], tenant=tenant, order=order_id)
    if row is None:
        return None
    return Progress(
        quantity=row["quantity"], planned=row["planned"], started=row["started"], held=row["held"],
        finished=row["finished"], taken=row["taken"], delivered=row["delivered"],
    )  # fmt: skip


async def set_status(tx: Transaction, tenant: str, order_id: str, status: str) -> None:
    """Store the status that follows from the progress."""
    await tx.run(_SQL["set_status"], tenant=tenant, order=order_id, status=status)


def _order(row: Mapping[str, Any]) -> Order:
    return Order(
        id=row["id"], number=row["number"], tenant=row["tenant"],
        customer=Customer(row["customer_id"], row["customer_name"], row["customer_town"]),
        configuration=row["configuration"], product=row["product"], choices=row["choices"], quantity=row["quantity"],
        priority=row["priority"], price=Money(row["price"], row["currency"]), promise=row["promise"],
        promised_p50=_utc(row["p50"]), promised_p90=_utc(row["p90"]), placed=_utc(row["placed"]),
        items=tuple(row["items"]), status=row["status"], planned_delivery=_maybe(row["planned_delivery"]),
        delivered=_maybe(row["delivered"]), late_since=_maybe(row["late_since"]),
    )  # fmt: skip


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)


def _maybe(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(UTC)
