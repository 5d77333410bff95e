"""A machine that sends not-a-number, infinities, wrong types, absurd times and very many signals that nobody declared: they are
set aside and counted, memory stays bounded, and sound values beside it are stored.

`BATCHONE_SIGNALS` makes it a million, which takes some minutes.
"""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from aiomqtt import Client
from tests.faults.edges import TENANT, Plant, deployed, hours_ago, soon, values

from batchone.contracts.quarantine import Quarantines
from batchone.contracts.sources import Sources
from batchone.kernel.remote import remote

SIGNALS = int(os.environ.get("BATCHONE_SIGNALS", "40000"))
EACH = 100
"""Values in a message; a payload of more than two hundred is no measurement that a person looks through."""
PEAK_MB = 400
_THINGS = """types:
  - id: meter
    name: {en: Meter}
    signals: [{id: count}, {id: timed}, {id: pushed}]
equipment:
  - {id: meter-1, type: meter, place: works/s/a/l/c}
"""
_SOURCES = """connections:
  - id: gate
    url: mqtt://127.0.0.1:%d
    settings: {listen: wild/#, qos: '1'}
    signals: [{path: meter-1/count, address: plant/count}]
  - id: timed
    url: mqtt://127.0.0.1:%d
    settings: {time: t, format: ms, qos: '1'}
    signals: [{path: meter-1/timed, address: 'plant/timed#v'}]
  - id: pushed
    url: influx://pushed
    signals: [{path: meter-1/pushed, address: meter pushed}]
"""
NO_NUMBERS = (
    b"NaN",
    b"Infinity",
    b"-inf",
    b"1e999",
    b"1" * 400,
    b"abc",
    b"{}",
    b"[1, 2]",
    b'{"v": 1',
    b"\xff\xfe",
    b'"\\ud800"',
)
NO_TIMES = (-1, 10**20, "now", None, [], 253_370_764_800_000, float("1e300"))

pytestmark = [pytest.mark.engine, pytest.mark.fault, pytest.mark.timeout(180 + SIGNALS // 1000)]


async def test_what_no_one_declared_or_can_read_is_counted_and_costs_no_memory_and_no_sound_value() -> None:
    start = hours_ago(1)
    async with deployed() as plant:
        assert plant.edge.nats is not None
        port = plant.edge.nats.mqtt_port
        await plant.declare(_THINGS, _SOURCES % (port, port))
        await _until_up(plant)
        plant.measure()
        quiet_mb = plant.peak_mb["edge"]
        async with Client("127.0.0.1", port, timeout=60) as machine:
            for number in range(SIGNALS // EACH):
                told = {f"s{number}-{at}": at + 0.5 for at in range(EACH)}
                await machine.publish(f"wild/{number}", json.dumps(told).encode(), qos=1)
                if number % 100 == 0:
                    await machine.publish("plant/count", str(number // 100).encode(), qos=1)
            for payload in NO_NUMBERS:
                await machine.publish("plant/count", payload, qos=1)
            for time in NO_TIMES:
                await machine.publish("plant/timed", json.dumps({"v": 1.5, "t": time}).encode(), qos=1)
            await machine.publish("plant/timed", json.dumps({"v": 7, "t": int(start.timestamp() * 1000)}).encode(), qos=1)
            await machine.publish("plant/count", b"1000000", qos=1)
        for first in range(0, SIGNALS, 20_000):
            lines = "".join(f"wild,n={first + at} v={at}\n" for at in range(20_000))
            taken = await soon(lambda lines=lines: remote(Sources, plant.at_edge).push(TENANT, "pushed", lines, {}))
            assert (taken.samples, taken.quarantined) == (0, 20_000)
        body = "meter pushed=NaN\nmeter pushed=1e999\nmeter pushed=x\nmeter pushed=5 99999999999999999999\nmeter pushed=3\n"
        taken = await soon(lambda: remote(Sources, plant.at_edge).push(TENANT, "pushed", body, {}))
        assert (taken.samples, taken.refused) == (1, 4)

        sound = [*range(SIGNALS // EACH // 100), 1_000_000]
        await plant.until_stored(len(sound) + 2)
        now = await soon(plant.connections)
        plant.measure()
        print(f"{SIGNALS} signals over MQTT, as many pushed; edge {quiet_mb:.0f} MB, peak {plant.peak_mb['edge']:.0f} MB")
        # With a QoS of 1 a broker may hand out a message twice.
        assert now["gate"].quarantined >= SIGNALS // EACH * EACH + len(NO_NUMBERS)
        assert now["timed"].quarantined >= len(NO_TIMES)
        assert {each.dropped for each in now.values()} == {0}
        listed = await soon(lambda: remote(Quarantines, plant.at_edge).listed(TENANT))
        assert 0 < len(listed) <= 3 * 1001
        assert {(each.path, each.reason) for each in listed} >= {
            ("meter-1/count", "unreadable"),
            ("timed/plant/timed", "unreadable"),
        }
        until = datetime.now(UTC) + timedelta(hours=1)
        for path, numbers in (("count", sound), ("timed", [7]), ("pushed", [3])):
            stored, missing = await plant.samples(f"meter-1/{path}", start - timedelta(hours=1), until)
            assert (list(dict.fromkeys(values(stored))), missing) == (numbers, ())
        assert plant.peak_mb["edge"] < PEAK_MB


async def _until_up(plant: Plant) -> None:
    async with asyncio.timeout(60):
        while not all(each.up for each in (await soon(plant.connections)).values()):
            await asyncio.sleep(0.1)
