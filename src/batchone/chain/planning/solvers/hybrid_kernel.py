"""Compiled kernels of the hybrid flow line: stages of identical machines side by side.

An order of the jobs becomes a schedule by dispatching: at the first stage in that order, at each later stage in the order
of arrival, each job on the machine that is free first. `data` describes one direction of the line: durations [job, stage],
machines, what passes before the first stage (`ahead`) and after the last (`behind`), the least way from a job's start at a
stage to the end (`tail`), and per stage the work and the least ways behind its machines (`load`). Reversed in time the
problem is of the same kind, and often easier to order from its end.
"""

from __future__ import annotations

import math

import numpy as np
from batchone.chain.planning.solvers.jit import jit, lean

from batchone.chain.planning.solvers.line_kernel import below

CURRENT, BEST, DONE, LENGTH = 0, 1, 2, 3
"""Places in `state`: makespan of the current and of the best order, moves done in this cycle, and its length."""


@lean
def _sort(seq, key):
    """Sorts jobs by `key`, ties as they stand; they are nearly sorted already."""
    for t in range(1, seq.shape[0]):
        j = seq[t]
        e, u = key[j], t
        while u > 0 and key[seq[u - 1]] > e:
            seq[u] = seq[u - 1]
            u -= 1
        seq[u] = j


@lean
def dispatch(data, room, order, limit):
    """Makespan of an order, or more than `limit` as soon as it is known to be.

    A stage is hopeless once its machines have waited for more than the limit leaves them beside their work.
    """
    p, machines, ahead, behind, tail, load = data
    free, end, seq = room
    n, stages = p.shape
    for t in range(n):
        seq[t] = order[t]
        end[t] = ahead[t]
    top = np.int64(0)
    for s in range(stages):
        if s > 0:
            _sort(seq, end)
        count = machines[s]
        spare = count * limit - load[s]
        for k in range(count):
            free[k] = 0
        for t in range(n):
            j = seq[t]
            b = 0
            for k in range(1, count):
                if free[k] < free[b]:
                    b = k
            start = end[j]
            if free[b] < start:
                spare -= start - free[b]
            else:
                start = free[b]
            if spare < 0 or start + tail[j, s] > limit:
                return limit + 1
            free[b] = end[j] = start + p[j, s]
    for j in range(n):
        top = max(top, end[j] + behind[j])
    return top


@lean
def _move(order, i, j):
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
def anneal(data, room, chance, order, best, state, moves, warm, cold):
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
        value = dispatch(data, room, order, limit)
        if value <= limit:
            state[CURRENT] = value
            if value < state[BEST]:
                state[BEST] = value
                best[:] = order
        elif exchange:
            order[i], order[j] = order[j], order[i]
        else:
            _move(order, j, i)


@jit
def begin(data, room, order, starts):
    """Writes when the jobs of an order start at each stage."""
    p, machines, ahead = data[:3]
    free, end, seq = room
    n, stages = p.shape
    seq[:] = order
    end[:] = ahead
    for s in range(stages):
        if s > 0:
            _sort(seq, end)
        _stage(p, machines[s], free, end, seq, s, starts)


@lean
def _stage(p, count, free, end, seq, s, starts):
    for k in range(count):
        free[k] = 0
    for j in seq:
        b = 0
        for k in range(1, count):
            if free[k] < free[b]:
                b = k
        starts[j, s] = max(free[b], end[j])
        free[b] = end[j] = starts[j, s] + p[j, s]


@lean
def justify(data, room, starts):
    """Starts everything as early as can be without changing the order of starts at any stage; returns the makespan."""
    p, machines, ahead, behind = data[:4]
    free, end, seq = room
    n, stages = p.shape
    for t in range(n):
        seq[t] = t
        end[t] = ahead[t]
    for s in range(stages):
        _sort(seq, starts[:, s])
        _stage(p, machines[s], free, end, seq, s, starts)
    top = np.int64(0)
    for j in range(n):
        top = max(top, end[j] + behind[j])
    return top


@lean
def mirror(p, starts, makespan, other):
    """The same schedule seen from its end, as starts of the reversed line."""
    n, stages = p.shape
    for j in range(n):
        for s in range(stages):
            other[j, stages - 1 - s] = makespan - starts[j, s] - p[j, s]
