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
    WAIT = "wait"
    """The least wait after an operation before it (a cure); or one behind it that starts later and must not wait longer."""
    RESOURCE = "resource"
    """A track that is busy with another operation, or broken; on a line without passing, the job before it."""
    TOOL = "tool"
    """A tool or skill that it needs: lent elsewhere, broken or off shift."""
    CREW = "crew"
    """Whoever sets its track up: busy elsewhere, absent or off shift."""
    BATCH = "batch"
    """The last member of its batch."""
    SETUP = "setup"
    """The change of the track to its key."""
    CALENDAR = "calendar"
    """The next working time."""
    KEPT = "kept"
    """Nothing holds it, but it is fixed there, or a repair kept the start it had."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What held an operation, for how many seconds beyond the causes that were over sooner, and behind which operation.

    `until_s`: when that one let it go. `resource`: which tool, person or oven, where it is not the operation's own track.
    """

    operation: str
    cause: Cause
    waited_s: int
    behind: str | None = None
    until_s: int | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What beside the track, the setup, the item and the hours decided a start: `start_s` would have been the start without
    it. `resource`: which one; `behind`, `until_s`: who had it, until when (none: it was broken or off shift)."""

    cause: Cause
    start_s: int
    resource: str | None = None
    behind: str | None = None
    until_s: int | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """The times that a start is the greatest of, for one operation.

    `now_s`: the earliest anything can start. `material_s`: release and material. `before_s`, `before`: the latest
    predecessor, with the `least_s` seconds that must pass after it. `free_s`, `ahead`: when the track was free, and behind
    whom. `next_work_s`: the first working second from when all of these allow it. `start_s`: when it did start; `setup_s`:
    seconds of setup before it. `beside`: what else decided it, if anything did.
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
    least_s: int = 0
    beside: Beside | None = None

    def limit(self, operation: str) -> Limit:
        """The cause that held the start: what was last to allow it; a busy track before its setup."""
        found = self.beside
        if found is not None:
            waited = max(0, self.start_s - found.start_s)
            return Limit(operation, found.cause, waited, found.behind, found.until_s, found.resource)
        ready = max(self.now_s, self.material_s, self.before_s)
        if self.start_s > self.next_work_s and not self.setup_s:
            return Limit(operation, Cause.KEPT, self.start_s - self.next_work_s)
        if self.free_s > ready:
            return Limit(operation, Cause.RESOURCE, self.start_s - ready, self.ahead, self.free_s)
        if self.start_s > self.next_work_s and self.setup_s:
            return self._set_up(operation, ready)
        if self.next_work_s > ready:
            return Limit(operation, Cause.CALENDAR, self.start_s - ready)
        return self._ready(operation)

    def _set_up(self, operation: str, ready: int) -> Limit:
        """A setup that the item waits for: behind the operation ahead, or behind the predecessor if it waited for the item."""
        item = self.before is not None and self.before_s == ready and self.start_s - self.setup_s >= ready
        behind, until = (self.before, self.before_s - self.least_s) if item else (self.ahead, self.free_s)
        return Limit(operation, Cause.SETUP, self.start_s - ready, behind, until)

    def _ready(self, operation: str) -> Limit:
        """The cause of an operation that starts as soon as it is ready."""
        sooner = max(self.now_s, self.material_s)
        if self.before is not None and self.before_s >= sooner:
            ended = self.before_s - self.least_s
            if self.before_s > max(sooner, ended):
                return Limit(operation, Cause.WAIT, self.before_s - max(sooner, ended), self.before, ended)
            return Limit(operation, Cause.PRECEDENCE, self.before_s - sooner, self.before, ended)
        if self.material_s > self.now_s:
            return Limit(operation, Cause.MATERIAL, self.material_s - self.now_s)
        return Limit(operation, Cause.NOTHING, 0)
