"""The nearest legal starts around a wished one: the gaps of the tracks looked through, forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable

from batchone.chain.planning.hand.floor import Floor, Trial, gap
from batchone.chain.planning.hand.result import Place
from batchone.chain.planning.model import NEVER

_GAPS = 2000
"""Gaps looked at on a track in one direction; most are too short and cost next to nothing."""
_TRIES = 24
"""Gaps that look long enough and are checked against every rule."""


class Nearest:
    """One search for one operation on one resource. `legal` checks a start on a track against every rule."""

    def __init__(
        self, floor: Floor, operation: str, resource: str, tracks: list[int], frozen_s: int, legal: Callable[[int, int], bool]
    ) -> None:
        self.floor, self.resource, self.tracks, self.legal = floor, resource, tracks, legal
        self.trial = Trial(floor, operation)
        self.op = floor.operations[operation]
        self.calendar, self.setup = floor.calendars[resource], floor.setups[resource]
        self.duration = floor.durations(self.op)[resource]
        ready = self.trial.ready(self.op)[0]
        # From when it may start, and by when it must have ended so that nothing after it in its job moves.
        self.since = max(0, frozen_s, floor.available[resource], floor.material_s(self.op), ready)
        self.until = min([NEVER, *map(self._needed_by, floor.successors.get(operation, ()))])

    def _needed_by(self, name: str) -> int:
        if name not in self.floor.at:
            return NEVER
        op, a = self.floor.operations[name], self.floor.at[name]
        setup = self.floor.setups[a.resource]
        begins = a.start_s if setup is None or setup.detached else a.setup_start_s
        return begins - self.floor.wait(op, self.op.id).least_s

    def around(self, start_s: int) -> tuple[Place | None, Place | None]:
        """The latest legal start at or before a second, and the earliest at or after it."""
        sooner: Place | None = None
        later: Place | None = None
        for k in self.tracks:
            before = self._sooner(k, start_s, sooner.start_s if sooner else -1)
            after = self._later(k, start_s, later.start_s if later else NEVER)
            sooner = Place(self.resource, k, before) if before is not None else sooner
            later = Place(self.resource, k, after) if after is not None else later
        return sooner, later

    def _later(self, k: int, start_s: int, best: int) -> int | None:
        """The earliest legal start on a track from a second on, if it is before `best`."""
        since = max(start_s, self.since)
        ids = self._ids(k)
        i, tries = self._index(k, since), 0
        for j in range(i, min(len(ids), i + _GAPS) + 1):
            ahead, follower = ids[j - 1] if j else None, ids[j] if j < len(ids) else None
            free, taken = gap(self.trial, (self.resource, k), ahead, follower)
            if max(free, since) >= best or max(free, since) + self.duration > self.until:
                return None
            if taken - max(free, since) < self.duration or self._fixed(follower):
                continue
            start = self._earliest(k, ahead, free, since)
            if start >= best or start >= NEVER:
                continue
            tries += 1
            if self.legal(k, start):
                return start
            if tries == _TRIES:
                return None
        return None

    def _earliest(self, k: int, ahead: str | None, free: int, since: int) -> int:
        need = self._need(k, ahead)
        if not need:
            return self.calendar.next_start(max(free, since))
        if self.setup is not None and not self.setup.detached:
            ready = self.trial.ready(self.op)[0]
            return self.calendar.next_start(max(since, self.calendar.work_end(max(free, ready), need)))
        return self.calendar.next_start(max(since, self.calendar.work_end(free, need)))

    def _sooner(self, k: int, start_s: int, best: int) -> int | None:
        """The latest legal start on a track up to a second, if it is after `best`."""
        ids = self._ids(k)
        i, tries = self._index(k, start_s), 0
        for j in range(i, max(-1, i - _GAPS), -1):
            ahead, follower = ids[j - 1] if j else None, ids[j] if j < len(ids) else None
            free, taken = gap(self.trial, (self.resource, k), ahead, follower)
            taken = min(taken, self.until)
            if min(taken, start_s) <= best or min(taken, start_s) < self.since or self._fixed(follower):
                return None
            if taken - free < self.duration:
                continue
            start = self._latest(follower, start_s, taken)
            if start <= best or start < self.since or start < free:
                continue
            tries += 1
            if self.legal(k, start):
                return start
            if tries == _TRIES:
                return None
        return None

    def _latest(self, follower: str | None, start_s: int, taken: int) -> int:
        """The last start at or before a second from which it ends in time for what is behind, whose setup may be another."""
        end = taken
        if follower is not None and self.setup is not None:
            behind, at = self.floor.operations[follower].setup_key, self.floor.at[follower]
            if behind is not None and self.op.setup_key is not None:
                need = self.setup.seconds(self.op.setup_key, behind)
                end = min(end, self.calendar.latest_start(at.start_s, need) if need else at.start_s)
            else:
                end = min(end, at.setup_start_s)
        if end >= NEVER:
            latest = start_s
        elif self.op.attended:
            latest = self.calendar.latest_start(end, self.duration)
        else:
            latest = end - self.duration
        latest = min(latest, start_s)
        return latest if latest < 0 else self.calendar.latest_start(latest + 1, 1)

    def _need(self, k: int, ahead: str | None) -> int:
        if self.setup is None:
            return 0
        return self.setup.seconds(self.trial.key_before(ahead, (self.resource, k)), self.op.setup_key)

    def _fixed(self, name: str | None) -> bool:
        return name is not None and self.floor.operations[name].fixed is not None

    def _ids(self, k: int) -> list[str]:
        """The operations of a track without the one to move."""
        track = self.floor.tracks.get((self.resource, k))
        if track is None:
            return []
        mine = self.floor.at[self.op.id]
        if (mine.resource, mine.track) != (self.resource, k):
            return track.ids
        return [name for name in track.ids if name != self.op.id]

    def _index(self, k: int, start_s: int) -> int:
        track = self.floor.tracks.get((self.resource, k))
        if track is None:
            return 0
        i = track.place_of(start_s)
        mine = self.floor.at[self.op.id]
        return i - 1 if (mine.resource, mine.track) == (self.resource, k) and mine.start_s < start_s else i
