"""What production decides, without touching anything: judging results, and what follows from a failed check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from batchone.contracts.pack import Check

REWORKS_MAX = 3
"""After so many failures of the same check on one item a person decides."""


@dataclass(frozen=True)
class Judged:
    """A measured value against its check: no value where it is missing, `passed` is none where nothing is required."""

    check: Check
    value: float | None
    passed: bool | None


def judge(checks: Sequence[Check], results: Mapping[str, float]) -> tuple[Judged, ...]:
    """Each check of the operation against what the machine measured.

    A required measurement that the machine did not report, or reported as not-a-number, counts as not passed.
    """
    judged = []
    for check in checks:
        required = check.minimum is not None or check.maximum is not None
        value = results.get(check.measure)
        if value is not None and not isfinite(value):
            value = None
        if value is not None or required:
            judged.append(Judged(check, value, value is not None and check.passed(value) if required else None))
    return tuple(judged)


@dataclass(frozen=True)
class Reaction:
    """What a failed check means: the item is held; `rework` releases it at once to redo operations."""

    kind: Literal["rework", "hold"]
    check: Check
    redo: tuple[str, ...]


def react(failed: Sequence[Judged], times_failed: Mapping[str, int], routing: Sequence[str]) -> Reaction | None:
    """One reaction to all failed checks of a job: a hold outweighs rework, and rework redoes all that any check asks for,
    in the order of the routing. `times_failed` counts this item's failures of each check, this one included.
    """
    if not failed:
        return None
    for one in failed:
        if one.check.reaction == "hold" or times_failed.get(one.check.id, 1) > REWORKS_MAX:
            return Reaction("hold", one.check, one.check.redo)
    wanted = {op for one in failed for op in one.check.redo}
    return Reaction("rework", failed[0].check, tuple(op for op in routing if op in wanted))
