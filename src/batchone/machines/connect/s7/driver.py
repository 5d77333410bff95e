"""How an S7 controller is read, with python-snap7 in a thread of its own: all blocks in rounds; columns from the bytes on."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from snap7.client import Client
from snap7.error import S7ConnectionError, S7Error, S7TimeoutError
from snap7.type import Area

from batchone.kernel.clock import Clock
from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.connect.driver import Fault, Garbled, Reach, Reading, ReadOnly, away
from batchone.machines.connect.s7.points import Block, blocks_of
from batchone.machines.connect.wiring import Wiring, number_of, rounds_of

_T = TypeVar("_T")
_SETTINGS = frozenset({"rack", "slot", "every", "report"})
_AREAS = {"DB": Area.DB, "I": Area.PE, "M": Area.MK, "Q": Area.PA}
_SLOWEST = 10
_GONE = (S7ConnectionError, S7TimeoutError, OSError)
_SPOILT = (S7Error, ValueError, LookupError, struct.error)

# What goes wrong on the wire is told once, by our own errors.
logging.getLogger("snap7").setLevel(logging.CRITICAL)


@dataclass
class _Seen:
    """A block, where its signals stand among those of the connection, and whether it could not be read."""

    block: Block
    own: slice
    gone: bool = False


class S7Driver(ReadOnly):
    """One connection, polled in rounds over its blocks, in whose time its samples are.

    Settings: `rack` (0) and `slot` (1) of the processor, `every` (1 s) from round to round, `report`: `changes` (a sample
    where the value differs from the last one) or `all`.
    """

    def __init__(self, wiring: Wiring, reach: Reach, clock: Clock) -> None:  # noqa: ARG002 - the library has its own patience
        strange = wiring.settings.keys() - _SETTINGS
        if strange:
            what = f"{wiring.connection}: an S7 connection has no setting {sorted(strange)[0]}."
            raise Refused("s7.setting", what, f"It has: {', '.join(sorted(_SETTINGS))}.")
        self.address = wiring.url
        self._host, self._port = wiring.host, wiring.port or 102
        self._rack, self._slot = number_of(wiring, "rack", 0, 7), number_of(wiring, "slot", 1, 31)
        self._every_s, self._all = rounds_of(wiring)
        self._clock = clock
        blocks = blocks_of(wiring.points)
        ends = list(accumulate(len(block.places) for block in blocks))
        self._seen = [
            _Seen(block, slice(end - len(block.places), end)) for block, end in zip(blocks, ends, strict=True)
        ]  # fmt: skip
        self._paths = pa.array([path for block in blocks for path in block.paths], pa.string())
        self._values = np.full(len(self._paths), np.nan)
        self._client = Client()
        self._thread = ThreadPoolExecutor(1, f"s7 {wiring.connection}")
        self._closed = False
        self._due_s = self._press = 0.0

    async def open(self) -> None:
        """Connect; the first round follows at once."""
        try:
            await self._blocking(lambda: self._client.connect(self._host, self._rack, self._slot, self._port))
        except (*_GONE, *_SPOILT) as error:
            raise away(self.address, error) from error

    async def read(self) -> Reading:
        """One round over all blocks, when it is due."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._due_s - loop.time()))
        self._due_s = loop.time() + self._every_s * (1 + (_SLOWEST - 1) * self._press)
        values = np.full(len(self._paths), np.nan)
        quality = np.full(len(self._paths), columns.GOOD, np.uint8)
        faults: list[Fault] = []
        for seen in self._seen:
            try:
                values[seen.own] = await self._bytes(seen.block)
                seen.gone = False
            except Garbled as error:
                faults.append(Fault(seen.block.name, 1, error.what))
                # One bad sample for each of its signals, once.
                quality[seen.own] = columns.GOOD if seen.gone else columns.BAD
                seen.gone = True
        if faults and len(faults) == len(self._seen):
            raise away(self.address, faults[-1].what)
        return Reading(self._news(values, quality), faults=tuple(faults))

    async def close(self) -> None:
        """Let go of the connection; controllers have few."""
        if not self._closed:
            with suppress(*_GONE, *_SPOILT):
                await self._blocking(self._client.disconnect)
        self._closed = True
        self._thread.shutdown(wait=False)

    def press(self, share: float) -> None:
        """Poll up to ten times slower while the buffer behind fills."""
        self._press = min(max(share, 0.0), 1.0)

    def _news(self, values: NDArray[np.float64], quality: NDArray[np.uint8]) -> pa.RecordBatch:
        usable = np.isfinite(values)
        at = np.flatnonzero((usable if self._all else usable & (values != self._values)) | (quality == columns.BAD))
        self._values = values
        now_us = columns.to_us(self._clock.now())
        return columns.to_batch(
            self._paths, at.astype(np.int32), np.full(len(at), now_us, np.int64), now_us, values[at], quality[at]
        )

    async def _bytes(self, block: Block) -> NDArray[np.float64]:
        area = _AREAS[block.area]
        try:
            read = await self._blocking(lambda: self._client.read_area(area, block.db, block.start, block.count))
        except _GONE as error:
            raise away(self.address, error) from error
        except _SPOILT as error:
            raise Garbled("machine.garbled", f"{block.name}: {error}.") from error
        if len(read) != block.count:
            raise Garbled("machine.garbled", f"{block.name}: the controller sent {len(read)} bytes.")
        return block.values(read)

    async def _blocking(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
