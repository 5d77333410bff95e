"""What operations share beside machines, as a pack says it: tools and people, time between them, the price of energy, the aim.

Durations are seconds (`_s`), prices exact `Money`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from batchone.kernel.money import Money

AuxiliaryKind = Literal["tool", "person"]
Measure = Literal["tardiness", "setup", "makespan", "work_in_progress", "energy", "changes"]
"""What a plan is judged by; less is better in each."""
MEASURES: tuple[Measure, ...] = get_args(Measure)


@dataclass(frozen=True, slots=True)
class Wait:
    """Clock seconds, day and night, from the end of the operation `after` to the start of the one that waits: at least
    `least_s` (curing), at most `most_s` (what must not dry up; none: any time)."""

    after: str
    least_s: float
    most_s: float | None = None


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """Tools that are alike, or people who are (personnel of ISA-95), which no connection reaches.

    `serves`: the classes of a tool, the skills of people. `count`: how many there are; each helps one operation at a time.
    """

    id: str
    name: Mapping[str, str]
    kind: AuxiliaryKind
    serves: tuple[str, ...]
    count: int
    calendar: str


@dataclass(frozen=True, slots=True)
class TariffHours:
    """What a megawatt-hour costs from one second of every day (UTC) to another."""

    from_s: float
    to_s: float
    per_mwh: Money


@dataclass(frozen=True, slots=True)
class Aim:
    """What a plan is to be best at: measures, the most important first, or, with a weight for each, their weighted sum."""

    measures: tuple[Measure, ...]
    weights: tuple[int, ...] = ()
