from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.machines import columns
from batchone.machines.history.packing import UNTIL, pack, unpack
from batchone.machines.history.segments import SegmentFiles, sorted_unique

VALUES = st.one_of(
    st.floats(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**40), 2**40).map(float),
    st.integers(-9999, 9999).map(lambda tenths: tenths / 10), st.integers(-9999, 9999).map(lambda each: each / 1e6),
    st.sampled_from([0.0, -0.0, 0.1 + 0.2, 1e300, 5e-324, math.nan, math.inf, -math.inf, 2.0**31, -(2.0**31), 2**31 / 10]),
)  # fmt: skip
LAST_US = columns.to_us(UNTIL) - 1
TIMES = st.one_of(st.integers(0, LAST_US), st.integers(0, LAST_US // 1000).map(lambda ms: ms * 1000))
ARRIVALS = st.one_of(TIMES, st.integers(-(10**15), 10**15))
ROWS = st.lists(st.tuples(st.integers(0, 3), TIMES, ARRIVALS, VALUES, st.integers(0, 2)), min_size=1, max_size=40)


def batch(rows: list[tuple[int, int, int, float, int]]):
    path_of, source, received, value, quality = zip(*sorted(rows, key=lambda row: row[:2]), strict=True)
    return columns.to_batch([f"m/{at}" for at in range(4)], path_of, source, received, value, quality)


def bits(values: np.ndarray) -> list[int]:
    """Tells minus zero from zero, and takes every not-a-number for the same."""
    return np.where(np.isnan(values), np.nan, values).view(np.int64).tolist()


def assert_same(one, other) -> None:
    assert one.schema.equals(other.schema)
    assert one.column("path").to_pylist() == other.column("path").to_pylist()
    for column in ("source_time", "received_time"):
        assert columns.times_us(one, column).tolist() == columns.times_us(other, column).tolist()
    assert bits(columns.values_of(one)) == bits(columns.values_of(other))
    assert columns.qualities_of(one).tolist() == columns.qualities_of(other).tolist()


@settings(max_examples=400, deadline=None)
@given(ROWS)
def test_what_was_packed_is_unpacked_to_the_last_bit(rows) -> None:
    made = batch(rows)
    assert_same(unpack(pack(made)), made)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_a_packed_file_reads_back_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory, rows) -> None:
    files = SegmentFiles(tmp_path_factory.mktemp("packed"), lambda: "S1", lambda: 0.0)
    made = sorted_unique([batch(rows)])
    segment = files.write("t", date(2026, 3, 2), made, packed=True)
    assert segment.packed
    assert_same(files.read(segment), made)


def test_what_an_instrument_tells_is_stored_in_its_few_digits() -> None:
    times = list(range(0, 6_000_000, 1_000_000))
    values = [20.1, 20.2, 21.0, 19.95, math.pi, math.nan]
    packed = pack(columns.to_batch(("m/x",), [0] * 6, times, times, values, [0] * 6))
    assert packed["digits"].to_pylist() == [2010, 2020, 2100, 1995, None, None]
    assert set(packed["scale"].to_pylist()) == {100.0}
    assert packed["value"].to_pylist()[:5] == [None, None, None, None, math.pi]


def test_one_signal_in_microseconds_does_not_spoil_the_others() -> None:
    source = [1_000_000, 2_000_000, 1_000_001, 2_000_000]
    received = [at // 1000 * 1000 + 7000 for at in source]
    packed = pack(columns.to_batch(("m/x", "m/y"), [0, 0, 1, 1], source, received, [1.0] * 4, [0] * 4))
    assert packed["unit_us"].to_pylist() == [1000, 1000, 1, 1]
    assert packed["lag"].to_pylist() == [7] * 4


def test_what_is_later_than_the_shape_can_say_stays_as_it_is(tmp_path: Path) -> None:
    files = SegmentFiles(tmp_path, lambda: "S1", lambda: 0.0)
    made = columns.to_batch(("m/x",), [0], [LAST_US + 1], 0, [1.0], [0])
    segment = files.write("t", date(2106, 2, 7), made, packed=True)
    assert (segment.packed, segment.can_be_packed) == (False, False)
    assert_same(files.read(segment), made)


def test_packed_files_are_less_than_half_as_large(tmp_path: Path) -> None:
    chance, rows = np.random.default_rng(1), 200_000
    source = np.arange(rows) % 20_000 * 1_000_000 + 1000 * chance.integers(0, 20, rows)
    received = source + 1000 * chance.integers(2, 30, rows)
    values = np.round(50 + np.cumsum(chance.normal(0, 0.1, rows)), 1)
    made = columns.to_batch([f"m/{at}" for at in range(10)], np.arange(rows) // 20_000, source, received, values, [0] * rows)
    names = iter(("plain", "packed"))
    files = SegmentFiles(tmp_path, lambda: next(names), lambda: 0.0)
    plain, packed = (files.write("t", date(2026, 3, 2), made, packed=each) for each in (False, True))
    assert packed.bytes < plain.bytes / 2
    assert pq.ParquetFile(tmp_path / packed.file).metadata.num_rows == rows
