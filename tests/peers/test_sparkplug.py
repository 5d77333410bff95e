"""Our Sparkplug host against an edge node of sparkplug-client (Eclipse Tahu's JavaScript), over NATS's MQTT listener."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from batchone.kernel.clock import SystemClock
from batchone.kernel.engines.nats import Nats
from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.connect.driver import Fault, Reach
from batchone.machines.connect.sparkplug.driver import SparkplugDriver
from batchone.machines.connect.wiring import Wired, Wiring

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Nats(tmp_path_factory.mktemp("peer-broker"))
    server.start()
    yield server.mqtt_url
    server.stop()


@pytest.fixture
def edge(start_peer, broker: str):
    peer = start_peer("sparkplug_node.mjs", broker, "tins", "peer-line")
    peer.until("birth")
    return peer


@dataclass
class Host:
    """A driver that is read in the background."""

    driver: SparkplugDriver
    values: dict[str, list[float]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    lost: TryLater | None = None

    async def read(self) -> None:
        try:
            while True:
                reading = await self.driver.read()
                self.states.update(reading.states)
                self.gone = (self.gone | reading.lost) - reading.states.keys()
                self.faults += reading.faults
                batch = reading.samples
                for path, value in zip(batch.column("path").to_pylist(), columns.values_of(batch).tolist(), strict=True):
                    self.values.setdefault(path, []).append(value)
        except TryLater as error:
            self.lost = error


def driver_to(broker: str) -> SparkplugDriver:
    url = urlsplit(broker)
    wiring = Wiring("peer-line", "sparkplug", None, "tins", (Wired("mixer-9", ("speed", "count")),))
    reach = Reach(mqtt_host=url.hostname or "", mqtt_port=url.port or 0, answer_s=2.0)
    return SparkplugDriver(wiring, reach, SystemClock())


@pytest.fixture
async def host(edge, broker: str) -> AsyncIterator[Host]:
    made = Host(driver_to(broker))
    await made.driver.open()
    reading = asyncio.create_task(made.read())
    await until(lambda: "mixer-9" in made.states)
    await asyncio.to_thread(edge.until, "birth")
    yield made
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    await made.driver.close()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.02)


async def test_births_are_asked_for_and_read(host: Host) -> None:
    assert host.states == {"mixer-9": "idle"}
    assert {path: values[-1] for path, values in host.values.items()} == {
        "mixer-9/speed": 1.5, "mixer-9/count": 5.0, "mixer-9/running": 1.0, "mixer-9/depth": -3.0,
    }  # fmt: skip
    assert {fault.path for fault in host.faults} == {"mixer-9/label"}


async def test_data_follow(host: Host, edge) -> None:
    for value in (2.5, 3.5, 4.5):
        edge.say(f"data speed {value}")
    edge.say("data depth -7")
    edge.say("data running false")
    await until(lambda: host.values["mixer-9/running"][-1] == 0.0)
    assert host.values["mixer-9/speed"][-3:] == [2.5, 3.5, 4.5]
    assert host.values["mixer-9/depth"][-1] == -7.0


async def test_a_gap_in_the_sequence_leads_to_a_rebirth(host: Host, edge) -> None:
    edge.say("skip")
    edge.say("data speed 9.5")
    await asyncio.to_thread(edge.until, "birth", timeout_s=15)
    await until(lambda: host.values["mixer-9/speed"][-1] == 9.5)
    edge.say("data speed 10.5")
    await until(lambda: host.values["mixer-9/speed"][-1] == 10.5)
    assert any("sequence" in fault.what for fault in host.faults)
    assert host.gone == set()


async def test_data_of_a_device_that_was_never_born_leads_to_a_rebirth(host: Host, edge) -> None:
    edge.say("unborn")
    await until(lambda: any("stranger-1" in fault.path for fault in host.faults))
    await asyncio.to_thread(edge.until, "birth", timeout_s=15)


async def test_a_device_that_dies_is_gone(host: Host, edge) -> None:
    edge.say("death")
    await until(lambda: host.gone == {"mixer-9"})


async def test_commands_reach_the_edge_node(host: Host, edge) -> None:
    with pytest.raises(TryLater):
        await host.driver.clear("mixer-9", "J-1")
    assert await asyncio.to_thread(edge.until, "command") == "command Command/Clear J-1"


async def test_a_goodbye_and_a_killed_process_are_both_deaths(host: Host, edge, start_peer, broker: str) -> None:
    edge.say("exit")
    await until(lambda: host.lost is not None)
    assert "died" in str(host.lost)
    await host.driver.close()
    with pytest.raises(TryLater):
        await _opened_and_closed(driver_to(broker))
    second = start_peer("sparkplug_node.mjs", broker, "tins", "peer-line")
    second.until("birth")
    again = Host(driver_to(broker))
    await again.driver.open()
    reading = asyncio.create_task(again.read())
    await until(lambda: "mixer-9" in again.states)
    second.kill()
    await until(lambda: again.lost is not None)
    await reading
    await again.driver.close()


async def _opened_and_closed(driver: SparkplugDriver) -> None:
    try:
        await driver.open()
    finally:
        await driver.close()
