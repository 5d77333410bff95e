"""What a problem must be to be a job shop of the literature, and what it is then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from batchone.chain.planning.model import ALWAYS, Measure, Operation, Problem
from batchone.kernel.errors import Refused

_SAID = 5
"""Reasons that a refusal names; there may be thousands."""


def refuse_unfit(shop: str, reasons: Iterable[str]) -> None:
    """`Refused` with the first reasons, if there are any."""
    found = list(dict.fromkeys(reasons))
    if found:
        raise Refused(
            "planning.unfit",
            f"The problem does not fit {shop}: {'; '.join(found[:_SAID])}.",
            "Save it as JSON, which holds everything.",
        )


def unfit(problem: Problem) -> Iterator[str]:
    """What of a problem no job shop of the literature can say."""
    if problem.aim != (Measure.MAKESPAN,):
        yield "its aim is not the makespan alone"
    if problem.no_passing:
        yield "nobody passes on a line"
    for resource in problem.resources:
        if resource.calendar != ALWAYS.id or resource.available_from_s > 0:
            yield f"resource {resource.id!r} does not always work"
        if resource.setup is not None or resource.batch > 1:
            yield f"resource {resource.id!r} has setups or batches"
    yield from (f"job {job.id!r} is released later" for job in problem.jobs if job.release_s > 0)
    for op in problem.operations:
        if op.earliest_s > 0 or op.fixed or op.waits or op.needs:
            yield f"operation {op.id!r} has an earliest start, waits, needs or is fixed"
    if len([*_chained(problem)]) < len(problem.operations):
        yield "the operations of a job are no chain"


def machines(problem: Problem) -> tuple[int, dict[str, list[dict[int, int]]]]:
    """How many machines there are, one for each position of a resource; and by job, for each of its operations in order, the
    seconds on each machine (from 0) that can do it."""
    numbers: dict[str, list[int]] = {}
    count = 0
    for resource in problem.resources:
        own = list(range(count, count + resource.positions))
        count += resource.positions
        for place in (resource.id, *resource.classes):
            numbers.setdefault(place, []).extend(own)
    resources = {resource.id for resource in problem.resources}
    chains = {job.id: list[dict[int, int]]() for job in problem.jobs}
    for op in _chained(problem):
        seconds: dict[int, int] = {}
        # As in the model, a resource's own seconds hold over those of its classes, and the shortest class counts.
        for x in op.alternatives:
            for m in () if x.on in resources else numbers[x.on]:
                seconds[m] = min(x.duration_s, seconds.get(m, x.duration_s))
        for x in op.alternatives:
            for m in numbers[x.on] if x.on in resources else ():
                seconds[m] = x.duration_s
        chains[op.job].append(seconds)
    return count, chains


def _chained(problem: Problem) -> Iterator[Operation]:
    """The operations of each job that follow each other one by one, in that order."""
    after: dict[tuple[str, str | None], list[Operation]] = {}
    for op in problem.operations:
        if len(op.predecessors) <= 1:
            after.setdefault((op.job, op.predecessors[0] if op.predecessors else None), []).append(op)
    for job in problem.jobs:
        following = after.get((job.id, None), [])
        while len(following) == 1:
            yield following[0]
            following = after.get((job.id, following[0].id), [])
