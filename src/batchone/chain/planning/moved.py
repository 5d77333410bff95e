"""When a customer is told that their date moved: pure, from the dates they know and those that the plan now gives.

Somebody is told when the expected finish passes the p90 that they know, or comes earlier than the p50 that they know by more
than a stated amount. What they know is what they were told last. A date that wavers around a bound does not tell twice: after
being told they know the new dates, whose p90 lies a margin behind the new finish, and that has to be passed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal


@dataclass(frozen=True)
class Told:
    """What a customer knows of an order: the p50 and p90 finish promised first, and those told since, if any."""

    order: str
    due: datetime
    placed: datetime
    likely: datetime
    sure: datetime
    moved_likely: datetime | None
    moved_sure: datetime | None

    @property
    def known_likely(self) -> datetime:
        """The p50 finish told last."""
        return self.moved_likely or self.likely

    @property
    def known_sure(self) -> datetime:
        """The p90 finish told last."""
        return self.moved_sure or self.sure


@dataclass(frozen=True)
class Thresholds:
    """`later_s`: how far beyond the known p90 the expected finish lies before that is told; `earlier_s`: how far before the
    known p50 the new p90 lies."""

    later_s: float = 0.0
    earlier_s: float = 4 * 3600.0


def news(told: Told, expected: datetime, sure: datetime, limits: Thresholds) -> Literal["later", "earlier", ""]:
    """`later`, `earlier`, or nothing. `expected`: the planned finish; `sure`: the p90 finish made of it.

    Good news must hold: it is told only where the new p90 is earlier than the p50 known, and not again before that has moved
    as far once more. Back on time after a delay is good news too, and keeps to the same rule.
    """
    if expected > told.known_sure + timedelta(seconds=limits.later_s) and expected > told.sure:
        return "later"
    if sure + timedelta(seconds=limits.earlier_s) < told.known_likely:
        return "earlier"
    return ""
