"""A line on which nobody passes: searches for one order of the jobs on all machines.

Iterated greedy (Ruiz and Stützle 2007; with setups, 2008) over compiled scans of all places of a job.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from batchone.chain.planning.solvers import line_kernel as kernel

Numbers = NDArray[np.int64]

LIMIT_S = 1 << 30
"""Kernels count in 32 bits: everything one after the other must end before this."""


class LineSearch:
    """A search that can be continued, for one permutation flow line.

    `durations[job, machine]`; `setups[machine, before, after]`, row `n` = from nothing, done while the job may still be on
    its way; `release[job]`; `due[job]` and `weight[job]` for tardiness. All in whole seconds. `ValueError` if times are too
    great for 32 bits.
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
        self._late = by == "tardiness"
        self._n = n
        due = np.full(n, LIMIT_S, np.int64) if due is None else np.minimum(due, LIMIT_S)
        self._data = (
            np.ascontiguousarray(durations, np.int32),
            np.ascontiguousarray(release, np.int32),
            np.ascontiguousarray(due, np.int64),
            np.ascontiguousarray(weight, np.int64),
            *_setups(setups, n, m),
            setups is not None,
        )
        # The bound by delay does not hold where a release may swallow the delay.
        self._shifts = not release.any()
        self._room = _room(n, m)
        self._chance = np.array([(2 * seed + 1) * 0x9E3779B97F4A7C15 % (1 << 64)], np.uint64)
        self._known = np.array([0, n + 1], np.int64)
        self._state = np.zeros(3, np.int64)
        self._until = 0
        self._current = np.full(n + 2, n, np.int64)
        value = kernel.build(
            self._data, self._room, self._chance, self._late, self._shifts, self._jobs(), self._current, self._known
        )
        self._state[kernel.CURRENT] = self._state[kernel.BEST] = value
        self._best = self._current.copy()
        self.tune()

    def tune(self, least: int = 2, most: int = 4, partial: int = 0, patience: float = 1.0, warmth: float = 0.5) -> None:
        n, m = self._data[0].shape
        self._least, self._most, self._partial, self._patience = min(least, n), min(most, n), partial, round(patience * n)
        if self._late:
            self._warmth = warmth * float(self._data[0].mean())
        else:
            self._warmth = warmth * float(self._data[0].mean()) / 10

    def _jobs(self) -> Numbers:
        """The order in which the first solution is built: the most urgent, or those with the most work, first."""
        p, _, due = self._data[:3]
        key = due if self._late else -p.sum(axis=1, dtype=np.int64)
        return np.argsort(key, kind="stable").astype(np.int64)

    @property
    def best(self) -> int:
        """The objective of the best order: seconds, for tardiness times weight."""
        return int(self._state[kernel.BEST])

    def run(self, steps: int) -> bool:
        """Works for `steps` scans (one job tried at all places) or a little more; True if a better order was found."""
        self._until += steps
        before = self.best
        kernel.advance(
            self._data,
            self._room,
            self._chance,
            self._late,
            self._shifts,
            self._current,
            self._best,
            self._state,
            self._known,
            self._until,
            self._least,
            self._most,
            self._partial,
            self._patience,
            self._warmth,
        )
        return self.best < before

    def order(self) -> Numbers:
        """The best order: job indexes."""
        return self._best[1:-1].copy()

    def learn(self, order: Numbers) -> None:
        """Takes another search's order over and goes on from there, if it is better than the best of this."""
        seq = np.concatenate([[self._n], order, [self._n]]).astype(np.int64)
        value = int(kernel.evaluate(self._data, self._room, seq, self._late))
        if value < self.best:
            self._state[kernel.CURRENT] = self._state[kernel.BEST] = value
            self._current[:] = seq
            self._best[:] = seq


def _setups(setups: Numbers | None, n: int, m: int) -> tuple[NDArray[np.int32], ...]:
    """Setups as [before, after, machine], [after, machine, before] and [before, machine, after]; nothing comes after all."""
    if setups is None:
        none = np.zeros((1, 1, 1), np.int32)
        return none, none, none
    into = np.ascontiguousarray(setups.transpose(2, 0, 1), np.int32)
    out = np.zeros((n, m, n + 1), np.int32)
    out[:, :, :n] = setups[:, :n].transpose(1, 0, 2)
    return np.ascontiguousarray(setups.transpose(1, 2, 0), np.int32), into, out


def _room(n: int, m: int) -> tuple[NDArray[np.int32] | Numbers, ...]:
    """Working arrays of the kernels."""
    lanes = kernel.LANES
    return (
        np.zeros((m, n + 2), np.int32),  # heads
        np.zeros((m, n + 3), np.int32),  # tails
        np.zeros(n + 2, np.int64),  # tardiness up to a place
        np.zeros(n + 2, np.int64),  # weight of what is late up to a place
        np.zeros(n + 3, np.int32),  # release and tail behind a place
        np.zeros((m + 1, n + 2), np.int32),  # ends of the new job
        np.zeros(n + 2, np.int32),  # makespans
        np.zeros(n + 2, np.int64),  # sums of ways
        np.zeros((m + 1, n + 2), np.int32),  # ends of the job behind the new one
        np.zeros(n + 2, np.int64),  # tardiness at entry
        np.zeros((m + 1) * lanes, np.int32),  # ends in the lanes
        np.zeros(lanes, np.int64),  # tardiness in the lanes
        np.zeros(lanes, np.int32),  # delays in the lanes
        np.zeros(n + 3, np.int64),  # a sequence
        np.zeros(n + 2, np.int64),  # the jobs in the order in which they are tried
        np.zeros(n + 2, np.int64),  # jobs taken out
    )
