"""Made to order: every order is an item of its own, promised from the plan, released as soon as it can begin.

The plan is kept as work by class and minutes. A new order is put into it behind what is reserved, which gives its date; the
margin from that to the promised one is the ninth decile of how late the last orders were against theirs, as in
`batchone.chain.planning.promise`. Every shift the plan is made anew from what is open. Machines take work by the dispatching
rule, by the promised date, so a new order, a late delivery or a breakdown changes what they do at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.pushpull.compiled import jit, lean
from benchmarks.pushpull.line import ALL_OPS, ALL_SETUP, FINISHED, FULL, World, advance, new_world, release
from benchmarks.pushpull.market import Orders
from benchmarks.pushpull.material import Store, set_aside, store_of
from benchmarks.pushpull.plant import DAY_S, Floats, Ints, Line, Plant, Products

HOUR_S, SHIFT_S, BUCKET_S = 3600, 8 * 3600, 300
LEARN_FROM, LEARN_LAST = 30, 300
"""Finished orders from which a margin is learnt, and how many of the last count, as on the platform."""
COVER = 1.4
"""Reorder point over mean use in the longest time that a delivery takes: two standard deviations of a day's orders at the base
case's 20 % (assumption)."""
_LATEST = 1.6
_SMOOTH = 0.1
"""Weight of the last day in the mean use of a module."""


class Ahead(NamedTuple):
    """The plan in force, by class and bucket: seconds of capacity left, and the next bucket that may have some. `setup`: mean
    seconds of setup of an operation of each class, as lately seen; `ends`: room to work in."""

    left: Floats
    next: Ints
    setup: Floats
    whole: Floats
    ends: Ints


@dataclass(frozen=True)
class Pulled:
    """What happened to each order: planned and promised finish, and the world afterwards."""

    world: World
    planned: Ints
    promised: Ints
    use: Floats


def run_pull(
    plant: Plant, p: Products, orders: Orders, window: tuple[int, int], seed: int, weight: int, learn_last: int = LEARN_LAST
) -> Pulled:
    """Runs the orders through the plant until nothing is open."""
    use = _first_use(plant, p, orders)
    lot = np.ceil(plant.lot * orders.a_day * plant.pack.demo.every_s / DAY_S).astype(np.int64)
    opening = _point(plant, use) + lot // 2
    until_s = int(orders.at[-1]) + 60 * DAY_S
    w = new_world(plant, len(orders.at), window, seed, until_s=until_s, opening=opening)
    s, line = store_of(plant, opening, lot), plant.line
    ahead = _plan_of(plant, until_s)
    planned, promised = np.zeros(len(orders.at), np.int64), np.zeros(len(orders.at), np.int64)
    s.point[:] = _point(plant, use)
    lo, now, before = 0, 0, np.zeros((2, len(plant.classes)))
    while lo < len(orders.at) or w.n[FINISHED] < len(orders.at):
        if now % DAY_S == 0 and now:
            use = (1 - _SMOOTH) * use + _SMOOTH * s.used
            s.used[:] = 0
            s.point[:] = _point(plant, use)
        if now % SHIFT_S == 0:
            _setups(plant, w, ahead, before)
            open_items = np.flatnonzero(w.finish[:lo] < 0)
            replan(w, line, p, ahead, open_items[np.argsort(w.due[open_items], kind="stable")], now)
        hi = int(np.searchsorted(orders.at, now + HOUR_S))
        take(w, line, p, s, ahead, orders.at, orders.cfg, lo, hi, planned, promised, _margin(w, planned, learn_last))
        lo, now = hi, now + HOUR_S
        advance(w, line, p, now, weight)
        if w.n[FULL] or now > until_s:
            raise OverflowError("more waits in front of a station than the study has room for: demand exceeds capacity")
    return Pulled(w, planned, promised, use)


def _first_use(plant: Plant, p: Products, orders: Orders) -> Floats:
    """Mean pieces a day of each module in the weeks before."""
    share = orders.history.sum(axis=0) / orders.history.sum()
    n, use = p.seconds.shape[1], np.zeros(len(plant.variants))
    for v in range(len(share)):
        lines = slice(p.bom_at[v * n], p.bom_at[v * n + n])
        np.add.at(use, p.bom_variant[lines], share[v] * orders.a_day * p.bom_quantity[lines])
    return use


def _point(plant: Plant, use: Floats) -> Ints:
    found: Ints = np.ceil(use * COVER * _LATEST * plant.lead_s / DAY_S).astype(np.int64)
    return found


def _margin(w: World, planned: Ints, learn_last: int) -> int:
    """Seconds from the planned to the promised finish; -1 while too little is known."""
    count = int(w.n[FINISHED])
    if count < LEARN_FROM:
        return -1
    last = w.order[max(0, count - learn_last) : count]
    return max(60, int(np.quantile(w.finish[last] - planned[last], 0.9)))


def _plan_of(plant: Plant, until_s: int) -> Ahead:
    buckets = until_s // BUCKET_S + 1
    whole = np.add.reduceat(plant.line.positions, plant.line.machine_at[:-1]) * plant.working_share() * BUCKET_S
    left = np.repeat(whole[:, None], buckets, axis=1)
    return Ahead(left, np.tile(np.arange(buckets + 1), (len(whole), 1)), np.zeros(len(whole)), whole, np.zeros(16, np.int64))


def _setups(plant: Plant, w: World, ahead: Ahead, before: Floats) -> None:
    """Learns the mean setup of an operation from the last shift."""
    at = plant.line.machine_at[:-1]
    now = np.array([np.add.reduceat(w.worked[:, column], at) for column in (ALL_SETUP, ALL_OPS)])
    new = now - before
    seen = new[1] > 0
    ahead.setup[seen] = new[0][seen] / new[1][seen]
    before[:] = now


@lean
def _find(ahead: Ahead, c: int, bucket: int) -> int:
    """The first bucket from one on that may have capacity left."""
    while ahead.next[c, bucket] != bucket:
        ahead.next[c, bucket] = ahead.next[c, ahead.next[c, bucket]]
        bucket = ahead.next[c, bucket]
    return bucket


@lean
def insert(line: Line, p: Products, ahead: Ahead, cfg: int, done: int, ready: int) -> int:
    """Puts what an item has yet to go through into the plan; when it ends."""
    n, finish, ends = len(line.cls), ready, ahead.ends
    for o in range(n):
        ends[o] = 0
        if done >> o & 1:
            continue
        begin = ready
        for before in range(o):
            if line.anc[o] >> before & 1:
                begin = max(begin, ends[before])
        c, need = line.cls[o], p.seconds[cfg, o] + 0.0
        if p.key[cfg, o] >= 0:
            need += ahead.setup[c]
        bucket = _find(ahead, c, begin // BUCKET_S)
        begin = max(begin, bucket * BUCKET_S)
        while need > 0.0:
            took = min(need, ahead.left[c, bucket])
            ahead.left[c, bucket] -= took
            need -= took
            if ahead.left[c, bucket] < 1.0:
                ahead.next[c, bucket] = bucket + 1
                bucket = _find(ahead, c, bucket + 1)
        ends[o] = begin + p.seconds[cfg, o]
        finish = max(finish, ends[o])
    return finish


@jit
def replan(w: World, line: Line, p: Products, ahead: Ahead, items: Ints, now: int) -> None:
    """Makes the plan anew from the open items, the earliest due first."""
    first = now // BUCKET_S
    for c in range(len(line.keys)):
        ahead.left[c, first:] = ahead.whole[c]
        for bucket in range(first, ahead.next.shape[1]):
            ahead.next[c, bucket] = bucket
    for item in items:
        insert(line, p, ahead, w.cfg[item], w.done[item], max(now, w.ready[item]))


@jit
def take(
    w: World, line: Line, p: Products, s: Store, ahead: Ahead, at: Ints, cfg: Ints, lo: int, hi: int, planned: Ints,
    promised: Ints, margin: int,
) -> None:  # fmt: skip
    """Takes orders in: sets modules aside, plans, promises, releases."""
    for k in range(lo, hi):
        actual, expected = set_aside(s, w, p, cfg[k], at[k])
        ready = at[k] + p.prep[cfg[k]]
        planned[k] = insert(line, p, ahead, cfg[k], 0, max(ready, expected))
        wait = max(3600, (planned[k] - at[k]) // 4) if margin < 0 else margin
        promised[k] = planned[k] + wait
        w.ready[k] = max(ready, expected)
        release(w, k, cfg[k], promised[k], max(ready, actual))
