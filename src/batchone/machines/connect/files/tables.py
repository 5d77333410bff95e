"""Dropped files as columns; pure. A file is read whole or not at all: what is wrong with it is told to who dropped it.

A *wide* file has a column of times and one column for each signal, whose address is the column's name. A *long* one has a
row for each sample: time, name and value; the address is what stands in the column of names. Empty cells are no samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from batchone.kernel.errors import Refused
from batchone.kernel.quantities import seconds
from batchone.machines.connect.driver import Garbled

KINDS = (".csv", ".parquet")
CELLS_MAX = 100_000_000
"""A file of more is refused before its cells are in memory."""
_UNIX: Mapping[str, int] = {"s": 1_000_000, "ms": 1_000, "us": 1}
_YEAR_9999_US = 253_370_764_800_000_000
_SETTINGS = frozenset({"time", "format", "zone", "name", "value", "delimiter", "decimal", "every"})


@dataclass(frozen=True)
class Layout:
    """How files of a connection are laid out.

    `time`: the column of times. `format`: `iso`, seconds since 1970 and their parts (`s`, `ms`, `us`), or a pattern such as
    `%d.%m.%Y %H:%M:%S`. `zone`: of times that name none. `name` and `value`: the columns of a long file; a wide one has no
    `name`. `every_s`: pause between two looks at the folder.
    """

    time: str = "time"
    format: str = "iso"
    zone: str = "UTC"
    name: str = ""
    value: str = "value"
    delimiter: str = ","
    decimal: str = "."
    every_s: float = 1.0


@dataclass(frozen=True)
class Told:
    """A file's samples: `names` are addresses, `name_of` the place of each sample's address among them; times in microseconds
    since 1970, in the order of the file's rows."""

    names: list[str]
    name_of: NDArray[np.int32]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]


def layout_of(settings: Mapping[str, str]) -> Layout:
    """The layout that settings say; `Refused` for one that nobody can read by."""
    strange = settings.keys() - _SETTINGS
    if strange:
        cure = f"It has: {', '.join(sorted(_SETTINGS))}."
        raise Refused("files.setting", f"A folder of files has no setting {sorted(strange)[0]}.", cure)
    told = {key: value for key, value in settings.items() if key != "every"}
    layout = Layout(**told, every_s=seconds(settings.get("every", "1 s")))
    if layout.every_s <= 0:
        raise Refused("files.setting", "The pause between two looks is not positive.", "Write it as every: 5 s.")
    if layout.format not in ("iso", *_UNIX) and "%" not in layout.format:
        cure = "Write iso, s, ms, us, or a pattern such as %d.%m.%Y %H:%M:%S."
        raise Refused("files.format", f"'{layout.format}' is no format of times.", cure)
    if any(len(sign) != 1 or not sign.isascii() or sign in '"\r\n' for sign in (layout.delimiter, layout.decimal)):
        raise Refused("files.delimiter", "A delimiter, and a decimal sign, is one character.", "Write it as delimiter: ';'.")
    try:
        ZoneInfo(layout.zone)
    except (KeyError, ValueError, OSError) as error:
        cure = "Write it as the IANA does: Europe/Berlin."
        raise Refused("files.zone", f"'{layout.zone}' is no time zone.", cure) from error
    return layout


def read(data: bytes, kind: str, layout: Layout) -> Told:
    """All samples of a file of a kind (`.csv`, `.parquet`); `Garbled` says what is wrong with it."""
    try:
        table = _csv(data, layout) if kind == ".csv" else _parquet(data)
        twice = {name for name in table.column_names if table.column_names.count(name) > 1}
        if twice:
            raise _spoilt(f"the column '{sorted(twice)[0]}' is there twice")
        time_us = _times(_column(table, layout.time), layout)
        return _long(table, time_us, layout) if layout.name else _wide(table, time_us, layout)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _spoilt(str(error).splitlines()[0] if str(error) else type(error).__name__) from error


def _csv(data: bytes, layout: Layout) -> pa.Table:
    texts = {layout.time: pa.string()} | ({layout.name: pa.string()} if layout.name else {})
    return pv.read_csv(
        pa.BufferReader(data),
        parse_options=pv.ParseOptions(delimiter=layout.delimiter),
        convert_options=pv.ConvertOptions(column_types=texts, decimal_point=layout.decimal, timestamp_parsers=[]),
    )


def _parquet(data: bytes) -> pa.Table:
    with pq.ParquetFile(pa.BufferReader(data)) as file:
        if file.metadata.num_rows * file.metadata.num_columns > CELLS_MAX:
            raise _spoilt(f"it has more than {CELLS_MAX} cells; drop it in several files")
        return file.read()


def _column(table: pa.Table, name: str) -> pa.Array:
    if name not in table.column_names:
        raise _spoilt(f"it has no column '{name}'; it has: {', '.join(table.column_names)[:300]}")
    column = table.column(name).combine_chunks()
    column.validate(full=True)
    return column


def _times(column: pa.Array, layout: Layout) -> NDArray[np.int64]:
    if column.null_count:
        raise _spoilt(f"row {1 + pc.index(column.is_null(), True).as_py()} has no time")
    moments = _moments(column, layout)
    if moments.null_count:
        row = pc.index(moments.is_null(), True).as_py()
        raise _spoilt(f"row {1 + row}: '{str(column[row])[:60]}' is no time as {layout.format} writes it")
    time_us: NDArray[np.int64] = np.asarray(moments.cast(pa.int64()))
    wrong = (time_us < 0) | (time_us >= _YEAR_9999_US)
    if wrong.any():
        raise _spoilt(f"row {1 + int(np.argmax(wrong))} has a time outside the years 1970 to 9998")
    return time_us


def _moments(column: pa.Array, layout: Layout) -> pa.Array:
    """Times in UTC, in microseconds."""
    moment, text = pa.timestamp("us"), pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if pa.types.is_timestamp(column.type):
        local = pc.cast(column, pa.timestamp("us", column.type.tz), safe=False)
    elif layout.format in _UNIX:
        numbers = np.asarray(pc.cast(column, pa.float64() if _broken(column, text=text) else pa.int64()))
        scaled = numbers.astype(np.float64) * _UNIX[layout.format]
        if not (np.abs(scaled) < 2.0**62).all():
            raise _spoilt("a time lies outside the years 1970 to 9998")
        # Whole numbers stay whole: a float has no place for every microsecond.
        whole = np.rint(scaled).astype(np.int64) if numbers.dtype.kind == "f" else numbers * _UNIX[layout.format]
        return pa.array(whole).cast(moment)
    elif not text:
        raise _spoilt(f"'{layout.time}' holds {column.type}, which is no time as {layout.format} writes it")
    elif layout.format == "iso":
        zoned = bool(pc.all(pc.match_substring_regex(column, r":.*(Z|[+-]\d\d:?(\d\d)?)$")).as_py())
        local = pc.cast(column, pa.timestamp("us", "UTC") if zoned else moment)
    else:
        local = pc.strptime(column, format=layout.format, unit="us", error_is_null=True)
    if local.type.tz is None:
        # An hour that a clock shows twice is taken for the first one.
        local = pc.assume_timezone(local, layout.zone, ambiguous="earliest", nonexistent="earliest")
    return pc.cast(local, pa.timestamp("us", "UTC"))


def _broken(column: pa.Array, *, text: bool) -> bool:
    return bool(pc.any(pc.match_substring(column, ".")).as_py()) if text else pa.types.is_floating(column.type)


def _wide(table: pa.Table, time_us: NDArray[np.int64], layout: Layout) -> Told:
    names = [field.name for field in table.schema if field.name != layout.time and _is_number(field.type)]
    if not names:
        raise _spoilt("it has no column of numbers beside its times")
    values = np.column_stack([_numbers(_column(table, name)) for name in names])
    row, column = np.nonzero(np.isfinite(values))
    return Told(names, column.astype(np.int32), time_us[row], values[row, column])


def _long(table: pa.Table, time_us: NDArray[np.int64], layout: Layout) -> Told:
    value = _column(table, layout.value)
    if not _is_number(value.type):
        raise _spoilt(f"'{layout.value}' holds {value.type}, not numbers")
    numbers = _numbers(value)
    column = pc.cast(_column(table, layout.name), pa.string())
    if column.null_count:
        raise _spoilt(f"row {1 + pc.index(column.is_null(), True).as_py()} has no name")
    names = column.dictionary_encode()
    usable = np.isfinite(numbers)
    name_of = np.asarray(names.indices).astype(np.int32)
    return Told(names.dictionary.to_pylist(), name_of[usable], time_us[usable], numbers[usable])


def _is_number(kind: pa.DataType) -> bool:
    return any(
        cast(bool, is_one(kind))
        for is_one in (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    )


def _numbers(column: pa.Array) -> NDArray[np.float64]:
    """A column as numbers; empty cells as not-a-number."""
    numbers = pc.cast(pc.cast(column, pa.int8()) if pa.types.is_boolean(column.type) else column, pa.float64(), safe=False)
    return np.asarray(pc.fill_null(numbers, float("nan")))


def _spoilt(what: str) -> Garbled:
    return Garbled("files.spoilt", f"The file cannot be read: {what}.", "Correct it, and drop it again.")
