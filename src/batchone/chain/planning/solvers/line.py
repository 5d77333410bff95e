"""A line on which nobody passes: searches for one order of the jobs on all machines.

Iterated greedy (Ruiz and Stützle 2007; with setups, 2008) over compiled scans of all places of a job; for tardiness, where a
pass over all jobs is cheap, a population of sequences (Vallada and Ruiz 2010) over the same scans.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from batchone.chain.planning.solvers import line_kernel as kernel
from batchone.chain.planning.solvers import line_kin_kernel as kin

Numbers = NDArray[np.int64]

LIMIT_S = 1 << 30
"""Kernels count in 32 bits: everything one after the other must end before this."""

_FIRST_CYCLE = 100
"""Scans of the first cycle, times the number of jobs."""


_CHEAP = 300_000
"""Ends to work out in a pass over all places of all jobs, up to which it is cheap."""
_KIN = 30
"""Sequences of a population."""


class LineSearch:
    """A search that can be continued, for one permutation flow line.

    `durations[job, machine]`; `setups[machine, before, after]`, row `n` = from nothing, done while the job may still be on
    its way; `release[job]`; `due[job]` and `weight[job]` for tardiness. All in whole seconds. `ValueError` if times are too
    great for 32 bits. What it finds depends on the seed and the steps in all, not on how they are divided.
    """

    def __init__(
        self,
        durations: Numbers,
        setups: Numbers | None,
        release: Numbers,
        due: Numbers | None,
        weight: Numbers,
        by: Literal["makespan", "tardiness"],
        seed: int,
    ) -> None:
        n, m = durations.shape
        total = int(durations.sum()) + int(release.max(initial=0))
        total += 0 if setups is None else int(setups.max(initial=0)) * n * m
        if total >= LIMIT_S:
            raise ValueError(f"the line works for {total} s, more than {LIMIT_S} s")
        due = np.full(n, LIMIT_S, np.int64) if due is None else np.clip(due, -LIMIT_S, LIMIT_S)
        arc, into, out = _setups(setups, n, m)
        self._line = kernel.Line(
            seconds=np.ascontiguousarray(durations, np.int32),
            release=np.ascontiguousarray(release, np.int32),
            due=np.ascontiguousarray(due, np.int64),
            weight=np.ascontiguousarray(weight, np.int64),
            arc=arc,
            into=into,
            out=out,
            setups=setups is not None,
            tardy=by == "tardiness",
            even=not release.any(),
        )
        self._room = _room(n, m)
        self._chance = np.array([(2 * seed + 1) * 0x9E3779B97F4A7C15 % (1 << 64)], np.uint64)
        self._greed = _greed(self._line)
        self._until = 0
        self._current = np.full(n + 2, n, np.int64)
        value = kernel.build(self._line, self._room, self._chance, self._first(), self._current)
        self._best = self._current.copy()
        self._state = np.array([value, value, 0, 0, _FIRST_CYCLE * n], np.int64)
        self._kin: kin.Kin | None = None
        if self._line.tardy and n * n * m <= _CHEAP and n > 1:
            self._kin = kin.Kin(np.zeros((_KIN, n + 2), np.int64), np.full(_KIN, value, np.int64), np.zeros(n, np.bool_))
            self._state = np.zeros(kin.LENGTH, np.int64)
            self._state[: kernel.DONE] = value
            self._state[kin.SHAKEN] = _KIN

    def _first(self) -> Numbers:
        """The order in which the first solution is built: the most urgent, or those with the most work, first."""
        line = self._line
        key = line.due if line.tardy else -line.seconds.sum(axis=1, dtype=np.int64)
        return np.argsort(key, kind="stable").astype(np.int64)

    @property
    def best(self) -> int:
        """The objective of the best order: seconds, for tardiness times weight."""
        return int(self._state[kernel.BEST])

    def run(self, steps: int) -> bool:
        """Works for `steps` scans (one job tried at all places) or a little more; True if a better order was found."""
        self._until += steps
        before = self.best
        if self._kin is not None:
            kin.advance(self._line, self._room, self._chance, self._kin, self._best, self._state, self._until)
            return self.best < before
        kernel.advance(self._line, self._room, self._chance, self._current, self._best, self._state, self._until, self._greed)
        return self.best < before

    def order(self) -> Numbers:
        """The best order: job indexes."""
        return self._best[1:-1].copy()

    def learn(self, order: Numbers) -> None:
        """Takes another search's order over and goes on from there, if it is better than the best of this; into a population
        it is taken in."""
        n = len(order)
        seq = np.concatenate([[n], order, [n]]).astype(np.int64)
        value = int(kernel.evaluate(self._line, self._room, seq))
        if self._kin is not None:
            kin.keep(self._kin, seq, value, int(self._state[kin.FILLED]))
        if value < self.best:
            self._state[kernel.CURRENT] = self._state[kernel.BEST] = value
            self._current[:] = seq
            self._best[:] = seq


def _greed(line: kernel.Line) -> kernel.Greed:
    """How the search goes, as experiments on the instances of Ruiz (setups) and Vallada (tardiness) had it."""
    n = line.seconds.shape[0]
    mean = float(line.seconds.mean())
    if not line.tardy:
        return kernel.Greed(min(3, n), min(5, n), n, mean, 0.08, 1.0)
    scale = mean * float(line.weight.mean())
    return kernel.Greed(min(2, n), min(5, n), 0, scale, 4.0, 0.15)


def _setups(setups: Numbers | None, n: int, m: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Setups as [before, after, machine], [after, machine, before] and [before, machine, after]; none before the end."""
    if setups is None:
        none = np.zeros((1, 1, 1), np.int32)
        return none, none, none
    into = np.ascontiguousarray(setups.transpose(2, 0, 1), np.int32)
    out = np.zeros((n, m, n + 1), np.int32)
    out[:, :, :n] = setups[:, :n].transpose(1, 0, 2)
    return np.ascontiguousarray(setups.transpose(1, 2, 0), np.int32), into, out


def _room(n: int, m: int) -> kernel.Room:
    lanes = kernel.LANES
    return kernel.Room(
        heads=np.zeros((m, n + 2), np.int32),
        tails=np.zeros((m, n + 3), np.int32),
        late=np.zeros(n + 2, np.int64),
        late_weight=np.zeros(n + 2, np.int64),
        rest=np.zeros(n + 3, np.int32),
        ends=np.zeros((m + 1, n + 2), np.int32),
        behind=np.zeros((m + 1, n + 2), np.int32),
        longest=np.zeros(n + 2, np.int32),
        ways=np.zeros(n + 2, np.int64),
        entry=np.zeros(n + 2, np.int64),
        lanes=np.zeros((m + 1) * lanes, np.int32),
        lane_late=np.zeros(lanes, np.int64),
        lane_delay=np.zeros(lanes, np.int32),
        sequence=np.zeros(n + 2, np.int64),
        deck=np.zeros(n, np.int64),
        gone=np.zeros(n, np.int64),
        known=np.zeros(2, np.int64),
    )
