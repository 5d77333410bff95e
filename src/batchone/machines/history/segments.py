"""From batches to segment files: sort, drop repeats, write, sync, rename. Columns only, no object per sample."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from batchone.contracts.machines import Kept
from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.history.model import Segment
from batchone.machines.history.packing import OPTIONS, UNTIL, pack, unpack

_DAY_US = 86_400_000_000
_DAYS_MAX = 7
_ROW_GROUP = 65_536
"""Rows of a Parquet row group. A reader skips the groups whose paths and times it does not want."""
_PLAIN: dict[str, Any] = {
    "compression": "zstd", "use_dictionary": ["path", "value", "quality"],
    "column_encoding": {"source_time": "DELTA_BINARY_PACKED", "received_time": "DELTA_BINARY_PACKED"},
}  # fmt: skip


def sorted_unique(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """All rows sorted by path and source time, each (path, source time, value) once: the best quality, the first received."""
    batch = columns.concat(batches)
    known: list[str] = batch.column("path").dictionary.to_pylist()
    names = sorted(set(known))
    place = {name: at for at, name in enumerate(names)}
    rank = np.fromiter((place[name] for name in known), np.int32, len(known))
    code = rank[columns.codes_of(batch)]
    source, received = columns.times_us(batch), columns.times_us(batch, "received_time")
    value, quality = columns.values_of(batch), columns.qualities_of(batch)
    order = _order(code, source)
    tied = (code[order[1:]] == code[order[:-1]]) & (source[order[1:]] == source[order[:-1]])
    if np.any(tied):
        among = np.flatnonzero(np.append(tied, False) | np.append(False, tied))
        rows = order[among]
        order[among] = rows[np.lexsort((received[rows], quality[rows], value[rows], source[rows], code[rows]))]
        order = order[_first_of_kind(code[order], source[order], value[order])]
    return columns.to_batch(names, code[order], source[order], received[order], value[order], quality[order])


def _order(code: NDArray[np.int32], source: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows by path and source time. One key of both sorts several times as fast as two keys, above all where runs are in
    order already, as those of segments to be merged are."""
    if not len(code):
        return np.zeros(0, np.int64)
    first = int(source.min())
    span = int(source.max()) - first + 1
    if (int(code.max()) + 1) * span >= 1 << 63:
        return np.lexsort((source, code))
    return np.argsort(code.astype(np.int64) * span + (source - first), kind="stable")


def _first_of_kind(code: NDArray[np.int32], source: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.bool_]:
    same_value = (value[1:] == value[:-1]) | (np.isnan(value[1:]) & np.isnan(value[:-1]))
    repeated = (code[1:] == code[:-1]) & (source[1:] == source[:-1]) & same_value
    return np.concatenate((np.ones(min(1, len(code)), np.bool_), ~repeated))


def by_day(batch: pa.RecordBatch) -> list[tuple[date, pa.RecordBatch]]:
    """The rows of each day of plant time (UTC), in the order they have.

    Should a batch span many days, because a machine sent its backlog, the oldest share one shelf: files stay few.
    """
    day = columns.times_us(batch) // _DAY_US
    days = np.unique(day)
    if len(days) == 1:
        return [(_date(days[0]), batch)]
    days = days[-_DAYS_MAX:]
    day = np.maximum(day, days[0])
    return [(_date(each), batch.take(pa.array(np.flatnonzero(day == each)))) for each in days]


def by_class(batch: pa.RecordBatch, kept: Mapping[str, Kept]) -> list[tuple[Kept, pa.RecordBatch]]:
    """The rows of each class of retention, in the order they have; a path that `kept` does not name is `standard`."""
    codes: dict[Kept, list[int]] = defaultdict(list)
    for code, path in enumerate(batch.column("path").dictionary.to_pylist()):
        codes[kept.get(path, "standard")].append(code)
    if len(codes) == 1:
        return [(next(iter(codes)), batch)]
    of = columns.codes_of(batch)
    found = [(each, batch.take(pa.array(np.flatnonzero(np.isin(of, places))))) for each, places in codes.items()]
    return [(each, part) for each, part in found if part.num_rows]


def _date(day: int | np.int64) -> date:
    return date(1970, 1, 1) + timedelta(days=int(day))


class SegmentFiles:
    """The folder of segments. Every method blocks on the disk: call them from a thread.

    `real_s` is the time by which the file system stamps its files.
    """

    def __init__(self, root: Path, new_id: Callable[[], str], real_s: Callable[[], float]) -> None:
        self.root = root
        self._new_id = new_id
        self._real_s = real_s
        self._unsettled: set[str] = set()

    def write(
        self, tenant: str, day: date, batch: pa.RecordBatch, *, kept: Kept = "standard", packed: bool = False,
        alone: bool = False,
    ) -> Segment:  # fmt: skip
        """A new file with sorted rows, on disk when this returns; `TryLater` when the disk would not take it.

        Packing makes a file less than half as large, and takes time that a sample on its way to the disk has not. The file
        is unsettled, safe from `strays`, until `settle` is told that the catalogue has spoken.
        """
        source = columns.times_us(batch)
        first, last = columns.from_us(source.min()), columns.from_us(source.max())
        packed = packed and last < UNTIL
        name = self._new_id()
        file = f"{tenant}/{kept}/{day.isoformat()}/{name}.parquet"
        size = self._put(file, lambda sink: _write_parquet(batch, sink, packed=packed))
        paths = len(np.unique(columns.codes_of(batch)))
        return Segment(name, tenant, day, file, first, last, batch.num_rows, size, paths, packed, kept, alone)

    def adopt(self, source: Path, segment: Segment, kept: Kept) -> Segment:
        """A copy of a segment's file from elsewhere as a new segment of another class, unsettled like a written one."""
        name = self._new_id()
        file = f"{segment.tenant}/{kept}/{segment.day.isoformat()}/{name}.parquet"
        with source.open("rb") as data:
            self._put(file, lambda sink: shutil.copyfileobj(data, sink))
        return replace(segment, id=name, file=file, kept=kept, alone=False, object="", moved=False)

    def _put(self, file: str, write: Callable[[BinaryIO], None]) -> int:
        """Let a file come to be whole or not at all; its size."""
        path = self.root / file
        self._unsettled.add(file)
        try:
            return put(path, write)
        except OSError as error:
            self._unsettled.discard(file)
            raise TryLater(
                "history.disk", f"A segment could not be written: {error}.", "See that the disk has room.", after_s=5
            ) from error

    def settle(self, segments: Iterable[Segment]) -> None:
        """From now on the catalogue decides whether these files count."""
        self._unsettled.difference_update(segment.file for segment in segments)

    def read(self, segment: Segment) -> pa.RecordBatch:
        """All rows of a segment."""
        return rows_in(self.root / segment.file, packed=segment.packed)

    def missing(self, segments: Iterable[Segment]) -> list[Segment]:
        """Those without a file."""
        return [segment for segment in segments if not (self.root / segment.file).exists()]

    def remove(self, files: Iterable[str]) -> None:
        """Remove files; it is no error if one is gone already."""
        for file in files:
            (self.root / file).unlink(missing_ok=True)

    def strays(self, age_s: float) -> list[str]:
        """Settled or half-written files older than `age_s`: what a crash may have left, if the catalogue has no row for it."""
        unsettled, oldest = set(self._unsettled), self._real_s() - age_s
        found = []
        for path in self.root.rglob("*.p*"):
            file = path.relative_to(self.root).as_posix()
            if path.with_suffix(".parquet").relative_to(self.root).as_posix() not in unsettled and _stamp(path) <= oldest:
                found.append(file)
        return sorted(found)


def rows_in(path: Path, *, packed: bool) -> pa.RecordBatch:
    """All rows of a segment's file."""
    table = pq.ParquetFile(path, read_dictionary=["path"]).read()
    if packed:
        return unpack(table.unify_dictionaries())
    return columns.concat(table.cast(columns.SAMPLE_SCHEMA).unify_dictionaries().combine_chunks().to_batches())


def _stamp(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _write_parquet(batch: pa.RecordBatch, sink: Any, *, packed: bool) -> None:
    table, options = (pack(batch), OPTIONS) if packed else (pa.Table.from_batches([batch]), _PLAIN)
    pq.write_table(table, sink, row_group_size=_ROW_GROUP, **options)


def put(path: Path, write: Callable[[BinaryIO], None]) -> int:
    """Let a file come to be whole, synced to the disk, or not at all; its size in bytes."""
    make_folder(path.parent)
    part = path.with_suffix(".part")
    with part.open("wb") as sink:
        write(sink)
        sink.flush()
        os.fsync(sink.fileno())
    part.replace(path)
    sync_folder(path.parent)
    return path.stat().st_size


def make_folder(folder: Path) -> None:
    """Let a folder and those above it be there, and on the disk."""
    made = []
    while not folder.is_dir():
        made.append(folder)
        folder = folder.parent
    for each in reversed(made):
        each.mkdir(exist_ok=True)
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Let the names in a folder be on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
