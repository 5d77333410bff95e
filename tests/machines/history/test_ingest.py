from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchone.kernel.bus import Message
from batchone.kernel.errors import Refused, TryLater
from batchone.machines import columns
from batchone.machines.history.ingest import Ingest, decode
from batchone.machines.history.segments import sorted_unique

pytestmark = pytest.mark.engine


async def test_a_batch_can_be_read_once_its_handler_has_returned(rig) -> None:
    await rig.ingest.handle([rig.message([("m/x", 1, 10.0), ("m/x", 2, 11.0), ("m/y", 1, 5.0)])])
    assert await rig.everything() == [("m/x", 1, 10.0), ("m/x", 2, 11.0), ("m/y", 1, 5.0)]


async def test_the_same_batch_again_is_dropped_and_counted(rig) -> None:
    message = rig.message([("m/x", 1, 10.0), ("m/x", 2, 11.0)], batch="B-1")
    await rig.ingest.handle([message, message])
    await rig.ingest.handle([message])
    assert (await rig.historian.stats("t")).samples == 2
    await rig.sealer.seal_all()
    await rig.store([message])
    stats = await rig.historian.stats("t")
    assert (stats.samples, stats.segments, stats.duplicates) == (2, 1, 4)


async def test_two_batches_of_one_id_in_different_tenants_are_two_batches(rig) -> None:
    await rig.ingest.handle([rig.message([("m/x", 1, 1.0)], tenant=tenant, batch="B-1") for tenant in ("t", "u")])
    assert await rig.everything("t") == await rig.everything("u") == [("m/x", 1, 1.0)]


async def test_one_sample_in_two_batches_is_read_once(rig) -> None:
    await rig.ingest.handle([rig.message([("m/x", 1, 1.0)], batch="B-1")])
    await rig.ingest.handle([rig.message([("m/x", 1, 1.0), ("m/x", 2, 1.0)], batch="B-2")])
    assert await rig.everything() == [("m/x", 1, 1.0), ("m/x", 2, 1.0)]


async def test_late_samples_go_to_their_own_day(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0), ("m/x", -86400, 0.5)])])
    assert {file.split("/")[2] for file in rig.on_disk()} == {"2026-03-01", "2026-03-02"}
    assert await rig.everything() == [("m/x", -86400, 0.5), ("m/x", 1, 1.0)]


async def test_a_message_that_is_no_batch_is_kept_and_does_not_stop_the_others(rig, digest: Callable[[bytes], str]) -> None:
    garbage = Message("samples.t.c1", b"\xff\xfenot arrow")
    far = Message("samples.t.c1", columns.to_bytes(columns.to_batch(("m/x",), (0,), (1 << 60,), 0, (1.0,), (0,))))
    nobody = Message("samples.../etc.c1", far.data)
    await rig.ingest.handle([garbage, far, nobody, rig.message([("m/x", 1, 1.0)])])
    await rig.ingest.handle([garbage])
    assert await rig.everything() == [("m/x", 1, 1.0)]
    async with rig.database.transaction() as tx:
        rows = await tx.all("SELECT digest, times, data FROM history.refused ORDER BY times DESC, subject")
    assert (rows[0]["digest"], rows[0]["times"], bytes(rows[0]["data"])) == (digest(garbage.data), 2, garbage.data)
    assert [row["times"] for row in rows] == [2, 1, 1]


def test_a_batch_with_a_nameless_sample_is_refused() -> None:
    batch = columns.to_batch(("m/x",), (0,), (1,), 0, (1.0,), (0,))
    nameless = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.array([None], pa.string()))
    batch = pa.RecordBatch.from_arrays([nameless, *batch.columns[1:]], schema=columns.SAMPLE_SCHEMA)
    with pytest.raises(Refused, match="null"):
        decode(Message("samples.t.c", columns.to_bytes(batch)))


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 3),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(0, 9),
)  # fmt: skip
def test_a_damaged_message_is_a_batch_or_refused_and_nothing_else(cut: int, flips: list[tuple[int, int]], rows: int) -> None:
    whole = columns.to_bytes(
        columns.to_batch(("m/x", "m/y"), [0, 1] * rows, range(2 * rows), 0, [1.0] * 2 * rows, [0] * 2 * rows), "B"
    )
    data = bytearray(whole[: len(whole) - cut * 50])
    for at, value in flips:
        data[at % len(data)] ^= value
    try:
        (_, name), batch = decode(Message("samples.t.c", bytes(data)))
    except Refused:
        return
    assert name
    assert "\0" not in name
    assert sorted_unique([batch]).num_rows <= batch.num_rows


async def test_a_stored_file_is_kept_because_the_catalogue_names_it(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0)])])
    assert len(rig.files.strays(0)) == 1  # old enough to be asked about
    await rig.keeper(stray_s=0).tidy()
    assert await rig.everything() == [("m/x", 1, 1.0)]


async def test_a_batch_without_samples_makes_no_segment(rig) -> None:
    await rig.ingest.handle([rig.message([])])
    assert rig.on_disk() == set()


async def test_a_small_flush_rests_but_one_of_all_that_is_taken_at_once_does_not(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", rest)
    ingest = Ingest(rig.database, rig.journals, flush_s=60, full=2)
    await ingest.handle([rig.message([("m/x", at, 1.0)]) for at in (2, 3)])
    assert rests == []
    await ingest.handle([rig.message([("m/x", 1, 1.0)])])
    assert 0 < rests[0] <= 60


async def test_a_crash_between_file_and_catalogue_leaves_a_stray_that_is_removed(rig) -> None:
    message = rig.message([("m/x", 1, 1.0)])
    await rig.ingest.store([message])
    await _crash_before_commit(rig)
    assert {file.rsplit(".", 1)[1] for file in rig.on_disk()} == {"journal", "parquet"}
    assert await rig.everything() == [("m/x", 1, 1.0)]
    await rig.keeper(stray_s=0).tidy()
    assert {file.rsplit(".", 1)[1] for file in rig.on_disk()} == {"journal"}
    await rig.sealer.seal()
    await rig.keeper(stray_s=0).tidy()
    assert {file.rsplit(".", 1)[1] for file in rig.on_disk()} == {"parquet"}
    assert await rig.everything() == [("m/x", 1, 1.0)]


async def _crash_before_commit(rig) -> None:
    async def crash(*_: object) -> None:
        raise TryLater("test.crash", "The process died.")

    rig.sealer._commit = crash
    with contextlib.suppress(TryLater):
        await rig.sealer.seal_all()
    rig.restart()


TENANT = itertools.count()
SAMPLE = st.tuples(st.sampled_from(["m/x", "m/P01/y"]), st.integers(-90_000, 90_000), st.sampled_from([0.0, 1.0]))
DELIVERY = st.tuples(
    st.lists(st.integers(0, 7), min_size=1, max_size=4),
    st.sampled_from(["well", "well", "unsealed", "half sealed", "after", "cut", "tidy"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.lists(SAMPLE, min_size=1, max_size=6), min_size=1, max_size=8),
    deliveries=st.lists(DELIVERY, max_size=8),
)  # fmt: skip
async def test_whatever_is_repeated_reordered_or_cut_off_each_sample_is_stored_once(rig, batches, deliveries) -> None:
    tenant = f"p{next(TENANT)}"
    messages = [rig.message(rows, tenant=tenant, batch=f"B-{at}") for at, rows in enumerate(batches)]
    unacknowledged = set(range(len(messages)))

    async def stored_once() -> None:
        there = {at for at in range(len(messages)) if at not in unacknowledged}
        wanted = {(path, float(at), value) for each in there for path, at, value in batches[each]}
        found = await rig.everything(tenant)
        assert len(found) == len(set(found))
        assert wanted <= set(found)

    for chosen, fate in deliveries:
        at_hand = [messages[at % len(messages)] for at in chosen]
        if fate == "cut":
            # The machine stops in the middle of a write.
            await rig.ingest.store(at_hand)
            file = (await rig.catalogue.journals())[-1]
            os.truncate(rig.root / file, (rig.root / file).stat().st_size - 5)
            rig.restart()
            continue
        await rig.ingest.store(at_hand)
        if fate == "half sealed":
            await _crash_before_commit(rig)
        elif fate == "after":
            rig.restart()
            continue
        elif fate != "unsealed":
            await rig.sealer.seal_all()
        if fate == "tidy":
            await rig.keeper(fan_in=2).tidy()
        unacknowledged -= {at % len(messages) for at in chosen}
        await stored_once()
    await rig.ingest.store([messages[at] for at in sorted(unacknowledged)])
    unacknowledged.clear()
    await stored_once()
    await rig.sealer.seal_all()
    await rig.keeper(fan_in=2, settled_s=0).tidy()
    wanted = sorted({(path, float(at), value) for rows in batches for path, at, value in rows})
    assert sorted(await rig.everything(tenant)) == wanted
    stats = await rig.historian.stats(tenant)
    assert stats.samples == len(wanted)
    assert await rig.catalogue.journals() == []
