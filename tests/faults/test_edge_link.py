"""An edge of its own loses its hub for an hour of plant time, and starts anew meanwhile: every sample is in history once."""

import asyncio
import time
from datetime import timedelta

import pytest
from tests.faults.edges import TENANT, Plant, deployed, hours_ago, soon

from batchone.contracts.machines import ConnectionNow, History
from batchone.contracts.sources import Sources
from batchone.kernel.remote import remote

pytestmark = [pytest.mark.engine, pytest.mark.fault]

_THINGS = """types:
  - id: pump
    name: {en: Pump}
    signals: [{id: pressure, unit: bar}]
equipment:
  - {id: pump-1, type: pump, place: works/s/a/l/c}
"""
_SOURCES = """connections:
  - id: air
    url: influx://air
    signals: [{path: pump-1/pressure, address: pump pressure}]
"""
_START = hours_ago(3)


async def test_an_hour_without_the_hub_costs_no_sample_and_makes_none_twice() -> None:
    async with deployed() as plant:
        await plant.declare(_THINGS, _SOURCES)
        await _push(plant, 0, 10)
        await plant.until_stored(600)

        await plant.kill_hub()
        cut_s = time.time()
        await _push(plant, 10, 40)
        plant.edge.children["edge"].process.kill()
        await asyncio.sleep(0.5)
        await _push(plant, 40, 70)
        told = await _when_shipped(plant)
        assert told.behind > 0
        assert 0 < told.behind_s <= time.time() - cut_s

        await plant.start_hub()
        await _push(plant, 70, 80)
        await plant.until_stored(4800)
        await asyncio.sleep(1.5)
        assert await plant.stored() == 4800
        until = _START + timedelta(hours=2)
        trend = await remote(History, plant.at_hub).trend(TENANT, ["pump-1/pressure"], _START, until, 10_000)
        assert trend.answer == "complete"
        assert list(trend.values["pump-1/pressure"]) == list(range(4800))
        async with asyncio.timeout(20):
            while (await soon(plant.connection)).behind:
                await asyncio.sleep(0.1)


async def _push(plant: Plant, first_minute: int, last_minute: int) -> None:
    """A sample a second of plant time, a minute at a time; each is answered once it is on the edge's disk."""
    for minute in range(first_minute, last_minute):
        lines = "".join(
            f"pump pressure={second} {int(_START.timestamp()) + second}\n" for second in range(60 * minute, 60 * minute + 60)
        )
        taken = await soon(lambda lines=lines: remote(Sources, plant.at_edge).push(TENANT, "air", lines, {"precision": "s"}))
        assert taken.samples == 60


async def _when_shipped(plant: Plant) -> ConnectionNow:
    """The connection as it stands once the edge's own stream has all of its samples."""
    async with asyncio.timeout(20):
        while (found := await soon(plant.connection)).waiting:
            await asyncio.sleep(0.1)
    return found
