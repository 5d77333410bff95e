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
    """Milliseconds of plant time (45 bits) and 35 random bits."""

    def __init__(self, clock: Clock, chance: random.Random | None = None) -> None:
        self._clock = clock
        self._chance = chance or random.Random(secrets.randbits(64))

    def new(self, kind: str) -> str:
        """A new id; two of one millisecond differ by chance."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        return f"{kind}-{_base32(milliseconds, 9)}{_base32(self._chance.getrandbits(35), 7)}"
