"""The plan in force made to hold again, in compiled code: the same rule as `repair`, for great plans.

Time goes forward over the old plan. An operation keeps its place and start if it can; one that is held up goes, among all
tracks that it could be done on, where it pushes what is planned there least.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from batchone.chain.planning.solvers.hours_kernel import NEVER
from batchone.chain.planning.solvers.jit import jit, lean
from batchone.chain.planning.solvers.placing_kernel import Spot, State, _times, commit
from batchone.chain.planning.solvers.tables import Flags, Ints, Small, Tables


class Old(NamedTuple):
    """The old plan, by operation: its track (numbered through, -1: nowhere it can stay), its start, its rank, whether it is new
    and so not placed here, and the latest start that is in time; and for each track the operations planned there by their old
    start (`planned` from `planned_at[k]` on)."""

    track: Small
    wish: Ints
    rank: Small
    new: Flags
    latest: Ints
    planned_at: Small
    planned: Small


class Turns(NamedTuple):
    """Who is next: a heap of operations by turn (`when`, displaced last, rank), how far each track's old plan is done,
    and who has waited for its key already."""

    when: Ints
    displaced: Flags
    heap: Small
    height: Small
    done: Small
    waited: Flags


@lean
def _before(turns: Turns, rank: Small, a: int, b: int) -> bool:
    if turns.when[a] != turns.when[b]:
        return turns.when[a] < turns.when[b]
    if turns.displaced[a] != turns.displaced[b]:
        return turns.displaced[b]
    return rank[a] < rank[b]


@lean
def _push(turns: Turns, rank: Small, i: int) -> None:
    at = turns.height[0]
    turns.height[0] += 1
    while at > 0:
        up = (at - 1) >> 1
        if not _before(turns, rank, i, turns.heap[up]):
            break
        turns.heap[at] = turns.heap[up]
        at = up
    turns.heap[at] = i


@lean
def _pop(turns: Turns, rank: Small) -> int:
    first = turns.heap[0]
    last = turns.height[0] - 1
    turns.height[0] = last
    i = turns.heap[last]
    at = 0
    while 2 * at + 1 < last:
        down = 2 * at + 1
        if down + 1 < last and _before(turns, rank, turns.heap[down + 1], turns.heap[down]):
            down += 1
        if not _before(turns, rank, turns.heap[down], i):
            break
        turns.heap[at] = turns.heap[down]
        at = down
    turns.heap[at] = i
    return first


@lean
def spot_on(t: Tables, s: State, i: int, k: int, ready: int, hold: int, seconds: int) -> Spot:
    """An operation behind what stands on a track."""
    r = t.track[k].resource
    need = np.int64(0)
    if t.resource[r].matrix >= 0:
        need = np.int64(t.setup[t.resource[r].matrix, s.at[k].at_key, t.op[i].key])
    c, detached = t.resource[r].calendar, t.resource[r].detached
    setup_start, start, end = _times(
        t.calendars, t.spans, c, need, detached, t.op[i].attended, s.at[k].free, ready, hold, seconds
    )
    return Spot(k, need, setup_start, start, end, -1, False)


@lean
def _next_planned(s: State, old: Old, turns: Turns, k: int, i: int) -> int:
    """The old start of what is planned next on a track, `i` aside; `NEVER` if nothing is."""
    at = turns.done[k]
    while at < old.planned_at[k + 1] and s.op[old.planned[at]].resource >= 0:
        at += 1
    turns.done[k] = at
    while at < old.planned_at[k + 1]:
        other = old.planned[at]
        if other != i and s.op[other].resource < 0:
            return old.wish[other]
        at += 1
    return NEVER


@lean
def _cost(s: State, old: Old, turns: Turns, i: int, spot: Spot) -> int:
    """When an operation ends somewhere, and by how much it delays what is planned next there."""
    if spot.end >= NEVER:
        return NEVER
    following = _next_planned(s, old, turns, spot.track, i)
    return spot.end + (max(0, spot.end - following) if following < NEVER else 0)


@lean
def _elsewhere(t: Tables, s: State, old: Old, turns: Turns, i: int, ready: int, best: Spot, least: int) -> Spot:
    """The track on which an operation ends soonest, counting the delay of what is planned there next, if that beats `best`."""
    for index in range(t.op[i].option_at, t.op[i + 1].option_at):
        r = t.option[index].resource
        for k in range(t.resource[r].track_at, t.resource[r + 1].track_at):
            if s.at[k].free + t.option[index].seconds >= least:
                continue
            spot = spot_on(t, s, i, np.int64(k), ready, 0, t.option[index].seconds)
            cost = _cost(s, old, turns, i, spot)
            if cost < least:
                best, least = spot, cost
    return best


@lean
def _joins_later(t: Tables, s: State, old: Old, turns: Turns, i: int, k: int, at: int) -> int:
    """The old start of the next operation of its key on its track, for one that comes too late for its turn and would now cost
    a setup, if it is still in time then; -1 otherwise."""
    if turns.waited[i] or at <= old.wish[i] or t.resource[t.track[k].resource].matrix < 0 or t.op[i].key == 0:
        return -1
    if s.at[k].at_key == t.op[i].key:
        return -1
    turns.waited[i] = True
    for index in range(turns.done[k], old.planned_at[k + 1]):
        o = old.planned[index]
        if o != i and s.op[o].resource < 0 and t.op[o].key == t.op[i].key and old.wish[o] >= at:
            return old.wish[o] if old.wish[o] <= old.latest[i] else -1
    return -1


@lean
def _seconds(t: Tables, i: int, r: int) -> int:
    for index in range(t.op[i].option_at, t.op[i + 1].option_at):
        if t.option[index].resource == r:
            return t.option[index].seconds
    return -1


@lean
def _ended(t: Tables, s: State, old: Old, turns: Turns, ready: Ints, p: int) -> None:
    for index in range(t.op[p].succ_at, t.op[p + 1].succ_at):
        after = t.succ[index]
        for before in range(t.op[after].pred_at, t.op[after + 1].pred_at):
            if t.pred[before].op == p:
                ready[after] = max(ready[after], s.op[p].end + t.pred[before].lag)
        s.missing[after] -= 1
        if s.missing[after] == 0 and not t.op[after].fixed and not old.new[after]:
            turns.when[after] = max(old.wish[after], ready[after])
            _push(turns, old.rank, after)


@jit
def mend_all(t: Tables, s: State, old: Old, placed: int) -> int:
    """Places all operations that the old plan knew; how many stand then. Those that calendars leave no time for stay out."""
    n = len(t.op) - 1
    ready = np.empty(n, np.int64)
    turns = Turns(
        np.zeros(n, np.int64), old.track < 0, np.zeros(n + 1, np.int32), np.zeros(1, np.int32), old.planned_at[:-1].copy(),
        np.zeros(n, np.bool_),
    )  # fmt: skip
    for i in range(n):
        ready[i] = t.op[i].ready
        s.missing[i] = t.op[i + 1].pred_at - t.op[i].pred_at
    for i in range(n):
        if t.op[i].fixed:
            _ended(t, s, old, turns, ready, i)
    for i in range(n):
        if t.op[i + 1].pred_at == t.op[i].pred_at and not t.op[i].fixed and not old.new[i]:
            turns.when[i] = max(old.wish[i], ready[i])
            _push(turns, old.rank, i)
    written = placed
    while turns.height[0] > 0:
        i = _pop(turns, old.rank)
        k = np.int64(old.track[i])
        joined = _joins_later(t, s, old, turns, i, k, turns.when[i]) if k >= 0 else -1
        if joined >= 0:
            old.wish[i] = joined
            turns.when[i] = max(joined, ready[i])
            _push(turns, old.rank, i)
            continue
        wish = old.wish[i]
        spot = Spot(-1, 0, NEVER, NEVER, NEVER, -1, False)
        least = NEVER
        if k >= 0:
            spot = spot_on(t, s, i, k, ready[i], wish, _seconds(t, i, t.track[k].resource))
            least = _cost(s, old, turns, i, spot)
        if k < 0 or least >= NEVER or s.at[k].free > max(wish, ready[i]):
            spot = _elsewhere(t, s, old, turns, i, ready[i], spot, least)
        if spot.end >= NEVER:
            continue
        commit(t.op, t.resource, t.track, s.op, s.at, s.also, i, spot)
        s.order[written] = i
        written += 1
        _ended(t, s, old, turns, ready, i)
    return written
