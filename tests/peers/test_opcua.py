"""Our OPC UA driver against a server of node-opcua, which follows none of our guides."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from batchone.contracts.machines import JobOrder
from batchone.kernel.clock import SystemClock
from batchone.kernel.engines.child import free_port
from batchone.kernel.errors import Refused, TryLater
from batchone.machines import columns
from batchone.machines.columns import BAD, GOOD
from batchone.machines.connect.driver import Reach
from batchone.machines.connect.opcua.driver import OpcuaDriver
from batchone.machines.connect.wiring import Wired, Wiring

pytestmark = pytest.mark.peer
NAMES = {"speed": "Speed", "pressure": "Pressure", "count": "Count", "running": "Running"}
NODES = {f"mixer-9/{name}": f"ns=1;s=Mixer.{node}" for name, node in NAMES.items()}
MANY = {f"mixer-9/v{number}": f"ns=1;s=Mixer.V{number}" for number in range(1200)}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(start_peer, port: int, tmp_path_factory: pytest.TempPathFactory):
    peer = start_peer("opcua_server.mjs", port, tmp_path_factory.getbasetemp() / "peer-pki")
    peer.until("ready")
    return peer


def driver_to(port: int, nodes: dict[str, str]) -> OpcuaDriver:
    wiring = Wiring("mixing", "opcua", port, None, (Wired("mixer-9", tuple(NAMES)),))
    return OpcuaDriver(wiring, Reach(nodes=nodes, silence_s=5.0), SystemClock())


@pytest.fixture
async def driver(server, port: int) -> AsyncIterator[OpcuaDriver]:
    made = driver_to(port, NODES | {"mixer-9/State": "ns=1;s=Mixer.State"})
    await made.open()
    yield made
    await made.close()


async def read_on(driver: OpcuaDriver) -> None:
    async with asyncio.timeout(20):
        while True:
            await driver.read()


async def values_until(driver: OpcuaDriver, *wanted: str) -> dict[str, tuple[float, int]]:
    found: dict[str, tuple[float, int]] = {}
    async with asyncio.timeout(15):
        while not set(wanted) <= found.keys():
            batch = (await driver.read()).samples
            values, qualities = columns.values_of(batch).tolist(), columns.qualities_of(batch).tolist()
            found |= dict(zip(batch.column("path").to_pylist(), zip(values, qualities, strict=True), strict=True))
    return found


async def test_plain_variables_of_every_numeric_type_become_samples(driver: OpcuaDriver) -> None:
    found = await values_until(driver, *NODES)
    assert {path.partition("/")[2]: value for path, (value, _) in found.items()} == {
        "speed": 10.5, "pressure": 2.5, "count": 7.0, "running": 1.0,
    }  # fmt: skip
    assert {quality for _, quality in found.values()} == {GOOD}


async def test_changes_come_with_the_time_of_their_source(driver: OpcuaDriver, server) -> None:
    await values_until(driver, *NODES)
    server.say("set Speed 11.25")
    async with asyncio.timeout(10):
        batch = (await driver.read()).samples
    assert columns.values_of(batch).tolist() == [11.25]
    age_us = columns.to_us(SystemClock().now()) - columns.times_us(batch)[0]
    assert 0 <= age_us < 10_000_000


async def test_a_bad_status_makes_a_bad_sample(driver: OpcuaDriver, server) -> None:
    await values_until(driver, *NODES)
    server.say("bad Pressure")
    assert (await values_until(driver, "mixer-9/pressure"))["mixer-9/pressure"][1] == BAD


async def test_a_mapped_state_is_a_state(driver: OpcuaDriver, server) -> None:
    async with asyncio.timeout(10):
        while (reading := await driver.read()).states != {"mixer-9": "idle"}:
            pass
        server.say("set State 4")
        while (reading := await driver.read()).states != {"mixer-9": "alarm"}:
            pass
    assert reading.faults == ()


async def test_a_server_without_a_state_counts_as_idle_and_takes_no_jobs(server, port: int) -> None:
    driver = driver_to(port, NODES)
    await driver.open()
    async with asyncio.timeout(10):
        assert (await driver.read()).states == {"mixer-9": "idle"}
    order = JobOrder("J-1", "O-1", "I-1", "10", "mix", 1.0, "", 0.0, {}, {})
    with pytest.raises(Refused, match="takes no jobs"):
        await driver.start_job("mixer-9", order)
    await driver.close()


async def test_a_thousand_nodes_are_subscribed_in_parts(server, port: int) -> None:
    driver = driver_to(port, MANY)
    await driver.open()
    found = await values_until(driver, *MANY)
    assert found["mixer-9/v1199"] == (1199.0, GOOD)
    await driver.close()


async def test_texts_and_nodes_that_are_not_there_are_told_as_faults(server, port: int) -> None:
    driver = driver_to(port, {"mixer-9/label": "ns=1;s=Mixer.Label", "mixer-9/ghost": "ns=1;s=Mixer.Ghost"})
    await driver.open()
    paths: set[str] = set()
    async with asyncio.timeout(10):
        while paths != {"mixer-9/label", "mixer-9/ghost"}:
            paths |= {fault.path for fault in (await driver.read()).faults}
    await driver.close()


async def test_a_server_that_is_killed_is_lost_and_found_again(driver, server, start_peer, port: int, tmp_path: Path) -> None:
    await values_until(driver, *NODES)
    server.kill()
    with pytest.raises(TryLater):
        await read_on(driver)
    await driver.close()
    with pytest.raises(TryLater):
        await driver_to(port, NODES).open()
    start_peer("opcua_server.mjs", port, tmp_path / "pki").until("ready")
    again = driver_to(port, NODES)
    await again.open()
    await values_until(again, *NODES)
    await again.close()
