"""What bytes without names may be: for probes of protocols whose machines do not say what they offer; pure.

Every type here is a guess from the bits, and is said to be one. A real number of everyday size has bits that small whole
numbers hardly ever have; more is not known until somebody looks into the machine's own list.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from batchone.machines.connect.driver import Garbled

Order = Literal["abcd", "cdab"]
Bytes = bytes | bytearray
_LEAST, _MOST = 1e-4, 1e7
SMALLEST = 8
"""A span of so few that is refused is not looked at more closely."""
GUESSED = "Nothing here has a name or a type: each type is a guess from the bits. Look into the machine's own list."


@dataclass(frozen=True)
class Guess:
    """What stands from byte `at` on: a `real` of 32 bits in an order of its bytes, or a `word`; and whether it changed between
    two looks."""

    at: int
    kind: Literal["real", "word"]
    order: Order
    value: float
    changed: bool

    @property
    def why(self) -> str:
        """What speaks for it."""
        told = "a guess: its 32 bits make a plain real number" if self.kind == "real" else "a guess: it is not nothing"
        return f"{told}; it changed while it was looked at" if self.changed else told


@dataclass
class Span:
    """What was read of a stretch of `count`: bytes, and which of the units (bytes or registers) were answered."""

    data: bytearray
    read: list[bool]
    refused: str = ""

    @property
    def answered(self) -> int:
        """How many units were answered."""
        return sum(self.read)


def guesses(first: Bytes, later: Bytes, read: Callable[[int], bool], *, swapped: bool) -> Iterator[Guess]:
    """What the words of two looks may be, in order; `read` tells whether the two bytes at a place were answered, `swapped`
    whether a real number may come with its words the other way round. Words that are and stay nothing are left out."""
    at = 0
    while at + 2 <= len(first):
        if not read(at):
            at += 2
            continue
        order = _order(first, at, read, swapped=swapped)
        length = 2 if order is None else 4
        changed = first[at : at + length] != later[at : at + length]
        if order is not None:
            yield Guess(at, "real", order, real(later, at, order), changed)
        else:
            (value,) = struct.unpack_from(">H", later, at)
            if value or changed:
                yield Guess(at, "word", "abcd", value, changed)
        at += length


def _order(data: Bytes, at: int, read: Callable[[int], bool], *, swapped: bool) -> Order | None:
    """In which order four bytes are a real number, if in one."""
    if at + 4 > len(data) or not read(at + 2):
        return None
    if _plain(real(data, at, "abcd")):
        return "abcd"
    # The one that begins with the next word goes before one whose words are swapped.
    if at + 6 <= len(data) and read(at + 4) and _plain(real(data, at + 2, "abcd")):
        return None
    return "cdab" if swapped and _plain(real(data, at, "cdab")) else None


def real(data: Bytes, at: int, order: Order) -> float:
    """The real number in four bytes."""
    four = data[at : at + 4] if order == "abcd" else data[at + 2 : at + 4] + data[at : at + 2]
    (value,) = struct.unpack(">f", four)
    return float(value)


def _plain(value: float) -> bool:
    return math.isfinite(value) and _LEAST <= abs(value) < _MOST


async def scan(read: Callable[[int, int], Awaitable[bytes]], start: int, count: int, longest: int, width: int) -> Span:
    """Read units from `start` on, each of `width` bytes, by `read(start, count)`. What is refused (`Garbled`) is tried again in
    halves, down to a few; nothing outside the stretch is asked for."""
    span = Span(bytearray(count * width), [False] * count)
    waiting = [(at, min(longest, count - at)) for at in range(0, count, longest)]
    while waiting:
        at, many = waiting.pop(0)
        try:
            told = await read(start + at, many)
        except Garbled as error:
            span.refused = error.what
            if many > SMALLEST:
                half = many // 2
                waiting[:0] = [(at, half), (at + half, many - half)]
            continue
        span.data[at * width : (at + many) * width] = told
        span.read[at : at + many] = [True] * many
    return span


def spans(read: list[bool], start: int) -> str:
    """Which units were answered, in words: `0 to 39, 60 to 99`."""
    found: list[str] = []
    first = None
    for at, answered in enumerate([*read, False]):
        if answered and first is None:
            first = at
        elif not answered and first is not None:
            found.append(f"{start + first} to {start + at - 1}" if at - 1 > first else str(start + first))
            first = None
    return ", ".join(found)
