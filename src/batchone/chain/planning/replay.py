"""Times anew a schedule whose places and order are given: the one way in which an order becomes dates."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.model import NEVER
from batchone.chain.planning.schedule import UNPLACED, Schedule


def replay(
    compiled: Compiled, resource: list[int], track: list[int], order: list[int], *, chained: bool = True
) -> Schedule | None:
    """The earliest schedule that keeps the place of each operation and the order on each track.

    `order` ranks operations (their starts will do); `track` may be `UNPLACED` where any will do, which is then the best
    fitting one. `chained`: on a named track nobody passes; otherwise an operation that is not ready lets others pass.
    None if the order contradicts the precedences, or a calendar has no time left for it.
    """
    schedule = Schedule(compiled)
    waiting = _Waiting(compiled, schedule)
    if chained:
        waiting.chain(resource, track, order)
    heap = [(order[i] if chained else max(order[i], waiting.ready[i]), i) for i in waiting.open()]
    heapify(heap)
    while heap:
        _, i = heappop(heap)
        r, k = resource[i], track[i]
        ready = waiting.ready[i]
        if k == UNPLACED:
            k = schedule.best_track(i, r, ready)
        seconds = duration(compiled, i, r)
        if schedule.times(i, r, k, ready, seconds)[2] >= NEVER:
            return None
        end = schedule.append(i, r, k, ready, seconds)
        for s in waiting.done(i, end):
            heappush(heap, (order[s] if chained else max(order[s], waiting.ready[s]), s))
    return schedule if schedule.placed == compiled.n else None


def duration(compiled: Compiled, i: int, r: int) -> int:
    """Seconds of operation `i` on resource `r`; `KeyError` if it cannot be done there."""
    for where, seconds in compiled.options[i]:
        if where == r:
            return seconds
    raise KeyError((i, r))


class _Waiting:
    """How many things each operation still waits for, and since when the others have been there."""

    def __init__(self, compiled: Compiled, schedule: Schedule) -> None:
        self.c = compiled
        self.ready = list(compiled.ready)
        self.missing = [len(preds) for preds in compiled.preds]
        self.after: dict[int, int] = {}
        for i in compiled.heads:
            self.done(i, schedule.end[i])

    def chain(self, resource: list[int], track: list[int], order: list[int]) -> None:
        last: dict[tuple[int, int], int] = {}
        rank = {i: position for position, i in enumerate(self.c.topological)}
        for i in sorted(self._movable(), key=lambda i: (order[i], rank[i])):
            if track[i] == UNPLACED:
                continue
            before = last.get((resource[i], track[i]))
            if before is not None:
                self.after[before] = i
                self.missing[i] += 1
            last[resource[i], track[i]] = i

    def _movable(self) -> list[int]:
        return [i for i in range(self.c.n) if i not in self.c.heads]

    def open(self) -> list[int]:
        return [i for i in self._movable() if not self.missing[i]]

    def done(self, i: int, end: int) -> list[int]:
        """Notes the end of an operation; those that wait for nothing more."""
        freed = []
        for s in self.c.succs[i]:
            self.ready[s] = max(self.ready[s], end)
            self.missing[s] -= 1
            if not self.missing[s] and s not in self.c.heads:
                freed.append(s)
        follower = self.after.get(i)
        if follower is not None:
            self.missing[follower] -= 1
            if not self.missing[follower]:
                freed.append(follower)
        return freed
