"""What `batchone plan diff` does: two plan files, and what the second differs in from the first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from batchone.chain.planning import Assignment, Difference, JobChange, Plan, Shifted, diff
from batchone.chain.planning.files import native
from batchone.chain.planning.files.formats import read_text
from batchone.cli import output


def diff_files(before_file: Path, after_file: Path, *, json: bool) -> int:
    """Compares two plans and tells; the exit code."""
    before, after = (native.read_plan(read_text(path), path.name) for path in (before_file, after_file))
    found = diff(before, after)
    if json:
        output.result_json(
            {
                "before": str(before_file),
                "after": str(after_file),
                "measures": {str(each.measure): {"before": each.before, "after": each.after} for each in found.gains},
                "jobs": [_job(each, after) for each in (*found.later, *found.earlier)],
                "moved": [_moved(each, after) for each in found.moved],
                "added": [_place(each, after) | {"operation": each.operation, "job": each.job} for each in found.added],
                "removed": [_place(each, after) | {"operation": each.operation, "job": each.job} for each in found.removed],
            }
        )
    else:
        _tell(found, after)
    return 0


def _job(change: JobChange, plan: Plan) -> dict[str, object]:
    return {
        "job": change.job, "before": plan.at(change.before_s), "after": plan.at(change.after_s),
        "by_s": change.after_s - change.before_s, "becomes_late": change.becomes_late,
        "becomes_timely": change.becomes_timely,
    }  # fmt: skip


def _moved(shifted: Shifted, plan: Plan) -> dict[str, object]:
    return {
        "operation": shifted.now.operation, "job": shifted.now.job, "before": _place(shifted.was, plan),
        "after": _place(shifted.now, plan),
    }  # fmt: skip


def _place(a: Assignment, plan: Plan) -> dict[str, object]:
    return {"resource": a.resource, "track": a.track, "start": plan.at(a.start_s)}


def _tell(found: Difference, plan: Plan) -> None:
    output.table(
        [
            {"measure": str(g.measure), "before": g.before, "after": g.after, "change": f"{g.after - g.before:+}"}
            for g in found.gains
        ],
        ("measure", "before", "after", "change"),
    )
    if found.jobs:
        output.result("")
        rows = [
            {
                "job": each.job, "before": plan.at(each.before_s).isoformat(), "after": plan.at(each.after_s).isoformat(),
                "by": _by(each.after_s - each.before_s), "": _late(each),
            }
            for each in (*found.later, *found.earlier)
        ]  # fmt: skip
        output.table(rows, ("job", "before", "after", "by", ""))
    elsewhere = sum(each.elsewhere for each in found.moved)
    output.result("")
    output.result(
        f"{len(found.moved)} operations moved, {elsewhere} of them to another place; {len(found.added)} added, "
        f"{len(found.removed)} removed"
    )


def _late(change: JobChange) -> str:
    return "now late" if change.becomes_late else "no longer late" if change.becomes_timely else ""


def _by(seconds: int) -> str:
    return ("+" if seconds > 0 else "-") + str(timedelta(seconds=abs(seconds)))
