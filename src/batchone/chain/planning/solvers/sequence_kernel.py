"""The moves of the search over sequences, in compiled code.

A solution is a sequence of all operations; placing them in turn gives the plan. A move takes some operations out and puts
them back at other turns; everything from the first changed turn on is placed anew. Accepted by late acceptance hill climbing
(Burke and Bykov, 2017): a candidate must beat the solution of some steps ago, which needs no temperature.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from batchone.chain.planning.solvers.hours_kernel import NEVER
from batchone.chain.planning.solvers.jit import jit, lean
from batchone.chain.planning.solvers.placing_kernel import State, measure, place_all
from batchone.chain.planning.solvers.tables import Floats, Ints, Records, Small, Tables

MARKS = 64
"""How many times along the sequence the tracks are remembered, so that placing need not begin from the start."""


class Walk(NamedTuple):
    """Where a search stands. `late`: costs of the solutions some steps ago. `worth`, `best_worth`: the measures. `chance`: the
    state of the generator. `tally`: steps done, steps since the best changed, position in `late`."""

    late: Floats
    cost: Floats
    worth: Ints
    best_worth: Ints
    chance: Ints
    tally: Ints


@lean
def draw(chance: Ints, upto: int) -> int:
    """A number of `[0, upto)` (xorshift64*, Vigna 2016)."""
    x = np.uint64(chance[0])
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    chance[0] = np.int64(x)
    mixed = (x * np.uint64(2685821657736338717)) >> np.uint64(33)
    return np.int64(mixed) % upto


@lean
def _exponential(chance: Ints, mean: float) -> int:
    return np.int64(-np.log((draw(chance, 1 << 20) + 1) / float(1 << 20)) * mean)


@lean
def cost_of(t: Tables, worth: Ints) -> float:
    """The measures, weighed."""
    total = 0.0
    for index in range(len(worth)):
        total += t.measures[index] * worth[index]
    return total


@jit
def remember(t: Tables, s: State, marks: Records, from_mark: int) -> None:
    """Notes how the tracks stood at each mark, by going along the placed sequence."""
    n = len(s.order)
    at = marks[from_mark].copy()
    since = from_mark * n // MARKS
    mark = from_mark
    for position in range(since, n):
        while mark < MARKS and mark * n // MARKS == position:
            marks[mark] = at
            mark += 1
        i = s.order[position]
        lo, hi = t.op[i].need_at + i, t.op[i + 1].need_at + i
        for index in range(lo, hi):
            if s.also[index] >= 0:
                at[s.also[index]].free = max(at[s.also[index]].free, s.op[i].end)
        if t.op[i].fixed:
            continue
        k = t.resource[s.op[i].resource].track_at + s.op[i].track
        if at[k].batch == t.op[i].batch and t.op[i].batch >= 0 and at[k].batch_start == s.op[i].start:
            at[k].batch_count += 1
        else:
            at[k].batch, at[k].batch_start, at[k].batch_end = t.op[i].batch, s.op[i].start, s.op[i].end
            at[k].batch_count = 1
        at[k].free = s.op[i].end
        if t.op[i].key > 0:
            at[k].at_key = t.op[i].key
        crew = s.also[hi]
        if crew >= 0:
            at[crew].free = max(at[crew].free, s.op[i].start)
    while mark < MARKS:
        marks[mark] = at
        mark += 1


@jit
def _rewind(t: Tables, s: State, best: State, marks: Records, mark: int) -> int:
    """Makes `s` the incumbent up to a mark, nothing placed after it; the position of the mark."""
    n = len(s.order)
    since = mark * n // MARKS
    copy_state(s, best)
    s.at[:] = marks[mark]
    for position in range(since, n):
        i = best.order[position]
        if not t.op[i].fixed:
            s.op[i].resource = -1
    return since


@jit
def copy_state(a: State, b: State) -> None:
    """Makes `a` what `b` is."""
    a.op[:], a.at[:], a.order[:], a.also[:] = b.op, b.at, b.order, b.also


@lean
def _cost_of_job(t: Tables, s: State, j: int, whole: int) -> tuple[float, int]:
    """What a job costs (its tardiness; for the makespan, how late it ends), and its last end."""
    end = -NEVER
    for index in range(t.jobs[j].op_at, t.jobs[j + 1].op_at):
        end = max(end, s.op[t.job_op[index]].end)
    if t.measures[0] >= t.measures[2] and t.jobs[j].due < NEVER:
        return float(t.jobs[j].weight * max(0, end - t.jobs[j].due)), end
    return end / (1.0 + whole - end), end


@lean
def _pick_job(t: Tables, s: State, chance: Ints, whole: int, worst: bool) -> int:
    jobs = len(t.jobs) - 1
    pick, best = -1, -1.0
    for _ in range(4):
        j = draw(chance, jobs)
        if t.jobs[j].op_at == t.jobs[j + 1].op_at:
            continue
        cost, _ = _cost_of_job(t, s, j, whole)
        if not worst:
            cost = 1e18 - cost
        if cost > best:
            pick, best = j, cost
    return pick


@lean
def _sooner(s: State, rank: Small, i: int, by: int) -> int:
    """The turn that an operation would have if it came `by` seconds sooner (later, if negative)."""
    at = rank[i]
    wish = s.op[i].start - by
    if by > 0:
        while at > 0 and s.op[s.order[at - 1]].start >= wish:
            at -= 1
        return at
    n = len(s.order)
    while at + 1 < n and s.op[s.order[at + 1]].start <= wish:
        at += 1
    return at + 1


@lean
def _shift_job(t: Tables, s: State, rank: Small, moved: Small, turn: Small, j: int, by: int) -> int:
    count = 0
    for index in range(t.jobs[j].op_at, t.jobs[j + 1].op_at):
        i = t.job_op[index]
        if not t.op[i].fixed:
            moved[count] = i
            turn[count] = _sooner(s, rank, i, by)
            count += 1
    return count


@lean
def _join_keys(t: Tables, s: State, rank: Small, moved: Small, turn: Small, chance: Ints) -> int:
    """Moves a run of operations of one key on a track to the next run of the same key there, forwards or backwards."""
    n = len(s.order)
    i = s.order[draw(chance, n)]
    tries = 0
    while tries < 50 and (t.op[i].key == 0 or t.resource[s.op[i].resource].matrix < 0 or t.op[i].fixed):
        i = s.order[draw(chance, n)]
        tries += 1
    if tries == 50:
        return 0
    r, k, key = s.op[i].resource, s.op[i].track, t.op[i].key
    # To the beginning of the run that holds the operation, then its length.
    at, first = rank[i], rank[i]
    while at >= 0:
        o = s.order[at]
        if s.op[o].resource == r and s.op[o].track == k and t.op[o].key > 0:
            if t.op[o].key != key or t.op[o].fixed:
                break
            first = at
        at -= 1
    most = 1 + draw(chance, 1 + min(len(moved) - 1, 40))
    forwards = draw(chance, 2) == 0
    count, at = 0, first
    while at < n and count < most:
        o = s.order[at]
        if s.op[o].resource == r and s.op[o].track == k and t.op[o].key > 0:
            if t.op[o].key != key or t.op[o].fixed:
                break
            moved[count] = o
            count += 1
        at += 1
    target = -1
    if forwards:
        passed = False
        while at < n:
            o = s.order[at]
            if s.op[o].resource == r and t.op[o].key > 0:
                if t.op[o].key != key:
                    passed = True
                elif passed:
                    target = at
                    break
            at += 1
    else:
        at = first - 1
        passed = False
        while at >= 0:
            o = s.order[at]
            if s.op[o].resource == r and t.op[o].key > 0:
                if t.op[o].key != key:
                    passed = True
                elif passed:
                    target = at + 1
                    break
            at -= 1
    if target < 0:
        return 0
    for index in range(count):
        turn[index] = target
    return count


@lean
def _before_holder(t: Tables, s: State, rank: Small, moved: Small, turn: Small, j: int, chance: Ints) -> int:
    """Puts an operation of a job that waits for its track right before one of those that are ahead of it there."""
    count = t.jobs[j + 1].op_at - t.jobs[j].op_at
    i = t.job_op[t.jobs[j].op_at + draw(chance, count)]
    if t.op[i].fixed:
        return 0
    back = 1 + draw(chance, 3)
    at, target = rank[i] - 1, -1
    while at >= 0 and back > 0:
        o = s.order[at]
        if s.op[o].resource == s.op[i].resource and s.op[o].track == s.op[i].track:
            if t.op[o].fixed:
                break
            target = at
            back -= 1
        at -= 1
    if target < 0:
        return 0
    moved[0], turn[0] = i, target
    return 1


@lean
def _resequenced(s: State, order: Small, moved: Small, turn: Small, count: int, mark_of: Small) -> int:
    """Writes the sequence with `moved` at their new turns into `order`; the first position that changes."""
    n = len(s.order)
    for a in range(1, count):
        i, at = moved[a], turn[a]
        b = a - 1
        while b >= 0 and turn[b] > at:
            moved[b + 1], turn[b + 1] = moved[b], turn[b]
            b -= 1
        moved[b + 1], turn[b + 1] = i, at
    for a in range(count):
        mark_of[moved[a]] = 1
    written, next_, first = 0, 0, n
    for position in range(n + 1):
        while next_ < count and turn[next_] == position:
            order[written] = moved[next_]
            if first == n and s.order[written] != moved[next_]:
                first = written
            written += 1
            next_ += 1
        if position < n and mark_of[s.order[position]] == 0:
            order[written] = s.order[position]
            if first == n and s.order[written] != s.order[position]:
                first = written
            written += 1
    for a in range(count):
        mark_of[moved[a]] = 0
    return first


@lean
def _mark_before(t: Tables, s: State, first: int) -> int:
    """The last mark at or before a position that does not part a group, which is placed as one."""
    n = len(s.order)
    mark = min(MARKS - 1, first * MARKS // n)
    while mark > 0:
        at = mark * n // MARKS
        if at <= first and (at == 0 or t.op[s.order[at]].group < 0 or t.op[s.order[at - 1]].group != t.op[s.order[at]].group):
            return mark
        mark -= 1
    return 0


@lean
def _less(t: Tables, ranks: Small, weighed: bool, a: Ints, b: Ints) -> bool:
    """Whether worth `a` is exactly better than `b`."""
    if weighed:
        return cost_of(t, a) < cost_of(t, b)
    for index in range(len(ranks)):
        if a[ranks[index]] != b[ranks[index]]:
            return a[ranks[index]] < b[ranks[index]]
    return False


@lean
def _move(t: Tables, now: State, g: Records, walk: Walk, rank: Small, moved: Small, turn: Small) -> tuple[int, int, int, int]:
    """Draws a move: how many operations are in `moved`, and the operation whose resource or hold changes, if any, with the
    old value of it."""
    chance = walk.chance
    kind = draw(chance, 100)
    whole = walk.worth[2]
    keyed = t.setup.shape[1] > 1
    if kind < 30 and keyed:
        return _join_keys(t, now, rank, moved, turn, chance), -1, 0, 0
    if kind < 62:
        j = _pick_job(t, now, chance, whole, True)
        if j < 0:
            return 0, -1, 0, 0
        if kind < 45:
            return _before_holder(t, now, rank, moved, turn, j, chance), -1, 0, 0
        _, end = _cost_of_job(t, now, j, whole)
        by = 1 + _exponential(
            chance, 60.0 + 0.02 * whole + (0.5 * max(0, end - t.jobs[j].due) if t.jobs[j].due < NEVER else 0.0)
        )
        return _shift_job(t, now, rank, moved, turn, j, by), -1, 0, 0
    if kind < 80:
        j = _pick_job(t, now, chance, whole, False)
        if j < 0:
            return 0, -1, 0, 0
        by = 1 + _exponential(chance, 60.0 + 0.02 * whole)
        return _shift_job(t, now, rank, moved, turn, j, -by), -1, 0, 0
    i = draw(chance, len(now.order))
    if t.op[i].fixed:
        return 0, -1, 0, 0
    if kind < 88 and t.op[i + 1].option_at - t.op[i].option_at > 1 and g[i].track < 0:
        old = g[i].resource
        g[i].resource = t.option[t.op[i].option_at + draw(chance, t.op[i + 1].option_at - t.op[i].option_at)].resource
        if draw(chance, 3) == 0:
            g[i].resource = -1
        moved[0], turn[0] = i, rank[i]
        return 1, i, 1, old
    if kind < 94 and (t.measures[3] > 0 or t.measures[4] > 0 or t.measures[5] > 0 or t.op[i].batch >= 0):
        old = g[i].hold
        g[i].hold = 0 if draw(chance, 3) == 0 else now.op[i].start + _exponential(chance, 60.0 + 0.02 * whole)
        moved[0], turn[0] = i, rank[i]
        return 1, i, 2, old
    by = 1 + _exponential(chance, 30.0 + 0.005 * whole)
    moved[0], turn[0] = i, _sooner(now, rank, i, by if draw(chance, 2) == 0 else -by)
    return 1, -1, 0, 0


@jit
def search(
    t: Tables, g: Records, now: State, trial: State, best: State, marks: Records, walk: Walk, ranks: Small, weighed: bool,
    whole_jobs: bool, steps: int,
) -> bool:  # fmt: skip
    """Does `steps` moves from `now`; true if `best` became better. `whole_jobs`: lines where nobody passes need each job placed
    whole, so operations move with their job only."""
    n = len(now.order)
    rank = np.empty(n, np.int32)
    order = np.empty(n, np.int32)
    mark_of = np.zeros(n, np.int32)
    most = 64
    for j in range(len(t.jobs) - 1):
        most = max(most, t.jobs[j + 1].op_at - t.jobs[j].op_at)
    moved, turn = np.empty(most, np.int32), np.empty(most, np.int32)
    worth = np.empty(6, np.int64)
    for position in range(n):
        rank[now.order[position]] = position
    improved = False
    length = len(walk.late)
    for _ in range(steps):
        walk.tally[0] += 1
        count, changed, what, old = 0, -1, 0, 0
        if whole_jobs:
            j = draw(walk.chance, len(t.jobs) - 1)
            other = now.order[draw(walk.chance, n)]
            other = t.job_op[t.jobs[t.op[other].job].op_at]
            for index in range(t.jobs[j].op_at, t.jobs[j + 1].op_at):
                if not t.op[t.job_op[index]].fixed:
                    moved[count], turn[count] = t.job_op[index], rank[other]
                    count += 1
        else:
            count, changed, what, old = _move(t, now, g, walk, rank, moved, turn)
        if count == 0:
            continue
        first = _resequenced(now, order, moved, turn, count, mark_of)
        if changed >= 0:
            first = min(first, rank[changed])
        good = first < n
        if good:
            mark = _mark_before(t, now, first)
            since = _rewind(t, trial, now, marks, mark)
            good = place_all(t, trial, g, order, since)
        if good:
            measure(t, trial, worth)
            cost = cost_of(t, worth)
            at = walk.tally[2] % length
            walk.tally[2] += 1
            good = cost <= walk.late[at] or cost <= walk.cost[0]
            if good:
                copy_state(now, trial)
                walk.cost[0] = cost
                walk.worth[:] = worth
                for position in range(since, n):
                    rank[now.order[position]] = position
                remember(t, now, marks, mark)
                if _less(t, ranks, weighed, worth, walk.best_worth):
                    walk.best_worth[:] = worth
                    copy_state(best, now)
                    walk.tally[1] = 0
                    improved = True
            walk.late[at] = min(walk.late[at], walk.cost[0]) if walk.cost[0] < walk.late[at] else walk.late[at]
            walk.tally[1] += 1
        if not good and changed >= 0:
            if what == 1:
                g[changed].resource = old
            else:
                g[changed].hold = old
    return improved
