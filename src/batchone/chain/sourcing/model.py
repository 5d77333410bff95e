"""Who gets which pieces, when missing ones come, and from whom they are called off: pure rules over plain data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchone.contracts.sourcing import MaterialDate, MaterialNeed


@dataclass(frozen=True)
class Free:
    """Pieces of a lot that nobody has."""

    id: int
    variant: str
    lot: str
    supplier: str
    quantity: int


@dataclass(frozen=True)
class Waiting:
    """What an item's operation still misses of a variant, and when it was last expected."""

    order: str
    item: str
    op: str
    module: str
    variant: str
    missing: int
    expected: datetime | None


@dataclass(frozen=True)
class Allocation:
    """So many pieces of a lot for an item's operation."""

    waiting: Waiting
    free: Free
    quantity: int


@dataclass(frozen=True)
class Supply:
    """Pieces on their way: when they are expected, and when they count as overdue."""

    call_off: str
    supplier: str
    variant: str
    quantity: int
    expected: datetime
    deadline: datetime

    def at(self, now: datetime) -> datetime:
        """When to count on it: the expected date, or once that has passed, the last one that it may take."""
        return self.expected if self.expected > now else max(self.deadline, now)


@dataclass(frozen=True)
class Level:
    """How a variant stands: free pieces, pieces on order, pieces that items wait for."""

    module: str
    variant: str
    reorder_at: int
    lot: int
    free: int
    on_order: int
    waiting: int

    @property
    def position(self) -> int:
        """What will be free once everything on order has come and everybody waiting has been served."""
        return self.free + self.on_order - self.waiting


PACK_COUNTS = 10.0
"""The share on time that a pack states counts as much as so many deliveries."""


@dataclass(frozen=True)
class Supplier:
    """Somebody who supplies a module; `on_time` is their score (`score`), `owing` while a delivery of theirs is overdue."""

    id: str
    name: str
    lead_s: float
    moq: int
    on_time: float
    owing: bool


@dataclass(frozen=True)
class Demand:
    """What to call off, and from whom."""

    supplier: Supplier
    quantity: int


def score(stated: float, due: int, kept: int) -> float:
    """The share of a supplier's deliveries that come in time: what the pack states at first, and more and more what became of
    the call-offs that were `due`, of which `kept` came within the lead time."""
    return (stated * PACK_COUNTS + kept) / (PACK_COUNTS + due)


def merge(needs: Iterable[MaterialNeed]) -> tuple[MaterialNeed, ...]:
    """Needs of the same variant at the same operation as one; what needs nothing is left out."""
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    for need in needs:
        sums[need.op, need.module, need.variant] += need.quantity
    return tuple(MaterialNeed(module, variant, sum_, op) for (op, module, variant), sum_ in sums.items() if sum_ > 0)


def allocate(free: Sequence[Free], waiting: Sequence[Waiting]) -> list[Allocation]:
    """First come first served: `waiting` is in the order of their turn, `free` in that of the lots' age.

    Who comes first gets what there is, even if it is not all they need. The rest is always called off, so two that hold
    what the other one misses do not wait for ever.
    """
    lots: dict[str, list[tuple[Free, int]]] = defaultdict(list)
    for lot in reversed(free):
        lots[lot.variant].append((lot, lot.quantity))
    made = []
    for each in waiting:
        missing, stack = each.missing, lots[each.variant]
        while missing and stack:
            lot, left = stack.pop()
            quantity = min(missing, left)
            made.append(Allocation(each, lot, quantity))
            missing -= quantity
            if left > quantity:
                stack.append((lot, left - quantity))
    return made


def expected(waiting: Sequence[Waiting], supplies: Sequence[Supply], now: datetime) -> dict[tuple[str, str, str], datetime]:
    """When each need (item, operation, variant) is met, if supplies come as expected and are shared out in turn.

    What no supply covers has no date.
    """
    coming: dict[str, list[Supply]] = defaultdict(list)
    for supply in sorted(supplies, key=lambda each: (each.at(now), each.call_off)):
        coming[supply.variant].append(supply)
    needed: dict[str, int] = defaultdict(int)
    dates = {}
    for each in waiting:
        needed[each.variant] += each.missing
        covering = _covering(coming[each.variant], needed[each.variant])
        if covering is not None:
            dates[each.item, each.op, each.variant] = covering.at(now)
    return dates


def _covering(supplies: Sequence[Supply], needed: int) -> Supply | None:
    total = 0
    for supply in supplies:
        total += supply.quantity
        if total >= needed:
            return supply
    return None


def demand(level: Level, suppliers: Sequence[Supplier]) -> Demand | None:
    """What to call off now: nothing while the position is above the reorder point.

    The quantity lifts the position above the reorder point, and is at least the variant's lot and the supplier's least
    quantity. The supplier is the one who delivers earliest; where several do, the one who makes us buy least, then the
    most reliable. Whoever owes an overdue delivery comes after all others.
    """
    if level.position > level.reorder_at or not suppliers:
        return None
    lacking = level.reorder_at + 1 - level.position
    demands = [Demand(each, max(level.lot, each.moq, lacking)) for each in suppliers]
    return min(demands, key=lambda d: (d.supplier.owing, d.supplier.lead_s, d.quantity, -d.supplier.on_time, d.supplier.id))


def quickest(suppliers: Sequence[Supplier]) -> Supplier | None:
    """Whose lead time a promise may count on."""
    return min(suppliers, key=lambda each: (each.owing, each.lead_s, each.id), default=None)


def material_dates(
    needs: Sequence[MaterialNeed], count: int, levels: Mapping[str, Level], supplies: Sequence[Supply],
    suppliers: Mapping[str, Sequence[Supplier]], now: datetime, grace: float,
) -> list[MaterialDate | MaterialNeed]:  # fmt: skip
    """When each need, `count` times, could be met by somebody whose turn comes after all who wait now.

    A delivery may be late by `grace` lead times at most; then somebody else is asked. One that is late already is counted on at
    that last moment. A need comes back as itself when neither stock nor any supplier can meet it.
    """
    taken: dict[str, int] = defaultdict(int)
    answers: list[MaterialDate | MaterialNeed] = []
    for need in needs:
        level = levels[need.variant]
        taken[need.variant] += need.quantity * count
        missing = taken[need.variant] + level.waiting - level.free
        own = [supply for supply in supplies if supply.variant == need.variant]
        covering = _covering(sorted(own, key=lambda each: (each.at(now), each.call_off)), missing)
        offered = suppliers.get(need.module, ())
        by_lead = quickest(offered)
        if missing <= 0:
            answers.append(MaterialDate(need, now, "stock", ""))
        elif covering is not None:
            at = covering.at(now)
            on_time = next((each.on_time for each in offered if each.id == covering.supplier), 1.0)
            late_s = max(0.0, (covering.deadline - at).total_seconds())
            answers.append(MaterialDate(need, at, "on_order", covering.supplier, on_time if late_s else 1.0, late_s))
        elif by_lead is not None:
            at, late_s = now + timedelta(seconds=by_lead.lead_s), grace * by_lead.lead_s
            answers.append(MaterialDate(need, at, "lead_time", by_lead.id, by_lead.on_time, late_s))
        else:
            answers.append(need)
    return answers


def completed(allocations: Sequence[Allocation], complete: Collection[tuple[str, str]]) -> list[tuple[Allocation, bool]]:
    """Each allocation, and whether it is the one that made its operation complete: the last of a complete operation."""
    last = {(each.waiting.item, each.waiting.op): place for place, each in enumerate(allocations)}
    return [
        (each, (each.waiting.item, each.waiting.op) in complete and last[each.waiting.item, each.waiting.op] == place)
        for place, each in enumerate(allocations)
    ]
