"""A long run of made to order in which the platform's own code says the dates (`batchone.chain.planning.honesty`).

While the product is new to the plant it is told the deliveries that each order waits for, with their share on time, as the
platform tells it; breakdowns on the way it is not.

The plant, its breakdowns, its suppliers' delays and what the line does about them are those of the study; so is the plan in
force, kept as work by class and minutes, into which an order is inserted. What insertion finds is an input here. How much later
the order is told to come, every second time and one time in ten, is asked of the product, which learns each hour from the
orders that finished. The p90 date is what the line then works to, so that what is told changes what happens, as in life.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batchone.chain.planning.honesty import Delivery, Honesty, Reserve
from benchmarks.pushpull.compiled import jit
from benchmarks.pushpull.line import FINISHED, FULL, World, advance, new_world, release
from benchmarks.pushpull.market import Orders
from benchmarks.pushpull.material import Store, set_aside, store_of
from benchmarks.pushpull.plant import DAY_S, Ints, Line, Plant, Products
from benchmarks.pushpull.pull import HOUR_S, SHIFT_S, Ahead, _first_use, _plan_of, _point, _setups, insert, replan

_SMOOTH = 0.1
_NEW_S = 7 * DAY_S
"""For how long the product is told the deliveries."""


@dataclass(frozen=True)
class Told:
    """By order: second of the order, inserted finish, told p50 and p90 finish, actual finish."""

    at: Ints
    planned: Ints
    likely: Ints
    sure: Ints
    finished: Ints


def run_promising(plant: Plant, p: Products, orders: Orders, seed: int, weight: int) -> Told:
    """Runs the orders through the plant until nothing is open."""
    use = _first_use(plant, p, orders)
    lot = np.ceil(plant.lot * orders.a_day * plant.pack.demo.every_s / DAY_S).astype(np.int64)
    opening = _point(plant, use) + lot // 2
    until_s = int(orders.at[-1]) + 60 * DAY_S
    count = len(orders.at)
    w = new_world(plant, count, (0, until_s), seed, until_s=until_s, opening=opening)
    s, line, ahead = store_of(plant, opening, lot), plant.line, _plan_of(plant, until_s)
    planned, begin, likely, sure = (np.zeros(count, np.int64) for _ in range(4))
    honesty, learnt = Honesty(), 0
    s.point[:] = _point(plant, use)
    lo, now, before = 0, 0, np.zeros((2, len(plant.classes)))
    while lo < count or w.n[FINISHED] < count:
        if now % DAY_S == 0 and now:
            use = (1 - _SMOOTH) * use + _SMOOTH * s.used
            s.used[:] = 0
            s.point[:] = _point(plant, use)
        if now % SHIFT_S == 0:
            _setups(plant, w, ahead, before)
            open_items = np.flatnonzero(w.finish[:lo] < 0)
            replan(w, line, p, ahead, open_items[np.argsort(w.due[open_items], kind="stable")], now)
        done = w.order[learnt : w.n[FINISHED]]
        if len(done):
            ended = w.finish[done]
            honesty.learn(
                float(now), (planned[done] - orders.at[done]).astype(float), (ended - planned[done]).astype(float),
                (ended - likely[done]).astype(float), (ended - sure[done]).astype(float),
            )  # fmt: skip
            learnt += len(done)
        hi = int(np.searchsorted(orders.at, now + HOUR_S))
        awaited = np.zeros((hi - lo if now < _NEW_S else 0, len(plant.variants)), np.int64)
        plan_in(w, line, p, s, ahead, orders.at, orders.cfg, lo, hi, planned, begin, awaited)
        asked, found = orders.at[lo:hi], planned[lo:hi]
        expected = [_reserve(plant, each, int(w.ready[k])) for k, each in enumerate(awaited, lo)]
        fifty, ninety = honesty.margins((found - asked).astype(float), expected)
        likely[lo:hi] = np.maximum(found + np.rint(fifty).astype(np.int64), asked)
        sure[lo:hi] = np.maximum(found + np.rint(ninety).astype(np.int64), likely[lo:hi])
        let_in(w, orders.cfg, lo, hi, sure, begin)
        lo, now = hi, now + HOUR_S
        advance(w, line, p, now, weight)
        if w.n[FULL] or now > until_s:
            raise OverflowError("more waits in front of a station than the study has room for: demand exceeds capacity")
    return Told(orders.at, planned, likely, sure, w.finish[:count].copy())


def _reserve(plant: Plant, awaited: Ints, ready: int) -> Reserve:
    """What late deliveries may add to an order whose operations may begin at `ready`."""
    waits = ((v, ready - awaited[v]) for v in np.flatnonzero(awaited))
    return Reserve(0.0, 0.0, tuple(Delivery(1 - plant.on_time[v], plant.lead_s[v], float(slack_s)) for v, slack_s in waits))


@jit
def plan_in(
    w: World, line: Line, p: Products, s: Store, ahead: Ahead, at: Ints, cfg: Ints, lo: int, hi: int, planned: Ints,
    begin: Ints, awaited: Ints,
) -> None:  # fmt: skip
    """Sets modules aside for orders and puts them into the plan; `begin` is when what they need will really be there,
    `awaited`, where there is room for it, when each module is expected."""
    for k in range(lo, hi):
        actual, expected = set_aside(s, w, p, cfg[k], at[k])
        ready = at[k] + p.prep[cfg[k]]
        planned[k] = insert(line, p, ahead, cfg[k], 0, max(ready, expected))
        w.ready[k] = max(ready, expected)
        if len(awaited):
            awaited[k - lo] = s.awaited
        begin[k] = max(ready, actual)


@jit
def let_in(w: World, cfg: Ints, lo: int, hi: int, due: Ints, begin: Ints) -> None:
    """Gives orders to the line, to be finished by their p90 date."""
    for k in range(lo, hi):
        release(w, k, cfg[k], due[k], begin[k])
