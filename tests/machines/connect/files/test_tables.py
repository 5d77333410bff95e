"""Dropped files as columns: examples that a person can check by hand, and any bytes at all."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.connect.driver import Garbled
from batchone.machines.connect.files.tables import KINDS, Told, layout_of, read


def rows(told: Told) -> list[tuple[str, str, float]]:
    return [
        (told.names[name], columns.from_us(time).isoformat(), value)
        for name, time, value in zip(told.name_of, told.time_us, told.value.tolist(), strict=True)
    ]


def csv(text: str, **settings: str) -> list[tuple[str, str, float]]:
    return rows(read(text.encode(), ".csv", layout_of(settings)))


def parquet(table: dict[str, pa.Array]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(table), out)
    return out.getvalue()


def test_a_wide_file_has_a_column_for_each_signal_and_empty_cells_are_no_samples() -> None:
    assert csv("time,torque,note,ok\n2024-03-01T08:00:00Z,1.5,warm,true\n2024-03-01 08:00:01.25Z,,,false\n") == [
        ("torque", "2024-03-01T08:00:00+00:00", 1.5), ("ok", "2024-03-01T08:00:00+00:00", 1.0),
        ("ok", "2024-03-01T08:00:01.250000+00:00", 0.0),
    ]  # fmt: skip


def test_a_long_file_has_a_row_for_each_sample() -> None:
    told = csv(
        "when;tag;v\n5;a;1,5\n6;b;2\n7;a;nan\n", time="when", name="tag", value="v", format="s", delimiter=";", decimal=","
    )
    assert told == [("a", "1970-01-01T00:00:05+00:00", 1.5), ("b", "1970-01-01T00:00:06+00:00", 2.0)]


@pytest.mark.parametrize(
    ("text", "said", "moment"),
    [
        ("2024-07-01 12:00:00", {"zone": "Europe/Berlin"}, "2024-07-01T10:00:00+00:00"),
        ("2024-07-01T12:00:00+08:00", {"zone": "Europe/Berlin"}, "2024-07-01T04:00:00+00:00"),
        ("2024-07-01", {}, "2024-07-01T00:00:00+00:00"),
        ("2024-10-27 02:30:00", {"zone": "Europe/Berlin"}, "2024-10-27T00:30:00+00:00"),
        ("01.07.2024 12:00:00", {"format": "%d.%m.%Y %H:%M:%S", "zone": "Asia/Shanghai"}, "2024-07-01T04:00:00+00:00"),
        ("1700000000123456", {"format": "us"}, "2023-11-14T22:13:20.123456+00:00"),
        ("1700000000.5", {"format": "s"}, "2023-11-14T22:13:20.500000+00:00"),
        ("1700000000123", {"format": "ms"}, "2023-11-14T22:13:20.123000+00:00"),
    ],
)
def test_times_as_people_and_machines_write_them(text: str, said: dict[str, str], moment: str) -> None:
    assert csv(f"time,p\n{text},1\n", **said) == [("p", moment, 1.0)]


@pytest.mark.parametrize(
    ("text", "said", "what"),
    [
        ("t,p\n1,1\n", {}, "it has no column 'time'; it has: t, p"),
        ("time,p\n2024-01-01,1\n,2\n", {}, "''"),
        ("time,p\n2024-01-01,1\nsoon,2\n", {}, "soon"),
        ("time,p\n31.31.2024,1\n", {"format": "%d.%m.%Y"}, "row 1: '31.31.2024' is no time"),
        ("time,p\n1600-01-01,1\n", {}, "row 1 has a time outside the years 1970 to 9998"),
        ("time,p\n1e300,1\n", {"format": "s"}, "row 1|outside|1e300"),
        ("time,p,p\n2024-01-01,1,2\n", {}, "the column 'p' is there twice"),
        ("time,p\n2024-01-01,1,3\n", {}, "Expected 2 columns, got 3"),
        ("time,p\n2024-01-01,warm\n", {}, "no column of numbers"),
        ("time,name,value\n2024-01-01,a,warm\n", {"name": "name"}, "'value' holds string, not numbers"),
        ("", {}, "[Ee]mpty"),
    ],
)
def test_a_spoilt_file_is_told_with_what_is_wrong(text: str, said: dict[str, str], what: str) -> None:
    with pytest.raises(Garbled, match=what):
        csv(text, **said)


def test_parquet_brings_its_own_types() -> None:
    moment = pa.array([1_719_835_200 * 10**9], pa.timestamp("ns"))
    data = parquet({"time": moment, "p": pa.array([7], pa.int16()), "text": pa.array(["warm"])})
    told = read(data, ".parquet", layout_of({"zone": "Europe/Berlin"}))
    assert rows(told) == [("p", "2024-07-01T10:00:00+00:00", 7.0)]
    with pytest.raises(Garbled, match="cannot be read"):
        read(data[:-20], ".parquet", layout_of({}))


def test_a_file_of_more_cells_than_memory_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchone.machines.connect.files.tables.CELLS_MAX", 1_000)
    with pytest.raises(Garbled, match="in several files"):
        read(parquet({"time": pa.array(range(1_001)), "p": pa.array(range(1_001))}), ".parquet", layout_of({"format": "s"}))


@pytest.mark.parametrize(
    ("said", "what"),
    [({"speed": "1"}, "no setting speed"), ({"zone": "Mars/Base"}, "no time zone"), ({"zone": "../etc"}, "no time zone"),
     ({"format": "early"}, "no format"), ({"delimiter": ""}, "one character"), ({"delimiter": "\n"}, "one character"),
     ({"every": "0 s"}, "not positive"), ({"every": "soon"}, "not a quantity")],
)  # fmt: skip
def test_settings_that_nobody_can_read_by_are_refused(said: dict[str, str], what: str) -> None:
    with pytest.raises(Refused, match=what):
        layout_of(said)


SOUND = parquet({"time": pa.array(range(20)), "p": pa.array(np.arange(20) / 3)})


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.binary(max_size=300), st.text("time,\n\r\";0123456789.eE+-:TZnaif'\\", max_size=120).map(str.encode)),
    st.sampled_from(KINDS),
    st.sampled_from([{}, {"format": "s"}, {"format": "us"}, {"format": "%H:%M"}, {"name": "n", "delimiter": ";"}]),
)
def test_no_bytes_break_it(data: bytes, kind: str, said: dict[str, str]) -> None:
    for body in (data, b"time,n,value\n" + data):
        try:
            told = read(body, kind, layout_of(said))
        except Garbled:
            continue
        assert np.isfinite(told.value).all()
        assert len(told.value) == len(told.time_us) == len(told.name_of)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SOUND) - 1), st.binary(min_size=1, max_size=8))
def test_no_spoilt_place_in_a_parquet_file_breaks_it(at: int, spoilt: bytes) -> None:
    try:
        told = read(SOUND[:at] + spoilt + SOUND[at + len(spoilt) :], ".parquet", layout_of({"format": "s"}))
    except Garbled:
        return
    assert len(told.value) <= 20


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4_000_000_000_000_000), st.floats(allow_nan=False, allow_infinity=False)), min_size=1))
def test_what_was_written_is_what_is_read_in_both_kinds(samples: list[tuple[int, float]]) -> None:
    text = "time,p\n" + "".join(f"{time},{value!r}\n" for time, value in samples)
    times, values = zip(*samples, strict=True)
    packed = parquet({"time": pa.array(times, pa.int64()), "p": pa.array(values, pa.float64())})
    for data, kind in ((text.encode(), ".csv"), (packed, ".parquet")):
        told = read(data, kind, layout_of({"format": "us"}))
        assert (told.time_us.tolist(), told.value.tolist()) == (list(times), list(values))
