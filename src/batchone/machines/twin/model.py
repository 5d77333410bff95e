"""Last values as columns: a path has a place, and every column holds its value there. Pure; no clock, no bus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batchone.contracts.machines import DataNow, LastValue
from batchone.contracts.things import ThingModel
from batchone.machines import columns

_NEVER = np.iinfo(np.int64).min
_FIRST_ROOM = 1024
_QUALITIES = (columns.GOOD, columns.UNCERTAIN, columns.BAD)
_MISSED = 3
"""A signal is silent once so many of its samples are missing."""


@dataclass(frozen=True)
class Change:
    """What changed at one equipment, in columns; a value that no machine has told yet is not-a-number."""

    equipment: str
    paths: list[str]
    values: NDArray[np.float64]
    times_s: NDArray[np.float64]
    quality: NDArray[np.uint8]


class Expected:
    """What is declared, in columns: paths, which equipment each belongs to, and how often it is expected (0: nobody knows)."""

    def __init__(self, model: ThingModel) -> None:
        code: dict[str, int] = {}
        declared = model.signals.values()
        self.paths = list(model.signals)
        self.member = np.fromiter((code.setdefault(each.thing, len(code)) for each in declared), np.int64, len(self.paths))
        self.every_s = np.fromiter((each.signal.every_s for each in declared), np.float64, len(self.paths))
        self.equipment = list(code)


class LastValues:
    """The last value of each path of a tenant.

    The order in which batches come does not matter: the newest source time wins, and of equal ones the later arrival.
    A sample that is no number keeps the value before it and brings its own time and quality (OPC 10000-8, last usable
    value).
    """

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self._paths: list[str] = []
        self._members: dict[str, list[int]] = defaultdict(list)
        self._by_path: dict[str, NDArray[np.int64]] = {}
        self._equipment: list[str] = []
        self._equipment_code: dict[str, int] = {}
        self._value = np.full(_FIRST_ROOM, np.nan)
        self._quality = np.full(_FIRST_ROOM, columns.BAD, np.uint8)
        self._source = np.full(_FIRST_ROOM, _NEVER, np.int64)
        self._received = np.full(_FIRST_ROOM, _NEVER, np.int64)
        self._member_of = np.zeros(_FIRST_ROOM, np.int32)
        self._told_value = self._value.copy()
        self._told_quality = self._quality.copy()
        self._told_source = self._source.copy()

    def apply(self, batch: pa.RecordBatch, *, fill: bool = False) -> None:
        """Take over what is newer than what is known; to `fill`, only where it is newer by time."""
        if not batch.num_rows:
            return
        dictionary = batch.column("path").dictionary.to_pylist()
        place = np.fromiter((self._place_of(path) for path in dictionary), np.int64, len(dictionary))
        at, source = place[columns.codes_of(batch)], columns.times_us(batch)
        # A stable sort: of equal times the row that came later stands last.
        order = np.lexsort((source, at))
        row = order[np.flatnonzero(np.append(np.diff(at[order]) != 0, True))]
        newer = source[row] > self._source[at[row]] if fill else source[row] >= self._source[at[row]]
        row = row[newer]
        at = at[row]
        value = columns.values_of(batch)[row]
        self._value[at] = np.where(np.isfinite(value), value, self._value[at])
        self._quality[at] = columns.qualities_of(batch)[row]
        self._source[at] = source[row]
        self._received[at] = columns.times_us(batch, "received_time")[row]

    def of(self, equipment: str) -> tuple[LastValue, ...]:
        """The last values of an equipment by path; signals that never had one are left out."""
        members = self._sorted(equipment)
        at = members[~np.isnan(self._value[members])]
        return tuple(
            map(
                LastValue, map(self._paths.__getitem__, at.tolist()), self._value[at].tolist(), self._quality[at].tolist(),
                _datetimes(self._source[at]), _datetimes(self._received[at]),
            )
        )  # fmt: skip

    def _sorted(self, equipment: str) -> NDArray[np.int64]:
        """The places of an equipment by path, sorted once until a path is new."""
        members = self._members.get(equipment, [])
        found = self._by_path.get(equipment)
        if found is None or len(found) != len(members):
            found = np.array(sorted(members, key=self._paths.__getitem__), np.int64)
            self._by_path[equipment] = found
        return found

    def standing(self, expected: Expected, now_us: int, least_us: int) -> tuple[DataNow, ...]:
        """How each equipment stands that is expected to tell something; nothing is silent before `least_us` are over."""
        count = len(expected.equipment)
        place = np.fromiter((self._place.get(path, -1) for path in expected.paths), np.int64, len(expected.paths))
        source = np.where(place >= 0, self._source[place], _NEVER)
        known = source > _NEVER
        # Of what was never told there is no age; it counts as from now, so that no difference overflows.
        age_us = now_us - np.where(known, source, now_us)
        rated = expected.every_s > 0
        silent = known & rated & (age_us > np.maximum(_MISSED * expected.every_s * 1e6, least_us))
        quality = self._quality[place]

        def counted(which: NDArray[np.bool_]) -> list[int]:
            return [int(each) for each in np.bincount(expected.member[which], minlength=count)]

        newest = np.full(count, _NEVER)
        np.maximum.at(newest, expected.member, source)
        every_s = np.full(count, np.inf)
        np.minimum.at(every_s, expected.member[rated], expected.every_s[rated])
        everywhere = np.ones(len(place), np.bool_)
        good, uncertain, bad = (known & (quality == each) for each in _QUALITIES)
        counts = (counted(which) for which in (everywhere, good, uncertain, bad, ~known, silent))
        newest_at = [None if at == _NEVER else columns.from_us(int(at)) for at in newest]
        rates = [float(each) if np.isfinite(each) else 0.0 for each in every_s]
        rows = zip(expected.equipment, *counts, newest_at, rates, strict=True)
        return tuple(DataNow(*row) for row in rows)

    def changes(self, refresh_us: int) -> Iterator[Change]:
        """What differs from what this told last, by equipment; an unchanged value is told again when its source time is
        `refresh_us` newer, so that a page can see that it is still fresh."""
        count = len(self._paths)
        value, quality, source = self._value[:count], self._quality[:count], self._source[:count]
        told = self._told_value[:count]
        differs = (value != told) & ~(np.isnan(value) & np.isnan(told))
        differs |= quality != self._told_quality[:count]
        # Written without a difference of times, which would overflow for a path that was never told.
        differs |= (source > _NEVER) & (self._told_source[:count] < source - refresh_us)
        at = np.flatnonzero(differs)
        self._told_value[at], self._told_quality[at], self._told_source[at] = value[at], quality[at], source[at]
        member = self._member_of[at]
        at = at[np.argsort(member, kind="stable")]
        for group in np.split(at, np.flatnonzero(np.diff(self._member_of[at])) + 1):
            if len(group):
                yield Change(
                    self._equipment[self._member_of[group[0]]], [self._paths[place] for place in group],
                    value[group], source[group] / 1e6, quality[group],
                )  # fmt: skip

    def _place_of(self, path: str) -> int:
        place = self._place.get(path)
        return place if place is not None else self._add(path)

    def _add(self, path: str) -> int:
        place = len(self._paths)
        if place == len(self._value):
            self._grow()
        equipment = path.partition("/")[0]
        code = self._equipment_code.setdefault(equipment, len(self._equipment))
        if code == len(self._equipment):
            self._equipment.append(equipment)
        self._member_of[place] = code
        self._members[equipment].append(place)
        self._place[path] = place
        self._paths.append(path)
        return place

    def _grow(self) -> None:
        more = len(self._value)
        self._value = np.append(self._value, np.full(more, np.nan))
        self._quality = np.append(self._quality, np.full(more, columns.BAD, np.uint8))
        self._source = np.append(self._source, np.full(more, _NEVER))
        self._received = np.append(self._received, np.full(more, _NEVER))
        self._member_of = np.append(self._member_of, np.zeros(more, np.int32))
        self._told_value = np.append(self._told_value, np.full(more, np.nan))
        self._told_quality = np.append(self._told_quality, np.full(more, columns.BAD, np.uint8))
        self._told_source = np.append(self._told_source, np.full(more, _NEVER))


def _datetimes(microseconds: NDArray[np.int64]) -> list[datetime]:
    """The times, as `columns.from_us` makes them one by one."""
    return [time.replace(tzinfo=UTC) for time in microseconds.astype("datetime64[us]").tolist()]
