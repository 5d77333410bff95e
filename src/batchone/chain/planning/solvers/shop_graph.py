"""The graph of a schedule of a shop, compiled: its times, moves that keep it free of rings, and its critical paths.

A schedule of a shop is a graph (Roy and Sussmann 1964): each operation has arcs to its successors in precedence and to
the next operation on its machine, and the longest path is the makespan. All times are seconds, all places indexes. An
operation stands for itself in every array; beyond the last one stand an empty one, which takes no time and is where there
is no neighbour, and one for each machine, which ends when the machine is available.

    head  = when all that precedes it in precedence has ended, and its material is there
    end   = when it ends: max(head, end of the one before it on the machine) + seconds
    rest  = longest path from the ends of itself to the end of everything, by precedence alone
    tail  = longest path from its start on: seconds + max(rest, tail of the one behind it on the machine)

It is critical if end + tail - seconds is the makespan.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from batchone.chain.planning.solvers.jit import lean

Array = np.ndarray[Any, np.dtype[Any]]

# Places in `Graph.note`.
STAMP, ROUND, IDLE, MAKESPAN, BEST, CHANCE, FROM, TO, GOAL = range(9)
NOTES = 9

TABU_BITS = 16
"""Pairs that are tabu are kept by a hash; two of them share a place once in 65,536 times."""
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
    pick: Array
    note: Array


@lean
def chance(note: Array, below: int) -> int:
    """A number from 0 to below - 1; the state is a linear congruential generator's, of which the high bits are good."""
    note[CHANCE] = note[CHANCE] * 6364136223846793005 + 1442695040888963407
    drawn: int = (((note[CHANCE] >> 33) & 0x7FFFFFFF) * below) >> 31
    return drawn


@lean
def seconds_on(shop: Shop, i: int, k: int) -> int:
    """Seconds of an operation on a machine; -1 if it cannot be done there."""
    for o in range(shop.option_at[i], shop.option_at[i + 1]):
        if shop.option[o] == k:
            seconds: int = shop.option_s[o]
            return seconds
    return -1


@lean
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


@lean
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


@lean
def load(shop: Shop, g: Graph, machine: Array, order: Array) -> None:
    """Takes over a schedule: the machine of each operation, and an order in which arcs go forward."""
    n = shop.n
    for k in range(shop.m):
        g.length[k] = 0
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
    g.tail[n] = 0
    for k in range(shop.m):
        g.end[n + 1 + k] = shop.available[k]
    time_forward(shop, g, 0)
    time_backward(shop, g, n - 1)


@lean
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


@lean
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


@lean
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


@lean
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


@lean
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


@lean
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


@lean
def critical_path(shop: Shop, g: Graph) -> int:
    """Draws a critical path into `path`, its last operation first; how many it has."""
    length, i = 0, last_critical(shop, g)
    while i >= 0:
        g.path[length] = i
        length += 1
        i = critical_before(shop, g, i)
    return length


@lean
def keep(g: Graph) -> None:
    """The schedule at hand is the best."""
    g.note[BEST] = g.note[MAKESPAN]
    for i in range(len(g.order)):
        g.best_machine[i], g.best_order[i] = g.machine[i], g.order[i]
