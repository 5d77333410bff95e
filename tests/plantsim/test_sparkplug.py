import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client

from plantsim.pack import Pack
from plantsim.plant import Plant, PlantSettings
from plantsim.sparkplug_b_pb2 import Payload

pytestmark = pytest.mark.engine
Order = Callable[..., str]
TOPIC = "spBv1.0/potters"


class Host:
    """A host application that learns names only from births."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.heard: list[tuple[str, Payload]] = []
        self.names: dict[tuple[str, int], str] = {}

    async def listen(self) -> None:
        async for message in self.client.messages:
            payload, topic = Payload(), message.topic.value.removeprefix(TOPIC + "/")
            payload.ParseFromString(message.payload)  # type: ignore[arg-type]
            device = topic.partition("/")[2]
            for metric in payload.metrics:
                if topic.split("/")[0] in ("NBIRTH", "DBIRTH"):
                    self.names[device, metric.alias] = metric.name
            self.heard.append((topic, payload))

    async def wait(self, topic: str, **contents: Any) -> dict[str, Any]:
        """Return the metrics of the first message not yet looked at on a topic that holds some contents."""
        async with asyncio.timeout(10):
            while True:
                while self.heard:
                    at, payload = self.heard.pop(0)
                    metrics = {self.name(at, metric): value_of(metric) for metric in payload.metrics}
                    if at == topic and contents.items() <= metrics.items():
                        return metrics | {"seq": payload.seq}
                await asyncio.sleep(0.01)

    def name(self, topic: str, metric: Payload.Metric) -> str:
        return metric.name or self.names.get((topic.partition("/")[2], metric.alias), "?")

    async def command(self, device: str, name: str, text: str) -> None:
        payload = Payload(metrics=[Payload.Metric(name=name, datatype=12, string_value=text)])
        await self.client.publish(f"{TOPIC}/DCMD/glaze-cell/{device}", payload.SerializeToString())


def value_of(metric: Payload.Metric) -> Any:
    kind = metric.WhichOneof("value")
    return getattr(metric, kind) if kind else None


@pytest.fixture
async def host(broker: tuple[str, int]) -> AsyncIterator[Host]:
    async with Client(*broker, identifier="host") as client:
        for kind in ("NBIRTH", "NDEATH", "DBIRTH", "DDEATH", "DDATA"):
            await client.subscribe(f"{TOPIC}/{kind}/#")
        host = Host(client)
        listening = asyncio.create_task(host.listen())
        yield host
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@pytest.fixture
async def plant(mugs: Pack, clock: Any, broker: tuple[str, int], host: Host) -> AsyncIterator[Plant]:
    assert host
    plant = Plant(mugs, clock, PlantSettings(connections=("glaze-cell",), broker=broker))
    await plant.start()
    async with asyncio.timeout(10):
        await plant.endpoints["glaze-cell"].answering()
    yield plant
    await plant.stop()


async def test_births_come_first_and_in_sequence(plant: Plant, host: Host) -> None:
    node = await host.wait("NBIRTH/glaze-cell")
    assert node == {"bdSeq": 0, "Node Control/Rebirth": False, "seq": 0}
    first = await host.wait("DBIRTH/glaze-cell/glazer-1")
    second = await host.wait("DBIRTH/glaze-cell/glazer-2")
    assert (first["seq"], second["seq"]) == (1, 2)
    assert (first["State"], first["Jobs"], first["Answer"], first["viscosity"]) == (0, "[]", "", None)


async def test_a_job_runs_from_order_to_clear(plant: Plant, host: Host, clock: Any, order: Order) -> None:
    await host.command("glazer-1", "Command/StoreAndStart", order("J-1", "20"))
    data = await host.wait("DDATA/glaze-cell/glazer-1", State=1)
    answer = json.loads(data["Answer"])
    assert (answer["command"], answer["job"], answer["response"]["state"]) == ("StoreAndStart", "J-1", "running")
    clock.pass_plant_s(60)
    await plant.step()
    data = await host.wait("DDATA/glaze-cell/glazer-1", State=0)
    completed = json.loads(data["Completed"])
    assert [(one["job"], one["state"]) for one in completed] == [("J-1", "finished")]
    await host.command("glazer-1", "Command/Clear", "J-1")
    data = await host.wait("DDATA/glaze-cell/glazer-1", Completed="[]")
    assert json.loads(data["Answer"]) == {"command": "Clear", "job": "J-1", "done": True}
    await host.command("glazer-1", "Command/StoreAndStart", order("J-1", "20"))
    data = await host.wait("DDATA/glaze-cell/glazer-1")
    assert json.loads(data["Answer"])["response"]["reason"] == "cleared"


async def test_a_command_by_alias_is_obeyed_and_only_by_its_device(plant: Plant, host: Host, clock: Any, order: Order) -> None:
    births = await host.wait("DBIRTH/glaze-cell/glazer-2")
    assert "Command/StoreAndStart" in births
    alias = next(alias for (device, alias), name in host.names.items() if device.endswith("2") and name.endswith("AndStart"))
    payload = Payload(metrics=[Payload.Metric(alias=alias, datatype=12, string_value=order("J-2", "20"))])
    await host.client.publish(f"{TOPIC}/DCMD/glaze-cell/glazer-2", payload.SerializeToString())
    await host.wait("DDATA/glaze-cell/glazer-2", State=1)
    assert plant.equipment["glazer-1"].state == 0


async def test_the_sequence_goes_round_without_a_gap(plant: Plant, host: Host, clock: Any) -> None:
    for _ in range(200):
        clock.pass_plant_s(30)
        await plant.step()
    async with asyncio.timeout(10):
        while len(host.heard) < 300:
            await asyncio.sleep(0.01)
    numbers = [payload.seq for topic, payload in host.heard if topic != "NDEATH/glaze-cell"]
    assert numbers == [number % 256 for number in range(len(numbers))]


async def test_a_rebirth_tells_everything_again(plant: Plant, host: Host, clock: Any) -> None:
    await host.wait("DBIRTH/glaze-cell/glazer-2")
    clock.pass_plant_s(60)
    await plant.step()
    payload = Payload(metrics=[Payload.Metric(name="Node Control/Rebirth", datatype=11, boolean_value=True)])
    await host.client.publish(f"{TOPIC}/NCMD/glaze-cell", payload.SerializeToString())
    assert (await host.wait("NBIRTH/glaze-cell"))["seq"] == 0
    again = await host.wait("DBIRTH/glaze-cell/glazer-1")
    assert again["viscosity"] == pytest.approx(1.2, abs=0.2)


async def test_an_unplugged_node_dies_and_is_born_again_with_a_higher_number(
    plant: Plant, host: Host, clock: Any, order: Order
) -> None:
    await host.command("glazer-1", "Command/StoreAndStart", order("J-1", "20"))
    await host.wait("DDATA/glaze-cell/glazer-1", State=1)
    await plant.unplug("glaze-cell", 20)
    assert (await host.wait("NDEATH/glaze-cell"))["bdSeq"] == 0
    clock.pass_plant_s(250)
    await plant.step()
    assert (await host.wait("NBIRTH/glaze-cell"))["bdSeq"] == 1
    born = await host.wait("DBIRTH/glaze-cell/glazer-1")
    assert [one["job"] for one in json.loads(born["Completed"])] == ["J-1"]


async def test_a_clean_stop_says_goodbye(plant: Plant, host: Host) -> None:
    await plant.stop()
    assert (await host.wait("NDEATH/glaze-cell"))["bdSeq"] == 0


async def test_a_switched_off_machine_dies_alone(plant: Plant, host: Host, clock: Any) -> None:
    await plant.step()
    plant.equipment["glazer-1"].switch_off(60, clock.now())
    await plant.step()
    await host.wait("DDEATH/glaze-cell/glazer-1")
    clock.pass_plant_s(61)
    await plant.step()
    assert (await host.wait("DBIRTH/glaze-cell/glazer-1"))["State"] == 0


async def test_a_muted_machine_obeys_silently(plant: Plant, host: Host, clock: Any, order: Order) -> None:
    await plant.step()
    await host.wait("DDATA/glaze-cell/glazer-1")
    plant.equipment["glazer-1"].faults.mute_until_real_s = clock.real() + 5
    await host.command("glazer-1", "Command/StoreAndStart", order("J-1", "20"))
    async with asyncio.timeout(10):
        while not plant.equipment["glazer-1"].ledger.running:
            await asyncio.sleep(0.01)
    await plant.step()
    assert not [topic for topic, _ in host.heard if topic == "DDATA/glaze-cell/glazer-1"]
    clock.pass_plant_s(60)
    await plant.step()
    assert "J-1" in (await host.wait("DDATA/glaze-cell/glazer-1"))["Completed"]


async def test_garbage_on_the_command_topic_does_no_harm(plant: Plant, host: Host, order: Order) -> None:
    await host.client.publish(f"{TOPIC}/DCMD/glaze-cell/glazer-1", b"\xff\xff\xff")
    await host.client.publish(f"{TOPIC}/DCMD/glaze-cell/nobody", b"")
    await host.command("glazer-1", "Command/Dance", "now")
    await host.command("glazer-1", "Command/StoreAndStart", order("J-1", "20"))
    await host.wait("DDATA/glaze-cell/glazer-1", State=1)


async def test_the_birth_number_goes_on_over_restarts(
    mugs: Pack, clock: Any, broker: tuple[str, int], host: Host, tmp_path: Path
) -> None:
    settings = PlantSettings(connections=("glaze-cell",), broker=broker, state=tmp_path)
    for number in range(2):
        plant = Plant(mugs, clock, settings)
        await plant.start()
        assert (await host.wait("NBIRTH/glaze-cell"))["bdSeq"] == number
        await plant.stop()


async def test_a_node_without_a_broker_keeps_trying_and_stops_when_told(
    mugs: Pack, clock: Any, any_port: Callable[[], int]
) -> None:
    plant = Plant(mugs, clock, PlantSettings(connections=("glaze-cell",), broker=("127.0.0.1", any_port())))
    await plant.start()
    await asyncio.sleep(0.5)
    await plant.step()
    async with asyncio.timeout(2):
        await plant.stop()
