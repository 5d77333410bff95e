"""Messages come twice, late and spoilt, and files lose their ends: each sample counts once, and what is gone is said and hides
nothing else."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from tests.faults.edges import TENANT, Plant, deployed, hours_ago, soon, values

from batchone.contracts.machines import History, Twin
from batchone.kernel.bus import SAMPLES
from batchone.kernel.errors import TryLater
from batchone.kernel.remote import remote
from batchone.machines import columns

pytestmark = [pytest.mark.engine, pytest.mark.fault]
_THINGS = """types:
  - id: meter
    name: {en: Meter}
    signals: [{id: count, limits: {high: 1e9}}]
equipment:
  - {id: meter-1, type: meter, place: works/s/a/l/c}
  - {id: meter-2, type: meter, place: works/s/a/l/c}
"""
_SOURCES = "connections:\n  - {id: pushed, url: influx://pushed}\n"
_SUBJECT = f"samples.{TENANT}.line"
_START = hours_ago(72)


def _batch(path: str, first: int, count: int, start: datetime = _START) -> pa.RecordBatch:
    """Numbers from `first` on, each as many seconds after the start."""
    numbers = range(first, first + count)
    times = [columns.to_us(start) + 1_000_000 * number for number in numbers]
    return columns.to_batch([path], [0] * count, times, times[-1], [float(number) for number in numbers], [0] * count)


async def test_messages_that_are_repeated_reordered_and_spoilt_leave_each_sample_once() -> None:
    chance = random.Random(4)
    sound = [columns.to_bytes(_batch("meter-1/count", 1 + 50 * n, 50), f"{TENANT}.line-B1-{n}") for n in range(40)]
    again = [columns.to_bytes(_batch("meter-1/count", 1 + 50 * n, 50), f"{TENANT}.line-B2-{n}") for n in range(10)]
    spoilt = [
        sound[0][: len(sound[0]) // 2],
        b"",
        b"\0" * 900,
        sound[1][:-40] + b"\xff" * 40,
        sound[2].replace(b"path", b"p\xffth"),
    ]
    strange = [columns.to_bytes(_batch("meter-1/count", 1, 5, datetime(year, 1, 2, tzinfo=UTC))) for year in (1601, 9999)]
    messages = sound * 3 + again + spoilt + strange
    chance.shuffle(messages)
    async with deployed() as plant:
        await plant.declare(_THINGS, _SOURCES)
        for number, data in enumerate(messages):
            await soon(lambda data=data, number=number: plant.at_hub.publish(_SUBJECT, data, id=f"message-{number}"))
        await _until_taken(plant)
        await plant.at_hub.publish(_SUBJECT, columns.to_bytes(_batch("meter-1/count", 2001, 1), "last"), id="last")
        await _until_taken(plant)
        stored, missing = await plant.samples("meter-1/count", _START - timedelta(days=1), datetime.now(UTC))
        assert missing == ()
        assert values(stored) == list(range(1, 2002))
        (last,) = await soon(lambda: remote(Twin, plant.at_hub).last(TENANT, "meter-1"))
        assert last.value == 2001
        log = (plant.hub.home / "logs" / "hub.log").read_text()
        for who in ("history", "twin", "alarms"):
            assert f"{who}.refused" in log
        assert "work.failed" not in log


async def test_files_that_lost_their_ends_are_said_to_be_lost_and_hide_nothing_else() -> None:
    async with deployed(history={"settled": 0, "tidy_every": 1}) as plant:
        await plant.declare(_THINGS, _SOURCES)
        for day in range(2):
            data = columns.to_bytes(_batch("meter-1/count", 1, 3000, _START + timedelta(days=day)), f"day-{day}")
            await soon(lambda data=data, day=day: plant.at_hub.publish(_SUBJECT, data, id=f"day-{day}"))
        await _until_taken(plant)
        await plant.until_stored(6000)
        folder = plant.hub.home / "history"
        cut = f"{(_START + timedelta(days=1)).date()}"
        async with asyncio.timeout(60):
            while not (spoilt := [path for path in folder.rglob("*.parquet") if path.parent.name == cut]):
                await asyncio.sleep(0.2)
        plant.kill("hub")
        for path in spoilt:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        cut_off = plant.edge.home / "connect/pushed/000000000009.log"
        cut_off.write_bytes(b"\0\0\1")
        plant.kill("edge")
        history = remote(History, plant.at_hub)
        trend = await soon(lambda: history.trend(TENANT, ["meter-1/count"], _START, _START + timedelta(days=2), 10_000))
        assert trend.answer == "missing"
        assert {gap.reason for gap in trend.gaps} == {"lost"}
        assert {gap.what for gap in trend.gaps} <= {str(path.relative_to(folder)) for path in spoilt}
        there = trend.values["meter-1/count"]
        assert set(there) >= {float(number) for number in range(1, 1000)}
        async with asyncio.timeout(60):
            while cut_off.exists():
                await asyncio.sleep(0.1)
        assert (await soon(plant.connections))["pushed"].error == ""


async def _until_taken(plant: Plant) -> None:
    """Wait until everybody has taken all of the stream."""
    async with asyncio.timeout(60):
        for who in ("history", "twin", "alarms"):
            while await _pending(plant, who):
                await asyncio.sleep(0.1)


async def _pending(plant: Plant, who: str) -> int:
    try:
        return await plant.at_hub.pending(SAMPLES, who)
    except TryLater:
        return 1
