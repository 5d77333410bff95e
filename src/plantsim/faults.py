"""How one equipment misbehaves at present: told so through the control port, or by chance.

Breaking, drifting and lying are the plant's own and last in plant time; muting and garbling are the wire's and last in
real time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Drift:
    """A shift that grows in a straight line to `by` within `over_s` from `since_s`, starting at `before`."""

    by: float
    since_s: float
    over_s: float
    before: float = 0.0

    def at(self, now_s: float) -> float:
        """Return the shift at a plant time."""
        part = 1.0 if self.over_s <= 0 else min(1.0, max(0.0, (now_s - self.since_s) / self.over_s))
        return self.before + (self.by - self.before) * part


@dataclass(frozen=True)
class Lie:
    """A value reported in place of a measurement, for so many jobs more."""

    value: float
    jobs_left: int


class Faults:
    """The faults in force at one equipment."""

    def __init__(self) -> None:
        self.broken_until_s = -math.inf
        self.off_until_s = -math.inf
        self.mute_until_real_s = -math.inf
        self.garbled_until_real_s = -math.inf
        self._drifts: dict[str, Drift] = {}
        self._lies: dict[str, Lie] = {}

    def drift(self, name: str, drift: Drift) -> None:
        """Let a signal or measurement drift from where it has drifted to; `by` 0 ends it."""
        if drift.by == 0:
            self._drifts.pop(name, None)
        else:
            self._drifts[name] = Drift(drift.by, drift.since_s, drift.over_s, self.shift(name, drift.since_s))

    def shift(self, name: str, now_s: float) -> float:
        """Return how far a signal or measurement is off."""
        drift = self._drifts.get(name)
        return drift.at(now_s) if drift else 0.0

    def shifts(self, now_s: float) -> dict[str, float]:
        """Return all that is off."""
        return {name: drift.at(now_s) for name, drift in self._drifts.items()}

    def lie(self, measure: str, lie: Lie) -> None:
        """Report `lie.value` for a measurement from now on."""
        self._lies[measure] = lie

    def reported(self, results: dict[str, float]) -> dict[str, float]:
        """Return what is reported for a job's true results; each lie told counts."""
        told = dict(results)
        for measure, lie in list(self._lies.items()):
            if measure in told:
                told[measure] = lie.value
                self._lies[measure] = Lie(lie.value, lie.jobs_left - 1)
                if lie.jobs_left <= 1:
                    del self._lies[measure]
        return told

    def muted(self, real_s: float) -> bool:
        """Tell whether it hears but does not answer."""
        return real_s < self.mute_until_real_s

    def garbled(self, real_s: float) -> bool:
        """Tell whether it answers garbage."""
        return real_s < self.garbled_until_real_s

    def in_force(self, now_s: float, real_s: float) -> list[str]:
        """Name the faults in force, for the control port."""
        named = {
            "broken": now_s < self.broken_until_s,
            "off": now_s < self.off_until_s,
            "mute": self.muted(real_s),
            "garbled": self.garbled(real_s),
        }
        drifts = [f"drift {name} {drift.at(now_s):+g}" for name, drift in self._drifts.items()]
        return [name for name, holds in named.items() if holds] + drifts + [f"lie {name}" for name in self._lies]


class Breakdowns:
    """Chance breakdowns: exponential times between failures and to repair, from the pack's means."""

    def __init__(self, mtbf_s: float, mttr_s: float, random: Random, now_s: float) -> None:
        self._mtbf_s = mtbf_s
        self._mttr_s = mttr_s
        self._random = random
        self._next_s = now_s + random.expovariate(1 / mtbf_s)

    def repair_s(self, now_s: float) -> float | None:
        """Return how long a breakdown that is due now will last, or None when none is due."""
        if now_s < self._next_s:
            return None
        lasts_s = self._random.expovariate(1 / self._mttr_s)
        self._next_s = now_s + lasts_s + self._random.expovariate(1 / self._mtbf_s)
        return lasts_s
