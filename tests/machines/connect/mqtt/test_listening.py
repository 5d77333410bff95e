"""The driver against the broker that comes with the platform."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiomqtt import Client

from batchone.contracts.sources import Point, Source
from batchone.contracts.things import ThingModel
from batchone.kernel.clock import SystemClock
from batchone.kernel.engines.child import free_port
from batchone.kernel.engines.nats import Nats
from batchone.kernel.errors import Refused, TryLater
from batchone.machines import columns
from batchone.machines.connect.driver import Reach, Reading
from batchone.machines.connect.mqtt.driver import MqttDriver, probe
from batchone.machines.connect.wiring import wire_source

pytestmark = pytest.mark.engine

POINTS = (
    Point("oven-1/temp", "m/oven/temp"), Point("oven-1/zone", "m/oven/state#zones.0.t"), Point("oven-1/door", "m/+/door"),
)  # fmt: skip


def driver_of(url: str, *points: Point, **settings: str) -> MqttDriver:
    wiring = wire_source(Source("cell", url, settings, points), "mqtt", {point.path for point in points}, (), {})
    return MqttDriver(wiring, Reach(answer_s=3.0), SystemClock())


@contextlib.asynccontextmanager
async def opened(url: str, *points: Point, **settings: str) -> AsyncIterator[MqttDriver]:
    driver = driver_of(url, *points, **settings)
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


async def publish(url: str, *messages: tuple[str, str], retain: bool = False) -> None:
    parts = urlsplit(url)
    async with Client(parts.hostname or "", parts.port or 0) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=1, retain=retain)


async def heard(driver: MqttDriver, count: int) -> tuple[list[tuple[str, str, int]], list[Reading]]:
    """So many samples and faults, and the readings that brought them."""
    rows, readings, faults = [], [], 0
    async with asyncio.timeout(20):
        while len(rows) + faults < count:
            reading = await driver.read()
            batch = reading.samples
            values = [f"{value:g}" for value in columns.values_of(batch)]
            rows += zip(batch.column("path").to_pylist(), values, columns.qualities_of(batch).tolist(), strict=True)
            faults += sum(fault.count for fault in reading.faults)
            readings.append(reading)
    return rows, readings


async def test_numbers_and_keys_within_json_become_samples(mqtt_url: str) -> None:
    async with opened(mqtt_url, *POINTS) as driver:
        await publish(
            mqtt_url, ("m/oven/temp", "21.5"), ("m/oven/state", '{"zones": [{"t": 7}]}'), ("m/oven/state", '{"other": 1}'),
            ("m/left/door", "on"), ("m/oven/temp", "null"),
        )  # fmt: skip
        rows, _ = await heard(driver, 4)
    assert rows == [("oven-1/temp", "21.5", 0), ("oven-1/zone", "7", 0), ("oven-1/door", "1", 0), ("oven-1/temp", "nan", 2)]


async def test_what_is_no_number_is_told_and_costs_the_others_nothing(mqtt_url: str) -> None:
    async with opened(mqtt_url, *POINTS) as driver:
        await publish(mqtt_url, ("m/oven/temp", "warm"), ("m/oven/state", '{"zones": [{"t": {}}]}'), ("m/oven/temp", "1"))
        rows, readings = await heard(driver, 3)
    assert rows == [("oven-1/temp", "1", 0)]
    told = {fault.path: fault.what for reading in readings for fault in reading.faults}
    assert told == {"oven-1/temp": "'warm' is no number", "oven-1/zone": "it holds more than a number; name a key within it"}


async def test_a_payload_may_bring_its_time(mqtt_url: str) -> None:
    point = Point("oven-1/temp", "m/timed#v")
    async with opened(mqtt_url, point, time="t.at", format="s") as driver:
        await publish(
            mqtt_url,
            ("m/timed", '{"v": 1, "t": {"at": 1700000000}}'),
            ("m/timed", '{"v": 2}'),
            ("m/timed", '{"v": 3, "t": {"at": -5}}'),
        )
        _, readings = await heard(driver, 3)
    assert [time for reading in readings for time in columns.times_us(reading.samples)] == [1_700_000_000_000_000]
    faults = [fault for reading in readings for fault in reading.faults]
    assert (sum(fault.count for fault in faults), faults[-1].what) == (2, "-5 is no time in s of the years 1970 to 9998")


async def test_a_retained_message_is_uncertain_and_what_follows_is_good(mqtt_url: str) -> None:
    point = Point("oven-1/temp", "m/kept")
    await publish(mqtt_url, ("m/kept", "5"), retain=True)
    async with opened(mqtt_url, point) as driver:
        rows, _ = await heard(driver, 1)
        await publish(mqtt_url, ("m/kept", "6"))
        rows += (await heard(driver, 1))[0]
        await publish(mqtt_url, ("m/kept", ""), retain=True)
        await publish(mqtt_url, ("m/kept", "7"))
        rows += (await heard(driver, 1))[0]
    assert [row[1:] for row in rows] == [("5", columns.UNCERTAIN), ("6", columns.GOOD), ("7", columns.GOOD)]


async def test_more_topics_are_heard_under_the_addresses_by_which_they_can_be_declared(mqtt_url: str) -> None:
    async with opened(mqtt_url, listen="l.1/#") as driver:
        await publish(mqtt_url, ("l.1/press", '{"force": 3, "note": "x"}'), ("l.1/press/speed", "4"), ("elsewhere", "5"))
        rows, _ = await heard(driver, 2)
    assert rows == [("cell/l.1/press#force", "3", 0), ("cell/l.1/press/speed", "4", 0)]


async def test_a_broker_that_goes_away_is_try_later_and_a_new_driver_hears_it_again(tmp_path: Path) -> None:
    server = Nats(tmp_path / "broker", mqtt_port=free_port())
    await asyncio.to_thread(server.start)
    async with opened(server.mqtt_url, POINTS[0]) as driver:
        await asyncio.to_thread(server.stop)
        with pytest.raises(TryLater, match="does not answer"):
            await driver.read()
    gone = driver_of(server.mqtt_url, POINTS[0])
    with pytest.raises(TryLater, match="does not answer"):
        await gone.open()
    await gone.close()
    await asyncio.to_thread(server.start)
    async with opened(server.mqtt_url, POINTS[0]) as again:
        await publish(server.mqtt_url, ("m/oven/temp", "2"))
        assert (await heard(again, 1))[0] == [("oven-1/temp", "2", 0)]
    await asyncio.to_thread(server.stop)


async def test_while_little_room_is_left_the_broker_is_held_back(mqtt_url: str) -> None:
    async with opened(mqtt_url, Point("oven-1/temp", "m/held"), qos="1") as driver:
        driver.press(0.95)
        await publish(mqtt_url, *[("m/held", str(at)) for at in range(200)])
        for _ in range(2):
            assert (await driver.read()).samples.num_rows == 0
        assert driver._session._came  # there, and not acknowledged: their answers wait with them
        assert driver._session._owed
        driver.press(0.1)
        values: list[str] = []
        while "199" not in values:
            values += [row[1] for row in (await heard(driver, 1))[0]]
    # What was not acknowledged for a second the broker sends again: with QoS 1 a message may come twice.
    assert list(dict.fromkeys(values)) == [str(at) for at in range(200)]


async def test_a_probe_listens_and_proposes(mqtt_url: str) -> None:
    listening = asyncio.create_task(probe(mqtt_url, {"listen": "p/#", "probe_for": "1500 ms"}, ThingModel(), Reach()))
    for _ in range(10):
        await publish(mqtt_url, ("p/press", '{"force": 3}'))
        await asyncio.sleep(0.1)
    seen = await listening
    assert [(each.address, each.value) for each in seen.found] == [("p/press#force", "3")]
    nothing = await probe(mqtt_url, {"listen": "quiet", "probe_for": "100 ms"}, ThingModel(), Reach())
    assert nothing.notes == ("Nothing was published to quiet within 0.1 s.",)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"speed": "1"}, "qos of 0 to 2"),
        ({"qos": "3"}, "qos of 0 to 2"),
        ({"format": "early"}, "a format of"),
        ({"listen": "a/#/b"}, "no filter"),
        ({"time": "a..b"}, "no MQTT address"),
    ],
)
async def test_a_strange_setting_is_refused(settings: dict[str, str], what: str) -> None:
    with pytest.raises(Refused, match=what):
        driver_of("mqtt://127.0.0.1:1883", **settings)


async def test_a_strange_address_is_refused() -> None:
    with pytest.raises(Refused, match="no MQTT address"):
        driver_of("mqtt://127.0.0.1:1883", Point("a/b", "a/#"))
