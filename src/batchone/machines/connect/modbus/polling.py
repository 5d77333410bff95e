"""How a foreign Modbus machine is read, with pymodbus: all its blocks in rounds; columns from the registers on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from batchone.kernel.clock import Clock
from batchone.kernel.errors import Refused, TryLater
from batchone.machines import columns
from batchone.machines.connect.driver import Fault, Garbled, Reach, Reading, ReadOnly, away, heed_cancel
from batchone.machines.connect.modbus.points import Block, blocks_of
from batchone.machines.connect.wiring import Wiring, number_of, rounds_of

_SLOWEST = 10
_SETTINGS = frozenset({"unit", "every", "report"})


@dataclass
class _Seen:
    """A block, where its signals stand among those of the connection, and whether it could not be read."""

    block: Block
    first: int
    gone: bool = False

    @property
    def own(self) -> slice:
        """Its signals."""
        return slice(self.first, self.first + len(self.block.places))


class PollingDriver(ReadOnly):
    """One TCP connection, polled in rounds over its blocks, in whose time its samples are.

    Settings: `unit` (1) for addresses that name none, `every` (1 s) from round to round, `report`: `changes` (a sample where
    the value differs from the last one) or `all`.
    """

    def __init__(self, wiring: Wiring, reach: Reach, clock: Clock) -> None:
        strange = wiring.settings.keys() - _SETTINGS
        if strange:
            what = f"{wiring.connection}: a Modbus connection has no setting {sorted(strange)[0]}."
            raise Refused("modbus.setting", what, f"It has: {', '.join(sorted(_SETTINGS))}.")
        self.address = wiring.url
        self._clock = clock
        self._every_s, self._all = rounds_of(wiring)
        blocks = blocks_of(wiring.points, number_of(wiring, "unit", 1, 255))
        firsts = [0, *accumulate(len(block.places) for block in blocks)]
        self._seen = [_Seen(block, first) for block, first in zip(blocks, firsts, strict=False)]
        self._paths = pa.array([path for block in blocks for path in block.paths], pa.string())
        self._values = np.full(firsts[-1], np.nan)
        self._client = AsyncModbusTcpClient(
            wiring.host, port=wiring.port or 502, timeout=reach.answer_s, retries=0, reconnect_delay=0
        )
        self._client.set_max_no_responses(1_000_000_000)
        self._due_s = 0.0
        self._press = 0.0

    async def open(self) -> None:
        """Connect; the first round follows at once."""
        if not await self._client.connect():
            raise away(self.address, "no connection")

    async def read(self) -> Reading:
        """One round over all blocks, when it is due."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._due_s - loop.time()))
        # From when it was due, so that rounds do not drift; one that is late by more than a round begins a new count.
        every_s = self._every_s * (1 + (_SLOWEST - 1) * self._press)
        self._due_s = max(self._due_s + every_s, loop.time())
        values = np.full(len(self._values), np.nan)
        quality = np.full(len(self._values), columns.GOOD, np.uint8)
        faults: list[Fault] = []
        for seen in self._seen:
            try:
                values[seen.own] = await self._registers(seen.block)
                seen.gone = False
            except Garbled as error:
                faults.append(Fault(f"{seen.block.unit}/{seen.block.table}:{seen.block.start}", 1, error.what))
                # One bad sample for each of its signals, once.
                quality[seen.own] = columns.GOOD if seen.gone else columns.BAD
                seen.gone = True
        if faults and len(faults) == len(self._seen):
            raise away(self.address, faults[-1].what)
        return Reading(self._news(values, quality), faults=tuple(faults))

    def _news(self, values: NDArray[np.float64], quality: NDArray[np.uint8]) -> pa.RecordBatch:
        usable = np.isfinite(values)
        news = (usable if self._all else usable & (values != self._values)) | (quality == columns.BAD)
        self._values = values
        at = np.flatnonzero(news)
        now_us = columns.arrival_us(self._clock.now())
        times = np.full(len(at), now_us, np.int64)
        return columns.to_batch(self._paths, at.astype(np.int32), times, now_us, values[at], quality[at])

    async def close(self) -> None:
        """Close the socket."""
        self._client.close()

    def press(self, share: float) -> None:
        """Poll up to ten times slower while the buffer behind fills."""
        self._press = min(max(share, 0.0), 1.0)

    async def _registers(self, block: Block) -> NDArray[np.float64]:
        client, bits = self._client, block.table in ("coil", "discrete")
        ask = {
            "holding": client.read_holding_registers, "input": client.read_input_registers, "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
        }[block.table]  # fmt: skip
        if not client.connected:
            raise away(self.address, "the connection was lost")
        try:
            answer = await ask(block.start, count=block.count, device_id=block.unit)
        except ModbusException as error:
            raise TryLater("machine.away", f"{self.address} does not answer: {error}.") from error
        heed_cancel()
        where = f"Unit {block.unit}, {block.table} {block.start} to {block.start + block.count - 1}"
        if answer.isError():
            raise Garbled("machine.garbled", f"{where}: the machine answers with the exception {answer.exception_code}.")
        told = answer.bits[: block.count] if bits else answer.registers
        if len(told) != block.count:
            raise Garbled("machine.garbled", f"{where}: it sent {len(told)}.")
        return block.values(told)
