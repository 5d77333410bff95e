"""Which samples are stored already: so that no two segments share one, and nobody who reads has to look for repeats.

A sample that is newer than all that was stored of its signal is new without a look. Only what came late, or again after a
machine was connected anew, is looked for in the segments of its time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batchone.machines import columns

_NEVER = -1


@dataclass
class Newest:
    """The newest source time, in microseconds, that was stored of each signal of a tenant, as far as is known here."""

    _of: dict[str, dict[str, int]] = field(default_factory=dict)

    def forget(self) -> None:
        """Another process may have stored something."""
        self._of.clear()

    def late(self, tenant: str, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Which rows are not newer than everything known of their signal; all rows of a signal that is not known."""
        known = self._of.get(tenant, {})
        names = batch.column("path").dictionary.to_pylist()
        newest = np.fromiter((known.get(name, 1 << 62) for name in names), np.int64, len(names))
        late: NDArray[np.bool_] = columns.times_us(batch) <= newest[columns.codes_of(batch)]
        return late

    def stored(self, tenant: str, batch: pa.RecordBatch) -> None:
        """Rows, sorted by path and time, have been stored."""
        known = self._of.setdefault(tenant, {})
        codes, times = columns.codes_of(batch), columns.times_us(batch)
        ends = np.flatnonzero(np.append(np.diff(codes), 1))
        names = batch.column("path").dictionary
        for name, last in zip(names.take(pa.array(codes[ends])).to_pylist(), times[ends].tolist(), strict=True):
            if known.get(name, _NEVER) < last:
                known[name] = last


@dataclass(frozen=True)
class Repeats:
    """Rows of a batch that stand elsewhere with the same path, source time and value: `known` with a quality as good as here,
    or `better` here."""

    known: NDArray[np.bool_]
    better: NDArray[np.bool_]


def repeats(batch: pa.RecordBatch, late: NDArray[np.bool_], others: Iterable[pa.RecordBatch]) -> Repeats:
    """Which of the late rows stand in other batches. All batches are sorted by path and time, each sample in them once."""
    rows = np.flatnonzero(late)
    known, better = np.zeros(batch.num_rows, np.bool_), np.zeros(batch.num_rows, np.bool_)
    place = {name: code for code, name in enumerate(batch.column("path").dictionary.to_pylist())}
    codes, times = columns.codes_of(batch)[rows], columns.times_us(batch)[rows]
    values, qualities = columns.values_of(batch)[rows], columns.qualities_of(batch)[rows]
    first, last = int(times.min()), int(times.max())
    for other in others:
        names = other.column("path").dictionary.to_pylist()
        own = np.fromiter((place.get(name, -1) for name in names), np.int32, len(names))[columns.codes_of(other)]
        at = columns.times_us(other)
        candidates = np.flatnonzero((own >= 0) & (at >= first) & (at <= last))
        for row, there in _pairs(codes, times, own[candidates], at[candidates]):
            theirs = candidates[there]
            value = columns.values_of(other)[theirs]
            same = (values[row] == value) | (np.isnan(values[row]) & np.isnan(value))
            row, theirs = row[same], theirs[same]  # noqa: PLW2901
            is_better = qualities[row] < columns.qualities_of(other)[theirs]
            better[rows[row[is_better]]] = True
            known[rows[row[~is_better]]] = True
    return Repeats(known, better & ~known)


def _pairs(
    codes: NDArray[np.int32], times: NDArray[np.int64], other_codes: NDArray[np.int32], other_times: NDArray[np.int64]
) -> Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places of rows of one path and time, here and there; a round for each further row of one path and time here."""
    if not len(codes) or not len(other_codes):
        return
    order = np.lexsort((times, codes))
    span = int(times.max()) - int(times.min()) + 1
    start = int(times.min())
    if (int(codes.max()) + 1) * span >= 1 << 63:
        # A key of both would not fit: the times by their rank instead.
        distinct = np.unique(times)
        times, start, span = np.searchsorted(distinct, times).astype(np.int64), 0, len(distinct)
        rank = np.searchsorted(distinct, other_times)
        fits = (rank < len(distinct)) & (distinct[np.minimum(rank, len(distinct) - 1)] == other_times)
        places = np.flatnonzero(fits)
        other_codes, other_times = other_codes[places], rank[places].astype(np.int64)
    else:
        places = np.arange(len(other_codes))
    key = codes[order].astype(np.int64) * span + (times[order] - start)
    wanted = other_codes.astype(np.int64) * span + (other_times - start)
    left = np.searchsorted(key, wanted, side="left")
    right = np.searchsorted(key, wanted, side="right")
    more = np.flatnonzero(left < right)
    while len(more):
        yield order[left[more]], places[more]
        left[more] += 1
        more = more[left[more] < right[more]]
