"""Placing operations one after another, in compiled code: the one way in which an order of operations becomes dates.

Operations are only ever appended: to the track where they end soonest, behind what stands there, with the tools and people
they need. An operation whose turn comes before its predecessors' waits for them and is placed right after the last. Groups
tied by longest waits are placed together, the early ones held back until the late ones follow soon enough.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from batchone.chain.planning.solvers.hours_kernel import NEVER, latest_start, next_start, work_end, worked
from batchone.chain.planning.solvers.jit import jit, lean
from batchone.chain.planning.solvers.tables import Flags, Ints, Records, Small, Tables

_HOLDS = 200
"""How often a group is tried with its early members held back more, before it counts as impossible."""
_SHIFTS = 64
"""How many gaps in the working time of a tool or a person are tried."""


GENE = np.dtype([("resource", np.int32), ("track", np.int32), ("hold", np.int64)])
"""What a search decides of an operation besides its turn: the resource it must go to (-1: any), the track there (-1: any), and
the second before which it does not start."""

STANDS = np.dtype(
    [
        ("resource", np.int32), ("track", np.int32), ("setup_start", np.int64), ("start", np.int64), ("end", np.int64),
        ("need", np.int64),
    ]
)  # fmt: skip
"""Where an operation stands (resource -1: not placed), and the seconds of setup it needs."""

BEHIND = np.dtype(
    [
        ("free", np.int64), ("at_key", np.int32), ("batch", np.int32), ("batch_start", np.int64), ("batch_end", np.int64),
        ("batch_count", np.int32),
    ]
)  # fmt: skip
"""How a track stands behind its last operation: free from when, at which key, and the batch that might still be joined."""


class State(NamedTuple):
    """A schedule under construction: `op` as `STANDS`, `at` as `BEHIND`, `order` as operations were placed.

    `also`: the tracks of an operation's needs, from `need_at + i` on, then that of its setup crew (-1: none). `missing`: how
    many predecessors each operation waits for.
    """

    op: Records
    at: Records
    order: Small
    also: Small
    missing: Small


class Spot(NamedTuple):
    """Somewhere an operation could stand: track (numbered through), seconds of setup, times; `joins` a batch or opens one."""

    track: int
    need: int
    setup_start: int
    start: int
    end: int
    crew: int
    joins: bool


class Scratch(NamedTuple):
    """Room for placing: what each group waits for; who came too early; who is next; for groups, how long members are held
    back, and how the tracks stood."""

    waits: Small
    pending: Flags
    stack: Small
    held: Ints
    kept: Records


def new_state(tables: Tables) -> State:
    """A state with nothing placed."""
    n = len(tables.op) - 1
    op, at = np.zeros(n, STANDS), np.zeros(len(tables.track), BEHIND)
    op["resource"] = -1
    at["free"], at["at_key"], at["batch"] = tables.track["free"], tables.track["key"], -1
    return State(op, at, np.zeros(n, np.int32), np.full(len(tables.need) + n, -1, np.int32), np.zeros(n, np.int32))


@lean
def _least_free(t: Tables, s: State, pool: int, also: Small, lo: int, hi: int) -> int:
    """The track of a pool that is free first and not taken already by `also[lo:hi]`; -1 if there is none."""
    best = -1
    for index in range(t.pool_at[pool], t.pool_at[pool + 1]):
        r = t.pool[index]
        for k in range(t.resource[r].track_at, t.resource[r + 1].track_at):
            if best < 0 or s.at[k].free < s.at[best].free:
                taken = False
                for other in range(lo, hi):
                    taken = taken or also[other] == k
                if not taken:
                    best = k
    return best


@lean
def _whole(t: Tables, k: int, c: int, begin: int, end: int) -> int:
    """`begin`, if the resource of track `k` works all along to `end`, or keeps the same hours as the machine (calendar `c`),
    since they pause together; otherwise the next second worth trying."""
    mine = t.resource[t.track[k].resource].calendar
    if mine == c or t.calendars[mine].always:
        return begin
    there = next_start(t.calendars, t.spans, mine, begin)
    if there > begin or there >= NEVER:
        return there
    if worked(t.calendars, t.spans, mine, end) - worked(t.calendars, t.spans, mine, begin) == end - begin:
        return begin
    # Past the working interval that is too short from here.
    return next_start(t.calendars, t.spans, mine, _stop(t, mine, begin))


@lean
def _stop(t: Tables, c: int, at: int) -> int:
    """The end of the working interval that holds `at`."""
    low, high = at, at + 1
    base = worked(t.calendars, t.spans, c, at)
    while worked(t.calendars, t.spans, c, high) - base == high - at:
        low, high = high, at + 2 * (high - at)
        if high - at > 1 << 40:
            return NEVER
    while low + 1 < high:
        middle = (low + high) >> 1
        if worked(t.calendars, t.spans, c, middle) - base == middle - at:
            low = middle
        else:
            high = middle
    return low


@lean
def _times(
    calendars: Records, spans: Records, c: int, need: int, detached: bool, attended: bool, free: int, ready: int, hold: int,
    seconds: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Setup start, start and end of an operation with `need` seconds of setup on a track that is free from `free`."""
    if need == 0:
        start = next_start(calendars, spans, c, max(free, ready, hold))
        setup_start = start
    elif detached:
        start = next_start(calendars, spans, c, max(ready, hold, work_end(calendars, spans, c, free, need)))
        setup_start = latest_start(calendars, spans, c, start, need)
    else:
        start = next_start(calendars, spans, c, max(hold, work_end(calendars, spans, c, max(ready, free), need)))
        setup_start = latest_start(calendars, spans, c, start, need)
    return setup_start, start, work_end(calendars, spans, c, start, seconds) if attended else start + seconds


@lean
def _on_track(t: Tables, s: State, i: int, r: int, k: int, ready: int, hold: int, helpers: int, seconds: int) -> Spot:
    """The spot behind what stands on a track, when the crew and the helpers (free from `helpers`) can be there."""
    cap = t.resource[r].capacity
    joins = cap > 1 and t.op[i].batch >= 0 and s.at[k].batch == t.op[i].batch and s.at[k].batch_count < cap
    alike = t.op[i].key == 0 or t.op[i].key == s.at[k].at_key
    if joins and alike and max(ready, hold, helpers) <= s.at[k].batch_start:
        return Spot(k, 0, s.at[k].batch_start, s.at[k].batch_start, s.at[k].batch_end, -1, True)
    free = max(s.at[k].free, helpers)
    c, attended, detached = t.resource[r].calendar, t.op[i].attended, t.resource[r].detached
    need = np.int64(0)
    if t.resource[r].matrix >= 0:
        need = np.int64(t.setup[t.resource[r].matrix, s.at[k].at_key, t.op[i].key])
    setup_start, start, end = _times(t.calendars, t.spans, c, need, detached, attended, free, ready, hold, seconds)
    crew = -1
    if need > 0 and t.resource[r].crew >= 0:
        crew = _least_free(t, s, t.resource[r].crew, s.also, t.op[i].need_at + i, t.op[i + 1].need_at + i)
        if crew < 0:
            return Spot(k, need, NEVER, NEVER, NEVER, -1, False)
        free = max(free, s.at[crew].free)
        for _ in range(_SHIFTS):
            setup_start, start, end = _times(t.calendars, t.spans, c, need, detached, attended, free, ready, hold, seconds)
            begin = _whole(t, crew, c, setup_start, start) if end < NEVER else setup_start
            if begin == setup_start or begin >= NEVER:
                end = end if begin < NEVER else NEVER
                break
            free = max(begin, free + 1)
    return Spot(k, need, setup_start, start, end, crew, False)


@lean
def _helped(t: Tables, s: State, i: int, r: int, k: int, ready: int, hold: int, seconds: int) -> Spot:
    """The spot on a track, with every need's working time kept."""
    lo, hi = t.op[i].need_at, t.op[i + 1].need_at
    helpers = np.int64(0)
    for at in range(lo + i, hi + i):
        helpers = max(helpers, s.at[s.also[at]].free)
    spot = _on_track(t, s, i, r, k, ready, hold, helpers, seconds)
    if lo == hi:
        return spot
    for _ in range(_SHIFTS):
        begin = spot.setup_start
        for index in range(lo + i, hi + i):
            if spot.end < NEVER:
                begin = max(begin, _whole(t, s.also[index], t.resource[r].calendar, spot.setup_start, spot.end))
        if begin == spot.setup_start:
            break
        if begin >= NEVER:
            return Spot(k, spot.need, NEVER, NEVER, NEVER, -1, False)
        helpers = max(begin, helpers + 1)
        spot = _on_track(t, s, i, r, k, ready, hold, helpers, seconds)
    return spot


@lean
def _choose_helpers(t: Tables, s: State, i: int) -> bool:
    """Picks a track for each need, written to `also`; false where there is none."""
    at = t.op[i].need_at + i
    found = True
    for index in range(t.op[i].need_at, t.op[i + 1].need_at):
        s.also[at] = _least_free(t, s, t.need[index], s.also, t.op[i].need_at + i, at)
        found = found and s.also[at] >= 0
        at += 1
    return found


@lean
def _plain_track(at: Records, lo: int, hi: int, ready: int) -> int:
    """Of alike tracks without setup, the one that is free last among those free when needed, else the one free first."""
    waiting, first = -1, lo
    for k in range(lo, hi):
        if at[k].free <= ready:
            if waiting < 0 or at[k].free > at[waiting].free:
                waiting = k
        elif at[k].free < at[first].free:
            first = k
    return waiting if waiting >= 0 else first


@lean
def choose(t: Tables, s: State, g: Records, i: int, ready: int, hold: int) -> Spot:
    """The best spot of an operation: it ends soonest there, with least setup, and the track idles least before. Its end is
    `NEVER` if there is none."""
    best = Spot(-1, 0, NEVER, NEVER, NEVER, -1, False)
    needs = t.op[i].need_at < t.op[i + 1].need_at
    if needs and not _choose_helpers(t, s, i):
        return best
    key, attended = t.op[i].key, t.op[i].attended
    for index in range(t.op[i].option_at, t.op[i + 1].option_at):
        r = t.option[index].resource
        if g[i].resource >= 0 and g[i].resource != r:
            continue
        seconds = t.option[index].seconds
        lo, hi = t.resource[r].track_at, t.resource[r + 1].track_at
        matrix, c = t.resource[r].matrix, t.resource[r].calendar
        if g[i].resource == r and g[i].track >= 0:
            lo = lo + g[i].track
            hi = lo + 1
        elif hi - lo > 1 and matrix < 0 and t.resource[r].capacity == 1:
            lo = _plain_track(s.at, lo, hi, max(ready, hold))
            hi = lo + 1
        plain = not needs and t.resource[r].capacity == 1 and (matrix < 0 or t.resource[r].crew < 0)
        for k in range(lo, hi):
            free = s.at[k].free
            if plain:
                need = np.int64(t.setup[matrix, s.at[k].at_key, key]) if matrix >= 0 else np.int64(0)
                setup_start, start, end = _times(
                    t.calendars, t.spans, c, need, t.resource[r].detached, attended, free, ready, hold, seconds
                )
                spot = Spot(k, need, setup_start, start, end, -1, False)
            else:
                spot = _helped(t, s, i, r, k, ready, hold, seconds)
            if spot.end < best.end or (
                spot.end == best.end < NEVER
                and (spot.need < best.need or (spot.need == best.need and free > s.at[best.track].free))
            ):
                best = spot
    return best


@lean
def commit(
    op: Records, resource: Records, track: Records, stands: Records, at: Records, also: Small, i: int, spot: Spot
) -> None:
    """Puts an operation where it was chosen to stand."""
    k = spot.track
    r = track[k].resource
    stands[i].resource, stands[i].track, stands[i].need = r, k - resource[r].track_at, spot.need
    stands[i].setup_start, stands[i].start, stands[i].end = spot.setup_start, spot.start, spot.end
    if spot.joins:
        at[k].batch_count += 1
    else:
        at[k].batch, at[k].batch_start, at[k].batch_end, at[k].batch_count = op[i].batch, spot.start, spot.end, 1
    at[k].free = spot.end
    if op[i].key > 0:
        at[k].at_key = op[i].key
    for index in range(op[i].need_at + i, op[i + 1].need_at + i):
        at[also[index]].free = max(at[also[index]].free, spot.end)
    also[op[i + 1].need_at + i] = spot.crew
    if spot.crew >= 0:
        at[spot.crew].free = max(at[spot.crew].free, spot.start)


@lean
def _ready(op: Records, pred: Records, stands: Records, i: int) -> int:
    at = op[i].ready
    for index in range(op[i].pred_at, op[i + 1].pred_at):
        at = max(at, stands[pred[index].op].end + pred[index].lag)
    return at


@lean
def _place_group(t: Tables, s: State, g: Records, group: int, held: Ints, kept: Records) -> bool:
    """Places the members of a group together; false if no holding back makes them follow each other soon enough."""
    lo, hi = t.groups[group].op_at, t.groups[group + 1].op_at
    held[: hi - lo] = 0
    for k in range(len(kept)):
        kept[k] = s.at[k]
    for _ in range(_HOLDS):
        for index in range(lo, hi):
            i = t.group_op[index]
            spot = choose(t, s, g, i, _ready(t.op, t.pred, s.op, i), max(g[i].hold, held[index - lo]))
            if spot.track < 0:
                return False
            commit(t.op, t.resource, t.track, s.op, s.at, s.also, i, spot)
        if not _hold_back(t, s, group, held):
            return True
        for k in range(len(kept)):
            s.at[k] = kept[k]
    return False


@lean
def _hold_back(t: Tables, s: State, group: int, held: Ints) -> bool:
    """Notes until when members must be held back for those that come too late after them; false if none comes too late."""
    lo = t.groups[group].op_at
    late = False
    for tie in range(t.groups[group].tie_at, t.groups[group + 1].tie_at):
        p = t.tie[tie].before
        excess = s.op[t.tie[tie].after].start - s.op[p].end - t.tie[tie].most
        if excess > 0:
            late = True
            for index in range(lo, t.groups[group + 1].op_at):
                if t.group_op[index] == p:
                    held[index - lo] = max(held[index - lo], s.op[p].start + excess)
    return late


@lean
def _count_missing(t: Tables, s: State, waits: Small) -> None:
    """How many predecessors outside its group each operation, and in `waits` each group, still waits for."""
    for i in range(len(t.op) - 1):
        if s.op[i].resource >= 0:
            s.missing[i] = 0
            continue
        group = t.op[i].group
        missing = 0
        for index in range(t.op[i].pred_at, t.op[i + 1].pred_at):
            p = t.pred[index].op
            if s.op[p].resource < 0 and (group < 0 or t.op[p].group != group):
                missing += 1
        s.missing[i] = missing
        if group >= 0:
            waits[group] += missing


@lean
def _release(
    op: Records,
    succ: Small,
    groups: Records,
    group_op: Small,
    stands: Records,
    missing: Small,
    p: int,
    scratch: Scratch,
    top: int,
) -> int:
    """Tells the followers of a placed operation; those that waited for it alone go on the stack, whose height is returned."""
    for index in range(op[p].succ_at, op[p + 1].succ_at):
        after = succ[index]
        group = op[after].group
        if stands[after].resource >= 0 or (group >= 0 and group == op[p].group):
            continue
        missing[after] -= 1
        if group < 0:
            if missing[after] == 0 and scratch.pending[after]:
                scratch.stack[top] = after
                top += 1
            continue
        scratch.waits[group] -= 1
        for member in range(groups[group].op_at, groups[group + 1].op_at):
            if scratch.waits[group] == 0 and scratch.pending[group_op[member]]:
                scratch.stack[top] = group_op[member]
                top += 1
                break
    return top


@jit
def place_all(t: Tables, s: State, g: Records, order: Small, since: int) -> bool:
    """Places the operations of `order` from position `since` on; what stands before is placed already (`resource >= 0`).

    Rewrites `s.order` from `since` on as they came. False if some operation cannot be placed.
    """
    n = len(order)
    waits = np.zeros(len(t.groups), np.int32)
    _count_missing(t, s, waits)
    scratch = Scratch(waits, np.zeros(n, np.bool_), np.empty(n + 1, np.int32), np.zeros(n, np.int64), s.at.copy())
    return _place(t, s, g, order, since, scratch)


@lean
def _place(t: Tables, s: State, g: Records, order: Small, since: int, scratch: Scratch) -> bool:
    waits, pending, stack = scratch.waits, scratch.pending, scratch.stack
    written = since
    for position in range(since, len(order)):
        stack[0] = order[position]
        top = 1
        while top > 0:
            top -= 1
            i = stack[top]
            group = t.op[i].group
            if s.op[i].resource >= 0:
                continue
            if (waits[group] if group >= 0 else s.missing[i]) > 0:
                pending[i] = True
                continue
            first = written
            if group >= 0:
                if not _place_group(t, s, g, group, scratch.held, scratch.kept):
                    return False
                for index in range(t.groups[group].op_at, t.groups[group + 1].op_at):
                    s.order[written] = t.group_op[index]
                    written += 1
            else:
                spot = choose(t, s, g, i, _ready(t.op, t.pred, s.op, i), g[i].hold)
                if spot.track < 0:
                    return False
                commit(t.op, t.resource, t.track, s.op, s.at, s.also, i, spot)
                s.order[written] = i
                written += 1
            for done in range(first, written):
                top = _release(t.op, t.succ, t.groups, t.group_op, s.op, s.missing, s.order[done], scratch, top)
    return written == len(order)


@lean
def energy_cost(t: Tables, i: int, r: int, start: int, end: int, kw: float) -> float:
    """What the energy of an operation costs: power is drawn while it works, not in its pauses."""
    if kw == 0.0 or end <= start:
        return 0.0
    c = t.resource[r].calendar
    total = 0.0
    at = start
    steps = len(t.prices)
    while at < end:
        round_ = (at - t.cycle[1]) // t.cycle[0]
        rest = at - t.cycle[1] - round_ * t.cycle[0]
        step = 0
        while step + 1 < steps and t.prices[step + 1].since <= rest:
            step += 1
        upto = t.prices[step + 1].since if step + 1 < steps else t.cycle[0]
        until = min(end, at + upto - rest)
        seconds = (
            worked(t.calendars, t.spans, c, until) - worked(t.calendars, t.spans, c, at) if t.op[i].attended else until - at
        )
        total += seconds * t.prices[step].price
        at = until
    return total * kw / 3600.0


@jit
def measure(t: Tables, s: State, out: Ints) -> None:
    """The measures in the order of `Measure`: tardiness, setup, makespan, work in progress, energy, changes."""
    jobs = len(t.jobs) - 1
    last = np.full(jobs, -NEVER, np.int64)
    first = np.full(jobs, NEVER, np.int64)
    out[:] = 0
    energy = 0.0
    priced = t.measures[4] > 0.0
    for i in range(len(t.op) - 1):
        j = t.op[i].job
        last[j] = max(last[j], s.op[i].end)
        first[j] = min(first[j], s.op[i].start)
        out[1] += s.op[i].need
        out[2] = max(out[2], s.op[i].end)
        if t.op[i].before_resource != -1 and (
            t.op[i].before_resource != s.op[i].resource or t.op[i].before_start != s.op[i].start
        ):
            out[5] += 1
        if priced:
            for index in range(t.op[i].option_at, t.op[i + 1].option_at):
                if t.option[index].resource == s.op[i].resource:
                    energy += energy_cost(t, i, s.op[i].resource, s.op[i].start, s.op[i].end, t.option[index].kw)
    out[4] = np.int64(round(energy * 1000.0))
    for j in range(jobs):
        if last[j] > -NEVER:
            if t.jobs[j].due < NEVER and last[j] > t.jobs[j].due:
                out[0] += t.jobs[j].weight * (last[j] - t.jobs[j].due)
            out[3] += last[j] - first[j]


def begun(tables: Tables, heads: dict[int, tuple[int, int, int, int, int, int]]) -> State:
    """A state in which the fixed operations stand: (resource, track, setup start, start, end, setup seconds) by operation."""
    state = new_state(tables)
    for position, (i, head) in enumerate(sorted(heads.items(), key=lambda h: (h[1][3], h[0]))):
        state.order[position] = i
        state.op[i] = head
        lo, hi = int(tables.op[i]["need_at"]) + i, int(tables.op[i + 1]["need_at"]) + i
        for index in range(lo, hi):
            helper = _least_free(tables, state, tables.need[index - i], state.also, lo, index)
            state.also[index] = helper
            if helper >= 0:
                state.at[helper]["free"] = max(state.at[helper]["free"], head[4])
    return state


def no_genes(n: int) -> Records:
    """Genes that decide nothing."""
    genes = np.zeros(n, GENE)
    genes["resource"], genes["track"] = -1, -1
    return genes


def copied(state: State) -> State:
    """The same state in arrays of its own."""
    return State(state.op.copy(), state.at.copy(), state.order.copy(), state.also.copy(), state.missing.copy())
