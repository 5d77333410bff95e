"""Judges a plan against its problem, with arithmetic of its own: nothing here comes from what makes plans."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from batchone.chain.planning.model import (
    ALWAYS,
    Assignment,
    Calendar,
    Operation,
    Plan,
    Problem,
    Resource,
    SetupMatrix,
)


class Rule(StrEnum):
    """What a plan can break."""

    COMPLETENESS = "completeness"
    PLACE = "place"
    CAPACITY = "capacity"
    SETUP = "setup"
    PRECEDENCE = "precedence"
    RELEASE = "release"
    CALENDAR = "calendar"
    FIXED = "fixed"
    OBJECTIVE = "objective"


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule broken, where, and by what."""

    rule: Rule
    operation: str
    what: str


def validate(problem: Problem, plan: Plan) -> list[Violation]:
    """Every rule the plan breaks; none for a plan that can be carried out.

    Checked: each operation is there once; on a resource and track it can be done on; tracks do one thing at a time, setup
    included; setups are long enough for the change of key; predecessors have ended; nothing starts before its release,
    its material or now; working time is kept and adds up to the duration; fixed operations stand; the objective adds up.
    """
    return [*_Judge(problem, plan).violations()]


class _Judge:
    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan
        self.operations = {op.id: op for op in problem.operations}
        self.jobs = {job.id: job for job in problem.jobs}
        self.resources = {resource.id: resource for resource in problem.resources}
        self.setups = {setup.id: setup for setup in problem.setups}
        calendars = {ALWAYS.id: ALWAYS, **{calendar.id: calendar for calendar in problem.calendars}}
        horizon = max((a.end_s for a in plan.assignments), default=0) + 1
        self.open = {name: _Hours(calendar, horizon) for name, calendar in calendars.items()}
        self.placed = {a.operation: a for a in plan.assignments if a.operation in self.operations}

    def violations(self) -> Iterator[Violation]:
        yield from self._completeness()
        known = [a for a in self.plan.assignments if a.operation in self.operations]
        misplaced = [violation for a in known for violation in self._place(a)]
        yield from misplaced
        wrong = {violation.operation for violation in misplaced}
        sound = [a for a in known if a.operation not in wrong]
        for a in sound:
            op = self.operations[a.operation]
            yield from self._times(a, op)
            yield from self._precedence(a, op)
            yield from self._calendar(a, op)
            yield from self._fixed(a, op)
        total = 0
        for track in self._tracks(sound).values():
            for violation, setup_s in self._track(track):
                total += setup_s
                if violation is not None:
                    yield violation
        if not wrong:
            yield from self._objective(total)

    def _completeness(self) -> Iterator[Violation]:
        counts: dict[str, int] = {}
        for a in self.plan.assignments:
            counts[a.operation] = counts.get(a.operation, 0) + 1
        for name in self.operations.keys() - counts.keys():
            yield Violation(Rule.COMPLETENESS, name, "is not in the plan")
        for name, count in counts.items():
            if name not in self.operations:
                yield Violation(Rule.COMPLETENESS, name, "is not in the problem")
            elif count > 1:
                yield Violation(Rule.COMPLETENESS, name, f"is in the plan {count} times")

    def _place(self, a: Assignment) -> Iterator[Violation]:
        resource = self.resources.get(a.resource)
        if resource is None or not 0 <= a.track < resource.positions:
            yield Violation(Rule.PLACE, a.operation, f"is on track {a.track} of {a.resource}, which is not there")
        elif _duration(self.operations[a.operation], resource) is None:
            yield Violation(Rule.PLACE, a.operation, f"cannot be done on {a.resource}")

    def _times(self, a: Assignment, op: Operation) -> Iterator[Violation]:
        if not a.setup_start_s <= a.start_s <= a.end_s:
            yield Violation(Rule.CAPACITY, op.id, "does not begin with its setup and end with its end")
        if _running(op):
            return
        earliest = max(0, op.earliest_s, self.jobs[op.job].release_s)
        if a.start_s < earliest:
            yield Violation(Rule.RELEASE, op.id, f"starts at {a.start_s}, but not before {earliest} can it")
        available = max(0, self.resources[a.resource].available_from_s)
        if a.setup_start_s < available:
            yield Violation(Rule.CALENDAR, op.id, f"uses {a.resource} before {available}, when it is there again")

    def _precedence(self, a: Assignment, op: Operation) -> Iterator[Violation]:
        setup = self.setups.get(self.resources[a.resource].setup or "")
        begins = a.start_s if setup is None or setup.detached or op.fixed is not None else a.setup_start_s
        for name in () if _running(op) else op.predecessors:
            before = self.placed.get(name)
            if before is not None and before.end_s > begins:
                yield Violation(Rule.PRECEDENCE, op.id, f"begins at {begins}, but {name} ends at {before.end_s}")

    def _calendar(self, a: Assignment, op: Operation) -> Iterator[Violation]:
        resource = self.resources[a.resource]
        hours = self.open[resource.calendar]
        duration = _duration(op, resource) or 0
        begins = a.start_s
        if op.fixed is not None and op.fixed.remaining_s is not None:
            duration, begins = op.fixed.remaining_s, max(0, resource.available_from_s)
        elif not hours.works_at(begins):
            yield Violation(Rule.CALENDAR, op.id, f"starts at {begins}, when {a.resource} does not work")
        if op.attended:
            worked = hours.between(begins, a.end_s)
            pausing = a.end_s > begins and not hours.works_at(a.end_s - 1)
        else:
            worked, pausing = a.end_s - begins, False
        if worked != duration or pausing:
            yield Violation(Rule.CALENDAR, op.id, f"has {worked} working seconds until its end, but takes {duration}")

    def _fixed(self, a: Assignment, op: Operation) -> Iterator[Violation]:
        fixed = op.fixed
        if fixed is not None and (a.resource, a.track, a.start_s) != (fixed.resource, fixed.track, fixed.start_s):
            yield Violation(Rule.FIXED, op.id, f"is fixed on {fixed.resource} at {fixed.start_s}, but was moved")

    def _tracks(self, assignments: Sequence[Assignment]) -> dict[tuple[str, int], list[Assignment]]:
        tracks: dict[tuple[str, int], list[Assignment]] = {}
        for a in sorted(assignments, key=lambda a: (a.start_s, a.end_s, a.setup_start_s)):
            tracks.setdefault((a.resource, a.track), []).append(a)
        return tracks

    def _track(self, track: list[Assignment]) -> Iterator[tuple[Violation | None, int]]:
        """Goes along one track; what is wrong with each operation there, and the setup seconds it needs."""
        resource = self.resources[track[0].resource]
        setup, hours = self.setups.get(resource.setup or ""), self.open[resource.calendar]
        key, free = _first_key(resource, track[0].track), -(1 << 60)
        for a in track:
            op = self.operations[a.operation]
            needed = 0 if setup is None or _running(op) else _setup_s(setup, key, op.setup_key)
            violation = None
            if a.setup_start_s < free:
                violation = Violation(Rule.CAPACITY, op.id, f"begins at {a.setup_start_s}, but the track is busy to {free}")
            elif needed and hours.between(a.setup_start_s, a.start_s) < needed:
                violation = Violation(Rule.SETUP, op.id, f"has less than the {needed} working seconds its setup needs")
            yield violation, needed
            key, free = op.setup_key or key, a.end_s

    def _objective(self, setup_s: int) -> Iterator[Violation]:
        ends: dict[str, int] = {}
        for a in self.plan.assignments:
            ends[a.job] = max(ends.get(a.job, a.end_s), a.end_s)
        tardiness = 0
        for name, end in ends.items():
            job = self.jobs.get(name)
            if job is not None and job.due_s is not None and end > job.due_s:
                tardiness += job.weight * (end - job.due_s)
        counted = (tardiness, setup_s, max(ends.values(), default=0))
        said = self.plan.objective
        if counted != (said.weighted_tardiness_s, said.setup_s, said.makespan_s):
            yield Violation(Rule.OBJECTIVE, "", f"the plan says {said}, but it counts to {counted}")
        if {j.job: j.end_s for j in self.plan.jobs} != ends:
            yield Violation(Rule.OBJECTIVE, "", "the ends of jobs are not those of their operations")
        if self.plan.bound.weighted_tardiness_s > tardiness or self.plan.bound.makespan_s > counted[2]:
            yield Violation(Rule.OBJECTIVE, "", "the plan is below its own bound")


class _Hours:
    """The working intervals of a calendar written out up to a horizon, and counted one by one."""

    def __init__(self, calendar: Calendar, horizon: int) -> None:
        spans = list(calendar.head)
        base = calendar.head_end_s
        while calendar.cycle and base < horizon:
            spans += [(base + a, base + b) for a, b in calendar.cycle]
            base += calendar.cycle_s
        self.spans = spans
        self.begins = [a for a, _ in spans]

    def works_at(self, second: int) -> bool:
        i = bisect_right(self.begins, second) - 1
        # A calendar knows nothing of the time before the origin; what runs since then is taken as it is.
        return second < 0 or (i >= 0 and second < self.spans[i][1])

    def between(self, a: int, b: int) -> int:
        total = 0
        for begin, end in self.spans[max(0, bisect_right(self.begins, a) - 1) :]:
            if begin >= b:
                break
            total += max(0, min(end, b) - max(begin, a))
        return total


def _running(op: Operation) -> bool:
    return op.fixed is not None and op.fixed.remaining_s is not None


def _duration(op: Operation, resource: Resource) -> int | None:
    """Working seconds of an operation on a resource: its own figure, else the least of its classes'."""
    own = [x.duration_s for x in op.alternatives if x.on == resource.id]
    if own:
        return own[-1]
    by_class = [x.duration_s for x in op.alternatives if x.on in resource.classes]
    if by_class:
        return min(by_class)
    return 0 if _running(op) and op.fixed is not None and op.fixed.resource == resource.id else None


def _setup_s(setup: SetupMatrix, before: str | None, after: str | None) -> int:
    if after is None:
        return 0
    if before is None:
        return setup.first_s
    named = [seconds for a, b, seconds in setup.pairs if (a, b) == (before, after)]
    if named:
        return named[-1]
    return 0 if before == after else setup.change_s


def _first_key(resource: Resource, track: int) -> str | None:
    return resource.keys[track] if track < len(resource.keys) else None
