"""The command: runs benchmarks by name, prints their tables, writes them as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmarks.figures import Options, Report, text
from benchmarks.machine import this_machine

NAMES = (
    "click",
    "promise",
    "loop",
    "samples",
    "end_to_end",
    "connectors",
    "board",
    "schedules",
    "plants",
    "worth",
    "honesty",
    "configure",
    "history",
    "tsbs",
)


def arguments(given: Sequence[str]) -> argparse.Namespace:
    """What was asked for; ends the program with a usage line when it cannot be read."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure; prints tables and the machine.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(NAMES)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything works")
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    parser.add_argument("--seconds", type=float, help="of each search, where there is one")
    parser.add_argument("--seeds", type=int, help="of each search, where there is one")
    parser.add_argument("--only", default="", metavar="TEXT", help="instances whose names hold this, where there are instances")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    found = parser.parse_args(given)
    unknown = [name for name in found.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return found


def main(given: Sequence[str]) -> None:
    """Run what was asked for, one after another."""
    asked = arguments(given)
    machine = this_machine()
    print(machine.text(), flush=True)
    reports: list[Report] = []
    for name in asked.names or NAMES:
        report = asyncio.run(
            import_module(f"benchmarks.{name}").run(Options(asked.quick, asked.profile, asked.seconds, asked.seeds, asked.only))
        )
        reports.append(report)
        show(report)
        if asked.json is not None:
            found = {"machine": machine.data(), "quick": asked.quick, "benchmarks": [asdict(each) for each in reports]}
            asked.json.write_text(json.dumps(found, indent=1, ensure_ascii=False))


def show(report: Report) -> None:
    """Print a report."""
    print(f"\n== {report.name}")
    for table in report.tables:
        print(text(table))
    for name, profile in report.profiles.items():
        print(f"\nprofile: {name}\n{profile}")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
