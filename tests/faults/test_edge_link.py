"""An edge of its own loses its hub for an hour of plant time, and starts anew meanwhile: every sample is in history once."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from batchone.contracts.enterprises import system
from batchone.contracts.machines import Connect, ConnectionNow, History
from batchone.contracts.sources import Sources
from batchone.contracts.things import Things
from batchone.kernel.bus_edge import EdgeBus
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.deploy import Deploy, Engines
from batchone.kernel.deployment import Deployment
from batchone.kernel.engines.child import free_port
from batchone.kernel.errors import TryLater
from batchone.kernel.remote import remote

pytestmark = [pytest.mark.engine, pytest.mark.fault]

TENANT = "works"
T = TypeVar("T")
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
_START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)


@dataclass
class Plant:
    """A hub and an edge, deployments of their own, and the way to each."""

    hub: Deployment
    edge: Deployment
    at_hub: NatsBus
    at_edge: EdgeBus

    async def connection(self) -> ConnectionNow:
        """The one connection, asked at the edge; none yet is `TryLater`."""
        found = await remote(Connect, self.at_edge).connections(TENANT)
        if not found:
            raise TryLater("test", "no connection yet")
        return found[0]

    async def push(self, first_minute: int, last_minute: int) -> None:
        """A sample a second of plant time, a minute at a time; each is answered once it is on the edge's disk."""
        for minute in range(first_minute, last_minute):
            lines = "".join(
                f"pump pressure={second} {int(_START.timestamp()) + second}\n"
                for second in range(60 * minute, 60 * minute + 60)
            )
            taken = await soon(lambda lines=lines: remote(Sources, self.at_edge).push(TENANT, "air", lines, {"precision": "s"}))
            assert taken.samples == 60

    async def stored(self) -> int:
        """How many samples history has."""
        return (await soon(lambda: remote(History, self.at_hub).stats(TENANT))).samples

    async def until_stored(self, samples: int) -> None:
        """Wait until history has so many."""
        async with asyncio.timeout(90):
            while await self.stored() < samples:
                await asyncio.sleep(0.1)

    async def kill_hub(self) -> None:
        """Nothing of the hub runs any more, and nobody starts it again."""
        assert self.hub._watcher is not None
        assert self.hub.nats is not None
        assert self.hub.nats.child is not None
        assert self.hub.postgres is not None
        self.hub._watcher.cancel()
        for child in (self.hub.nats.child, *self.hub.children.values()):
            child.process.kill()
            child.process.wait()
        await asyncio.to_thread(self.hub.postgres.stop)

    async def start_hub(self) -> None:
        """It runs again."""
        await asyncio.to_thread(self.hub.start_engines)
        self.hub.start_processes()


async def soon(ask: Callable[[], Awaitable[T]], timeout_s: float = 60) -> T:
    """The answer, once somebody gives one."""
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                return await ask()
            except TryLater:
                await asyncio.sleep(0.1)


@pytest.fixture
async def plant() -> AsyncIterator[Plant]:
    # Not below pytest's own folder, which is closed to the user that PostgreSQL may run as.
    with tempfile.TemporaryDirectory(prefix="batchone-test-", ignore_cleanup_errors=True) as folder:
        async with _deployed(Path(folder)) as made:
            yield made


@asynccontextmanager
async def _deployed(folder: Path) -> AsyncIterator[Plant]:
    port, modules = free_port(), ["enterprises", "design", "history", "twin", "alarms"]
    engines = Engines(leaf_port=port)
    told = Deploy(name="hub", tenant=TENANT, engines=engines, processes={"hub": modules}, edges={"edge-1": ["connect"]})
    hub = Deployment(told, folder / "hub")
    await asyncio.to_thread(hub.start_engines)
    hub.start_processes()
    (folder / "edge").mkdir()
    (folder / "edge" / "leaf.secret").write_text((folder / "hub" / "leaf.secret").read_text())
    engines = Engines(postgres=hub.note.postgres, leaf_of=f"nats-leaf://127.0.0.1:{port}", domain="edge-1")
    edge = Deployment(Deploy(name="edge", tenant=TENANT, engines=engines, processes={"edge": ["connect"]}), folder / "edge")
    await asyncio.to_thread(edge.start_engines)
    edge.start_processes()
    at_hub, at_edge = await NatsBus.connect(hub.note.nats, "test"), await EdgeBus.connect(edge.note.nats, "test")
    try:
        yield Plant(hub, edge, at_hub, at_edge)
    finally:
        await at_hub.close()
        await at_edge.close()
        await edge.stop()
        await hub.stop()


async def test_an_hour_without_the_hub_costs_no_sample_and_makes_none_twice(plant: Plant) -> None:
    actor = system(TENANT, "test")
    await soon(lambda: remote(Things, plant.at_hub).declare(TENANT, _THINGS, "", actor))
    await soon(lambda: remote(Sources, plant.at_hub).declare(TENANT, _SOURCES, "", actor))
    await soon(plant.connection)
    await plant.push(0, 10)
    await plant.until_stored(600)

    await plant.kill_hub()
    cut_s = time.time()
    await plant.push(10, 40)
    plant.edge.children["edge"].process.kill()
    await asyncio.sleep(0.5)
    await plant.push(40, 70)
    told = await _when_shipped(plant)
    assert told.behind > 0
    assert 0 < told.behind_s <= time.time() - cut_s

    await plant.start_hub()
    await plant.push(70, 80)
    await plant.until_stored(4800)
    await asyncio.sleep(1.5)
    assert await plant.stored() == 4800
    trend = await remote(History, plant.at_hub).trend(TENANT, ["pump-1/pressure"], _START, _START + timedelta(hours=2), 10_000)
    assert trend.answer == "complete"
    assert list(trend.values["pump-1/pressure"]) == list(range(4800))
    async with asyncio.timeout(20):
        while (await soon(plant.connection)).behind:
            await asyncio.sleep(0.1)


async def _when_shipped(plant: Plant) -> ConnectionNow:
    """The connection as it stands once the edge's own stream has all of its samples."""
    async with asyncio.timeout(20):
        while (found := await soon(plant.connection)).waiting:
            await asyncio.sleep(0.1)
    return found
