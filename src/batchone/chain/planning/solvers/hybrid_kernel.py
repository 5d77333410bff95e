"""Compiled kernels of the hybrid flow line: stages of identical machines side by side.

An order of the jobs becomes a schedule by dispatching: at the first stage in that order, at each later stage in the order
of arrival, each job on the machine that is free first. Reversed in time the problem is of the same kind, and often easier
to order from its end.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from batchone.chain.planning.solvers.jit import jit, lean
from batchone.chain.planning.solvers.line_kernel import below

Array = np.ndarray[Any, np.dtype[Any]]

CURRENT, BEST, DONE, LENGTH = 0, 1, 2, 3
"""Places in `state`: makespan of the current and of the best order, moves done in this cycle, and its length."""


class Stages(NamedTuple):
    """The line seen in one direction: seconds [job, stage], machines, what passes before the first stage (`ahead`) and after
    the last (`behind`), the least way from a job's start at a stage to the end (`tail`), and per stage the work and the least
    ways behind its machines (`load`)."""

    seconds: Array
    machines: Array
    ahead: Array
    behind: Array
    tail: Array
    load: Array


class Desk(NamedTuple):
    """Working arrays: when machines are free, when jobs arrive, and the jobs in turn."""

    free: Array
    end: Array
    turn: Array


@lean
def _sort(seq: Array, key: Array) -> None:
    """Sorts jobs by `key`, ties as they stand; they are nearly sorted already."""
    for t in range(1, seq.shape[0]):
        j = seq[t]
        e, u = key[j], t
        while u > 0 and key[seq[u - 1]] > e:
            seq[u] = seq[u - 1]
            u -= 1
        seq[u] = j


@lean
def dispatch(line: Stages, desk: Desk, order: Array, limit: int) -> Any:
    """Makespan of an order, or more than `limit` as soon as it is known to be.

    A stage is hopeless once its machines have waited for more than the limit leaves them beside their work.
    """
    end, turn = desk.end, desk.turn
    for t in range(order.shape[0]):
        turn[t] = order[t]
        end[t] = line.ahead[t]
    for s in range(line.seconds.shape[1]):
        if s > 0:
            _sort(turn, end)
        if not _serve(line, desk, s, limit):
            return limit + 1
    top = np.int64(0)
    for j in range(end.shape[0]):
        top = max(top, end[j] + line.behind[j])
    return top


@lean
def _serve(line: Stages, desk: Desk, s: int, limit: int) -> bool:
    """Dispatches the jobs at a stage in turn; false as soon as the limit cannot be kept."""
    p, count, free, end = line.seconds, line.machines[s], desk.free, desk.end
    spare = count * limit - line.load[s]
    free[:count] = 0
    for j in desk.turn:
        b = 0
        for k in range(1, count):
            if free[k] < free[b]:
                b = k
        start = end[j]
        if free[b] < start:
            spare -= start - free[b]
        else:
            start = free[b]
        if spare < 0 or start + line.tail[j, s] > limit:
            return False
        free[b] = end[j] = start + p[j, s]
    return True


@lean
def _move(order: Array, i: int, j: int) -> None:
    """Moves the job at place `i` to place `j`."""
    x = order[i]
    if i < j:
        for t in range(i, j):
            order[t] = order[t + 1]
    else:
        for t in range(i, j, -1):
            order[t] = order[t - 1]
    order[j] = x


@jit
def anneal(
    line: Stages, desk: Desk, chance: Array, order: Array, best: Array, state: Array, moves: int, warm: float, cold: float
) -> None:
    """Simulated annealing over the orders (Kirkpatrick, Gelatt and Vecchi 1983): `moves` of a cycle.

    A move exchanges two jobs or puts one elsewhere. How much worse an order may be is drawn before it is dispatched, so
    that a bad one is given up early.
    """
    n = order.shape[0]
    for _ in range(moves):
        warmth = cold + (warm - cold) * (1.0 - state[DONE] / state[LENGTH])
        state[DONE] += 1
        i, j = below(chance, n), below(chance, n)
        exchange = below(chance, 2) == 0
        limit = state[CURRENT] + np.int64(-warmth * math.log((below(chance, 1 << 30) + 1) / (1 << 30)))
        if i == j:
            continue
        if exchange:
            order[i], order[j] = order[j], order[i]
        else:
            _move(order, i, j)
        value = dispatch(line, desk, order, limit)
        if value <= limit:
            state[CURRENT] = value
            if value < state[BEST]:
                state[BEST] = value
                best[:] = order
        elif exchange:
            order[i], order[j] = order[j], order[i]
        else:
            _move(order, j, i)


@lean
def begin(line: Stages, desk: Desk, order: Array, starts: Array) -> None:
    """Writes when the jobs of an order start at each stage."""
    for t in range(order.shape[0]):
        desk.turn[t] = order[t]
        desk.end[t] = line.ahead[t]
    for s in range(line.seconds.shape[1]):
        if s > 0:
            _sort(desk.turn, desk.end)
        _place(line, desk, s, starts)


@lean
def _place(line: Stages, desk: Desk, s: int, starts: Array) -> None:
    free, end = desk.free, desk.end
    free[:] = 0
    for j in desk.turn:
        b = 0
        for k in range(1, line.machines[s]):
            if free[k] < free[b]:
                b = k
        starts[j, s] = max(free[b], end[j])
        free[b] = end[j] = starts[j, s] + line.seconds[j, s]


@lean
def justify(line: Stages, desk: Desk, starts: Array) -> Any:
    """Starts everything as early as can be without changing the order of starts at any stage; returns the makespan."""
    for t in range(desk.turn.shape[0]):
        desk.turn[t] = t
        desk.end[t] = line.ahead[t]
    for s in range(line.seconds.shape[1]):
        _sort(desk.turn, starts[:, s])
        _place(line, desk, s, starts)
    top = np.int64(0)
    for j in range(desk.end.shape[0]):
        top = max(top, desk.end[j] + line.behind[j])
    return top


@lean
def mirror(seconds: Array, starts: Array, makespan: int, other: Array) -> None:
    """The same schedule seen from its end, as starts of the reversed line."""
    n, stages = seconds.shape
    for j in range(n):
        for s in range(stages):
            other[j, stages - 1 - s] = makespan - starts[j, s] - seconds[j, s]
