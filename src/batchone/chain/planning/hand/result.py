"""What comes of a planner's move: the plan with it and what it costs, or why it cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from batchone.chain.planning.diff import JobChange
from batchone.chain.planning.model import Assignment, JobOutcome, Objective, Plan


class Why(StrEnum):
    """The rule that is in the way of a move."""

    PLACE = "place"
    """The operation cannot be done on that resource or track."""
    FIXED = "fixed"
    """It, or what stands in the way, is fixed or at a machine already."""
    PINNED = "pinned"
    """What stands in the way was put there by a planner."""
    FROZEN = "frozen"
    """The place is, or was, too near in time to be changed."""
    PAST = "past"
    """It would start before now."""
    MATERIAL = "material"
    """Its release or its material comes later."""
    DOWN = "down"
    """The resource is broken or absent until later."""
    CALENDAR = "calendar"
    """The resource does not work at that time, or never long enough."""
    BUSY = "busy"
    """Another operation has the track."""
    SETUP = "setup"
    """The setup before it, or before the one behind it, does not fit."""
    PREDECESSOR = "predecessor"
    """An operation before it in its job ends later."""
    SUCCESSOR = "successor"
    """An operation after it in its job begins sooner."""
    WAIT = "wait"
    """The time after its predecessor would be too short or too long."""
    NEED = "need"
    """A tool, a skill or the setup crew is taken."""
    BATCH = "batch"
    """It, or what stands in the way, is done together with others."""
    PASSING = "passing"
    """On its line nobody passes."""


@dataclass(frozen=True, slots=True)
class Place:
    """A legal start, nothing else moved."""

    resource: str
    track: int
    start_s: int


@dataclass(frozen=True, slots=True)
class Illegal:
    """A move that cannot be: the rule, the operation in the way (if one is), the second from which the rule would allow it (if
    that is known), and the nearest legal starts on the resource wished for, at or before and at or after the one wished for."""

    operation: str
    why: Why
    behind: str | None = None
    since_s: int | None = None
    sooner: Place | None = None
    later: Place | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a move does: the jobs whose end changes, and what the plan is worth before and after."""

    jobs: tuple[JobChange, ...]
    before: Objective
    after: Objective

    @property
    def later(self) -> tuple[JobChange, ...]:
        """Jobs that end later."""
        return tuple(each for each in self.jobs if each.after_s > each.before_s)

    @property
    def earlier(self) -> tuple[JobChange, ...]:
        """Jobs that end sooner."""
        return tuple(each for each in self.jobs if each.after_s < each.before_s)


@dataclass(frozen=True)
class Moved:
    """A legal move. `was` and `now` are the same operations, before and after: the moved one first, then those that it pushed
    or whose setup it changed."""

    operation: str
    was: tuple[Assignment, ...]
    now: tuple[Assignment, ...]
    effect: Effect
    _make: Callable[[Moved], Plan] = field(repr=False, compare=False)

    @property
    def pushed(self) -> tuple[str, ...]:
        """Other operations that start at another time."""
        pairs = zip(self.was[1:], self.now[1:], strict=True)
        return tuple(new.operation for old, new in pairs if old.start_s != new.start_s)

    @cached_property
    def plan(self) -> Plan:
        """The plan with the move; made when first asked for."""
        return self._make(self)


def outcome(old: JobOutcome, end_s: int) -> JobOutcome:
    """A job's outcome with another end."""
    late = None if old.lateness_s is None else old.lateness_s + end_s - old.end_s
    return JobOutcome(old.job, end_s, late, old.weight)
