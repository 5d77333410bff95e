"""What is taken on every track, kept sorted: built once from a plan, then added to, removed from and forked.

A fork shares every track with its original until one of the two changes it, so that a hundred reservations may be tried
over one plan in force.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from batchone.chain.planning.compiled import Option, Resolver
from batchone.chain.planning.model import (
    NEVER,
    Assignment,
    Calendar,
    Operation,
    Plan,
    Problem,
    SetupMatrix,
)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in time for an operation: behind an operation (if any), from whose end, `free_s`, the track is free."""

    resource: int
    track: int
    setup_start_s: int
    start_s: int
    end_s: int
    setup_s: int
    behind: str | None
    free_s: int


class _Track:
    """Sorted blocks of one track. `prepared`: working seconds that each block has reserved for its setup."""

    __slots__ = ("begins", "ends", "keys", "names", "prepared")

    def __init__(self) -> None:
        self.begins: list[int] = []
        self.ends: list[int] = []
        self.keys: list[str | None] = []
        self.prepared: list[int] = []
        self.names: list[str] = []

    def copy(self) -> _Track:
        twin = _Track()
        twin.begins, twin.ends = self.begins[:], self.ends[:]
        twin.keys, twin.prepared, twin.names = self.keys[:], self.prepared[:], self.names[:]
        return twin

    def insert(self, begin: int, end: int, key: str | None, prepared: int, name: str) -> None:
        i = bisect_right(self.begins, begin)
        while i and self.begins[i - 1] == begin and self.ends[i - 1] > end:
            i -= 1
        self.begins.insert(i, begin)
        self.ends.insert(i, end)
        self.keys.insert(i, key)
        self.prepared.insert(i, prepared)
        self.names.insert(i, name)

    def remove(self, begin: int, name: str) -> None:
        i = bisect_left(self.begins, begin)
        while i < len(self.names) and self.begins[i] == begin and self.names[i] != name:
            i += 1
        if i == len(self.names) or self.names[i] != name:
            raise KeyError(name)
        for column in (self.begins, self.ends, self.keys, self.prepared, self.names):
            del column[i]

    def key_before(self, i: int, first: str | None) -> str | None:
        while i:
            i -= 1
            if self.keys[i] is not None:
                return self.keys[i]
        return first

    def next_keyed(self, i: int) -> int | None:
        while i < len(self.keys):
            if self.keys[i] is not None:
                return i
            i += 1
        return None


class Shop:
    """What of a problem every timeline needs and none changes."""

    def __init__(self, problem: Problem) -> None:
        self.calendars: list[Calendar] = [problem.calendar_of(resource) for resource in problem.resources]
        setups = {setup.id: setup for setup in problem.setups}
        self.setups: list[SetupMatrix | None] = [setups.get(resource.setup or "") for resource in problem.resources]
        self.resolve = Resolver(problem)
        self.places = frozenset(name for resource in problem.resources for name in (resource.id, *resource.classes))
        self.index = {resource.id: r for r, resource in enumerate(problem.resources)}
        self.available = [max(0, resource.available_from_s) for resource in problem.resources]


class Timeline:
    """Busy intervals per track of the resources of a problem, in seconds from its origin."""

    def __init__(self, problem: Problem, shop: Shop | None = None, tracks: list[list[_Track]] | None = None) -> None:
        """An empty timeline; with `tracks` one that shares them with another, as `fork` does."""
        self.problem = problem
        self.shop = shop or Shop(problem)
        self._tracks = (
            [[_Track() for _ in range(resource.positions)] for resource in problem.resources]
            if tracks is None
            else [row[:] for row in tracks]
        )
        self._shared: list[set[int]] = [set(range(len(row))) if tracks is not None else set() for row in self._tracks]

    @classmethod
    def of(cls, problem: Problem, plan: Plan) -> Timeline:
        """The timeline of a plan of this problem; keys are those of the problem's operations."""
        timeline = cls(problem)
        keys = {op.id: op.setup_key for op in problem.operations}
        for a in plan.assignments:
            timeline.add(a, keys.get(a.operation))
        return timeline

    def fork(self) -> Timeline:
        """A timeline like this one that changes by itself; this one stays as it is when the fork changes."""
        self._shared = [set(range(len(row))) for row in self._tracks]
        return Timeline(self.problem, self.shop, self._tracks)

    def add(self, assignment: Assignment, key: str | None) -> None:
        """Takes the time of an assignment; what was there already is not asked."""
        r = self.shop.index[assignment.resource]
        prepared = self.shop.calendars[r].working(assignment.setup_start_s, assignment.start_s)
        track = self._own(r, assignment.track)
        track.insert(assignment.setup_start_s, assignment.end_s, key, prepared, assignment.operation)

    def remove(self, assignment: Assignment) -> None:
        """Gives the time of an assignment back. `KeyError` if it is not there."""
        self._own(self.shop.index[assignment.resource], assignment.track).remove(assignment.setup_start_s, assignment.operation)

    def reserve(self, assignments: Iterable[Assignment], operations: Iterable[Operation]) -> None:
        """Takes the time of many assignments of these operations."""
        keys = {op.id: op.setup_key for op in operations}
        for a in assignments:
            self.add(a, keys[a.operation])

    def _own(self, r: int, k: int) -> _Track:
        if k in self._shared[r]:
            self._tracks[r][k] = self._tracks[r][k].copy()
            self._shared[r].discard(k)
        return self._tracks[r][k]

    def earliest(self, op: Operation, ready: int) -> Slot | None:
        """The slot in which an operation would end first, moving nothing; None if there is never one."""
        best: Slot | None = None
        for option in self.shop.resolve(op.alternatives):
            slot = self._on_resource(op, ready, option, best)
            if slot is not None:
                best = slot
        return best

    def _on_resource(self, op: Operation, ready: int, option: Option, best: Slot | None) -> Slot | None:
        """A slot on one resource that ends before `best`, if there is one."""
        r, seconds = option
        since = max(ready, self.shop.available[r])
        soonest = self.shop.calendars[r].next_start(since)
        ideal = self.shop.calendars[r].work_end(soonest, seconds) if op.attended else soonest + seconds
        if ideal >= NEVER or (best is not None and ideal >= best.end_s):
            return None
        found: Slot | None = None
        limit = best.end_s if best is not None else NEVER
        for k in range(len(self._tracks[r])):
            slot = self._on_track(op, since, r, k, seconds, limit)
            if slot is not None:
                found, limit = slot, slot.end_s
                if limit == ideal and not slot.setup_s:
                    break
        return found

    def _on_track(self, op: Operation, since: int, r: int, k: int, seconds: int, limit: int) -> Slot | None:
        """The first slot on one track that ends before `limit`."""
        track = self._tracks[r][k]
        ends, begins = track.ends, track.begins
        i = bisect_right(ends, since)
        free = ends[i - 1] if i else self.shop.available[r]
        count = len(begins)
        while True:
            at = free if free > since else since
            if at + seconds >= limit:
                return None
            until = begins[i] if i < count else NEVER
            if until - at >= seconds:
                slot = self._in_gap(op, since, r, k, i, seconds)
                if slot is not None:
                    return slot if slot.end_s < limit else None
            if i == count:
                return None
            free = ends[i]
            i += 1

    def _in_gap(self, op: Operation, since: int, r: int, k: int, i: int, seconds: int) -> Slot | None:
        """The slot before block `i` of a track, if the operation fits there and the next setup stays enough."""
        track, calendar, setup = self._tracks[r][k], self.shop.calendars[r], self.shop.setups[r]
        free = max(track.ends[i - 1], self.shop.available[r]) if i else self.shop.available[r]
        need = 0
        if setup is not None:
            resource = self.problem.resources[r]
            need = setup.seconds(track.key_before(i, resource.keys[k] if k < len(resource.keys) else None), op.setup_key)
        if not need:
            setup_start = start = calendar.next_start(max(free, since))
        else:
            assert setup is not None
            if setup.detached:
                start = calendar.next_start(max(since, calendar.work_end(free, need)))
            else:
                start = calendar.next_start(calendar.work_end(max(since, free), need))
            setup_start = calendar.latest_start(start, need)
        end = calendar.work_end(start, seconds) if op.attended else start + seconds
        if end >= NEVER or (i < len(track.begins) and not self._leaves(op, setup, track, i, end)):
            return None
        behind = track.names[i - 1] if i else None
        return Slot(r, k, setup_start, start, end, need, behind, free)

    def _leaves(self, op: Operation, setup: SetupMatrix | None, track: _Track, i: int, end: int) -> bool:
        """The next block on the track can stay as it is behind an operation that ends at `end`."""
        if end > track.begins[i]:
            return False
        if setup is None or op.setup_key is None:
            return True
        following = track.next_keyed(i)
        return following is None or setup.seconds(op.setup_key, track.keys[following]) <= track.prepared[following]
