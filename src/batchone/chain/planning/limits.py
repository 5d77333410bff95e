"""Why an operation does not start earlier: the one thing that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What an operation waits for."""

    NOTHING = "nothing"
    """It starts at once, or as fixed."""
    MATERIAL = "material"
    """Its release or its material."""
    PRECEDENCE = "precedence"
    """An operation before it in its job."""
    RESOURCE = "resource"
    """A track that is busy with another operation, or broken."""
    SETUP = "setup"
    """The change of the track to its key."""
    CALENDAR = "calendar"
    """The next working time."""
    KEPT = "kept"
    """Nothing holds it, but it is fixed there, or a repair kept the start it had."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What held an operation, for how many seconds beyond the causes that were over sooner, and behind which operation."""

    operation: str
    cause: Cause
    waited_s: int
    behind: str | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """The times that a start is the greatest of, for one operation.

    `now_s`: the earliest anything can start. `material_s`: release and material. `before_s`, `before`: the latest
    predecessor. `free_s`, `ahead`: when the track was free, and behind whom. `next_work_s`: the first working second from
    when all of these allow it. `start_s`: when it did start; `setup_s`: seconds of setup before it.
    """

    now_s: int
    material_s: int
    before_s: int
    before: str | None
    free_s: int
    ahead: str | None
    next_work_s: int
    start_s: int
    setup_s: int

    def limit(self, operation: str) -> Limit:
        """The cause that held the start: what was last to allow it; a busy track before its setup."""
        ready = max(self.now_s, self.material_s, self.before_s)
        if self.start_s > self.next_work_s and not self.setup_s:
            return Limit(operation, Cause.KEPT, self.start_s - self.next_work_s)
        if self.free_s > ready:
            return Limit(operation, Cause.RESOURCE, self.start_s - ready, self.ahead)
        if self.start_s > self.next_work_s and self.setup_s:
            return Limit(operation, Cause.SETUP, self.start_s - ready, self.ahead)
        if self.next_work_s > ready:
            return Limit(operation, Cause.CALENDAR, self.start_s - ready)
        return self._ready(operation)

    def _ready(self, operation: str) -> Limit:
        """The cause of an operation that starts as soon as it is ready."""
        sooner = max(self.now_s, self.material_s)
        if self.before is not None and self.before_s >= sooner:
            return Limit(operation, Cause.PRECEDENCE, self.before_s - sooner, self.before)
        if self.material_s > self.now_s:
            return Limit(operation, Cause.MATERIAL, self.material_s - self.now_s)
        return Limit(operation, Cause.NOTHING, 0)
