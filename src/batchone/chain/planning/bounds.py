"""What no plan of a problem can go below, without solving anything.

A pool is the operations with one choice of resources. Of jobs that need a pool, no i of them can have left it before it has
worked off the i least of their needs. So its i-th departure has a bound, and whatever the order, departures and due times
that are both sorted make the least total tardiness.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from batchone.chain.planning.compiled import Compiled, Option
from batchone.chain.planning.model import NEVER, Bound

Seconds = np.ndarray[Any, np.dtype[np.int64]]
_MOMENTS = 100
"""So many departures of a pool are worked out; one in between counts as early as the one before it."""


def bound_of(compiled: Compiled) -> Bound:
    """The greatest of three bounds: each job by itself on an empty floor, each pool by its load, and the queue before it."""
    ready, ends = _alone_on_the_floor(compiled)
    job_end: dict[int, int] = {}
    for i, end in enumerate(ends):
        job_end[compiled.job[i]] = max(end, job_end.get(compiled.job[i], end))
    alone = sum(compiled.weight[j] * max(0, end - due) for j, end in job_end.items() if (due := compiled.due[j]) is not None)
    pools = _pools(compiled, ready)
    queued = [pool.tardiness() for pool in pools]
    return Bound(max([alone, *queued]), max([*ends, *(pool.makespan() for pool in pools)], default=0))


def _alone_on_the_floor(compiled: Compiled) -> tuple[list[int], list[int]]:
    """When each operation could begin and end if only material, precedence and calendars were in its way."""
    readies, ends = [0] * compiled.n, [0] * compiled.n
    for i in compiled.topological:
        head = compiled.heads.get(i)
        if head is not None:
            ends[i] = head.end_s
            continue
        lags = zip(compiled.preds[i], compiled.lags[i], strict=True)
        ready = readies[i] = max([compiled.ready[i], *(ends[p] + lag for p, lag in lags)])
        ends[i] = min(_alone(compiled, i, ready, option) for option in compiled.options[i])
    return readies, ends


def _alone(compiled: Compiled, i: int, ready: int, option: Option) -> int:
    r, seconds = option
    start = compiled.calendar[r].next_start(max(ready, compiled.available[r]))
    return compiled.finish(i, r, start, seconds)


def _pools(compiled: Compiled, ready: list[int]) -> list[_Pool]:
    pools: dict[tuple[int, ...], list[int]] = {}
    for i, options in enumerate(compiled.options):
        if i not in compiled.heads:
            pools.setdefault(tuple(r for r, _ in options), []).append(i)
    behind = _behind(compiled)
    return [_Pool(compiled, pool, members, ready, behind) for pool, members in pools.items()]


def _behind(compiled: Compiled) -> list[int]:
    """Seconds from the end of each operation to the end of its own job, at least."""
    behind = [0] * compiled.n
    for i in reversed(compiled.topological):
        after = [s for s in compiled.succs[i] if s not in compiled.heads and compiled.job[s] == compiled.job[i]]
        behind[i] = max((compiled.lag(i, s) + compiled.shortest[s] + behind[s] for s in after), default=0)
    return behind


class _Pool:
    """Operations with the same choice of resources, and how much these can do until when."""

    def __init__(
        self, compiled: Compiled, resources: tuple[int, ...], members: list[int], ready: list[int], behind: list[int]
    ) -> None:
        self._compiled, self._members, self._behind = compiled, members, behind
        self._ready, self._begin = ready, min(ready[i] for i in members)
        self._counted = all(compiled.attended[i] for i in members)
        # Resources with the same hours do as much in the same time, so each kind is asked once.
        self._kinds: dict[tuple[int, int], tuple[int, int]] = {}
        for r in resources:
            key = id(compiled.calendar[r]), compiled.available[r]
            one, many = self._kinds.get(key, (r, 0))
            self._kinds[key] = one, many + compiled.positions[r] * compiled.problem.resources[r].batch
        self._rate = sum(many for _, many in self._kinds.values())

    def makespan(self) -> int:
        """Until when it needs for all, and what is behind it."""
        compiled = self._compiled
        work = sum(compiled.shortest[i] for i in self._members)
        return self._when(work) + min(compiled.tail[i] - compiled.shortest[i] for i in self._members)

    def tardiness(self) -> int:
        """The least weighted tardiness that its queue alone makes.

        A weight counts in layers: the jobs at least as important as each, by what that is more than the one below.
        """
        work: dict[int, int] = {}
        behind: dict[int, int] = {}
        soonest: dict[int, int] = {}
        c = self._compiled
        for i in self._members:
            j = c.job[i]
            if c.due[j] is not None and c.weight[j] > 0:
                work[j] = work.get(j, 0) + c.shortest[i]
                behind[j] = min(behind.get(j, NEVER), self._behind[i])
                soonest[j] = max(soonest.get(j, 0), self._ready[i] + c.shortest[i])
        jobs = sorted(work, key=work.__getitem__)
        needs = np.array([work[j] for j in jobs], np.int64)
        first = np.array([soonest[j] for j in jobs], np.int64)
        due = np.array([(c.due[j] or 0) - behind[j] for j in jobs], np.int64)
        weight = np.array([c.weight[j] for j in jobs], np.int64)
        total, below = 0, 0
        for level in np.unique(weight):
            of = weight >= level
            departures = np.maximum(self._departures(np.cumsum(needs[of])), np.sort(first[of]))
            total += int(level - below) * int(np.maximum(0, departures - np.sort(due[of])).sum())
            below = level
        return total

    def _departures(self, work: Seconds) -> Seconds:
        """No departure is sooner than this; `work` is what it has done by then at least, in order."""
        places = np.unique(np.linspace(0, len(work) - 1, min(len(work), _MOMENTS)).astype(int))
        moments = np.array(self._moments(work[places].tolist()), np.int64)
        return moments[np.searchsorted(places, np.arange(len(work)), side="right") - 1]

    def _moments(self, work: Sequence[int]) -> list[int]:
        found: list[int] = []
        for seconds in work:
            found.append(self._when(seconds, found[-1] if found else self._begin))
        return found

    def _when(self, work: int, since: int | None = None) -> int:
        """The first moment by which it can have done so much; the beginning if that is never, which no bound can use."""
        low = self._begin if since is None else since
        high = low + max(1, (work - self._capacity(low)) // self._rate + 1)
        while high < NEVER and self._capacity(high) < work:
            low, high = high, high + (high - low) * 2
        if high >= NEVER:
            return self._begin
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._capacity(middle) >= work else (middle + 1, high)
        return low

    def _capacity(self, until: int) -> int:
        total = 0
        for r, many in self._kinds.values():
            since = max(self._begin, self._compiled.available[r])
            if until > since:
                total += many * (self._compiled.calendar[r].working(since, until) if self._counted else until - since)
        return total
