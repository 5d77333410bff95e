"""The whole loop: orders placed at once, made on the emulated plant at 500 times real speed, and where the time goes."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

import httpx

from batchone.chain.design.model import compile_pack
from batchone.contracts.design import Exploded
from batchone.contracts.pack import Pack
from batchone.contracts.production import ItemFinished, JobFinished
from batchone.contracts.sales import OrderPlaced
from batchone.demo.suppliers import supply
from batchone.kernel.bus import EVENTS, Message
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.facts import Envelope
from benchmarks.figures import Cell, Options, Report, Table, p50, p99
from benchmarks.plans import wishes
from benchmarks.platform import Api, Bench, running, until
from benchmarks.profiling import Profiled

SPEED = 500.0
SIZES = (20, 60, 120)
SIZES_QUICK = (4, 8, 12)
_PATIENCE_S = 900
_LOOK_S = 0.5
"""How often somebody looks for held items, real."""


@dataclass
class Told:
    """Every fact that was said, with the plant time at which somebody who listens heard of it."""

    jobs: dict[str, JobFinished] = field(default_factory=dict)
    placed: dict[str, datetime] = field(default_factory=dict)
    finished: dict[str, datetime] = field(default_factory=dict)
    heard_late_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    facts: int = 0

    def hear(self, envelope: Envelope, now: datetime) -> None:
        """Take one fact in."""
        self.facts += 1
        if envelope.name not in _KINDS:
            return
        fact = envelope.open()
        self.heard_late_s[envelope.name].append((now - envelope.time).total_seconds())
        if isinstance(fact, OrderPlaced):
            self.placed |= dict.fromkeys(fact.items, envelope.time)
        elif isinstance(fact, JobFinished):
            self.jobs[fact.job] = fact
        elif isinstance(fact, ItemFinished):
            self.finished[fact.item] = envelope.time


_KINDS = ("order.placed", "job.released", "job.started", "job.finished", "item.finished")


@dataclass(frozen=True)
class Bound:
    """What the machines alone allow, in plant seconds: the bottleneck's takt, and the longest way of one item."""

    equipment_class: str
    takt_s: float
    way_s: float

    def span_s(self, items: int) -> float:
        """No plan finishes so many items sooner: one after another at the bottleneck, the first on its whole way."""
        return self.way_s + (items - 1) * self.takt_s


def bound(pack: Pack, made: Sequence[Exploded]) -> Bound:
    """The bound for a mix of configurations, with no setup, break or fault."""
    positions: dict[str, int] = defaultdict(int)
    for machine in pack.equipment:
        positions[machine.equipment_class] += machine.positions
    work: dict[str, float] = defaultdict(float)
    for one in made:
        for step in one.operations:
            work[step.equipment_class] += step.duration_s / len(made)
    takt = {kind: seconds / positions[kind] for kind, seconds in work.items()}
    worst = max(takt, key=lambda kind: takt[kind])
    return Bound(worst, takt[worst], min(way_s(one) for one in made))


def way_s(made: Exploded) -> float:
    """Plant seconds of the longest way through an item's operations."""
    ends: dict[str, float] = {}
    for step in made.operations:
        ends[step.op] = max((ends[before] for before in step.after), default=0.0) + step.duration_s
    return max(ends.values())


def chain(jobs: Mapping[str, JobFinished], after: Mapping[str, Sequence[str]]) -> list[JobFinished]:
    """The jobs that an item's finish hung on, in order: from the last, always the predecessor that ended last."""
    found: list[JobFinished] = []
    last = max(jobs.values(), key=lambda job: job.at, default=None)
    while last is not None:
        found.append(last)
        before = [jobs[op] for op in after.get(last.op, ()) if op in jobs]
        last = max(before, key=lambda job: job.at, default=None)
    return found[::-1]


async def run(options: Options) -> Report:
    """Place orders at once, wait until all are finished, and take their time apart."""
    report = Report("loop")
    rows: list[tuple[Cell, ...]] = []
    splits: list[tuple[Cell, ...]] = []
    steps: Table | None = None
    for count in SIZES_QUICK if options.quick else SIZES:
        async with running(speed=SPEED) as (bench, api):
            await _warm(api)
            told, placing_s, real_s = await _made(bench, api, count)
        limit = bound(bench.pack, wishes(compile_pack(bench.pack), 200, seed=1))
        bound_per_min = 60 * SPEED * count / limit.span_s(count)
        rate = 60 * count / real_s
        rows.append(
            (f"{count} orders at once", placing_s, real_s, rate, bound_per_min, rate / bound_per_min, 60 * SPEED / limit.takt_s,
             told.facts, told.facts / real_s)
        )  # fmt: skip
        splits.append((f"{count} orders", *_split(bench.pack, told)))
        steps = _steps(bench.pack, told, real_s)
    title = f"Orders through the whole loop at {SPEED:.0f} times real speed"
    columns = (
        "load", "placing_s", "until_last_s", "orders_per_min", "bound_per_min", "of_bound", "takt_bound_per_min", "facts",
        "facts_per_s",
    )  # fmt: skip
    report.tables.append(
        Table(
            title, columns, tuple(rows),
            ("bound: the machines alone, without setup or fault: one item after another at the bottleneck "
             f"({limit.equipment_class}, each {limit.takt_s:.1f} s of plant time),",
             f"after the first has gone its way of {limit.way_s:,.0f} s; takt bound: the same for endless orders.",
             "until_last_s runs from the first order's placing to the last item's finish, in real seconds."),
        )
    )  # fmt: skip
    report.tables.append(
        Table(
            "Where an item's time goes (real milliseconds, medians over items)",
            ("load", "placed to finished", "to first start", "at machines", "between machines", "gap_p50", "gap_p99",
             "start_told_p50", "start_told_p99", "end_told_p50", "end_told_p99"),
            tuple(splits),
            ("Along the operations that the finish hung on: placing to first start (material, plan, queue), machine time,",
             "and the gaps between an end and the next start (read-back, release, queue, setup); gap: one such gap.",
             "told: from the moment at the machine until a listener on the bus has the fact (read-back, outbox, bus)."),
        )
    )  # fmt: skip
    if steps is not None:
        report.tables.append(steps)
    if options.profile:
        report.profiles["platform and customers in one process, while orders are made"] = await _profiled(options)
    return report


async def _warm(api: Api) -> None:
    """One order through everything, so that every path has been walked."""
    order = await api.order(random.Random("warm"), -1)
    await until(lambda: _is_finished(api, order["id"]), "the first order", timeout_s=_PATIENCE_S)


async def _is_finished(api: Api, order: str) -> bool:
    return (await api.get(f"/api/orders/{order}"))["status"] in ("finished", "in_transit", "delivered")


async def _look_at_held(api: Api) -> None:
    """What a failed check holds until somebody has looked at it, somebody looks at, and lets it go on."""
    while True:
        await asyncio.sleep(_LOOK_S)
        for order in (await api.get("/api/orders", status="held"))["orders"]:
            for item in order["items"]:
                found = await api.get(f"/api/items/{item}")
                if found["state"] == "held":
                    key = f"seen-{item}-{len(found['holds'])}"
                    with suppress(httpx.HTTPStatusError):  # decided meanwhile
                        await api.post(f"/api/items/{item}/release", {"redo": [], "note": "seen"}, key=key)


async def _made(bench: Bench, api: Api, count: int) -> tuple[Told, float, float]:
    """Place `count` orders and wait for their last item; what was told, seconds of placing, seconds in all."""
    told = Told()
    bus = await NatsBus.connect(bench.deployment.note.nats, "benchmark")

    async def hear(messages: Sequence[Message]) -> None:
        now = bench.clock.now()
        for message in messages:
            told.hear(Envelope.from_json(message.data), now)

    listening = asyncio.create_task(bus.consume(EVENTS, "benchmark", ["events.>"], hear, batch=200))
    await asyncio.sleep(1.5)  # what was said before is heard, and forgotten
    told = Told()
    supplying = asyncio.create_task(supply(api.client, bench.doors.tokens, bench.pack, bench.clock, random.Random(1)))
    looking = asyncio.create_task(_look_at_held(api))
    try:
        began = time.perf_counter()
        orders = await api.orders(count, seed=count)
        placing_s = time.perf_counter() - began
        items = {item for order in orders for item in order["items"]}

        async def all_finished() -> bool:
            return items <= told.finished.keys()

        await until(all_finished, f"{count} orders", timeout_s=_PATIENCE_S, every_s=0.05)
        return told, placing_s, time.perf_counter() - began
    finally:
        for task in (listening, supplying, looking):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await bus.close()


def _split(pack: Pack, told: Told) -> tuple[float, ...]:
    after = {step.op: step.after for step in pack.routing}
    by_item = _by_item(told)
    lead, first, at_machines, between, gaps = [], [], [], [], []
    for item, finished in told.finished.items():
        if item not in told.placed:
            continue
        way = chain(by_item[item], after)
        lead.append(_ms((finished - told.placed[item]).total_seconds()))
        first.append(_ms((way[0].started - told.placed[item]).total_seconds()))
        at_machines.append(_ms(sum((job.at - job.started).total_seconds() for job in way)))
        mine = [_ms((later.started - job.at).total_seconds()) for job, later in pairwise(way)]
        between.append(sum(mine))
        gaps += mine
    started, ended = ([_ms(late) for late in told.heard_late_s[name]] for name in ("job.started", "job.finished"))
    medians = (p50(lead), p50(first), p50(at_machines), p50(between))
    return (*medians, p50(gaps), p99(gaps), p50(started), p99(started), p50(ended), p99(ended))


def _by_item(told: Told) -> dict[str, dict[str, JobFinished]]:
    """The last good job of every operation of every item."""
    found: dict[str, dict[str, JobFinished]] = defaultdict(dict)
    for job in sorted(told.jobs.values(), key=lambda job: job.at):
        if job.state == "finished":
            found[job.item][job.op] = job
    return found


def _steps(pack: Pack, told: Told, real_s: float) -> Table:
    """Operation by operation, for the largest load."""
    by_item = _by_item(told)
    rows = []
    for step in pack.routing:
        jobs = [jobs[step.op] for jobs in by_item.values() if step.op in jobs]
        if not jobs:
            continue
        gaps = [
            _ms((one.started - max(jobs[op].at for op in step.after)).total_seconds())
            for jobs in by_item.values()
            if step.after and (one := jobs.get(step.op)) is not None and all(op in jobs for op in step.after)
        ]
        busy = [_ms((job.at - job.started).total_seconds()) for job in jobs]
        positions = sum(machine.positions for machine in pack.equipment_of(step.equipment_class))
        rows.append(
            (f"{step.op} {step.name.get('en', '')}", positions, p50(busy), p50(gaps) if gaps else None,
             p99(gaps) if gaps else None, sum(busy) / 1e3 / positions / real_s)
        )  # fmt: skip
    return Table(
        "The largest load by operation (real milliseconds)",
        ("operation", "positions", "at_machine_p50", "waited_p50", "waited_p99", "busy_share"), tuple(rows),
        ("waited: from the end of the last operation before it to its own start at the machine.",),
    )  # fmt: skip


def _ms(plant_s: float) -> float:
    return 1e3 * plant_s / SPEED


async def _profiled(options: Options) -> str:
    profiled = Profiled()
    async with running(speed=SPEED, here=True) as (bench, api):
        await _warm(api)
        with profiled.running():
            await _made(bench, api, SIZES_QUICK[0] if options.quick else SIZES[1])
    return profiled.text()
