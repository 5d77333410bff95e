"""How far a plan can be believed: what lies between the finish that insertion finds and the dates that are told.

Lateness (actual finish less inserted finish) is remembered by how far ahead the promise reached, the newer the heavier: a
histogram on a scale that is linear near zero and logarithmic beyond. The p50 and p90 margins are quantiles of it. Load and
re-planning move that distribution faster than it is learnt, so the level at which it is read follows what was missed: the level
rises by a little when more promises were missed than should be, and falls when fewer were. That is adaptive conformal inference
(Gibbs and Candès, *Adaptive Conformal Inference Under Distribution Shift*, NeurIPS 2021): over a long time the share that is
missed is the wanted one whatever the distribution does. A usual day's orders together make one step, however many they are:
lateness comes in waves of hours, and whole steps for each order would only follow the last wave.

At first the reliability of the machines on the way and of the deliveries waited for stands in (`reserve`): orders that finish
soon are the ones that nothing held up, so what is learnt in less time than promises reach ahead tells of the lucky ones only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from batchone.chain.planning.limits import Cause, Limit
from batchone.chain.planning.model import Assignment

LEARN_FROM = 30.0
"""Fewer finished orders than this (newer ones counting more) say little about the ninth decile."""
HALF_LIFE_S = 14 * 86_400.0
"""After this time an outcome counts half."""
RATE_PER_DAY = (0.2, 0.05)
"""How far the levels of p50 and p90 move by a usual day's orders if all of them were missed."""
AHEAD_S = (2 * 3600.0, 8 * 3600.0, 24 * 3600.0, 72 * 3600.0)
"""Bounds of the classes by how far ahead a promise reaches."""
_SPAN_S = np.array([*AHEAD_S, 2 * AHEAD_S[-1]])
"""For how long a class must have been learnt from before it is believed alone: as long as its promises reach ahead."""
LIKELY, SURE = 0.5, 0.1
"""The shares that miss the p50 and the p90 date."""
_SCALE_S, _STEP, _REACH = 300.0, 0.04, 10.0
_EDGES: NDArray[np.float64] = np.asarray(_SCALE_S * np.sinh(np.arange(-_REACH, _REACH + _STEP / 2, _STEP)), dtype=np.float64)
_CLASSES, _BINS = len(AHEAD_S) + 1, len(_EDGES) - 1
_LEAST, _MOST = np.array([[0.05], [0.004]]), np.array([[0.95], [0.4]])
_RATES = np.array(RATE_PER_DAY)[:, None]
MARGIN_SHARE, MARGIN_MIN_S = 0.25, 3600.0
_NORMAL = np.array([NormalDist().inv_cdf((n + 0.5) / 200) for n in range(200)])
_EVEN = (np.arange(100) + 0.5) / 100

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """A finished order: when it was promised, where insertion put its end, the dates that were told, and what became of it."""

    promised: datetime
    planned: datetime
    likely: datetime
    sure: datetime
    finished: datetime


@dataclass(frozen=True)
class Delivery:
    """A delivery that a job waits for: late with this `share`, then by up to `late_s` seconds, any moment being as likely; by
    `slack_s` it may be late without holding anything up."""

    share: float
    late_s: float
    slack_s: float


@dataclass(frozen=True)
class Reserve:
    """What is added to the end of a job: by breakdowns (mean and one standard deviation, in seconds), and by deliveries that
    come late, the latest of which decides."""

    mean_s: float
    deviation_s: float
    deliveries: tuple[Delivery, ...] = ()

    def quantiles(self) -> tuple[float, float]:
        """The seconds that are added at most in half and in nine tenths of all cases."""
        broken = self.mean_s + self.deviation_s * _NORMAL
        added = np.add.outer(broken, self._held_up()).ravel()
        likely, sure = np.quantile(added, (1 - LIKELY, 1 - SURE), method="hazen")
        return float(likely), float(sure)

    def _held_up(self) -> Floats:
        """The seconds that deliveries hold the job up, at evenly spaced probabilities."""
        felt = [each for each in self.deliveries if each.share > 0 and each.late_s > each.slack_s]
        if not felt:
            return np.zeros(1)
        at = np.linspace(0.0, max(each.late_s - each.slack_s for each in felt), 200)
        by_then = np.ones_like(at)
        for each in felt:
            by_then *= 1 - each.share * (1 - np.minimum((at + max(0.0, each.slack_s)) / each.late_s, 1.0))
        return np.asarray(np.interp(_EVEN, by_then, at, left=0.0))


NO_RESERVE = Reserve(0.0, 0.0)


def reserve(
    assignments: Sequence[Assignment], limits: Sequence[Limit], now_s: int, reliability: Mapping[str, tuple[float, float]],
    deliveries: Sequence[Delivery] = (),
) -> Reserve:  # fmt: skip
    """The reserve along the chain of a job: for breakdowns, and for the deliveries that it waits for.

    `reliability`: by resource, mean seconds between failures and to repair. A machine that the job queues for delays it by
    every breakdown until its turn, one that it finds free by those of its own time there only. Breakdowns come as a Poisson
    process with exponential repairs: of exposure `e`, the mean is `e/mtbf * mttr` and the variance `e/mtbf * 2 mttr**2`.
    """
    mean = variance = 0.0
    for a, limit in zip(assignments, limits, strict=True):
        mtbf, mttr = reliability.get(a.resource, (0.0, 0.0))
        if mtbf > 0:
            queued = limit.cause in (Cause.RESOURCE, Cause.SETUP)
            exposed = a.end_s - (now_s if queued else a.start_s)
            mean += exposed / mtbf * mttr
            variance += exposed / mtbf * 2 * mttr * mttr
    return Reserve(mean, sqrt(variance), tuple(deliveries))


@dataclass
class Honesty:
    """What was learnt. Times are unix seconds; arrays hold one value for each order."""

    at: float = 0.0
    seen: Floats = field(default_factory=lambda: np.zeros((_CLASSES, _BINS)))
    level: Floats = field(default_factory=lambda: np.repeat([[LIKELY], [SURE]], _CLASSES, axis=1))
    began: Floats = field(default_factory=lambda: np.full(_CLASSES, np.inf))
    """When the first order of each class finished."""
    known: Floats = field(default_factory=lambda: np.full(_CLASSES, np.inf))
    """Since when each class is believed alone."""
    _read: Floats | None = None

    def learn(self, at: float, wait_s: Floats, late_s: Floats, after_likely: Floats, after_sure: Floats) -> None:
        """Orders finished, at about the time `at`.

        `wait_s`: from the promise to its inserted finish; `late_s`: from that to the actual one; `after_likely`, `after_sure`:
        from the told p50 and p90 finish to the actual one, above 0 where it was missed.
        """
        if at > self.at:
            self.seen *= 0.5 ** ((at - self.at) / HALF_LIFE_S)
            self.at = at
        kind = np.searchsorted(AHEAD_S, wait_s, side="right")
        self.began[kind] = np.minimum(self.began[kind], at)
        place = np.clip(np.searchsorted(_EDGES, late_s, side="right") - 1, 0, _BINS - 1)
        np.add.at(self.seen, (kind, place), 1.0)
        # What was promised while its class was new says nothing about the levels: they were not what it was promised by.
        own = kind[by_level := at - wait_s - late_s >= self.known[kind]]
        counts = np.bincount(own, minlength=_CLASSES)
        missed = np.array([np.bincount(own, weights=m[by_level] > 0, minlength=_CLASSES) for m in (after_likely, after_sure)])
        wanted = np.array([[LIKELY], [SURE]])
        # Towards the tail a step of the level is a longer way in time, so the p90 level walks more slowly.
        step = _RATES * (wanted * counts - missed) / np.maximum(self._a_day(), np.maximum(counts, 1.0))
        self.level = np.clip(self.level + step, _LEAST, _MOST)
        enough = (self.seen.sum(axis=1) >= LEARN_FROM) & (self.at - self.began >= _SPAN_S)
        self.known = np.where(enough, np.minimum(self.known, at), self.known)
        self._read = None

    def learn_all(self, outcomes: Sequence[Outcome]) -> None:
        """Finished orders in the order of their finish, those of one hour together."""
        ordered = sorted(outcomes, key=lambda each: each.finished)
        start = 0
        for end in range(1, len(ordered) + 1):
            if end == len(ordered) or (ordered[end].finished - ordered[start].finished).total_seconds() >= 3600:
                part = ordered[start:end]
                start = end
                pairs = [
                    ((o.planned - o.promised), (o.finished - o.planned), (o.finished - o.likely), (o.finished - o.sure))
                    for o in part
                ]
                columns = np.array([[each.total_seconds() for each in pair] for pair in pairs]).T
                self.learn(part[-1].finished.timestamp(), columns[0], columns[1], columns[2], columns[3])

    @property
    def weight(self) -> float:
        """How many finished orders it rests on, newer ones counting more."""
        return float(self.seen.sum())

    def _a_day(self) -> Floats:
        """Orders that usually finish in a day, by class: what is remembered, over the days in which it was seen."""
        life = HALF_LIFE_S / 86_400.0 / log(2)
        days = life * (1 - 0.5 ** (max(self.at - self.began.min(), 86_400.0) / HALF_LIFE_S))
        return np.asarray(self.seen.sum(axis=1) / days)

    def margins(self, wait_s: Floats, expected: Sequence[Reserve] = ()) -> tuple[Floats, Floats]:
        """Seconds from the inserted finish to the p50 and to the p90 finish, by how far ahead that is; p90 is no sooner.

        While a class is new, nothing less is promised than `expected`, one for each order or none at all.
        """
        kind = np.searchsorted(AHEAD_S, wait_s, side="right")
        new = np.isinf(self.known)[kind]
        likely, sure = np.zeros(len(wait_s)), np.zeros(len(wait_s))
        if self.weight >= LEARN_FROM:
            if self._read is None:
                self._read = self._quantiles()
            likely, sure = self._read[0, kind], self._read[1, kind]
        if new.any():
            added = np.array([each.quantiles() for each in expected] or np.zeros((len(wait_s), 2))).T
            guess = np.maximum(np.maximum(MARGIN_MIN_S, MARGIN_SHARE * wait_s), added[1])
            likely, sure = np.where(new, np.maximum(likely, added[0]), likely), np.where(new, np.maximum(sure, guess), sure)
        return likely, np.maximum(likely, sure)

    def dates(self, now: datetime, planned: datetime, expected: Reserve = NO_RESERVE) -> tuple[datetime, datetime]:
        """The p50 and p90 finish of one order that was put to end at `planned`; nothing finishes before now."""
        likely, sure = self.margins(np.array([(planned - now).total_seconds()]), [expected])
        half = max(now, planned + timedelta(seconds=round(float(likely[0]))))
        return half, max(half, planned + timedelta(seconds=round(float(sure[0]))))

    def _quantiles(self) -> Floats:
        """The p50 and p90 margin of each class; one that saw little is helped by all together."""
        total = self.seen.sum(axis=0)
        helped = self.seen + total * (LEARN_FROM / max(total.sum(), 1.0))
        found = np.empty((2, _CLASSES))
        for c in range(_CLASSES):
            upto = np.concatenate([[0.0], np.cumsum(helped[c])])
            for n in range(2):
                found[n, c] = np.interp((1 - self.level[n, c]) * upto[-1], upto, _EDGES)
        return found
