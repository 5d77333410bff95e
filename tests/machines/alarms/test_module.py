from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from pathlib import Path

import pytest

from batchone.contracts.alarms import Alarms
from batchone.contracts.enterprises import Actor, Enterprises
from batchone.contracts.machines import EquipmentChanged
from batchone.contracts.things import Things
from batchone.kernel.module import Context
from batchone.kernel.outbox import hear, relay
from batchone.kernel.settings import read
from batchone.machines.alarms import MODULE
from batchone.machines.alarms.module import AlarmsSettings

pytestmark = pytest.mark.engine


async def until(asked, wanted: object) -> None:
    async with asyncio.timeout(20):
        while await asked() != wanted:
            await asyncio.sleep(0.02)


async def test_from_the_stream_and_from_facts_to_alarms_and_back_to_facts(rig, nats_bus, tmp_path: Path) -> None:
    context = Context(
        clock=rig.clock, ids=rig.ids, chance=random.Random(1), database=rig.database, bus=nats_bus, home=tmp_path, tenant="t"
    )  # fmt: skip
    context.provide(Things, rig.things)
    context.provide(Enterprises, rig.enterprises)
    running = await MODULE.build(context, read(AlarmsSettings, {"on_delay": "5 s", "tick": "20 ms"}, "alarms"))
    MODULE.check(running)
    alarms = running.provides[Alarms]
    work = [work() for work in running.work.values()]
    work += [relay(rig.database, nats_bus), hear(rig.database, nats_bus, MODULE.name, running.hears)]
    tasks = [asyncio.create_task(each) for each in work]

    async def active() -> list[tuple[str, str, str]]:
        return [(each.path, each.limit, each.state) for each in await alarms.active("t", "")]

    try:
        sent = rig.message([("m1/temperature", 0, 35)])
        await nats_bus.publish(sent.subject, sent.data, id="b1")
        async with rig.database.transaction() as tx:
            await tx.say("t", EquipmentChanged("m1", "alarm", "running", rig.at(0)), actor="connect")
        await until(active, [("m1", "broken", "unacknowledged")])
        while len(await active()) < 2:
            await rig.clock.advance(1)
            await asyncio.sleep(0.05)
        found = await alarms.active("t", "m1")
        assert [(each.path, each.limit) for each in found] == [("m1", "broken"), ("m1/temperature", "high")]
        assert found[1].raised == rig.start + timedelta(seconds=5)
        for each in found:
            await alarms.acknowledge("t", each.id, Actor("t", "wang", "Wang", "operator"))
        sent = rig.message([("m1/temperature", 20, 25)])
        await nats_bus.publish(sent.subject, sent.data, id="b2")
        async with rig.database.transaction() as tx:
            await tx.say("t", EquipmentChanged("m1", "running", "alarm", rig.at(20)), actor="connect")
        await until(active, [])
        said = [name for name, _ in await rig.said() if name.startswith("alarm.")]
        assert sorted(said) == ["alarm.raised", "alarm.raised", "alarm.returned", "alarm.returned"]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
