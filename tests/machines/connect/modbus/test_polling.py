"""The polling driver against pymodbus's own server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from tests.machines.connect.modbus.test_points import registers_of

from batchone.contracts.sources import Point, Source
from batchone.contracts.things import ThingModel
from batchone.kernel.clock import SystemClock
from batchone.kernel.engines.child import free_port
from batchone.kernel.errors import Refused, TryLater
from batchone.machines import columns
from batchone.machines.connect.driver import Reach
from batchone.machines.connect.modbus.polling import PollingDriver
from batchone.machines.connect.modbus.probe import probe
from batchone.machines.connect.wiring import wire_source

POINTS = (
    Point("comp-1/pressure", "holding:10:float32"), Point("comp-1/hours", "holding:12:uint32:cdab"),
    Point("comp-1/loaded", "coil:3"), Point("comp-1/far", "holding:3000"),
)  # fmt: skip


class Machine:
    """A server whose registers and coils a test sets; it has 16 coils."""

    def __init__(self, port: int, count: int = 200) -> None:
        self.port = port
        self.holding, self.coils = [0] * count, [False] * 16
        none = [SimData(0, values=0, count=1, datatype=DataType.REGISTERS)]
        registers = [SimData(0, values=0, count=count, datatype=DataType.REGISTERS)]
        coils = [SimData(0, values=0, count=16, datatype=DataType.BITS)]
        device = SimDevice(1, simdata=(coils, coils, registers, none), action=self.touch)
        self.server = ModbusTcpServer([device], address=("127.0.0.1", port))

    async def touch(self, function, start, address, count, registers, written):
        if function in (1, 2):  # the library keeps sixteen bits in a register
            registers[0] = sum(bit << number for number, bit in enumerate(self.coils))
        else:
            registers[address - start : address - start + count] = self.holding[address : address + count]

    async def start(self) -> None:
        await self.server.serve_forever(background=True)

    async def stop(self) -> None:
        await self.server.shutdown()

    def set(self, at: int, words: list[int]) -> None:
        self.holding[at : at + len(words)] = words


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    made = Machine(free_port())
    await made.start()
    yield made
    await made.stop()


def driver_of(machine: Machine, *points: Point, **settings: str) -> PollingDriver:
    source = Source("air", f"modbus://127.0.0.1:{machine.port}", {"every": "20 ms", **settings}, points)
    wiring = wire_source(source, "modbus-registers", {point.path for point in points}, (), {})
    return PollingDriver(wiring, Reach(answer_s=1.0), SystemClock())


def told(batch) -> dict[str, tuple[float, int]]:
    rows = zip(batch.column("path").to_pylist(), columns.values_of(batch), columns.qualities_of(batch), strict=True)
    return {path: (float(value), int(quality)) for path, value, quality in rows}


async def test_registers_and_bits_become_samples_and_then_only_what_changed(machine: Machine) -> None:
    machine.set(10, registers_of("float32", "abcd", 7.5))
    machine.set(12, registers_of("uint32", "cdab", 123_456))
    driver = driver_of(machine, *POINTS[:3])
    await driver.open()
    first = told((await driver.read()).samples)
    assert first == {"comp-1/pressure": (7.5, 0), "comp-1/hours": (123_456, 0), "comp-1/loaded": (0, 0)}
    machine.set(10, registers_of("float32", "abcd", 8.5))
    machine.coils[3] = True
    assert told((await driver.read()).samples) == {"comp-1/pressure": (8.5, 0), "comp-1/loaded": (1, 0)}
    assert told((await driver.read()).samples) == {}
    await driver.close()


async def test_all_values_are_told_in_each_round_where_that_is_asked_for(machine: Machine) -> None:
    driver = driver_of(machine, *POINTS[:3], report="all")
    await driver.open()
    for _ in range(2):
        assert len(told((await driver.read()).samples)) == 3
    await driver.close()


async def test_what_the_machine_refuses_costs_the_others_nothing_and_is_bad_once(machine: Machine) -> None:
    driver = driver_of(machine, *POINTS)
    await driver.open()
    reading = await driver.read()
    assert told(reading.samples)["comp-1/pressure"] == (0.0, columns.GOOD)
    assert str(told(reading.samples)["comp-1/far"]) == "(nan, 2)"
    (fault,) = reading.faults
    assert "holding 3000 to 3000: the machine answers with the exception 2" in fault.what
    assert told((await driver.read()).samples) == {}
    await driver.close()


async def test_no_number_is_no_sample(machine: Machine) -> None:
    machine.set(10, registers_of("float32", "abcd", float("nan")))
    driver = driver_of(machine, POINTS[0])
    await driver.open()
    assert told((await driver.read()).samples) == {}
    machine.set(10, registers_of("float32", "abcd", float("inf")))
    assert told((await driver.read()).samples) == {}
    await driver.close()


async def test_a_machine_that_goes_away_is_try_later(machine: Machine) -> None:
    driver = driver_of(machine, POINTS[0])
    await driver.open()
    await driver.read()
    await machine.stop()
    with pytest.raises(TryLater, match="does not answer"):
        await driver.read()
    await driver.close()


async def test_a_strange_setting_or_address_is_refused_before_anything_is_opened(machine: Machine) -> None:
    with pytest.raises(Refused, match="no setting speed"):
        driver_of(machine, POINTS[0], speed="9600")
    with pytest.raises(Refused, match="no Modbus address"):
        driver_of(machine, Point("a/b", "40001"))


async def test_a_probe_tells_what_can_be_read_and_guesses_with_its_evidence(machine: Machine) -> None:
    machine.holding[10:14] = [*registers_of("float32", "abcd", 21.5), 7, 0]
    machine.coils[3] = True
    seen = await probe(f"modbus://127.0.0.1:{machine.port}", {"probe_count": "300"}, ThingModel(), Reach(answer_s=3.0))
    found = {each.address: (each.type, each.value, each.proposed) for each in seen.found}
    assert found["holding:10:float32"] == ("float32, a guess", "21.5", "")
    assert found["holding:12"] == ("uint16, a guess", "7", "")
    assert found["coil:3"] == ("bit", "1", "")
    assert all(each.why for each in seen.found)
    holding = next(note for note in seen.notes if note.startswith("holding 0 to 299"))
    assert "0 to 199 could be read, the others were refused (exception 2)" in holding
    assert "guess" in seen.notes[-1]
    assert seen.security.startswith("none")


async def test_a_probe_of_nobody_is_try_later_and_a_strange_setting_refused() -> None:
    with pytest.raises(TryLater):
        await probe(f"modbus://127.0.0.1:{free_port()}", {}, ThingModel(), Reach(answer_s=1.0))
    with pytest.raises(Refused, match="no probe_count"):
        await probe("modbus://127.0.0.1:502", {"probe_count": "many"}, ThingModel(), Reach())
