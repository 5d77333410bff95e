"""The problem as the judge reads it: by name, working hours counted, setups looked up; and what it says of a broken rule."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from batchone.chain.planning.model import ALWAYS, Alternative, Assignment, Calendar, Operation, Problem, Resource


class Rule(StrEnum):
    """What a plan can break."""

    COMPLETENESS = "completeness"
    PLACE = "place"
    CAPACITY = "capacity"
    SETUP = "setup"
    PRECEDENCE = "precedence"
    WAIT = "wait"
    RELEASE = "release"
    CALENDAR = "calendar"
    FIXED = "fixed"
    NEED = "need"
    BATCH = "batch"
    PASSING = "passing"
    OBJECTIVE = "objective"


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule broken, by which operation of which job (empty: by the plan as a whole), and how."""

    rule: Rule
    operation: str
    what: str
    job: str = ""

    def __str__(self) -> str:
        where = f"operation {self.operation!r} of job {self.job!r} " if self.operation else ""
        return f"{self.rule}: {where}{self.what}"


class Hours:
    """The working time of a calendar. Nothing is known of the time before second 0; what happened then is taken as it is."""

    def __init__(self, calendar: Calendar) -> None:
        self.head, self.cycle = calendar.head, calendar.cycle
        self.head_end, self.cycle_s = calendar.head_end_s, calendar.cycle_s
        self.sums = {part: [0, *accumulate(b - a for a, b in part)] for part in (self.head, self.cycle)}
        self.begins = {part: [a for a, _ in part] for part in (self.head, self.cycle)}

    def works_at(self, second: int) -> bool:
        """Whether the second that begins there is worked."""
        if second < 0:
            return True
        part, rest, _ = self._locate(second)
        i = bisect_right(self.begins[part], rest) - 1
        return i >= 0 and rest < part[i][1]

    def between(self, a: int, b: int) -> int:
        """Working seconds in `[a, b)`."""
        return self._until(b) - self._until(a) if b > a else 0

    def spans(self, a: int, b: int) -> Iterator[tuple[int, int]]:
        """The working intervals cut to `[a, b)`."""
        at = a
        while at < b:
            part, rest, base = self._locate(at)
            i = bisect_right(self.begins[part], rest) - 1
            for begin, end in part[max(i, 0) :]:
                x, y = max(base + begin, a), min(base + end, b)
                if x < y:
                    yield x, y
            if not self.cycle_s and part is self.cycle:
                return
            at = self.head_end if part is self.head and at < self.head_end else base + self.cycle_s

    def _locate(self, at: int) -> tuple[tuple[tuple[int, int], ...], int, int]:
        """The part of the calendar that holds a second, the second within it, and where the part begins."""
        if at < self.head_end:
            return self.head, at, 0
        if not self.cycle_s:
            return self.cycle, 0, at
        rounds, rest = divmod(at - self.head_end, self.cycle_s)
        return self.cycle, rest, self.head_end + rounds * self.cycle_s

    def _until(self, at: int) -> int:
        if at <= 0:
            return at
        part, rest, base = self._locate(at)
        rounds = (base - self.head_end) // self.cycle_s if part is self.cycle and self.cycle_s else 0
        whole = 0 if at < self.head_end else self._inside(self.head, self.head_end) + rounds * self.sums[self.cycle][-1]
        return whole + self._inside(part, rest)

    def _inside(self, part: tuple[tuple[int, int], ...], at: int) -> int:
        i = bisect_right(self.begins[part], at) - 1
        if i < 0:
            return 0
        return self.sums[part][i] + min(at, part[i][1]) - part[i][0]


class Facts:
    """The problem by name."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.operations = {op.id: op for op in problem.operations}
        self.jobs = {job.id: job for job in problem.jobs}
        self.resources = {resource.id: resource for resource in problem.resources}
        self.setups = {setup.id: setup for setup in problem.setups}
        self.pairs = {setup.id: {(a, b): seconds for a, b, seconds in setup.pairs} for setup in problem.setups}
        self.hours = {calendar.id: Hours(calendar) for calendar in (ALWAYS, *problem.calendars)}

    def hours_of(self, resource: Resource) -> Hours:
        """The working time of a resource."""
        return self.hours[resource.calendar]

    def setup_s(self, resource: Resource, before: str | None, after: str | None) -> int:
        """Seconds of setup on a resource from one key to the next."""
        if resource.setup is None or after is None:
            return 0
        setup = self.setups[resource.setup]
        if before is None:
            return setup.first_s
        return self.pairs[setup.id].get((before, after), 0 if before == after else setup.change_s)

    def wrong(self, rule: Rule, op: Operation, what: str) -> Violation:
        """A violation by an operation of the problem."""
        return Violation(rule, op.id, what, op.job)


def running(op: Operation) -> bool:
    """Whether it has begun already: a fact that no plan can change."""
    return op.fixed is not None and op.fixed.remaining_s is not None


def choice(op: Operation, resource: Resource) -> Alternative | None:
    """How an operation is done on a resource: by its own alternative, else by the shortest of its classes'."""
    own = [x for x in op.alternatives if x.on == resource.id]
    if own:
        return own[-1]
    by_class = [x for x in op.alternatives if x.on in resource.classes]
    if by_class:
        return min(by_class, key=lambda x: x.duration_s)
    if running(op) and op.fixed is not None and op.fixed.resource == resource.id:
        return Alternative(resource.id, 0)
    return None


def work_begins(a: Assignment, op: Operation, resource: Resource) -> int:
    """From when the work of an operation is counted: its start, or what is left of it from now."""
    return max(0, resource.available_from_s) if running(op) else a.start_s
