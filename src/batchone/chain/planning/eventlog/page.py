"""The report in words: one page of Markdown, and the same as HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from batchone.chain.planning.eventlog.compare import View
from batchone.chain.planning.eventlog.learn import JOIN_S, PRESENT_S, TOUCH_S
from batchone.chain.planning.eventlog.read import RowIssue
from batchone.chain.planning.model import DAY_S

_ROWS = (
    ("Orders", "orders"),
    ("Operations planned", "operations"),
    ("Working hours in them", "work_h"),
    ("Lead time, median days: actual", "actual_lead_median_d"),
    ("Lead time, median days: planned", "planned_lead_median_d"),
    ("Lead time, mean days: actual", "actual_lead_mean_d"),
    ("Lead time, mean days: planned", "planned_lead_mean_d"),
    ("Orders the plan ends sooner than they ended", "orders_sooner"),
    ("Orders the plan ends later than they ended", "orders_later"),
    ("The latest of those, days later", "latest_by_d"),
    ("Orders planned to end after the last day of the log", "orders_after_the_log"),
    ("Sum of later ends, hours", "later_than_actual_sum_h"),
    ("No plan can have less, hours", "later_than_actual_bound_h"),
)


def shows() -> list[str]:
    """What the comparison shows."""
    return [
        "Each order begins at its real first reported second, and the same steps follow in the order in which they began.",
        "Each step takes the working time that was reported for it, by a worker who did that activity at least once.",
        "Each worker is there when the log shows it: from report to report where no more than "
        f"{PRESENT_S // 3600} hours lie between. In the first column they do one job at a time, each minute once.",
        "So it shows what one finite plan over all orders could have reached with the same people in the same hours.",
        "Every plan here was checked against all of these rules by a validator that shares no code with the planner.",
    ]


def shows_not(views: Sequence[View]) -> list[str]:
    """What the comparison does not show."""
    learnt = views[0].learnt
    first = sum(order.release_s < 2 * DAY_S for order in learnt.orders)
    last = sum(order.end_s > learnt.end_s - 2 * DAY_S for order in learnt.orders)
    return [
        "The log has no due dates. The actual completion of each order is the yardstick, and the due time the plan was asked "
        "to meet: *later* means later than it really ended, not late for a customer.",
        "The plan knew every order, every duration and every rework beforehand. A plan made on the day would do worse.",
        "The log has no machines: the plan does not limit them. It has no quantities: lots are neither split nor joined.",
        "Waiting for material, for work outside the house, for drying, transport or a decision is not in the log. "
        "The actual lead times contain it, the planned ones do not: the difference is not all the planner's merit.",
        "Workers often report several orders at once, as when they tend two machines. The first column divides such time among "
        "the orders, which makes a machine's run too short; the second counts it in full for each order and lets a worker "
        "do as many at once as in 95 % of the reported time, which lets any jobs run side by side. The truth lies between.",
        "Reports of one worker on one order and activity at most "
        f"{JOIN_S // 60} minutes apart became one step. Steps of one activity that overlapped by more than "
        f"{TOUCH_S // 60} minutes may overlap in the plan; different activities of an order never do, though they did in the "
        "shop.",
        "Hours are those in which people reported work. After the last day of the log their usual week goes on, which only "
        "concerns what the plan ends after it.",
        f"The log is a window: {first} orders begin in its first two days and {last} end in its last two; what they did "
        "before or after is not known.",
        "The plan is the best found in the time given, not a proven optimum. Times carry no zone and are taken as one clock.",
    ]


def markdown(views: Sequence[View], rows: int, issues: Sequence[RowIssue], source: str) -> str:
    """The page as Markdown."""
    learnt = views[0].learnt
    lines = [
        f"# Planned against actual: {source}",
        "",
        f"{rows} rows, {len(learnt.orders)} orders, {len(learnt.workers)} workers, from {learnt.origin:%Y-%m-%d} "
        f"for {learnt.end_s / DAY_S:.0f} days.",
        "",
        "![Lead times and finished orders](lead-times.svg)",
        "",
        *_table(views),
        "",
        "## What this shows",
        "",
        *(f"- {line}" for line in shows()),
        "",
        "## What it does not show",
        "",
        *(f"- {line}" for line in shows_not(views)),
        "",
        "## Rows left out, or kept with doubt",
        "",
        *(f"- {line}" for line in issue_lines(issues)),
        "",
        "Each of them, with its line in the file, is in `rows.csv`; every order is in `orders.csv`, every dated step in",
        "`plan.csv`, every worker in `workers.csv`, all figures in `report.json`.",
        "",
    ]
    return "\n".join(lines)


def issue_lines(issues: Sequence[RowIssue]) -> list[str]:
    """How many rows of each kind there are, with an example."""
    counts = Counter((issue.left_out, issue.kind) for issue in issues)
    lines = []
    for (left_out, kind), count in sorted(counts.items(), reverse=True):
        example = next(issue for issue in issues if (issue.left_out, issue.kind) == (left_out, kind))
        what = "left out" if left_out else "kept"
        lines.append(f"{count} {what}: a row {example.reason} (line {example.line})")
    return lines or ["none"]


def _table(views: Sequence[View]) -> list[str]:
    figures = [view.figures() for view in views]
    head = "| | " + " | ".join(view.sharing.value for view in views) + " |"
    rule = "|---|" + "---:|" * len(views)
    body = [f"| {title} | " + " | ".join(str(row[key]) for row in figures) + " |" for title, key in _ROWS]
    return [head, rule, *body]


def html(views: Sequence[View], rows: int, issues: Sequence[RowIssue], source: str, picture: str) -> str:
    """The page as HTML that needs nothing else; `picture` is the SVG itself."""
    figures = [view.figures() for view in views]
    learnt = views[0].learnt
    head = "".join(f"<th>{escape(view.sharing.value)}</th>" for view in views)
    body = "".join(
        f"<tr><th scope=row>{escape(title)}</th>" + "".join(f"<td>{escape(str(row[key]))}</td>" for row in figures) + "</tr>"
        for title, key in _ROWS
    )

    def points(lines: Sequence[str]) -> str:
        return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"

    svg = picture[picture.index("<svg") :]
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Planned against actual</title><style>{_STYLE}</style>"
        f"<h1>Planned against actual: {escape(source)}</h1>"
        f"<p>{rows} rows, {len(learnt.orders)} orders, {len(learnt.workers)} workers, from {learnt.origin:%Y-%m-%d} for "
        f"{learnt.end_s / DAY_S:.0f} days.</p><figure>{svg}</figure>"
        f"<table><tr><td></td>{head}</tr>{body}</table>"
        f"<h2>What this shows</h2>{points(shows())}"
        f"<h2>What it does not show</h2>{points([line.replace('*', '') for line in shows_not(views)])}"
        f"<h2>Rows left out, or kept with doubt</h2>{points(issue_lines(issues))}</html>\n"
    )


_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c}"
    "table{border-collapse:collapse}th,td{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:right}"
    "th[scope=row]{text-align:left;font-weight:normal}figure{margin:1rem 0}svg{max-width:100%;height:auto}"
)
