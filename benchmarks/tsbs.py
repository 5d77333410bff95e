"""The thirteen IoT questions of the Time Series Benchmark Suite, asked of ours, InfluxDB and VictoriaMetrics, as data grow."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.engines.postgres import Postgres
from batchone.kernel.ids import TimeIds
from batchone.machines import columns, history
from benchmarks.figures import Cell, Options, Report, Table, exponent, ratio
from benchmarks.history import TENANT, Ours
from benchmarks.timeseries import Influx, Victoria, unpacked
from benchmarks.trucks import DAY_S, SIGNALS, START_S, Truck, fleet_of, paths_of, told
from benchmarks.tsbs_ours import profile, question
from benchmarks.tsbs_peers import CLIENT, Answer, Asked, TruckServer, lines, peer_answer

SIZES = ((20, 1), (50, 2), (100, 3))
"""Trucks and days."""
_QUICK = ((8, 1), (16, 1))
_SEED = 23
"""With it every question has an answer at every size."""
_BATCH = 10_000
_SEGMENT_ROWS = 1_000_000
"""As the platform merges."""
_SLOW_S = 2.0

QUESTIONS = {
    "last-loc": "where every truck of a fleet was last",
    "single-last-loc": "where one truck was last",
    "low-fuel": "trucks of a fleet whose tank was last all but empty",
    "high-load": "trucks of a fleet that were last all but full",
    "stationary-trucks": "trucks of a fleet that stood for the last ten minutes",
    "long-driving-sessions": "trucks of a fleet that did not rest for twenty of the last 240 minutes",
    "long-daily-sessions": "trucks of a fleet that drove for more than ten of the last 24 hours",
    "avg-vs-projected-fuel-consumption": "fuel burnt while driving, beside the nominal, by fleet",
    "avg-daily-driving-duration": "hours driven a day, by truck",
    "avg-daily-driving-session": "minutes of a drive without a stop, by truck and day",
    "avg-load": "share of the capacity that is loaded, by fleet and model",
    "daily-activity": "share of the day in service, by fleet, model and day",
    "breakdown-frequency": "breakdowns, by model",
}

T = TypeVar("T")
Took = dict[str, dict[str, float]]
"""Milliseconds by question and engine."""


@dataclass(frozen=True)
class Size:
    """What was found with so many trucks and days."""

    trucks: int
    days: int
    samples: int
    took: Took
    rows: dict[str, int]

    @property
    def name(self) -> str:
        """As a column says it."""
        return f"{self.trucks}x{self.days}d"


async def run(options: Options) -> Report:
    """Fill and ask all engines, one size after another, each over an empty folder."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    report, found = Report("tsbs"), []
    for trucks, days in _QUICK if options.quick else SIZES:
        with tempfile.TemporaryDirectory(prefix="batchone-bench-", ignore_cleanup_errors=True) as folder:
            found.append(await _measured(trucks, days, Path(folder), report, options))
    report.tables.append(_grown(found))
    return report


async def _measured(count: int, days: int, home: Path, report: Report, options: Options) -> Size:
    trucks = fleet_of(count, seed=1)
    asked = Asked(trucks, START_S, START_S + days * DAY_S)
    postgres = Postgres(home / "pg")
    postgres.start()
    clock = SystemClock()
    ids = TimeIds(clock, random.Random(1))
    database = await Database.connect(postgres.url, clock, ids, size=4)
    ours = Ours(home / "history", database, ids, _SEGMENT_ROWS)
    peers, notes = [], []
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
        samples, table = await _filled(ours, peers, trucks, days, notes)
        report.tables.append(table)
        took, rows = await _asked(ours, peers, asked, options.only)
        size = Size(count, days, samples, took, rows)
        report.tables.append(_answered(size))
        if options.profile:
            segments = await ours.catalogue.of_tenant(TENANT)
            for name in took:
                report.profiles[f"{name}, {count} trucks"] = profile(ours.root, TENANT, segments, question(name, asked))
    finally:
        ours.asker.close()
        for peer in peers:
            peer.close()
        await database.close()
        postgres.stop()
    return size


async def _filled(
    ours: Ours, peers: Sequence[TruckServer], trucks: list[Truck], days: int, notes: Sequence[str]
) -> tuple[int, Table]:  # fmt: skip
    """The same rows for all, in turns; bytes once everything is merged."""
    rows, paths = told(trucks, days, _SEED), paths_of(trucks)
    samples = len(rows) * len(SIGNALS)
    took = dict.fromkeys(("batchone", *(peer.package for peer in peers)), 0.0)
    async with ours.sealing():
        for batch in rows.in_batches(_BATCH):
            data = columns.to_bytes(batch.samples(paths), ours.ids.new("B"))
            text = lines(batch, trucks) if peers else b""
            began = time.perf_counter()
            await ours.store(data)
            took["batchone"] += time.perf_counter() - began
            for peer in peers:
                began = time.perf_counter()
                await asyncio.to_thread(peer.store, text)
                took[peer.package] += time.perf_counter() - began
    await ours.settle()
    sizes = {"batchone": await ours.bytes_on_disk()}
    for peer in peers:
        await asyncio.to_thread(peer.settle)
        sizes[peer.package] = peer.bytes_on_disk()
    speed = {name: samples / seconds for name, seconds in took.items()}
    return samples, Table(
        f"Appending what {len(trucks)} trucks told in {days} days: {samples:,} samples",
        ("engine", "stored_per_s", "ours/engine", "bytes_each"),
        tuple((name, speed[name], ratio(speed["batchone"], speed[name]), sizes[name] / samples) for name in took),
        (f"In batches of {_BATCH * len(SIGNALS):,}, each acknowledged before the next. InfluxDB and VictoriaMetrics get lines",
         "as their users write them, all readings of a time in one, with name, fleet, driver and model as tags; making them",
         "is not counted. Ours gets samples, each with its time of arrival and a quality; nor is making them.", *notes),
    )  # fmt: skip


async def _asked(ours: Ours, peers: Sequence[TruckServer], asked: Asked, only: str) -> tuple[Took, dict[str, int]]:
    found: Took = {}
    count: dict[str, int] = {}
    for name in QUESTIONS:
        if only in name:
            answers: dict[str, Answer] = {}
            found[name] = {}
            mine = question(name, asked)
            took, rows = await _timed(partial(ours.ask, mine.select, *mine.window))
            found[name]["batchone"], answers["batchone"] = took, mine.answer(rows)
            for peer in peers:
                ask = partial(peer_answer, peer, name, asked)
                found[name][peer.package], answers[peer.package] = await _timed(partial(asyncio.to_thread, ask))
            agree(name, answers)
            count[name] = len(answers["batchone"])
    return found, count


async def _timed(ask: Callable[[], Awaitable[T]]) -> tuple[float, T]:
    """Milliseconds, the median of five once warm, of three where one takes long, and the answer."""
    took: list[float] = []
    answer = await ask()
    while len(took) < (3 if took and max(took) > _SLOW_S else 5):
        began = time.perf_counter()
        answer = await ask()
        took.append(time.perf_counter() - began)
    return 1000 * statistics.median(took), answer


def agree(name: str, answers: dict[str, Answer]) -> None:
    """The same rows from all, each figure within a millionth."""
    ours = answers["batchone"]
    for engine, found in answers.items():
        if found.keys() != ours.keys():
            raise AssertionError(f"{engine} answers {name} with other rows: {sorted(found.keys() ^ ours.keys())[:5]}")
        for key, values in found.items():
            for theirs, mine in zip(values, ours[key], strict=True):
                if abs(theirs - mine) > 1e-6 * max(abs(mine), 1.0):
                    raise AssertionError(f"{engine} answers {name} for {key} with {theirs}, ours is {mine}")


def _answered(size: Size) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, of in size.took.items():
        row: list[Cell] = [name, size.rows[name], of["batchone"]]
        for kind in (Influx, Victoria):
            there = of.get(kind.package)
            row += [there, ratio(there, of["batchone"]) if there is not None else None, CLIENT[kind.package].get(name, "-")]
        rows.append(tuple(row))
    return Table(
        f"Questions over {size.trucks} trucks, {size.days} days, {size.samples:,} samples: milliseconds (median of five, warm)",
        ("question", "rows", "ours", "influxdb", "influxdb/ours", "client", "victoria", "victoria/ours", "client"),
        tuple(rows),
        ("Every row of every answer is compared. *client*: what the engine's language leaves to its client, which is in the",
         "figure: the last step from the engine's means of ten minutes, or everything from samples. Sums by what is known of a",
         "truck, a handful of rows, are its client's too where numbers of tags are wanted; ours are told in the SELECT.",
         *why_slower(size.took)),
    )  # fmt: skip


_EACH_TIME = "a SELECT is planned, its views are made and the catalogue is asked anew each time: some five milliseconds"
_ALL_SIGNALS = (
    "files hold all signals of a time, sorted by path; others hold each series by itself, and skip what they know of it"
)
WHY = {
    "last-loc": _EACH_TIME,
    "low-fuel": _EACH_TIME,
    "high-load": _EACH_TIME,
    "single-last-loc": _EACH_TIME,
    "stationary-trucks": f"{_EACH_TIME}; hours of all signals are looked at for minutes of one",
    "long-driving-sessions": "as stationary-trucks, for four hours",
    "long-daily-sessions": _ALL_SIGNALS,
    "avg-vs-projected-fuel-consumption": "two signals of one time are two rows, which are brought together again",
    "avg-daily-driving-duration": _ALL_SIGNALS,
    "avg-daily-driving-session": _ALL_SIGNALS,
    "avg-load": _ALL_SIGNALS,
    "daily-activity": _ALL_SIGNALS,
    "breakdown-frequency": _ALL_SIGNALS,
}
"""What our time goes to where we are slower; `--profile` shows it."""


def why_slower(took: Took) -> list[str]:
    """A line for each question that another engine answers sooner."""
    return [f"Slower, {name}: {WHY[name]}." for name, of in took.items() if min(of.values()) < of["batchone"]]


def _grown(found: Sequence[Size]) -> Table:
    first, last = found[0], found[-1]
    engines = ("batchone", Influx.package, Victoria.package)
    rows: list[tuple[Cell, ...]] = []
    for name in last.took:
        row: list[Cell] = [name]
        for engine in engines:
            if engine not in last.took[name]:
                row += [None] * (len(found) + 1)
                continue
            row += [size.took[name][engine] for size in found]
            row.append(exponent((first.samples, first.took[name][engine]), (last.samples, last.took[name][engine])))
        rows.append(tuple(row))
    heads = [f"{engine} {size.name}" for engine in ("ours", "influxdb", "victoria") for size in (*found, None) if size]
    names = [head for at in range(3) for head in (*heads[at * len(found) : (at + 1) * len(found)], "exponent")]
    return Table(
        f"What grows with the data: milliseconds at {', '.join(f'{size.samples:,}' for size in found)} samples",
        ("question", *names), tuple(rows),
        ("Exponent: the power of the number of samples with which the time grows from the first size to the last.",),
    )  # fmt: skip
