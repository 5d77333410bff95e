"""What of the plan in force a new plan must keep, or is compared with."""

from __future__ import annotations

from dataclasses import replace

from batchone.chain.planning.model import Assignment, Before, Fixed, Measure, Operation, Plan, Problem


def freeze(problem: Problem, in_force: Plan, until_s: int) -> Problem:
    """The problem with every operation that starts in the plan in force before `until_s` fixed where it stands.

    Left free are those that cannot stand there any more: before their material, on a resource that is broken then or cannot do
    them, behind something that is free, or from the past without running. Left free, too, are those that take something beside
    their track (a tool, a setup's crew): what is fixed says only where it stands, not which tool it holds.
    """
    old = in_force if in_force.origin == problem.origin else in_force.shifted(problem.origin)
    resources = {resource.id: resource for resource in problem.resources}
    jobs = {job.id: job for job in problem.jobs}
    stays: dict[str, Fixed] = {op.id: op.fixed for op in problem.operations if op.fixed is not None}

    crewed = {setup.id for setup in problem.setups if setup.crew is not None}

    def place(op: Operation, a: Assignment) -> Fixed | None:
        resource = resources.get(a.resource)
        if resource is None or not 0 <= a.track < resource.positions:
            return None
        able = any(alternative.on in (resource.id, *resource.classes) for alternative in op.alternatives)
        earliest = max(0, op.earliest_s, jobs[op.job].release_s, resource.available_from_s)
        follows = all(name in stays for name in op.predecessors)
        alone = not op.needs and (a.setup_start_s == a.start_s or resource.setup not in crewed)
        works = problem.calendar_of(resource).next_start(a.start_s) == a.start_s
        if (
            able
            and alone
            and follows
            and works
            and a.setup_start_s >= max(0, resource.available_from_s)
            and a.start_s >= earliest
        ):
            return Fixed(a.resource, a.track, a.start_s, a.setup_start_s)
        return None

    by_id = {op.id: op for op in problem.operations}
    behind: set[tuple[str, int]] = set()
    for a in sorted(old.assignments, key=lambda a: (a.start_s, a.end_s)):
        op = by_id.get(a.operation)
        if op is None or op.id in stays:
            continue
        kept = place(op, a) if a.start_s < until_s and (a.resource, a.track) not in behind else None
        if kept is None:
            # Nothing behind a free operation on its track may be fixed: fixed ones come first there.
            behind.add((a.resource, a.track))
        else:
            stays[op.id] = kept
    return replace(problem, operations=tuple(replace(op, fixed=stays.get(op.id)) for op in problem.operations))


def compared(problem: Problem, in_force: Plan) -> Problem:
    """The problem with the plan in force to count changes against, if its aim counts them and names no other plan."""
    if Measure.CHANGES not in problem.aim or problem.before:
        return problem
    old = in_force if in_force.origin == problem.origin else in_force.shifted(problem.origin)
    return replace(problem, before=tuple(Before(a.operation, a.resource, a.start_s) for a in old.assignments))
