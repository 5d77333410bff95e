"""Flexible job shops as the literature writes them.

`jobs machines [flexibility]`, then a line a job: how many operations; for each how many machines can do it, and for each of
those its number (from 1) and the duration.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from batchone.chain.planning.checks import MAX_OPERATIONS
from batchone.chain.planning.files.text import ORIGIN, Line, Lines, refuse_too_many
from batchone.chain.planning.model import ALWAYS, Alternative, Job, Measure, Operation, Problem, Resource
from batchone.kernel.errors import Refused


def read(text: str, name: str = "the file", origin: datetime = ORIGIN) -> Problem:
    """A problem with makespan as its aim: jobs `j1`..., their operations `j1.1`..., machines `m1`...; one unit is a second."""
    lines = Lines(text, name)
    head = lines.next("the number of jobs and machines")
    jobs = head.whole(0, "the number of jobs", 1, MAX_OPERATIONS)
    machines = head.whole(1, "the number of machines", 1, MAX_OPERATIONS)
    if len(head.fields) > 3:
        raise head.wrong(3, "at most jobs, machines and the mean flexibility")
    operations: list[Operation] = []
    for j in range(1, jobs + 1):
        operations += _job(lines.next(f"job {j} of {jobs}"), f"j{j}", machines)
        refuse_too_many(name, len(operations))
    lines.end()
    return Problem(
        origin,
        tuple(Resource(f"m{m}") for m in range(1, machines + 1)),
        tuple(Job(f"j{j}") for j in range(1, jobs + 1)),
        tuple(operations),
        aim=(Measure.MAKESPAN,),
    )


def _job(line: Line, job: str, machines: int) -> Iterator[Operation]:
    steps = line.whole(0, "the number of operations", 0, MAX_OPERATIONS)
    at = 1
    for step in range(1, steps + 1):
        ways = line.whole(at, f"how many machines can do operation {step}", 1, machines)
        at += 1
        alternatives = []
        for _ in range(ways):
            machine = line.whole(at, "a machine", 1, machines)
            alternatives.append(Alternative(f"m{machine}", line.whole(at + 1, f"the duration on machine {machine}")))
            at += 2
        yield Operation(f"{job}.{step}", job, tuple(alternatives), (f"{job}.{step - 1}",) if step > 1 else ())
    if at < len(line.fields):
        raise line.wrong(at, f"the end of the line after {steps} operations")


def write(problem: Problem) -> str:
    """The same format; a resource with several positions becomes as many machines. `Refused`, naming it, if something does not
    fit."""
    unfit = list(dict.fromkeys(_unfit(problem)))
    if unfit:
        raise Refused(
            "planning.unfit",
            f"The problem does not fit a flexible job shop: {'; '.join(unfit[:5])}.",
            "Save it as JSON, which holds everything.",
        )
    numbers: dict[str, list[int]] = {}
    count = 0
    for resource in problem.resources:
        own = list(range(count + 1, count + resource.positions + 1))
        count += resource.positions
        for place in (resource.id, *resource.classes):
            numbers.setdefault(place, []).extend(own)
    resources = {resource.id for resource in problem.resources}
    chains = {job.id: list[str]() for job in problem.jobs}
    for op in _chained(problem):
        seconds: dict[int, int] = {}
        # As in the model, a resource's own seconds hold over those of its classes, and the shortest class counts.
        for x in op.alternatives:
            for m in () if x.on in resources else numbers[x.on]:
                seconds[m] = min(x.duration_s, seconds.get(m, x.duration_s))
        for x in op.alternatives:
            for m in numbers[x.on] if x.on in resources else ():
                seconds[m] = x.duration_s
        pairs = "".join(f" {m} {s}" for m, s in seconds.items())
        chains[op.job].append(f"{len(seconds)}{pairs}")
    rows = [f"{len(problem.jobs)} {count}", *(" ".join([str(len(steps)), *steps]) for steps in chains.values())]
    return "\n".join(rows) + "\n"


def _unfit(problem: Problem) -> Iterator[str]:
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
