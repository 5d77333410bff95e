"""From what a driver decoded to what is declared: known signals pass, all others are quarantined; columns only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batchone.machines import columns
from batchone.machines.connect.driver import Fault
from batchone.machines.connect.quarantine.counting import Quarantine

_UNDATED = "Its time lies outside the years 1970 to 9998."


@dataclass(frozen=True)
class _Names:
    """What a dictionary of paths means to a connection. The batches of a driver mostly have the same one, and it is looked
    through once: `place` is the place of each of its paths among the declared ones, -1 for a stray."""

    dictionary: pa.Array
    paths: list[str]
    place: NDArray[np.int64]
    strays: bool


class Attaching:
    """From a driver's batches to those that travel on, for one connection: declared signals in the units of their
    declarations. It remembers the last value of each, for when its machine is lost.

    `scales` are factor and offset of the signals whose numbers are kept otherwise than they are told.
    """

    def __init__(
        self, declared: Collection[str], quarantine: Quarantine, scales: Mapping[str, tuple[float, float]] | None = None
    ) -> None:
        self.quarantine = quarantine
        self._paths = sorted(declared)
        self._place = {path: at for at, path in enumerate(self._paths)}
        self._equipment = [path.partition("/")[0] for path in self._paths]
        told = scales or {}
        self._factor = np.array([told.get(path, (1.0, 0.0))[0] for path in self._paths])
        self._offset = np.array([told.get(path, (1.0, 0.0))[1] for path in self._paths])
        self._scaled = bool(told)
        self._last = np.full(len(self._paths), np.nan)
        self._names: _Names | None = None

    def attach(self, batch: pa.RecordBatch, now: datetime) -> tuple[pa.RecordBatch, frozenset[str]]:
        """The samples of declared signals, and which equipment was heard; the others go to the quarantine."""
        if not batch.num_rows:
            return columns.empty(), frozenset()
        dated = columns.dated(batch)
        if dated is not None:
            batch = self._dated(batch, dated, now)
            if not batch.num_rows:
                return columns.empty(), frozenset()
        names = self._known(batch.column("path").dictionary)
        if names.strays:
            batch = self._without_strays(batch, names, now)
            if not batch.num_rows:
                return batch, frozenset()
            names = self._known(batch.column("path").dictionary)
        place, value = names.place[columns.codes_of(batch)], columns.values_of(batch)
        if self._scaled:
            value = value * self._factor[place] + self._offset[place]
            field = columns.SAMPLE_SCHEMA.field("value")
            batch = batch.set_column(batch.schema.get_field_index("value"), field, pa.array(value))
        # Of several samples of a signal the last one stays: numpy assigns in the order of the rows.
        self._last[place] = value
        return batch, frozenset(self._equipment[at] for at in np.unique(place).tolist())

    def lost(self, now: datetime, equipment: str = "") -> pa.RecordBatch:
        """One uncertain sample for each signal of a lost machine (of all, if none is named): its last usable value, at the
        time it was lost. Said once; then the value is forgotten.

        OPC UA calls this status UncertainLastUsableValue (OPC 10000-8, table 22).
        """
        known = ~np.isnan(self._last)
        if equipment:
            known &= np.array([each == equipment for each in self._equipment], np.bool_)
        at = np.flatnonzero(known)
        values, now_us = self._last[at], columns.to_us(now)
        self._last[at] = np.nan
        paths, count = [self._paths[place] for place in at.tolist()], len(at)
        times = np.full(count, now_us, np.int64)
        return columns.to_batch(
            paths, np.arange(count, dtype=np.int32), times, now_us, values, np.full(count, columns.UNCERTAIN, np.uint8)
        )

    def _known(self, dictionary: pa.Array) -> _Names:
        names = self._names
        if names is None or not names.dictionary.equals(dictionary):
            paths: list[str] = dictionary.to_pylist()
            place = np.fromiter((self._place.get(path, -1) for path in paths), np.int64, len(paths))
            names = _Names(dictionary, paths, place, bool((place < 0).any()))
            if not names.strays:
                self._names = names
        return names

    def _dated(self, batch: pa.RecordBatch, dated: NDArray[np.bool_], now: datetime) -> pa.RecordBatch:
        """The rows whose times are dates: history would refuse the others, and with them the whole batch."""
        counted = batch.filter(pa.array(~dated)).column("path").cast(pa.string()).value_counts()
        for each in counted.to_pylist():
            self.quarantine.unreadable(Fault(each["values"], each["counts"], _UNDATED), now)
        return batch.filter(pa.array(dated))

    def _without_strays(self, batch: pa.RecordBatch, names: _Names, now: datetime) -> pa.RecordBatch:
        """The rows of declared paths, with a dictionary of these alone: strays are many, and must not travel on as names."""
        codes, value = columns.codes_of(batch), columns.values_of(batch)
        known = names.place >= 0
        keep = known[codes]
        strays, values = codes[~keep], value[~keep]
        found, first = np.unique(strays[::-1], return_index=True)
        counts = np.bincount(strays, minlength=len(names.paths))
        paths = [names.paths[code] for code in found.tolist()]
        self.quarantine.undeclared_all(paths, counts[found].tolist(), values[::-1][first].tolist(), now)
        renumbered = np.cumsum(known) - 1
        return columns.to_batch(
            [names.paths[code] for code in np.flatnonzero(known).tolist()], renumbered[codes[keep]],
            columns.times_us(batch)[keep], columns.times_us(batch, "received_time")[keep], value[keep],
            columns.qualities_of(batch)[keep],
        )  # fmt: skip
