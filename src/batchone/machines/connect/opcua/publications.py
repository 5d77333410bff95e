"""What a server publishes, off the wire into columns: no value that is a plain number becomes an object; pure.

A data change is a handle, a byte that says which fields follow, a byte that says the type of the value, and the fields (OPC
10000-6, 5.2.2.17). Where the value is a number its length follows from these two bytes, so that a publication is walked through
from one to the next, and all values of one form are then read at once. Texts, lists and what has an odd form are left to the
library.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from asyncua import ua
from asyncua.common.utils import Buffer, NotEnoughData
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary
from asyncua.ua.uaerrors import UaError
from numpy.typing import NDArray

_HEAD = 6
"""Bytes of a handle, of the byte of fields, and of the byte of the type."""
_VALUE, _STATUS, _SOURCE, _SERVER, _SOURCE_PICO, _SERVER_PICO = 1, 2, 4, 8, 16, 32
_LENGTHS = {_STATUS: 4, _SOURCE: 8, _SOURCE_PICO: 2, _SERVER: 8, _SERVER_PICO: 2}
"""Fields after the value, in the order in which they stand."""
_TYPES = {1: "?", 2: "<i1", 3: "<u1", 4: "<i2", 5: "<u2", 6: "<i4", 7: "<u4", 8: "<i8", 9: "<u8", 10: "<f4", 11: "<f8"}
"""Numbers by the identifier of their built-in type (OPC 10000-6, 5.1.2)."""
_TICKS_1970 = 116_444_736_000_000_000
_BODY = 1
UNREADABLE = (UaError, NotEnoughData, struct.error, ValueError, IndexError, TypeError, AttributeError, KeyError)
"""What the library raises for bytes that it cannot read, and we do."""


@dataclass(frozen=True)
class Form:
    """Where the fields of a change stand, by the bytes of fields and of type."""

    length: int
    dtype: str
    status: int
    source: int


def _forms() -> dict[int, Form]:
    found = {}
    for kind, dtype in _TYPES.items():
        for fields in range(_VALUE, 64, 2):
            at, places = _HEAD + np.dtype(dtype).itemsize, dict[int, int]()
            for field, length in _LENGTHS.items():
                if fields & field:
                    places[field] = at
                    at += length
            found[fields | kind << 8] = Form(at, dtype, places.get(_STATUS, 0), places.get(_SOURCE, 0))
    return found


_FORMS = _forms()
_LENGTH_OF = {key: form.length for key, form in _FORMS.items()}


@dataclass(frozen=True)
class Numbers:
    """Changes whose values are numbers, in the order in which they came. `whole`: of an integer type. `source_us` is 0 where
    the source told no time."""

    handles: NDArray[np.int64]
    values: NDArray[np.float64]
    whole: NDArray[np.bool_]
    codes: NDArray[np.uint32]
    source_us: NDArray[np.int64]


@dataclass(frozen=True)
class Publication:
    """A publication, taken apart. `parts` are, in their order, changes of numbers, other changes, and ends of subscriptions."""

    subscription: int
    sequence: int
    parts: Sequence[Numbers | ua.MonitoredItemNotification | ua.StatusChangeNotification]


def read(data: Buffer) -> Publication:
    """The publication in a response whose type id stands first; raises one of `UNREADABLE` when it is none."""
    nodeid_from_binary(data)
    struct_from_binary(ua.ResponseHeader, data)
    (subscription, available) = struct.unpack("<Ii", data.read(8))
    data.skip(4 * max(available, 0) + 1)
    sequence, _, count = struct.unpack("<Iqi", data.read(16))
    parts: list[Numbers | ua.MonitoredItemNotification | ua.StatusChangeNotification] = []
    for _ in range(max(count, 0)):
        kind = nodeid_from_binary(data)
        (encoding,) = data.read(1)
        if encoding != _BODY:
            continue
        (length,) = struct.unpack("<i", data.read(4))
        body = data.read(max(length, 0))
        if kind.Identifier == ObjectIds.DataChangeNotification_Encoding_DefaultBinary:
            parts.extend(changes(body))
        elif kind.Identifier == ObjectIds.StatusChangeNotification_Encoding_DefaultBinary:
            parts.append(struct_from_binary(ua.StatusChangeNotification, Buffer(body)))
    return Publication(subscription, sequence, parts)


def changes(body: bytes) -> Iterator[Numbers | ua.MonitoredItemNotification]:
    """The changes in a notification."""
    (count,) = struct.unpack_from("<i", body)
    at, end, places, lengths = 4, len(body), list[int](), _LENGTH_OF
    for _ in range(max(count, 0)):
        length = lengths.get(body[at + 4] | body[at + 5] << 8) if at + _HEAD <= end else None
        if length is not None:
            places.append(at)
            at += length
            continue
        if places:
            yield _numbers(body, places)
            places = []
        rest = Buffer(body, at)
        yield struct_from_binary(ua.MonitoredItemNotification, rest)
        at = rest.cur_pos
    if at > end:
        raise ValueError("a notification ends in the middle of a change")
    if places:
        yield _numbers(body, places)


def _numbers(body: bytes, places: Sequence[int]) -> Numbers:
    data, at = np.frombuffer(body, np.uint8), np.array(places)
    if _LENGTH_OF[int(data[at[-1] + 4]) | int(data[at[-1] + 5]) << 8] + at[-1] > len(data):
        raise ValueError("a notification ends in the middle of a change")
    keys = data[at + 4].astype(np.int64) | data[at + 5].astype(np.int64) << 8
    values, whole = np.empty(len(at)), np.zeros(len(at), np.bool_)
    codes, source_us = np.zeros(len(at), np.uint32), np.zeros(len(at), np.int64)
    for key in np.unique(keys).tolist():
        form, own = _FORMS[key], keys == key
        of = at[own]
        values[own] = _fields(data, of + _HEAD, form.dtype)
        whole[own] = np.dtype(form.dtype).kind in "iu"
        if form.status:
            codes[own] = _fields(data, of + form.status, "<u4")
        if form.source:
            ticks = _fields(data, of + form.source, "<i8")
            source_us[own] = np.where(ticks > _TICKS_1970, (ticks - _TICKS_1970) // 10, 0)
    return Numbers(_fields(data, at, "<u4").astype(np.int64), values, whole, codes, source_us)


def _fields(data: NDArray[np.uint8], at: NDArray[np.int64], dtype: str) -> NDArray[Any]:
    """What stands at each of the places."""
    width = np.dtype(dtype).itemsize
    found: NDArray[Any] = np.ascontiguousarray(data[at[:, None] + np.arange(width)]).view(dtype)[:, 0]
    return found
