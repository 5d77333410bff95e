"""Tabu search of plain (flexible) job shops for the makespan, with an elite that is bred by path relinking."""

from __future__ import annotations

import numpy as np

from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.model import Measure
from batchone.chain.planning.replay import replay
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.solvers import shop_kernel as kernel
from batchone.chain.planning.solvers.shop_kernel import Array, Graph, Shop

METHOD = "tabu"
_HORIZON = 1 << 40
POOL = 10
PATIENCE = 12500


def fits(compiled: Compiled) -> bool:
    """Whether a problem is a plain shop."""
    horizon = sum(max((s for _, s in options), default=0) for options in compiled.options) + max(
        [*compiled.ready, *compiled.available, 0]
    )
    return (
        compiled.n > 0
        and compiled.problem.aim[0] is Measure.MAKESPAN
        and not compiled.heads
        and horizon < _HORIZON
        and all(compiled.options)
        and all(positions == 1 for positions in compiled.positions)
        and all(calendar.always for calendar in compiled.calendar)
        and all(table is None for table in compiled.setup)
    )


class ShopSearch:
    def __init__(self, compiled: Compiled, seed: int, start: Schedule | None = None) -> None:
        self.compiled = compiled
        self._shop = _shop(compiled)
        self._graph = _graph(self._shop)
        self._behind = np.array(compiled.tail, np.int64)
        note = self._graph.note
        note[kernel.CHANCE] = seed * 0x9E3779B97F4A7C1 % (1 << 62) + 1
        note[kernel.GOAL] = bound_of(compiled).makespan_s
        note[kernel.BEST] = 1 << 60
        n = compiled.n
        self._pool: list[tuple[int, Array, Array]] = []
        self.best = 1 << 60
        self._best: tuple[Array, Array] = (np.zeros(n, np.int32), np.zeros(n, np.int32))
        self.stale = 0
        self.tenure = 10 + len(compiled.problem.jobs) // compiled.m
        self.spread = self.tenure // 2 + 1
        self.children = []
        self.first(0)
        self._offer()
        if start is not None:
            machine = np.array(start.resource, np.int32)
            self._start(machine, np.array(start.order(), np.int32))

    def first(self, noise: int) -> None:
        n = self._shop.n
        machine, order = np.empty(n, np.int32), np.empty(n, np.int32)
        kernel.build(self._shop, self._graph.note, self._behind, noise, machine, order)
        self._start(machine, order)

    def _start(self, machine: Array, order: Array) -> None:
        g = self._graph
        kernel.load(self._shop, g, machine, order)
        g.note[kernel.IDLE] = 0
        g.note[kernel.ROUND] += 1000
        kernel.keep(g)
        self._offer()

    def _offer(self) -> None:
        g = self._graph
        if g.note[kernel.BEST] < self.best:
            self.best = int(g.note[kernel.BEST])
            self._best = g.best_machine.copy(), g.best_order.copy()

    def run(self, steps: int) -> bool:
        before, note = self.best, self._graph.note
        while steps > 0 and self.best > note[kernel.GOAL]:
            steps -= max(1, kernel.tabu_search(self._shop, self._graph, steps, PATIENCE, self.tenure, self.spread))
            self._offer()
            if note[kernel.IDLE] >= PATIENCE:
                self._harvest()
                self._next()
        return self.best < before

    def _harvest(self) -> None:
        g = self._graph
        n = self._shop.n
        kernel.load(self._shop, g, g.best_machine.copy(), g.best_order.copy())
        start = g.end[:n] - g.seconds
        mid = start - g.tail[:n]
        order = np.lexsort((g.place, mid)).astype(np.int32)
        rank = np.empty(n, np.int32)
        rank[order] = np.arange(n)
        made = (int(g.note[kernel.MAKESPAN]), g.machine.copy(), order, rank)
        near = [
            i
            for i, other in enumerate(self._pool)
            if kernel.apart(self._shop, made[1], rank, other[1], other[3]) <= self._shop.n // 20
        ]
        self.stale += 1
        if near:
            if made[0] < min(self._pool[i][0] for i in near):
                self._pool = [o for i, o in enumerate(self._pool) if i not in near] + [made]
                self.stale = 0
        elif len(self._pool) < POOL:
            self._pool.append(made)
        else:
            worst = max(range(POOL), key=lambda i: self._pool[i][0])
            if made[0] <= self._pool[worst][0]:
                self._pool[worst] = made
                self.stale = 0

    def _next(self) -> None:
        note = self._graph.note
        if self.stale > 3 * POOL:
            self._pool = [min(self._pool, key=lambda o: o[0])]
            self.stale = 0
        if len(self._pool) < POOL:
            self.first(50)
            return
        a = kernel.chance(note, POOL)
        b = (a + 1 + kernel.chance(note, POOL - 1)) % POOL
        machine, order = self._pool[a][1].copy(), self._pool[a][2].copy()
        kernel.relink(self._shop, note, machine, order, self._pool[b][1], self._pool[b][3], 30 + kernel.chance(note, 41))
        self._start(machine, order)

    def schedule(self) -> Schedule:
        machine, order = self._best
        rank = [0] * self._shop.n
        for place, i in enumerate(order.tolist()):
            rank[i] = place
        schedule = replay(self.compiled, machine.tolist(), [0] * self._shop.n, rank)
        assert schedule is not None
        return schedule


def _csr(lists: list[list[int]]) -> tuple[Array, Array]:
    at = np.zeros(len(lists) + 1, np.int32)
    at[1:] = np.cumsum([len(some) for some in lists])
    return np.array([x for some in lists for x in some], np.int32), at


def _shop(c: Compiled) -> Shop:
    n = c.n
    preds, succs = [list(p) for p in c.preds], c.succs
    more_before, more_before_at = _csr([p[1:] for p in preds])
    more_after, more_after_at = _csr([s[1:] for s in succs])
    option, option_at = _csr([[r for r, _ in options] for options in c.options])
    option_s, _ = _csr([[s for _, s in options] for options in c.options])
    return Shop(
        n,
        c.m,
        np.array([p[0] if p else n for p in preds], np.int32),
        more_before,
        more_before_at,
        np.array([s[0] if s else n for s in succs], np.int32),
        more_after,
        more_after_at,
        not (len(more_before) or len(more_after)),
        np.array(c.ready, np.int64),
        option,
        option_s.astype(np.int64),
        option_at,
        np.array(c.available, np.int64),
    )


def _graph(shop: Shop) -> Graph:
    n, m = shop.n, shop.m
    place, time = lambda size: np.zeros(size, np.int32), lambda size: np.zeros(size, np.int64)
    return Graph(
        machine=place(n),
        seconds=time(n),
        left=place(n),
        right=place(n),
        row=np.zeros((m, n + 1), np.int32),
        length=place(m),
        at=place(n),
        order=place(n),
        place=place(n),
        head=time(n),
        end=time(n + 1 + m),
        rest=time(n),
        tail=time(n + 1 + m),
        mark=time(n + 1 + m),
        buffer=time(n + 1),
        path=place(n),
        tabu=time(1 << kernel.TABU_BITS),
        gap=np.zeros((m, n + 1), np.int64),
        least=time(m),
        best_machine=place(n),
        best_order=place(n),
        note=time(kernel.NOTES),
    )
