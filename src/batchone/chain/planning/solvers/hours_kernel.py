"""Working time in compiled code: the arithmetic of `Calendar` over the tables."""

from __future__ import annotations

from batchone.chain.planning.model import NEVER as _NEVER
from batchone.chain.planning.solvers.jit import lean
from batchone.chain.planning.solvers.tables import Records

NEVER = _NEVER


@lean
def _last_begun(spans: Records, at: int, lo: int, hi: int) -> int:
    """The last interval of `[lo, hi)` that begins at or before `at`; `lo - 1` if none does."""
    low, high = lo, hi
    while low < high:
        middle = (low + high) >> 1
        if spans[middle].start <= at:
            low = middle + 1
        else:
            high = middle
    return low - 1


@lean
def _worked_in(spans: Records, lo: int, hi: int, at: int) -> int:
    i = _last_begun(spans, at, lo, hi)
    if i < lo:
        return 0
    end = spans[i].end
    past = at if at < end else end
    return spans[i].upto - (end - past)


@lean
def _reached_in(spans: Records, lo: int, hi: int, work: int) -> int:
    low, high = lo, hi
    while low < high:
        middle = (low + high) >> 1
        if spans[middle].upto < work:
            low = middle + 1
        else:
            high = middle
    return spans[low].end - (spans[low].upto - work)


@lean
def worked(calendars: Records, spans: Records, c: int, at: int) -> int:
    """`Calendar.worked`."""
    if calendars[c].always:
        return at
    lo, mid, hi = calendars[c].head_at, calendars[c].cycle_at, calendars[c + 1].head_at
    if at < calendars[c].head_end or mid == hi:
        return _worked_in(spans, lo, mid, at)
    total = spans[mid - 1].upto if mid > lo else 0
    rounds = (at - calendars[c].head_end) // calendars[c].cycle_s
    rest = at - calendars[c].head_end - rounds * calendars[c].cycle_s
    return total + rounds * spans[hi - 1].upto + _worked_in(spans, mid, hi, rest)


@lean
def reached(calendars: Records, spans: Records, c: int, work: int) -> int:
    """`Calendar.reached`."""
    if calendars[c].always:
        return work
    lo, mid, hi = calendars[c].head_at, calendars[c].cycle_at, calendars[c + 1].head_at
    total = spans[mid - 1].upto if mid > lo else 0
    if work <= total:
        return _reached_in(spans, lo, mid, work)
    if mid == hi:
        return NEVER
    each = spans[hi - 1].upto
    rounds = (work - total - 1) // each
    rest = work - total - 1 - rounds * each
    return calendars[c].head_end + rounds * calendars[c].cycle_s + _reached_in(spans, mid, hi, rest + 1)


@lean
def next_start(calendars: Records, spans: Records, c: int, at: int) -> int:
    """`Calendar.next_start`."""
    if calendars[c].always or at >= NEVER:
        return at
    lo, mid, hi = calendars[c].head_at, calendars[c].cycle_at, calendars[c + 1].head_at
    if at < calendars[c].head_end or mid == hi:
        i = _last_begun(spans, at, lo, mid)
        if i >= lo and at < spans[i].end:
            return at
        if i + 1 < mid:
            return spans[i + 1].start
        if mid == hi:
            return NEVER
        at = calendars[c].head_end
    rounds = (at - calendars[c].head_end) // calendars[c].cycle_s
    base = calendars[c].head_end + rounds * calendars[c].cycle_s
    rest = at - base
    i = _last_begun(spans, rest, mid, hi)
    if i >= mid and rest < spans[i].end:
        return at
    if i + 1 < hi:
        return base + spans[i + 1].start
    return base + calendars[c].cycle_s + spans[mid].start


@lean
def work_end(calendars: Records, spans: Records, c: int, start: int, duration: int) -> int:
    """`Calendar.work_end`."""
    if calendars[c].always or duration == 0 or start >= NEVER:
        return start + duration
    return reached(calendars, spans, c, worked(calendars, spans, c, start) + duration)


@lean
def latest_start(calendars: Records, spans: Records, c: int, end: int, duration: int) -> int:
    """`Calendar.latest_start`."""
    if calendars[c].always or duration == 0:
        return end - duration
    work = worked(calendars, spans, c, end) - duration
    if work < 0:
        return -NEVER
    return reached(calendars, spans, c, work + 1) - 1
