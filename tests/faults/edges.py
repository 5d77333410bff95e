"""A hub and an edge of its own, each a deployment, and what the fault tests do to both."""

from __future__ import annotations

import asyncio
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from batchone.contracts.enterprises import system
from batchone.contracts.machines import Connect, ConnectionNow, Gap, History
from batchone.contracts.sources import Sources
from batchone.contracts.things import Things
from batchone.kernel.bus_edge import EdgeBus
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.deploy import Deploy, Engines
from batchone.kernel.deployment import Deployment
from batchone.kernel.engines.child import Child, free_port
from batchone.kernel.errors import TryLater
from batchone.kernel.remote import remote
from batchone.machines import columns
from batchone.machines.connect.spool import _entries
from batchone.machines.history.exporting import rows_of

METERS = """types:
  - id: meter
    name: {en: Meter}
    signals: [{id: count}]
equipment:
  - {id: meter-1, type: meter, place: works/s/a/l/c}
  - {id: meter-2, type: meter, place: works/s/a/l/c}
"""
METER_SOURCES = """connections:
  - id: polled
    url: modbus://127.0.0.1:%d
    settings: {every: 20 ms}
    signals: [{path: meter-1/count, address: 'holding:0:uint32'}]
  - id: pushed
    url: influx://pushed
    signals: [{path: meter-2/count, address: meter count}]
"""
"""One machine is polled at a port, the other pushes."""
TENANT = "works"
ACTOR = system(TENANT, "test")
T = TypeVar("T")
HUB = ["enterprises", "design", "history", "twin", "alarms"]


@dataclass
class Plant:
    """A hub and an edge, deployments of their own, and the way to each. `peak_mb` is the most resident memory that was seen of
    a process, by name."""

    hub: Deployment
    edge: Deployment
    at_hub: NatsBus
    at_edge: EdgeBus
    peak_mb: dict[str, float] = field(default_factory=dict)

    async def declare(self, things: str, sources: str) -> None:
        """Declare things, and the connections of the edge, and wait until these are known there."""
        await soon(lambda: remote(Things, self.at_hub).declare(TENANT, things, "", ACTOR))
        await soon(lambda: remote(Sources, self.at_hub).declare(TENANT, sources, "", ACTOR))
        await soon(self.connection)

    async def connections(self) -> dict[str, ConnectionNow]:
        """How every connection stands, by id, asked at the edge; none yet is `TryLater`."""
        found = await remote(Connect, self.at_edge).connections(TENANT)
        if not found:
            raise TryLater("test", "no connection yet")
        return {each.connection: each for each in found}

    async def connection(self) -> ConnectionNow:
        """The first connection."""
        return next(iter((await self.connections()).values()))

    async def stored(self) -> int:
        """How many samples history has."""
        return (await soon(lambda: remote(History, self.at_hub).stats(TENANT))).samples

    async def until_stored(self, samples: int, *, timeout_s: float = 90) -> None:
        """Wait until history has so many."""
        async with asyncio.timeout(timeout_s):
            while await self.stored() < samples:
                await asyncio.sleep(0.1)

    async def until_settled(self, *, timeout_s: float = 120) -> None:
        """Wait until nothing waits at the edge any more, and the historian has taken all."""
        async with asyncio.timeout(timeout_s):
            while any(each.waiting or each.behind for each in (await soon(self.connections)).values()):
                await asyncio.sleep(0.1)
            stored = -1
            while stored != (now := await self.stored()):
                stored = now
                await asyncio.sleep(2.5)

    async def samples(self, path: str, start: datetime, end: datetime) -> tuple[pa.Table, tuple[Gap, ...]]:
        """Every stored sample of a signal, and what history says is not there."""
        parts, gaps, after = [], (), ""
        while True:
            page = await soon(
                lambda after=after: remote(History, self.at_hub).samples(TENANT, [path], start, end, after, 50_000)
            )
            parts.append(rows_of(page))
            gaps, after = gaps or page.gaps, page.next
            if not after:
                return pa.concat_tables(parts), gaps

    def spooled(self, connection: str) -> list[pa.RecordBatch]:
        """The batches in the log of a connection at the edge, as the disk has them now."""
        files = sorted((self.edge.home / "connect" / connection).glob("*.log"))
        return [columns.from_bytes(entry.data) for file in files for entry in _entries(file.read_bytes())]

    def child(self, name: str) -> Child:
        """The process: `hub`, `edge`, `postgres`, `hub-nats` or `edge-nats`."""
        engine = {"postgres": self.hub.postgres, "hub-nats": self.hub.nats, "edge-nats": self.edge.nats}.get(name)
        found = engine.child if engine is not None else {**self.hub.children, **self.edge.children}[name]
        assert found is not None
        return found

    def kill(self, name: str) -> None:
        """`kill -9`; the deployment starts it again. How much memory it had is noted."""
        self.measure()
        child = self.child(name)
        child.process.kill()
        child.process.wait()

    def measure(self) -> None:
        """Note the most memory that hub and edge had."""
        for name in ("hub", "edge"):
            told = Path(f"/proc/{self.child(name).process.pid}/status")
            for line in told.read_text().splitlines() if told.exists() else ():
                if line.startswith("VmHWM:"):
                    self.peak_mb[name] = max(self.peak_mb.get(name, 0.0), int(line.split()[1]) / 1e3)

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


@asynccontextmanager
async def deployed(home: Path | None = None, **modules: dict[str, Any]) -> AsyncIterator[Plant]:
    """A hub with the historian, the twin and alarms, and an edge with connect, both with their homes below `home`, or a folder
    that is gone afterwards; `modules` are settings of these."""
    # Not below pytest's own folder, which is closed to the user that PostgreSQL may run as.
    with tempfile.TemporaryDirectory(prefix="batchone-test-", ignore_cleanup_errors=True) as name:
        folder, port = home or Path(name), free_port()
        told = Deploy(
            name="hub", tenant=TENANT, engines=Engines(leaf_port=port), processes={"hub": HUB}, edges={"edge-1": ["connect"]},
            modules={name: told for name, told in modules.items() if name in HUB},
        )  # fmt: skip
        hub = Deployment(told, folder / "hub")
        await asyncio.to_thread(hub.start_engines)
        hub.start_processes()
        (folder / "edge").mkdir()
        (folder / "edge" / "leaf.secret").write_text((folder / "hub" / "leaf.secret").read_text())
        engines = Engines(postgres=hub.note.postgres, leaf_of=f"nats-leaf://127.0.0.1:{port}", domain="edge-1")
        told = Deploy(
            name="edge", tenant=TENANT, engines=engines, processes={"edge": ["connect"]},
            modules={"connect": modules["connect"]} if "connect" in modules else {},
        )  # fmt: skip
        edge = Deployment(told, folder / "edge")
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


@dataclass
class Counter:
    """A machine that speaks Modbus TCP (Application Protocol 1.1b3, function 3) and whose one value is a number that it never
    tells twice: each request is answered with the next. `lives` are the numbers told over each connection; one that `rests`
    tells its last number again."""

    port: int = field(default_factory=free_port)
    told: int = 0
    lives: list[range] = field(default_factory=list)
    rests: bool = False

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Counter]:
        """It answers until the block ends."""
        server = await asyncio.start_server(self._talk, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lives.append(range(self.told + 1, self.told + 1))
        life = len(self.lives) - 1
        try:
            while True:
                transaction, _, length = struct.unpack(">HHH", await reader.readexactly(6))
                unit = (await reader.readexactly(length))[0]
                self.told += 0 if self.rests else 1
                self.lives[life] = range(self.lives[life].start, self.told + 1)
                writer.write(struct.pack(">HHHBBBI", transaction, 0, 7, unit, 3, 4, self.told))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def values(table: pa.Table) -> list[int]:
    """The numbers of good samples, in the order of the table."""
    good = table.filter(pc.equal(table["quality"], columns.GOOD))
    return [int(value) for value in good["value"].to_pylist()]


def hours_ago(hours: float) -> datetime:
    """A whole second, so long ago."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=hours)
