"""Bytes on the bus that may be anything are a batch or refused, and whoever takes a batch can look at all of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.kernel.errors import Refused
from batchone.machines import columns

ROWS = 4
SOUND = columns.to_bytes(
    columns.to_batch(("m/x", "m/y"), [0, 1] * ROWS, range(2 * ROWS), 0, [1.0, float("nan")] * ROWS, [0, 2] * ROWS), "works.c-1"
)
LARGE = columns.to_bytes(columns.to_batch(("m/x",), [0] * 3000, range(3000), 0, [1.5] * 3000, [0] * 3000), "works.c-2")


def _looked_at(data: bytes) -> None:
    try:
        batch = columns.from_bytes(data)
    except Refused:
        return
    names = len(batch.column("path").dictionary)
    assert all(0 <= code < names for code in columns.codes_of(batch).tolist())
    assert len(columns.times_us(batch)) == len(columns.values_of(batch)) == len(columns.qualities_of(batch)) == batch.num_rows
    columns.id_of(batch)
    columns.paths_of(batch)
    columns.compact(batch)
    columns.concat([batch, columns.from_bytes(SOUND)])


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([SOUND, LARGE]), st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=6))
def test_a_spoilt_batch_is_a_batch_or_refused(whole: bytes, flips: list[tuple[int, int]]) -> None:
    data = bytearray(whole)
    for at, value in flips:
        data[at % len(data)] ^= value
    _looked_at(bytes(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(SOUND)), st.integers(0, 40))
def test_a_batch_that_is_cut_or_has_anything_in_it_is_a_batch_or_refused(data: bytes, at: int, cut: int) -> None:
    _looked_at(data)
    _looked_at(SOUND[:at] + data + SOUND[at + cut :])


def test_a_batch_of_which_the_end_is_missing_is_refused_wherever_it_was_cut() -> None:
    end = len(SOUND) - len(columns.to_bytes(columns.empty())) % 8 - 8  # only the mark of the end of the stream follows
    for at in range(end):
        with pytest.raises(Refused):
            columns.from_bytes(SOUND[:at])
