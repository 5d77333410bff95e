"""What of the plan in force a new plan must keep, or is compared with."""

from __future__ import annotations

from dataclasses import replace

from batchone.chain.planning.model import Assignment, Before, Fixed, Measure, Operation, Plan, Problem, Resource


def freeze(problem: Problem, in_force: Plan, until_s: int) -> Problem:
    """The problem with every operation that starts in the plan in force before `until_s` fixed where it stands, with the tools,
    people and crew that it takes.

    Left free are those that cannot stand there any more: before their material, on a resource that is broken then or cannot do
    them, without what they need, behind something that is free, or from the past without running.
    """
    old = in_force if in_force.origin == problem.origin else in_force.shifted(problem.origin)
    jobs = {job.id: job for job in problem.jobs}
    stays: dict[str, Fixed] = {op.id: op.fixed for op in problem.operations if op.fixed is not None}
    places = _Places(problem)

    def place(op: Operation, a: Assignment) -> Fixed | None:
        earliest = max(0, op.earliest_s, jobs[op.job].release_s)
        follows = all(name in stays for name in op.predecessors)
        if follows and a.start_s >= earliest and a.setup_start_s >= 0 and places.can_stand(op, a):
            return Fixed(a.resource, a.track, a.start_s, a.setup_start_s, also=a.also)
        return None

    by_id = {op.id: op for op in problem.operations}
    behind: set[tuple[str, int]] = set()
    for a in sorted(old.assignments, key=lambda a: (a.start_s, a.end_s)):
        op = by_id.get(a.operation)
        if op is None or op.id in stays:
            continue
        taken = {(a.resource, a.track), *a.also}
        kept = place(op, a) if a.start_s < until_s and behind.isdisjoint(taken) else None
        if kept is None:
            # Nothing behind a free operation on its track may be fixed: fixed ones come first there.
            behind |= taken
        else:
            stays[op.id] = kept
    return replace(problem, operations=tuple(replace(op, fixed=stays.get(op.id)) for op in problem.operations))


class _Places:
    """Where operations can stand, and with what beside them."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.resources = {resource.id: resource for resource in problem.resources}
        self.crews = {setup.id: setup.crew for setup in problem.setups}

    def can_stand(self, op: Operation, a: Assignment) -> bool:
        """The machine is there and at work, and so is all that the operation takes."""
        resource = self.resources.get(a.resource)
        if resource is None or not 0 <= a.track < resource.positions or a.setup_start_s < resource.available_from_s:
            return False
        able = any(alternative.on in (resource.id, *resource.classes) for alternative in op.alternatives)
        works = self.problem.calendar_of(resource).next_start(a.start_s) == a.start_s
        crew = self.crews.get(resource.setup or "") if a.setup_start_s < a.start_s else None
        wanted = [(name, a.end_s) for name in op.needs] + ([(crew, a.start_s)] if crew is not None else [])
        if not able or not works or len(a.also) != len(wanted):
            return False
        return all(
            self._helps(name, k, need, resource, a.setup_start_s, until)
            for (name, k), (need, until) in zip(a.also, wanted, strict=True)
        )

    def _helps(self, name: str, track: int, need: str, machine: Resource, begin: int, end: int) -> bool:
        there = self.resources.get(name)
        if there is None or not 0 <= track < there.positions or need not in (name, *there.classes):
            return False
        if begin < there.available_from_s:
            return False
        return there.calendar == machine.calendar or self.problem.calendar_of(there).working(begin, end) == end - begin


def compared(problem: Problem, in_force: Plan) -> Problem:
    """The problem with the plan in force to count changes against, if its aim counts them and names no other plan."""
    if Measure.CHANGES not in problem.aim or problem.before:
        return problem
    old = in_force if in_force.origin == problem.origin else in_force.shifted(problem.origin)
    return replace(problem, before=tuple(Before(a.operation, a.resource, a.start_s) for a in old.assignments))
