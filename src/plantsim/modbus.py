"""Modbus TCP: one server per connection, one unit per equipment or meter. Registers are computed when they are read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from random import Random

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from plantsim.clock import PlantClock
from plantsim.equipment import Changes, Equipment, State
from plantsim.orders import BROKEN, BUSY, CLEARED, OrderFault, parse_order
from plantsim.pack import Check, Meter
from plantsim.registers import (
    HOLDING_COUNT,
    INPUT_COUNT,
    METER_COUNT,
    TEXT_MAX,
    Answer,
    Command,
    CommandKind,
    input_image,
    meter_image,
    read_command,
)

_READ_INPUT = 4
_UNIT_AT = 6  # where a Modbus TCP frame names the unit
_BODY_AT = 7
_REFUSALS = {BUSY: Answer.REFUSED_NOW, BROKEN: Answer.REFUSED_NOW, CLEARED: Answer.REFUSED_CLEARED}

MeterReading = Callable[[Meter], tuple[float, float]]
Touch = Callable[[int, int, int, int, list[int], list[int] | list[bool] | None], Coroutine[None, None, ExcCodes | None]]


class _Unit:
    """The registers behind one unit id that is an equipment."""

    def __init__(
        self,
        equipment: Equipment,
        checks: Mapping[str, Sequence[Check]],
        clock: PlantClock,
        wake: Callable[[], None],
    ) -> None:
        self.equipment = equipment
        self._checks = dict(checks)
        self._clock = clock
        self._wake = wake
        self._holding = [0] * HOLDING_COUNT
        self._acknowledged = 0
        self._answer = Answer.NONE

    async def touch(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Serve a request: fill what is read, take what is written."""
        if self.equipment.state == State.OFFLINE:
            return ExcCodes.GATEWAY_NO_RESPONSE
        if written is not None:
            self._take(address, [int(value) for value in written])
            return None
        image = self._holding
        if function == _READ_INPUT:
            now_s = self._clock.now()
            self.equipment.advance(now_s)
            image = input_image(self.equipment, self._checks, self._acknowledged, self._answer, now_s)
        registers[address - start : address - start + count] = image[address : address + count]
        return None

    def _take(self, address: int, values: list[int]) -> None:
        self._holding[address : address + len(values)] = values
        number = self._holding[0]
        if address == 0 and number not in (0, self._acknowledged):
            command = read_command(self._holding)
            self._answer = Answer.NOT_UNDERSTOOD if command is None else self._obey(command)
            self._acknowledged = number
            self._wake()

    def _obey(self, command: Command) -> Answer:
        now_s = self._clock.now()
        if command.kind == CommandKind.STORE_AND_START:
            return self._start(command, now_s)
        act = self.equipment.clear if command.kind == CommandKind.CLEAR else self.equipment.abort
        return Answer.ACCEPTED if act(command.job, now_s) else Answer.REFUSED_NOW

    def _start(self, command: Command, now_s: float) -> Answer:
        try:
            order = parse_order(command.text)
        except OrderFault:
            return Answer.NOT_UNDERSTOOD
        if (order.job, order.program[:TEXT_MAX]) != (command.job, command.program):
            return Answer.NOT_UNDERSTOOD
        response = self.equipment.store_and_start(command.text, now_s)
        if response["state"] != "refused":
            return Answer.ACCEPTED
        return _REFUSALS.get(response["reason"], Answer.NOT_UNDERSTOOD)


class ModbusEndpoint:
    """A Modbus TCP server on the connection's port."""

    def __init__(
        self,
        id: str,  # noqa: A002 the connection's own word
        host: str,
        port: int,
        equipment: Mapping[str, Equipment],
        *,
        meters: Sequence[Meter],
        read_meter: MeterReading,
        checks: Mapping[str, Sequence[Check]],
        clock: PlantClock,
        wake: Callable[[], None],
        random: Random,
    ) -> None:
        self.id = id
        self.url = f"modbus://{host}:{port}"
        self.equipment = equipment
        self._address = (host, port)
        self._units = {one.spec.unit: _Unit(one, checks, clock, wake) for one in equipment.values()}
        self._meters = meters
        self._read_meter = read_meter
        self._clock = clock
        self._random = random
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        """Listen."""
        devices = [_device(number, INPUT_COUNT, unit.touch) for number, unit in self._units.items()]
        devices += [_device(meter.unit, METER_COUNT, self._meter_touch(meter)) for meter in self._meters]
        devices.append(_device(0, METER_COUNT, _nobody))
        self._server = ModbusTcpServer(devices, address=self._address, trace_packet=self._on_wire)
        try:
            await self._server.serve_forever(background=True)
        except RuntimeError as error:
            raise OSError(f"{self.url} cannot be listened at: {error}") from error

    async def answering(self) -> None:
        """It answers once it is started."""

    async def stop(self) -> None:
        """Close the server and every connection."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call] # the library has no types here
            self._server = None

    async def publish(self, equipment: Equipment, changes: Changes, *, garbled: bool) -> None:
        """Nothing to do: a Modbus unit is asked, it does not tell."""

    async def unplug(self) -> None:
        """Close the server; the machines go on."""
        await self.stop()

    async def plug(self) -> None:
        """Listen again."""
        await self.start()

    def _meter_touch(self, meter: Meter) -> Touch:
        async def touch(
            function: int,
            start: int,
            address: int,
            count: int,
            registers: list[int],
            written: list[int] | list[bool] | None,
        ) -> ExcCodes | None:
            if written is not None:
                return ExcCodes.ILLEGAL_FUNCTION
            if function == _READ_INPUT:
                kw, kwh = self._read_meter(meter)
                registers[address - start : address - start + count] = meter_image(kwh, kw)[address : address + count]
            return None

        return touch

    def _on_wire(self, sending: bool, frame: bytes) -> bytes:
        """Spoil or drop the answers of units that are told to; frames of the others pass."""
        if not sending or len(frame) <= _BODY_AT or frame[_UNIT_AT] not in self._units:
            return frame
        faults, real_s = self._units[frame[_UNIT_AT]].equipment.faults, self._clock.real()
        if faults.muted(real_s):
            return b""
        if faults.garbled(real_s):
            return frame[:_BODY_AT] + self._random.randbytes(len(frame) - _BODY_AT)
        return frame


async def _nobody(
    function: int,  # noqa: ARG001 a library's signature
    start: int,  # noqa: ARG001
    address: int,  # noqa: ARG001
    count: int,  # noqa: ARG001
    registers: list[int],  # noqa: ARG001
    written: list[int] | list[bool] | None,  # noqa: ARG001
) -> ExcCodes | None:
    """Answer for every unit id that is not there."""
    return ExcCodes.GATEWAY_NO_RESPONSE


def _device(unit: int, inputs: int, touch: Touch) -> SimDevice:
    """Return the library's device: registers that `touch` fills on every request."""
    blocks = (
        [SimData(0, count=1, values=False, datatype=DataType.BITS)],
        [SimData(0, count=1, values=False, datatype=DataType.BITS)],
        [SimData(0, count=HOLDING_COUNT, values=0, datatype=DataType.REGISTERS)],
        [SimData(0, count=inputs, values=0, datatype=DataType.REGISTERS)],
    )
    return SimDevice(id=unit, simdata=blocks, action=touch)
