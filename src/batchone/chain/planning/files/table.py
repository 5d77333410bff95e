"""A plan as a table: one row an operation, in the order of their starts."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from batchone.chain.planning.files.names import Names
from batchone.chain.planning.files.text import malformed
from batchone.chain.planning.model import Assignment, Bound, JobOutcome, Objective, Plan, Problem
from batchone.chain.planning.validator import measured

COLUMNS = ("operation", "job", "resource", "track", "setup_start", "start", "end", "setup_start_s", "start_s", "end_s", "also")


NAMED = ("operation_name", "job_name", "resource_name")
"""Further columns where names are known."""


def write(plan: Plan, names: Names | None = None) -> str:
    """CSV (RFC 4180) with ISO 8601 times in the zone of the plan's origin, and seconds from it; `also` lists what is taken
    beside the track, as `resource/track` separated by blanks. With `names` three columns more say them."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow((*COLUMNS, *(NAMED if names else ())))
    for a in plan.assignments:
        seconds = (a.setup_start_s, a.start_s, a.end_s)
        moments = [plan.at(second).isoformat() for second in seconds]
        also = " ".join(f"{resource}/{track}" for resource, track in a.also)
        called = (names.operation(a.operation), names.job(a.job), names.resource(a.resource)) if names else ()
        table.writerow([a.operation, a.job, a.resource, a.track, *moments, *seconds, also, *called])
    return out.getvalue()


def read(text: str, problem: Problem, name: str = "the file") -> Plan:
    """The plan of a problem in such a table, as it stands there: whether it can be carried out is the judge's to say.

    The seconds count; `setup_start`, `start` and `end` may be missing, and so may `also` where nothing is taken beside the
    track. What the plan is worth is counted anew. `Refused` with the line of what is not as it must be.
    """
    table = csv.DictReader(io.StringIO(text), strict=True)
    needed = [column for column in COLUMNS if column.endswith("_s") or column in {"operation", "job", "resource", "track"}]
    missing = [column for column in needed if column not in (table.fieldnames or ())]
    if missing:
        raise malformed(name, "line 1", f"there is no column {missing[0]}", f"the columns {', '.join(needed)}")
    found: list[Assignment] = []
    try:
        for row in table:
            found.append(_assignment(row))  # noqa: PERF401 - the line of the row at fault must be known
    except (csv.Error, ValueError, TypeError) as error:
        raise malformed(name, f"line {table.line_num}", str(error), "a row of an operation, its numbers whole") from None
    found.sort(key=lambda a: (a.start_s, a.end_s, a.operation))
    ends: dict[str, int] = {}
    for a in found:
        ends[a.job] = max(ends.get(a.job, a.end_s), a.end_s)
    jobs = tuple(
        JobOutcome(job.id, ends[job.id], None if job.due_s is None else ends[job.id] - job.due_s, job.weight)
        for job in problem.jobs
        if job.id in ends
    )
    plan = Plan(problem.origin, tuple(found), jobs, Objective(0, 0, 0), Bound(0, 0), "table")
    return replace(plan, objective=measured(problem, plan))


def _assignment(row: dict[str, str]) -> Assignment:
    also = []
    for each in (row.get("also") or "").split():
        resource, _, track = each.rpartition("/")
        also.append((resource, int(track)))
    return Assignment(
        row["operation"], row["job"], row["resource"], int(row["track"]),
        int(row["setup_start_s"]), int(row["start_s"]), int(row["end_s"]), tuple(also),
    )  # fmt: skip
