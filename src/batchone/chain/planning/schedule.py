"""A schedule under construction: operations appended to tracks, then judged and frozen into a plan."""

from __future__ import annotations

from collections.abc import Mapping

from batchone.chain.planning.compiled import NO_KEY, Compiled
from batchone.chain.planning.model import NEVER, Assignment, Bound, Calendar, JobOutcome, Objective, Plan, Tariff
from batchone.kernel.errors import Refused

UNPLACED = -1


class Schedule:
    """Where and when each operation stands, and how each track stands behind its last one.

    Operations are only ever appended to a track, so whatever is placed stays feasible. Fixed operations stand from the
    beginning. `need`: setup seconds before each operation. `also`: resource and track of what else an operation takes.
    """

    __slots__ = ("also", "c", "end", "free", "key", "need", "placed", "resource", "setup_start", "start", "track")

    def __init__(self, compiled: Compiled) -> None:
        n = compiled.n
        self.c = compiled
        self.resource, self.track = [UNPLACED] * n, [UNPLACED] * n
        self.setup_start, self.start, self.end, self.need = [0] * n, [0] * n, [0] * n, [0] * n
        self.free = [list(tracks) for tracks in compiled.free0]
        self.key = [list(tracks) for tracks in compiled.key0]
        self.placed = 0
        self.also: dict[int, tuple[tuple[int, int], ...]] = {}
        for i, head in compiled.heads.items():
            self._set(i, head.resource, head.track, head.setup_start_s, head.start_s, head.end_s)
            self.need[i] = head.setup_s
            if head.also:
                self.also[i] = tuple((r, k) for r, k, _ in head.also)

    @classmethod
    def adopted(cls, compiled: Compiled, assignments: Mapping[str, Assignment]) -> Schedule:
        """The assignments of every operation of a problem as a schedule. `KeyError` if one is missing."""
        schedule = cls(compiled)
        for i, op in enumerate(compiled.problem.operations):
            a = assignments[op.id]
            if i not in compiled.heads:
                schedule._set(i, compiled.resource_index[a.resource], a.track, a.setup_start_s, a.start_s, a.end_s)
            if a.also:
                schedule.also[i] = tuple((compiled.resource_index[r], k) for r, k in a.also)
        for (r, k), sequence in schedule.sequences().items():
            for i in sequence:
                if i not in compiled.heads:
                    schedule.need[i] = compiled.setup_s(r, schedule.key[r][k], compiled.key[i])
                    schedule.free[r][k] = schedule.end[i]
                    if compiled.key[i] != NO_KEY:
                        schedule.key[r][k] = compiled.key[i]
        return schedule

    def times(self, i: int, r: int, k: int, ready: int, duration: int, not_before: int = 0) -> tuple[int, int, int, int]:
        """Setup start, start, end and setup seconds of operation `i` if it came next on track `k` of resource `r`.

        `ready`: when it is there; `not_before`: when it shall start at the soonest, though its setup may begin before.
        """
        c = self.c
        calendar, free = c.calendar[r], self.free[r][k]
        table = c.setup[r]
        need = 0 if table is None else table[self.key[r][k]][c.key[i]]
        if not need:
            start = calendar.next_start(max(free, ready, not_before))
            return start, start, c.finish(i, r, start, duration), 0
        if c.detached[r]:
            start = calendar.next_start(max(ready, not_before, calendar.work_end(free, need)))
        else:
            start = calendar.next_start(max(not_before, calendar.work_end(max(ready, free), need)))
        return calendar.latest_start(start, need), start, c.finish(i, r, start, duration), need

    def best_track(self, i: int, r: int, ready: int) -> int:
        """The track of a resource that fits best: it starts soonest, with least setup, and idles least before."""
        free = self.free[r]
        if len(free) == 1:
            return 0
        if self.c.setup[r] is None:
            waiting = [(at, -k) for k, at in enumerate(free) if at <= ready]
            return -max(waiting)[1] if waiting else min(range(len(free)), key=lambda k: (free[k], k))

        def cost(k: int) -> tuple[int, int, int, int]:
            _, start, _, need = self.times(i, r, k, ready, 0)
            return start, need, -free[k], k

        return min(range(len(free)), key=cost)

    def append(self, i: int, r: int, k: int, ready: int, duration: int, not_before: int = 0) -> int:
        """Puts operation `i` last on a track; its end. `Refused` if the calendar has no time left for it."""
        setup_start, start, end, need = self.times(i, r, k, ready, duration, not_before)
        if end >= NEVER:
            raise out_of_time(self.c, i)
        self._set(i, r, k, setup_start, start, end)
        self.need[i] = need
        self.free[r][k] = end
        if self.c.key[i] != NO_KEY:
            self.key[r][k] = self.c.key[i]
        return end

    def _set(self, i: int, r: int, k: int, setup_start: int, start: int, end: int) -> None:
        self.resource[i], self.track[i] = r, k
        self.setup_start[i], self.start[i], self.end[i] = setup_start, start, end
        self.placed += 1

    def ready(self, i: int) -> int:
        """When the material and all predecessors of an operation are there, given that those are placed."""
        at = self.c.ready[i]
        for p in self.c.preds[i]:
            at = max(at, self.end[p])
        return at

    def order(self) -> list[int]:
        """The operations by start; where they share it, as they stand on their tracks, with those that take no time."""
        return sorted(range(self.c.n), key=lambda i: (self.start[i], self.end[i], self.setup_start[i], i))

    def sequences(self) -> dict[tuple[int, int], list[int]]:
        """The operations of each track in order."""
        out: dict[tuple[int, int], list[int]] = {}
        for i in self.order():
            out.setdefault((self.resource[i], self.track[i]), []).append(i)
        return out

    def job_ends(self) -> list[int | None]:
        """The end of each job's last operation; None for a job without operations."""
        ends: list[int | None] = [None] * len(self.c.due)
        for i, j in enumerate(self.c.job):
            known = ends[j]
            if known is None or self.end[i] > known:
                ends[j] = self.end[i]
        return ends

    def objective(self) -> Objective:
        """What the complete schedule is worth."""
        c = self.c
        tardiness = sum(
            weight * max(0, end - due)
            for end, due, weight in zip(self.job_ends(), c.due, c.weight, strict=True)
            if end is not None and due is not None
        )
        return Objective(
            tardiness, sum(self.need), max(self.end, default=0), self._work_in_progress(), self._energy(), self._changes()
        )

    def _work_in_progress(self) -> int:
        first = [NEVER] * len(self.c.due)
        for i, j in enumerate(self.c.job):
            first[j] = min(first[j], self.start[i])
        return sum(end - begin for end, begin in zip(self.job_ends(), first, strict=True) if end is not None)

    def _energy(self) -> int:
        c = self.c
        if c.problem.tariff is None:
            return 0
        total = 0.0
        for i, options in enumerate(c.options):
            for (r, _), kw in zip(options, c.power[i], strict=True):
                if r == self.resource[i] and kw:
                    begins = c.available[r] if c.is_running(i) else self.start[i]
                    total += kw * energy_price(c.problem.tariff, c.calendar[r], begins, self.end[i], c.attended[i])
        return round(total * 1000)

    def _changes(self) -> int:
        c, count = self.c, 0
        for before in c.problem.before:
            i = c.operation_index.get(before.operation)
            if i is not None:
                place = c.problem.resources[self.resource[i]].id
                count += (place, self.start[i]) != (before.resource, before.start_s)
        return count

    def assignment(self, i: int) -> Assignment:
        """Where and when one operation stands."""
        op, resource = self.c.problem.operations[i], self.c.problem.resources[self.resource[i]]
        times = self.setup_start[i], self.start[i], self.end[i]
        also = tuple((self.c.problem.resources[r].id, k) for r, k in self.also.get(i, ()))
        return Assignment(op.id, op.job, resource.id, self.track[i], *times, also)

    def plan(self, produced_by: str, seed: int, bound: Bound) -> Plan:
        """The complete schedule as a plan."""
        problem = self.c.problem
        assignments = tuple(self.assignment(i) for i in self.order())
        outcomes = tuple(
            JobOutcome(job.id, end, None if job.due_s is None else end - job.due_s, job.weight)
            for job, end in zip(problem.jobs, self.job_ends(), strict=True)
            if end is not None
        )
        return Plan(problem.origin, assignments, outcomes, self.objective(), bound, produced_by, seed)


def energy_price(tariff: Tariff, calendar: Calendar, start: int, end: int, attended: bool) -> float:
    """What one kilowatt costs from `start` to `end`, in the pauses of the calendar left out where work is attended."""
    total, at = 0.0, start
    while at < end:
        rest = (at - tariff.starts_s) % tariff.cycle_s
        price = [price for since, price in tariff.prices if since <= rest][-1]
        upto = min((since for since, _ in tariff.prices if since > rest), default=tariff.cycle_s)
        until = min(end, at + upto - rest)
        total += price * (calendar.working(at, until) if attended else until - at)
        at = until
    return total / 3600


def out_of_time(compiled: Compiled, i: int) -> Refused:
    """No resource has working time left for an operation."""
    op = compiled.problem.operations[i]
    return Refused(
        "planning.no_working_time",
        f"Operation {op.id!r} cannot be finished: what it could be done on has no working time left.",
        "Extend the calendars of its alternatives, or name others.",
        operation=op.id,
    )
