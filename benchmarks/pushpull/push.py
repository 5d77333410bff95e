"""Made to forecast: a master plan each week, lots in a fixed sequence, customers served from finished stock.

Two days before a week begins its plan is frozen. Each configuration gets a lot that lifts what is in stock and in work, less
what customers wait for, to the forecast until the lot after it, and a safety stock; the forecast smooths what was sold each
week (exponentially), and so does the error that the safety stock covers. Lots stand in the fixed sequence of their setup keys,
layout before panel on the refrigerator, and are released at the pace of the busiest station. Modules are called off for each
half day of the plan.

A customer takes the wished configuration from stock, or, if willing, one much like it; else they wait for the next lot with
something left in it. They are promised the lot's planned date and a margin learnt from how late such lots were, as in pull.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.pushpull.compiled import lean
from benchmarks.pushpull.line import FINISHED, FULL, ITEMS, World, advance, inside, new_world, release
from benchmarks.pushpull.market import Orders, takt_s
from benchmarks.pushpull.material import Store, call_off_for, store_of
from benchmarks.pushpull.plant import DAY_S, Floats, Ints, Plant, Products

WEEK_S, FROZEN_S, BLOCK_S = 7 * DAY_S, 2 * DAY_S, DAY_S // 2
SAFETY_S = DAY_S // 2
"""How long before they are used modules are expected (assumption)."""
PACE = 0.95
"""Released at this share of what the busiest station could make; the rest is for breakdowns (assumption)."""
SMOOTH, ERROR_TO_SD = 0.2, 1.25
"""Weight of the last week in the forecast and its mean absolute error; from that to a normal standard deviation."""
LEARN_FROM, LEARN_LAST = 30, 300


@dataclass(frozen=True)
class Policy:
    """`service`: standard deviations of forecast error that the safety stock covers (1.645: 95 % of cycles without a shortage).
    `willing`: the share of customers who, finding theirs out of stock, take one that is near it (`Products.near`;
    assumption)."""

    service: float = 1.645
    willing: float = 0.5


class Shelf(NamedTuple):
    """By configuration: pieces in stock, pieces planned and not finished, planned finish of the newest lot, planned place in a
    week, customers who wait (from `head` to `tail`), what was sold since the last plan. By order: the next who waits, what was
    got, when, what was planned and promised. `value`, `pieces`: integrals of the stock over the window."""

    stock: Ints
    pipe: Ints
    lot_at: Ints
    slot: Ints
    waiting: Ints
    head: Ints
    tail: Ints
    sold: Ints
    next: Ints
    got: Ints
    served: Ints
    planned: Ints
    promised: Ints
    value: Floats
    pieces: Floats
    n: Ints


SEEN, TAKEN, LEARNT = 0, 1, 2
"""Places in `Shelf.n`: orders seen, finished items taken in, waiting customers served."""


@dataclass(frozen=True)
class Pushed:
    """What happened to each order, the shelf and the world; `error`: forecast error over sales, by week, summed."""

    world: World
    shelf: Shelf
    error: float
    opening: Ints


def run_push(
    plant: Plant,
    p: Products,
    orders: Orders,
    window: tuple[int, int],
    seed: int,
    weight: int,
    policy: Policy = Policy(),
    learn_last: int = LEARN_LAST,
) -> Pushed:
    """Runs the orders through the plant, and weeks after them until everybody is served, at most eight."""
    weeks = int(orders.at[-1]) // WEEK_S + 9
    forecast, error = _first_forecast(orders.history)
    shelf = _shelf(p, orders, forecast, error, policy, window)
    opening = shelf.stock.copy()
    until_s = (weeks + 3) * WEEK_S
    w = new_world(plant, int(1.3 * len(orders.at)) + 100_000, window, seed, until_s=until_s)
    s = store_of(plant, np.zeros(len(plant.variants), np.int64), plant.moq)
    missed = sold = 0.0
    sequence = _sequence(p)
    for week in range(weeks):
        begins = week * WEEK_S
        now = max(0, begins - FROZEN_S)
        advance(w, plant.line, p, now, weight)
        serve(w, p, shelf, orders.at, orders.cfg, orders.ready, now, policy.willing, _margin(shelf, learn_last))
        if week:
            off = np.abs(shelf.sold - forecast)
            if now >= window[0] and now <= window[1]:
                missed, sold = missed + off.sum(), sold + shelf.sold.sum()
            forecast += SMOOTH * (shelf.sold - forecast)
            error += SMOOTH * (off - error)
            shelf.sold[:] = 0
        over = shelf.n[SEEN] == len(orders.at)
        if over and not shelf.waiting.any():
            break
        lots = _lots(plant, p, shelf, forecast, error, policy, begins, backlog_only=bool(over))
        _release(plant, p, w, s, shelf, lots, sequence, begins)
    advance(w, plant.line, p, until_s - WEEK_S, weight)
    serve(w, p, shelf, orders.at, orders.cfg, orders.ready, until_s - WEEK_S, policy.willing, _margin(shelf, learn_last))
    if w.n[FULL]:
        raise OverflowError("more waits in front of a station than the study has room for: demand exceeds capacity")
    return Pushed(w, shelf, missed / max(1.0, sold), opening)


def _first_forecast(history: Ints) -> tuple[Floats, Floats]:
    forecast = history[:2].mean(axis=0).astype(float)
    error = np.abs(history[:2] - forecast).mean(axis=0)
    for week in history[2:]:
        error += SMOOTH * (np.abs(week - forecast) - error)
        forecast += SMOOTH * (week - forecast)
    return forecast, error


def _sequence(p: Products) -> Ints:
    """Configurations in the fixed sequence: by the setup keys of their operations, in the order of the routing."""
    keys = [p.key[:, o] for o in range(p.key.shape[1]) if (p.key[:, o] >= 0).any()]
    found: Ints = np.lexsort([np.arange(len(p.key)), *reversed(keys)])
    return found


def _shelf(p: Products, orders: Orders, forecast: Floats, error: Floats, policy: Policy, window: tuple[int, int]) -> Shelf:
    """A shelf as the plan before the first day would have left it: safety stock, and what is sold until the first lot comes."""
    v, n = len(p.prep), len(orders.at)
    sequence, slot = _sequence(p), np.zeros(len(p.prep), np.int64)
    slot[sequence] = (np.cumsum(forecast[sequence]) / forecast.sum() * PACE * WEEK_S).astype(np.int64)
    stock = np.ceil(_safety(error, policy, slot + FROZEN_S) + forecast * slot / WEEK_S).astype(np.int64)
    value = np.array([float((stock * p.value).sum())]) * (window[1] - window[0])
    empty = np.full(n, -1, np.int64)
    return Shelf(
        stock, np.zeros(v, np.int64), slot.copy(), slot, np.zeros(v, np.int64), np.full(v, -1, np.int64),
        np.full(v, -1, np.int64), np.zeros(v, np.int64), empty.copy(), empty.copy(), empty.copy(), empty.copy(), empty.copy(),
        value, np.array([float(stock.sum())]) * (window[1] - window[0]), np.zeros(3, np.int64),
    )  # fmt: skip


def _safety(error: Floats, policy: Policy, behind_s: Ints) -> Floats:
    """Safety stock for the time until the lot after the next is there: a week and what lies behind the plan."""
    found: Floats = policy.service * ERROR_TO_SD * error * np.sqrt(1 + behind_s / WEEK_S)
    return found


def _lots(
    plant: Plant, p: Products, shelf: Shelf, forecast: Floats, error: Floats, policy: Policy, begins: int, *, backlog_only: bool
) -> Ints:
    """The lots of a week; cut alike where the week is too short for them, behind what customers wait for."""
    behind = shelf.slot + FROZEN_S if begins else shelf.slot
    target = forecast * (1 + behind / WEEK_S) + _safety(error, policy, behind)
    owed = np.maximum(0, shelf.waiting - shelf.stock - shelf.pipe)
    if backlog_only:
        return owed
    lots = np.maximum(owed, np.rint(target - shelf.stock - shelf.pipe + shelf.waiting)).astype(np.int64)
    if lots.sum():
        room = int(WEEK_S / (takt_s(plant, p, lots / lots.sum()).max() / PACE))
        more = lots - owed
        if lots.sum() > room and more.sum():
            lots = owed + (more * max(0, room - owed.sum()) / more.sum()).astype(np.int64)
    return lots


def _release(
    plant: Plant, p: Products, w: World, s: Store, shelf: Shelf, lots: Ints, sequence: Ints, begins: int
) -> None:  # fmt: skip
    """The week's items in their sequence and pace, with modules called off for each half day."""
    if not lots.sum():
        return
    cfg = np.repeat(sequence, lots[sequence])
    pace = takt_s(plant, p, lots / lots.sum()).max() / PACE
    start = begins + (np.arange(len(cfg)) * pace).astype(np.int64)
    first = int(w.n[ITEMS])
    for lo in range(0, len(cfg), max(1, int(BLOCK_S / pace))):
        hi = min(len(cfg), lo + max(1, int(BLOCK_S / pace)))
        need = np.zeros(len(plant.variants), np.int64)
        add_needs(p, cfg[lo:hi], need)
        arrives = np.zeros(len(need), np.int64)
        for v in np.flatnonzero(need):
            arrives[v] = call_off_for(s, w, v, need[v], int(start[lo]) - SAFETY_S)
        release_all(w, p, first + lo, cfg[lo:hi], start[lo:hi], arrives)
    seen, last = np.unique(cfg[::-1], return_index=True)
    ends = start[len(cfg) - 1 - last] + p.tail[seen].max(axis=1)
    shelf.lot_at[seen] = ends
    shelf.slot[seen] = np.clip(ends - begins, 0, 2 * WEEK_S)
    shelf.pipe[:] += lots


@lean
def add_needs(p: Products, cfg: Ints, need: Ints) -> None:
    """Adds up the modules of items."""
    n = p.seconds.shape[1]
    for c in cfg:
        for b in range(p.bom_at[c * n], p.bom_at[c * n + n]):
            need[p.bom_variant[b]] += p.bom_quantity[b]


@lean
def release_all(w: World, p: Products, first: int, cfg: Ints, start: Ints, arrives: Ints) -> None:
    """Releases items at their time, or when their modules are there; slack is counted from their time in the sequence."""
    n = p.seconds.shape[1]
    for k in range(len(cfg)):
        at = start[k]
        for b in range(p.bom_at[cfg[k] * n], p.bom_at[cfg[k] * n + n]):
            at = max(at, arrives[p.bom_variant[b]])
        way = 0
        for o in range(n):
            way = max(way, p.tail[cfg[k], o])
        release(w, first + k, cfg[k], start[k] + way, at)


def _margin(shelf: Shelf, learn_last: int) -> int:
    """Seconds from the planned to the promised date of those who wait; -1 while too little is known."""
    known = np.flatnonzero((shelf.planned >= 0) & (shelf.served >= 0))
    if len(known) < LEARN_FROM:
        return -1
    last = known[np.argsort(shelf.served[known], kind="stable")][-learn_last:]
    return max(60, int(np.quantile(shelf.served[last] - shelf.planned[last], 0.9)))


@lean
def serve(
    w: World, p: Products, shelf: Shelf, at: Ints, cfg: Ints, ready: Floats, until: int, willing: float, margin: int
) -> None:
    """Customers and finished items up to a moment, in the order of time; at the same second items come first."""
    while True:
        k, f = shelf.n[SEEN], shelf.n[TAKEN]
        comes = at[k] if k < len(at) else np.int64(1) << 60
        made = w.finish[w.order[f]] if f < w.n[FINISHED] else np.int64(1) << 60
        if min(comes, made) >= until:
            return
        if made <= comes:
            shelf.n[TAKEN] += 1
            _stocked(w, p, shelf, w.cfg[w.order[f]], made)
        else:
            shelf.n[SEEN] += 1
            _asked(w, p, shelf, k, cfg[k], comes, ready[k] < willing, margin)


@lean
def _stocked(w: World, p: Products, shelf: Shelf, c: int, now: int) -> None:
    """An item is finished: who waits longest gets it, or it goes on the shelf."""
    shelf.pipe[c] -= 1
    k = shelf.head[c]
    if k < 0:
        _moves(w, p, shelf, c, 1, now)
        return
    shelf.head[c] = shelf.next[k]
    if shelf.head[c] < 0:
        shelf.tail[c] = -1
    shelf.waiting[c] -= 1
    shelf.got[k], shelf.served[k] = c, now


@lean
def _moves(w: World, p: Products, shelf: Shelf, c: int, by: int, now: int) -> None:
    shelf.stock[c] += by
    shelf.value[0] += by * p.value[c] * inside(w, now)
    shelf.pieces[0] += by * inside(w, now)


@lean
def _asked(w: World, p: Products, shelf: Shelf, k: int, c: int, now: int, ready: bool, margin: int) -> None:
    """A customer comes."""
    takes = c if shelf.stock[c] > 0 else -1
    if takes < 0 and ready:
        for place in range(p.near.shape[1]):
            other = p.near[c, place]
            if other >= 0 and shelf.stock[other] > 0:
                takes = other
                break
    if takes >= 0:
        _moves(w, p, shelf, takes, -1, now)
        shelf.sold[takes] += 1
        shelf.got[k], shelf.served[k], shelf.promised[k] = takes, now, now
        return
    shelf.sold[c] += 1
    if shelf.waiting[c] < shelf.pipe[c]:
        shelf.planned[k] = max(now, shelf.lot_at[c])
    else:
        # The next plan to be frozen is for the week that begins two days or more from now.
        shelf.planned[k] = ((now + FROZEN_S) // WEEK_S + 1) * WEEK_S + shelf.slot[c]
    shelf.promised[k] = shelf.planned[k] + (max(3600, (shelf.planned[k] - now) // 4) if margin < 0 else margin)
    if shelf.tail[c] < 0:
        shelf.head[c] = k
    else:
        shelf.next[shelf.tail[c]] = k
    shelf.tail[c] = k
    shelf.waiting[c] += 1
