"""From what a driver decoded to what the pack declares: known signals pass, all others are quarantined; columns only."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa

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


def attach(batch: pa.RecordBatch, declared: Set[str], quarantine: Quarantine, now: datetime) -> pa.RecordBatch:
    """The samples of declared signals; the others go to the quarantine."""
    paths = batch.column("path").dictionary.to_pylist()
    known = np.fromiter((path in declared for path in paths), bool, len(paths))
    if known.all():
        return batch
    codes = columns.codes_of(batch)
    keep = known[codes]
    strays, values = codes[~keep], columns.values_of(batch)[~keep]
    counts = np.bincount(strays, minlength=len(paths))
    for code in np.flatnonzero(counts):
        last = float(values[np.flatnonzero(strays == code)[-1]])
        quarantine.undeclared(paths[code], int(counts[code]), last, now)
    return batch.filter(pa.array(keep))


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
