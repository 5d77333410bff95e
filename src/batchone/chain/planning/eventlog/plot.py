"""The comparison as a picture, drawn without a display."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from batchone.chain.planning.eventlog.compare import View
from batchone.chain.planning.model import DAY_S

_ACTUAL, _PLANNED, _GREY = "#8a6d3b", "#0a6e8a", "#888888"


def draw(view: View, svg: Path, png: Path) -> None:
    """Lead times, planned against actual, one order a dot; and how many orders were finished by when."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    actual = [max(order.actual_lead_s, 60) / DAY_S for order in view.orders]
    planned = [max(order.planned_lead_s, 60) / DAY_S for order in view.orders]
    low, high = min(actual + planned) * 0.8, max(actual + planned) * 1.25
    left.plot([low, high], [low, high], color=_GREY, linewidth=1)
    left.scatter(actual, planned, s=14, color=_PLANNED, alpha=0.6, linewidths=0)
    left.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    left.set_xlabel("actual lead time, days")
    left.set_ylabel("planned lead time, days")
    left.set_title("One dot an order; below the line the plan is sooner", fontsize=10)
    for ends, name, colour in (
        (sorted(order.actual_end_s for order in view.orders), "actual", _ACTUAL),
        (sorted(order.planned_end_s for order in view.orders), "planned", _PLANNED),
    ):
        right.step([end / DAY_S for end in ends], range(1, len(ends) + 1), where="post", label=name, color=colour)
    right.axvline(view.learnt.end_s / DAY_S, color=_GREY, linewidth=1, linestyle=":")
    right.set_xlabel(f"days since {view.learnt.origin:%Y-%m-%d} (dotted: end of the log)")
    right.set_ylabel("orders finished")
    right.set_title("Finished orders", fontsize=10)
    right.legend(frameon=False)
    with matplotlib.rc_context({"svg.hashsalt": "batchone", "svg.fonttype": "none"}):
        figure.savefig(svg, format="svg", metadata={"Date": None})
    figure.savefig(png, format="png")
