"""What production decides, without touching anything: judging results, and what follows from a failed check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Literal

from batchone.contracts.pack import Check
from batchone.contracts.sharing import Wait

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


@dataclass(frozen=True)
class TooLate:
    """An operation did not follow another, which ended then, within its longest wait."""

    op: str
    after: str
    ended: datetime

    @property
    def check(self) -> str:
        """What a hold for it is called: another one when the other operation is done again."""
        return f"wait-{self.op}-{self.after}-{round(self.ended.timestamp())}"


def waited(
    op: str, waits: Sequence[Wait], ended: Mapping[str, datetime], now: datetime, setup_s: float
) -> Literal["ready", "early"] | TooLate:
    """Whether an operation may be released: its least waits are over (a setup, too, begins when the item is ready), and behind
    its setup it still starts within its longest ones."""
    for wait in waits:
        since = ended.get(wait.after)
        if since is not None and wait.most_s is not None and now + timedelta(seconds=setup_s - wait.most_s) > since:
            return TooLate(op, wait.after, since)
    early = any(wait.after in ended and now - timedelta(seconds=wait.least_s) < ended[wait.after] for wait in waits)
    return "early" if early else "ready"


def beside(
    planned: Sequence[tuple[str, int]], needs: int, crews: Sequence[tuple[str, int]], held: Set[tuple[str, int]]
) -> tuple[tuple[str, int], ...] | None:
    """What a job takes beside its machine: what the plan gives its `needs` and, of `crews` (none: it needs no setup), the one
    that is planned or else the first that is free. None if something of it is with another job, or not planned yet."""
    tools, crew = tuple(planned[:needs]), tuple(planned[needs:])
    if len(tools) < needs or not held.isdisjoint(tools):
        return None
    if not crews:
        return tools
    free = next((place for place in (*crew, *crews) if place in crews and place not in held and place not in tools), None)
    return None if free is None else (*tools, free)
