"""The driver against an agent over HTTP that keeps a buffer, as the standard says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.machines.connect.mtconnect.test_documents import document

from batchone.contracts.sources import Point, Source
from batchone.contracts.things import ThingModel
from batchone.kernel.clock import SystemClock
from batchone.kernel.errors import Refused, TryLater
from batchone.machines import columns
from batchone.machines.connect.driver import Reach
from batchone.machines.connect.mtconnect.driver import MtconnectDriver, probe
from batchone.machines.connect.wiring import wire_source

POINTS = (Point("mill-1/load", "load"), Point("mill-1/run", "exec"))
DEVICES = b"""<MTConnectDevices><Header version="2.0" sender="shop"/><Devices><Device id="d" name="Mill"><DataItems>
<DataItem id="load" category="SAMPLE" type="LOAD" units="PERCENT"/></DataItems></Device></Devices></MTConnectDevices>"""


class Agent:
    """A buffer of a few observations of one machine; it is asked over a real socket."""

    def __init__(self, size: int = 10) -> None:
        self.size, self.port = size, 0
        self.asked: list[str] = []
        self.answers: bytes | None = None
        self.restart(1)

    def restart(self, instance: int) -> None:
        self.instance, self.buffer, self.next, self.now = instance, {}, 1, {}
        self.says("Availability", "avail", "AVAILABLE")

    def says(self, tag: str, item: str, text: str) -> None:
        told = f'<{tag} dataItemId="{item}" timestamp="2024-03-01T08:00:00Z" sequence="{self.next}">{text}</{tag}>'
        self.buffer[self.next] = self.now[item] = told
        self.buffer.pop(self.next - self.size, None)
        self.next += 1

    def answer(self, target: str) -> bytes:
        self.asked.append(target)
        if self.answers is not None:
            return self.answers
        parts = urlsplit(target)
        if parts.path.endswith("/probe"):
            return DEVICES
        first = min(self.buffer)
        if parts.path.endswith("/current"):
            return self.document(first, self.next, "".join(self.now.values()))
        told = {name: int(value) for name, (value,) in parse_qs(parts.query).items()}
        if not first <= told["from"] <= self.next:
            error = f'<Error errorCode="OUT_OF_RANGE">from must be {first} to {self.next}</Error>'
            return f"<MTConnectError><Header/><Errors>{error}</Errors></MTConnectError>".encode()
        end = min(told["from"] + told["count"], self.next)
        return self.document(first, end, "".join(self.buffer[at] for at in range(told["from"], end)))

    def document(self, first: int, after: int, observations: str) -> bytes:
        header = f'<Header instanceId="{self.instance}" firstSequence="{first}" nextSequence="{after}"/>'
        return document(observations, header)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = self.answer(head.split(b" ")[1].decode())
        status = b"404 Not Found" if b"Error" in body else b"200 OK"
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body))
        await writer.drain()
        writer.close()

    async def start(self) -> None:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.server.close()
        await self.server.wait_closed()


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    made = Agent()
    await made.start()
    yield made
    await made.stop()


def driver_of(agent: Agent, url: str = "", **settings: str) -> MtconnectDriver:
    source = Source("mill", url or f"mtconnect://127.0.0.1:{agent.port}/Mill", {"every": "10 ms", **settings}, POINTS)
    wiring = wire_source(source, "mtconnect", {point.path for point in POINTS}, (), {})
    return MtconnectDriver(wiring, Reach(answer_s=2.0), SystemClock())


async def loads(driver: MtconnectDriver) -> list[float]:
    batch = (await driver.read()).samples
    rows = zip(batch.column("path").to_pylist(), columns.values_of(batch).tolist(), strict=True)
    return [value for path, value in rows if path == "mill-1/load"]


async def test_the_present_then_what_came_after_it_each_once(agent: Agent) -> None:
    agent.says("Load", "load", "1")
    driver = driver_of(agent)
    await driver.open()
    assert await loads(driver) == [1]
    for value in "234":
        agent.says("Load", "load", value)
    assert await loads(driver) == [2, 3, 4]
    assert await loads(driver) == []
    assert agent.asked[-1] == "/Mill/sample?from=6&count=1000"
    await driver.close()


async def test_more_than_an_answer_holds_is_asked_for_at_once(agent: Agent) -> None:
    driver = driver_of(agent, every="1 hour", count="2")
    await driver.open()
    driver._due_s = 0.0
    await driver.read()
    for value in "12345":
        agent.says("Load", "load", value)
    driver._due_s = 0.0
    assert [await loads(driver) for _ in range(3)] == [[1, 2], [3, 4], [5]]
    await driver.close()


async def test_observations_that_the_agent_dropped_are_told_and_the_present_is_taken(agent: Agent) -> None:
    driver = driver_of(agent)
    await driver.open()
    await driver.read()
    for value in range(30):
        agent.says("Load", "load", str(value))
    reading = await driver.read()
    (fault,) = reading.faults
    assert fault.path == "mill/sequence"
    assert "OUT_OF_RANGE" in fault.what
    assert columns.values_of(reading.samples).tolist()[-1] == 29
    agent.says("Load", "load", "30")
    assert await loads(driver) == [30]
    await driver.close()


async def test_an_agent_that_was_started_again_is_read_anew(agent: Agent) -> None:
    driver = driver_of(agent)
    await driver.open()
    await driver.read()
    agent.restart(2)
    agent.says("Load", "load", "9")
    agent.says("Load", "load", "10")
    reading = await driver.read()
    assert "started again" in reading.faults[0].what
    assert "mill-1/load" in reading.samples.column("path").to_pylist()
    await driver.close()


async def test_execution_and_faults_are_the_state_of_the_one_equipment(agent: Agent) -> None:
    agent.says("Execution", "exec", "ACTIVE")
    driver = driver_of(agent)
    await driver.open()
    assert (await driver.read()).states == {"mill-1": "running"}
    agent.says("Fault", "system", "")
    assert (await driver.read()).states == {"mill-1": "alarm"}
    agent.says("Normal", "system", "")
    agent.says("Execution", "exec", "STOPPED")
    assert (await driver.read()).states == {"mill-1": "idle"}
    agent.says("Availability", "avail", "UNAVAILABLE")
    assert (await driver.read()).lost == {"mill-1"}
    await driver.close()


async def test_an_agent_that_goes_away_is_try_later_and_a_new_driver_reads_it_again(agent: Agent) -> None:
    driver = driver_of(agent)
    await driver.open()
    await agent.stop()
    with pytest.raises(TryLater, match="does not answer"):
        await driver.read()
    await driver.close()
    with pytest.raises(TryLater, match="does not answer"):
        await driver_of(agent).open()
    await agent.start()
    agent.says("Load", "load", "5")
    again = driver_of(agent)
    await again.open()
    assert await loads(again) == [5]
    await again.close()


async def test_an_agent_that_talks_garbage_is_try_later(agent: Agent) -> None:
    driver = driver_of(agent)
    await driver.open()
    agent.answers = b"<html>Welcome</html>"
    with pytest.raises(TryLater, match="sent html, not MTConnectStreams"):
        await driver.read()
    agent.answers = b"Error"
    with pytest.raises(TryLater, match="status 404"):
        await driver.read()
    await driver.close()


async def test_a_probe_lists_data_items_with_unit_and_value(agent: Agent) -> None:
    agent.says("Load", "load", "42")
    seen = await probe(f"mtconnect://127.0.0.1:{agent.port}", {}, ThingModel(), Reach())
    assert [(each.address, each.name, each.unit, each.value) for each in seen.found] == [("load", "Mill LOAD", "%", "42")]
    assert seen.who == "MTConnect agent 2.0 shop"


@pytest.mark.parametrize("url", ["mtconnect:///Mill", "mtconnect://h/M/current", "mtconnect://h/M?from=1"])
async def test_a_url_that_names_no_agent_is_refused(agent: Agent, url: str) -> None:
    with pytest.raises(Refused, match="names no agent"):
        driver_of(agent, url)


@pytest.mark.parametrize("settings", [{"speed": "1"}, {"count": "0"}, {"count": "many"}, {"every": "0 s"}])
async def test_a_strange_setting_is_refused(agent: Agent, settings: dict[str, str]) -> None:
    with pytest.raises(Refused, match="every and count"):
        driver_of(agent, **settings)
