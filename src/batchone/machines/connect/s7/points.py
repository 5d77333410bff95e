"""Which bytes of an S7 controller are which signal, and how many reads it takes to have them all; pure.

An address is written as its engineers do: `DB1.DBX0.3` and `M10.3` for a bit, `DB1.DBB4`, `DB1.DBW4`, `DB1.DBD4`, `MB10`,
`MW10`, `MD10`, and `I` or `E` for inputs, `Q` or `A` for outputs. A type of IEC 61131-3 may follow: `DB1.DBD4:real`. Without
one a byte, word or double word is a whole number without a sign. `lreal`, `lint` and `ulint` begin at a double word.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from batchone.contracts.sources import Point
from batchone.kernel.errors import Refused

Area = Literal["DB", "I", "M", "Q"]
LONGEST = 200
"""Bytes of one read: what fits into the smallest frame that controllers agree on, of 240."""
_GAP = 32
"""Reading over so many bytes that nobody asked for is cheaper than another request."""
_TYPES: Mapping[str, tuple[str, str]] = {
    "usint": ("B", ">u1"), "byte": ("B", ">u1"), "sint": ("B", ">i1"), "uint": ("W", ">u2"), "word": ("W", ">u2"),
    "int": ("W", ">i2"), "udint": ("D", ">u4"), "dword": ("D", ">u4"), "dint": ("D", ">i4"), "real": ("D", ">f4"),
    "lreal": ("D", ">f8"), "lint": ("D", ">i8"), "ulint": ("D", ">u8"),
}  # fmt: skip
"""Type to the letter of its address, and how its bytes are numbers."""
_PLAIN: Mapping[str, str] = {"B": "usint", "W": "uint", "D": "udint"}
_AREAS: Mapping[str, Area] = {"I": "I", "E": "I", "Q": "Q", "A": "Q", "M": "M"}
_ADDRESS = re.compile(
    r"(?:DB(?P<db>[0-9]{1,5})\.DB(?P<width>[XBWD])|(?P<area>[IEQAM])(?P<own>[XBWD]?))"
    r"(?P<at>[0-9]{1,5})(?:\.(?P<bit>[0-7]))?(?::(?P<type>[A-Za-z]{3,5}))?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a signal stands: an area, the number of its data block (0 for others), a byte, and a type or `bit0` to `bit7`."""

    area: Area
    db: int
    at: int
    type: str

    @property
    def length(self) -> int:
        """How many bytes it takes."""
        return np.dtype(_TYPES[self.type][1]).itemsize if self.type in _TYPES else 1


def place_of(address: str) -> Place:
    """The place that an address names; `Refused` when it is none."""
    found = _ADDRESS.fullmatch(address.strip())
    if found is None:
        raise _refused(address, "is no S7 address")
    width = found["width"] or found["own"] or "X"
    area: Area = "DB" if found["db"] else _AREAS[found["area"]]
    if width == "X":
        if found["bit"] is None or found["type"]:
            raise _refused(address, "is a bit, which has a number and no type")
        kind = f"bit{found['bit']}"
    else:
        kind = (found["type"] or _PLAIN[width]).lower()
        if found["bit"] or kind not in _TYPES or _TYPES[kind][0] != width:
            raise _refused(address, f"is no {kind}")
    place = Place(area, int(found["db"] or 0), int(found["at"]), kind)
    if place.at + place.length > 65_536 or place.db > 65_535 or (area == "DB" and not place.db):
        raise _refused(address, "lies beyond what a controller has")
    return place


def _refused(address: str, what: str) -> Refused:
    cure = "Write it as DB1.DBD4:real, DB1.DBX0.3, MW10 or I0.1."
    return Refused("s7.address", f"'{address}' {what}.", cure, address=address)


@dataclass(frozen=True)
class Block:
    """One read: so many bytes of an area from one on, and the signals in them. `paths` are in the order of `values`."""

    area: Area
    db: int
    start: int
    count: int
    places: tuple[Place, ...]
    paths: tuple[str, ...]

    @property
    def name(self) -> str:
        """What a person calls it."""
        where = f"DB{self.db}" if self.area == "DB" else self.area
        return f"{where} bytes {self.start} to {self.start + self.count - 1}"

    @cached_property
    def _groups(self) -> tuple[tuple[str, NDArray[np.int64], NDArray[np.int64]], ...]:
        """For each type: the places among the signals, and the bytes of each."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, place in enumerate(self.places):
            found[place.type].append(number)
        groups = []
        for kind, numbers in found.items():
            first = np.array([self.places[number].at - self.start for number in numbers], np.int64)
            groups.append((kind, np.array(numbers), first[:, None] + np.arange(self.places[numbers[0]].length)))
        return tuple(groups)

    def values(self, read: bytes | bytearray) -> NDArray[np.float64]:
        """The signals' numbers out of the bytes that were read, all at once."""
        raw, values = np.frombuffer(read, np.uint8), np.empty(len(self.places))
        for kind, numbers, at in self._groups:
            found = raw[at]
            if kind in _TYPES:
                values[numbers] = found.view(_TYPES[kind][1])[:, 0]
            else:
                values[numbers] = (found[:, 0] >> int(kind[3:])) & 1
        return values


def blocks_of(points: Iterable[Point]) -> tuple[Block, ...]:
    """The fewest reads that have all signals, none longer than a controller answers. `Refused` for an address that is none."""
    areas: dict[tuple[Area, int], list[tuple[Place, str]]] = defaultdict(list)
    for point in points:
        place = place_of(point.address)
        areas[place.area, place.db].append((place, point.path))
    blocks: list[Block] = []
    for (area, db), members in sorted(areas.items()):
        run: list[tuple[Place, str]] = []
        start = end = 0
        for place, path in sorted(members, key=lambda member: (member[0].at, member[1])):
            after = place.at + place.length
            if run and (place.at - end > _GAP or max(end, after) - start > LONGEST):
                blocks.append(_block(area, db, start, end, run))
                run = []
            if not run:
                start = end = place.at
            run.append((place, path))
            end = max(end, after)
        blocks.append(_block(area, db, start, end, run))
    return tuple(blocks)


def _block(area: Area, db: int, start: int, end: int, run: Sequence[tuple[Place, str]]) -> Block:
    places, paths = zip(*run, strict=True)
    return Block(area, db, start, end - start, tuple(places), tuple(paths))
