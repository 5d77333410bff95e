"""How Modbus machines are polled and commanded, with pymodbus; what their registers mean is in `registers`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ModbusPDU

from batchone.contracts.machines import JobOrder
from batchone.kernel.clock import Clock
from batchone.kernel.errors import NotFound, TryLater
from batchone.machines.columns import arrival_us
from batchone.machines.connect.driver import Garbled, Inbox, JobResponse, Reach, Reading, away, heed_cancel
from batchone.machines.connect.jobs import merged
from batchone.machines.connect.modbus import registers
from batchone.machines.connect.modbus.registers import Span
from batchone.machines.connect.wiring import METER_SIGNALS, Wired, WiredMeter, Wiring

_NOBODY = {0x0A, 0x0B}
_SPOILT = 0x04
_FUNCTIONS = {4, 6, 16}
_HEADER = 7
_LOOK_AROUND = 20
_SLOWEST = 10

# What goes wrong on the wire is told once, by our own errors.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


class Silent(TryLater):
    """One unit of a connection does not answer; the others may."""


@dataclass
class _Unit:
    """What is remembered of a machine from poll to poll."""

    wired: Wired
    number: int
    values: list[float] = field(default_factory=list)
    ended: tuple[JobResponse, ...] = ()
    told: tuple[JobResponse, ...] | None = None
    commands: int = 0
    seen: tuple[int, int] | None = None
    polls: int = 0
    gone: bool = False
    rests_until_s: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ModbusDriver:
    """One TCP connection, polled in rounds over all its units; a command goes between two requests of a round.

    A sample is told when its value differs from the last one, at the reader's own plant time.
    """

    def __init__(self, wiring: Wiring, reach: Reach, clock: Clock) -> None:
        self._clock = clock
        self._reach = reach
        self._measures = wiring.measures
        port = (wiring.port or 502) + reach.port_offset
        self.address = f"modbus://{reach.host}:{port}"
        self._client = AsyncModbusTcpClient(
            reach.host, port=port, timeout=reach.answer_s, retries=0, reconnect_delay=0, trace_packet=_unspoilt
        )
        self._client.set_max_no_responses(1_000_000_000)
        self._units = {wired.id: _Unit(wired, wired.unit or 1) for wired in wiring.equipment}
        self._meters = wiring.meters
        self._meter_values: dict[str, tuple[float, float]] = {}
        self._inbox = Inbox()
        self._due_s = 0.0
        self._press = 0.0
        self._hurry = asyncio.Event()

    async def open(self) -> None:
        """Connect; the first round follows at once."""
        if not await self._client.connect():
            raise away(self.address, "no connection")

    async def read(self) -> Reading:
        """Poll in rounds until there is news."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._due_s - self._now_s())):
                    await self._hurry.wait()
            self._hurry.clear()
            self._due_s = self._now_s() + self._reach.poll_s * (1 + (_SLOWEST - 1) * self._press)
            await self._round()
            if self._inbox:
                return self._inbox.take()

    async def close(self) -> None:
        """Close the socket."""
        self._client.close()

    def press(self, share: float) -> None:
        """Poll up to ten times slower while the buffer behind fills."""
        self._press = min(max(share, 0.0), 1.0)

    async def start_job(self, equipment: str, order: JobOrder) -> JobResponse:
        """Put the order into the mailbox, then read the job back from the machine's own registers."""
        unit = self._unit(equipment)
        mailbox = registers.order_mailbox(order)
        async with unit.lock:
            answer = await self._command(unit, mailbox)
            if answer == registers.ACCEPTED:
                return await self._read_back(unit, order.job)
            return JobResponse(order.job, "refused", reason=await self._reason(unit, answer))

    async def jobs(self, equipment: str) -> tuple[JobResponse, ...]:
        """Read what runs and all completed jobs now."""
        unit = self._unit(equipment)
        status = registers.status(await self._read(unit.number, registers.STATUS))
        return _all(status, await self._ended(unit))

    async def clear(self, equipment: str, job: str) -> bool:
        """Command 2."""
        return await self._simple(equipment, registers.CLEAR, job)

    async def abort(self, equipment: str, job: str) -> bool:
        """Command 3."""
        return await self._simple(equipment, registers.ABORT, job)

    async def _simple(self, equipment: str, command: int, job: str) -> bool:
        unit = self._unit(equipment)
        async with unit.lock:
            return await self._command(unit, registers.mailbox(command, job)) == registers.ACCEPTED

    async def _command(self, unit: _Unit, mailbox: list[int]) -> int:
        acknowledged, _ = await self._read(unit.number, registers.COMMAND)
        sequence = registers.next_sequence(acknowledged)
        for start in range(0, len(mailbox), registers.LONGEST_WRITE):
            part = mailbox[start : start + registers.LONGEST_WRITE]
            await self._write(unit.number, registers.MAILBOX_BODY + start, part)
        await self._write(unit.number, registers.MAILBOX_SEQUENCE, [sequence])
        acknowledged, answer = await self._read(unit.number, registers.COMMAND)
        unit.commands += 1
        self._hurry.set()
        if acknowledged != sequence:
            raise Garbled("machine.unanswered", f"{unit.wired.id} did not take the command {sequence}.")
        return answer

    async def _read_back(self, unit: _Unit, job: str) -> JobResponse:
        status = registers.status(await self._read(unit.number, registers.STATUS))
        found = [response for response in _all(status, await self._ended(unit)) if response.job == job]
        if not found:
            raise Garbled("machine.no_read_back", f"{unit.wired.id} took the job {job} but does not show it.")
        return found[0]

    async def _reason(self, unit: _Unit, answer: int) -> str:
        if answer == registers.REFUSED_NOW:
            state = (await self._read(unit.number, registers.STATUS))[0]
            return "broken" if state == registers.BROKEN_STATE else "busy"
        if answer not in (registers.REFUSED_ORDER, registers.REFUSED_CLEARED):
            raise Garbled("machine.garbled", f"{unit.wired.id} answers a command with {answer}.")
        return "cleared" if answer == registers.REFUSED_CLEARED else "not understood: the machine does not say why"

    async def _round(self) -> None:
        silent = 0
        for unit in self._units.values():
            if unit.rests_until_s > self._now_s():
                silent += 1
                continue
            try:
                await self._poll(unit)
            except Silent as error:
                silent += self._went_silent(unit, error)
            except Garbled as error:
                self._inbox.fault(f"{unit.wired.id}/registers", error.what)
        for meter in self._meters:
            try:
                await self._poll_meter(meter)
            except Silent as error:
                silent += error.code == "machine.silent"
            except Garbled as error:
                self._inbox.fault(f"{meter.id}/registers", error.what)
        if silent and silent == len(self._units) + len(self._meters):
            raise away(self.address, "no unit answers")

    def _went_silent(self, unit: _Unit, error: Silent) -> bool:
        """Whether it costs a timeout to ask it; one that the server says is not there costs nothing."""
        if not unit.gone:
            unit.gone, unit.values, unit.told, unit.seen = True, [], None, None
            self._inbox.lose(unit.wired.id)
        if error.code != "machine.silent":
            return False
        unit.rests_until_s = self._now_s() + 3 * self._reach.answer_s
        return True

    async def _poll(self, unit: _Unit) -> None:
        unit.polls += 1
        around = unit.polls % _LOOK_AROUND == 1
        names = unit.wired.names
        places = registers.SIGNAL_PLACES if around else len(names)
        image = await self._image(unit.number, [registers.STATUS, *([registers.signals_span(places)] if places else [])])
        status = registers.status(image[: registers.STATUS[1]])
        unit.gone = False
        self._inbox.state(unit.wired.id, status.state)
        seen = (status.completed, unit.commands)
        if seen != unit.seen or around:
            unit.ended = await self._ended(unit)
            unit.seen = seen
        told = _all(status, unit.ended)
        if told != unit.told:
            unit.told = told
            self._inbox.jobs[unit.wired.id] = told
        words = image[registers.SIGNALS_AT :]
        now_us = arrival_us(self._clock.now())
        self._take_values(unit, registers.signals(words, len(names)), now_us)
        if around:
            for name, value in registers.surplus(words, len(names)).items():
                self._inbox.samples.add(f"{unit.wired.id}/{name}", now_us, now_us, value)

    def _take_values(self, unit: _Unit, values: list[float], now_us: int) -> None:
        before = unit.values or [math.nan] * len(values)
        for name, old, new in zip(unit.wired.names, before, values, strict=True):
            if math.isinf(new):
                self._inbox.fault(f"{unit.wired.id}/{name}", f"{new} is no measurement.")
            elif not math.isnan(new) and new != old:
                self._inbox.samples.add(f"{unit.wired.id}/{name}", now_us, now_us, new)
        unit.values = values

    async def _poll_meter(self, meter: WiredMeter) -> None:
        values = registers.meter(await self._read(meter.unit, registers.METER))
        before = self._meter_values.get(meter.id, (math.nan, math.nan))
        now_us = arrival_us(self._clock.now())
        for name, old, new in zip(METER_SIGNALS, before, values, strict=True):
            if math.isfinite(new) and new != old:
                self._inbox.samples.add(f"{meter.id}/{name}", now_us, now_us, new)
        self._meter_values[meter.id] = values

    async def _ended(self, unit: _Unit) -> tuple[JobResponse, ...]:
        found: list[JobResponse] = []
        for place in range(registers.BLOCKS):
            block = await self._read(unit.number, registers.block_span(place))
            response = registers.completed(block, self._measures)
            if response is None:
                break
            found.append(response)
        return tuple(found)

    async def _image(self, unit: int, spans: Sequence[Span]) -> list[int]:
        image = [0] * max(start + count for start, count in spans)
        for start, count in registers.coalesce(spans):
            image[start : start + count] = await self._read(unit, (start, count))
        return image

    async def _read(self, unit: int, span: Span) -> list[int]:
        start, count = span
        self._check_connected()
        try:
            answer = await self._client.read_input_registers(start, count=count, device_id=unit)
        except ModbusException as error:
            raise self._failed(unit, error) from error
        heed_cancel()
        self._check(unit, answer)
        if len(answer.registers) != count:
            raise Garbled("machine.garbled", f"Unit {unit} sent {len(answer.registers)} registers, not {count}.")
        return list(answer.registers)

    async def _write(self, unit: int, start: int, values: list[int]) -> None:
        self._check_connected()
        try:
            self._check(unit, await self._client.write_registers(start, values, device_id=unit))
        except ModbusException as error:
            raise self._failed(unit, error) from error

    def _check_connected(self) -> None:
        if not self._client.connected:
            raise away(self.address, "the connection was lost")

    def _check(self, unit: int, answer: ModbusPDU) -> None:
        if not answer.isError():
            return
        code = int(getattr(answer, "exception_code", 0))
        if code in _NOBODY:
            raise Silent("machine.nobody", f"No machine answers at unit {unit} of {self.address}.")
        raise Garbled("machine.garbled", f"Unit {unit} of {self.address} answers with the exception {code}, or with garbage.")

    def _failed(self, unit: int, error: ModbusException) -> TryLater:
        if isinstance(error, ConnectionException) or not self._client.connected:
            return away(self.address, error)
        return Silent("machine.silent", f"Unit {unit} of {self.address} does not answer.")

    def _unit(self, equipment: str) -> _Unit:
        if equipment not in self._units:
            raise NotFound("machine.unknown", f"No {equipment} is wired to {self.address}.", "Look at the pack's resources.")
        return self._units[equipment]

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()


def _all(status: registers.Status, ended: tuple[JobResponse, ...]) -> tuple[JobResponse, ...]:
    return merged((status.running,) if status.running else (), ended)


def _unspoilt(sending: bool, data: bytes) -> bytes:
    """Incoming bytes, or an exception response in place of a frame that is none of the answers we ask for.

    The library raises at such a frame inside the event loop, which would close the connection for every other unit.
    """
    if sending or len(data) <= _HEADER + 1 or data[2:4] != b"\0\0":
        return data
    end = int.from_bytes(data[4:6], "big") + 6
    if len(data) < end:
        return data
    function, body = data[_HEADER], data[_HEADER + 1 : end]
    if function == 4:
        sound = len(body) % 2 == 1 and body[0] == len(body) - 1
    elif function in _FUNCTIONS:
        sound = len(body) == 4
    else:
        sound = function & 0x7F in _FUNCTIONS and len(body) == 1
    if sound:
        return data
    return data[:_HEADER] + bytes((0x84, _SPOILT)) + b"\0" * (len(body) - 1) + data[end:]
