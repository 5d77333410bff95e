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

    Prints the summary, and writes the report into the folder --out: planned against actual per order, workers, the plan,
    every row that was left out with its reason, a plot.
    """
    from batchone.chain.planning.eventlog import import_log

    output.say(f"reading {file} and planning for {seconds:.0f} s")
    report = import_log(file, budget_s=seconds, seed=seed, out_dir=out)
    output.result(report.files["report.json" if json else "summary.md"].read_text())
    output.warn(f"{len(report.left_out)} of {report.rows} rows were left out; the report is in {out}")
    return 0
