"""Rules, their state, and what comes of a judgement, all in columns: a rule is one limit of one signal, at one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from batchone.contracts.alarms import AlarmKind, AlarmPriority

NEVER = int(np.iinfo(np.int64).min)
"""A time before all samples."""

Key = tuple[str, AlarmKind]
"""Path and limit: what a rule is called, whatever its place."""


@dataclass(frozen=True)
class About:
    """What people are told of a rule."""

    path: str
    equipment: str
    limit: AlarmKind
    priority: AlarmPriority
    bound: float | None
    unit: str
    name: Mapping[str, str]


@dataclass(frozen=True)
class Rules:
    """All rules of a tenant. `path_of` is the place of each rule's path in `paths`; `upper` says on which side of `bound`
    the condition lies; it is over once the value is back by `deadband`; it must last `on_delay_us` before it counts as raised,
    and be over for `off_delay_us` before it returns."""

    abouts: tuple[About, ...] = ()
    paths: Mapping[str, int] = field(default_factory=dict)
    path_of: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    bound: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    upper: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    deadband: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    on_delay_us: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    off_delay_us: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def keys(self) -> dict[Key, int]:
        """The place of each rule."""
        return {(about.path, about.limit): place for place, about in enumerate(self.abouts)}


@dataclass(frozen=True)
class State:
    """How each rule stands: whether its condition holds or is over, since when (source time) and with which value that began,
    and whether it counts as raised; and up to which source time each path has been judged."""

    on: NDArray[np.bool_]
    since_us: NDArray[np.int64]
    began_with: NDArray[np.float64]
    raised: NDArray[np.bool_]
    judged_us: NDArray[np.int64]

    @staticmethod
    def fresh(rules: Rules) -> State:
        """Nothing seen yet."""
        count = len(rules.abouts)
        return State(
            np.zeros(count, np.bool_), np.full(count, NEVER), np.full(count, np.nan), np.zeros(count, np.bool_),
            np.full(len(rules.paths), NEVER),
        )  # fmt: skip

    def waiting(self) -> bool:
        """Whether some condition holds, or is over, that has not been so for long enough yet."""
        return bool(np.any(self.on != self.raised))


@dataclass(frozen=True)
class Readings:
    """Samples to be judged, in any order: place of the path in the rules' `paths`, source time, value."""

    path: NDArray[np.int64]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]

    @staticmethod
    def none() -> Readings:
        """No samples: only time has passed."""
        return Readings(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True)
class Transitions:
    """Raisings and returns in the order of their time; for one rule they alternate. `value` is the one that began the
    condition, or ended it."""

    rule: NDArray[np.int64]
    raised: NDArray[np.bool_]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rule)
