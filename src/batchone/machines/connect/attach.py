"""From what a driver decoded to what the pack declares: known signals pass, all others are quarantined; columns only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batchone.machines import columns
from batchone.machines.connect.driver import Fault

_LISTED_MAX = 1000
_OTHERS = "(others)"


@dataclass(frozen=True)
class Quarantined:
    """Samples that were set aside under a path: how many, why, and the last one.

    `undeclared`: the pack does not declare the signal. `unreadable`: what came in could not be read.
    """

    connection: str
    path: str
    reason: str
    count: int
    first: datetime
    last: datetime
    value: float | None
    what: str


@dataclass
class Quarantine:
    """What one connection set aside since the platform started; at most a thousand paths, the rest counted together."""

    connection: str
    _entries: dict[tuple[str, str], Quarantined] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many samples or messages, in all."""
        return sum(entry.count for entry in self._entries.values())

    def listed(self) -> tuple[Quarantined, ...]:
        """Every entry, the largest first."""
        return tuple(sorted(self._entries.values(), key=lambda entry: (-entry.count, entry.path)))

    def undeclared(self, path: str, count: int, value: float, now: datetime) -> None:
        """Count samples of a signal that no pack declares."""
        self._add(path, "undeclared", count, now, value, "No pack declares this signal.")

    def unreadable(self, fault: Fault, now: datetime) -> None:
        """Count something that could not be read."""
        self._add(fault.path, "unreadable", fault.count, now, None, fault.what)

    def _add(self, path: str, reason: str, count: int, now: datetime, value: float | None, what: str) -> None:
        key = (path, reason)
        if key not in self._entries and len(self._entries) >= _LISTED_MAX:
            key = (_OTHERS, reason)
        known = self._entries.get(key)
        first, before = (known.first, known.count) if known else (now, 0)
        self._entries[key] = Quarantined(self.connection, key[0], reason, before + count, first, now, value, what)


def attach(
    batch: pa.RecordBatch, declared: Set[str], quarantine: Quarantine, now: datetime,
    scales: Mapping[str, tuple[float, float]] | None = None,
) -> pa.RecordBatch:  # fmt: skip
    """The samples of declared signals, in the units of their declarations; the others go to the quarantine.

    `scales` are factor and offset of the signals whose numbers are kept otherwise than they are told.
    """
    paths = batch.column("path").dictionary.to_pylist()
    known = np.fromiter((path in declared for path in paths), bool, len(paths))
    if not known.all():
        batch = _without_strays(batch, paths, known, quarantine, now)
        paths = batch.column("path").dictionary.to_pylist()
    return _scaled(batch, paths, scales) if scales else batch


def _without_strays(
    batch: pa.RecordBatch, paths: Sequence[str], known: NDArray[np.bool_], quarantine: Quarantine, now: datetime
) -> pa.RecordBatch:
    """The rows of known paths, with a dictionary that names these alone: strays are many, and must not travel on as names."""
    codes = columns.codes_of(batch)
    keep = known[codes]
    strays, values = codes[~keep], columns.values_of(batch)[~keep]
    found, place = np.unique(strays[::-1], return_index=True)
    counts = np.bincount(strays, minlength=len(paths))
    for code, last in zip(found.tolist(), values[::-1][place].tolist(), strict=True):
        quarantine.undeclared(paths[code], int(counts[code]), last, now)
    renumbered = np.cumsum(known) - 1
    return columns.to_batch(
        [path for path, is_known in zip(paths, known, strict=True) if is_known], renumbered[codes[keep]],
        columns.times_us(batch)[keep], columns.times_us(batch, "received_time")[keep], columns.values_of(batch)[keep],
        columns.qualities_of(batch)[keep],
    )  # fmt: skip


def _scaled(batch: pa.RecordBatch, paths: Sequence[str], scales: Mapping[str, tuple[float, float]]) -> pa.RecordBatch:
    told = np.array([scales.get(path, (1.0, 0.0)) for path in paths], np.float64).reshape(-1, 2)
    codes = columns.codes_of(batch)
    values = columns.values_of(batch) * told[codes, 0] + told[codes, 1]
    return batch.set_column(batch.schema.get_field_index("value"), columns.SAMPLE_SCHEMA.field("value"), pa.array(values))


def last_values(batch: pa.RecordBatch) -> dict[str, float]:
    """The last value of each path of a batch."""
    codes = columns.codes_of(batch)
    if not len(codes):
        return {}
    found, places = np.unique(codes[::-1], return_index=True)
    values = columns.values_of(batch)[::-1][places]
    paths = batch.column("path").dictionary
    return {paths[int(code)].as_py(): float(value) for code, value in zip(found, values, strict=True)}


def stale_marks(last: dict[str, float], now: datetime) -> pa.RecordBatch:
    """One uncertain sample for each signal of a lost machine: its last usable value, at the time it was lost.

    OPC UA calls this status UncertainLastUsableValue (OPC 10000-8, table 22).
    """
    samples, now_us = columns.Samples(), columns.to_us(now)
    for path, value in last.items():
        if not np.isnan(value):
            samples.add(path, now_us, now_us, value, columns.UNCERTAIN)
    return samples.take()
