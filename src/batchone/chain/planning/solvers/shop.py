"""Tabu search of plain (flexible) job shops for the makespan, with an elite of schedules bred from one another.

A plain shop has one operation at a time on each machine, no setups, no breaks and nothing fixed: the problem of the
literature. `shop_graph` and `shop_kernel` are compiled: the graph of a schedule, and a tabu search that moves critical
operations along their machine (N7, Zhang et al. 2007) or to another one (Mastrolilli and Gambardella 2000). Here stands
what is done with it, which follows TS/PR (Peng, Lu and Cheng 2015): a pool of good schedules that differ; a new one is
begun some way from one member to another, improved by tabu search until that has been idle for a while, and takes the
place of the worst.

What is different: searches are short at first, since many short ones beat few long ones as long as the pool improves; each
time it no longer does they become twice as long, and when they have become longest the pool is begun anew around its best.

No clock and no chance from outside: a search is a function of problem, seed, start and the number of steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.model import Measure
from batchone.chain.planning.replay import replay
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.solvers import shop_graph as graph
from batchone.chain.planning.solvers import shop_kernel as kernel
from batchone.chain.planning.solvers.shop_graph import Array, Graph, Shop

METHOD = "tabu"

_HORIZON = 1 << 50
"""Seconds; sums of a few of them still fit into 64 bits."""
_POOL = 4, 10, 6_000
"""Schedules in the pool: at least, at most, and for all of them together so many operations."""
_PATIENCE = (2_000, 32_000)
"""Steps without a better schedule after which a search ends, at first and at most, where there are machines to choose from."""
_SEQUENCING = (12_000, 96_000)
"""The same where only sequences are sought: the way down is longer there, and fewer schedules are near one another."""
_NOISE = 50
"""Percent by which the urgency of operations is blurred in the schedules that fill the pool."""
_SHARE = (30, 70)
"""A new schedule is begun so many percent of the way from one member of the pool to another."""
_TENURE = 12
"""Steps for which it is tabu to undo a move, and one more for each job a machine has in the mean; up to half as many again."""


def fits(compiled: Compiled) -> bool:
    """Whether a problem is a plain shop whose makespan counts first. Material, releases and any precedence may be."""
    if compiled.extras or compiled.problem.weights:
        return False
    longest = sum(max((seconds for _, seconds in options), default=0) for options in compiled.options)
    return (
        compiled.n > 0
        and compiled.problem.aim[0] is Measure.MAKESPAN
        and not compiled.heads
        and all(compiled.options)
        and all(positions == 1 for positions in compiled.positions)
        and all(table is None for table in compiled.setup)
        and all(calendar.always for calendar in compiled.calendar)
        and longest + max([*compiled.ready, *compiled.available]) < _HORIZON
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """A schedule of the pool: machines, an order in which arcs go forward, and the place of each operation in that."""

    makespan: int
    machine: Array
    order: Array
    rank: Array


class ShopSearch:
    """One search, resumable; it has a feasible schedule from the beginning. Two of them may run in two threads.

    `compiled` must fit (see `fits`). `best` is the makespan of the best schedule so far in seconds; it is never worse than
    that of `start`. Beginning takes milliseconds, once the compiled code is loaded.
    """

    def __init__(self, compiled: Compiled, seed: int, start: Schedule | None = None) -> None:
        self.compiled = compiled
        self._shop = shop_of(compiled)
        self._graph = empty_graph(self._shop)
        self._behind = np.array(compiled.tail, np.int64)
        self._tenure = _TENURE + len(compiled.problem.jobs) // compiled.m
        self._size = max(_POOL[0], min(_POOL[1], _POOL[2] // compiled.n))
        self._patiences = _PATIENCE if any(len(options) > 1 for options in compiled.options) else _SEQUENCING
        self._patience = self._patiences[0]
        self._idle = 0
        """Schedules bred since the pool last improved."""
        self._pool: list[_Member] = []
        note = self._graph.note
        note[graph.CHANCE] = (seed * 0x9E3779B97F4A7C1 + 1) % (1 << 62)
        note[graph.GOAL] = self.bound = bound_of(compiled).makespan_s
        self.best = graph.FAR
        self._best: tuple[Array, Array] = (self._graph.machine, self._graph.order)
        self._build(0)
        if start is not None and start.objective().makespan_s < self.best:
            self._begin(np.array(start.resource, np.uint32), np.array(_forward(compiled, start), np.uint32))

    def run(self, steps: int) -> bool:
        """Does so many steps (5 to 10 microseconds each for 200 to 1000 operations); whether the best improved.

        It stops before if the best has reached the bound. The steps release the GIL.
        """
        before, note = self.best, self._graph.note
        while steps > 0 and self.best > self.bound:
            steps -= kernel.tabu_search(self._shop, self._graph, steps, self._patience, self._tenure)
            self._note_best()
            if note[graph.IDLE] >= self._patience:
                self._harvest()
                self._breed()
        return self.best < before

    def schedule(self) -> Schedule:
        """The best schedule, as early as its sequences allow."""
        machine, order = self._best
        ranks = np.empty(self._shop.n, np.int64)
        ranks[order] = np.arange(self._shop.n)
        schedule = replay(self.compiled, machine.tolist(), [0] * self._shop.n, ranks.tolist())
        assert schedule is not None
        return schedule

    def learn(self, other: ShopSearch) -> None:
        """Takes the best of another search of the same problem into the pool, and as its own if it is better.

        Call it between runs only; what is in progress goes on.
        """
        if other.best < self.best:
            self.best, self._best = other.best, other._best
        self._admit(_member(self._shop, *other._best))

    def compile_all(self) -> None:
        """Has everything compiled that a search may come to need, also what one of a tiny problem would not reach."""
        shop, g = self._shop, self._graph
        kernel.tabu_search(shop, g, 0, 1, 1)
        kernel.relink(shop, g.note, g.machine.copy(), g.order.copy(), g.machine, g.place, 0)
        kernel.apart(shop, g.machine, g.order, g.machine, g.place)

    def _build(self, noise: int) -> None:
        """Begins at a schedule by dispatching."""
        machine, order = np.empty(self._shop.n, np.uint32), np.empty(self._shop.n, np.uint32)
        kernel.build(self._shop, self._graph.note, self._behind, noise, machine, order)
        self._begin(machine, order)

    def _begin(self, machine: Array, order: Array) -> None:
        """Lets the next steps go on from a schedule; nothing is tabu."""
        g = self._graph
        graph.load(self._shop, g, machine, order)
        g.note[graph.IDLE] = 0
        g.tabu[:] = 0
        graph.keep(g)
        self._note_best()

    def _note_best(self) -> None:
        g = self._graph
        if g.note[graph.BEST] < self.best:
            self.best = int(g.note[graph.BEST])
            self._best = g.best_machine.copy(), g.best_order.copy()

    def _harvest(self) -> None:
        """Offers the best of the search that just ended to the pool."""
        g = self._graph
        self._idle = 0 if self._admit(_member(self._shop, g.best_machine, g.best_order)) else self._idle + 1

    def _admit(self, made: _Member) -> bool:
        """Takes a schedule into the pool, unless it is bad or too near to a member that is as good; whether it did."""
        near = self._shop.n // 20
        like = [member for member in self._pool if self._apart(made, member) <= near]
        if like:
            if made.makespan >= min(member.makespan for member in like):
                return False
            self._pool = [member for member in self._pool if member not in like]
        elif len(self._pool) >= self._size:
            worst = max(self._pool, key=lambda member: member.makespan)
            if made.makespan > worst.makespan:
                return False
            self._pool = [member for member in self._pool if member is not worst]
        self._pool.append(made)
        return True

    def _apart(self, one: _Member, other: _Member) -> int:
        return int(kernel.apart(self._shop, one.machine, one.order, other.machine, other.rank))

    def _breed(self) -> None:
        """Begins the next search: between two members of the pool, or anywhere while it is not full."""
        if self._idle > self._size:
            self._idle = 0
            self._patience *= 2
            if self._patience > self._patiences[1]:
                self._patience = self._patiences[0]
                self._pool = [min(self._pool, key=lambda member: member.makespan)]
        if len(self._pool) < self._size:
            self._build(_NOISE)
            return
        note = self._graph.note
        first = graph.chance(note, self._size)
        second = (first + 1 + graph.chance(note, self._size - 1)) % self._size
        one, other = self._pool[first], self._pool[second]
        machine, order = one.machine.copy(), one.order.copy()
        share = _SHARE[0] + graph.chance(note, _SHARE[1] - _SHARE[0] + 1)
        kernel.relink(self._shop, note, machine, order, other.machine, other.rank, share)
        self._begin(machine, order)


def _member(shop: Shop, machine: Array, order: Array) -> _Member:
    """A schedule with its operations in order of start, so that orders of like schedules are alike."""
    g = empty_graph(shop)
    graph.load(shop, g, machine, order)
    middle = g.end[: shop.n] - g.seconds - g.tail[: shop.n]
    by_time = np.lexsort((g.place, middle)).astype(np.uint32)
    rank = np.empty(shop.n, np.uint32)
    rank[by_time] = np.arange(shop.n, dtype=np.uint32)
    return _Member(int(g.note[graph.MAKESPAN]), g.machine, by_time, rank)


def _forward(compiled: Compiled, schedule: Schedule) -> list[int]:
    """The operations of a schedule so that whatever must end first comes first, even where work takes no time."""
    at = {i: place for place, i in enumerate(compiled.topological)}
    return sorted(range(compiled.n), key=lambda i: (schedule.start[i], schedule.end[i], at[i]))


def shop_of(compiled: Compiled) -> Shop:
    """A compiled problem in arrays."""
    n = compiled.n
    more_before, more_before_at = _flat([preds[1:] for preds in compiled.preds])
    more_after, more_after_at = _flat([tuple(succs[1:]) for succs in compiled.succs])
    option, option_at = _flat([tuple(r for r, _ in options) for options in compiled.options])
    return Shop(
        n=n,
        m=compiled.m,
        before=np.array([preds[0] if preds else n for preds in compiled.preds], np.uint32),
        more_before=more_before,
        more_before_at=more_before_at,
        after=np.array([succs[0] if succs else n for succs in compiled.succs], np.uint32),
        more_after=more_after,
        more_after_at=more_after_at,
        chains=not len(more_before) and not len(more_after),
        ready=np.array(compiled.ready, np.int64),
        option=option,
        option_s=np.array([seconds for options in compiled.options for _, seconds in options], np.int64),
        option_at=option_at,
        available=np.array(compiled.available, np.int64),
    )


def _flat(lists: list[tuple[int, ...]]) -> tuple[Array, Array]:
    """Lists one behind the other, and where each begins; beyond the last one where it ends."""
    begins = np.zeros(len(lists) + 1, np.uint32)
    begins[1:] = np.cumsum([len(each) for each in lists])
    return np.array([x for each in lists for x in each], np.uint32), begins


def empty_graph(shop: Shop) -> Graph:
    """Room for a schedule of a shop. Places are unsigned, which spares the compiled code to look for negative ones."""
    n, m = shop.n, shop.m
    places = {name: np.zeros(n, np.uint32) for name in ("machine", "left", "right", "at", "order", "place", "path")}
    times = {name: np.zeros(n + 1 + m, np.int64) for name in ("end", "tail", "mark", "buffer")}
    return Graph(
        **places,
        **times,
        seconds=np.zeros(n, np.int64),
        head=np.zeros(n, np.int64),
        rest=np.zeros(n, np.int64),
        row=np.zeros((m, n + 1), np.uint32),
        length=np.zeros(m, np.uint32),
        tabu=np.zeros(1 << graph.TABU_BITS, np.int64),
        gap=np.zeros((m, n + 1), np.int64),
        least=np.zeros(m, np.int64),
        best_machine=np.zeros(n, np.uint32),
        best_order=np.zeros(n, np.uint32),
        pick=np.zeros(kernel.PICKS, np.int64),
        note=np.zeros(graph.NOTES, np.int64),
    )
