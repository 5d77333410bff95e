"""Which registers of a foreign Modbus machine are which signal, and how many reads it takes to have them all; pure.

An address is `[<unit>/]<table>:<register>[:<type>[:<order>]]`: `holding:100`, `3/input:0:float32`, `coil:17`,
`holding:40:uint32:cdab`. Tables are `holding`, `input`, `coil` and `discrete`; registers count from 0, as on the wire. Types
are `int16`, `uint16` (the default), `int32`, `uint32`, `int64`, `uint64`, `float32`, `float64`, and `bit0` to `bit15` of
a register. The order names the bytes of a word pair as they come: `abcd` (big-endian, the default), `cdab`, `badc`, `dcba`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from batchone.contracts.sources import Point
from batchone.kernel.errors import Refused

Table = Literal["holding", "input", "coil", "discrete"]
LONGEST: Mapping[str, int] = {"holding": 125, "input": 125, "coil": 2000, "discrete": 2000}
"""The most registers, or bits, of one read (Modbus application protocol 1.1b3, 6.1 to 6.4)."""
_GAP: Mapping[str, int] = {"holding": 16, "input": 16, "coil": 256, "discrete": 256}
"""Reading over so many that nobody asked for is cheaper than another request."""
_WORDS: Mapping[str, int] = {
    "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "int64": 4, "uint64": 4, "float64": 4,
}  # fmt: skip
_DTYPE: Mapping[str, str] = {
    "int16": ">i2", "uint16": ">u2", "int32": ">i4", "uint32": ">u4", "float32": ">f4", "int64": ">i8", "uint64": ">u8",
    "float64": ">f8",
}  # fmt: skip
_ADDRESS = re.compile(
    r"(?:(?P<unit>\d{1,3})/)?(?P<table>holding|input|coil|discrete):(?P<at>\d{1,5})"
    r"(?::(?P<type>u?int(?:16|32|64)|float(?:32|64)|bit(?:1[0-5]|[0-9])))?(?::(?P<order>abcd|cdab|badc|dcba))?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a signal stands at a machine."""

    unit: int
    table: Table
    at: int
    type: str = "uint16"
    order: str = "abcd"

    @property
    def length(self) -> int:
        """How many registers, or bits, it takes."""
        return _WORDS.get(self.type, 1)


def place_of(address: str, unit: int) -> Place:
    """The place that an address names; `unit` where it names none. `Refused` when it is no address."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        cure = "Write it as holding:100, 3/input:0:float32 or coil:17."
        raise Refused("modbus.address", f"'{address}' is no Modbus address.", cure, address=address)
    bits = found["table"] in ("coil", "discrete")
    if bits and (found["type"] or found["order"]):
        raise Refused("modbus.address", f"'{address}': a {found['table']} has no type.", "Take the type out.", address=address)
    table, kind = cast(Table, found["table"]), found["type"] or ("bit" if bits else "uint16")
    place = Place(int(found["unit"] or unit), table, int(found["at"]), kind, found["order"] or "abcd")
    if place.unit > 255 or place.at + place.length > 65_536:
        raise Refused("modbus.address", f"'{address}' lies beyond what Modbus can name.", "Look at the machine's list.")
    return place


@dataclass(frozen=True)
class Block:
    """One read: so many registers or bits of a table from one on, and the signals in them.

    `paths` are the signals in the order of `values`.
    """

    unit: int
    table: Table
    start: int
    count: int
    places: tuple[Place, ...]
    paths: tuple[str, ...]

    @cached_property
    def _groups(self) -> tuple[tuple[str, NDArray[np.int64], NDArray[np.int64]], ...]:
        """For each type and order: the places among the signals, and the registers of each, most significant first."""
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, place in enumerate(self.places):
            found[place.type, place.order].append(number)
        groups = []
        for (kind, order), numbers in found.items():
            first = np.array([self.places[number].at - self.start for number in numbers], np.int64)
            words = np.arange(_WORDS.get(kind, 1), dtype=np.int64)
            if order in ("cdab", "dcba"):
                words = words[::-1]
            groups.append((kind if order in ("abcd", "cdab") else f"{kind}~", np.array(numbers), first[:, None] + words))
        return tuple(groups)

    def values(self, read: Sequence[int] | Sequence[bool]) -> NDArray[np.float64]:
        """The signals' numbers out of what was read, all at once."""
        raw = np.asarray(read, np.uint16)
        values = np.empty(len(self.places))
        for kind, numbers, registers in self._groups:
            swapped, name = kind.endswith("~"), kind.rstrip("~")
            words = raw[registers]
            if swapped:
                words = words.byteswap()
            if name.startswith("bit"):
                values[numbers] = (words[:, 0] >> int(name[3:] or 0)) & 1
            else:
                values[numbers] = words.astype(">u2").view(_DTYPE[name])[:, 0]
        return values


def blocks_of(points: Iterable[Point], unit: int) -> tuple[Block, ...]:
    """The fewest reads that have all signals, as far as no read is longer than a machine answers. `Refused` for an address that
    is none."""
    tables: dict[tuple[int, Table], list[tuple[Place, str]]] = defaultdict(list)
    for point in points:
        place = place_of(point.address, unit)
        tables[place.unit, place.table].append((place, point.path))
    blocks: list[Block] = []
    for (number, table), members in sorted(tables.items()):
        members.sort(key=lambda member: (member[0].at, member[1]))
        run: list[tuple[Place, str]] = []
        start = end = 0
        for place, path in members:
            grown = max(end, place.at + place.length)
            if run and (place.at - end > _GAP[table] or grown - start > LONGEST[table]):
                blocks.append(_block(number, table, start, end, run))
                run = []
            if not run:
                start, grown = place.at, place.at + place.length
            run.append((place, path))
            end = grown
        blocks.append(_block(number, table, start, end, run))
    return tuple(blocks)


def _block(unit: int, table: Table, start: int, end: int, run: Sequence[tuple[Place, str]]) -> Block:
    places, paths = zip(*run, strict=True)
    return Block(unit, table, start, end - start, tuple(places), tuple(paths))
