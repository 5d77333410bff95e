"""Sourcing's tables, read and written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from batchone.chain.sourcing.model import Allocation, Demand, Free, Level, Supplier, Supply, Waiting, score
from batchone.contracts.pack import Pack, Text
from batchone.contracts.sales import OrderPlaced
from batchone.contracts.sourcing import CallOff, MaterialNeed, StockLevel
from batchone.kernel.database import Row, Transaction, load_queries

_SQL = load_queries(Path(__file__).parent / "queries.sql")
_SCORED = timedelta(days=91)

Operation = tuple[str, str]
"""Item and operation."""


@dataclass(frozen=True)
class Served:
    """An operation that got pieces: whether it now has all it needs, and whether its job is done already."""

    operation: Operation
    complete: bool
    finished: bool


@dataclass(frozen=True)
class Shelf:
    """Whose material it is: variants are known within a tenant's product."""

    tenant: str
    product: str


async def set_catalogue(tx: Transaction, shelf: Shelf, pack: Pack) -> None:
    """Variants and suppliers of a pack; a variant that it no longer has is not stocked up any more."""
    key = {"tenant": shelf.tenant, "product": shelf.product}
    await tx.run(_SQL["retire_variants"], **key, variants=[each.id for module in pack.modules for each in module.variants])
    await tx.many(
        _SQL["set_variant"],
        [
            {**key, "module": module.id, "variant": each.id, "reorder_at": each.reorder_at, "lot": each.lot}
            for module in pack.modules
            for each in module.variants
        ],
    )
    await tx.run(_SQL["forget_suppliers"], **key, modules=[module.id for module in pack.modules])
    await tx.many(
        _SQL["add_supplier"],
        [
            {
                **key, "module": module.id, "supplier": each.id, "name": _text(each.name), "lead_s": each.lead_s,
                "moq": each.moq, "on_time": each.on_time,
            }
            for module in pack.modules
            for each in module.suppliers
        ],
    )  # fmt: skip


async def open_stock(tx: Transaction, shelf: Shelf, stock: Mapping[str, int], at: datetime) -> None:
    """The opening stock as one lot a variant; a variant that has had one gets no second."""
    rows = [
        {
            "tenant": shelf.tenant, "product": shelf.product, "variant": variant, "lot": f"opening-{variant}", "supplier": "",
            "call_off": "", "at": at, "quantity": quantity,
        }
        for variant, quantity in stock.items()
        if quantity > 0
    ]  # fmt: skip
    await tx.many(_SQL["add_lot"], rows)


async def lock(tx: Transaction, shelf: Shelf, variants: Collection[str]) -> None:
    """Keep stock, needs and call-offs of these variants to this transaction until it ends."""
    await tx.all(_SQL["lock_variants"], tenant=shelf.tenant, product=shelf.product, variants=list(variants))


async def levels(tx: Transaction, shelf: Shelf, variants: Collection[str]) -> dict[str, Level]:
    """How variants stand; those that are not in the catalogue are missing."""
    rows = await tx.all(_SQL["levels"], tenant=shelf.tenant, product=shelf.product, variants=list(variants))
    return {
        row["variant"]: Level(
            row["module"], row["variant"], row["reorder_at"], row["lot"], row["free"], row["on_order"], row["waiting"]
        )
        for row in rows
    }


async def stock(tx: Transaction, tenant: str) -> tuple[StockLevel, ...]:
    """How every variant of a tenant stands."""
    return tuple(
        StockLevel(
            row["module"], row["variant"], row["free"], row["allocated"], row["on_order"], row["waiting"],
            max(row["reorder_at"], 0), row["product"],
        )
        for row in await tx.all(_SQL["levels"], tenant=tenant, product=None, variants=None)
    )  # fmt: skip


async def suppliers(tx: Transaction, shelf: Shelf, modules: Collection[str], now: datetime) -> dict[str, list[Supplier]]:
    """Who supplies each module, scored by their call-offs of the last quarter of a year."""
    found: dict[str, list[Supplier]] = defaultdict(list)
    rows = await tx.all(
        _SQL["suppliers"], tenant=shelf.tenant, product=shelf.product, modules=list(modules), now=now, since=now - _SCORED
    )
    for row in rows:
        on_time = score(row["on_time"], row["due"], row["kept"])
        found[row["module"]].append(Supplier(row["supplier"], row["name"], row["lead_s"], row["moq"], on_time, row["owing"]))
    return found


async def supplies(tx: Transaction, shelf: Shelf, variants: Collection[str], grace: float) -> list[Supply]:
    """What is on order."""
    rows = await tx.all(_SQL["supplies"], tenant=shelf.tenant, product=shelf.product, variants=list(variants), grace=grace)
    return [
        Supply(row["id"], row["supplier"], row["variant"], row["quantity"], _utc(row["expected"]), _utc(row["deadline"]))
        for row in rows
    ]


async def free_lots(tx: Transaction, shelf: Shelf, variants: Collection[str]) -> list[Free]:
    """Lots with free pieces, oldest first."""
    rows = await tx.all(_SQL["free_lots"], tenant=shelf.tenant, product=shelf.product, variants=list(variants))
    return [Free(row["id"], row["variant"], row["lot"], row["supplier"], row["free"]) for row in rows]


async def waiting(tx: Transaction, shelf: Shelf, variants: Collection[str]) -> list[Waiting]:
    """Needs that are not met yet, in their turn: promised date, order, item, operation."""
    rows = await tx.all(_SQL["waiting"], tenant=shelf.tenant, product=shelf.product, variants=list(variants))
    return [
        Waiting(row["order_id"], row["item"], row["op"], row["module"], row["variant"], row["missing"], _maybe(row["expected"]))
        for row in rows
    ]


async def add_order(tx: Transaction, tenant: str, order: OrderPlaced, needs: Sequence[MaterialNeed]) -> bool:
    """What an order's items need; false if that is known already."""
    if not await tx.run(_SQL["add_order"], tenant=tenant, order=order.order):
        return False
    ops = sorted({need.op for need in needs})
    missing = {op: sum(need.quantity for need in needs if need.op == op) for op in ops}
    key = {"tenant": tenant, "order": order.order}
    await tx.many(
        _SQL["add_operation"],
        [{**key, "item": item, "op": op, "missing": missing[op]} for item in order.items for op in ops],
    )
    await tx.many(
        _SQL["add_need"],
        [
            {
                **key, "item": item, "op": need.op, "variant": need.variant, "product": order.product,
                "module": need.module, "promised": order.promised_p50, "number": order.number, "place": place,
                "quantity": need.quantity,
            }
            for place, item in enumerate(order.items)
            for need in needs
        ],
    )  # fmt: skip
    return True


async def allocate(tx: Transaction, tenant: str, made: Sequence[Allocation]) -> list[Served]:
    """Set pieces aside; how the operations that got some stand by it."""
    rows = [
        {
            "tenant": tenant, "item": each.waiting.item, "op": each.waiting.op, "variant": each.waiting.variant,
            "lot": each.free.id, "quantity": each.quantity,
        }
        for each in made
    ]  # fmt: skip
    await tx.many(_SQL["add_allocation"], rows)
    await tx.many(_SQL["give_to_need"], rows)
    lots, operations = Counter[int](), Counter[Operation]()
    for each in made:
        lots[each.free.id] += each.quantity
        operations[each.waiting.item, each.waiting.op] += each.quantity
    await tx.many(_SQL["take_from_lot"], [{"lot": lot, "quantity": quantity} for lot, quantity in lots.items()])
    pairs = _pairs(tenant, operations)
    quantities = [operations[pair] for pair in zip(pairs["items"], pairs["ops"], strict=True)]
    served = await tx.all(_SQL["give_to_operations"], **pairs, quantities=quantities)
    return [Served((row["item"], row["op"]), row["complete"], row["finished"]) for row in served]


async def expect(
    tx: Transaction, tenant: str, dates: Mapping[tuple[str, str, str], datetime], also: Collection[Operation]
) -> list[Row]:
    """New dates of needs (item, operation, variant); the operations whose own date changed by it, or is new.

    `also` are operations that may have a new date because one of their needs was met.
    """
    rows = [
        {"tenant": tenant, "item": item, "op": op, "variant": variant, "at": at} for (item, op, variant), at in dates.items()
    ]
    await tx.many(_SQL["expect_need"], rows)
    touched = {(item, op) for item, op, _ in dates} | set(also)
    return await tx.all(_SQL["expect_operations"], **_pairs(tenant, touched)) if touched else []


async def shelves_of_operation(tx: Transaction, tenant: str, item: str, op: str) -> dict[Shelf, list[str]]:
    """The variants that an item's operation needs."""
    found: dict[Shelf, list[str]] = defaultdict(list)
    for row in await tx.all(_SQL["needs_of_operation"], tenant=tenant, item=item, op=op):
        found[Shelf(tenant, row["product"])].append(row["variant"])
    return found


async def finish_operation(tx: Transaction, tenant: str, item: str, op: str) -> bool:
    """The operation's job is done; false if it was before."""
    return bool(await tx.run(_SQL["finish_operation"], tenant=tenant, item=item, op=op))


async def consume(tx: Transaction, tenant: str, item: str, op: str) -> None:
    """What is set aside for an operation has gone into the item."""
    await tx.run(_SQL["consume"], tenant=tenant, item=item, op=op)


async def add_call_off(
    tx: Transaction, shelf: Shelf, call_off_id: str, level: Level, wanted: Demand, now: datetime
) -> datetime:
    """A new call-off; when it is needed, which is what the supplier's lead time allows."""
    needed = now + timedelta(seconds=wanted.supplier.lead_s)
    await tx.run(
        _SQL["add_call_off"], tenant=shelf.tenant, id=call_off_id, product=shelf.product, module=level.module,
        variant=level.variant, supplier=wanted.supplier.id, supplier_name=wanted.supplier.name, quantity=wanted.quantity,
        lead_s=wanted.supplier.lead_s, sent=now, needed=needed,
    )  # fmt: skip
    return needed


async def call_off(tx: Transaction, tenant: str, call_off_id: str) -> CallOff | None:
    """A call-off."""
    row = await tx.one(_SQL["call_off"], tenant=tenant, id=call_off_id)
    return None if row is None else _call_off(row)


async def call_offs(
    tx: Transaction, tenant: str, state: str, supplier: str, limit: int, *, oldest_first: bool
) -> tuple[CallOff, ...]:
    """Call-offs by the time they were sent."""
    text = _SQL["call_offs"].replace("{direction}", "ASC" if oldest_first else "DESC")
    rows = await tx.all(text, tenant=tenant, state=state, supplier=supplier, limit=limit)
    return tuple(_call_off(row) for row in rows)


async def confirm(tx: Transaction, tenant: str, call_off_id: str, at: datetime) -> None:
    """The supplier named a date."""
    await tx.run(_SQL["confirm_call_off"], tenant=tenant, id=call_off_id, at=at)


async def receive(tx: Transaction, delivered: CallOff, lot: str, at: datetime) -> None:
    """The delivery is in store, as a lot."""
    await tx.run(_SQL["receive_call_off"], tenant=delivered.tenant, id=delivered.id, at=at, lot=lot)
    await tx.run(
        _SQL["add_lot"], tenant=delivered.tenant, product=delivered.product, variant=delivered.variant, lot=lot,
        supplier=delivered.supplier, call_off=delivered.id, at=at, quantity=delivered.quantity,
    )  # fmt: skip


async def overdue(tx: Transaction, tenant: str, call_off_id: str) -> None:
    """Nobody counts on this call-off any more."""
    await tx.run(_SQL["overdue_call_off"], tenant=tenant, id=call_off_id)


async def tell_late(tx: Transaction, tenant: str, call_off_id: str) -> None:
    """That it is late has been said."""
    await tx.run(_SQL["tell_late"], tenant=tenant, id=call_off_id)


async def late(tx: Transaction, now: datetime, grace: float) -> list[tuple[str, str]]:
    """Call-offs (tenant, id) of all tenants that are late and about which something is still to be done."""
    rows = await tx.all(_SQL["late_call_offs"], now=now, grace=grace)
    return [(row["tenant"], row["id"]) for row in rows]


def _pairs(tenant: str, operations: Collection[Operation]) -> dict[str, Any]:
    pairs = sorted(operations)
    return {"tenant": tenant, "items": [item for item, _ in pairs], "ops": [op for _, op in pairs]}


def _call_off(row: Mapping[str, Any]) -> CallOff:
    return CallOff(
        id=row["id"], tenant=row["tenant"], supplier=row["supplier"], supplier_name=row["supplier_name"],
        module=row["module"], variant=row["variant"], quantity=row["quantity"], sent=_utc(row["sent"]),
        needed=_utc(row["needed"]), state=row["state"], confirmed_for=_maybe(row["confirmed_for"]),
        received=_maybe(row["received"]), lot=row["lot"], product=row["product"],
    )  # fmt: skip


def _text(name: Text) -> str:
    return name.get("en") or next(iter(name.values()), "")


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)


def _maybe(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(UTC)
