"""What a planner's change does, in rows and counts for the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from batchone.contracts.by_hand import Bottleneck, Bottlenecks, Branch, Reasons, Share
from batchone.contracts.pack import Text
from batchone.contracts.planning import OrderChange, PlannedOperation, Worth
from batchone.web.books import Book
from batchone.web.briefs import Brief

ORDERS_SHOWN = 6
_WORTH_TELLING = timedelta(seconds=60)


@dataclass(frozen=True)
class Effect:
    """How many orders end later, earlier, become late or timely, or are left out; and those that change most."""

    later: int
    earlier: int
    become_late: int
    become_timely: int
    left_out: int
    first: tuple[OrderChange, ...]

    @property
    def nothing(self) -> bool:
        """No order's finish changes."""
        return not (self.later or self.earlier or self.left_out)


def effect(orders: Sequence[OrderChange]) -> Effect:
    """The counts of some changes; changes of less than a minute are not told."""
    told = [
        each for each in orders if each.before is None or each.after is None or abs(each.after - each.before) >= _WORTH_TELLING
    ]
    both = [(each, each.after - each.before) for each in told if each.before is not None and each.after is not None]
    most = sorted(both, key=lambda pair: (not pair[0].late_after or pair[0].late_before, -abs(pair[1])))
    return Effect(
        later=sum(by > timedelta(0) for _, by in both),
        earlier=sum(by < timedelta(0) for _, by in both),
        become_late=sum(each.late_after and not each.late_before for each, _ in both),
        become_timely=sum(each.late_before and not each.late_after for each, _ in both),
        left_out=sum(each.after is None for each in told),
        first=tuple(each for each, _ in most[:ORDERS_SHOWN]),
    )


def _worth_telling(change: OrderChange) -> bool:
    return change.before is None or change.after is None or abs(change.after - change.before) >= _WORTH_TELLING


@dataclass(frozen=True)
class Column:
    """A branch of the comparison."""

    branch: Branch
    effect: Effect


@dataclass(frozen=True)
class Line:
    """An order of the comparison: its due time, its finish in force, and in each branch."""

    order: str
    due: datetime
    before: datetime | None
    after: tuple[datetime | None, ...]


@dataclass(frozen=True)
class Comparison:
    """Branches beside the plan in force."""

    before: Worth | None
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


def comparison(branches: Sequence[Branch]) -> Comparison:
    """The planned ones of some branches, side by side; an order that a branch leaves as it is has its finish in force."""
    planned = [(branch, branch.result) for branch in branches if branch.result is not None]
    newest = max((result for _, result in planned), key=lambda result: result.made, default=None)
    changes = [{each.order: each for each in result.orders} for _, result in planned]
    first: dict[str, OrderChange] = {}
    for known in changes:
        for order, change in known.items():
            first.setdefault(order, change)
    lines = [
        Line(order, change.due, change.before, tuple(c[order].after if order in c else change.before for c in changes))
        for order, change in first.items()
    ]
    return Comparison(
        newest.before if newest else None,
        tuple(Column(branch, effect(result.orders)) for branch, result in planned),
        tuple(sorted(lines, key=_spread, reverse=True)),
    )


def to_take_back(branches: Iterable[Branch]) -> Branch | None:
    """The branch that was accepted last of those that were not taken back; a first plan has none before it."""
    accepted = [(each.plan, each) for each in branches if each.state == "accepted" and each.plan and each.back is None]
    number, found = max(accepted, key=lambda pair: pair[0], default=(0, None))
    return found if number > 1 else None


def _spread(line: Line) -> float:
    times = [at.timestamp() for at in (line.before, *line.after) if at is not None]
    return max(times) - min(times) if times else 0.0


@dataclass(frozen=True)
class Blame:
    """What an order waited for at one place, all together."""

    cause: str
    equipment: str
    seconds: int
    share: float


def blamed(reasons: Reasons) -> tuple[Blame, ...]:
    """The causes of an order's time, the longest first; its own work is one of them."""
    whole = sum(each.seconds for each in reasons.shares) or 1
    found: dict[tuple[str, str], int] = {}
    for each in reasons.shares:
        place = (each.cause, "" if each.cause in ("work", "material") else each.equipment)
        found[place] = found.get(place, 0) + each.seconds
    rows = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(Blame(cause, equipment, seconds, seconds / whole) for (cause, equipment), seconds in rows)


@dataclass(frozen=True)
class Saving:
    """What more of an equipment would save; None where not measured."""

    late_s: int | None
    makespan_s: int | None

    @property
    def seconds(self) -> int | None:
        """Of lateness if it saves any, else of the time until all is done."""
        return self.late_s or self.makespan_s


def saving(now: Worth, then: Worth | None) -> Saving:
    """The difference; never negative, since a timetable may always be kept."""
    if then is None:
        return Saving(None, None)
    return Saving(max(0, now.tardiness_s - then.tardiness_s), max(0, now.makespan_s - then.makespan_s))


@dataclass(frozen=True)
class Help:
    """An equipment that is waited for, and what would help."""

    found: Bottleneck
    name: Text
    hour: Saving
    position: Saving


def helps(found: Bottlenecks, books: Sequence[Book]) -> tuple[Help, ...]:
    """The equipment of the plan, that which is waited for most first."""
    return tuple(
        Help(each, named(books, each.equipment), saving(found.worth, each.hour), saving(found.worth, each.position))
        for each in found.equipment
    )


def best_help(rows: Sequence[Help]) -> tuple[Help, str, Saving] | None:
    """The one change that saves most, if any saves anything."""
    every = [(row, kind, each) for row in rows for kind, each in (("hour", row.hour), ("position", row.position))]
    found = max(every, key=lambda one: (one[2].late_s or 0, one[2].makespan_s or 0), default=None)
    return found if found and found[2].seconds else None


def named(books: Sequence[Book], equipment: str) -> Text:
    """What an equipment is called."""
    known = next((book.equipment(equipment) for book in books if book.equipment(equipment)), None)
    return known.name if known else {"en": equipment}


def op_named(books: Sequence[Book], op: str) -> Text:
    """What an operation is called."""
    return next((book.operation_name(op) for book in books if book.operation(op)), {"en": op})


@dataclass(frozen=True)
class Choice:
    """An operation that may be moved, for a form."""

    item: str
    op: str
    name: Text
    brief: Brief
    start: datetime
    equipment: str


def choices(
    books: Sequence[Book], operations: Iterable[PlannedOperation], briefs: Mapping[str, Brief], since: datetime
) -> tuple[Choice, ...]:
    """The operations that no machine has yet and that begin late enough."""
    return tuple(
        Choice(each.item, each.op, op_named(books, each.op), briefs[each.order], each.start, each.equipment)
        for each in operations
        if each.state == "planned" and each.setup_start >= since
    )


def of_orders(shares: Sequence[Share]) -> list[str]:
    """The orders that some shares name."""
    return list(dict.fromkeys(each.order for each in shares))
