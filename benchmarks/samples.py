"""Samples from a driver's columns until they are durable and can be read, beside PostgreSQL and sqlite3 with the same rows."""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import structlog

from batchone.kernel.bus import SAMPLES, Message
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.engines.nats import Nats
from batchone.kernel.engines.postgres import Postgres
from batchone.kernel.ids import TimeIds
from batchone.machines import columns, history
from batchone.machines.connect.attach import Attaching
from batchone.machines.connect.quarantine.counting import Quarantine
from batchone.machines.connect.shipping import Bounds, Shipping
from batchone.machines.history.ingest import Ingest
from batchone.machines.history.journal import Journals, Rules
from batchone.machines.history.module import HistorySettings
from batchone.machines.history.reading import Reader
from batchone.machines.history.sealing import Sealer
from batchone.machines.history.segments import SegmentFiles
from batchone.machines.history.service import Historian
from batchone.machines.history.store import Catalogue
from benchmarks.figures import Options, Report, Table, ratio
from benchmarks.machine import cpu_s
from benchmarks.peers import Peer, PostgresCopy, Sqlite
from benchmarks.platform import until
from benchmarks.profiling import Profiled
from benchmarks.sizes import bytes_a_sample

BATCH_ROWS = (1_000, 10_000, 100_000)
ROWS = {1_000: (100_000, 500_000), 10_000: (1_000_000, 2_000_000), 100_000: (1_000_000, 4_000_000)}
"""Rows of a quick run and of a whole one, by rows of a batch. Fewer would measure the rest that a small flush takes."""
PEER_ROWS = 100_000
"""The most rows of a peer in a quick run; a peer's pace does not depend on them."""
SIGNALS = 400
START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
PATHS = tuple(f"machine-{n // 20:02d}/signal_{n % 20:02d}" for n in range(SIGNALS))
TENANT = "bench"
_FULL_SHARE = 0.7


@dataclass(frozen=True)
class Run:
    """One way's measurement: rows, real seconds until the last was durable and readable, processor seconds, bytes, and how many
    of the real seconds the historian rested."""

    rows: int
    real_s: float
    cpu_s: float
    bytes: int
    rested_s: float = 0.0

    @property
    def per_s(self) -> float:
        """Samples per second."""
        return self.rows / self.real_s

    @property
    def cpu_per_million(self) -> float:
        """Processor seconds for a million samples."""
        return self.cpu_s / self.rows * 1e6

    @property
    def bytes_each(self) -> float:
        """Bytes on disk for one sample."""
        return self.bytes / self.rows


def synthetic(rows: int, seed: int, first: int = 0) -> pa.RecordBatch:
    """Columns as a driver decodes them: signals in turn, once a second of plant time, values that wander by tenths."""
    chance = np.random.default_rng(seed)
    number = np.arange(first, first + rows)
    at_us = columns.to_us(START) + (number // SIGNALS) * 1_000_000 + chance.integers(0, 900_000, rows)
    values = np.round(20.0 + np.cumsum(chance.normal(0, 0.05, rows)), 1)
    return columns.to_batch(PATHS, (number % SIGNALS).astype(np.int32), at_us, at_us + 50_000, values, np.zeros(rows, np.uint8))


def batches(rows: int, size: int, seed: int) -> Iterator[pa.RecordBatch]:
    """So many rows in batches of a size."""
    for first in range(0, rows, size):
        yield synthetic(min(size, rows - first), seed * 1_000_003 + first, first)


class Counting(Ingest):
    """The historian's handler, which also tells when the samples it was waiting for are stored."""

    stored = 0
    wanted = 0
    rested_s = 0.0
    done: asyncio.Event

    async def handle(self, messages: Sequence[Message]) -> None:
        """As it handles, and measures how long it rests before the last samples came."""
        began = time.perf_counter()
        self._at_work_s = 0.0
        await super().handle(messages)
        if not self.done.is_set():
            self.rested_s += time.perf_counter() - began - self._at_work_s

    async def store(self, messages: Sequence[Message]) -> int:
        """As it stores, and counts."""
        began = time.perf_counter()
        rows = await super().store(messages)
        self._at_work_s = time.perf_counter() - began
        self.stored += rows
        if self.stored >= self.wanted:
            self.done.set()
        return rows


@dataclass
class Pipeline:
    """Everything between a driver and the historian's catalogue, with the platform's own settings."""

    home: Path
    postgres: Postgres
    nats: Nats
    database: Database
    bus: NatsBus
    ids: TimeIds

    async def run(self, rows: int, size: int, seed: int) -> Run:
        """Send rows through; they are thrown away afterwards."""
        settings = HistorySettings()
        root = self.home / f"history-{seed}-{size}"
        root.mkdir()
        files = SegmentFiles(root, partial(self.ids.new, "SEG"), time.time)
        journals = Journals(Catalogue(self.database), root, partial(self.ids.new, "JRN"), Rules(settings.seal_rows))
        sealer = Sealer(self.database, journals, files)
        ingest = Counting(self.database, journals, flush_s=settings.flush, full=settings.messages)
        ingest.wanted, ingest.done = rows, asyncio.Event()
        log, bounds = self.home / f"log-{seed}-{size}", Bounds(batch_rows=size, message_rows=max(size, 1))
        shipping = Shipping(self.bus, TENANT, "synthetic", self.ids.new("B"), log, bounds, time.time)
        work = [
            asyncio.create_task(shipping.seal()), asyncio.create_task(shipping.send()),
            asyncio.create_task(self.bus.consume(SAMPLES, "history", ["samples.>"], ingest.handle, batch=settings.messages)),
            asyncio.create_task(sealer.work(settings.seal_every)),
        ]  # fmt: skip
        try:
            await asyncio.sleep(0.3)
            began, began_cpu = time.perf_counter(), self._cpu_s()
            await _drive(shipping, rows, size, seed)
            await ingest.done.wait()
            real_s, cpu = time.perf_counter() - began, self._cpu_s() - began_cpu
            await until(self._acknowledged, "every batch acknowledged", timeout_s=30, every_s=0.05)
            if shipping.dropped:
                raise AssertionError(f"{shipping.dropped} samples were dropped")
            await sealer.seal_all()
            size_on_disk = await self._check(root, rows)
            return Run(rows, real_s, cpu - _made_cpu_s(rows, size, seed), size_on_disk, ingest.rested_s)
        finally:
            for task in work:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await shipping.close()
            await self._forget(root)

    async def _check(self, root: Path, rows: int) -> int:
        """Read one signal back through the historian; the bytes of all segments."""
        reader = Reader(Catalogue(self.database), root, threads=2, memory_bytes=1e9)
        try:
            historian = Historian(Catalogue(self.database), reader)
            stats = await historian.stats(TENANT)
            found = await historian.read(TENANT, [PATHS[0]], START - timedelta(days=1), START + timedelta(days=365))
            if stats.samples != rows or found.num_rows != _rows_of_first(rows):
                raise AssertionError(f"{stats.samples} samples are stored and {found.num_rows} found, of {rows}")
            return stats.bytes
        finally:
            reader.close()

    async def _acknowledged(self) -> bool:
        return await self.bus.pending(SAMPLES, "history") == 0

    async def _forget(self, root: Path) -> None:
        async with self.database.transaction() as tx:
            await tx.run("TRUNCATE history.segment, history.batch, history.tally")
        await asyncio.to_thread(shutil.rmtree, root)

    def _cpu_s(self) -> float:
        children = (self.postgres.child, self.nats.child)
        return time.process_time() + sum(cpu_s(child.process.pid) for child in children if child is not None)


async def _drive(shipping: Shipping, rows: int, size: int, seed: int) -> None:
    """Hand columns over as a link does, no faster than the backlog drains."""
    attaching = Attaching(PATHS, Quarantine("synthetic"))
    for batch in batches(rows, size, seed):
        while shipping.share > _FULL_SHARE:
            await asyncio.sleep(0.002)
        shipping.put(attaching.attach(batch, START)[0])
        await asyncio.sleep(0)
        while shipping._rows >= size:  # a batch of the size asked for: sealed before the next is added to it
            await asyncio.sleep(0)


def _made_cpu_s(rows: int, size: int, seed: int) -> float:
    """Processor seconds that making the synthetic rows takes, which are nobody's."""
    began = time.process_time()
    for _ in batches(rows, size, seed):
        pass
    return time.process_time() - began


def _rows_of_first(rows: int) -> int:
    return -(-rows // SIGNALS)


def peer_run(peer: Peer, rows: int, size: int, seed: int) -> Run:
    """The same rows into a peer."""
    made = list(batches(rows, size, seed))
    began, began_cpu = time.perf_counter(), peer.cpu_s()
    for batch in made:
        peer.store(batch)
    real_s, cpu = time.perf_counter() - began, peer.cpu_s() - began_cpu
    if peer.rows_of(PATHS[0]) != _rows_of_first(rows):
        raise AssertionError("the peer lost rows")
    found = Run(rows, real_s, cpu, peer.bytes_on_disk())
    peer.close()
    return found


async def run(options: Options) -> Report:
    """Measure in turns: ours, then each peer, several times for each size of batch."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    report, rounds = Report("samples"), 1 if options.quick else 3
    table: list[tuple[str | int | float | None, ...]] = []
    with tempfile.TemporaryDirectory(prefix="batchone-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        postgres, nats = Postgres(home / "pg"), Nats(home / "nats")
        postgres.start()
        nats.start()
        clock = SystemClock()
        ids = TimeIds(clock, random.Random(1))
        database = await Database.connect(postgres.url, clock, ids, size=4)
        bus = await NatsBus.connect(nats.url, "benchmark")
        try:
            await migrate(database, "history", Path(history.__file__).parent / "migrations")
            ours = Pipeline(home, postgres, nats, database, bus, ids)
            peers: dict[str, Callable[[], Peer]] = {
                "PostgreSQL COPY, no index": lambda: PostgresCopy(postgres, indexed=False),
                "PostgreSQL COPY, indexed": lambda: PostgresCopy(postgres, indexed=True),
                "sqlite3 WAL, indexed": lambda: Sqlite(home),
            }
            for size in BATCH_ROWS:
                rows = _rows(size, quick=options.quick)
                table += await _compared(ours, peers, rows, min(rows, PEER_ROWS) if options.quick else rows, size, rounds)
            if options.profile:
                report.profiles["driver to catalogue, batches of 10,000 rows"] = await _profiled(ours, options)
        finally:
            await bus.close()
            await database.close()
            nats.stop()
            postgres.stop()
    report.tables.append(
        Table(
            "Samples from a driver's columns until durable and readable",
            ("way", "batch_rows", "rows", "per_s", "ours/way", "rested_s", "bytes_each", "cpu_s_per_million"), tuple(table),
            ("Ours: attach, gather, write-ahead file (synced), NATS (synced), decode, sort, Parquet (synced), catalogue.",
             "Driver, connect and historian share one process here; processor seconds include NATS and PostgreSQL. Medians.",
             "Each batch is durable at its commit; the historian also gathers what waits into one segment, up to a second.",
             "Rested: of the real seconds, those in which the historian waited because a flush was small."),
        )
    )  # fmt: skip
    report.tables.append(await asyncio.to_thread(bytes_a_sample, lambda many: synthetic(many, 1), quick=options.quick))
    return report


def _rows(size: int, *, quick: bool) -> int:
    few, many = ROWS[size]
    return few if quick else many


async def _compared(
    ours: Pipeline, peers: dict[str, Callable[[], Peer]], rows: int, peer_rows: int, size: int, rounds: int
) -> list[tuple[str | int | float | None, ...]]:
    found: dict[str, list[Run]] = {"batchone": [], **{name: [] for name in peers}}
    await ours.run(min(rows, 2 * size), size, 999)
    for turn in range(rounds):
        found["batchone"].append(await ours.run(rows, size, turn))
        for name, make in peers.items():
            found[name].append(await asyncio.to_thread(_in_thread, make, peer_rows, size, turn))
    base = statistics.median(run.per_s for run in found["batchone"])
    return [
        (name, size, runs[0].rows, per_s, ratio(base, per_s), statistics.median(run.rested_s for run in runs),
         statistics.median(run.bytes_each for run in runs), statistics.median(run.cpu_per_million for run in runs))
        for name, runs in found.items()
        for per_s in [statistics.median(run.per_s for run in runs)]
    ]  # fmt: skip


def _in_thread(make: Callable[[], Peer], rows: int, size: int, seed: int) -> Run:
    return peer_run(make(), rows, size, seed)


async def _profiled(ours: Pipeline, options: Options) -> str:
    profiled = Profiled()
    with profiled.running():
        await ours.run(_rows(10_000, quick=options.quick), 10_000, 77)
    return profiled.text()
