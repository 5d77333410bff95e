"""What one connection sets aside, counted in memory until it is stored."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from batchone.contracts.quarantine import OTHERS, Quarantined, QuarantineReason
from batchone.machines.connect.driver import Fault

LISTED_MAX = 1_000
"""Paths of a connection that are counted each for itself; a machine can tell a million."""
PATH_MAX, _WHAT_MAX = 500, 500
UNDECLARED = "Nothing declares this signal."


@dataclass(slots=True)
class _Counted:
    count: int
    first: datetime
    last: datetime
    value: float | None
    what: str


class Quarantine:
    """What a connection set aside since it was taken last, by path and reason: what concerns its `declared` signals, and at
    most so many other paths, the rest together. Strangers must not crowd out what a person waits for. `count` is all that
    it ever set aside."""

    def __init__(self, connection: str, declared: Collection[str] = frozenset()) -> None:
        self.connection = connection
        self.declared = declared
        self.count = 0
        self._strangers = 0
        self._entries: dict[tuple[str, QuarantineReason], _Counted] = {}

    def listed(self) -> tuple[Quarantined, ...]:
        """What has not been taken, the largest first."""
        found = [
            Quarantined(self.connection, path, reason, each.count, each.first, each.last, each.value, each.what)
            for (path, reason), each in self._entries.items()
        ]
        return tuple(sorted(found, key=lambda entry: (-entry.count, entry.path)))

    def take(self) -> tuple[Quarantined, ...]:
        """All of it, to be stored; it counts anew."""
        found = self.listed()
        self._entries.clear()
        self._strangers = 0
        return found

    def give_back(self, entries: Sequence[Quarantined]) -> None:
        """Count again what could not be stored."""
        for each in entries:
            self._add(each.path, each.reason, each.count, each.first, each.last, each.value, each.what)

    def undeclared(self, path: str, count: int, value: float, now: datetime) -> None:
        """Count samples of a signal that nothing declares."""
        self.count += count
        self._add(path, "undeclared", count, now, now, value, UNDECLARED)

    def undeclared_all(self, paths: Sequence[str], counts: Sequence[int], values: Sequence[float], now: datetime) -> None:
        """Count the strays of a batch; there may be a million, of which most have no place of their own."""
        rest, last = 0, 0.0
        for path, count, value in zip(paths, counts, values, strict=True):
            if self._strangers < LISTED_MAX or (path, "undeclared") in self._entries:
                self.undeclared(path, count, value, now)
            else:
                rest, last = rest + count, value
        if rest:
            self.undeclared(OTHERS, rest, last, now)

    def unreadable(self, fault: Fault, now: datetime) -> None:
        """Count something that could not be read."""
        self.count += fault.count
        self._add(fault.path, "unreadable", fault.count, now, now, None, fault.what)

    def _add(
        self, path: str, reason: QuarantineReason, count: int, first: datetime, last: datetime, value: float | None, what: str
    ) -> None:  # fmt: skip
        known = self._entries.get((path, reason))
        if known is None:
            # A path that does not fit whole would be the address of nothing.
            stranger = path not in self.declared
            full = (stranger and self._strangers >= LISTED_MAX) or len(path) > PATH_MAX
            self._strangers += stranger and not full
            key = (OTHERS if full else _storable(path), reason)
            known = self._entries.get(key)
            if known is None:
                self._entries[key] = _Counted(count, first, last, value, _storable(what)[:_WHAT_MAX])
                return
        known.count += count
        known.first = min(known.first, first)
        if last >= known.last:
            known.last, known.value, known.what = last, value, _storable(what)[:_WHAT_MAX]


def _storable(text: str) -> str:
    """A text as PostgreSQL takes it: a machine may tell anything, and one name shall not keep all others from being stored."""
    return text if text.isprintable() else text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
