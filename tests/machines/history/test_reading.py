from __future__ import annotations

import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchone.contracts.machines import Gap
from batchone.kernel.errors import Refused
from batchone.machines.history import segments

pytestmark = pytest.mark.engine


async def trend(rig, paths, start, end, points, tenant="t"):
    return await rig.historian.trend(tenant, paths, rig.at(start), rig.at(end), points)


async def test_few_samples_are_shown_whole(rig) -> None:
    await rig.store([rig.message([("m/x", 3, 1.5), ("m/x", 1, 2.5), ("m/y", 2, 7.0)])])
    found = await trend(rig, ["m/x", "m/z"], 0, 10, 100)
    assert found.answer == "complete"
    assert found.values == {"m/x": (2.5, 1.5), "m/z": ()}
    start = rig.start.timestamp()
    assert found.times_s == {"m/x": (start + 1, start + 3), "m/z": ()}


async def test_a_window_takes_its_start_and_leaves_its_end(rig) -> None:
    await rig.store([rig.message([("m/x", at, float(at)) for at in range(5)])])
    assert (await trend(rig, ["m/x"], 1, 3, 100)).values["m/x"] == (1.0, 2.0)


async def test_many_samples_are_thinned_and_said_to_be(rig) -> None:
    await rig.store([rig.message([("m/x", at, math.sin(at)) for at in range(1000)] + [("m/y", 1, 1.0)])])
    found = await trend(rig, ["m/x", "m/y"], 0, 1000, 50)
    assert found.answer == "downsampled"
    assert 30 < len(found.values["m/x"]) <= 50
    assert found.values["m/y"] == (1.0,)


async def test_a_spike_survives_thinning(rig) -> None:
    rows = [("m/x", at, 20.0) for at in range(1000)]
    rows[617] = ("m/x", 617, 95.0)
    await rig.store([rig.message(rows)])
    assert 95.0 in (await trend(rig, ["m/x"], 0, 1000, 20)).values["m/x"]


async def test_the_first_and_last_sample_survive_thinning(rig) -> None:
    await rig.store([rig.message([("m/x", at, float(abs(at - 500) % 499)) for at in range(1000)])])
    found = await trend(rig, ["m/x"], 0, 1000, 4)
    zero = rig.start.timestamp()
    assert [time - zero for time in found.times_s["m/x"]] == [0.0, 1.0, 998.0, 999.0]
    assert [found.values["m/x"][0], found.values["m/x"][-1]] == [1.0, 0.0]


async def test_bad_samples_and_what_is_no_number_are_not_drawn(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0), ("m/x", 2, math.nan), ("m/x", 3, math.inf)])])
    await rig.store([rig.message([("m/x", 4, 4.0)], quality=2), rig.message([("m/x", 5, 5.0)], quality=1)])
    assert (await trend(rig, ["m/x"], 0, 10, 100)).values["m/x"] == (1.0, 5.0)
    assert len(await rig.everything()) == 5


async def test_nothing_there_is_said_to_be_missing(rig) -> None:
    assert (await trend(rig, ["m/x"], 0, 10, 100)).answer == "missing"
    await rig.store([rig.message([("m/x", 1, 1.0)])])
    for path, start in (("m/x", 5), ("m/y", 0)):
        found = await trend(rig, [path], start, 10, 100)
        assert (found.answer, found.gaps) == ("missing", (Gap("none", path),))


async def test_a_signal_without_samples_does_not_spoil_the_answer_for_others(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0)])])
    found = await trend(rig, ["m/x", "m/y"], 0, 10, 100)
    assert (found.answer, found.gaps) == ("complete", (Gap("none", "m/y"),))


async def test_only_what_is_wanted_is_read_of_a_file(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_ROW_GROUP", 100)
    await rig.store([rig.message([(f"m/{at:02d}", at, float(second)) for at in range(20) for second in range(100)])])
    for pack in (False, True):
        if pack:
            await rig.compact()
        (file,) = rig.on_disk()
        _spoil(rig.root / file, but={7, 12})
        found = await trend(rig, ["m/07", "m/12"], 0, 100, 200)
        assert (found.answer, len(found.values["m/07"]), len(found.values["m/12"])) == ("complete", 100, 100)
        assert (await trend(rig, ["m/08"], 0, 100, 200)).gaps == (Gap("lost", file), Gap("none", "m/08"))
        _spoil(rig.root / file, but=set(range(20)))


def _spoil(file: Path, but: set[int], saved: dict[Path, bytes] = {}) -> None:  # noqa: B006 - what the file was before
    """Overwrite the columns of all row groups but some; those of all, to make it whole again."""
    whole = bytearray(saved.setdefault(file, file.read_bytes()))
    footer = pq.ParquetFile(file).metadata
    for group in {*range(footer.num_row_groups)} - but:
        for each in range(footer.num_columns):
            column = footer.row_group(group).column(each)
            at = column.dictionary_page_offset or column.data_page_offset
            whole[at : at + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    file.write_bytes(whole)


async def test_a_lost_segment_is_missing_and_the_others_are_shown(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0)])])
    (file,) = rig.on_disk()
    await rig.store([rig.message([("m/x", 2, 2.0)])])
    (rig.root / file).unlink()
    found = await trend(rig, ["m/x"], 0, 10, 100)
    assert (found.answer, found.values["m/x"]) == ("missing", (2.0,))
    assert found.gaps == (Gap("lost", file),)


async def test_a_damaged_segment_is_missing_and_the_others_are_shown(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0)])])
    (file,) = rig.on_disk()
    await rig.store([rig.message([("m/x", 2, 2.0)])])
    (rig.root / file).write_bytes(b"PAR1 damaged PAR1")
    found = await trend(rig, ["m/x"], 0, 10, 100)
    assert (found.answer, found.values["m/x"]) == ("missing", (2.0,))
    assert found.gaps == (Gap("lost", file),)


async def test_another_tenants_samples_are_not_shown(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0)], tenant="u")])
    assert (await trend(rig, ["m/x"], 0, 10, 100)).values["m/x"] == ()


async def test_a_path_with_a_quote_is_only_a_path(rig) -> None:
    await rig.store([rig.message([("m/o'x", 1, 1.0)])])
    assert (await trend(rig, ["m/o'x", "'; DROP"], 0, 10, 100)).values["m/o'x"] == (1.0,)


async def test_reading_rows_of_some_paths(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0), ("m/y", 1, 2.0)])])
    table = await rig.historian.read("t", ["m/y"], rig.at(0), rig.at(10))
    assert table["path"].to_pylist() == ["m/y"]
    assert (await rig.historian.read("t", ["m/y"], rig.at(5), rig.at(10))).num_rows == 0


async def test_plain_and_packed_segments_are_read_as_one(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.5), ("m/x", 1.000001, math.nan), ("m/y", -86400, 0.1 + 0.2)], quality=1)])
    before = await rig.historian.read("t", None, rig.at(-99999), rig.at(99))
    await rig.compact()
    assert all(segment.packed for segment in await rig.catalogue.overlapping("t", rig.at(-99999), rig.at(99)))
    after = await rig.historian.read("t", None, rig.at(-99999), rig.at(99))
    assert str(after.to_pylist()) == str(before.to_pylist())
    await rig.store([rig.message([("m/x", 2, 2.5), ("m/x", 3, 3.5)])])
    assert (await trend(rig, ["m/x"], 0, 10, 100)).values["m/x"] == (1.5, 2.5, 3.5)
    assert (await trend(rig, ["m/x"], 2, 3, 100)).values["m/x"] == (2.5,)
    assert [name for name, *_ in await rig.everything()] == ["m/x", "m/x", "m/x", "m/x", "m/y"]


async def test_an_impossible_window_is_refused(rig) -> None:
    with pytest.raises(Refused, match="no length"):
        await trend(rig, ["m/x"], 10, 10, 100)


TENANT = iter(range(10**6))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.lists(st.tuples(st.integers(0, 300), st.integers(-3, 3)), min_size=1, max_size=120), min_size=1, max_size=3
    ),
    start=st.integers(0, 150), length=st.integers(1, 300), points=st.integers(4, 60),
    packed=st.integers(0, 3),
)  # fmt: skip
async def test_a_trend_never_invents_a_sample(rig, parts, start, length, points, packed) -> None:
    tenant = f"t{next(TENANT)}"
    for at, rows in enumerate(parts):
        named = [("m/x", seconds, float(value)) for seconds, value in rows]
        await rig.store([rig.message(named, tenant=tenant, batch=str(at))])
        if at == packed:
            await rig.compact()
    stored = sorted({(float(t), float(v)) for rows in parts for t, v in rows if start <= t < start + length})
    found = await trend(rig, ["m/x"], start, start + length, points, tenant)
    zero = rig.start.timestamp()
    shown = [(round(t - zero, 3), v) for t, v in zip(found.times_s["m/x"], found.values["m/x"], strict=True)]
    assert set(shown) <= set(stored)
    assert shown == sorted(shown)
    assert len(shown) == len(set(shown)) <= points
    if found.answer == "complete":
        assert shown == stored
    if stored:
        values = [value for _, value in stored]
        assert {stored[0][0], stored[-1][0]} <= {time for time, _ in shown}
        assert (min(values), max(values)) == (min(v for _, v in shown), max(v for _, v in shown))
    else:
        assert found.answer == "missing"
