"""The newest of each signal is told from what is known of segments, and is what all samples say."""

from __future__ import annotations

import random

import pytest

from batchone.machines.history import lasts
from batchone.machines.history.asking import Asker

pytestmark = pytest.mark.engine
LAST = "SELECT path, source_time, value, quality FROM last ORDER BY path"
BY_HAND = """
    SELECT path, source_time, value, quality FROM samples
    QUALIFY row_number() OVER (PARTITION BY path ORDER BY source_time DESC) = 1 ORDER BY path
"""


@pytest.mark.parametrize("seed", range(4))
async def test_the_newest_is_what_all_samples_say_in_every_window(rig, seed: int) -> None:
    chance = random.Random(seed)
    asker = Asker(rig.catalogue, rig.root, threads=1, memory_bytes=256e6)
    free = {path: list(range(120)) for path in ("m/x", "m/y", "m/z")}
    for at in range(8):
        rows = []
        for _ in range(6):
            path = chance.choice(sorted(free))
            rows.append((path, free[path].pop(chance.randrange(min(30, len(free[path])))), float(chance.randrange(9))))
        message = rig.message(rows, batch=f"B{at}", quality=chance.randrange(2))
        await (rig.ingest.store if at == 7 else rig.store)([message])
        if at == 3:
            await rig.compact()
    for round_ in range(4):
        for window in ((0, 200), (0, 200), (5, 60), (20, 21)):
            times = rig.at(window[0]), rig.at(window[1])
            told = [await asker.ask("t", select, rows=99, seconds=30, window=times) for select in (LAST, BY_HAND)]
            assert told[0].table.to_pylist() == told[1].table.to_pylist(), (round_, window)
    assert asker._ducks["t"].lasts._known
    asker.close()


async def test_a_segment_that_is_not_alone_is_looked_into_each_time(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0)], quality=1)])
    await rig.store([rig.message([("m/x", 1, 1.0)], quality=0)])
    asker = Asker(rig.catalogue, rig.root, threads=1, memory_bytes=256e6)
    for _ in range(4):
        await asker.ask("t", LAST, rows=99, seconds=30)
    assert len(asker._ducks["t"].lasts._known) == 1
    asker.close()


async def test_where_more_rows_are_known_than_there_is_room_it_begins_anew(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasts, "_ROWS_MAX", 3)
    asker = Asker(rig.catalogue, rig.root, threads=1, memory_bytes=256e6)
    for at in range(3):
        await rig.store([rig.message([("m/x", at, float(at)), ("m/y", at, float(at))])])
        for _ in range(3):
            found = await asker.ask("t", LAST, rows=99, seconds=30)
            assert found.table["value"].to_pylist() == [float(at)] * 2
        assert sum(asker._ducks["t"].lasts._known.values()) <= 3
    asker.close()
