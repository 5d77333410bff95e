"""The plan as a Gantt: rows of machines, bars of operations, and for machines with many places how many are in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchone.contracts.machines import EquipmentNow, MachineState
from batchone.contracts.pack import Equipment, Text
from batchone.contracts.planning import PlannedOperation
from batchone.web.books import Book
from batchone.web.briefs import Brief

KINDS = 12
LANES_MAX = 3
_BUCKETS = 60


@dataclass(frozen=True)
class Row:
    """A machine of the Gantt with its state now."""

    id: str
    name: Text
    state: MachineState
    positions: int
    kind: str


@dataclass(frozen=True)
class Bar:
    """An operation on a row; `lane` tells apart the places of a machine that has few."""

    id: str
    row: str
    lane: int
    start: datetime
    end: datetime
    setup_s: float
    kind: int
    op: str
    op_name: Text
    order: Brief
    place: str
    item: str
    state: str
    late: bool


@dataclass(frozen=True)
class Load:
    """How many places of a machine with many are in use over a stretch of time."""

    id: str
    row: str
    start: datetime
    end: datetime
    used: int
    positions: int
    late: bool


@dataclass(frozen=True)
class LateOrder:
    """An order that the plan finishes later than promised."""

    order: Brief
    finish: datetime


@dataclass(frozen=True)
class Kind:
    """An operation kind of the legend."""

    index: int
    op: str
    name: Text


def kinds(book: Book) -> tuple[Kind, ...]:
    """The routing's groups in order; each keeps its hue as long as the pack stays."""
    groups = dict.fromkeys(operation.group for operation in book.pack.routing)
    return tuple(Kind(index % KINDS, group, _group_name(book, group)) for index, group in enumerate(groups))


def _group_name(book: Book, group: str) -> Text:
    return next(operation.name for operation in book.pack.routing if operation.group == group)


def rows(book: Book, machines: Sequence[EquipmentNow]) -> tuple[Row, ...]:
    """Machines in the order in which an item meets them."""
    states = {machine.equipment: machine.state for machine in machines}
    order = {
        each: index for index, each in enumerate(dict.fromkeys(operation.equipment_class for operation in book.pack.routing))
    }
    ordered = sorted(book.pack.equipment, key=lambda each: order.get(each.equipment_class, len(order)))
    return tuple(
        Row(each.id, each.name, states.get(each.id, "offline"), each.positions, each.equipment_class) for each in ordered
    )


def bars(book: Book, operations: Sequence[PlannedOperation], briefs: Mapping[str, Brief]) -> tuple[Bar, ...]:
    """Bars of machines with few places."""
    kind_of = {kind.op: kind.index for kind in kinds(book)}
    return tuple(_bar(book, each, kind_of, briefs) for each in operations if _lanes(book.equipment(each.equipment)))


def _lanes(equipment: Equipment | None) -> bool:
    return equipment is not None and equipment.positions <= LANES_MAX


def _bar(book: Book, operation: PlannedOperation, kind_of: Mapping[str, int], briefs: Mapping[str, Brief]) -> Bar:
    routed = book.operation(operation.op)
    brief = briefs.get(operation.order, Brief(operation.order, "", ""))
    return Bar(
        id=f"{operation.item} {operation.op} {operation.run}",
        row=operation.equipment,
        lane=operation.position,
        start=operation.start,
        end=operation.end,
        setup_s=max((operation.start - operation.setup_start).total_seconds(), 0.0),
        kind=kind_of.get(routed.group, 0) if routed else 0,
        op=operation.op,
        op_name=book.operation_name(operation.op),
        order=brief,
        place=brief.place(operation.item),
        item=operation.item,
        state=operation.state,
        late=operation.late,
    )


def loads(book: Book, operations: Sequence[PlannedOperation], start: datetime, end: datetime) -> tuple[Load, ...]:
    """Occupied places over time for machines with many; equal neighbours become one stretch."""
    found: list[Load] = []
    step = (end - start) / _BUCKETS
    for equipment in book.pack.equipment:
        if equipment.positions > LANES_MAX:
            own = [each for each in operations if each.equipment == equipment.id]
            found.extend(_stretches(equipment, own, start, step))
    return tuple(found)


def _stretches(equipment: Equipment, own: Sequence[PlannedOperation], start: datetime, step: timedelta) -> list[Load]:
    merged: list[Load] = []
    for index in range(_BUCKETS):
        begin, end = start + index * step, start + (index + 1) * step
        inside = [each for each in own if each.start < end and each.end > begin]
        # A place may change its item within the stretch; what counts is how many are in use at once, so at most all of them.
        used = min(len({each.position for each in inside}) if inside else 0, equipment.positions)
        late = any(each.late for each in inside)
        if merged and merged[-1].used == used and merged[-1].late == late and merged[-1].end == begin:
            merged[-1] = Load(merged[-1].id, equipment.id, merged[-1].start, end, used, equipment.positions, late)
        else:
            merged.append(Load(f"{equipment.id} load {index}", equipment.id, begin, end, used, equipment.positions, late))
    return [each for each in merged if each.used]


def late_orders(operations: Sequence[PlannedOperation], briefs: Mapping[str, Brief]) -> tuple[LateOrder, ...]:
    """Late orders with the last finish that the window knows, the latest first."""
    finishes: dict[str, datetime] = {}
    for each in operations:
        if each.late:
            finishes[each.order] = max(finishes.get(each.order, each.end), each.end)
    found = [LateOrder(briefs.get(order, Brief(order, "", "")), finish) for order, finish in finishes.items()]
    return tuple(sorted(found, key=lambda each: each.finish, reverse=True))


def table_row(book: Book, operation: PlannedOperation, brief: Brief) -> tuple[PlannedOperation, Brief, Text, Text]:
    """An operation in words: itself, its order, what it is called, what its machine is called."""
    return operation, brief, book.operation_name(operation.op), book.equipment_name(operation.equipment)
