import json
import math
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from plantsim.orders import checksum
from plantsim.pack import Pack
from plantsim.plant import Plant, PlantSettings

Order = Callable[..., str]
START, CLEAR, ABORT = 1, 2, 3


class Unit:
    """A client that knows of the register map only what the page says."""

    def __init__(self, client: AsyncModbusTcpClient, unit: int) -> None:
        self.client, self.unit = client, unit

    async def read(self, address: int, count: int) -> list[int]:
        response = await self.client.read_input_registers(address, count=count, device_id=self.unit)
        assert not response.isError(), response
        return list(response.registers)

    async def write(self, address: int, values: list[int]) -> None:
        response = await self.client.write_registers(address, values, device_id=self.unit)
        assert not response.isError(), response

    async def number(self, address: int, kind: str) -> Any:
        registers = await self.read(address, struct.calcsize(kind) // 2)
        return struct.unpack(f">{kind}", struct.pack(f">{len(registers)}H", *registers))[0]

    async def text(self, address: int, count: int) -> str:
        registers = await self.read(address, count)
        return struct.pack(f">{count}H", *registers).rstrip(b"\0").decode()

    async def command(self, kind: int, job: str, text: str = "", program: str = "program-30") -> int:
        """Send a command as a driver would, in pieces, and return the answer."""
        raw = text.encode() + b"\0" * (len(text) % 2)
        holding = [kind, *registers_of(job, 16), *registers_of(program, 16), 0, 0, 0, 0, len(text)]
        holding += struct.unpack(f">{len(raw) // 2}H", raw)
        for at in range(0, len(holding), 100):
            await self.write(1 + at, holding[at : at + 100])
        acknowledged = (await self.read(4, 1))[0]
        number = acknowledged % 65535 + 1
        await self.write(0, [number])
        answer = await self.read(4, 2)
        assert answer[0] == number
        return answer[1]


def registers_of(text: str, count: int) -> list[int]:
    return list(struct.unpack(f">{count}H", text.encode().ljust(2 * count, b"\0")))


@pytest.fixture
async def plant(mugs_on_free_ports: Pack, clock: Any) -> AsyncIterator[Plant]:
    plant = Plant(mugs_on_free_ports, clock, PlantSettings(connections=("decor",)))
    await plant.start()
    await plant.step()
    yield plant
    await plant.stop()


@pytest.fixture
async def client(plant: Plant) -> AsyncIterator[AsyncModbusTcpClient]:
    host, port = plant.endpoints["decor"].url.removeprefix("modbus://").split(":")
    client = AsyncModbusTcpClient(host, port=int(port), timeout=0.3, retries=0, reconnect_delay=0)
    assert await client.connect()
    yield client
    client.close()


async def pass_time(plant: Plant, clock: Any, seconds: float) -> None:
    clock.pass_plant_s(seconds)
    await plant.step()


async def test_a_job_runs_from_order_to_clear(client: AsyncModbusTcpClient, plant: Plant, clock: Any, order: Order) -> None:
    doser = Unit(client, 3)
    text = order("J-1", "30", seconds=100, parameters={"shade": 3})
    assert await doser.command(START, "J-1", text) == 1
    await pass_time(plant, clock, 50)
    assert await doser.read(0, 2) == [1, 1]
    assert (await doser.text(10, 16), await doser.text(26, 16)) == ("J-1", "program-30")
    assert (await doser.read(42, 1))[0] == pytest.approx(500, rel=0.1)
    assert await doser.number(43, "I") == checksum({"shade": 3})
    assert await doser.command(START, "J-1", text) == 1
    await pass_time(plant, clock, 60)
    assert await doser.read(0, 2) == [0, 0]
    assert await doser.number(2, "I") == 1
    assert (await doser.text(200, 16), (await doser.read(232, 1))[0]) == ("J-1", 2)
    assert (await doser.read(243, 1))[0] == 2
    assert (await doser.read(244, 1))[0] == 0
    assert await doser.number(245, "d") == pytest.approx(2, abs=0.1)
    assert await doser.number(278, "I") == checksum({"shade": 3})
    assert await doser.command(CLEAR, "J-1") == 1
    assert await doser.text(200, 16) == ""
    assert await doser.command(START, "J-1", text) == 4


async def test_a_busy_machine_refuses_and_an_abort_frees_it(client: AsyncModbusTcpClient, plant: Plant, order: Order) -> None:
    doser = Unit(client, 3)
    assert await doser.command(START, "J-1", order("J-1", "30")) == 1
    assert await doser.command(START, "J-2", order("J-2", "30")) == 2
    assert await doser.command(CLEAR, "J-1") == 2
    assert await doser.command(ABORT, "J-1") == 1
    assert (await doser.read(232, 1))[0] == 3
    assert (await doser.read(275, 1))[0] == 1
    assert await doser.command(START, "J-2", order("J-2", "30")) == 1


@pytest.mark.parametrize("text", ["", "{", '{"job": "J-other", "op": "30", "program": "program-30"}'])
async def test_an_order_that_makes_no_sense_is_not_understood(client: AsyncModbusTcpClient, text: str) -> None:
    assert await Unit(client, 3).command(START, "J-1", text) == 3


async def test_the_same_number_twice_is_one_command(client: AsyncModbusTcpClient, plant: Plant, order: Order) -> None:
    doser = Unit(client, 3)
    await doser.command(START, "J-1", order("J-1", "30"))
    await doser.write(1, [ABORT])
    await doser.write(0, [(await doser.read(4, 1))[0]])
    assert (await doser.read(1, 1))[0] == 1


async def test_a_long_order_passes_in_several_writes(client: AsyncModbusTcpClient, plant: Plant, order: Order) -> None:
    facts = {f"option_{number}": "x" * 20 for number in range(40)}
    text = order("J-1", "30", facts=facts)
    assert 1000 < len(text) <= 2048
    assert await Unit(client, 3).command(START, "J-1", text) == 1


async def test_units_are_separate_and_others_are_not_there(client: AsyncModbusTcpClient, plant: Plant, order: Order) -> None:
    await Unit(client, 3).command(START, "J-1", order("J-1", "30"))
    assert await Unit(client, 4).read(1, 1) == [0]
    response = await client.read_input_registers(0, count=1, device_id=77)
    assert response.exception_code == 0x0B


async def test_signals_are_floats_and_nan_before_their_first_value(
    client: AsyncModbusTcpClient, plant: Plant, clock: Any
) -> None:
    doser = Unit(client, 4)
    await pass_time(plant, clock, 30)
    assert await doser.number(100, "d") == 0
    assert math.isnan(await doser.number(104, "d"))


async def test_addresses_beyond_the_map_are_illegal(client: AsyncModbusTcpClient) -> None:
    for address, count in ((840, 1), (835, 10)):
        response = await client.read_input_registers(address, count=count, device_id=3)
        assert response.exception_code == 2
    assert (await client.write_registers(1063, [1], device_id=3)).exception_code == 2


async def test_holding_registers_can_be_read_back(client: AsyncModbusTcpClient) -> None:
    await client.write_register(5, 1234, device_id=3)
    assert (await client.read_holding_registers(5, count=1, device_id=3)).registers == [1234]


async def test_a_meter_reads_the_sum_of_its_equipment(mugs_on_free_ports: Pack, clock: Any, order: Order) -> None:
    plant = Plant(mugs_on_free_ports, clock, PlantSettings(connections=("shaping", "decor")))
    del plant.endpoints["shaping"]  # its equipment is there, its server need not be
    await plant.start()
    host, port = plant.endpoints["decor"].url.removeprefix("modbus://").split(":")
    client = AsyncModbusTcpClient(host, port=int(port))
    await client.connect()
    try:
        meter = Unit(client, 9)
        assert await meter.number(4, "d") == 3
        clock.pass_plant_s(3600)
        assert await meter.number(0, "d") == pytest.approx(3)
        plant.equipment["kiln-1"].store_and_start(order("J-1", "40", facts={"glaze": "blue"}), clock.now())
        clock.pass_plant_s(10)
        assert await meter.number(4, "d") == pytest.approx(3 + 0.8 * 6, rel=0.1)
        assert (await client.write_registers(0, [1], device_id=9)).isError()
    finally:
        client.close()
        await plant.stop()


async def test_a_meter_reads_equipment_of_another_process_through_the_state_folder(
    mugs_on_free_ports: Pack, clock: Any, tmp_path: Any
) -> None:
    there = Plant(mugs_on_free_ports, clock, PlantSettings(connections=("shaping",), state=tmp_path))
    here = Plant(mugs_on_free_ports, clock, PlantSettings(connections=("decor",), state=tmp_path))
    meter = mugs_on_free_ports.meters[0]
    assert here.read_meter(meter) == (3, 0)
    clock.pass_plant_s(3600)
    await there.step()
    assert here.read_meter(meter) == pytest.approx((3, 3))
    await there.stop()
    await here.stop()


async def test_a_muted_unit_never_answers_but_obeys(
    client: AsyncModbusTcpClient, plant: Plant, clock: Any, order: Order
) -> None:
    plant.equipment["doser-1"].faults.mute_until_real_s = clock.real() + 100
    with pytest.raises(ModbusIOException):
        await Unit(client, 3).write(0, [0])
    assert await Unit(client, 4).read(0, 1) == [0]


async def test_a_garbled_unit_answers_nonsense_until_it_is_over(client: AsyncModbusTcpClient, plant: Plant, clock: Any) -> None:
    plant.equipment["doser-1"].faults.garbled_until_real_s = clock.real() + 10
    before = await Unit(client, 4).read(0, 6)
    try:
        response = await client.read_input_registers(0, count=6, device_id=3)
        assert response.isError() or response.registers != before
    except ModbusIOException:
        pass
    clock.pass_plant_s(1000)
    client.close()
    await client.connect()
    assert await Unit(client, 3).read(0, 6) == before


async def test_a_switched_off_unit_is_not_there(client: AsyncModbusTcpClient, plant: Plant, clock: Any) -> None:
    plant.equipment["doser-1"].switch_off(60, clock.now())
    assert (await client.read_input_registers(0, count=1, device_id=3)).exception_code == 0x0B
    await pass_time(plant, clock, 61)
    assert await Unit(client, 3).read(0, 1) == [0]


async def test_an_unplugged_server_comes_back_with_its_acknowledgement(
    client: AsyncModbusTcpClient, plant: Plant, clock: Any, order: Order
) -> None:
    await Unit(client, 3).command(START, "J-1", order("J-1", "30"))
    await plant.unplug("decor", 5)
    client.close()
    assert not await client.connect()
    await pass_time(plant, clock, 51)
    assert await client.connect()
    assert await Unit(client, 3).read(4, 1) == [1]
    assert json.loads(plant.equipment["doser-1"].completed_texts()[0])["job"] == "J-1"
