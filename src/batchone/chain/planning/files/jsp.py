"""Job shops as the literature writes them: `jobs machines`, then a line a job of machine (from 0) and duration, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from batchone.chain.planning.checks import MAX_OPERATIONS
from batchone.chain.planning.files.shops import machines as machines_of
from batchone.chain.planning.files.shops import refuse_unfit, unfit
from batchone.chain.planning.files.text import ORIGIN, Lines, refuse_too_many
from batchone.chain.planning.model import Alternative, Job, Measure, Operation, Problem, Resource


def read(text: str, name: str = "the file", origin: datetime = ORIGIN) -> Problem:
    """A problem with makespan as its aim: jobs `j1`..., their operations `j1.1`..., machines `m0`...; one unit is a second."""
    lines = Lines(text, name)
    head = lines.next("the number of jobs and machines")
    jobs, machines = head.wholes(2, "the number of jobs and of machines", 1)
    refuse_too_many(name, max(jobs, machines, jobs * machines if machines <= MAX_OPERATIONS else machines))
    operations: list[Operation] = []
    for j in range(1, jobs + 1):
        line = lines.next(f"job {j} of {jobs}")
        line.wholes(2 * machines, f"a machine and a duration for each of {machines} operations")
        for step in range(machines):
            machine = line.whole(2 * step, "a machine", 0, machines - 1)
            before = (f"j{j}.{step}",) if step else ()
            seconds = line.whole(2 * step + 1, f"the duration on machine {machine}")
            operations.append(Operation(f"j{j}.{step + 1}", f"j{j}", (Alternative(f"m{machine}", seconds),), before))
    lines.end()
    return Problem(
        origin,
        tuple(Resource(f"m{m}") for m in range(machines)),
        tuple(Job(f"j{j}") for j in range(1, jobs + 1)),
        tuple(operations),
        aim=(Measure.MAKESPAN,),
    )


def write(problem: Problem) -> str:
    """The same format. `Refused`, naming it, if something does not fit: each operation has one machine, and each job as many
    operations as there are machines."""
    shop = "a job shop"
    refuse_unfit(shop, unfit(problem))
    count, chains = machines_of(problem)
    refuse_unfit(shop, _uneven(count, chains))
    rows = [f"{len(chains)} {count}"]
    rows += (" ".join(f"{m} {s}" for seconds in steps for m, s in seconds.items()) for steps in chains.values())
    return "\n".join(rows) + "\n"


def _uneven(count: int, chains: dict[str, list[dict[int, int]]]) -> Iterator[str]:
    if not count or not chains:
        yield "it has no machines or no jobs"
    for job, steps in chains.items():
        if len(steps) != count:
            yield f"job {job!r} has {len(steps)} operations, not one for each of {count} machines"
        for n, seconds in enumerate(steps, 1):
            if len(seconds) > 1:
                yield f"operation {n} of job {job!r} has a choice of {len(seconds)} machines"
