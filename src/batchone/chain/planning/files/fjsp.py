"""Flexible job shops as the literature writes them.

`jobs machines [flexibility]`, then a line a job: how many operations; for each how many machines can do it, and for each of
those its number (from 1) and the duration.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from batchone.chain.planning.checks import MAX_OPERATIONS
from batchone.chain.planning.files.shops import machines, refuse_unfit, unfit
from batchone.chain.planning.files.text import ORIGIN, Line, Lines, refuse_too_many
from batchone.chain.planning.model import Alternative, Job, Measure, Operation, Problem, Resource


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
    refuse_unfit("a flexible job shop", unfit(problem))
    count, chains = machines(problem)
    rows = [f"{len(problem.jobs)} {count}"]
    for steps in chains.values():
        ways = (f"{len(seconds)}{''.join(f' {m + 1} {s}' for m, s in seconds.items())}" for seconds in steps)
        rows.append(" ".join([str(len(steps)), *ways]))
    return "\n".join(rows) + "\n"
