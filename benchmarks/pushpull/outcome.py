"""What a run came to, in the figures that the study compares."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from benchmarks.pushpull.line import BUSY, SETUP, SETUPS, World
from benchmarks.pushpull.market import Orders
from benchmarks.pushpull.plant import DAY_S, Floats, Ints, Plant, Products
from benchmarks.pushpull.pull import Pulled
from benchmarks.pushpull.push import Pushed

WAGE_AN_HOUR, PRICE_A_KWH, HOLDING_A_YEAR = 40.0, 0.70, 0.20
"""CNY for an hour of one operator at each attended machine; CNY for a kilowatt-hour; share of its value that stock costs a year
(assumptions; the pack names no wages and no tariff)."""
COMMON, RARE = 0.1, 0.5
"""The most wished tenth of the configurations, and the least wished half."""


@dataclass(frozen=True)
class Outcome:
    """Figures of one run in its window; units stand in the names, shares are percent."""

    lead_p50_h: float
    lead_p90_h: float
    lead_p99_h: float
    common_p50_h: float
    rare_p90_h: float
    at_once_pct: float
    hits_pct: float
    hits_later_pct: float
    exact_pct: float
    made_for_someone_pct: float
    changeover_pct: float
    changes_per_100: float
    busiest_pct: float
    finished_stock_days: float
    module_stock_days: float
    wip_days: float
    stock_m_cny: float
    per_paid_hour: float
    kwh_per_unit: float
    cost_per_unit: float
    stock_cost_per_unit: float


NAMES = tuple(each.name for each in fields(Outcome))


@dataclass(frozen=True)
class Met:
    """How orders were met: served when (second), as promised, with which configuration."""

    served: Ints
    promised: Ints
    got: Ints


def of_pull(plant: Plant, p: Products, orders: Orders, run: Pulled) -> Outcome:
    """The figures of a pull run. Nothing stands in finished stock: an item leaves when it is done."""
    met = Met(run.world.finish[: len(orders.at)], run.promised, orders.cfg)
    return _outcome(plant, p, orders, run.world, met, 0.0, 0.0, 1.0)


def of_push(plant: Plant, p: Products, orders: Orders, run: Pushed) -> Outcome:
    """The figures of a push run."""
    shelf, w = run.shelf, run.world
    met = Met(shelf.served, shelf.promised, shelf.got)
    lo, hi, _ = w.window
    made = ((w.finish >= lo) & (w.finish < hi)).sum()
    waited = (shelf.served > orders.at) & (shelf.served >= lo) & (shelf.served < hi)
    span = hi - lo
    return _outcome(
        plant, p, orders, w, met, float(shelf.pieces[0] / span), float(shelf.value[0] / span), float(waited.sum() / made)
    )


def _outcome(
    plant: Plant, p: Products, orders: Orders, w: World, met: Met, pieces: float, value: float, for_someone: float
) -> Outcome:  # fmt: skip
    lo, hi, _ = w.window
    days, mine = (hi - lo) / DAY_S, (orders.at >= lo) & (orders.at < hi)
    if (met.served[mine] < 0).any():
        raise ValueError(f"{(met.served[mine] < 0).sum()} orders were never served")
    lead_h = (met.served - orders.at)[mine] / 3600
    cfg, later = orders.cfg[mine], lead_h > 0
    kept = (met.served <= met.promised)[mine]
    made = int(((w.finish >= lo) & (w.finish < hi)).sum())
    used = float(p.value[orders.cfg[mine]].sum()) / days
    modules, wip = float(w.value[0]) / (hi - lo), float(w.value[1]) / (hi - lo)
    changeover, changes, busiest = _stations(plant, w, hi - lo)
    kwh = float((w.worked[:, BUSY] * plant.position_kw).sum() + plant.idle_kw.sum() * (hi - lo)) / 3600
    wages = WAGE_AN_HOUR * 24 * days * int(plant.line.attended[plant.line.class_of].sum())
    holding = (value + modules + wip) * HOLDING_A_YEAR * days / 365
    common = cfg < max(1, round(COMMON * len(p.prep)))
    rare = cfg >= len(p.prep) - max(1, round(RARE * len(p.prep)))
    return Outcome(
        *(float(np.quantile(lead_h, share)) for share in (0.5, 0.9, 0.99)),
        common_p50_h=float(np.quantile(lead_h[common], 0.5)),
        rare_p90_h=float(np.quantile(lead_h[rare], 0.9)),
        at_once_pct=100 * float((~later).mean()),
        hits_pct=100 * float(kept.mean()),
        hits_later_pct=100 * float(kept[later].mean()) if later.any() else 100.0,
        exact_pct=100 * float((met.got[mine] == cfg).mean()),
        made_for_someone_pct=100 * for_someone,
        changeover_pct=100 * changeover,
        changes_per_100=100 * changes / made,
        busiest_pct=100 * busiest,
        finished_stock_days=pieces / orders.a_day,
        module_stock_days=modules / used,
        wip_days=wip / used,
        stock_m_cny=(value + modules + wip) / 1e6,
        per_paid_hour=made / (24 * days),
        kwh_per_unit=kwh / made,
        cost_per_unit=(wages + kwh * PRICE_A_KWH + holding) / made,
        stock_cost_per_unit=holding / made,
    )


def _stations(plant: Plant, w: World, span_s: int) -> tuple[float, int, float]:
    """The share of the working time of stations with setups that goes into them; changes of key; and the share of its working
    time that the busiest class works or is set up."""
    line = plant.line
    mine = line.keys[line.class_of] > 0
    open_s = span_s * plant.working_share()[line.class_of]
    share: Floats = (w.worked[:, BUSY] / line.positions + w.worked[:, SETUP]) / open_s
    busiest = max(share[a:b].mean() for a, b in zip(line.machine_at[:-1], line.machine_at[1:], strict=True))
    return float((w.worked[mine, SETUP] / open_s[mine]).mean()), int(w.worked[mine, SETUPS].sum()), float(busiest)
