"""What it is worth: the same customers' orders on the same plant, made to forecast (push) and made to order (pull).

The guide `docs/guides/worth.md` says what is simulated and what is assumed; nothing here is fitted to make either side win.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from batchone.chain.design.model import Blueprint, compile_pack
from benchmarks.figures import Options, Report, Table
from benchmarks.platform import the_pack
from benchmarks.pushpull.market import Taste, orders_of, wished
from benchmarks.pushpull.outcome import Outcome, of_pull, of_push
from benchmarks.pushpull.plant import DAY_S, Plant, plant_of, products_of
from benchmarks.pushpull.pull import LEARN_LAST, run_pull
from benchmarks.pushpull.push import Policy, run_push

WARM_DAYS, AFTER_DAYS = 14, 14
"""Days of orders before and after those that are measured: the plant fills up, and the last measured order meets others."""
KEPT = ("layout", "volume_l")
"""Options in which nobody takes another value than the one they want (assumption)."""
WEIGHT = 4_000
"""Seconds of slack that a second of setup outweighs, in both ways: on seed 0, which is in no other table (`rehearsed`), the
least of those tried with which more brings no shorter lead time. With the platform's own, 4 and 50, pull falls behind."""
WEIGHTS = (4, 100, 1_000, 4_000, 20_000)
T_975 = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110,
         2.101, 2.093, 2.086)  # fmt: skip
"""The 97.5 % quantile of Student's t, by degrees of freedom from 1 on."""


@dataclass(frozen=True)
class Case:
    """One setting of what was assumed. The `weight` of setups and `learn_last`, the outcomes that a margin is learnt from, are
    those of both ways."""

    name: str
    taste: Taste = field(default_factory=Taste)
    policy: Policy = field(default_factory=Policy)
    weight: int = WEIGHT
    learn_last: int = LEARN_LAST


@dataclass(frozen=True)
class Both:
    """One seed, both ways; `error`: forecast error over sales, by configuration and week."""

    push: Outcome
    pull: Outcome
    error: float
    configurations: int
    orders: int


BASE = Case("base")
CASES = (
    BASE,
    Case("variety: 50 configurations", Taste(variety=50)),
    Case("variety: 5,000 configurations", Taste(variety=5_000)),
    Case("variety: 10,000 configurations", Taste(variety=10_000)),
    Case("concentration: Zipf 1.2", Taste(zipf=1.2)),
    Case("concentration: all alike", Taste(zipf=0.0)),
    Case("demand: 70 % of capacity", Taste(load=0.70)),
    Case("demand: 95 % of capacity", Taste(load=0.95)),
    Case("forecast: no drift", Taste(drift=0.0)),
    Case("forecast: twice the drift", Taste(drift=0.5)),
    Case("options need no preparation", Taste(prepared=False)),
    Case("nobody takes another configuration", policy=Policy(willing=0.0)),
    Case("safety stock for 99.9 %", policy=Policy(service=3.09)),
    Case("margins learnt from 10,000 orders", learn_last=10_000),
)

ROWS: tuple[tuple[str, str, int], ...] = (
    ("lead_p50_h", "lead time p50, h", -1),
    ("lead_p90_h", "lead time p90, h", -1),
    ("lead_p99_h", "lead time p99, h", -1),
    ("common_p50_h", "p50 of the most wished tenth, h", -1),
    ("rare_p90_h", "p90 of the least wished half, h", -1),
    ("at_once_pct", "served at once, %", 1),
    ("hits_pct", "promises kept, %", 1),
    ("hits_later_pct", "of those who had to wait, %", 1),
    ("exact_pct", "got what they wished, %", 1),
    ("made_for_someone_pct", "made for a known customer, %", 1),
    ("changeover_pct", "changeover, % of time", -1),
    ("changes_per_100", "changeovers per 100 units", -1),
    ("busiest_pct", "busiest station in use, %", -1),
    ("finished_stock_days", "finished stock, days", -1),
    ("module_stock_days", "modules in store, days", -1),
    ("wip_days", "work in progress, days", -1),
    ("stock_m_cny", "all stock, million CNY", -1),
    ("per_paid_hour", "good units per paid line hour", 1),
    ("kwh_per_unit", "energy, kWh per unit", -1),
    ("stock_cost_per_unit", "stock cost, CNY per unit", -1),
    ("cost_per_unit", "wages, energy, stock, CNY per unit", -1),
)
"""Figure, words, and whether more is better (1) or less (-1)."""


async def run(options: Options) -> Report:
    """Both ways on every seed; then the same, shorter, with one assumption changed at a time."""
    report, blueprint = Report("worth"), compile_pack(the_pack())
    plant = plant_of(blueprint)
    seeds, days = (range(1, 4), 14) if options.quick else (range(1, 21), 60)
    found = [both(blueprint, plant, BASE, seed, days) for seed in seeds]
    report.tables.append(main_table(found, days))
    cases, few, short = (CASES[:2], range(1, 2), 7) if options.quick else (CASES, range(1, 5), 28)
    report.tables.append(
        sensitivity({case: [both(blueprint, plant, case, seed, short) for seed in few] for case in cases}, short)
    )
    weights = WEIGHTS[-2:] if options.quick else WEIGHTS
    report.tables.append(rehearsed(blueprint, plant, weights, short))
    return report


def both(blueprint: Blueprint, plant: Plant, case: Case, seed: int, days: int) -> Both:
    """One seed: the same market, orders and breakdowns for both."""
    sys.stderr.write(f"worth: {case.name}, seed {seed}\n")
    p = products_of(plant, wished(blueprint, case.taste.variety, seed), KEPT, prepared=case.taste.prepared)
    whole = math.ceil((WARM_DAYS + days + AFTER_DAYS) / 7) * 7
    orders = orders_of(plant, p, case.taste, whole, seed)
    window = (WARM_DAYS * DAY_S, (WARM_DAYS + days) * DAY_S)
    mine = orders.cfg[(orders.at >= window[0]) & (orders.at < window[1])]
    pushed = run_push(plant, p, orders, window, seed, case.weight, case.policy, case.learn_last)
    pulled = run_pull(plant, p, orders, window, seed, case.weight, case.learn_last)
    return Both(
        of_push(plant, p, orders, pushed), of_pull(plant, p, orders, pulled), pushed.error, len(set(mine.tolist())), len(mine)
    )


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95 % confidence interval (Student's t); not-a-number for a single value."""
    n = len(values)
    if n < 2:
        return statistics.fmean(values), math.nan
    t = T_975[min(n - 2, len(T_975) - 1)]
    return statistics.fmean(values), t * statistics.stdev(values) / math.sqrt(n)


def verdict(values: Sequence[float], more_is_better: int) -> str:
    """Which side a paired difference (pull less push) speaks for, if its interval leaves 0 out."""
    mean, half = interval(values)
    if not abs(mean) > half or not mean:
        return "no difference"
    return "pull" if mean * more_is_better > 0 else "push"


def main_table(found: Sequence[Both], days: int) -> Table:
    """Means over seeds with 95 % intervals, and of the paired difference."""
    rows = []
    for name, words, better in ROWS:
        push, pull = ([getattr(side, name) for side in sides] for sides in ([b.push for b in found], [b.pull for b in found]))
        less = [b - a for a, b in zip(push, pull, strict=True)]
        rows.append((words, _with(push), _with(pull), _with(less), verdict(less, better)))
    orders = statistics.fmean(each.orders for each in found)
    return Table(
        f"Push and pull: {days} days, {len(found)} seeds, {orders / days:,.0f} orders a day",
        ("figure", "push", "pull", "pull - push", "better"),
        tuple(rows),
        ("Mean +- half of the 95 % confidence interval (t over seeds; differences paired by seed). Better: only where the",
         "interval of the difference leaves 0 out. Lead time: from the order to leaving the plant.",
         f"Configurations ordered: {statistics.fmean(each.configurations for each in found):,.0f}. "
         f"Forecast error: {100 * statistics.fmean(each.error for each in found):.0f} % of sales, by week and configuration."),
    )  # fmt: skip


def sensitivity(found: Mapping[Case, Sequence[Both]], days: int) -> Table:
    """Both ways with one assumption changed at a time."""
    names = ("lead_p50_h", "lead_p90_h", "lead_p99_h", "hits_pct", "exact_pct", "changeover_pct", "finished_stock_days",
             "module_stock_days", "cost_per_unit")  # fmt: skip
    columns = ("p50_h", "p90_h", "p99_h", "kept_%", "exact_%", "setup_%", "finished_d", "modules_d", "CNY/unit")
    rows = []
    for case, sides in found.items():
        error = statistics.fmean(each.error for each in sides)
        cells = [_pair(sides, name) for name in names]
        rows.append((case.name, f"{100 * error:.0f} %", *cells))
    seeds = len(next(iter(found.values())))
    return Table(
        f"One assumption changed at a time: push / pull, {days} days, {seeds} seeds",
        ("case", "forecast error", *columns),
        tuple(rows),
    )


def rehearsed(blueprint: Blueprint, plant: Plant, weights: Sequence[int], days: int) -> Table:
    """How much setups should weigh against slack, tried on a seed that is in no other table."""
    rows = []
    for weight in weights:
        one = both(blueprint, plant, replace(BASE, name=f"setup weight {weight}", weight=weight), 0, days).pull
        rows.append((f"{weight:,}", one.lead_p50_h, one.lead_p90_h, one.hits_pct, one.changeover_pct, one.wip_days))
    return Table(
        f"Pull by the weight of setups in the dispatching rule: {days} days, seed 0",
        ("seconds of slack a second of setup outweighs", "p50_h", "p90_h", "kept_%", "setup_%", "wip_days"),
        tuple(rows),
        (
            "The platform's own rules weigh setups with 4 and 50, and it searches on from there; the study uses "
            f"{WEIGHT:,} for both ways.",
        ),
    )


def _with(values: Sequence[float]) -> str:
    mean, half = interval(values)
    places = 0 if abs(mean) >= 1000 else 1 if abs(mean) >= 20 else 2
    return f"{mean:,.{places}f} +- {half:.{places}f}" if math.isfinite(half) else f"{mean:,.{places}f}"


def _pair(sides: Sequence[Both], name: str) -> str:
    push, pull = (
        statistics.fmean(getattr(side, name) for side in each) for each in zip(*((b.push, b.pull) for b in sides), strict=True)
    )
    return f"{push:.1f} / {pull:.1f}"
