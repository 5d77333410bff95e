"""Stored samples beside InfluxDB and VictoriaMetrics: appending batches, bytes on disk, six questions of a plant."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from batchone.contracts.machines import Twin
from batchone.contracts.things import ThingModel
from batchone.kernel.bus import Message
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import Clock, SystemClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.engines.postgres import Postgres
from batchone.kernel.ids import TimeIds
from batchone.kernel.remote import remote, serve
from batchone.machines import columns, history
from batchone.machines.history.asking import Asker
from batchone.machines.history.ingest import Ingest
from batchone.machines.history.journal import Journals, Rules
from batchone.machines.history.keeping import Keeper
from batchone.machines.history.model import MergeRules
from batchone.machines.history.module import HistorySettings
from batchone.machines.history.sealing import Sealer
from batchone.machines.history.segments import SegmentFiles
from batchone.machines.history.store import Catalogue
from batchone.machines.twin import TwinService
from benchmarks.figures import Cell, Options, Report, Table, ratio
from benchmarks.shopfloor import START, in_batches, shift
from benchmarks.timeseries import Columns, Influx, Server, Victoria, unpacked

TENANT = "bench"
SIZES = (10_000, 100_000)
_ONE = "machine-001/power_00"
_STATES = "machine-%/state_00"
_MACHINES, _SIGNALS = 40, 100
_WANTED = {"influxdb": 5.0, "victoria-metrics": 2.0}


@dataclass(frozen=True)
class Window:
    """The time that was filled, and the hour in its middle, in seconds since 1970."""

    start_s: float
    end_s: float

    @property
    def hour(self) -> tuple[float, float]:
        """From when to when."""
        middle = (self.start_s + self.end_s) // 2
        return middle - 1800, middle + 1800


@dataclass(frozen=True)
class Orders:
    """Orders on machines, one after another: machine, start and end in milliseconds; none is without length."""

    machine: NDArray[np.int32]
    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]

    @staticmethod
    def of(machines: int, window: Window, each_s: int = 120) -> Orders:
        """Orders of two minutes without a gap."""
        starts = np.arange(int(window.start_s), int(window.end_s), each_s, np.int64) * 1000
        machine = np.repeat(np.arange(machines, dtype=np.int32), len(starts))
        return Orders(machine, np.tile(starts, machines), np.tile(starts + each_s * 1000, machines))

    def energy(self, power: dict[str, Columns]) -> NDArray[np.float64]:
        """kWh of each order from samples of power in kW, each of which holds until the next."""
        found = np.zeros(len(self.machine))
        for machine in np.unique(self.machine):
            times, values = power[f"machine-{machine:03d}/power_00"]
            spent = values[:-1] * np.diff(times) / 3.6e6
            mine = np.flatnonzero(self.machine == machine)
            at = np.searchsorted(self.start_ms[mine], times[:-1], side="right") - 1
            found[mine] = np.bincount(at[at >= 0], spent[at >= 0], len(mine))
        return found


Question = Callable[[], Any]


@dataclass
class Ours:
    """The historian's own parts over a real catalogue."""

    root: Path
    database: Database
    ids: TimeIds
    segment_rows: int = 4_000_000

    def __post_init__(self) -> None:
        self.files = SegmentFiles(self.root, partial(self.ids.new, "SEG"), time.time)
        self.catalogue = Catalogue(self.database)
        journals = Journals(self.catalogue, self.root, partial(self.ids.new, "JRN"), Rules())
        self.sealer = Sealer(self.database, journals, self.files)
        self.ingest = Ingest(self.database, journals, flush_s=0)
        self.asker = Asker(self.catalogue, self.root, threads=2, memory_bytes=2e9)

    @asynccontextmanager
    async def sealing(self) -> AsyncIterator[None]:
        """Journals are sealed meanwhile, as in the platform."""
        task = asyncio.create_task(self.sealer.work(HistorySettings().seal_every))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def store(self, message: bytes) -> None:
        """One batch; on disk, and to be read, when this returns."""
        await self.ingest.store([Message(f"samples.{TENANT}.c", message)])

    async def settle(self) -> None:
        """Seal and merge, as it is merged when a day is over."""
        await self.sealer.seal_all()
        keeper = Keeper(self.catalogue, self.files, MergeRules(8, 0.0, self.segment_rows), grace_s=0, stray_s=1e9)
        await keeper.tidy()

    async def bytes_on_disk(self) -> int:
        """Of the files that count."""
        return sum(segment.bytes for segment in await self.catalogue.of_tenant(TENANT))

    async def ask(self, select: str, start_s: float, end_s: float) -> list[tuple[Any, ...]]:
        """The rows of a SELECT over a window."""
        window = START + timedelta(seconds=start_s - START.timestamp()), START + timedelta(seconds=end_s - START.timestamp())
        found = await self.asker.ask(TENANT, select, rows=10**9, seconds=600, window=window)
        return list(zip(*(column.to_numpy().tolist() for column in found.table.columns), strict=True))


async def run(options: Options) -> Report:
    """Fill all of them with the same rows, then ask all of them the same."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    machines, seconds = (8, 3 * 3600) if options.quick else (12, 86_000)
    rows = shift(machines, seconds, 1)
    window = Window(START.timestamp(), START.timestamp() + seconds + 2)
    report, notes = Report("history"), []
    with tempfile.TemporaryDirectory(prefix="batchone-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        postgres = Postgres(home / "pg")
        postgres.start()
        clock = SystemClock()
        ids = TimeIds(clock, random.Random(1))
        database = await Database.connect(postgres.url, clock, ids, size=4)
        ours = Ours(home / "history", database, ids)
        peers: list[Server] = []
        try:
            await migrate(database, "history", Path(history.__file__).parent / "migrations")
            for kind in (Influx, Victoria):
                there, why_not = unpacked(kind.package)
                if there is None:
                    notes.append(why_not)
                    continue
                peers.append(kind(there, home))
                if isinstance(peers[-1], Influx):
                    peers[-1].make()
            report.tables.append(await _filled(ours, peers, rows, notes))
            report.tables.append(await _asked(ours, peers, machines, window))
            report.tables.append(await _told_by_the_twin(clock))
        finally:
            ours.asker.close()
            for peer in peers:
                peer.close()
            await database.close()
            postgres.stop()
    return report


async def _filled(ours: Ours, peers: Sequence[Server], rows: pa.RecordBatch, notes: list[str]) -> Table:
    """Append in turns, so that all meet the same machine; bytes once everything is merged."""
    half = rows.num_rows // 2
    took: dict[tuple[int, str], list[float]] = {}
    made: dict[tuple[int, str], float] = {}
    async with ours.sealing():
        for size, part in zip(SIZES, (rows.slice(0, half), rows.slice(half)), strict=True):
            for batch in in_batches(part, size):
                for name in ("batchone", *(peer.package for peer in peers)):
                    peer = next((each for each in peers if each.package == name), None)
                    began = time.perf_counter()
                    data = columns.to_bytes(batch, ours.ids.new("B")) if peer is None else peer.lines(batch)
                    between = time.perf_counter()
                    await (ours.store(data) if peer is None else asyncio.to_thread(peer.store, data))
                    took.setdefault((size, name), []).append(time.perf_counter() - between)
                    made[size, name] = made.get((size, name), 0.0) + between - began
    began = time.perf_counter()
    await ours.settle()
    notes.append(f"Ours is sealed meanwhile; sealing the rest and merging took {time.perf_counter() - began:.1f} s afterwards.")
    sizes = {"batchone": await ours.bytes_on_disk()}
    for peer in peers:
        await asyncio.to_thread(peer.settle)
        sizes[peer.package] = peer.bytes_on_disk()
    stored = {way: half / sum(each) for way, each in took.items()}
    sent = {way: half / (sum(each) + made[way]) for way, each in took.items()}
    return Table(
        "Appending batches, each acknowledged before the next",
        ("engine", "batch_rows", "stored_per_s", "batch_p50_ms", "ours/engine", "from_columns_per_s", "ours/engine", "wanted",
         "bytes_each"),
        tuple(
            (name, size, stored[size, name], 1000 * statistics.median(each),
             ratio(stored[size, "batchone"], stored[size, name]), sent[size, name],
             ratio(sent[size, "batchone"], sent[size, name]), _WANTED.get(name), sizes[name] / rows.num_rows)
            for (size, name), each in took.items()
        ),
        ("Ours and InfluxDB are on disk when they acknowledge. VictoriaMetrics is not, and stores but one time and no quality.",
         "From columns: with making each engine's own form of a batch (Arrow, or text). Bytes once all is merged.", *notes),
    )  # fmt: skip


async def _asked(ours: Ours, peers: Sequence[Server], machines: int, window: Window) -> Table:
    orders = Orders.of(machines, window)
    lines: list[tuple[Cell, ...]] = []
    for name, what in QUESTIONS.items():
        answers: dict[str, Any] = {}
        row: list[Cell] = [name, what]
        base, answers["batchone"] = await _timed_ours(ours, name, window)
        row.append(base)
        for kind in (Influx, Victoria):
            peer = next((each for each in peers if isinstance(each, kind)), None)
            if peer is None:
                row += [None, None]
                continue
            took, answers[kind.package] = await asyncio.to_thread(_timed, partial(_peer_answer, peer, name, window, orders))
            row += [took, ratio(took, base)]
        _agree(name, answers)
        lines.append(tuple(row))
    return Table(
        "Questions, milliseconds (median of five, warm)",
        ("question", "what", "ours", "influxdb", "influxdb/ours", "victoria", "victoria/ours"), tuple(lines),
        ("Every engine's answer is compared with ours. Q5 and Q6 leave InfluxDB and VictoriaMetrics as samples; their client",
         "computes them, which is in the figure. In the platform Q1 is the twin's, which reads no file for it."),
    )  # fmt: skip


class _NoThings:
    """Nothing is declared: last values do not ask."""

    async def model(self, tenant: str) -> ThingModel:  # noqa: ARG002
        return ThingModel(0, (), ())


async def _told_by_the_twin(clock: Clock) -> Table:
    """The twin's live store, as the platform has it, after ten rounds of samples of every signal: in process, and as another
    process of the platform asks it over the bus, all equipment at once."""
    paths = [f"machine-{machine:03d}/signal_{signal:03d}" for machine in range(_MACHINES) for signal in range(_SIGNALS)]
    equipment = sorted({path.partition("/")[0] for path in paths})
    bus = MemoryBus()
    twin = TwinService(bus, clock, _NoThings())
    for round_ in range(10):
        at = columns.to_us(clock.now()) + round_
        values = np.arange(len(paths), dtype=np.float64) + round_
        batch = columns.to_batch(paths, np.arange(len(paths), dtype=np.int32), [at] * len(paths), at, values, [0] * len(paths))
        await twin.handle([Message(f"samples.{TENANT}.c", columns.to_bytes(batch))])
    serving = asyncio.create_task(serve(bus, Twin, twin))
    await asyncio.sleep(0)
    lines: list[tuple[Cell, ...]] = []
    for how, asked in (("in its process", twin), ("over the bus", remote(Twin, bus))):
        took = []
        for _ in range(11):
            began = time.perf_counter()
            found = await asyncio.gather(*(asked.last(TENANT, each) for each in equipment))
            took.append(1000 * (time.perf_counter() - began))
        told = {value.path: value.value for values in found for value in values}
        if told != {path: at + 9.0 for at, path in enumerate(paths)}:
            raise AssertionError("the twin told other values than were sent")
        lines.append((how, len(equipment), len(paths), statistics.median(took[1:]), 20.0))
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await bus.close()
    return Table(
        "Q1 in the platform: the last value of every signal, from the twin",
        ("asked", "equipment", "signals", "ms", "wanted_ms"), tuple(lines),
        ("All equipment is asked at once, by equipment. The bus is one of the same process: NATS adds its own time.",),
    )  # fmt: skip


QUESTIONS = {
    "Q1": "last value of every signal", "Q2": "one signal, means of a minute", "Q3": "40 signals of a machine, an hour, raw",
    "Q4": "hourly mean power of every machine", "Q5": "energy of every order", "Q6": "time in each state, every machine",
}  # fmt: skip

_SQL = {
    "Q1": "SELECT path, value FROM last",
    "Q2": f"SELECT epoch_ms(source_time) // 60000, avg(value) FROM samples WHERE path = '{_ONE}' GROUP BY 1 ORDER BY 1",
    "Q3": "SELECT path, epoch_ms(source_time), value FROM samples WHERE path >= 'machine-001/' AND path < 'machine-0010'",
    "Q4": "SELECT path, epoch_ms(source_time) // 3600000, avg(value) FROM samples WHERE path LIKE '%/power_00' GROUP BY ALL",
    "Q5": """
        SELECT path, t // 120000, sum(value * (n - t)) / 3.6e6 FROM (
            SELECT path, value, epoch_ms(source_time) AS t, lead(t) OVER (PARTITION BY path ORDER BY source_time) AS n
            FROM samples WHERE path LIKE '%/power_00'
        ) WHERE n IS NOT NULL GROUP BY ALL""",
    "Q6": """
        SELECT path, value, sum(n - t) FROM (
            SELECT path, value, epoch_ms(source_time) AS t, lead(t) OVER (PARTITION BY path ORDER BY source_time) AS n
            FROM samples WHERE path LIKE '%/state_00'
        ) WHERE n IS NOT NULL GROUP BY ALL""",
}


async def _timed_ours(ours: Ours, name: str, window: Window) -> tuple[float, Any]:
    bounds = window.hour if name == "Q3" else (window.start_s, window.end_s)
    took: list[float] = []
    rows: list[tuple[Any, ...]] = []
    for _ in range(6):
        began = time.perf_counter()
        rows = await ours.ask(_SQL[name], *bounds)
        took.append(time.perf_counter() - began)
    return 1000 * statistics.median(took[1:]), _summary(name, rows)


def _timed(question: Question) -> tuple[float, Any]:
    took, found = [], None
    for _ in range(6):
        began = time.perf_counter()
        found = question()
        took.append(time.perf_counter() - began)
    return 1000 * statistics.median(took[1:]), found


def _summary(name: str, rows: Sequence[tuple[Any, ...]]) -> float:
    """One figure that answers of all engines must share: a count of rows for Q3, else the sum of what was computed."""
    return float(len(rows)) if name == "Q3" else float(sum(row[-1] for row in rows))


def _peer_answer(peer: Server, name: str, window: Window, orders: Orders) -> float:
    if isinstance(peer, Influx):
        return _influx(peer, name, window, orders)
    assert isinstance(peer, Victoria)
    return _victoria(peer, name, window, orders)


def _influx(peer: Influx, name: str, window: Window, orders: Orders) -> float:
    during = f"time >= {int(window.start_s * 1000)}ms AND time < {int(window.end_s * 1000)}ms"
    match name:
        case "Q1":
            return sum(rows[-1][1] for _, rows in peer.select("SELECT last(v) FROM s GROUP BY p"))
        case "Q2":
            found = peer.select(f"SELECT mean(v) FROM s WHERE p = '{_ONE}' AND {during} GROUP BY time(1m) fill(none)")
            return float(sum(row[1] for _, rows in found for row in rows))
        case "Q3":
            start, end = window.hour
            during = f"time >= {int(start * 1000)}ms AND time < {int(end * 1000)}ms"
            return float(sum(len(times) for times, _ in peer.raw(f"p =~ /^machine-001/ AND {during}").values()))
        case "Q4":
            found = peer.select(f"SELECT mean(v) FROM s WHERE p =~ /power_00$/ AND {during} GROUP BY time(1h), p fill(none)")
            return float(sum(row[1] for _, rows in found for row in rows))
        case "Q5":
            return float(orders.energy(peer.raw(f"p =~ /power_00$/ AND {during}")).sum())
        case _:
            return _state_ms(peer.raw(f"p =~ /state_00$/ AND {during}"))


def _victoria(peer: Victoria, name: str, window: Window, orders: Orders) -> float:
    start, end = window.start_s, window.end_s
    match name:
        case "Q1":
            return sum(peer.query(f"last_over_time(s_v[{int(end - start)}s])", end).values())
        case "Q2":
            found = peer.range(f'avg_over_time(s_v{{p="{_ONE}"}}[1m])', start + 60, end + 60, 60)
            return sum(value for rows in found.values() for _, value in rows)
        case "Q3":
            return float(sum(len(times) for times, _ in peer.raw('s_v{p=~"machine-001/.*"}', *_inside(window.hour)).values()))
        case "Q4":
            found = peer.range('avg_over_time(s_v{p=~".*power_00"}[1h])', start + 3600, end + 3600, 3600)
            return sum(value for rows in found.values() for _, value in rows)
        case "Q5":
            return float(orders.energy(peer.raw('s_v{p=~".*power_00"}', start, end)).sum())
        case _:
            return _state_ms(peer.raw('s_v{p=~".*state_00"}', start, end))


def _inside(hour: tuple[float, float]) -> tuple[float, float]:
    """VictoriaMetrics takes the end with it."""
    return hour[0], hour[1] - 0.001


def _state_ms(states: dict[str, Columns]) -> float:
    """Milliseconds in all states together, by state first, as a report would show them."""
    found: dict[tuple[str, float], float] = {}
    for path, (times, values) in states.items():
        for state in np.unique(values[:-1]):
            found[path, float(state)] = float(np.diff(times)[values[:-1] == state].sum())
    return sum(found.values())


def _agree(name: str, answers: dict[str, Any]) -> None:
    """The same figure from all. Means of steps are compared loosely: a sample on a step's border is put here or there."""
    ours = answers["batchone"]
    share = {"Q2": 0.01, "Q4": 0.05}.get(name, 1e-6)
    for engine, found in answers.items():
        if abs(found - ours) > share * max(abs(ours), 1.0):
            raise AssertionError(f"{engine} answers {name} with {found}, ours is {ours}")
