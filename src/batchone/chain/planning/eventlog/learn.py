"""What a log tells of routings, durations, who can do what, and when everybody works."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from batchone.chain.planning.eventlog.read import Span
from batchone.chain.planning.model import DAY_S, WEEK_S, Calendar
from batchone.chain.planning.model.calendars import Interval, merged

JOIN_S = 3600
"""Reports of one worker on one order and activity no further apart than this are one piece of work."""
TOUCH_S = 900
"""Two pieces of an order that overlap by no more than this are taken to follow each other."""
PRESENT_S = 2 * 3600
"""Between reports no further apart than this a worker is taken to be there."""
_SLOT_S = 1800
_HABIT = 0.5


class Sharing(StrEnum):
    """What is made of the time in which a worker reports several orders at once."""

    ONE_JOB = "one job at a time"
    """It is divided equally among the orders reported, and a worker does one job at a time."""
    AS_REPORTED = "as many at once as reported"
    """Each order gets it in full, and a worker does as many jobs at once as in nearly all of the reported time."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One step of an order: consecutive reports of one worker on one activity. `after`: indexes of pieces before it."""

    activity: str
    worker: str
    begin_s: int
    end_s: int
    work_s: int
    after: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it went: its pieces in the order of their begin. `rework`: an activity was taken up again, or is so named."""

    id: str
    release_s: int
    end_s: int
    pieces: tuple[Piece, ...]
    rework: bool


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker as the log shows them.

    `presence`: intervals of seconds from the origin. `at_once`: how many orders they report at once at most, in 95 % of
    their reported time. `busy_s`: reported time, overlaps counted once. `week`: usual hours, in seconds from Monday.
    """

    id: str
    activities: tuple[str, ...]
    presence: tuple[Interval, ...]
    at_once: int
    busy_s: int
    week: tuple[Interval, ...]

    def calendar(self, until_s: int, monday_s: int) -> Calendar:
        """Present when the log shows it until `until_s` (its end), then by the usual week; `monday_s`: second of a Monday."""
        head = tuple((a, min(b, until_s)) for a, b in self.presence if a < until_s)
        phase = (until_s - monday_s) % WEEK_S
        turned = [((a - phase) % WEEK_S, b - a) for a, b in self.week]
        pieces = [(a, min(a + length, WEEK_S)) for a, length in turned]
        pieces += [(0, a + length - WEEK_S) for a, length in turned if a + length > WEEK_S]
        cycle = tuple(merged(pieces))
        return Calendar(f"of-{self.id}", head, until_s, cycle, WEEK_S if cycle else 0)


@dataclass(frozen=True, slots=True)
class Learnt:
    """Everything learnt from a log. `origin`: midnight before its first span; `end_s`: its last second."""

    origin: datetime
    end_s: int
    sharing: Sharing
    orders: tuple[Order, ...]
    workers: tuple[Worker, ...]

    def who_does(self, activity: str) -> tuple[str, ...]:
        """The workers who did an activity at least once."""
        return tuple(worker.id for worker in self.workers if activity in worker.activities)


def learn(spans: Sequence[Span], sharing: Sharing = Sharing.ONE_JOB) -> Learnt:
    """Learns from usable spans; `ValueError` if there are none."""
    if not spans:
        raise ValueError("a log without a usable row teaches nothing")
    first = min(span.begin for span in spans)
    origin = first.replace(hour=0, minute=0, second=0, microsecond=0)
    at = _Clock(origin)
    ordered = sorted(spans, key=lambda span: (span.begin, span.end, span.line))
    shares = _shares(ordered, at) if sharing is Sharing.ONE_JOB else {}
    orders: dict[str, list[Span]] = {}
    for span in ordered:
        orders.setdefault(span.order, []).append(span)
    end_s = max(at(span.end) for span in spans)
    return Learnt(
        origin,
        end_s,
        sharing,
        tuple(_order(name, group, at, shares) for name, group in sorted(orders.items())),
        tuple(_workers(ordered, at)),
    )


@dataclass(frozen=True, slots=True)
class _Clock:
    origin: datetime

    def __call__(self, moment: datetime) -> int:
        return round((moment - self.origin).total_seconds())


def _shares(spans: Sequence[Span], at: _Clock) -> dict[str, list[tuple[int, int, int]]]:
    """Per worker, stretches of time (begin, end, number of order-and-activity pairs reported at once)."""
    by: dict[str, list[Span]] = {}
    for span in spans:
        by.setdefault(span.worker, []).append(span)
    return {worker: _levels(group, at) for worker, group in by.items()}


def _levels(group: Sequence[Span], at: _Clock) -> list[tuple[int, int, int]]:
    things: dict[tuple[str, str], list[Interval]] = {}
    for span in group:
        things.setdefault((span.order, span.activity), []).append((at(span.begin), at(span.end)))
    edges: list[tuple[int, int]] = []
    for intervals in things.values():
        for a, b in merged(intervals):
            edges += [(a, 1), (b, -1)]
    out: list[tuple[int, int, int]] = []
    level, since = 0, 0
    for second, step in sorted(edges):
        if level and second > since:
            out.append((since, second, level))
        level, since = level + step, second
    return out


def _order(name: str, spans: Sequence[Span], at: _Clock, shares: dict[str, list[tuple[int, int, int]]]) -> Order:
    open_: dict[tuple[str, str], list[Interval]] = {}
    found: list[tuple[int, int, str, str, int]] = []

    def close(key: tuple[str, str]) -> None:
        intervals = merged(open_.pop(key))
        work = sum(_counted(a, b, shares.get(key[0])) for a, b in intervals)
        found.append((intervals[0][0], intervals[-1][1], key[0], key[1], max(1, round(work))))

    for span in spans:
        key = (span.worker, span.activity)
        begin, end = at(span.begin), at(span.end)
        if key in open_ and begin - max(b for _, b in open_[key]) > JOIN_S:
            close(key)
        open_.setdefault(key, []).append((begin, end))
    for key in list(open_):
        close(key)
    found.sort()
    pieces = _linked(found)
    return Order(name, pieces[0].begin_s, max(piece.end_s for piece in pieces), pieces, _reworked(pieces))


def _counted(a: int, b: int, levels: list[tuple[int, int, int]] | None) -> float:
    """Seconds of an interval that count for one order: all, or its share where several were reported at once."""
    if levels is None:
        return b - a
    return sum((min(b, y) - max(a, x)) / level for x, y, level in levels if x < b and y > a)


def _linked(found: Sequence[tuple[int, int, str, str, int]]) -> tuple[Piece, ...]:
    """Pieces with the pieces before them: a piece follows those that had ended when it began, and no others.

    Pieces that the shop did at the same time may be done at the same time, in either order, if they are of one activity;
    different activities follow each other in the order in which they began.
    """
    before: list[set[int]] = []
    pieces: list[Piece] = []
    for i, (begin, end, worker, activity, work) in enumerate(found):
        direct = {j for j in range(i) if _follows(found[j], found[i])}
        implied = set().union(*(before[j] for j in direct)) if direct else set()
        before.append(direct | implied)
        pieces.append(Piece(activity, worker, begin, end, work, tuple(sorted(direct - implied))))
    return tuple(pieces)


def _follows(first: tuple[int, int, str, str, int], second: tuple[int, int, str, str, int]) -> bool:
    overlap = first[1] - second[0]
    return first[3] != second[3] or overlap <= min(TOUCH_S, (first[1] - first[0]) // 2, (second[1] - second[0]) // 2)


def _reworked(pieces: Sequence[Piece]) -> bool:
    left: set[str] = set()
    last = ""
    for piece in pieces:
        if piece.activity in left or "rework" in piece.activity.lower():
            return True
        if piece.activity != last:
            left.add(last)
            last = piece.activity
    return False


def _workers(spans: Sequence[Span], at: _Clock) -> Iterable[Worker]:
    by: dict[str, list[Span]] = {}
    for span in spans:
        by.setdefault(span.worker, []).append(span)
    monday_s = -at.origin.weekday() * DAY_S
    for name, group in sorted(by.items()):
        busy = merged((at(span.begin), at(span.end)) for span in group)
        presence = _joined(busy)
        activities = tuple(sorted({span.activity for span in group}))
        busy_s = sum(b - a for a, b in busy)
        week = tuple(_habit(presence, monday_s))
        yield Worker(name, activities, tuple(presence), _at_once(_levels(group, at)), busy_s, week)


def _joined(busy: Sequence[Interval]) -> list[Interval]:
    out: list[Interval] = []
    for a, b in busy:
        if out and a - out[-1][1] <= PRESENT_S:
            out[-1] = (out[-1][0], b)
        else:
            out.append((a, b))
    return out


def _at_once(levels: Sequence[tuple[int, int, int]]) -> int:
    """The least number that is not exceeded in 95 % of the reported time."""
    spent: dict[int, int] = {}
    for a, b, level in levels:
        spent[level] = spent.get(level, 0) + b - a
    total, upto = sum(spent.values()), 0
    for level in sorted(spent):
        upto += spent[level]
        if upto >= 0.95 * total:
            return level
    return 1


def _habit(presence: Sequence[Interval], monday_s: int) -> list[Interval]:
    """Half hours of the week in which the worker was there in at least half of the weeks that saw them at all.

    Where no half hour is as regular, all in which they were ever there.
    """
    seen: dict[int, set[int]] = {}
    for a, b in presence:
        for slot in range((a - monday_s) // _SLOT_S, -(-(b - monday_s) // _SLOT_S)):
            week, of_week = divmod(slot, WEEK_S // _SLOT_S)
            seen.setdefault(of_week, set()).add(week)
    weeks = len(set().union(*seen.values()))
    usual = sorted(slot for slot, in_weeks in seen.items() if len(in_weeks) >= _HABIT * weeks) or sorted(seen)
    return merged((slot * _SLOT_S, (slot + 1) * _SLOT_S) for slot in usual)
