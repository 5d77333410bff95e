"""From a log to a report: read, learn, plan, compare, write."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, tzinfo
from pathlib import Path

import orjson

from batchone.chain.planning.eventlog import page
from batchone.chain.planning.eventlog.compare import OrderComparison, View, compare
from batchone.chain.planning.eventlog.learn import Learnt, Sharing, learn
from batchone.chain.planning.eventlog.plot import draw
from batchone.chain.planning.eventlog.read import AS_MINED, Columns, RowIssue, read_spans
from batchone.kernel.errors import Refused

_FIRST_SHARE = 0.7
"""The part of the budget for the reading that the report leads with."""


@dataclass(frozen=True)
class LogReport:
    """What came of a log. `views`: the leading reading first. `files`: what was written, by name."""

    rows: int
    issues: tuple[RowIssue, ...]
    views: tuple[View, ...]
    files: dict[str, Path]

    @property
    def learnt(self) -> Learnt:
        """Routings, workers and calendars of the leading reading."""
        return self.views[0].learnt

    @property
    def orders(self) -> tuple[OrderComparison, ...]:
        """Planned and actual per order, by the leading reading."""
        return self.views[0].orders

    @property
    def left_out(self) -> tuple[RowIssue, ...]:
        """The rows that were not used."""
        return tuple(issue for issue in self.issues if issue.left_out)


def import_log(
    path: Path,
    *,
    budget_s: float,
    seed: int,
    out_dir: Path,
    columns: Columns = AS_MINED,
    zone: tzinfo = UTC,
    clock: Callable[[], float] = time.monotonic,
) -> LogReport:
    """Reads a log of reported spans, plans its orders, and writes planned against actual into `out_dir`.

    Writes `report.json`, `orders.csv`, `workers.csv`, `plan.csv`, `rows.csv`, `lead-times.svg` and `.png`, `summary.md` and
    `summary.html`. `budget_s`: seconds of search, over both readings of simultaneous reports. `Refused` if the file cannot
    be read or has no usable row.
    """
    path, out_dir = Path(path), Path(out_dir)
    spans, issues = read_spans(path, columns=columns, zone=zone)
    if not spans:
        raise Refused("eventlog.empty", f"{path.name} has no usable row.", "Check its times and columns.", file=path)
    shares = ((Sharing.ONE_JOB, _FIRST_SHARE), (Sharing.AS_REPORTED, 1 - _FIRST_SHARE))
    views = tuple(compare(learn(spans, sharing), budget_s * share, seed, clock=clock) for sharing, share in shares)
    rows = len(spans) + sum(issue.left_out for issue in issues)
    out_dir.mkdir(parents=True, exist_ok=True)
    return LogReport(rows, issues, views, _write(out_dir, path.name, rows, issues, views))


def _write(out: Path, source: str, rows: int, issues: Sequence[RowIssue], views: tuple[View, ...]) -> dict[str, Path]:
    names = (
        "report.json",
        "orders.csv",
        "workers.csv",
        "plan.csv",
        "rows.csv",
        "lead-times.svg",
        "lead-times.png",
        "summary.md",
        "summary.html",
    )
    files = {name: out / name for name in names}
    first = views[0]
    draw(first, files["lead-times.svg"], files["lead-times.png"])
    files["report.json"].write_bytes(orjson.dumps(_document(source, rows, issues, views), option=orjson.OPT_INDENT_2))
    _csv(files["orders.csv"], _order_rows(views))
    _csv(files["workers.csv"], _worker_rows(first))
    _csv(files["plan.csv"], _plan_rows(first))
    _csv(files["rows.csv"], ({**asdict(issue), "left_out": int(issue.left_out)} for issue in issues))
    files["summary.md"].write_text(page.markdown(views, rows, issues, source), encoding="utf-8")
    picture = files["lead-times.svg"].read_text(encoding="utf-8")
    files["summary.html"].write_text(page.html(views, rows, issues, source, picture), encoding="utf-8")
    return files


def _document(source: str, rows: int, issues: Sequence[RowIssue], views: tuple[View, ...]) -> dict[str, object]:
    first = views[0]
    return {
        "source": source,
        "rows": rows,
        "rows_left_out": sum(issue.left_out for issue in issues),
        "origin": first.learnt.origin.isoformat(),
        "days": round(first.learnt.end_s / 86400, 2),
        "readings": [view.figures() for view in views],
        "shows": page.shows(),
        "does_not_show": page.shows_not(views),
        "orders": [
            {"order": order.order, "release": first.plan.at(order.release_s).isoformat(), **_hours(order)}
            for order in first.orders
        ],
        "issues": [asdict(issue) for issue in issues],
    }


def _hours(order: OrderComparison) -> dict[str, object]:
    return {
        "pieces": order.pieces,
        "rework": order.rework,
        "work_h": round(order.work_s / 3600, 2),
        "actual_lead_h": round(order.actual_lead_s / 3600, 2),
        "planned_lead_h": round(order.planned_lead_s / 3600, 2),
        "later_h": round(order.later_s / 3600, 2),
    }


def _order_rows(views: tuple[View, ...]) -> Iterable[dict[str, object]]:
    first = views[0]
    second = {order.order: order for order in views[1].orders}
    for order in first.orders:
        yield {
            "order": order.order,
            "release": first.plan.at(order.release_s).isoformat(),
            "actual_end": first.plan.at(order.actual_end_s).isoformat(),
            "planned_end": first.plan.at(order.planned_end_s).isoformat(),
            **_hours(order),
            "planned_lead_h_as_reported": round(second[order.order].planned_lead_s / 3600, 2),
        }


def _worker_rows(view: View) -> Iterable[dict[str, object]]:
    planned: dict[str, int] = {}
    calendars = {calendar.id: calendar for calendar in view.problem.calendars}
    for a in view.plan.assignments:
        worked = calendars[f"of-{a.resource}"].working(a.start_s, min(a.end_s, view.learnt.end_s))
        planned[a.resource] = planned.get(a.resource, 0) + max(0, worked)
    for worker in view.learnt.workers:
        yield {
            "worker": worker.id,
            "activities": "; ".join(worker.activities),
            "present_h": round(sum(b - a for a, b in worker.presence) / 3600, 1),
            "reported_h": round(worker.busy_s / 3600, 1),
            "planned_h": round(planned.get(worker.id, 0) / 3600, 1),
            "at_once": worker.at_once,
            "usual_week_h": round(sum(b - a for a, b in worker.week) / 3600, 1),
        }


def _plan_rows(view: View) -> Iterable[dict[str, object]]:
    pieces = {f"{order.id}/{k}": piece for order in view.learnt.orders for k, piece in enumerate(order.pieces)}
    for a in view.plan.assignments:
        piece = pieces[a.operation]
        yield {
            "order": a.job,
            "operation": a.operation,
            "activity": piece.activity,
            "planned_worker": a.resource,
            "planned_start": view.plan.at(a.start_s).isoformat(),
            "planned_end": view.plan.at(a.end_s).isoformat(),
            "actual_worker": piece.worker,
            "actual_start": view.plan.at(piece.begin_s).isoformat(),
            "actual_end": view.plan.at(piece.end_s).isoformat(),
        }


def _csv(path: Path, rows: Iterable[dict[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer: csv.DictWriter[str] | None = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)
