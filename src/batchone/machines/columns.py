"""Samples as columns: the one shape in which readings travel from a driver to storage.

A batch is an Arrow record batch of `SAMPLE_SCHEMA`; on the bus it is an Arrow IPC stream that holds exactly one batch
(Apache Arrow Columnar Format, «Encapsulated message format»). No sample is ever an object of its own.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from batchone.kernel.errors import Refused

GOOD, UNCERTAIN, BAD = 0, 1, 2
"""Qualities of a sample, after the severities of OPC UA status codes (OPC 10000-4, 7.39)."""

SAMPLE_SCHEMA = pa.schema(
    [
        pa.field("path", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("source_time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("received_time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("quality", pa.uint8(), nullable=False),
    ]
)
"""Path `<equipment>/<signal>` or `<equipment>/P01/<signal>`, both times in plant time, value in the unit of the signal's
declaration, quality `GOOD`, `UNCERTAIN` or `BAD`. A bad sample may have the value not-a-number."""

END_US = 253_370_764_800_000_000
"""A source time lies before the year 9999, and not before 1970; any other is no date."""

_PLAIN, _PACKED = pa.ipc.IpcWriteOptions(), pa.ipc.IpcWriteOptions(compression="zstd")
_WORTH_PACKING = 2_000
"""Rows from which on compressing pays: a quarter of the bytes, for a sixth of a processor second a million rows."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CURE = "Send an Arrow IPC stream with one batch of the sample schema."


def to_us(time: datetime) -> int:
    """An aware time as whole microseconds since 1970, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def arrival_us(now: datetime) -> int:
    """The time at which something arrived, as whole milliseconds in microseconds since 1970.

    What lies below is the scheduler's chance, not the plant's; it would cost more bytes than the value that arrived.
    """
    return to_us(now) // 1000 * 1000


def from_us(microseconds: int) -> datetime:
    """The time in UTC that `to_us` made a number of."""
    return _EPOCH + timedelta(microseconds=int(microseconds))


def to_batch(
    paths: Sequence[str] | pa.Array,
    path_of: Sequence[int] | NDArray[np.int32],
    source_us: Sequence[int] | NDArray[np.int64],
    received_us: Sequence[int] | NDArray[np.int64] | int,
    values: Sequence[float] | NDArray[np.float64],
    qualities: Sequence[int] | NDArray[np.uint8],
) -> pa.RecordBatch:
    """A batch from columns of equal length: `path_of` are places in `paths`, times are microseconds since 1970.

    Who makes many batches of the same paths gives them as an Arrow array, made once.
    """
    count = len(values)
    received = np.full(count, received_us, np.int64) if isinstance(received_us, int) else np.asarray(received_us, np.int64)
    names = paths if isinstance(paths, pa.Array) else pa.array(list(paths), pa.string())
    path = pa.DictionaryArray.from_arrays(_column(pa.int32(), np.asarray(path_of, np.int32)), names)
    times, numbers = SAMPLE_SCHEMA.field("source_time").type, pa.float64()
    return pa.RecordBatch.from_arrays(
        [
            path,
            _column(times, np.asarray(source_us, np.int64)),
            _column(times, received),
            _column(numbers, np.asarray(values, np.float64)),
            _column(pa.uint8(), np.asarray(qualities, np.uint8)),
        ],
        schema=SAMPLE_SCHEMA,
    )


def empty() -> pa.RecordBatch:
    """A batch without samples."""
    return to_batch((), (), (), (), (), ())


def concat(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """One batch with the rows of all, in order; its paths are listed once each."""
    if len(batches) == 1:
        return batches[0]
    if not batches:
        return empty()
    table = pa.Table.from_batches(list(batches), SAMPLE_SCHEMA).unify_dictionaries().combine_chunks()
    return table.to_batches()[0] if len(table) else empty()


def compact(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with a dictionary of those paths alone that occur in it."""
    codes = codes_of(batch)
    occurring = np.unique(codes)
    known = batch.column("path").dictionary
    if len(occurring) == len(known):
        return batch
    path = pa.DictionaryArray.from_arrays(
        pa.array(np.searchsorted(occurring, codes).astype(np.int32)), known.take(pa.array(occurring))
    )
    return batch.set_column(0, SAMPLE_SCHEMA.field("path"), path)


def to_bytes(batch: pa.RecordBatch, id: str = "") -> bytes:  # noqa: A002 - the batch's own
    """The batch as an Arrow IPC stream; `id`, where there is one, travels in the schema's metadata under `batch`, so that
    whoever gets the same batch twice can tell."""
    schema = SAMPLE_SCHEMA.with_metadata({"batch": id}) if id else SAMPLE_SCHEMA
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=_PACKED if batch.num_rows >= _WORTH_PACKING else _PLAIN) as writer:
        writer.write_batch(batch.replace_schema_metadata(schema.metadata))
    return bytes(sink.getvalue())


def id_of(batch: pa.RecordBatch) -> str:
    """The id that `to_bytes` was given, or nothing; what is no text is no id."""
    try:
        return str((batch.schema.metadata or {}).get(b"batch", b"").decode())
    except UnicodeDecodeError:
        return ""


def from_bytes(data: bytes) -> pa.RecordBatch:
    """The batch in an Arrow IPC stream, with its id; `Refused` when it is none, has another schema, or lacks a value
    somewhere."""
    try:
        with pa.ipc.open_stream(data) as reader:
            schema, batches = reader.schema, list(reader)
        for batch in batches:
            batch.validate(full=True)
        names = schema.names
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise Refused("samples.unreadable", f"This is no batch of samples: {error}.", _CURE) from error
    if not schema.equals(SAMPLE_SCHEMA):
        raise Refused("samples.schema", f"These samples have the columns {names} of other types.", _CURE)
    if len(batches) != 1:  # one whose end is missing has none, and would count as stored
        raise Refused("samples.unreadable", f"This is no batch of samples: there are {len(batches)} in it.", _CURE)
    (batch,) = batches
    if any(column.null_count for column in batch.columns):
        raise Refused("samples.nulls", "A sample lacks its path, a time, its value or its quality.", _CURE)
    return batch.replace_schema_metadata(schema.metadata)


def dated(batch: pa.RecordBatch) -> NDArray[np.bool_] | None:
    """Which rows have a source time that is a date; none where all have."""
    source = times_us(batch)
    if not len(source) or (source.min() >= 0 and source.max() < END_US):
        return None
    return (source >= 0) & (source < END_US)


def paths_of(batch: pa.RecordBatch) -> list[str]:
    """Every path that occurs, once each, in order of first occurrence."""
    return list(pc.unique(batch.column("path").cast(pa.string())).to_pylist())


def codes_of(batch: pa.RecordBatch) -> NDArray[np.int32]:
    """For each row the place of its path in the batch's dictionary (`batch.column("path").dictionary`)."""
    codes: NDArray[np.int32] = np.asarray(batch.column("path").indices)
    return codes


def times_us(batch: pa.RecordBatch, column: str = "source_time") -> NDArray[np.int64]:
    """A column of times as microseconds since 1970."""
    times: NDArray[np.int64] = np.asarray(batch.column(column).cast(pa.int64()))
    return times


def values_of(batch: pa.RecordBatch) -> NDArray[np.float64]:
    """The values."""
    values: NDArray[np.float64] = np.asarray(batch.column("value"))
    return values


def qualities_of(batch: pa.RecordBatch) -> NDArray[np.uint8]:
    """The qualities."""
    qualities: NDArray[np.uint8] = np.asarray(batch.column("quality"))
    return qualities


class Samples:
    """Columns that grow: what a driver decoded and nobody has taken yet. A row costs its 29 bytes and no object."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._begin()

    def _begin(self) -> None:
        self._path_of, self._source_us, self._received_us = array("i"), array("q"), array("q")
        self._values, self._qualities = array("d"), array("B")

    def __len__(self) -> int:
        return len(self._values)

    def add(self, path: str, source_us: int, received_us: int, value: float, quality: int = GOOD) -> None:
        """Append one row to the columns."""
        self._path_of.append(self._codes.setdefault(path, len(self._codes)))
        self._source_us.append(source_us)
        self._received_us.append(received_us)
        self._values.append(value)
        self._qualities.append(quality)

    def extend(
        self, paths: Sequence[str], path_of: NDArray[np.integer[Any]], source_us: NDArray[np.int64], received_us: int,
        values: NDArray[np.float64], qualities: NDArray[np.uint8],
    ) -> None:  # fmt: skip
        """Append many rows that arrived together; `path_of` are places in `paths`."""
        count, codes = len(values), np.full(len(paths), -1, np.int32)
        codes[path_of] = 0
        for place in np.flatnonzero(codes + 1).tolist():
            codes[place] = self._codes.setdefault(paths[place], len(self._codes))
        self._path_of.frombytes(codes[path_of].tobytes())
        self._source_us.frombytes(np.ascontiguousarray(source_us, np.int64).tobytes())
        self._received_us.frombytes(np.full(count, received_us, np.int64).tobytes())
        self._values.frombytes(np.ascontiguousarray(values, np.float64).tobytes())
        self._qualities.frombytes(np.ascontiguousarray(qualities, np.uint8).tobytes())

    def take(self) -> pa.RecordBatch:
        """All rows so far as one batch; the columns are empty afterwards."""
        batch = to_batch(
            list(self._codes), np.frombuffer(self._path_of, np.int32), np.frombuffer(self._source_us, np.int64),
            np.frombuffer(self._received_us, np.int64), np.frombuffer(self._values, np.float64),
            np.frombuffer(self._qualities, np.uint8),
        )  # fmt: skip
        self._codes.clear()
        self._begin()
        return batch


def _column(kind: pa.DataType, values: NDArray[Any]) -> pa.Array:
    """The numbers where they lie, as a column of Arrow."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])
