"""Are the dates honest? A year of orders on the refrigerator plant, with breakdowns and late suppliers: how many are met."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.planning.honesty import AHEAD_S
from benchmarks.figures import Options, Report, Table
from benchmarks.platform import the_pack
from benchmarks.pushpull.market import Taste, orders_of, wished
from benchmarks.pushpull.plant import DAY_S, Floats, Plant, plant_of, products_of
from benchmarks.pushpull.promising import Told, run_promising
from benchmarks.worth import KEPT, WEIGHT

YEAR_DAYS, WARM_DAYS, MONTH_DAYS, FIRST_DAYS = 365, 28, 30, 7
SEEDS, SEEDS_QUICK, DAYS_QUICK = 20, 2, 35
HALF_WITHIN, NINE_WITHIN = 0.05, 0.03
"""How far from a half and from nine tenths the shares that are met may lie."""
_NAMES = ("< 2 h", "2 to 8 h", "8 to 24 h", "1 to 3 d", "> 3 d")
_WIDE = 50


@dataclass(frozen=True)
class Kept:
    """Shares of orders that came by their p50 and p90 date: in all, by how far ahead the promise reached, by month and by day
    of the first week, which does not count (a row each, with the number of orders), and the mean hours from the order to the
    two dates and from one to the other."""

    p50: float
    p90: float
    ahead: Floats
    months: Floats
    first: Floats
    wait_h: float
    width_h: float
    orders: int


def year(blueprint: Blueprint, plant: Plant, seed: int, days: int, warm: int = WARM_DAYS, taste: Taste | None = None) -> Kept:
    """One seed: `warm` days in which the plant fills and the product learns, then the days that count."""
    taste = taste or Taste()
    p = products_of(plant, wished(blueprint, taste.variety, seed), KEPT, prepared=taste.prepared)
    orders = orders_of(plant, p, taste, -(-(warm + days) // 7) * 7, seed)
    return kept(run_promising(plant, p, orders, seed, WEIGHT), warm * DAY_S, (warm + days) * DAY_S)


def kept(told: Told, since: int, until: int) -> Kept:
    """What of the promises given in a window was kept."""
    days, new = told.at // DAY_S, told.at < FIRST_DAYS * DAY_S
    first = _by(days[new], FIRST_DAYS, (told.finished <= told.likely)[new], (told.finished <= told.sure)[new])
    mine = (told.at >= since) & (told.at < until)
    at, planned, likely, sure, finished = (x[mine] for x in (told.at, told.planned, told.likely, told.sure, told.finished))
    half, nine = finished <= likely, finished <= sure
    return Kept(
        float(half.mean()), float(nine.mean()),
        _by(np.searchsorted(AHEAD_S, planned - at, side="right"), len(AHEAD_S) + 1, half, nine),
        _by((at - since) // (MONTH_DAYS * DAY_S), -(-(until - since) // (MONTH_DAYS * DAY_S)), half, nine), first,
        float((sure - at).mean() / 3600), float((sure - likely).mean() / 3600), int(mine.sum()),
    )  # fmt: skip


def _by(kind: np.ndarray, kinds: int, half: np.ndarray, nine: np.ndarray) -> Floats:  # type: ignore[type-arg]
    count = np.bincount(kind, minlength=kinds)
    met = [np.bincount(kind, weights=each, minlength=kinds) for each in (half, nine)]
    return np.array([count, *met], dtype=float).T


async def run(options: Options) -> Report:
    """Every seed; then the calibration plot over all of them."""
    report, blueprint = Report("honesty"), compile_pack(the_pack())
    plant = plant_of(blueprint)
    seeds = options.seeds or (SEEDS_QUICK if options.quick else SEEDS)
    days = DAYS_QUICK if options.quick else YEAR_DAYS
    found = []
    for seed in range(1, seeds + 1):
        found.append(year(blueprint, plant, seed, days))
        sys.stderr.write(f"honesty: seed {seed}: p50 {100 * found[-1].p50:.1f} %, p90 {100 * found[-1].p90:.1f} %\n")
    report.tables.append(table(found, days))
    report.profiles["calibration: told against met, all seeds"] = plot(found)
    return report


def table(found: list[Kept], days: int) -> Table:
    """A row for each seed, and the mean."""
    rows = [(f"seed {n}", each.orders, 100 * each.p50, 100 * each.p90, each.wait_h, each.width_h, _met(each.p50, each.p90))
            for n, each in enumerate(found, 1)]  # fmt: skip
    orders = sum(each.orders for each in found)
    mean = [sum(getattr(each, name) * each.orders for each in found) / orders for name in ("p50", "p90", "wait_h", "width_h")]
    rows.append(("all", orders, 100 * mean[0], 100 * mean[1], mean[2], mean[3], _met(mean[0], mean[1])))
    return Table(
        f"Promises kept on the refrigerator plant: {days} days, breakdowns, late suppliers",
        ("", "orders", "p50 met, %", "p90 met, %", "order to p90, h", "p50 to p90, h", "as wanted"),
        tuple(rows),
        (f"Wanted: p50 in 50 +- 5 %, p90 in 90 +- 3 % of the orders of every seed; so it is in "
         f"{sum(_met(each.p50, each.p90) == 'yes' for each in found)} of {len(found)}.",
         f"The first {WARM_DAYS} days fill the plant and teach the product, and do not count."),
    )  # fmt: skip


def _met(half: float, nine: float) -> str:
    return "yes" if abs(half - 0.5) <= HALF_WITHIN and abs(nine - 0.9) <= NINE_WITHIN else "no"


def plot(found: list[Kept]) -> str:
    """The share that was met by how far ahead was promised, by month and day of the first week: `o` p50, `#` p90, `|` told."""
    lines = [f"{'':16}0 %{'':{_WIDE // 2 - 5}}50 %{'':{_WIDE // 2 - 12}}90 %  100 %"]
    for title, rows, names in (
        ("ahead", sum(each.ahead for each in found), _NAMES),
        ("month", sum(each.months for each in found), None),
        ("day", sum(each.first for each in found), None),
    ):
        for n, (count, half, nine) in enumerate(np.asarray(rows)):
            if count:
                name = names[n] if names else f"{n + 1}"
                lines.append(f"{title} {name:10}{_bar(half / count, nine / count)}  {100 * half / count:5.1f} "
                             f"{100 * nine / count:5.1f}  {int(count):>12,}")  # fmt: skip
    return "\n".join(lines)


def _bar(half: float, nine: float) -> str:
    cells = ["."] * (_WIDE + 1)
    cells[_WIDE // 2] = cells[round(0.9 * _WIDE)] = "|"
    cells[round(half * _WIDE)], cells[round(nine * _WIDE)] = "o", "#"
    return "".join(cells)
