"""Ids as a dependency: short, sortable by time of birth, never reused."""

from __future__ import annotations

import random
import secrets
from typing import Protocol

from batchone.kernel.clock import Clock

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: nothing to confuse when read aloud.


class Ids(Protocol):
    """A source of new ids."""

    def new(self, kind: str) -> str:
        """A new id `<kind>-<16 characters>`; later ids of a process sort after earlier ones."""
        ...


def _base32(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


class TimeIds:
    """Milliseconds of plant time (45 bits) and 35 bits that are random at first and grow within a millisecond.

    So the ids of one source are all different and sort by birth, also while the clock stands or is set back.
    """

    def __init__(self, clock: Clock, chance: random.Random | None = None) -> None:
        self._clock = clock
        self._chance = chance or random.Random(secrets.randbits(64))
        self._milliseconds, self._tail = -1, 0

    def new(self, kind: str) -> str:
        """A new id."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        self._tail += 1 + self._chance.getrandbits(10)
        if milliseconds > self._milliseconds or self._tail >= 2**35:
            self._milliseconds = max(milliseconds, self._milliseconds + 1)
            self._tail = self._chance.getrandbits(34)
        return f"{kind}-{_base32(self._milliseconds, 9)}{_base32(self._tail, 7)}"
