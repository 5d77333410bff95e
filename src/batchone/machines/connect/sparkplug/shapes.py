"""Data messages by the hundred: those of one shape are read as columns, and no metric becomes an object; pure.

An edge node sends the same few shapes over and over: as many metrics, with fields in the same order, of which only the
numbers differ. Two messages have one shape when all bytes are equal but those of fixed-width values and the lower seven bits of
varints (Protocol Buffers, «Encoding»): then every number stands at the same place in both. A shape is learnt from one message
by walking through it; whatever has none, or says anything but plain values of known signals, is left to `metrics`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from batchone.machines.columns import BAD, GOOD, Samples

Kind = Literal["number", "truth", "other"]
"""What a birth declared: a number, a boolean, or what is no signal."""
Bytes = NDArray[np.uint8]

_SHAPES_MAX, _OF_A_LENGTH_MAX = 64, 8
_YEAR_9999_MS = 253_370_764_800_000
_VARINT_MAX = 10
_EXACT, _CONTINUES, _FREE = 0xFF, 0x80, 0x00
_WIDTH = {1: 8, 5: 4}
_VALUE = 10
_FIXED = {(12, 5), (13, 1)}
_VARINT_WIDTH = {10: 4, 11: 8, 14: 1}
_NODE = 0
_NUMBER, _TRUTH, _OTHER = 2, 1, 0
_KINDS: dict[Kind, int] = {"number": _NUMBER, "truth": _TRUTH, "other": _OTHER}


@dataclass
class Table:
    """What all births of a session declared: a row for each metric, found by alias or by owner and name.

    `owner` numbers the device, `bits` is the width of a signed integer that travels unsigned, else 0.
    """

    paths: list[str] = field(default_factory=list)
    _owners: dict[str, int] = field(default_factory=lambda: {"": _NODE})
    _rows: list[tuple[int, int, int]] = field(default_factory=list)
    _aliases: dict[int, int] = field(default_factory=dict)
    _names: dict[tuple[int, bytes], int] = field(default_factory=dict)

    def declare(self, device: str, name: str, alias: int | None, path: str, kind: Kind, bits: int) -> None:
        """Add a metric."""
        place, owner = len(self.paths), self._owners.setdefault(device, len(self._owners))
        self.paths.append(path)
        self._rows.append((owner, _KINDS[kind], bits))
        self._names[owner, name.encode()] = place
        if alias is not None and 0 <= alias < 2**63:
            self._aliases[alias] = place

    def owner(self, device: str) -> int:
        """The number of a device; -1 for one that was not born."""
        return self._owners.get(device, -1)

    def close(self) -> Declared:
        """The rows as columns."""
        rows = np.array(self._rows or [(-1, _OTHER, 0)], np.int64)
        aliases = np.array(sorted(self._aliases), np.uint64)
        places = np.array([self._aliases[alias] for alias in sorted(self._aliases)], np.int64)
        return Declared(self._names, aliases, places, rows[:, 0], rows[:, 1], rows[:, 2].astype(np.uint64))


@dataclass(frozen=True)
class Declared:
    """The rows of a table as columns. `names` are places by owner and name; `aliases` are sorted, and `places` are theirs."""

    names: Mapping[tuple[int, bytes], int]
    aliases: NDArray[np.uint64]
    places: NDArray[np.int64]
    owner: NDArray[np.int64]
    kind: NDArray[np.int64]
    bits: NDArray[np.uint64]

    def of(self, aliases: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The place of each alias, -1 for one that was never given."""
        if not len(self.aliases):
            return np.full(aliases.shape, -1, np.int64)
        near = np.minimum(np.searchsorted(self.aliases, aliases), len(self.aliases) - 1)
        return np.where(self.aliases[near] == aliases, self.places[near], -1)


@dataclass(frozen=True)
class Rows:
    """What messages say. `seq` has a row for each message, -1 where it was not read; all others one for each sample, in the
    order of the messages: `of` is which one it comes from, `place` the row of the table."""

    seq: NDArray[np.int64]
    paths: Sequence[str]
    received_us: int
    of: NDArray[np.int64]
    place: NDArray[np.int64]
    source_us: NDArray[np.int64]
    values: NDArray[np.float64]
    qualities: NDArray[np.uint8]

    def put(self, samples: Samples, start: int, stop: int) -> None:
        """Add the samples of some of the messages."""
        first, last = np.searchsorted(self.of, (start, stop)).tolist()
        if first < last:
            own = slice(first, last)
            samples.extend(
                self.paths, self.place[own], self.source_us[own], self.received_us, self.values[own], self.qualities[own]
            )


@dataclass
class _Slot:
    """A metric in a shape: its name, or the column of its alias; the columns of its time and of a whole value, or the byte at
    which another begins, and in how many bytes it was said."""

    name: bytes = b""
    alias: int = -1
    time: int = -1
    value: int = -1
    width: int = 0
    at: int = -1


class _Strange(ValueError):
    """A message that is no plain list of values."""


class Shape:
    """One shape, learnt from a message; `_Strange` when that has none."""

    def __init__(self, data: bytes) -> None:
        self.length = len(data)
        self._data = data
        self._mask = np.full(self.length, _EXACT, np.uint8)
        self._varints: dict[int, tuple[list[int], list[int]]] = {}
        self._count = 0
        self._slots: list[_Slot] = []
        self._seq = self._time = -1
        for number, wire, at, stop in self._fields(0, self.length):
            if (number, wire) == (2, 2):
                self._slots.append(self._metric(at, stop))
            elif (number, wire) == (3, 0) and self._seq < 0:
                self._seq = self._varint(at, stop)
            elif (number, wire) == (1, 0) and self._time < 0:
                self._time = self._varint(at, stop)
            else:
                raise _Strange
        if self._seq < 0 or not self._slots:
            raise _Strange
        self._reference = np.frombuffer(data, np.uint8) & self._mask
        self._named = [at for at, slot in enumerate(self._slots) if slot.name]
        self._aliased = [at for at, slot in enumerate(self._slots) if not slot.name]

    def _fields(self, at: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """Number, wire type, first byte and end of the content of each field."""
        while at < stop:
            tag, at = self._number(at, stop)
            wire = tag & 7
            start = at
            if wire == 0:
                _, at = self._number(at, stop)
            elif wire in _WIDTH:
                at += _WIDTH[wire]
            elif wire == 2:
                length, start = self._number(at, stop)
                at = start + length
            else:
                raise _Strange
            if at > stop:
                raise _Strange
            yield tag >> 3, wire, start, at

    def _number(self, at: int, stop: int) -> tuple[int, int]:
        value = 0
        for place in range(min(_VARINT_MAX, stop - at)):
            byte = self._data[at + place]
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return value, at + place + 1
        raise _Strange

    def _varint(self, at: int, stop: int) -> int:
        """Let a varint differ; the column of its numbers."""
        self._mask[at:stop] = _CONTINUES
        places, columns = self._varints.setdefault(stop - at, ([], []))
        places.append(at)
        columns.append(self._count)
        self._count += 1
        return self._count - 1

    def _metric(self, at: int, stop: int) -> _Slot:
        slot, seen, null = _Slot(), set[int](), False
        for number, wire, start, end in self._fields(at, stop):
            kind = _VALUE if number >= _VALUE else number  # of the values only one may stand there
            if kind in seen:
                raise _Strange
            seen.add(kind)
            match number, wire:
                case (1, 2):
                    slot.name = self._data[start:end]
                case (2, 0):
                    slot.alias = self._varint(start, end)
                case (3, 0):
                    slot.time = self._varint(start, end)
                case (4 | 5 | 6, 0):
                    pass  # the declared type, and what says nothing of the value
                case (7, 0):
                    null = self._number(start, end)[0] != 0
                case _:
                    self._value(slot, number, wire, start, end)
        if slot.name:
            slot.alias = -1  # a name goes before an alias
        elif slot.alias < 0:
            raise _Strange
        return _Slot(slot.name, slot.alias, slot.time) if null else slot

    def _value(self, slot: _Slot, number: int, wire: int, start: int, end: int) -> None:
        if (number, wire) in _FIXED:
            self._mask[start:end] = _FREE
            slot.at, slot.width = start, end - start
        elif wire == 0 and number in _VARINT_WIDTH:
            slot.value, slot.width = self._varint(start, end), _VARINT_WIDTH[number]
        else:
            raise _Strange

    def fits(self, rows: Bytes) -> NDArray[np.bool_]:
        """Which messages, a row of bytes each, have this shape."""
        fit: NDArray[np.bool_] = ((rows & self._mask) == self._reference).all(axis=1)
        return fit

    def read(self, rows: Bytes, owners: NDArray[np.int64], declared: Declared, received_us: int) -> tuple[Any, ...]:
        """Of messages of this shape: which are plain, their sequence numbers, and by message and metric places, times, values
        and qualities. A message is plain when all its metrics are signals of its own device with values that can be."""
        numbers = self._numbers(rows)
        slots = self._slots
        place = np.empty((len(rows), len(slots)), np.int64)
        if self._aliased:
            place[:, self._aliased] = declared.of(numbers[:, [slots[at].alias for at in self._aliased]])
        for owner in np.unique(owners).tolist() if self._named else ():
            names = [declared.names.get((owner, slots[at].name), -1) for at in self._named]
            place[np.ix_(owners == owner, self._named)] = names
        plain = (place >= 0).all(axis=1) & (declared.owner[place] == owners[:, None]).all(axis=1)
        kind = declared.kind[place]
        values, sound = self._values(rows, numbers, kind, declared.bits[place])
        source_ms = self._times(numbers)
        plain &= sound & (source_ms < _YEAR_9999_MS).all(axis=1)
        source_us = np.where(source_ms > 0, source_ms.astype(np.int64) * 1000, received_us)
        empty = [slot.value < 0 and slot.at < 0 for slot in slots]
        if any(empty):  # a metric of the node itself that has no value is no sample
            plain &= owners != _NODE
        qualities = np.broadcast_to(np.where(empty, BAD, GOOD).astype(np.uint8), place.shape)
        seq = numbers[:, self._seq]
        return plain & (seq < 256), seq.astype(np.int64), place, source_us, values, qualities

    def _numbers(self, rows: Bytes) -> NDArray[np.uint64]:
        numbers = np.zeros((len(rows), self._count), np.uint64)
        for length, (places, own) in self._varints.items():
            at = np.array(places)
            value = (rows[:, at] & 0x7F).astype(np.uint64)
            for byte in range(1, length):
                value |= (rows[:, at + byte] & 0x7F).astype(np.uint64) << np.uint64(7 * byte)
            numbers[:, own] = value
        return numbers

    def _times(self, numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Milliseconds of each metric: its own, else the message's, else 0."""
        whole = numbers[:, [self._time]] if self._time >= 0 else np.zeros((len(numbers), 1), np.uint64)
        own = np.zeros((len(numbers), len(self._slots)), np.uint64)
        timed = [at for at, slot in enumerate(self._slots) if slot.time >= 0]
        if timed:
            own[:, timed] = numbers[:, [self._slots[at].time for at in timed]]
        return np.where(own > 0, own, whole)

    def _values(
        self, rows: Bytes, numbers: NDArray[np.uint64], kind: NDArray[np.int64], bits: NDArray[np.uint64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Values, and which messages have none that its type forbids."""
        values = np.full(kind.shape, np.nan)
        fits = kind != _OTHER
        for width, dtype in ((8, "<f8"), (4, "<f4")):
            own = [at for at, slot in enumerate(self._slots) if slot.at >= 0 and slot.width == width]
            if own:
                places = np.array([self._slots[at].at for at in own])[:, None] + np.arange(width)
                told = np.ascontiguousarray(rows[:, places]).view(dtype)[..., 0]
                values[:, own] = told
                fits[:, own] = (kind[:, own] == _NUMBER) & np.isfinite(told)
        for width in _VARINT_WIDTH.values():
            own = [at for at, slot in enumerate(self._slots) if slot.value >= 0 and slot.width == width]
            if own:
                told = numbers[:, [self._slots[at].value for at in own]]
                if width == 1:
                    values[:, own] = told != 0
                    continue
                values[:, own] = _signed(told & np.uint64(2 ** (8 * width) - 1), bits[:, own])
                fits[:, own] &= kind[:, own] == _NUMBER
        return values, fits.all(axis=1)


def _signed(told: NDArray[np.uint64], bits: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Numbers as they were before they travelled unsigned; those of no width are what they are."""
    shift = np.where(bits > 0, np.uint64(64) - bits, np.uint64(0))
    signed = (told << shift).view(np.int64) >> shift.view(np.int64)
    return np.where(bits > 0, signed.astype(np.float64), told.astype(np.float64))


class Shapes:
    """The shapes of a session; none is kept past a birth, since it changes what they mean."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._declared = table.close()
        self._of: dict[int, list[Shape]] = {}
        self._tries = 0

    def read(self, messages: Sequence[tuple[str, bytes]], received_us: int) -> Rows:
        """What those of the messages (device and payload) say that can be read by columns."""
        groups: dict[int, list[int]] = {}
        for at, (_, data) in enumerate(messages):
            groups.setdefault(len(data), []).append(at)
        groups.pop(0, None)
        seq = np.full(len(messages), -1, np.int64)
        pieces: list[tuple[Any, ...]] = []
        for length, members in groups.items():
            rows = np.frombuffer(b"".join([messages[member][1] for member in members]), np.uint8).reshape(-1, length)
            owners = np.array([self._table.owner(messages[member][0]) for member in members])
            for own, (plain, own_seq, *columns) in self._group(np.array(members), rows, owners, messages, received_us):
                seq[own[plain]] = own_seq[plain]
                of = np.broadcast_to(own[:, None], columns[0].shape)
                pieces.append(tuple(column[plain].reshape(-1) for column in (of, *columns)))
        if not pieces:
            none = np.zeros(0, np.int64)
            return Rows(seq, self._table.paths, received_us, none, none, none, np.zeros(0), np.zeros(0, np.uint8))
        told = [np.concatenate(column) for column in zip(*pieces, strict=True)]
        if len(pieces) > 1:
            order = np.argsort(told[0], kind="stable")
            told = [column[order] for column in told]
        return Rows(seq, self._table.paths, received_us, *told)

    def _group(
        self, at: NDArray[np.int64], rows: Bytes, owners: NDArray[np.int64], messages: Sequence[tuple[str, bytes]],
        received_us: int,
    ) -> Iterator[tuple[NDArray[np.int64], tuple[Any, ...]]]:  # fmt: skip
        known = self._of.setdefault(rows.shape[1], [])
        tried = 0
        while len(at):
            if tried == len(known) and not self._learn(messages[at[0]][1], known):
                return
            shape, tried = known[tried], tried + 1
            fit = shape.fits(rows)
            if fit.any():
                yield at[fit], shape.read(rows[fit], owners[fit], self._declared, received_us)
            at, rows, owners = at[~fit], rows[~fit], owners[~fit]

    def _learn(self, data: bytes, known: list[Shape]) -> bool:
        """Whether a further shape of this length was learnt from a message."""
        if self._tries >= _SHAPES_MAX or len(known) >= _OF_A_LENGTH_MAX:
            return False
        self._tries += 1
        try:
            known.append(Shape(data))
        except _Strange:
            return False
        return True
