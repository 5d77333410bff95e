"""Refuses a problem that cannot be planned, whole and early, with every fault found named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from batchone.chain.planning.model import NEVER, Fixed, Job, Operation, Problem, Resource
from batchone.kernel.errors import Refused

_SHOWN = 20


def refuse_faults(problem: Problem, found: Sequence[str] | None = None) -> None:
    """Raises `Refused` naming the faults of a problem (or those `found` already), at most twenty of them."""
    faults = list(faults_of(problem)) if found is None else list(found)
    if not faults:
        return
    more = f" (and {len(faults) - _SHOWN} more)" if len(faults) > _SHOWN else ""
    raise Refused(
        "planning.problem",
        "The problem cannot be planned: " + "; ".join(faults[:_SHOWN]) + more + ".",
        "Correct the resources, jobs or operations named and plan again.",
        faults=len(faults),
    )


def faults_of(problem: Problem) -> Iterator[str]:
    """What is wrong with a problem, one sentence a fault; the first kind of fault found hides those it would cause."""
    faults = [*_names(problem), *_resources(problem), *_jobs(problem)]
    if not faults:
        faults = list(_operations(problem))
    if not faults:
        faults = list(_rings(problem))
    yield from faults


def _names(problem: Problem) -> Iterator[str]:
    if not problem.aim:
        yield "the aim names no measure"
    kinds: dict[str, Iterable[str]] = {
        "resource": (resource.id for resource in problem.resources),
        "job": (job.id for job in problem.jobs),
        "operation": (op.id for op in problem.operations),
        "calendar": (calendar.id for calendar in problem.calendars),
        "setup": (setup.id for setup in problem.setups),
    }
    for kind, ids in kinds.items():
        for name, count in Counter(ids).items():
            if count > 1:
                yield f"{kind} {name!r} is there {count} times"
    classes = {name for resource in problem.resources for name in resource.classes}
    for resource in problem.resources:
        if resource.id in classes:
            yield f"{resource.id!r} is a class and a resource"


def _resources(problem: Problem) -> Iterator[str]:
    setups = {setup.id for setup in problem.setups}
    for resource in problem.resources:
        if resource.positions < 1:
            yield f"resource {resource.id!r} has {resource.positions} positions"
        if len(resource.keys) > resource.positions:
            yield f"resource {resource.id!r} has more keys than positions"
        if resource.setup is not None and resource.setup not in setups:
            yield f"resource {resource.id!r} names setup {resource.setup!r}, which is not there"
        try:
            problem.calendar_of(resource)
        except KeyError:
            yield f"resource {resource.id!r} names calendar {resource.calendar!r}, which is not there"
    for setup in problem.setups:
        if min([setup.change_s, setup.first_s, *(seconds for _, _, seconds in setup.pairs)]) < 0:
            yield f"setup {setup.id!r} has a negative time"


def _jobs(problem: Problem) -> Iterator[str]:
    for job in problem.jobs:
        if job.weight < 0:
            yield f"job {job.id!r} has a negative weight"


def _operations(problem: Problem) -> Iterator[str]:
    jobs = {job.id: job for job in problem.jobs}
    resources = {resource.id: resource for resource in problem.resources}
    operations = {op.id: op for op in problem.operations}
    places = _working_places(problem)
    for op in problem.operations:
        if op.job not in jobs:
            yield f"operation {op.id!r} is of job {op.job!r}, which is not there"
        yield from _alternatives(op, places)
        for before in op.predecessors:
            if before not in operations:
                yield f"operation {op.id!r} comes after {before!r}, which is not there"
            elif op.fixed is not None and op.fixed.remaining_s is None and operations[before].fixed is None:
                yield f"operation {op.id!r} is fixed, but {before!r} before it is not"
        if op.fixed is not None:
            yield from _fixed(op, op.fixed, resources.get(op.fixed.resource), jobs.get(op.job))


def _working_places(problem: Problem) -> dict[str, bool]:
    """Each resource and class, and whether it ever works."""
    places: dict[str, bool] = {}
    for resource in problem.resources:
        works = problem.calendar_of(resource).next_start(max(resource.available_from_s, 0)) < NEVER
        for name in (resource.id, *resource.classes):
            places[name] = places.get(name, False) or works
    return places


def _alternatives(op: Operation, places: dict[str, bool]) -> Iterator[str]:
    unknown = [alternative.on for alternative in op.alternatives if alternative.on not in places]
    if unknown:
        yield f"operation {op.id!r} can be done on {unknown[0]!r}, which is not there"
    elif op.fixed is None and not any(places[alternative.on] for alternative in op.alternatives):
        yield f"operation {op.id!r} has nothing that ever works to be done on"
    if any(alternative.duration_s < 0 for alternative in op.alternatives):
        yield f"operation {op.id!r} has a negative duration"


def _fixed(op: Operation, fixed: Fixed, resource: Resource | None, job: Job | None) -> Iterator[str]:
    if resource is None:
        yield f"operation {op.id!r} is fixed on {fixed.resource!r}, which is not there"
        return
    if not 0 <= fixed.track < resource.positions:
        yield f"operation {op.id!r} is fixed on track {fixed.track} of {fixed.resource!r}, which is not there"
    if fixed.remaining_s is not None:
        if fixed.start_s > 0 or fixed.remaining_s < 0:
            yield f"operation {op.id!r} is running, but from the future or with less than nothing to do"
        return
    if fixed.start_s < max(0, resource.available_from_s, op.earliest_s, job.release_s if job else 0):
        yield f"operation {op.id!r} is fixed at a time at which it cannot start"
    if not any(alternative.on in (resource.id, *resource.classes) for alternative in op.alternatives):
        yield f"operation {op.id!r} is fixed on {resource.id!r}, where it cannot be done"


def _rings(problem: Problem) -> Iterator[str]:
    waiting = {op.id: set(op.predecessors) for op in problem.operations}
    behind: dict[str, list[str]] = {}
    for op in problem.operations:
        for before in op.predecessors:
            behind.setdefault(before, []).append(op.id)
    free = [name for name, before in waiting.items() if not before]
    for name in free:
        for after in behind.get(name, ()):
            waiting[after].discard(name)
            if not waiting[after]:
                free.append(after)
    ring = sorted(name for name, before in waiting.items() if before)
    if ring:
        yield f"operations wait for each other in a ring, {ring[0]!r} among them"
