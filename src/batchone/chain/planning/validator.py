"""Judges a plan against its problem, with arithmetic of its own: nothing here comes from what makes plans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from batchone.chain.planning.judge.facts import Facts, Rule, Violation, choice, running, work_begins
from batchone.chain.planning.judge.lines import check_lines
from batchone.chain.planning.judge.measures import counted, drawing, ends_of
from batchone.chain.planning.judge.needs import check_needs
from batchone.chain.planning.judge.tracks import Block, blocks_of, check_tracks
from batchone.chain.planning.model import Assignment, Measure, Objective, Operation, Plan, Problem

__all__ = ["Rule", "Violation", "measured", "validate"]

_MAY_BE_UNCOUNTED = frozenset({Measure.WORK_IN_PROGRESS, Measure.ENERGY, Measure.CHANGES})


def validate(problem: Problem, plan: Plan) -> list[Violation]:
    """Every rule the plan breaks; none for a plan that can be carried out. The problem must have no faults of its own.

    Checked: each operation is there once; on a resource and track it can be done on; tracks do one thing, or one batch of
    one key, at a time, setup included; setups are long enough for the change of key; predecessors have ended, as long ago as
    the waits say; nothing starts before its release, its material or now; working time is kept and adds up to the duration;
    fixed operations stand; tools, skills and setup crews are named, at work and in one place; nobody passes on a line; every
    measure adds up. Measures that the aim does not name may be left at 0, but for tardiness, setup and makespan.
    """
    return [*_Judge(problem, plan).violations()]


def measured(problem: Problem, plan: Plan) -> Objective:
    """What the plan is worth, counted from its assignments alone; those on no track of the problem are left out."""
    return _Judge(problem, plan).worth()


class _Judge:
    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.problem, self.plan = problem, plan
        self.facts = Facts(problem)
        self.operations, self.resources = self.facts.operations, self.facts.resources
        self.known = [a for a in plan.assignments if a.operation in self.operations]
        self.placed = {a.operation: a for a in self.known}

    def worth(self) -> Objective:
        sound = [a for a in self.known if not [*self._place(a)]]
        return counted(self.facts, self.plan, blocks_of(self.facts, sound))

    def violations(self) -> Iterator[Violation]:
        yield from self._completeness()
        misplaced = [violation for a in self.known for violation in self._place(a)]
        yield from misplaced
        wrong = {violation.operation for violation in misplaced}
        sound = [a for a in self.known if a.operation not in wrong]
        for a in sound:
            op = self.operations[a.operation]
            yield from self._times(a, op)
            yield from self._precedence(a, op)
            yield from self._waits(a, op)
            yield from self._calendar(a, op)
            yield from self._fixed(a, op)
        blocks = blocks_of(self.facts, sound)
        yield from check_tracks(self.facts, blocks)
        yield from check_needs(self.facts, blocks)
        yield from check_lines(self.facts, sound)
        if not wrong:
            yield from self._objective(blocks)

    def _completeness(self) -> Iterator[Violation]:
        counts: dict[str, int] = {}
        for a in self.plan.assignments:
            counts[a.operation] = counts.get(a.operation, 0) + 1
            op = self.operations.get(a.operation)
            if op is None and counts[a.operation] == 1:
                yield Violation(Rule.COMPLETENESS, a.operation, "is not in the problem", a.job)
            elif op is not None and a.job != op.job:
                yield self.facts.wrong(Rule.COMPLETENESS, op, f"is said to be of job {a.job!r}")
        for name, op in self.operations.items():
            count = counts.get(name, 0)
            if count != 1:
                what = f"is in the plan {count} times" if count else "is not in the plan"
                yield self.facts.wrong(Rule.COMPLETENESS, op, what)

    def _place(self, a: Assignment) -> Iterator[Violation]:
        op, resource = self.operations[a.operation], self.resources.get(a.resource)
        if resource is None or not 0 <= a.track < resource.positions:
            yield self.facts.wrong(Rule.PLACE, op, f"is on track {a.track} of {a.resource}, which is not there")
        elif choice(op, resource) is None:
            yield self.facts.wrong(Rule.PLACE, op, f"cannot be done on {a.resource}")

    def _times(self, a: Assignment, op: Operation) -> Iterator[Violation]:
        if not a.setup_start_s <= a.start_s <= a.end_s:
            yield self.facts.wrong(Rule.CAPACITY, op, "does not begin with its setup and end with its end")
        if running(op):
            return
        earliest = max(0, op.earliest_s, self.facts.jobs[op.job].release_s)
        if a.start_s < earliest:
            yield self.facts.wrong(Rule.RELEASE, op, f"starts at {a.start_s}, but not before {earliest} can it")
        available = max(0, self.resources[a.resource].available_from_s)
        begun = op.fixed is not None and op.fixed.setup_start_s is not None
        if (a.start_s if begun else a.setup_start_s) < available:
            yield self.facts.wrong(Rule.CALENDAR, op, f"uses {a.resource} before {available}, when it is there again")

    def _precedence(self, a: Assignment, op: Operation) -> Iterator[Violation]:
        setup = self.facts.setups.get(self.resources[a.resource].setup or "")
        begins = a.start_s if setup is None or setup.detached or op.fixed is not None else a.setup_start_s
        for name in () if running(op) else op.predecessors:
            before = self.placed.get(name)
            if before is not None and before.end_s > begins:
                yield self.facts.wrong(Rule.PRECEDENCE, op, f"begins at {begins}, but {name} ends at {before.end_s}")

    def _waits(self, a: Assignment, op: Operation) -> Iterator[Violation]:
        """Clock seconds, day and night, from the end of a predecessor to the start."""
        for wait in () if running(op) else op.waits:
            before = self.placed.get(wait.after)
            if before is None:
                continue
            waited = a.start_s - before.end_s
            if 0 <= waited < wait.least_s:
                what = f"starts {waited} s after {wait.after}, but not before {wait.least_s} s may it"
                yield self.facts.wrong(Rule.WAIT, op, what)
            elif wait.most_s is not None and waited > wait.most_s:
                what = f"starts {waited} s after {wait.after}, but within {wait.most_s} s must it"
                yield self.facts.wrong(Rule.WAIT, op, what)

    def _calendar(self, a: Assignment, op: Operation) -> Iterator[Violation]:
        resource = self.resources[a.resource]
        hours, chosen = self.facts.hours_of(resource), choice(op, resource)
        duration = chosen.duration_s if chosen else 0
        begins = work_begins(a, op, resource)
        if op.fixed is not None and op.fixed.remaining_s is not None:
            duration = op.fixed.remaining_s
        elif not hours.works_at(begins):
            yield self.facts.wrong(Rule.CALENDAR, op, f"starts at {begins}, when {a.resource} does not work")
        if op.attended:
            worked = hours.between(begins, a.end_s)
            pausing = a.end_s > begins and not hours.works_at(a.end_s - 1)
        else:
            worked, pausing = a.end_s - begins, False
        if worked != duration:
            yield self.facts.wrong(Rule.CALENDAR, op, f"has {worked} working seconds until its end, but takes {duration}")
        elif pausing:
            yield self.facts.wrong(Rule.CALENDAR, op, f"ends at {a.end_s}, when {a.resource} does not work")

    def _fixed(self, a: Assignment, op: Operation) -> Iterator[Violation]:
        fixed = op.fixed
        if fixed is not None and (a.resource, a.track, a.start_s) != (fixed.resource, fixed.track, fixed.start_s):
            yield self.facts.wrong(Rule.FIXED, op, f"is fixed on {fixed.resource} at {fixed.start_s}, but was moved")
        if fixed is not None and fixed.also and a.also != fixed.also:
            yield self.facts.wrong(Rule.FIXED, op, f"holds {list(fixed.also)}, but takes {list(a.also)}")

    def _objective(self, blocks: Sequence[Block]) -> Iterator[Violation]:
        worth, said = counted(self.facts, self.plan, blocks), self.plan.objective
        for measure in Measure:
            off = abs(worth.of(measure) - said.of(measure))
            slack = drawing(self.facts, blocks) if measure is Measure.ENERGY else 0
            uncounted = measure in _MAY_BE_UNCOUNTED and measure not in self.problem.aim and not said.of(measure)
            if off > slack and not uncounted:
                yield _of_plan(f"the plan says {measure} {said.of(measure)}, but it counts to {worth.of(measure)}")
        yield from self._outcomes()
        bound = self.plan.bound
        if bound.weighted_tardiness_s > worth.weighted_tardiness_s or bound.makespan_s > worth.makespan_s:
            yield _of_plan("the plan is below its own bound")

    def _outcomes(self) -> Iterator[Violation]:
        ends = ends_of(self.plan.assignments)
        if {j.job: j.end_s for j in self.plan.jobs} != ends or len(self.plan.jobs) != len(ends):
            yield _of_plan("the ends of jobs are not those of their operations")
            return
        for outcome in self.plan.jobs:
            job = self.facts.jobs.get(outcome.job)
            if job is None:
                continue
            late = None if job.due_s is None else outcome.end_s - job.due_s
            if (outcome.lateness_s, outcome.weight) != (late, job.weight):
                yield _of_plan(f"the lateness or weight of job {outcome.job!r} is not what it is", job.id)


def _of_plan(what: str, job: str = "") -> Violation:
    return Violation(Rule.OBJECTIVE, "", what, job)
