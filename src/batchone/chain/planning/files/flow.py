"""Flow shops in the plain text of Naderi, Ruiz and Roshanaei (2023): each job visits all machines, or stages, in one order.

All begin with the number of jobs and, on the next line, of machines or stages; then, a line a job, its durations in order.
SDST-PFSP adds, machine by machine, a line a job with the setup from it to each job: only between two jobs, so none before the
first, and made while the next job is still elsewhere. HFSP says before the durations how many machines each stage has; TT-PFSP
when each job is due. On the PFSP kinds jobs keep their order on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from batchone.chain.planning.checks import MAX_OPERATIONS, MAX_POSITIONS
from batchone.chain.planning.files.text import ORIGIN, Lines, refuse_too_many
from batchone.chain.planning.model import Alternative, Job, Measure, Operation, Problem, Resource, SetupMatrix


def read_sdst_pfsp(text: str, name: str = "the file", origin: datetime = ORIGIN) -> Problem:
    """A permutation flow shop with setups between jobs; the aim is the makespan. The setup key of an operation is its job."""
    lines = Lines(text, name)
    jobs, machines = _head(lines, "machines")
    durations = _durations(lines, jobs, machines)
    setups = []
    for m in range(1, machines + 1):
        pairs: list[tuple[str, str, int]] = []
        for before in range(1, jobs + 1):
            expected = f"the setup on machine {m} from job {before} to each of {jobs} jobs"
            row = lines.next(expected).wholes(jobs, expected)
            pairs += [(f"j{before}", f"j{after}", seconds) for after, seconds in enumerate(row, 1)]
        setups.append(SetupMatrix(f"s{m}", pairs=tuple(pairs)))
    lines.end()
    resources = tuple(Resource(f"m{m}", setup=f"s{m}") for m in range(1, machines + 1))
    return _problem(origin, resources, durations, None, (Measure.MAKESPAN,), tuple(setups), passing=False, keyed=True)


def read_hfsp(text: str, name: str = "the file", origin: datetime = ORIGIN) -> Problem:
    """A hybrid flow shop: a resource `s1`... a stage, with as many positions as it has machines; the aim is the makespan."""
    lines = Lines(text, name)
    jobs, stages = _head(lines, "stages")
    line = lines.next("how many machines each stage has")
    line.wholes(stages, "machines of a stage", 1)
    positions = [line.whole(s, "machines of a stage", 1, MAX_POSITIONS) for s in range(stages)]
    durations = _durations(lines, jobs, stages)
    lines.end()
    resources = tuple(Resource(f"s{s}", positions=count) for s, count in enumerate(positions, 1))
    return _problem(origin, resources, durations, None, (Measure.MAKESPAN,))


def read_tt_pfsp(text: str, name: str = "the file", origin: datetime = ORIGIN) -> Problem:
    """A permutation flow shop whose aim is the sum of tardiness."""
    lines = Lines(text, name)
    jobs, machines = _head(lines, "machines")
    due = lines.next("when each job is due").wholes(jobs, "when a job is due")
    durations = _durations(lines, jobs, machines)
    lines.end()
    resources = tuple(Resource(f"m{m}") for m in range(1, machines + 1))
    return _problem(origin, resources, durations, due, (Measure.TARDINESS,), passing=False)


def _head(lines: Lines, what: str) -> tuple[int, int]:
    jobs = lines.next("the number of jobs").wholes(1, "the number of jobs", 1)[0]
    machines = lines.next(f"the number of {what}").wholes(1, f"the number of {what}", 1)[0]
    refuse_too_many(lines.name, max(jobs, machines, jobs * machines if machines <= MAX_OPERATIONS else machines))
    return jobs, machines


def _durations(lines: Lines, jobs: int, machines: int) -> list[list[int]]:
    expected = [f"the durations of job {j} of {jobs} on {machines} machines" for j in range(1, jobs + 1)]
    return [lines.next(what).wholes(machines, what) for what in expected]


def _problem(
    origin: datetime,
    resources: tuple[Resource, ...],
    durations: list[list[int]],
    due: Sequence[int] | None,
    aim: tuple[Measure, ...],
    setups: tuple[SetupMatrix, ...] = (),
    *,
    passing: bool = True,
    keyed: bool = False,
) -> Problem:
    operations: list[Operation] = []
    for j, row in enumerate(durations, 1):
        for step, (resource, seconds) in enumerate(zip(resources, row, strict=True), 1):
            before = (f"j{j}.{step - 1}",) if step > 1 else ()
            key = f"j{j}" if keyed else None
            operations.append(Operation(f"j{j}.{step}", f"j{j}", (Alternative(resource.id, seconds),), before, setup_key=key))
    jobs = tuple(Job(f"j{j}", None if due is None else due[j - 1]) for j in range(1, len(durations) + 1))
    line = () if passing else (tuple(resource.id for resource in resources),)
    return Problem(origin, resources, jobs, tuple(operations), setups=setups, aim=aim, no_passing=line)
