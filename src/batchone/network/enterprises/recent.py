"""What was looked up a moment ago, so that a page's ten requests ask the database once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic, TypeVar

from batchone.kernel.clock import Clock

T = TypeVar("T")


class Recent(Generic[T]):
    """Found values by the digest of their secret, for a few seconds, the newest `most` of them; failures are not kept."""

    def __init__(self, clock: Clock, kept_s: float, most: int = 10_000) -> None:
        self._clock = clock
        self._kept = timedelta(seconds=kept_s)
        self._most = most
        self._found: dict[bytes, tuple[datetime, T]] = {}

    def get(self, digest: bytes) -> T | None:
        """The value if it was found just now."""
        at, value = self._found.get(digest, (None, None))
        # A clock that was set back makes an entry look young for long: anything not of the last seconds is old.
        if at is not None and timedelta(0) <= self._clock.now() - at < self._kept:
            return value
        self._found.pop(digest, None)
        return None

    def put(self, digest: bytes, value: T) -> None:
        """Remember a value as found now."""
        self._found.pop(digest, None)
        while len(self._found) >= self._most:
            del self._found[next(iter(self._found))]
        self._found[digest] = (self._clock.now(), value)

    def forget(self, digest: bytes) -> None:
        """Look it up again next time."""
        self._found.pop(digest, None)

    def forget_all(self) -> None:
        """Look everything up again."""
        self._found.clear()
