from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import textwrap
import time
from datetime import timedelta
from pathlib import Path

import pytest

from batchone.contracts.machines import History
from batchone.contracts.things import EquipmentType, SignalType, Thing, ThingModel, Things, ThingsDeclared
from batchone.kernel.bus import SAMPLES
from batchone.kernel.database import migrate
from batchone.kernel.facts import Envelope
from batchone.kernel.module import Context
from batchone.kernel.outbox import Heard
from batchone.kernel.settings import read
from batchone.machines import columns
from batchone.machines.history import MODULE
from batchone.machines.history.module import HistorySettings

pytestmark = pytest.mark.engine


class FakeThings:
    """A machine whose signal is kept for long from the second edition on."""

    retention = "standard"

    async def model(self, tenant: str) -> ThingModel:
        name = {"en": "M"}
        signals = (SignalType("x", name, retention=self.retention),)
        return ThingModel(0, (EquipmentType("c", name, signals),), (Thing("m", "c", name, "e/s/a/l/c"),))


@pytest.fixture
async def context(clock, ids, database, nats_bus, tmp_path: Path) -> Context:
    await migrate(database, MODULE.schema, MODULE.migrations)
    made = Context(
        clock=clock, ids=ids, chance=random.Random(1), database=database, bus=nats_bus, home=tmp_path, tenant="t"
    )  # fmt: skip
    made.provide(Things, FakeThings())
    return made


class Running:
    """The module at work."""

    def __init__(self, context: Context, **settings: object) -> None:
        self.context, self.settings = context, settings

    async def __aenter__(self) -> History:
        self.running = await MODULE.build(self.context, read(HistorySettings, self.settings, "history"))
        MODULE.check(self.running)
        self.tasks = [asyncio.create_task(work()) for work in self.running.work.values()]
        return self.running.provides[History]

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.running.stop()


async def publish(context: Context, at: int, *, rows: int = 10) -> None:
    times = [columns.to_us(context.clock.now()) + 1_000_000 * at + each for each in range(rows)]
    batch = columns.to_batch(("m/x",), [0] * rows, times, times[0], [float(each) for each in range(rows)], [0] * rows)
    await context.bus.publish("samples.t.c1", columns.to_bytes(batch, f"B-{at}"), id=f"B-{at}")


async def seen(history: History, count: int, context: Context) -> float:
    began = time.monotonic()
    async with asyncio.timeout(20):
        while (await history.stats("t")).samples < count:
            await asyncio.sleep(0.02)
    return time.monotonic() - began


async def sealed(history: History, segments: int) -> None:
    async with asyncio.timeout(20):
        while (await history.stats("t")).segments < segments:
            await asyncio.sleep(0.02)


async def test_a_sample_can_be_read_soon_after_its_arrival(context: Context) -> None:
    async with Running(context) as history:
        await publish(context, 0)
        await seen(history, 10, context)
        worst = 0.0
        for at in range(1, 5):
            await publish(context, at)
            worst = max(worst, await seen(history, 10 * (at + 1), context))
        assert worst < 5  # about one second where the machine has nothing else to do
        now = context.clock.now()
        trend = await history.trend("t", ["m/x"], now, now + timedelta(minutes=1), 100)
        assert (trend.answer, len(trend.values["m/x"])) == ("complete", 50)


async def test_nothing_is_lost_or_doubled_over_restarts(context: Context) -> None:
    for round_ in range(3):
        for at in range(5):
            await publish(context, 5 * round_ + at)
        async with Running(context, flush="0.05 s", seal_every="0.02 s", tidy_every="0.1 s", fan_in=2, grace="0 s"):
            await asyncio.sleep(0.1 * round_)
    async with Running(context, flush="0 s") as history:
        await seen(history, 150, context)
        async with asyncio.timeout(40):
            while await context.bus.pending(SAMPLES, "history"):
                await asyncio.sleep(0.05)
        now = context.clock.now()
        trend = await history.trend("t", ["m/x"], now, now + timedelta(minutes=1), 1000)
        assert (await history.stats("t")).samples == len(trend.values["m/x"]) == 150


def test_what_is_slow_to_load_is_loaded_before_the_first_sample(tmp_path: Path) -> None:
    script = f"""
        import sys, time
        from pathlib import Path
        from batchone.machines.history.reading import Reader, Window
        from batchone.machines.history.segments import SegmentFiles, sorted_unique
        from batchone.machines import columns
        from datetime import date
        reader = Reader(None, Path({str(tmp_path)!r}), threads=1, memory_bytes=1e8)
        reader.warm()
        before = set(sys.modules)
        batch = columns.from_bytes(columns.to_bytes(columns.to_batch(("m/x",), (0,), (5,), 5, (1.0,), (0,))))
        files = SegmentFiles(Path({str(tmp_path)!r}), lambda: "S", time.time)
        segment = files.write("t", date(2026, 3, 2), sorted_unique([batch]))
        found = reader._trend(Window([segment], 0, 9, ["m/x"]), 10)
        assert found.lines == {{"m/x": ((5e-06,), (1.0,))}}, found
        heavy = {{name.partition(".")[0] for name in set(sys.modules) - before}} & {{"pandas", "pytz", "dateutil"}}
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=120)


def test_settings_are_quantities_with_units() -> None:
    settings = read(HistorySettings, {"flush": "500 ms", "read_memory": "2 GB"}, "history")
    assert (settings.flush, settings.read_memory) == (0.5, 2e9)


async def test_what_is_declared_to_be_kept_for_long_goes_to_a_shelf_of_its_own(context: Context) -> None:
    running = Running(context, seal_every="0.1 s", tidy_every="1 h")
    async with running as history:
        await publish(context, 0)
        await sealed(history, 1)
        context.get(Things).retention = "long"
        await publish(context, 1)
        await sealed(history, 2)
        envelope = Envelope("F", "t", "things.declared", 1, context.clock.now(), "x", "{}")
        async with context.database.transaction() as tx:
            await running.running.hears[ThingsDeclared](tx, Heard(envelope, ThingsDeclared(1, "x")))
        await publish(context, 2)
        await sealed(history, 3)
    async with context.database.transaction() as tx:
        rows = await tx.all("SELECT kept, sum(rows)::int AS rows FROM history.segment WHERE retired_at IS NULL GROUP BY kept")
    assert {row["kept"]: row["rows"] for row in rows} == {"standard": 20, "long": 10}


async def test_old_files_go_to_the_object_store_by_themselves_and_are_read_from_there(context: Context) -> None:
    place = context.home / "bucket"
    place.mkdir()
    objects = {"at": str(place), "move_after": "1 h"}
    async with Running(
        context, seal_every="0.1 s", tidy_every="0.1 s", settled="0 s", grace="0 s", objects=objects
    ) as history:  # fmt: skip
        await publish(context, -86_400)
        await publish(context, 0)
        await seen(history, 20, context)
        async with asyncio.timeout(20):
            while not list(place.rglob("*.parquet")):
                await asyncio.sleep(0.05)
        (moved,) = place.rglob("*.parquet")
        (context.home / "history" / moved.relative_to(place / "segments")).unlink(missing_ok=True)
        now = context.clock.now()
        trend = await history.trend("t", ["m/x"], now - timedelta(days=2), now + timedelta(minutes=1), 100)
        assert (trend.answer, len(trend.values["m/x"])) == ("complete", 20)
