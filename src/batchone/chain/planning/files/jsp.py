"""Job shops as the literature writes them: `jobs machines`, then a line a job of machine (from 0) and duration, in order."""

from __future__ import annotations

from datetime import datetime

from batchone.chain.planning.checks import MAX_OPERATIONS
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
