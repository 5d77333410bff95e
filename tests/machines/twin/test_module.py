from __future__ import annotations

import asyncio
import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from batchone.contracts.design import Design
from batchone.contracts.machines import History, Twin
from batchone.contracts.pack import Limits, Place
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.database import migrate
from batchone.kernel.module import Context
from batchone.kernel.settings import read
from batchone.machines import columns, history
from batchone.machines.twin import MODULE
from batchone.machines.twin.module import TwinSettings

pytestmark = pytest.mark.engine


class FakeDesign:
    async def products(self, tenant: str):
        return (SimpleNamespace(id="p"),)

    async def pack(self, tenant: str, product: str):
        signals = (SimpleNamespace(id="x", name={"en": "X"}, unit="", scope="equipment", limits=Limits(), every_s=1.0),)
        machine = SimpleNamespace(id="m", equipment_class="c", positions=1, name={"en": "M"}, cell="c")
        return SimpleNamespace(
            id="p", equipment=[machine], classes=[SimpleNamespace(id="c", name={"en": "C"})], signals_of=lambda _: signals,
            meters=[], place=Place("e", "s", "a", "l"),
        )  # fmt: skip


async def at_work(context: Context, module, settings):
    running = await module.build(context, settings)
    module.check(running)
    for protocol, made in running.provides.items():
        context.provide(protocol, made)
    return running, [asyncio.create_task(work()) for work in running.work.values()]


async def stop(running, tasks) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if running.stop:
        await running.stop()


async def test_a_twin_that_starts_anew_knows_what_the_history_holds(clock, ids, database, tmp_path: Path) -> None:
    await migrate(database, "history", history.MODULE.migrations)
    await migrate(database, "twin", MODULE.migrations)
    bus = MemoryBus()
    context = Context(
        clock=clock, ids=ids, chance=random.Random(1), database=database, bus=bus, home=tmp_path, tenant="t"
    )  # fmt: skip
    context.provide(Design, FakeDesign())
    stored = await at_work(context, history.MODULE, read(history.MODULE.settings, {"flush": "0 s"}, "history"))
    first = await at_work(context, MODULE, TwinSettings())
    try:
        now = columns.to_us(clock.now())
        batch = columns.to_batch(("m/x",), [0] * 9, [now - at for at in range(9)], now, [float(at) for at in range(9)], [0] * 9)
        await bus.publish("samples.t.c", columns.to_bytes(batch), id="b")
        async with asyncio.timeout(20):
            while not await context.get(Twin).last("t", "m") or not (await context.get(History).stats("t")).samples:
                await asyncio.sleep(0.02)
        (value,) = await context.get(Twin).last("t", "m")
        assert (value.value, value.quality) == (0.0, columns.GOOD)
        await stop(*first)
        first = await at_work(context, MODULE, TwinSettings())
        async with asyncio.timeout(20):
            while not await context.get(Twin).last("t", "m"):
                await asyncio.sleep(0.02)
        (value,) = await context.get(Twin).last("t", "m")
        assert (value.value, value.quality, value.source_time) == (0.0, columns.UNCERTAIN, clock.now())
    finally:
        await stop(*first)
        await stop(*stored)
