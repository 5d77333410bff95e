"""A flow line with stages of identical machines side by side: searches for the schedule with the least makespan.

Orders of the jobs are annealed, now from the begin of the line and now from its end, in cycles that grow longer; the best
schedule is then justified to the right and to the left (Valls, Ballestín and Quintanilla 2005), which can only shorten it.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from batchone.chain.planning.solvers import hybrid_kernel as kernel

Numbers = NDArray[np.int64]

_CYCLE = 400
"""Moves of the first cycle, times the number of jobs."""
_WARM, _COLD = 0.06, 0.002
"""How much worse an order may become in the mean, at the begin and end of a cycle, in mean durations."""


class HybridSearch:
    """A search that can be continued, for one hybrid flow line.

    `durations[job, stage]`; `machines[stage]`, identical ones; `release[job]`. All in whole seconds.
    """

    def __init__(self, durations: Numbers, machines: Numbers, release: Numbers, seed: int) -> None:
        durations = np.ascontiguousarray(durations, np.int64)
        nothing = np.zeros_like(release)
        self._ways = (
            _Way(durations, machines, release, nothing, 2 * seed),
            _Way(durations[:, ::-1], machines[::-1], nothing, release, 2 * seed + 1),
        )
        self._machines = machines
        self._starts = np.zeros_like(durations)
        self.best = np.iinfo(np.int64).max
        self._turn = 0
        for turn in (0, 1):
            self._polish(turn)

    def run(self, steps: int) -> bool:
        """Tries `steps` orders; True if a better schedule was found."""
        before = self.best
        while steps > 0:
            way = self._ways[self._turn]
            done = way.work(steps)
            steps -= done
            if way.finished():
                self._polish(self._turn)
                way.restart()
                self._turn = 1 - self._turn
        if self._ways[self._turn].best < self.best:
            self._polish(self._turn)
        return self.best < before

    def starts(self) -> tuple[Numbers, Numbers]:
        """When each operation of the best schedule starts, and on which machine of its stage."""
        machine = np.zeros_like(self._starts)
        p = self._ways[0].line.seconds
        for s, count in enumerate(self._machines):
            free = [(0, k) for k in range(count)]
            for j in np.lexsort((p[:, s], self._starts[:, s])):
                _, k = heapq.heappop(free)
                machine[j, s] = k
                heapq.heappush(free, (int(self._starts[j, s] + p[j, s]), k))
        return self._starts.copy(), machine

    def learn(self, starts: Numbers) -> None:
        """Takes another search's schedule over and goes on from it, if it is better than the best of this."""
        self._justify(starts.copy(), 0)

    def _polish(self, turn: int) -> None:
        way = self._ways[turn]
        starts = np.zeros_like(self._starts)
        kernel.begin(way.line, way.desk, way.order, starts)
        self._justify(starts, turn)

    def _justify(self, starts: Numbers, turn: int) -> None:
        """Justifies a schedule of the line seen in direction `turn` while that gains, and keeps it if it is the best."""
        value = kernel.justify(self._ways[turn].line, self._ways[turn].desk, starts)
        while True:
            reached, found = value, starts
            for way in (self._ways[1 - turn], self._ways[turn]):
                other = np.zeros_like(starts)
                kernel.mirror(way.line.seconds[:, ::-1], found, reached, other)
                reached, found = kernel.justify(way.line, way.desk, other), other
            # What takes no time may change places with what starts when it does, and lengthen the schedule.
            if reached >= value:
                break
            starts, value = found, reached
        if value < self.best:
            if turn:
                mirrored = np.zeros_like(starts)
                kernel.mirror(self._ways[1].line.seconds, starts, value, mirrored)
                starts = mirrored
            self.best = int(value)
            self._starts = starts


class _Way:
    """The line seen in one direction, and the annealing of its orders."""

    def __init__(self, durations: Numbers, machines: Numbers, ahead: Numbers, behind: Numbers, seed: int) -> None:
        p = np.ascontiguousarray(durations)
        machines = np.ascontiguousarray(machines, np.int64)
        n, stages = p.shape
        tail = np.ascontiguousarray(np.cumsum(p[:, ::-1], axis=1)[:, ::-1] + behind[:, None])
        least = np.sort(tail - p, axis=0)
        load = np.array([p[:, s].sum() + least[: machines[s], s].sum() for s in range(stages)])
        ahead, behind = np.ascontiguousarray(ahead, np.int64), np.ascontiguousarray(behind, np.int64)
        self.line = kernel.Stages(p, machines, ahead, behind, tail, load)
        self.desk = kernel.Desk(np.zeros(machines.max(initial=1), np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64))
        self._chance = np.array([(2 * seed + 1) * 0x9E3779B97F4A7C15 % (1 << 64)], np.uint64)
        self._warm, self._cold = _WARM * float(p.mean()), _COLD * float(p.mean())
        self.order = self._first()
        self._current = self.order.copy()
        value = self._makespan(self.order)
        self._state = np.array([value, value, 0, _CYCLE * n], np.int64)

    def _makespan(self, order: Numbers) -> int:
        return int(kernel.dispatch(self.line, self.desk, order, 1 << 60))

    def _first(self) -> Numbers:
        """The best of a few simple orders: quick to reach the later stages first, long work first, as they come."""
        p, ahead = self.line.seconds, self.line.ahead
        stages = p.shape[1]
        slope = (p * (np.arange(stages) - (stages - 1) / 2)).sum(axis=1)
        keys = (ahead - slope, ahead + p[:, 0], ahead - p.sum(axis=1), ahead)
        return min((np.argsort(key, kind="stable").astype(np.int64) for key in keys), key=self._makespan)

    @property
    def best(self) -> int:
        return int(self._state[kernel.BEST])

    def work(self, moves: int) -> int:
        """Tries at most `moves` orders of the cycle; says how many."""
        moves = min(moves, int(self._state[kernel.LENGTH] - self._state[kernel.DONE]))
        kernel.anneal(self.line, self.desk, self._chance, self._current, self.order, self._state, moves, self._warm, self._cold)
        return moves

    def finished(self) -> bool:
        return bool(self._state[kernel.DONE] >= self._state[kernel.LENGTH])

    def restart(self) -> None:
        """The next cycle begins with the best order and is twice as long."""
        self._current[:] = self.order
        self._state[kernel.CURRENT] = self._state[kernel.BEST]
        self._state[kernel.DONE] = 0
        self._state[kernel.LENGTH] *= 2
