from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from batchone.contracts.machines import DataNow, Trend
from batchone.contracts.things import EquipmentType, SignalType, Thing, ThingModel
from batchone.kernel.bus import SAMPLES, Message
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.twin.service import TwinService


def message(clock: ManualClock, rows: dict[str, float], *, seconds: float = 0, tenant: str = "t") -> Message:
    at = columns.to_us(clock.now() + timedelta(seconds=seconds))
    batch = columns.to_batch(list(rows), range(len(rows)), [at] * len(rows), at, list(rows.values()), [0] * len(rows))
    return Message(f"samples.{tenant}.c", columns.to_bytes(batch))


class Pages:
    """Somebody who watches a live page."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []

    async def listener(self, message: Message) -> None:
        self.heard.append((message.subject, orjson.loads(message.data)))


@pytest.fixture
async def bus():
    made = MemoryBus()
    yield made
    await made.close()


@pytest.fixture
async def pages(bus: MemoryBus):
    watching = Pages()
    task = asyncio.create_task(bus.listen("live.values.>", watching.listener))
    await asyncio.sleep(0)
    yield watching
    task.cancel()


async def test_live_pages_hear_what_changed_at_an_equipment(bus, clock, pages: Pages) -> None:
    twin = TwinService(bus, clock, FakeThings())
    await twin.handle([message(clock, {"m/x": 1.0, "m/P01/y": 2.0, "n/x": math.nan})])
    await twin.tell_once(10)
    now = clock.now().timestamp()
    assert dict(pages.heard) == {
        "live.values.t.m": {"paths": ["m/x", "m/P01/y"], "values": [1.0, 2.0], "times": [now, now], "quality": [0, 0]},
        "live.values.t.n": {"paths": ["n/x"], "values": [None], "times": [now], "quality": [0]},
    }


async def test_many_batches_in_one_moment_make_few_broadcasts(bus, clock, pages: Pages) -> None:
    twin = TwinService(bus, clock, FakeThings())
    work = asyncio.create_task(twin.tell(0.1, 10))
    loop = asyncio.get_running_loop()
    began = loop.time()
    count = 0
    while loop.time() - began < 0.55:
        count += 1
        await twin.handle([message(clock, {"m/x": float(count)}, seconds=count)])
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.15)
    work.cancel()
    assert count > 20
    assert 2 <= len(pages.heard) <= 8
    assert pages.heard[-1][1]["values"] == [float(count)]


async def test_tenants_are_kept_apart(bus, clock) -> None:
    twin = TwinService(bus, clock, FakeThings())
    await twin.handle([message(clock, {"m/x": 1.0}), message(clock, {"m/x": 2.0}, tenant="u")])
    assert [each.value for each in await twin.last("t", "m")] == [1.0]
    assert [each.value for each in await twin.last("u", "m")] == [2.0]
    assert await twin.last("v", "m") == ()


async def test_a_message_that_is_no_batch_stops_nothing(bus, clock) -> None:
    twin = TwinService(bus, clock, FakeThings())
    far = columns.to_bytes(columns.to_batch(("m/x",), (0,), (1 << 60,), 0, (1.0,), (0,)))
    garbage = [Message("samples.t.c", b"x"), Message("samples.t.c", far)]
    await twin.handle([*garbage, message(clock, {"m/x": 1.0})])
    assert [each.value for each in await twin.last("t", "m")] == [1.0]
    assert twin.refused == 2


class FakeHistory:
    def __init__(self, lines: dict[str, list[tuple[float, float]]]) -> None:
        self.lines = lines
        self.asked: list[str] = []

    async def trend(self, tenant: str, paths, start: datetime, end: datetime, points: int) -> Trend:
        self.asked = list(paths)
        found = {path: self.lines.get(path, []) for path in paths}
        return Trend(
            start, end, "complete", {path: tuple(t for t, _ in rows) for path, rows in found.items()},
            {path: tuple(v for _, v in rows) for path, rows in found.items()},
        )  # fmt: skip


class FakeThings:
    away = False

    async def model(self, tenant: str) -> ThingModel:
        if self.away:
            raise TryLater("bus.no_answer", "Nobody answers.")
        name = {"en": "M"}
        signals = (SignalType("x", name, every_s=2), SignalType("y", name, scope="position"))
        return ThingModel(0, (EquipmentType("c", name, signals),), (Thing("m", "c", name, "e/s/a/l/c", 2),))


async def test_after_a_restart_the_newest_stored_samples_are_there_as_uncertain(bus, clock) -> None:
    now = clock.now().timestamp()
    history = FakeHistory({"m/x": [(now - 9, 1.0), (now - 5.5, 2.0)], "m/P02/y": [(now - 1, 7.0)]})
    twin = TwinService(bus, clock, FakeThings())
    await twin.handle([message(clock, {"m/P02/y": 8.0})])
    await twin.fill("t", lambda: history, 3600)
    found = {each.path: (each.value, each.quality, each.source_time) for each in await twin.last("t", "m")}
    assert found == {
        "m/x": (2.0, columns.UNCERTAIN, clock.now() - timedelta(seconds=5.5)),
        "m/P02/y": (8.0, columns.GOOD, clock.now()),
    }


async def test_each_equipment_tells_how_fresh_and_good_its_signals_are(bus, clock) -> None:
    twin = TwinService(bus, clock, FakeThings())
    (before,) = await twin.data("t")
    assert before == DataNow("m", 3, 0, 0, 0, 3, 0, None, 2.0)
    await twin.handle([message(clock, {"m/x": 1.0, "m/P01/y": 2.0, "n/z": 3.0})])
    await clock.advance(5.5)
    assert await twin.data("t") == (replace(before, good=2, never=1, newest=clock.now() - timedelta(seconds=5.5)),)
    await clock.advance(1)
    assert [each.silent for each in await twin.data("t")] == [1]
    assert await twin.data("u") == (before,)


async def test_every_declared_signal_is_asked_for(bus, clock) -> None:
    history = FakeHistory({})
    await TwinService(bus, clock, FakeThings()).fill("t", lambda: history, 3600)
    assert history.asked == ["m/x", "m/P01/y", "m/P02/y"]


async def test_without_the_thing_model_the_twin_still_shows_what_comes(bus, clock) -> None:
    things = FakeThings()
    things.away = True
    twin = TwinService(bus, clock, things)
    with pytest.raises(TryLater):
        await twin.fill("t", lambda: FakeHistory({}), 3600)
    await twin.handle([message(clock, {"m/x": 1.0})])
    assert len(await twin.last("t", "m")) == 1


@pytest.mark.engine
async def test_the_twin_follows_the_stream(nats_bus, clock) -> None:
    twin = TwinService(nats_bus, clock, FakeThings())
    work = asyncio.create_task(nats_bus.consume(SAMPLES, "twin", ["samples.>"], twin.handle, batch=64))
    try:
        for at in range(20):
            sent = message(clock, {"m/x": float(at)}, seconds=at)
            await nats_bus.publish(sent.subject, sent.data, id=f"b{at}")
        async with asyncio.timeout(10):
            while [each.value for each in await twin.last("t", "m")] != [19.0]:
                await asyncio.sleep(0.02)
            while await nats_bus.pending(SAMPLES, "twin"):
                await asyncio.sleep(0.02)
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
