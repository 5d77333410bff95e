import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua

from plantsim.pack import Pack
from plantsim.plant import Plant, PlantSettings

Order = Callable[..., str]


@pytest.fixture
async def plant(mugs_on_free_ports: Pack, clock: Any) -> AsyncIterator[Plant]:
    plant = Plant(mugs_on_free_ports, clock, PlantSettings(connections=("shaping",)))
    await plant.start()
    await plant.step()
    yield plant
    await plant.stop()


class Machine:
    """A client's view of one equipment."""

    def __init__(self, client: Client, index: int, id_: str) -> None:
        self.client, self.index, self.id = client, index, id_

    def node(self, name: str = "") -> Any:
        return self.client.get_node(f"ns={self.index};s={self.id}{name and '.'}{name}")

    async def call(self, name: str, argument: str) -> Any:
        return await self.node().call_method(f"{self.index}:{name}", argument)

    async def read(self, name: str) -> Any:
        return await self.node(name).read_value()


@pytest.fixture
async def client(plant: Plant) -> AsyncIterator[Client]:
    async with Client(plant.endpoints["shaping"].url) as client:
        yield client


async def machine(client: Client, id_: str) -> Machine:
    return Machine(client, await client.get_namespace_index("urn:batchone:plant"), id_)


async def pass_time(plant: Plant, clock: Any, seconds: float) -> None:
    clock.pass_plant_s(seconds)
    await plant.step()


async def test_a_job_runs_from_order_to_clear(plant: Plant, client: Client, clock: Any, order: Order) -> None:
    press = await machine(client, "press-1")
    assert await press.read("State") == 0
    response = json.loads(await press.call("StoreAndStart", order("J-1")))
    assert (response["state"], response["program"], response["parameters"]) == ("running", "program-10", {"b": 1.5, "a": "x"})
    await pass_time(plant, clock, 6)
    assert await press.read("State") == 1
    assert [json.loads(text)["job"] for text in await press.read("Jobs")] == ["J-1"]
    await pass_time(plant, clock, 30)
    assert await press.read("State") == 0
    assert await press.read("Jobs") == []
    completed = [json.loads(text) for text in await press.read("Completed")]
    assert [(one["job"], one["state"]) for one in completed] == [("J-1", "finished")]
    assert json.loads(await press.call("StoreAndStart", order("J-1"))) == completed[0]
    assert await press.call("Clear", "J-1") is True
    await pass_time(plant, clock, 1)
    assert await press.read("Completed") == []
    assert json.loads(await press.call("StoreAndStart", order("J-1")))["reason"] == "cleared"


async def test_abort_ends_a_job_as_failed(plant: Plant, client: Client, clock: Any, order: Order) -> None:
    press = await machine(client, "press-1")
    await press.call("StoreAndStart", order("J-1"))
    assert await press.call("Abort", "J-1") is True
    assert await press.call("Abort", "J-unknown") is False
    await pass_time(plant, clock, 1)
    assert json.loads((await press.read("Completed"))[0])["reason"] == "aborted"


async def test_values_carry_plant_time_and_wait_for_their_first(plant: Plant, client: Client, clock: Any) -> None:
    press, kiln = await machine(client, "press-1"), await machine(client, "kiln-1")
    waiting = await kiln.node("P01.plate_temperature").read_data_value(raise_on_bad_status=False)
    assert waiting.StatusCode.name == "BadWaitingForInitialData"
    await pass_time(plant, clock, 60)
    told = await press.node("power").read_data_value()
    assert told.Value.Value == 1
    assert told.SourceTimestamp.replace(tzinfo=UTC) == datetime(2026, 1, 1, 8, 1, tzinfo=UTC)


async def test_a_subscriber_hears_of_each_change(plant: Plant, client: Client, clock: Any, order: Order) -> None:
    press, heard = await machine(client, "press-1"), asyncio.Queue[tuple[str, Any]]()

    class Handler:
        def datachange_notification(self, node: Any, value: Any, _data: Any) -> None:
            heard.put_nowait((node.nodeid.Identifier, value))

    subscription = await client.create_subscription(20, Handler())
    await subscription.subscribe_data_change([press.node("State"), press.node("Completed")])
    assert dict([await heard.get(), await heard.get()]) == {"press-1.State": 0, "press-1.Completed": []}
    await press.call("StoreAndStart", order("J-1"))
    await plant.step()
    assert await asyncio.wait_for(heard.get(), 5) == ("press-1.State", 1)
    await pass_time(plant, clock, 60)
    said = dict([await asyncio.wait_for(heard.get(), 5), await asyncio.wait_for(heard.get(), 5)])
    assert said["press-1.State"] == 0
    assert json.loads(said["press-1.Completed"][0])["job"] == "J-1"


async def test_the_address_space_can_be_browsed(client: Client) -> None:
    kiln = await machine(client, "kiln-1")
    names = [(await node.read_browse_name()).Name for node in await client.nodes.objects.get_children()]
    assert {"press-1", "kiln-1"} < set(names)
    children = {(await node.read_browse_name()).Name for node in await kiln.node().get_children()}
    assert children == {"State", "Jobs", "Completed", "gas", "P01", "P02", "P03", "P04", "StoreAndStart", "Clear", "Abort"}
    position = {(await node.read_browse_name()).Name for node in await kiln.node("P03").get_children()}
    assert position == {"plate_temperature", "draught"}
    assert (await kiln.node("Jobs").read_data_type()).Identifier == ua.ObjectIds.String


async def test_a_client_cannot_write_values(client: Client) -> None:
    press = await machine(client, "press-1")
    with pytest.raises(ua.UaStatusCodeError):
        await press.node("State").write_value(ua.Variant(4, ua.VariantType.Int32))


async def test_an_order_that_is_no_text_is_an_invalid_argument(client: Client) -> None:
    press = await machine(client, "press-1")
    with pytest.raises(ua.UaStatusCodeError) as fault:
        await press.node().call_method(f"{press.index}:StoreAndStart", 5)
    assert fault.value.code == ua.StatusCodes.BadInvalidArgument


async def test_a_muted_machine_obeys_without_answering(plant: Plant, client: Client, clock: Any, order: Order) -> None:
    press = await machine(client, "press-1")
    plant.equipment["press-1"].faults.mute_until_real_s = clock.real() + 100
    with pytest.raises(ua.UaStatusCodeError) as fault:
        await press.call("StoreAndStart", order("J-1"))
    assert fault.value.code == ua.StatusCodes.BadTimeout
    await pass_time(plant, clock, 5)
    assert await press.read("State") == 0
    clock.pass_plant_s(2000)
    await plant.step()
    assert [json.loads(text)["job"] for text in await press.read("Completed")] == ["J-1"]


async def test_a_garbled_machine_recovers(plant: Plant, client: Client, clock: Any, order: Order) -> None:
    press = await machine(client, "press-1")
    await pass_time(plant, clock, 60)
    plant.equipment["press-1"].faults.garbled_until_real_s = clock.real() + 10
    await plant.step()
    assert await press.read("State") == 99
    garbage = await press.call("StoreAndStart", order("J-1", seconds=10000))
    with pytest.raises(json.JSONDecodeError):
        json.loads(garbage)
    await pass_time(plant, clock, 200)
    assert await press.read("State") == 1
    assert json.loads((await press.read("Jobs"))[0])["job"] == "J-1"


async def test_a_switched_off_machine_has_no_communication(plant: Plant, client: Client, clock: Any, order: Order) -> None:
    press = await machine(client, "press-1")
    plant.equipment["press-1"].switch_off(60, clock.now())
    await plant.step()
    assert await press.read("State") == 5
    with pytest.raises(ua.UaStatusCodeError) as fault:
        await press.call("StoreAndStart", order("J-1"))
    assert fault.value.code == ua.StatusCodes.BadNoCommunication


async def test_an_unplugged_server_is_gone_and_comes_back_with_its_jobs(plant: Plant, clock: Any, order: Order) -> None:
    url = plant.endpoints["shaping"].url
    async with Client(url) as client:
        await (await machine(client, "press-1")).call("StoreAndStart", order("J-1"))
    await plant.unplug("shaping", 30)
    with pytest.raises(OSError, match=r".*"):
        await Client(url).connect()
    await pass_time(plant, clock, 310)
    async with Client(url) as client:
        completed = await (await machine(client, "press-1")).read("Completed")
    assert [json.loads(text)["job"] for text in completed] == ["J-1"]


async def test_a_restart_keeps_results_and_fails_what_ran(
    mugs_on_free_ports: Pack, clock: Any, order: Order, tmp_path: Path
) -> None:
    settings = PlantSettings(connections=("shaping",), state=tmp_path)
    before = Plant(mugs_on_free_ports, clock, settings)
    press = before.equipment["press-1"]
    press.store_and_start(order("J-done"), clock.now())
    clock.pass_plant_s(100)
    press.advance(clock.now())
    press.store_and_start(order("J-ran"), clock.now())
    kwh = press.energy_kwh(clock.now())
    await before.step()  # and now it is killed: nothing is said or closed
    after = Plant(mugs_on_free_ports, clock, settings)
    ledger = after.equipment["press-1"].ledger
    assert ledger.completed["J-done"].state == "finished"
    assert ledger.completed["J-ran"].reason == "power lost"
    assert after.equipment["press-1"].store_and_start(order("J-ran"), clock.now())["state"] == "failed"
    assert after.equipment["press-1"].energy_kwh(clock.now()) == pytest.approx(kwh)
    await before.stop()
    await after.stop()
