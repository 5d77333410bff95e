"""A plan as a table: one row an operation, in the order of their starts."""

from __future__ import annotations

import csv
import io

from batchone.chain.planning.model import Plan

COLUMNS = ("operation", "job", "resource", "track", "setup_start", "start", "end", "setup_start_s", "start_s", "end_s", "also")


def write(plan: Plan) -> str:
    """CSV (RFC 4180) with ISO 8601 times in the zone of the plan's origin, and seconds from it; `also` lists what is taken
    beside the track, as `resource/track` separated by blanks."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for a in plan.assignments:
        seconds = (a.setup_start_s, a.start_s, a.end_s)
        moments = [plan.at(second).isoformat() for second in seconds]
        also = " ".join(f"{resource}/{track}" for resource, track in a.also)
        table.writerow([a.operation, a.job, a.resource, a.track, *moments, *seconds, also])
    return out.getvalue()
