"""What one plan differs in from another, in rows and counts for the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from batchone.contracts.planning import OrderChange, PlanDiff, PlanSummary, Shift

ORDERS_SHOWN, OPERATIONS_SHOWN = 200, 200


@dataclass(frozen=True)
class Figure:
    """One measure of two plans; `kind`: number or duration."""

    name: str
    before: float
    after: float
    kind: str = "duration"

    @property
    def by(self) -> float:
        """How much more the later plan has."""
        return self.after - self.before


def figures(before: PlanSummary, after: PlanSummary) -> tuple[Figure, ...]:
    """The measures of two plans side by side."""
    counted = ("orders", "operations", "late_orders")
    timed = ("tardiness_s", "setup_s", "makespan_s")
    return (
        *(Figure(name, getattr(before, name), getattr(after, name), "number") for name in counted),
        *(Figure(name, getattr(before, name), getattr(after, name)) for name in timed),
    )


@dataclass(frozen=True)
class Machine:
    """What a machine lost to others, got from others, and does at another time."""

    equipment: str
    away: int
    came: int
    retimed: int


@dataclass(frozen=True)
class Moves:
    """The operations that two plans put elsewhere: how many to another machine, at another time, in one plan alone; by machine;
    and one by one, those on another machine first, then by how far they moved."""

    elsewhere: int
    retimed: int
    added: int
    removed: int
    machines: tuple[Machine, ...]
    rows: tuple[Shift, ...]
    more: int


def moves(shifts: Iterable[Shift], order: str = "", machine: str = "") -> Moves:
    """The moves, of one order or at one machine alone if that is named."""
    found = [each for each in shifts if (not order or each.order == order) and (not machine or machine in _machines(each))]
    both = [each for each in found if each.before is not None and each.after is not None]
    away = [each for each in both if elsewhere(each)]
    ordered = sorted(
        found, key=lambda each: (not elsewhere(each), -abs(by(each) or timedelta(0)), each.order, each.item, each.op)
    )
    return Moves(
        elsewhere=len(away),
        retimed=len(both) - len(away),
        added=sum(each.before is None for each in found),
        removed=sum(each.after is None for each in found),
        machines=_by_machine(both),
        rows=tuple(ordered[:OPERATIONS_SHOWN]),
        more=max(0, len(ordered) - OPERATIONS_SHOWN),
    )


def _by_machine(both: Iterable[Shift]) -> tuple[Machine, ...]:
    counts: dict[str, list[int]] = {}
    for each in both:
        before, after = each.before, each.after
        assert before is not None
        assert after is not None
        if before.equipment == after.equipment:
            counts.setdefault(after.equipment, [0, 0, 0])[2] += 1
        else:
            counts.setdefault(before.equipment, [0, 0, 0])[0] += 1
            counts.setdefault(after.equipment, [0, 0, 0])[1] += 1
    ranked = sorted(counts.items(), key=lambda pair: (-sum(pair[1]), pair[0]))
    return tuple(Machine(equipment, *numbers) for equipment, numbers in ranked)


def _machines(shift: Shift) -> set[str]:
    return {spot.equipment for spot in (shift.before, shift.after) if spot is not None}


def elsewhere(shift: Shift) -> bool:
    """On another machine than before."""
    return shift.before is not None and shift.after is not None and shift.before.equipment != shift.after.equipment


def by(shift: Shift) -> timedelta | None:
    """How much later it starts; none if one of the plans does not have it."""
    return None if shift.before is None or shift.after is None else shift.after.start - shift.before.start


def orders(diff: PlanDiff) -> tuple[OrderChange, ...]:
    """The orders that end at another time: those that become late first, then by how far they moved."""
    ended = [each for each in diff.orders if each.before is not None and each.after is not None and each.before != each.after]
    return tuple(sorted(ended, key=lambda each: (not each.late_after or each.late_before, -_seconds(each), each.order)))


def _seconds(change: OrderChange) -> float:
    assert change.before is not None
    assert change.after is not None
    return abs((change.after - change.before).total_seconds())
