"""Planning's tables, read and written."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from batchone.chain.planning.honesty import Outcome
from batchone.chain.planning.model import Wait
from batchone.chain.planning.picture import EquipmentState, OpenOperation, OpenOrder, Placement
from batchone.chain.planning.telling import Told
from batchone.contracts.design import RoutedOperation
from batchone.contracts.planning import Dispatch, PlannedOperation, PlanSummary
from batchone.contracts.sales import OrderPlaced
from batchone.kernel.database import Row, Transaction, load_queries

_SQL = load_queries(Path(__file__).parent / "queries.sql")
_SUMMARY = tuple(PlanSummary.__dataclass_fields__)


async def add_order(
    tx: Transaction, tenant: str, order: OrderPlaced, weight: int, placed: datetime, finish: datetime, given: Row | None = None
) -> None:
    """An order to be planned, with the finish that its promise rests on; `given`: its reservation, which has the dates told."""
    told = {name: given[name] if given else None for name in ("likely", "sure")}
    await tx.run(
        _SQL["add_order"], tenant=tenant, order=order.order, number=order.number, product=order.product, due=order.due,
        weight=weight, placed=placed, items=len(order.items), finish=(given and given["finish"]) or finish, **told,
        promised=(given and given["given"]) or placed,
    )  # fmt: skip
    await tx.many(_SQL["add_item"], [{"tenant": tenant, "item": item, "order": order.order} for item in order.items])


async def add_operations(
    tx: Transaction, tenant: str, order: str, item: str, steps: Sequence[RoutedOperation], placed: dict[str, Placement]
) -> None:
    """The operations of an item, each where the insertion put it."""
    rows = []
    for place, step in enumerate(steps):
        row: dict[str, Any] = {
            "tenant": tenant, "item": item, "op": step.op, "order": order, "place": place, "class": step.equipment_class,
            "after": list(step.after), "duration_s": round(step.duration_s), "setup_key": step.setup_key,
            "attended": step.attended, "needs": list(step.needs), "waits": Jsonb(_waits(step)), "equipment": None,
            "position": None, "setup_start": None, "start": None, "ends": None, "also": Jsonb([]),
        }  # fmt: skip
        if step.op in placed:
            where = placed[step.op]
            row |= {
                "equipment": where.equipment, "position": where.position, "setup_start": where.setup_start,
                "start": where.start, "ends": where.end, "also": Jsonb(where.also),
            }  # fmt: skip
        rows.append(row)
    await tx.many(_SQL["add_operation"], rows)


def _waits(step: RoutedOperation) -> list[tuple[str, int, int | None]]:
    """Waits in whole seconds, never shorter than at least and never longer than at most."""
    return [(w.after, ceil(w.least_s), None if w.most_s is None else int(w.most_s)) for w in step.waits]


async def one_moment(tx: Transaction) -> None:
    """From here on the transaction reads how things stood at one moment: an order comes whole or not at all."""
    await tx.run(_SQL["one_moment"])


async def open_operations(
    tx: Transaction, tenant: str, tracks: Iterable[tuple[str, int]] | None = None
) -> tuple[OpenOperation, ...]:
    """Every operation that is not done; those on some tracks (equipment and position) alone if they are named. There may be a
    hundred thousand: they come as pages of JSON, which are read faster than rows, and promises are answered meanwhile."""
    named = None if tracks is None else [f"{equipment_id}/{position}" for equipment_id, position in tracks]
    pages = [row["page"] for row in await tx.all(_SQL["open_operations"], tenant=tenant, tracks=named)]
    return await asyncio.to_thread(_open, pages) if len(pages) > 1 else _open(pages)


def _open(pages: Sequence[str]) -> tuple[OpenOperation, ...]:
    def at(second: float | None) -> datetime | None:
        return None if second is None else datetime.fromtimestamp(second, UTC)

    return tuple(
        OpenOperation(
            item, op, order, run, kind, tuple(after), duration_s, setup_key, attended, at(material), held, state, equipment,
            position, at(setup_start), at(start), at(ends), tuple(needs), tuple(Wait(*wait) for wait in waits),
            tuple((name, track) for name, track in also),
            {before: datetime.fromtimestamp(second, UTC) for before, second in (ended or {}).items()},
        )
        for page in pages
        for (item, op, order, run, kind, after, duration_s, setup_key, attended, material, held, state, equipment, position,
             setup_start, start, ends, needs, waits, also, ended) in orjson.loads(page)
    )  # fmt: skip


async def open_orders(tx: Transaction, tenant: str) -> tuple[OpenOrder, ...]:
    """Every order that is not finished."""
    rows = await tx.all(_SQL["open_orders"], tenant=tenant)
    return tuple(OpenOrder(row["order_id"], row["due"], row["weight"], row["number"] or row["order_id"]) for row in rows)


async def said_finishes(tx: Transaction, tenant: str) -> dict[str, datetime | None]:
    """The finish of each open order that was last told to others."""
    return {row["order_id"]: row["said_finish"] for row in await tx.all(_SQL["open_orders"], tenant=tenant)}


async def equipment(tx: Transaction, tenant: str) -> dict[str, EquipmentState]:
    """How equipment stands, as far as planning heard of it."""
    rows = await tx.all(_SQL["equipment"], tenant=tenant)
    return {row["equipment"]: EquipmentState(row["state"], row["since"], row["setup_key"]) for row in rows}


async def set_equipment(tx: Transaction, tenant: str, equipment_id: str, state: str, since: datetime) -> None:
    """An equipment's state changed."""
    await tx.run(_SQL["set_equipment"], tenant=tenant, equipment=equipment_id, state=state, since=since)


async def material(tx: Transaction, tenant: str, item: str, op: str, at: datetime | None) -> None:
    """When an operation's material is there; none means now."""
    await tx.run(_SQL["material"], tenant=tenant, item=item, op=op, at=at)


async def released(
    tx: Transaction, tenant: str, item: str, op: str, run: int, equipment_id: str, also: Sequence[tuple[str, int]]
) -> None:
    """A machine has the operation, which holds these tools and people."""
    await tx.run(
        _SQL["released"], tenant=tenant, item=item, op=op, run=run, equipment=equipment_id, also=Jsonb(list(also))
    )  # fmt: skip


async def started(
    tx: Transaction, tenant: str, item: str, op: str, run: int, equipment_id: str, position: int | None, at: datetime,
    ends: datetime,
) -> None:  # fmt: skip
    """A machine began the operation, and stands at its setup."""
    row = await tx.one(
        _SQL["started"], tenant=tenant, item=item, op=op, run=run, equipment=equipment_id, position=position, at=at, ends=ends
    )
    if row is not None and row["setup_key"]:
        await tx.run(_SQL["set_key"], tenant=tenant, equipment=equipment_id, at=at, key=row["setup_key"])


async def finished(tx: Transaction, tenant: str, item: str, op: str, run: int, began: datetime, at: datetime) -> None:
    """The operation is done."""
    await tx.run(_SQL["finished"], tenant=tenant, item=item, op=op, run=run, started=began, at=at)


async def again(tx: Transaction, tenant: str, item: str, op: str, run: int) -> None:
    """The operation must be done again, as a later run."""
    await tx.run(_SQL["again"], tenant=tenant, item=item, op=op, run=run)


async def held(tx: Transaction, tenant: str, item: str, *, is_held: bool) -> None:
    """An item is held, or goes on."""
    await tx.run(_SQL["held"], tenant=tenant, item=item, held=is_held)


async def item_finished(tx: Transaction, tenant: str, item: str, order: str, at: datetime) -> Outcome | None:
    """An item is finished, and its order if it was the last: what became of its promise, if the dates told are known."""
    await tx.run(_SQL["item_finished"], tenant=tenant, item=item)
    row = await tx.one(_SQL["order_finished"], tenant=tenant, order=order, at=at)
    return None if row is None or row["likely_finish"] is None else _outcome(row)


def _outcome(row: Row) -> Outcome:
    return Outcome(row["promised"], row["promised_finish"], row["likely_finish"], row["sure_finish"], row["finished"])


async def place(tx: Transaction, tenant: str, placements: Iterable[Placement]) -> None:
    """Put operations that no machine has yet where a plan wants them."""
    await tx.many(_SQL["place"], [_placement_row(p) | {"tenant": tenant} for p in placements])


def _placement_row(p: Placement) -> dict[str, Any]:
    return {
        "item": p.item, "op": p.op, "run": p.run, "equipment": p.equipment, "position": p.position,
        "setup_start": p.setup_start, "start": p.start, "ends": p.end, "also": Jsonb(p.also),
    }  # fmt: skip


async def next_number(tx: Transaction, tenant: str) -> int:
    """The number of the next plan; taken under lock, so that numbers have no gap and no double."""
    await tx.run("SELECT pg_advisory_xact_lock(hashtext(%(name)s))", name=f"batchone.plan.{tenant}")
    row = await tx.one(_SQL["next_number"], tenant=tenant)
    assert row is not None
    return int(row["number"])


async def add_plan(tx: Transaction, tenant: str, summary: PlanSummary, changes: Iterable[Placement]) -> None:
    """A plan is in force; `changes` is what differs from the one before."""
    rows = [[p.item, p.op, p.run, p.equipment, p.position, p.setup_start, p.start, p.end, p.also] for p in changes]
    values = {name: getattr(summary, name) for name in _SUMMARY}
    await tx.run(_SQL["add_plan"], tenant=tenant, changes=zlib.compress(orjson.dumps(rows)), **values)


async def summaries(tx: Transaction, tenant: str, limit: int) -> tuple[PlanSummary, ...]:
    """The newest plans."""
    return tuple(PlanSummary(**row) for row in await tx.all(_SQL["plans"], tenant=tenant, limit=limit))


async def summary(tx: Transaction, tenant: str, number: int) -> PlanSummary | None:
    """One plan; none if there is none of that number."""
    row = await tx.one(_SQL["plan_numbered"], tenant=tenant, number=number)
    return None if row is None else PlanSummary(**row)


async def changes_up_to(tx: Transaction, tenant: str, number: int) -> dict[int, list[list[Any]]]:
    """What each plan up to one changed, the first plan first."""
    rows = await tx.all(_SQL["plan_changes"], tenant=tenant, number=number)
    return {row["number"]: orjson.loads(zlib.decompress(row["changes"])) for row in rows}


async def orders_of(tx: Transaction, tenant: str, items: Sequence[str]) -> dict[tuple[str, str], str]:
    """The order of each operation of some items."""
    rows = await tx.all(_SQL["operations_named"], tenant=tenant, items=list(items))
    return {(row["item"], row["op"]): row["order_id"] for row in rows}


async def due_of(tx: Transaction, tenant: str, orders: Sequence[str]) -> dict[str, tuple[datetime, int]]:
    """When some orders are due, finished ones too, and what a second of their lateness counts."""
    rows = await tx.all(_SQL["orders_named"], tenant=tenant, orders=list(orders))
    return {row["order_id"]: (row["due"], row["weight"]) for row in rows}


async def finishes(tx: Transaction, tenant: str, orders: Sequence[str]) -> dict[str, datetime]:
    """The planned finish of some orders."""
    rows = await tx.all(_SQL["finishes"], tenant=tenant, orders=list(orders))
    return {row["order_id"]: row["finish"] for row in rows}


async def say_finish(tx: Transaction, tenant: str, order: str, finish: datetime) -> None:
    """Remember what others were told."""
    await tx.run(_SQL["said_finish"], tenant=tenant, order=order, finish=finish)


async def window(tx: Transaction, tenant: str, since: datetime, until: datetime, limit: int) -> tuple[PlannedOperation, ...]:
    """Planned operations that touch a window."""
    rows = await tx.all(_SQL["window"], tenant=tenant, since=since, until=until, limit=limit)
    return tuple(_planned(row) for row in rows)


async def of_order(tx: Transaction, tenant: str, order: str) -> tuple[PlannedOperation, ...]:
    """The planned operations of an order."""
    return tuple(_planned(row) for row in await tx.all(_SQL["of_order"], tenant=tenant, order=order))


def _planned(row: Row) -> PlannedOperation:
    return PlannedOperation(
        row["item"], row["order_id"], row["op"], row["run"], row["equipment"], row["position"] or 1, row["setup_start"],
        row["start"], row["ends"], row["state"], bool(row["late"]), _places(row["also"]),
    )  # fmt: skip


async def dispatch(tx: Transaction, tenant: str, until: datetime) -> tuple[Dispatch, ...]:
    """What should be released until a time."""
    rows = await tx.all(_SQL["dispatch"], tenant=tenant, until=until)
    return tuple(
        Dispatch(row["item"], row["order_id"], row["op"], row["run"], row["equipment"], row["setup_start"], row["start"],
                 _places(row["also"]))
        for row in rows
    )  # fmt: skip


def _places(also: Iterable[Sequence[Any]]) -> tuple[tuple[str, int], ...]:
    return tuple((str(name), int(track)) for name, track in also)


async def reserve(
    tx: Transaction, tenant: str, reservation: str, configuration: str, quantity: int, expires: datetime, placed: object,
    given: datetime, finish: datetime, likely: datetime, sure: datetime,
) -> None:  # fmt: skip
    """Hold capacity for a promise, given at a time with an inserted, a p50 and a p90 finish."""
    await tx.run(
        _SQL["reserve"], id=reservation, tenant=tenant, configuration=configuration, quantity=quantity, expires=expires,
        placed=Jsonb(placed), given=given, finish=finish, likely=likely, sure=sure,
    )  # fmt: skip


async def move_reservation(tx: Transaction, tenant: str, reservation: str, placed: object) -> None:
    """What is held is held elsewhere."""
    await tx.run(_SQL["move_reservation"], tenant=tenant, id=reservation, placed=Jsonb(placed))


async def items_of(tx: Transaction, tenant: str, order: str) -> list[str]:
    """The items of an order, as they were named."""
    return [row["item"] for row in await tx.all(_SQL["items_of"], tenant=tenant, order=order)]


async def reservations(tx: Transaction, tenant: str, now: datetime) -> list[Row]:
    """Reservations that have not expired; expired ones are forgotten."""
    await expire_reservations(tx, tenant, now)
    return await tx.all(_SQL["reservations"], tenant=tenant, now=now)


async def expire_reservations(tx: Transaction, tenant: str, now: datetime) -> None:
    """Forget the reservations that have expired."""
    await tx.run(_SQL["expire_reservations"], tenant=tenant, now=now)


async def take_reservation(tx: Transaction, tenant: str, reservation: str) -> Row | None:
    """Turn a reservation into an order's; none if it has expired."""
    return await tx.one(_SQL["take_reservation"], tenant=tenant, id=reservation)


async def outcomes(tx: Transaction, tenant: str, limit: int) -> list[Outcome]:
    """What became of the promises of the newest finished orders."""
    return [_outcome(row) for row in await tx.all(_SQL["outcomes"], tenant=tenant, limit=limit)]


async def promised(tx: Transaction, tenant: str, orders: Sequence[str]) -> list[Told]:
    """The dates that the customers of some open orders know."""
    return [
        Told(
            row["order_id"], row["due"], row["placed"], row["likely_finish"], row["sure_finish"], row["moved_likely"],
            row["moved_sure"],
        )
        for row in await tx.all(_SQL["promised"], tenant=tenant, orders=list(orders))
    ]  # fmt: skip


async def say_moved(tx: Transaction, tenant: str, order: str, likely: datetime, sure: datetime) -> None:
    """Remember what the customer was told."""
    await tx.run(_SQL["say_moved"], tenant=tenant, order=order, likely=likely, sure=sure)
