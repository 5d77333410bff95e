"""How a foreign Modbus machine is read, with pymodbus: all its blocks in rounds; columns from the registers on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from batchone.kernel.clock import Clock
from batchone.kernel.errors import Refused, TryLater
from batchone.kernel.quantities import seconds
from batchone.machines import columns
from batchone.machines.connect.driver import Fault, Garbled, Reach, Reading, ReadOnly, away, heed_cancel
from batchone.machines.connect.modbus.points import Block, blocks_of
from batchone.machines.connect.wiring import Wiring

_SLOWEST = 10
_SETTINGS = frozenset({"unit", "every", "report"})


@dataclass
class _Seen:
    """What a block told last."""

    block: Block
    values: NDArray[np.float64] = field(init=False)
    gone: bool = False

    def __post_init__(self) -> None:
        self.values = np.full(len(self.block.places), np.nan)


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
        self._every_s = seconds(wiring.settings.get("every", "1 s"))
        self._all = wiring.settings.get("report", "changes") == "all"
        blocks = blocks_of(wiring.points, int(wiring.settings.get("unit", "1")))
        self._seen = [_Seen(block) for block in blocks]
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
        self._due_s = loop.time() + self._every_s * (1 + (_SLOWEST - 1) * self._press)
        found: list[pa.RecordBatch] = []
        faults: list[Fault] = []
        silent = 0
        for seen in self._seen:
            try:
                found.append(self._told(seen, await self._registers(seen.block)))
            except Garbled as error:
                silent += 1
                faults.append(Fault(f"{seen.block.unit}/{seen.block.table}:{seen.block.start}", 1, error.what))
                found.append(self._spoilt(seen))
        if silent and silent == len(self._seen):
            raise away(self.address, faults[-1].what)
        return Reading(columns.concat([batch for batch in found if batch.num_rows]), faults=tuple(faults))

    async def close(self) -> None:
        """Close the socket."""
        self._client.close()

    def press(self, share: float) -> None:
        """Poll up to ten times slower while the buffer behind fills."""
        self._press = min(max(share, 0.0), 1.0)

    def _told(self, seen: _Seen, values: NDArray[np.float64]) -> pa.RecordBatch:
        usable = np.isfinite(values)
        news = usable if self._all else usable & (values != seen.values)
        seen.values, seen.gone = values, False
        return self._batch(seen.block, np.flatnonzero(news), values, columns.GOOD)

    def _spoilt(self, seen: _Seen) -> pa.RecordBatch:
        """One bad sample for each signal of a block that cannot be read any more, once."""
        if seen.gone:
            return columns.empty()
        seen.gone, seen.values = True, np.full(len(seen.values), np.nan)
        return self._batch(seen.block, np.arange(len(seen.values)), seen.values, columns.BAD)

    def _batch(self, block: Block, at: NDArray[np.int64], values: NDArray[np.float64], quality: int) -> pa.RecordBatch:
        now_us = columns.to_us(self._clock.now())
        count = len(at)
        times, qualities = np.full(count, now_us, np.int64), np.full(count, quality, np.uint8)
        return columns.to_batch(block.paths, at.astype(np.int32), times, now_us, values[at], qualities)

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
