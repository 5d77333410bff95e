"""The packed shape of merged segments: the same samples in columns that differ little from row to row.

A file in the packed shape has one row for each sample, sorted by path and source time, and every number in it is exact:

- source time = `second` · 1 000 000 + `part` · `unit_us`, in microseconds since 1970;
- received time = the source time, cut down to a multiple of `lag_unit_us`, + `lag` · `lag_unit_us`;
- value = `value` where that is given, else `digits` / `scale`;
- `path` and `quality` as they are.

Why: whole seconds advance evenly, the parts of a signal's seconds are alike, a sample is under way for a few milliseconds, and
what an instrument tells is a decimal number of few digits (the last is the idea of ALP, Afroozeh et al. 2023). So a sample
costs less than half of what it does in the plain shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from batchone.machines import columns

_SECOND_US, _MILLISECOND_US = 1_000_000, 1_000
UNTIL = columns.from_us((1 << 32) * _SECOND_US)
"""In February 2106 the seconds do not fit any more: what is as late stays as it is."""
_PLACES_MAX = 6
_DIGITS_MAX = 2**31 - 1
OPTIONS: dict[str, Any] = {
    "compression": "zstd", "use_dictionary": ["path", "quality", "unit_us", "lag_unit_us", "scale"],
    "column_encoding": {
        "second": "DELTA_BINARY_PACKED", "part": "BYTE_STREAM_SPLIT", "lag": "BYTE_STREAM_SPLIT",
        "digits": "DELTA_BINARY_PACKED", "value": "BYTE_STREAM_SPLIT",
    },
}  # fmt: skip
"""How `pyarrow.parquet` writes the shape."""


def pack(batch: pa.RecordBatch) -> pa.Table:
    """Samples in the packed shape: at least one, sorted by path, from before `UNTIL`."""
    source, received = columns.times_us(batch), columns.times_us(batch, "received_time")
    starts = _starts(columns.codes_of(batch))
    unit = _unit_us(source, starts)
    lag_unit = _unit_us(received, starts)
    second, below = np.divmod(source, _SECOND_US)
    digits, scale = _decimals(columns.values_of(batch), starts)
    return pa.table(
        {
            "path": batch.column("path"),
            "second": second.astype(np.uint32),
            "part": (below // unit).astype(np.int32),
            "unit_us": unit.astype(np.int32),
            "lag": (received - source + source % lag_unit) // lag_unit,
            "lag_unit_us": lag_unit.astype(np.int32),
            "digits": digits,
            "scale": scale,
            "value": pc.if_else(digits.is_valid(), pa.scalar(None, pa.float64()), batch.column("value")),
            "quality": batch.column("quality"),
        }
    )


def unpack(table: pa.Table) -> pa.RecordBatch:
    """The samples that `pack` was given."""
    of = {name: table[name].combine_chunks() for name in table.column_names}
    part, unit = np.asarray(of["part"], np.int64), np.asarray(of["unit_us"], np.int64)
    source = np.asarray(of["second"], np.int64) * _SECOND_US + part * unit
    lag, lag_unit = np.asarray(of["lag"], np.int64), np.asarray(of["lag_unit_us"], np.int64)
    value = pc.coalesce(of["value"], pc.divide(of["digits"].cast(pa.float64()), of["scale"]))
    path = of["path"]
    return columns.to_batch(
        path.dictionary.to_pylist(), np.asarray(path.indices), source, source - source % lag_unit + lag * lag_unit,
        np.asarray(value), np.asarray(of["quality"]),
    )  # fmt: skip


def _starts(code: NDArray[np.int32]) -> NDArray[np.int64]:
    """Where the rows of each path begin."""
    return np.concatenate(([0], np.flatnonzero(np.diff(code)) + 1))


def _over_paths(each: NDArray[Any], starts: NDArray[np.int64], rows: int) -> NDArray[Any]:
    return np.repeat(each, np.diff(np.append(starts, rows)))


def _unit_us(times: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """A millisecond for every row of a path whose times are all whole milliseconds, else a microsecond."""
    whole = np.logical_and.reduceat(times % _MILLISECOND_US == 0, starts)
    return _over_paths(np.where(whole, _MILLISECOND_US, 1), starts, len(times))


def _decimals(values: NDArray[np.float64], starts: NDArray[np.int64]) -> tuple[pa.Array, NDArray[np.float64]]:
    """Whole numbers and the power of ten by which to divide each to get its value exactly; null where there is none.

    A path's values share one power, the least that suits all which have any, so that neighbours differ little.
    """
    places = np.full(len(values), -1, np.int8)
    open_ = np.arange(len(values))
    for count in range(_PLACES_MAX + 1):
        exact = _exact(values[open_], 10.0**count)
        places[open_[exact]] = count
        open_ = open_[~exact]
        if not len(open_):
            break
    scale = 10.0 ** _over_paths(np.maximum.reduceat(np.maximum(places, 0), starts), starts, len(values))
    fits = _exact(values, scale)
    digits = np.rint(np.where(fits, values, 0.0) * scale)
    return pa.array(digits.astype(np.int32), mask=~fits), scale


def _exact(values: NDArray[np.float64], scale: NDArray[np.float64] | float) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore", over="ignore"):
        digits = np.rint(values * scale)
        fits = (np.abs(digits) <= _DIGITS_MAX) & (digits / scale == values)
    # Minus zero is a value of its own, and no whole number.
    found: NDArray[np.bool_] = fits & ~((digits == 0) & np.signbit(values))
    return found
