"""When a resource works: intervals of seconds, with breaks already taken out, and the arithmetic on them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from itertools import accumulate

DAY_S = 86_400
WEEK_S = 7 * DAY_S
NEVER = 1 << 50
"""A time, in seconds, that no plan reaches: what a calendar answers when it has no working time left."""

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shift:
    """Working time (or a break) on some weekdays, from a local time of day to another.

    `days`: 0 Monday to 6 Sunday. `from_s`, `to_s`: seconds since local midnight; a `to_s` that is not after `from_s` ends
    on the next day.
    """

    days: tuple[int, ...]
    from_s: int
    to_s: int

    def on(self, day: date, zone: tzinfo) -> tuple[datetime, datetime]:
        """Begin and end of the shift that starts on a local date."""
        ends_s = self.to_s if self.to_s > self.from_s else self.to_s + DAY_S
        return _local(day, self.from_s, zone), _local(day, ends_s, zone)


def _local(day: date, second: int, zone: tzinfo) -> datetime:
    whole, rest = divmod(second, DAY_S)
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(days=whole)
    return midnight.replace(hour=rest // 3600, minute=rest // 60 % 60, second=rest % 60)


class _Spans:
    """Sorted, disjoint intervals with the working seconds summed up before each."""

    __slots__ = ("before", "ends", "starts", "total", "upto")

    def __init__(self, intervals: Sequence[Interval]) -> None:
        self.starts = [a for a, _ in intervals]
        self.ends = [b for _, b in intervals]
        self.upto = list(accumulate(b - a for a, b in intervals))
        self.before = [0, *self.upto[:-1]] if self.upto else []
        self.total = self.upto[-1] if self.upto else 0

    def worked(self, at: int) -> int:
        i = bisect_right(self.starts, at) - 1
        if i < 0:
            return 0
        end = self.ends[i]
        return self.before[i] + (at if at < end else end) - self.starts[i]

    def reached(self, work: int) -> int:
        i = bisect_left(self.upto, work)
        return self.starts[i] + work - self.before[i]

    def next(self, at: int) -> int | None:
        i = bisect_right(self.ends, at)
        if i == len(self.starts):
            return None
        start = self.starts[i]
        return start if start > at else at


@dataclass(frozen=True)
class Calendar:
    """Working time in seconds from the problem's origin: explicit intervals first, a repeating cycle after them.

    `head` holds until `head_end_s`; from there `cycle` repeats every `cycle_s` seconds (intervals within `[0, cycle_s)`;
    none: no more working time). Intervals are half-open, sorted, disjoint. Before second 0 nothing is known: a calendar
    is asked about the future only.
    """

    id: str
    head: tuple[Interval, ...] = ()
    head_end_s: int = 0
    cycle: tuple[Interval, ...] = ()
    cycle_s: int = 0
    always: bool = field(init=False, compare=False, repr=False)
    _head: _Spans = field(init=False, compare=False, repr=False)
    _cycle: _Spans = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, intervals, end in (("head", self.head, self.head_end_s), ("cycle", self.cycle, self.cycle_s)):
            last = -NEVER
            for a, b in intervals:
                if not (last <= a < b <= end):
                    raise ValueError(f"calendar {self.id!r}: {name} must be sorted, disjoint and end by {end}: {a}-{b}")
                last = b
        object.__setattr__(self, "always", not self.head and self.head_end_s <= 0 and self.cycle == ((0, self.cycle_s),))
        object.__setattr__(self, "_head", _Spans(self.head))
        object.__setattr__(self, "_cycle", _Spans(self.cycle))

    def worked(self, at: int) -> int:
        """Working seconds from the beginning of the calendar until `at`; never falls as `at` grows."""
        if self.always:
            return at
        if at < self.head_end_s or not self.cycle:
            return self._head.worked(at)
        rounds, rest = divmod(at - self.head_end_s, self.cycle_s)
        return self._head.total + rounds * self._cycle.total + self._cycle.worked(rest)

    def reached(self, work: int) -> int:
        """The first time at which `work` (> 0) working seconds have passed since the beginning; `NEVER` if they never do."""
        if self.always:
            return work
        head = self._head.total
        if work <= head:
            return self._head.reached(work)
        if not self.cycle:
            return NEVER
        rounds, rest = divmod(work - head - 1, self._cycle.total)
        return self.head_end_s + rounds * self.cycle_s + self._cycle.reached(rest + 1)

    def working(self, a: int, b: int) -> int:
        """Working seconds in `[a, b)`."""
        return self.worked(b) - self.worked(a)

    def next_start(self, at: int) -> int:
        """The first working second at or after `at`; `NEVER` if there is none."""
        if self.always or at >= NEVER:
            return at
        if at < self.head_end_s or not self.cycle:
            found = self._head.next(at)
            if found is not None:
                return found
            if not self.cycle:
                return NEVER
            at = self.head_end_s
        rounds, rest = divmod(at - self.head_end_s, self.cycle_s)
        found = self._cycle.next(rest)
        base = self.head_end_s + rounds * self.cycle_s
        return base + (found if found is not None else self.cycle_s + self.cycle[0][0])

    def work_end(self, start: int, duration: int) -> int:
        """When attended work that starts at `start` has had `duration` working seconds; it pauses over breaks."""
        if self.always or duration == 0 or start >= NEVER:
            return start + duration
        return self.reached(self.worked(start) + duration)

    def latest_start(self, end: int, duration: int) -> int:
        """The last time from which `duration` working seconds fit before `end`; -NEVER if they never do."""
        if self.always or duration == 0:
            return end - duration
        work = self.worked(end) - duration
        if work < 0:
            return -NEVER
        # The moment *after* which work continues, so a duration does not begin with a break.
        return self.reached(work + 1) - 1

    def minus(self, closed: Iterable[Interval]) -> Calendar:
        """The same calendar without some intervals (a holiday, a stop)."""
        gaps = merged(closed)
        if not gaps:
            return self
        until = max(self.head_end_s, gaps[-1][1])
        return self._with_head(_without(self._unrolled(until), gaps), until)

    def plus(self, opened: Iterable[Interval]) -> Calendar:
        """The same calendar with some intervals more (overtime)."""
        extra = merged(opened)
        if not extra:
            return self
        until = max(self.head_end_s, extra[-1][1])
        return self._with_head(merged([*self._unrolled(until), *extra]), until)

    def intervals(self, a: int, b: int) -> list[Interval]:
        """The working intervals cut to `[a, b)`."""
        return _cut(self._unrolled(b), a, b)

    def _with_head(self, head: Sequence[Interval], until: int) -> Calendar:
        shift = (until - self.head_end_s) % self.cycle_s if self.cycle_s else 0
        return Calendar(self.id, tuple(head), until, _rotated(self.cycle, self.cycle_s, shift), self.cycle_s)

    def _unrolled(self, until: int) -> list[Interval]:
        """The intervals before `until`, the cycle written out; the last one is cut at `until`."""
        out = [(a, min(b, until)) for a, b in self.head if a < until]
        base = self.head_end_s
        while self.cycle and base < until:
            out += [(base + a, min(base + b, until)) for a, b in self.cycle if base + a < until]
            base += self.cycle_s
        return merged(out)


ALWAYS = Calendar("always", cycle=((0, WEEK_S),), cycle_s=WEEK_S)
"""Works day and night."""


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted, disjoint intervals that cover the same seconds; empty ones vanish, touching ones become one."""
    out: list[Interval] = []
    for a, b in sorted(pair for pair in intervals if pair[0] < pair[1]):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], b))
        else:
            out.append((a, b))
    return out


def weekly(
    name: str, shifts: Iterable[Shift], breaks: Iterable[Shift] = (), *, origin: datetime, days_ahead: int = 400
) -> Calendar:
    """A calendar of weekly shifts without breaks, in seconds from an aware `origin`, in its time zone.

    Where the zone changes its clocks within `days_ahead` days, that time is written out day by day, so that 06:00 stays
    06:00; after it the last week repeats.
    """
    zone = origin.tzinfo
    if zone is None:
        raise ValueError(f"calendar {name!r}: origin must know its time zone")
    work, rest = tuple(shifts), tuple(breaks)
    steady = len({(origin + timedelta(days=d)).utcoffset() for d in range(0, days_ahead, 7)}) == 1
    # A week of lead catches the shift that began before the origin; a week of trail is the cycle.
    explicit_days = 0 if steady else days_ahead
    first = origin.date() - timedelta(days=8)
    open_, closed = (_dated(kind, first, explicit_days + 24, zone, origin) for kind in (work, rest))
    worked = _without(merged(open_), merged(closed))
    head_end = explicit_days * DAY_S
    head = _cut(worked, 0, head_end)
    cycle = tuple((a - head_end, b - head_end) for a, b in _cut(worked, head_end, head_end + WEEK_S))
    return Calendar(name, tuple(head), head_end, cycle, WEEK_S if cycle else 0)


def _cut(intervals: Sequence[Interval], a: int, b: int) -> list[Interval]:
    return [(max(x, a), min(y, b)) for x, y in intervals if max(x, a) < min(y, b)]


def _dated(shifts: tuple[Shift, ...], first: date, days: int, zone: tzinfo, origin: datetime) -> list[Interval]:
    out: list[Interval] = []
    for n in range(days):
        day = first + timedelta(days=n)
        for shift in shifts:
            if day.weekday() in shift.days:
                begin, end = shift.on(day, zone)
                out.append((_seconds(begin, origin), _seconds(end, origin)))
    return out


def _seconds(at: datetime, origin: datetime) -> int:
    return round(at.timestamp() - origin.timestamp())


def _without(work: Sequence[Interval], gaps: Sequence[Interval]) -> list[Interval]:
    out: list[Interval] = []
    for a, b in work:
        at = a
        for x, y in gaps[bisect_left(gaps, a, key=lambda gap: gap[1]) :]:
            if x >= b:
                break
            if x > at:
                out.append((at, x))
            at = max(at, y)
        if at < b:
            out.append((at, b))
    return out


def _rotated(cycle: tuple[Interval, ...], cycle_s: int, shift: int) -> tuple[Interval, ...]:
    """The cycle as seen from `shift` seconds later."""
    if not shift:
        return cycle
    moved = [(a - shift, b - shift) for a, b in cycle]
    out = [(a, b) for a, b in moved if a >= 0]
    out += [(a + cycle_s, b + cycle_s) for a, b in moved if b <= 0]
    for a, b in moved:
        if a < 0 < b:
            out += [(0, b), (a + cycle_s, cycle_s)]
    return tuple(merged(out))
