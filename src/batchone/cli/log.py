"""`batchone log`: what really happened in a shop, learnt from and planned again."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from batchone.cli import output
from batchone.cli.app import app

log = App(name="log", help="Event logs of real shops.")
app.command(log)


@log.command(name="import")
def import_(file: Path, /, *, out: Path = Path("log-report"), seconds: float = 20, seed: int = 1, json: bool = False) -> int:
    """Learn orders, routings, capacity and calendars from a CSV of reported spans; plan them; compare with what happened.

    Writes the report (orders.csv, rejected.csv, report.json, report.md and a plot) into the folder --out.
    """
    from batchone.chain.planning.eventlog import import_log

    report = import_log(file, budget_s=seconds, seed=seed, out_dir=out)
    if json:
        output.result_json(report.summary)
    else:
        for name, value in report.summary.items():
            output.result(f"{name}: {value}")
    output.warn(f"the report is in {out}")
    return 0
