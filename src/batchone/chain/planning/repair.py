"""The plan in force made to hold again after facts changed, with as little moved as possible.

Time goes forward over the old plan. An operation keeps its resource, its track and its start if it can. One that is not
ready when its turn comes lets the others pass. One whose track is still busy then, or whose resource is broken at its
time, goes wherever it ends soonest, counting the delay of what is planned there next; the place that it had counts among
them; but one that is too late for its turn, and would now cost a setup, waits for the next of its key there if it is still in
time then. New operations come last, into the gaps.
"""

from __future__ import annotations

from dataclasses import replace
from heapq import heappop, heappush

from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import NO_KEY, Compiled
from batchone.chain.planning.insertion import insert
from batchone.chain.planning.model import NEVER, Assignment, Plan, Problem
from batchone.chain.planning.replay import duration
from batchone.chain.planning.schedule import UNPLACED, Schedule, out_of_time
from batchone.chain.planning.timeline import Timeline

METHOD = "repair"
_GREAT = 5_000
"""From so many operations on the rule runs in compiled code."""


def repair(problem: Problem, in_force: Plan, seed: int = 0) -> Plan:
    """A plan of `problem` that departs from the plan in force only where it must.

    Operations of the plan that are not in the problem are over and forgotten; those of the problem that are not in the plan
    are new. `Refused` if the problem cannot be planned.
    """
    compiled = Compiled(problem)
    return repaired(compiled, in_force).plan(METHOD, seed, bound_of(compiled))


def repaired(compiled: Compiled, in_force: Plan) -> Schedule:
    """The same as a schedule, for a search to go on from."""
    old = in_force if in_force.origin == compiled.problem.origin else in_force.shifted(compiled.problem.origin)
    if compiled.extras:
        # Only compiled placing knows tools, crews, batches and waits; it is imported where it is needed.
        from batchone.chain.planning.solvers.keeping import kept_by_placing  # noqa: PLC0415

        return kept_by_placing(compiled, old)
    kept = _Repair(compiled, old)
    schedule = kept.run() if compiled.n < _GREAT else kept.run_compiled()
    return schedule if not kept.left_over else _with_new(compiled, schedule, kept.left_over)


class _Repair:
    def __init__(self, compiled: Compiled, old: Plan) -> None:
        c = self.c = compiled
        self.schedule = Schedule(c)
        self.place: list[tuple[int, int]] = [(UNPLACED, UNPLACED)] * c.n
        self.wish = [0] * c.n
        before = {a.operation: position for position, a in enumerate(old.assignments)}
        self.rank = [before.get(op.id, c.n + i) for i, op in enumerate(c.problem.operations)]
        known = [self._remember(i, old.by_operation.get(op.id)) for i, op in enumerate(c.problem.operations)]
        needed = self._before_old_ones(known)
        self.left_over = [i for i in range(c.n) if not known[i] and i not in needed and i not in c.heads]
        self.placed = [False] * c.n
        self.waited: set[int] = set()
        self.planned: dict[tuple[int, int], list[int]] = {}
        for i, place in enumerate(self.place):
            if place[0] != UNPLACED and i not in c.heads:
                self.planned.setdefault(place, []).append(i)
        for operations in self.planned.values():
            # The next one last, where it is taken off.
            operations.sort(key=lambda i: (-self.wish[i], -i))

    def _remember(self, i: int, a: Assignment | None) -> bool:
        """Takes the old place and start of an operation over, if both still exist; whether the plan knew it."""
        c = self.c
        if a is None:
            return False
        self.wish[i] = max(a.start_s, 0)
        r = c.resource_index.get(a.resource, UNPLACED)
        can_stay = r != UNPLACED and a.track < c.positions[r] and any(r == where for where, _ in c.options[i])
        if can_stay and (c.available[r] <= self.wish[i] or len(c.options[i]) == 1):
            self.place[i] = (r, a.track)
        return True

    def _before_old_ones(self, known: list[bool]) -> set[int]:
        """New operations that something planned already waits for."""
        needed: set[int] = set()
        for i in reversed(self.c.topological):
            if any(known[s] or s in needed for s in self.c.succs[i]):
                needed.add(i)
        return needed

    def run(self) -> Schedule:
        c, schedule = self.c, self.schedule
        ready, missing = list(c.ready), [len(preds) for preds in c.preds]
        later = set(self.left_over)
        heap: list[tuple[int, bool, int, int]] = []

        def turn(i: int) -> None:
            # Where two want the same moment, the one that has to move stands back.
            heappush(heap, (max(self.wish[i], ready[i]), self.place[i][0] == UNPLACED, self.rank[i], i))

        def ended(i: int, end: int) -> None:
            for s in c.succs[i]:
                ready[s] = max(ready[s], end)
                missing[s] -= 1
                if not missing[s] and s not in c.heads and s not in later:
                    turn(s)

        for i in c.heads:
            ended(i, schedule.end[i])
        for i in range(c.n):
            if not c.preds[i] and i not in c.heads and i not in later:
                turn(i)
        while heap:
            at, _, _, i = heappop(heap)
            joined = self._joins_later(i, *self.place[i], at)
            if joined is None:
                ended(i, self._take_turn(i, ready[i], at))
            else:
                self.wish[i] = joined
                turn(i)
        return schedule

    def _take_turn(self, i: int, ready: int, at: int) -> int:
        """Places an operation; its end."""
        (r, k), wish = self.place[i], self.wish[i]
        if r == UNPLACED or self._held_up(i, r, k, at):
            (r, k), wish = self._least_push(i, ready, wish)
        self.placed[i] = True
        return self.schedule.append(i, r, k, ready, duration(self.c, i, r), wish)

    def run_compiled(self) -> Schedule:
        """The same in compiled code, which is imported where it is needed."""
        from batchone.chain.planning.solvers.mending import mended  # noqa: PLC0415

        schedule = mended(self.c, self.place, self.wish, self.rank, self.left_over)
        return self.run() if schedule is None else schedule

    def _joins_later(self, i: int, r: int, k: int, at: int) -> int | None:
        """The old start of the next operation of its key on its track, for one that comes too late for its own turn and would
        now cost a setup, if it is still in time then: so it alone is later, and not all that a setup would push."""
        c = self.c
        if i in self.waited or r == UNPLACED or at <= self.wish[i] or c.setup[r] is None or c.key[i] == NO_KEY:
            return None
        if self.schedule.key[r][k] == c.key[i]:
            return None
        self.waited.add(i)
        for o in reversed(self.planned.get((r, k), [])):
            if o != i and not self.placed[o] and c.key[o] == c.key[i] and self.wish[o] >= at:
                return self.wish[o] if self.wish[o] <= c.latest[i] else None
        return None

    def _held_up(self, i: int, r: int, k: int, at: int) -> bool:
        """Whether the place that an operation had is still busy when its turn comes, or has no working time left for it."""
        c, schedule = self.c, self.schedule
        return schedule.free[r][k] > at or schedule.times(i, r, k, at, duration(c, i, r), at)[2] >= NEVER

    def _least_push(self, i: int, ready: int, wish: int) -> tuple[tuple[int, int], int]:
        """The track on which an operation ends soonest, counting the delay of what is planned there next, and the second before
        which it does not start there: the one it had, where it stays."""
        c, schedule = self.c, self.schedule
        best: tuple[int, bool, int, int] | None = None
        for r, seconds in c.options[i]:
            for k in range(c.positions[r]):
                stays = self.place[i] == (r, k)
                end = schedule.times(i, r, k, ready, seconds, wish if stays else 0)[2]
                if end >= NEVER:
                    continue
                following = self._next_planned(r, k, i)
                cost = (end + max(0, end - following), not stays, r, k)
                if best is None or cost < best:
                    best = cost
        if best is None:
            raise out_of_time(c, i)
        return (best[2], best[3]), wish if self.place[i] == (best[2], best[3]) else 0

    def _next_planned(self, r: int, k: int, i: int) -> int:
        """The old start of what is planned next on a track, an operation aside; `NEVER` if nothing is."""
        planned = self.planned.get((r, k), [])
        while planned and self.placed[planned[-1]]:
            planned.pop()
        return next((self.wish[o] for o in reversed(planned) if o != i and not self.placed[o]), NEVER)


def _with_new(compiled: Compiled, schedule: Schedule, new: list[int]) -> Schedule:
    """Puts new operations into the gaps, the most urgent jobs first."""
    problem = compiled.problem
    operations = problem.operations
    timeline = Timeline(problem)
    ends: dict[str, int] = {}
    placed: dict[str, Assignment] = {}
    fresh = set(new)
    for i in range(compiled.n):
        if i not in fresh:
            a = schedule.assignment(i)
            timeline.add(a, operations[i].setup_key)
            ends[a.operation], placed[a.operation] = a.end_s, a
    for j, members in _by_component(compiled, new):
        # `ready` holds the release too, which may be another job's where several wait for each other.
        part = [replace(operations[i], earliest_s=compiled.ready[i]) for i in members]
        inserted = insert(timeline, replace(problem.jobs[j], release_s=0), part, ended=ends)
        timeline.reserve(inserted.assignments, part)
        for a in inserted.assignments:
            ends[a.operation], placed[a.operation] = a.end_s, a
    return Schedule.adopted(compiled, placed)


def _by_component(compiled: Compiled, new: list[int]) -> list[tuple[int, list[int]]]:
    """New operations job by job, a job after those it waits for, otherwise by weight and slack."""
    members: dict[int, list[int]] = {}
    for i in new:
        members.setdefault(compiled.job[i], []).append(i)
    fresh = set(new)
    waits = {j: {compiled.job[p] for i in part for p in compiled.preds[i] if p in fresh} - {j} for j, part in members.items()}
    order: list[tuple[int, list[int]]] = []
    urgent = sorted(members, key=lambda j: (-compiled.weight[j], min(compiled.latest[i] for i in members[j]), j))
    done: set[int] = set()
    while len(done) < len(urgent):
        free = next((j for j in urgent if j not in done and waits[j] <= done), None)
        if free is None:
            # Jobs that wait for each other both ways go in as one.
            rest = [j for j in urgent if j not in done]
            return [*order, (rest[0], [i for j in rest for i in members[j]])]
        done.add(free)
        order.append((free, members[free]))
    return order


def moved(before: Plan, after: Plan) -> list[str]:
    """The operations of both plans whose place or start differs."""
    old = before if before.origin == after.origin else before.shifted(after.origin)
    pairs = ((old.by_operation.get(a.operation), a) for a in after.assignments)
    return [
        a.operation
        for was, a in pairs
        if was is not None and (was.resource, was.track, was.start_s) != (a.resource, a.track, a.start_s)
    ]
