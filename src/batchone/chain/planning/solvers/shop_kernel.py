"""The compiled part of the search of shops: the graph of a schedule, its moves, and tabu search over them.

A schedule of a shop is a graph (Roy and Sussmann 1964): each operation has arcs to its successors in precedence and to
the next operation on its machine, and the longest path is the makespan. All times are seconds, all places indexes. An
operation stands for itself in every array; beyond the last one stand an empty one, which takes no time and is where there
is no neighbour, and one for each machine, which ends when the machine is available.

    head  = when all that precedes it in precedence has ended, and its material is there
    end   = when it ends: max(head, end of the one before it on the machine) + seconds
    rest  = longest path from the ends of itself to the end of everything, by precedence alone
    tail  = longest path from its start on: seconds + max(rest, tail of the one behind it on the machine)

It is critical if end + tail - seconds is the makespan.

All stands in one file, because the compiler's cache asks only whether the file of a function has changed, and not that of
one it calls.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

Array = np.ndarray[Any, np.dtype[Any]]

# Places in `Graph.note`.
STAMP, ROUND, IDLE, MAKESPAN, BEST, CHANCE, FROM, TO, GOAL = range(9)
NOTES = 9

# Places in a pick: the best move so far and how many are as good, and one of those that are tabu.
WORTH, TIES, MOVE, TABUS, TABU = 0, 1, 2, 5, 6
PICKS = 9

TABU_BITS = 16
"""Pairs that are tabu are kept by a hash; two of them share a place once in 65,536 times."""
_MASK = (1 << TABU_BITS) - 1
FAR = 1 << 60
"""Later than anything."""


class Shop(NamedTuple):
    """What never changes: precedence (first one, and further ones as lists), material, options, machines."""

    n: int
    m: int
    before: Array
    more_before: Array
    more_before_at: Array
    after: Array
    more_after: Array
    more_after_at: Array
    chains: bool
    ready: Array
    option: Array
    option_s: Array
    option_at: Array
    available: Array


class Graph(NamedTuple):
    """A schedule as the search changes it, and the best it came by.

    `row[k, :length[k]]` is the sequence on machine k, `at` the place in it, `left` and `right` the neighbours there;
    `gap` and `least`: see `find_gaps`; `order` is all operations so that arcs go forward, `place` where each stands in it.
    """

    machine: Array
    seconds: Array
    left: Array
    right: Array
    row: Array
    length: Array
    at: Array
    order: Array
    place: Array
    head: Array
    end: Array
    rest: Array
    tail: Array
    mark: Array
    buffer: Array
    path: Array
    tabu: Array
    gap: Array
    least: Array
    best_machine: Array
    best_order: Array
    note: Array


@njit(cache=True, nogil=True)
def chance(note: Array, below: int) -> int:
    """A number from 0 to below - 1; the state is a linear congruential generator's, of which the high bits are good."""
    note[CHANCE] = note[CHANCE] * 6364136223846793005 + 1442695040888963407
    drawn: int = (((note[CHANCE] >> 33) & 0x7FFFFFFF) * below) >> 31
    return drawn


@njit(cache=True, nogil=True)
def seconds_on(shop: Shop, i: int, k: int) -> int:
    """Seconds of an operation on a machine; -1 if it cannot be done there."""
    for o in range(shop.option_at[i], shop.option_at[i + 1]):
        if shop.option[o] == k:
            seconds: int = shop.option_s[o]
            return seconds
    return -1


@njit(cache=True, nogil=True)
def time_forward(shop: Shop, g: Graph, since: int) -> None:
    """Heads and ends from a place of the order on, and the makespan."""
    n = shop.n
    for place in range(since, n):
        i = g.order[place]
        head = max(shop.ready[i], g.end[shop.before[i]])
        if not shop.chains:
            for o in range(shop.more_before_at[i], shop.more_before_at[i + 1]):
                head = max(head, g.end[shop.more_before[o]])
        g.head[i] = head
        g.end[i] = max(head, g.end[g.left[i]]) + g.seconds[i]
    makespan = 0
    for k in range(shop.m):
        if g.length[k]:
            makespan = max(makespan, g.end[g.row[k, g.length[k] - 1]])
    g.note[MAKESPAN] = makespan


@njit(cache=True, nogil=True)
def time_backward(shop: Shop, g: Graph, until: int) -> None:
    """Rests and tails from a place of the order back."""
    for place in range(until, -1, -1):
        i = g.order[place]
        rest = g.tail[shop.after[i]]
        if not shop.chains:
            for o in range(shop.more_after_at[i], shop.more_after_at[i + 1]):
                rest = max(rest, g.tail[shop.more_after[o]])
        g.rest[i] = rest
        g.tail[i] = max(rest, g.tail[g.right[i]]) + g.seconds[i]


@njit(cache=True, nogil=True)
def load(shop: Shop, g: Graph, machine: Array, order: Array) -> None:
    """Takes over a schedule: the machine of each operation, and an order in which arcs go forward."""
    n = shop.n
    g.length[:] = 0
    for place in range(n):
        i = order[place]
        k = machine[i]
        g.order[place], g.place[i] = i, place
        g.machine[i] = k
        g.seconds[i] = seconds_on(shop, i, k)
        at = g.length[k]
        g.row[k, at], g.at[i] = i, at
        g.left[i] = g.row[k, at - 1] if at else n + 1 + k
        g.right[i] = n
        if at:
            g.right[g.row[k, at - 1]] = i
        g.length[k] = at + 1
    g.end[n] = 0
    g.tail[n:] = 0
    for k in range(shop.m):
        g.end[n + 1 + k] = shop.available[k]
    time_forward(shop, g, 0)
    time_backward(shop, g, n - 1)


@njit(cache=True, nogil=True)
def relocate(shop: Shop, g: Graph, i: int, k: int, at: int) -> None:
    """Puts an operation at a place (counted without it) of a machine's sequence; nothing else."""
    n = shop.n
    old, was = g.machine[i], g.at[i]
    if old == k:
        step = 1 if at > was else -1
        for a in range(was, at, step):
            j = g.row[k, a + step]
            g.row[k, a], g.at[j] = j, a
    else:
        for a in range(was, g.length[old] - 1):
            j = g.row[old, a + 1]
            g.row[old, a], g.at[j] = j, a
        g.length[old] -= 1
        for a in range(g.length[k], at, -1):
            j = g.row[k, a - 1]
            g.row[k, a], g.at[j] = j, a
        g.length[k] += 1
        g.machine[i] = k
        g.seconds[i] = seconds_on(shop, i, k)
    left, right = g.left[i], g.right[i]
    if left < n:
        g.right[left] = right
    if right < n:
        g.left[right] = left
    g.row[k, at], g.at[i] = i, at
    left = g.row[k, at - 1] if at else n + 1 + k
    right = g.row[k, at + 1] if at + 1 < g.length[k] else n
    g.left[i], g.right[i] = left, right
    if left < n:
        g.right[left] = i
    if right < n:
        g.left[right] = i


@njit(cache=True, nogil=True)
def push_right(shop: Shop, g: Graph, i: int, target: int) -> bool:
    """Reorders so that `i` stands behind `target`, with all that depends on `i`; False, and nothing done, if a ring."""
    g.note[STAMP] += 1
    stamp = g.note[STAMP]
    first, last = g.place[i], g.place[target]
    g.mark[i] = stamp
    for place in range(first + 1, last + 1):
        j = g.order[place]
        hit = g.mark[shop.before[j]] == stamp or g.mark[g.left[j]] == stamp
        if not shop.chains and not hit:
            for o in range(shop.more_before_at[j], shop.more_before_at[j + 1]):
                hit = hit or g.mark[shop.more_before[o]] == stamp
        if hit:
            g.mark[j] = stamp
    if g.mark[target] == stamp:
        return False
    held, write = 0, first
    for place in range(first, last + 1):
        j = g.order[place]
        if g.mark[j] == stamp:
            g.buffer[held] = j
            held += 1
        else:
            g.order[write], g.place[j] = j, write
            write += 1
    for b in range(held):
        j = g.buffer[b]
        g.order[write + b], g.place[j] = j, write + b
    return True


@njit(cache=True, nogil=True)
def push_left(shop: Shop, g: Graph, i: int, target: int) -> bool:
    """Reorders so that `i` stands before `target`, with all it depends on; False, and nothing done, if a ring."""
    g.note[STAMP] += 1
    stamp = g.note[STAMP]
    first, last = g.place[target], g.place[i]
    g.mark[i] = stamp
    for place in range(last - 1, first - 1, -1):
        j = g.order[place]
        hit = g.mark[shop.after[j]] == stamp or g.mark[g.right[j]] == stamp
        if not shop.chains and not hit:
            for o in range(shop.more_after_at[j], shop.more_after_at[j + 1]):
                hit = hit or g.mark[shop.more_after[o]] == stamp
        if hit:
            g.mark[j] = stamp
    if g.mark[target] == stamp:
        return False
    held, write = 0, last
    for place in range(last, first - 1, -1):
        j = g.order[place]
        if g.mark[j] == stamp:
            g.buffer[held] = j
            held += 1
        else:
            g.order[write], g.place[j] = j, write
            write -= 1
    for b in range(held):
        j = g.buffer[b]
        g.order[write - b], g.place[j] = j, write - b
    return True


@njit(cache=True, nogil=True)
def move(shop: Shop, g: Graph, i: int, k: int, at: int) -> bool:
    """Moves an operation to a place of a machine and keeps the order; False, and nothing done, if that makes a ring.

    Times are stale afterwards before `note[FROM]` and behind `note[TO]` of the order.
    """
    n = shop.n
    old, was, place = g.machine[i], g.at[i], g.place[i]
    relocate(shop, g, i, k, at)
    left, right = g.left[i], g.right[i]
    g.note[FROM], g.note[TO] = place, place
    done = True
    if left < n and g.place[left] > place:
        g.note[TO] = g.place[left]
        done = push_right(shop, g, i, left)
    elif right < n and g.place[right] < place:
        g.note[FROM] = g.place[right]
        done = push_left(shop, g, i, right)
    if not done:
        relocate(shop, g, i, old, was)
    return done


@njit(cache=True, nogil=True)
def last_critical(shop: Shop, g: Graph) -> int:
    """Any of the operations that end last."""
    seen, last = 0, -1
    for k in range(shop.m):
        if g.length[k]:
            i = g.row[k, g.length[k] - 1]
            if g.end[i] == g.note[MAKESPAN]:
                seen += 1
                if chance(g.note, seen) == 0:
                    last = i
    return last


@njit(cache=True, nogil=True)
def critical_before(shop: Shop, g: Graph, i: int) -> int:
    """Any of the operations at whose end one begins; -1 if it waits for none."""
    n, start, seen, found = shop.n, g.end[i] - g.seconds[i], 0, -1
    left, before = g.left[i], shop.before[i]
    if left < n and g.end[left] == start:
        found, seen = left, 1
    if before < n and g.end[before] == start:
        seen += 1
        if chance(g.note, seen) == 0:
            found = before
    if not shop.chains:
        for o in range(shop.more_before_at[i], shop.more_before_at[i + 1]):
            if g.end[shop.more_before[o]] == start:
                seen += 1
                if chance(g.note, seen) == 0:
                    found = shop.more_before[o]
    return found


@njit(cache=True, nogil=True)
def critical_path(shop: Shop, g: Graph) -> int:
    """Draws a critical path into `path`, its last operation first; how many it has."""
    length, i = 0, last_critical(shop, g)
    while i >= 0:
        g.path[length] = i
        length += 1
        i = critical_before(shop, g, i)
    return length


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def slot(a: int, b: int) -> int:
    """Where the table of what is tabu keeps a pair."""
    x = a * 0x9E3779B1 + b * 0x85EBCA77
    return ((x >> 15) ^ x) & _MASK


@njit(cache=True, nogil=True)
def tabu_right(g: Graph, k: int, first: int, last: int) -> bool:
    """Whether moving the first one behind the last brings back an order that was left not long ago."""
    i, now = g.row[k, first], g.note[ROUND]
    found = False
    for a in range(first + 1, last + 1):
        found = found or g.tabu[slot(g.row[k, a], i)] > now
    return found


@njit(cache=True, nogil=True)
def tabu_left(g: Graph, k: int, first: int, last: int) -> bool:
    """The same for moving the last one before the first."""
    i, now = g.row[k, last], g.note[ROUND]
    found = False
    for a in range(first, last):
        found = found or g.tabu[slot(i, g.row[k, a])] > now
    return found


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def consider_right(g: Graph, pick: Array, k: int, first: int, last: int) -> None:
    """Considers to move the operation at the first place behind that at the last."""
    worth = estimate_right(g, k, first, last, pick[WORTH])
    if worth <= pick[WORTH]:
        consider(g, pick, worth, tabu_right(g, k, first, last), g.row[k, first], k, last)


@njit(cache=True, nogil=True)
def consider_left(g: Graph, pick: Array, k: int, first: int, last: int) -> None:
    """Considers to move the operation at the last place before that at the first."""
    worth = estimate_left(g, k, first, last, pick[WORTH])
    if worth <= pick[WORTH]:
        consider(g, pick, worth, tabu_left(g, k, first, last), g.row[k, last], k, first)


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def keep(g: Graph) -> None:
    """The schedule at hand is the best."""
    g.note[BEST] = g.note[MAKESPAN]
    g.best_machine[:] = g.machine
    g.best_order[:] = g.order


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def tabu_search(shop: Shop, g: Graph, steps: int, patience: int, tenure: int) -> int:
    """Moves on from the schedule at hand; stops after `steps`, or `patience` of them without a better one, or at the goal.

    How many steps it did. `note[IDLE]` counts on over calls. Each step takes the best move of a random critical path that
    is not tabu, or is better than the best; any one if there is none. To undo it is tabu for `tenure` steps or up to half
    as many again.
    """
    pick = np.zeros(PICKS, np.int64)
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
            pick[MOVE : MOVE + 3] = pick[TABU : TABU + 3]
        i, k, at = pick[MOVE], pick[MOVE + 1], pick[MOVE + 2]
        forbid(shop, g, i, k, at, tenure + chance(g.note, tenure // 2 + 1))
        if move(shop, g, i, k, at):
            time_forward(shop, g, g.note[FROM])
            time_backward(shop, g, g.note[TO])
            if g.note[MAKESPAN] < g.note[BEST]:
                keep(g)
                g.note[IDLE] = 0
    return done


@njit(cache=True, nogil=True)
def soonest(shop: Shop, i: int, head: int, free: Array) -> tuple[int, int]:
    """When an operation can end at the soonest, and by which option."""
    best, by = FAR, -1
    for o in range(shop.option_at[i], shop.option_at[i + 1]):
        end = max(head, free[shop.option[o]]) + shop.option_s[o]
        if end < best:
            best, by = end, o
    return best, by


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
        missing[i] = np.int64(shop.before[i] < n) + shop.more_before_at[i + 1] - shop.more_before_at[i]
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
