from __future__ import annotations

import errno
import math
import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.history.segments import SegmentFiles, by_day, sorted_unique

DAY_US = 86_400_000_000
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["b/x", "a/x", "a/P01/x"]), st.integers(0, 5), st.sampled_from([0.0, 1.5, math.nan]),
        st.integers(0, 2), st.integers(0, 3),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


def batch(rows: list[tuple[str, int, float, int, int]]) -> object:
    paths = list(dict.fromkeys(row[0] for row in rows))
    return columns.to_batch(
        paths, [paths.index(r[0]) for r in rows], [r[1] for r in rows], [r[4] for r in rows],
        [r[2] for r in rows], [r[3] for r in rows],
    )  # fmt: skip


def key(value: float) -> float:
    return 99.0 if math.isnan(value) else value


@settings(deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_rows_are_sorted_and_each_stands_once_in_its_best_quality(parts: list[list[tuple[str, int, float, int, int]]]) -> None:
    result = sorted_unique([batch(rows) for rows in parts])
    assert result.schema.equals(columns.SAMPLE_SCHEMA)
    names = result.column("path").to_pylist()
    found = list(
        zip(
            names, columns.times_us(result).tolist(), columns.values_of(result).tolist(),
            columns.qualities_of(result).tolist(), columns.times_us(result, "received_time").tolist(), strict=True,
        )
    )  # fmt: skip
    best: dict[tuple[str, int, float], tuple[int, int]] = {}
    for path, time, value, quality, received in (row for rows in parts for row in rows):
        place = (path, time, key(value))
        best[place] = min(best.get(place, (9, 9)), (quality, received))
    assert [(p, t) for p, t, *_ in found] == sorted((p, t) for p, t, _ in best)
    assert {(p, t, key(v)): (q, r) for p, t, v, q, r in found} == best
    assert len(found) == len(best)


def test_times_that_are_ages_apart_are_sorted_as_well() -> None:
    rows = [(f"{name}/x", time, 1.0, 0, 0) for name in "dcba" for time in (1 << 62, 0, 1 << 61)]
    result = sorted_unique([batch(rows)])
    assert result.column("path").to_pylist() == [f"{name}/x" for name in "abcd" for _ in range(3)]
    assert columns.times_us(result).tolist() == [0, 1 << 61, 1 << 62] * 4


def test_a_backlog_of_many_days_makes_few_files() -> None:
    rows = [("a/x", day * DAY_US + 1, 1.0, 0, 0) for day in range(30)]
    parts = by_day(sorted_unique([batch(rows)]))
    assert [day for day, _ in parts] == [date(1970, 1, day) for day in range(24, 31)]
    assert [part.num_rows for _, part in parts] == [24, 1, 1, 1, 1, 1, 1]


def test_a_written_segment_reads_back_the_same(tmp_path: Path) -> None:
    files = SegmentFiles(tmp_path, lambda: "S1", lambda: 0.0)
    rows = sorted_unique([batch([("b/x", 5, 1.5, 0, 1), ("a/x", 7, math.nan, 2, 3)])])
    segment = files.write("t", date(2026, 3, 2), rows)
    assert (segment.rows, segment.paths, segment.file) == (2, 2, "t/standard/2026-03-02/S1.parquet")
    assert (columns.to_us(segment.first), columns.to_us(segment.last)) == (5, 7)
    assert files.read(segment).column("path").to_pylist() == ["a/x", "b/x"]
    assert columns.times_us(files.read(segment), "received_time").tolist() == [3, 1]


def test_a_full_disk_means_try_later_and_leaves_nothing_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = SegmentFiles(tmp_path, lambda: "S1", lambda: 2e9)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (tmp_path / "t/standard/2026-03-02").mkdir(parents=True)
    with pytest.raises(TryLater, match="No space left"):
        files.write("t", date(2026, 3, 2), sorted_unique([batch([("a/x", 5, 1.5, 0, 1)])]))
    assert list(tmp_path.rglob("*.parquet")) == []
    assert files.strays(0) == ["t/standard/2026-03-02/S1.part"]


def test_a_file_is_no_stray_until_the_catalogue_has_spoken(tmp_path: Path) -> None:
    files = SegmentFiles(tmp_path, lambda: "S1", lambda: 2e9)
    segment = files.write("t", date(2026, 3, 2), sorted_unique([batch([("a/x", 5, 1.5, 0, 1)])]))
    assert files.strays(0) == []
    files.settle([segment])
    assert files.strays(0) == [segment.file]
    assert files.strays(1e9) == []
