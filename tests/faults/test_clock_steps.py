"""The clocks of hub and edge are set by hours, forwards and back, while samples come: each is stored once, in its order, and
nothing waits for a time to come again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from tests.faults.edges import TENANT, Counter, Plant, deployed, hours_ago, soon, values
from tests.faults.harness import background

from batchone.contracts.machines import Twin
from batchone.contracts.sources import Sources
from batchone.kernel.bus import SAMPLES, Message
from batchone.kernel.remote import remote
from batchone.machines import columns

pytestmark = [pytest.mark.engine, pytest.mark.fault]
_THINGS = """types:
  - id: meter
    name: {en: Meter}
    signals: [{id: count, limits: {high: 1e9}}]
equipment:
  - {id: meter-1, type: meter, place: works/s/a/l/c}
  - {id: meter-2, type: meter, place: works/s/a/l/c}
"""
_SOURCES = """connections:
  - id: polled
    url: modbus://127.0.0.1:%d
    settings: {every: 20 ms}
    signals: [{path: meter-1/count, address: 'holding:0:uint32'}]
  - id: pushed
    url: influx://pushed
    signals: [{path: meter-2/count, address: meter count}]
"""
HOUR_S = 3600.0
STEPS = ((5, 0), (5, 5), (-7, 5), (-7, -7), (0, -7), (0, 0))
"""By how many hours the clocks of hub and edge are wrong, one after another."""


async def test_clocks_that_are_set_by_hours_cost_no_sample_make_none_twice_and_stall_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = Path(__file__).parent / "stepping"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(here), *filter(None, [os.environ.get("PYTHONPATH")])]))
    start, end = hours_ago(12), hours_ago(-12)
    streamed: list[int] = []

    async def hear(messages: Sequence[Message]) -> None:
        for message in messages:
            streamed.extend(int(value) for value in columns.values_of(columns.from_bytes(message.data)))

    async with deployed() as plant, Counter().serving() as machine:
        async with background(plant.at_hub.consume(SAMPLES, "test", [f"samples.{TENANT}.polled"], hear)):
            await plant.declare(_THINGS, _SOURCES % machine.port)
            for number, (hub, edge) in enumerate(STEPS, 1):
                (plant.hub.home / "clock.step").write_text(str(hub * HOUR_S))
                (plant.edge.home / "clock.step").write_text(str(edge * HOUR_S))
                await _heard_again(plant, machine, number)
                for now in (await soon(plant.connections)).values():
                    assert now.waiting_s < 60
                    assert now.drain_per_s < 500, "fifty numbers a second were told"
            machine.rests = True
            await plant.until_settled()
        polled, missing = await plant.samples("meter-1/count", start, end)
        pushed, _ = await plant.samples("meter-2/count", start, end)
        assert missing == ()
        assert sorted(values(polled)) == list(range(1, machine.told + 1))
        assert sorted(values(pushed)) == list(range(1, len(STEPS) + 1))
        assert streamed == list(range(1, machine.told + 1))
        times = polled["source_time"].to_pylist()
        assert max(times) - min(times) > timedelta(hours=11), "the edge's clock was never wrong"


async def _heard_again(plant: Plant, machine: Counter, number: int) -> None:
    """Within seconds what machines tell is stored, and there is a last value."""
    told, stored = machine.told, await plant.stored()
    line = f"meter count={number}"  # without a time: it has that of its arrival
    await soon(lambda: remote(Sources, plant.at_edge).push(TENANT, "pushed", line, {}))
    async with asyncio.timeout(20):
        while machine.told < told + 100 or await plant.stored() < stored + 50:
            await asyncio.sleep(0.1)
    assert await soon(lambda: remote(Twin, plant.at_hub).last(TENANT, "meter-1"))
