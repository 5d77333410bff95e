"""The compiled search of shops: neighbourhoods over the graph of a schedule, tabu search, first schedules, walks between two.

Words and arrays are those of `shop_graph`.
"""

from __future__ import annotations

import numpy as np

from batchone.chain.planning.solvers.jit import jit, lean
from batchone.chain.planning.solvers.shop_graph import (
    BEST,
    FAR,
    FROM,
    GOAL,
    IDLE,
    MAKESPAN,
    ROUND,
    TABU_BITS,
    TO,
    Array,
    Graph,
    Shop,
    chance,
    critical_path,
    keep,
    move,
    time_backward,
    time_forward,
)

# Places in a pick: the best move so far and how many are as good, and one of those that are tabu.
WORTH, TIES, MOVE, TABUS, TABU = 0, 1, 2, 5, 6
PICKS = 9

_MASK = (1 << TABU_BITS) - 1


@lean
def estimate_right(g: Graph, k: int, first: int, last: int, limit: int) -> int:
    """About the longest path through the operations from place `first` to `last` if the first one went behind the last.

    As Balas and Vazacopoulos (1998): exact but for what moves on other machines in between.
    """
    row, seconds, end = g.row, g.seconds, g.buffer
    i = row[k, first]
    t = g.end[g.left[i]]
    for a in range(first + 1, last + 1):
        j = row[k, a]
        t = max(g.head[j], t) + seconds[j]
        end[a - first] = t
    start = max(g.head[i], t)
    tail = max(g.rest[i], g.tail[g.right[row[k, last]]]) + seconds[i]
    worst: int = start + tail
    if worst > limit:
        return worst
    for a in range(last, first, -1):
        j = row[k, a]
        rest = max(g.rest[j], tail)
        worst = max(worst, end[a - first] + rest)
        tail = rest + seconds[j]
    return worst


@lean
def estimate_left(g: Graph, k: int, first: int, last: int, limit: int) -> int:
    """The same if the last one went before the first."""
    row, seconds, tails = g.row, g.seconds, g.buffer
    i = row[k, last]
    t = g.tail[g.right[i]]
    for a in range(last - 1, first - 1, -1):
        j = row[k, a]
        t = max(g.rest[j], t) + seconds[j]
        tails[a - first] = t
    end = max(g.head[i], g.end[g.left[row[k, first]]]) + seconds[i]
    worst: int = end + max(g.rest[i], t)
    if worst > limit:
        return worst
    for a in range(first, last):
        j = row[k, a]
        start = max(g.head[j], end)
        worst = max(worst, start + tails[a - first])
        end = start + seconds[j]
    return worst


@lean
def slot(a: int, b: int) -> int:
    """Where the table of what is tabu keeps a pair."""
    x = a * 0x9E3779B1 + b * 0x85EBCA77
    return ((x >> 15) ^ x) & _MASK


@lean
def tabu_right(g: Graph, k: int, first: int, last: int) -> bool:
    """Whether moving the first one behind the last brings back an order that was left not long ago."""
    i, now = g.row[k, first], g.note[ROUND]
    found = False
    for a in range(first + 1, last + 1):
        found = found or g.tabu[slot(g.row[k, a], i)] > now
    return found


@lean
def tabu_left(g: Graph, k: int, first: int, last: int) -> bool:
    """The same for moving the last one before the first."""
    i, now = g.row[k, last], g.note[ROUND]
    found = False
    for a in range(first, last):
        found = found or g.tabu[slot(i, g.row[k, a])] > now
    return found


@lean
def consider(g: Graph, pick: Array, worth: int, forbidden: bool, i: int, k: int, at: int) -> None:
    """Keeps a move that is no worse than the best so far; of those that are tabu any one, in case all are."""
    if forbidden and worth >= g.note[BEST]:
        pick[TABUS] += 1
        if chance(g.note, pick[TABUS]) == 0:
            pick[TABU], pick[TABU + 1], pick[TABU + 2] = i, k, at
        return
    if worth < pick[WORTH]:
        pick[WORTH], pick[TIES] = worth, 0
    pick[TIES] += 1
    if chance(g.note, pick[TIES]) == 0:
        pick[MOVE], pick[MOVE + 1], pick[MOVE + 2] = i, k, at


@lean
def consider_right(g: Graph, pick: Array, k: int, first: int, last: int) -> None:
    """Considers to move the operation at the first place behind that at the last."""
    worth = estimate_right(g, k, first, last, pick[WORTH])
    if worth <= pick[WORTH]:
        consider(g, pick, worth, tabu_right(g, k, first, last), g.row[k, first], k, last)


@lean
def consider_left(g: Graph, pick: Array, k: int, first: int, last: int) -> None:
    """Considers to move the operation at the last place before that at the first."""
    worth = estimate_left(g, k, first, last, pick[WORTH])
    if worth <= pick[WORTH]:
        consider(g, pick, worth, tabu_left(g, k, first, last), g.row[k, last], k, first)


@lean
def consider_block(shop: Shop, g: Graph, pick: Array, k: int, first: int, last: int) -> None:
    """The neighbourhood N7 (Zhang et al. 2007) of a block: an operation to one of its edges, or an edge to within.

    A move is left out unless lengths of paths prove that it makes no ring.
    """
    row = g.row
    head, foot = row[k, first], row[k, last]
    for a in range(first, last):
        i = row[k, a]
        if g.tail[foot] >= g.rest[i] and shop.after[i] != foot:
            consider_right(g, pick, k, a, last)
    for a in range(first + 1, last + 1):
        i = row[k, a]
        if g.end[head] >= g.head[i] and shop.before[i] != head and (a > first + 1 or last > first + 1):
            consider_left(g, pick, k, first, a)
    for a in range(first + 1, last):
        i = row[k, a]
        if g.tail[i] >= g.rest[head] and shop.after[head] != i:
            consider_right(g, pick, k, first, a)
        if g.end[i] >= g.head[foot] and shop.before[foot] != i:
            consider_left(g, pick, k, a, last)


@lean
def find_gaps(shop: Shop, g: Graph) -> None:
    """The longest path past each place of each machine, that is what an operation put there makes longer; and the least."""
    for k in range(shop.m):
        end, least = shop.available[k], FAR
        for at in range(g.length[k]):
            j = g.row[k, at]
            past = end + g.tail[j]
            g.gap[k, at] = past
            least = min(least, past)
            end = g.end[j]
        g.gap[k, g.length[k]] = end
        g.least[k] = min(least, end)


@lean
def consider_machines(shop: Shop, g: Graph, pick: Array, i: int) -> None:
    """Every place on another machine that may be best for an operation (Mastrolilli and Gambardella 2000).

    Between those that end before its head and those that can wait until its rest has begun no place makes a ring.
    """
    head, rest = g.head[i], g.rest[i]
    past = g.end[g.left[i]] + g.tail[g.right[i]]
    if past > pick[WORTH]:
        return
    for o in range(shop.option_at[i], shop.option_at[i + 1]):
        k, seconds = shop.option[o], shop.option_s[o]
        if g.least[k] + seconds > pick[WORTH] or k == g.machine[i]:
            continue
        low, high = 0, g.length[k]
        while low < high:
            middle = (low + high) >> 1
            if g.end[g.row[k, middle]] > head:
                high = middle
            else:
                low = middle + 1
        forbidden = g.tabu[slot(i, shop.n + k)] > g.note[ROUND]
        for at in range(low, g.length[k] + 1):
            tail = g.tail[g.row[k, at]] if at < g.length[k] else 0
            if g.gap[k, at] + seconds <= pick[WORTH]:
                start = max(head, g.end[g.row[k, at - 1]] if at else shop.available[k])
                worth = max(past, start + seconds + max(rest, tail))
                if worth <= pick[WORTH]:
                    consider(g, pick, worth, forbidden, i, k, at)
            if tail <= rest:
                break


@lean
def forbid(shop: Shop, g: Graph, i: int, k: int, at: int, tenure: int) -> None:
    """Makes tabu to undo a move that is about to be done."""
    until, was = g.note[ROUND] + tenure, g.at[i]
    if k != g.machine[i]:
        g.tabu[slot(i, shop.n + g.machine[i])] = until
    elif at > was:
        for a in range(was + 1, at + 1):
            g.tabu[slot(i, g.row[k, a])] = until
    else:
        for a in range(at, was):
            g.tabu[slot(g.row[k, a], i)] = until


@lean
def look_around(shop: Shop, g: Graph, pick: Array) -> None:
    """Considers every move of a random critical path, block by block."""
    flexible = shop.option_at[shop.n] > shop.n
    pick[WORTH], pick[MOVE], pick[TABU], pick[TABUS] = FAR, -1, -1, 0
    if flexible:
        find_gaps(shop, g)
    p = critical_path(shop, g) - 1
    while p >= 0:
        i = g.path[p]
        k, first = g.machine[i], g.at[i]
        last = first
        while p > 0 and g.path[p - 1] == g.right[g.path[p]]:
            p -= 1
            last += 1
        if flexible:
            for at in range(first, last + 1):
                consider_machines(shop, g, pick, g.row[k, at])
        if last > first:
            consider_block(shop, g, pick, k, first, last)
        p -= 1


@lean
def tabu_search(shop: Shop, g: Graph, steps: int, patience: int, tenure: int) -> int:
    """Moves on from the schedule at hand; stops after `steps`, or `patience` of them without a better one, or at the goal.

    How many steps it did. `note[IDLE]` counts on over calls. Each step takes the best move of a random critical path that
    is not tabu, or is better than the best; any one if there is none. To undo it is tabu for `tenure` steps or up to half
    as many again.
    """
    pick = g.pick
    done = 0
    while done < steps and g.note[IDLE] < patience and g.note[BEST] > g.note[GOAL]:
        done += 1
        g.note[ROUND] += 1
        g.note[IDLE] += 1
        look_around(shop, g, pick)
        if pick[MOVE] < 0:
            if pick[TABU] < 0:
                # No critical operation can go anywhere: nothing is better, whatever is done.
                g.note[IDLE] = patience
                break
            pick[MOVE], pick[MOVE + 1], pick[MOVE + 2] = pick[TABU], pick[TABU + 1], pick[TABU + 2]
        i, k, at = pick[MOVE], pick[MOVE + 1], pick[MOVE + 2]
        forbid(shop, g, i, k, at, tenure + chance(g.note, tenure // 2 + 1))
        if move(shop, g, i, k, at):
            time_forward(shop, g, g.note[FROM])
            time_backward(shop, g, g.note[TO])
            if g.note[MAKESPAN] < g.note[BEST]:
                keep(g)
                g.note[IDLE] = 0
    return done


@lean
def soonest(shop: Shop, i: int, head: int, free: Array) -> tuple[int, int]:
    """When an operation can end at the soonest, and by which option."""
    best, by = FAR, -1
    for o in range(shop.option_at[i], shop.option_at[i + 1]):
        end = max(head, free[shop.option[o]]) + shop.option_s[o]
        if end < best:
            best, by = end, np.int64(o)
    return best, by


@lean
def urgent(waiting: Array, head: Array, free: Array, weight: Array, end: Array, where: Array) -> int:
    """Which of those waiting is next, as Giffler and Thompson (1960) have it.

    Where something can end soonest, the weightiest of those that can begin there before that.
    """
    first: int = waiting[0]
    for i in waiting:
        if end[i] < end[first]:
            first = i
    k, best = where[first], first
    for i in waiting:
        if where[i] == k and max(head[i], free[k]) < end[first] and weight[i] > weight[best]:
            best = i
    return best


@jit
def build(shop: Shop, note: Array, behind: Array, noise: int, machine: Array, order: Array) -> None:
    """Dispatches a schedule, each operation to where it ends soonest, those with most work behind them first.

    `behind`: least seconds from the start of each operation to the end of everything behind it; `noise`: up to so many
    percent are added by chance.
    """
    n = shop.n
    free, head = shop.available.copy(), shop.ready.copy()
    missing, weight = np.zeros(n, np.int64), np.zeros(n, np.int64)
    where, end = np.zeros(n, np.int64), np.zeros(n, np.int64)
    waiting, count = np.empty(n, np.int64), 0
    for i in range(n):
        missing[i] = shop.more_before_at[i + 1] - shop.more_before_at[i]
        missing[i] += shop.before[i] < n
        weight[i] = behind[i] * (100 + chance(note, noise + 1))
        if missing[i] == 0:
            waiting[count] = i
            count += 1
    for place in range(n):
        for i in waiting[:count]:
            end[i], o = soonest(shop, i, head[i], free)
            where[i] = shop.option[o]
        i = urgent(waiting[:count], head, free, weight, end, where)
        machine[i], order[place] = where[i], i
        free[where[i]] = end[i]
        kept = 0
        for j in waiting[:count]:
            if j != i:
                waiting[kept] = j
                kept += 1
        count = kept
        for o in range(np.int64(shop.more_after_at[i]) - 1, np.int64(shop.more_after_at[i + 1])):
            j = np.int64(shop.more_after[o] if o >= shop.more_after_at[i] else shop.after[i])
            if j < n:
                head[j] = max(head[j], end[i])
                missing[j] -= 1
                if missing[j] == 0:
                    waiting[count] = j
                    count += 1


@jit
def apart(shop: Shop, machine: Array, order: Array, other_machine: Array, other_rank: Array) -> int:
    """How far two schedules are from another: pairs in another order on one machine, and operations on another one.

    `other_rank`: the place of each operation in the other's order.
    """
    n, pairs = shop.n, 0
    at = np.zeros(shop.m + 1, np.int64)
    for i in range(n):
        at[machine[i] + 1] += 1
        pairs += machine[i] != other_machine[i]
    for k in range(shop.m):
        at[k + 1] += at[k]
    row, filled = np.empty(n, np.int64), at.copy()
    for place in range(n):
        i = order[place]
        row[filled[machine[i]]] = other_rank[i]
        filled[machine[i]] += 1
    for k in range(shop.m):
        for a in range(at[k], at[k + 1]):
            for b in range(at[k], a):
                pairs += row[b] > row[a]
    return pairs


@jit
def relink(shop: Shop, note: Array, machine: Array, order: Array, other_machine: Array, other_rank: Array, share: int) -> None:
    """Walks so many percent of the way from one schedule to another, in place (path relinking; Peng, Lu and Cheng 2015).

    Neighbours in the order that the other has the other way round change places, which never makes a ring: no arc of
    precedence is between them, since the other obeys it too.
    """
    n = shop.n
    for i in range(n):
        if machine[i] != other_machine[i] and chance(note, 100) < share:
            machine[i] = other_machine[i]
    wanted, swapped = apart(shop, machine, order, machine, other_rank) * share // 100, 0
    for _ in range(4 * n * n):
        if swapped >= wanted:
            break
        place = chance(note, n - 1)
        i, j = order[place], order[place + 1]
        if other_rank[i] > other_rank[j]:
            order[place], order[place + 1] = j, i
            swapped += machine[i] == machine[j]
