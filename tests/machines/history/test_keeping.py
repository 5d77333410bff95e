from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

pytestmark = pytest.mark.engine


async def fill(rig, count: int) -> None:
    for at in range(count):
        await rig.store([rig.message([("m/y", -at, 1.0), ("m/x", at, float(at))], batch=f"B-{at}")])


async def test_small_segments_become_one_and_nothing_changes_for_readers(rig) -> None:
    await fill(rig, 9)
    before = await rig.everything()
    await rig.keeper(fan_in=4, settled_s=0).tidy()
    stats = await rig.historian.stats("t")
    assert (stats.segments, stats.samples) == (1, 18)
    assert await rig.everything() == before
    assert len(rig.on_disk()) == 1


async def test_a_replaced_file_stays_for_the_grace_time(rig) -> None:
    await fill(rig, 4)
    olds = rig.on_disk()
    await rig.keeper(fan_in=4, grace_s=1000).tidy()
    assert olds < rig.on_disk()
    await rig.keeper(fan_in=4, grace_s=0).tidy()
    assert not olds & rig.on_disk()
    assert await rig.catalogue.long_retired(0) == []


async def test_a_crash_before_the_swap_leaves_the_old_segments_in_force(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(rig, 4)
    before, keeper = await rig.everything(), rig.keeper(fan_in=4)

    async def crash(*_: object) -> bool:
        raise ConnectionError

    monkeypatch.setattr(rig.catalogue, "swap", crash)
    with pytest.raises(ConnectionError):
        await keeper.merge()
    monkeypatch.undo()
    assert await rig.everything() == before
    rig.restart()
    await rig.keeper(fan_in=99).tidy()
    assert len(rig.on_disk()) == 4


async def test_two_keepers_at_once_lose_nothing(rig) -> None:
    await fill(rig, 8)
    before = await rig.everything()
    await asyncio.gather(*(rig.keeper(fan_in=4, grace_s=1000).merge() for _ in range(3)))
    await rig.keeper(fan_in=4).tidy()
    assert await rig.everything() == before


async def test_segments_are_swapped_all_or_none(rig) -> None:
    await fill(rig, 3)
    one, two, three = await rig.catalogue.overlapping("t", rig.at(-99), rig.at(99))
    first = replace(one, id="N1", file="n1")
    assert await rig.catalogue.swap([one, two], first, 0)
    assert not await rig.catalogue.swap([two, three], replace(one, id="N2", file="n2"), 0)
    live = await rig.catalogue.overlapping("t", rig.at(-99), rig.at(99))
    assert {segment.id for segment in live} == {"N1", three.id}


async def test_a_lost_file_stops_no_other_merge_and_is_not_hidden(rig) -> None:
    await fill(rig, 4)
    (rig.root / sorted(rig.on_disk())[0]).unlink()
    await rig.keeper(fan_in=4).tidy()
    assert (await rig.historian.stats("t")).segments == 4


async def test_old_batch_ids_are_forgotten_and_young_ones_kept(rig) -> None:
    await fill(rig, 2)
    async with rig.database.transaction() as tx:
        await tx.run("UPDATE history.batch SET stored_at = now() - interval '4 days' WHERE batch = 'B-0'")
    await rig.keeper().tidy()
    assert await rig.catalogue.known([("t", "B-0"), ("t", "B-1")]) == {("t", "B-1")}


async def test_reading_goes_on_while_files_are_replaced(rig) -> None:
    await fill(rig, 8)
    before = await rig.everything()

    async def read() -> None:
        for _ in range(10):
            assert await rig.everything() == before

    async def tidy() -> None:
        for _ in range(5):
            await rig.keeper(fan_in=2, grace_s=0.2).tidy()
            await asyncio.sleep(0.05)

    await asyncio.gather(read(), read(), tidy())
