"""From a connection to the bus: gather samples into batches, make each safe on disk, publish it, forget it.

A sample is *acknowledged* once its batch is in the write-ahead file: from there it reaches the bus even if this process is
killed. While the bus is away, batches wait in that file and in memory, up to a bound; a protocol that is polled is polled
slower as it fills. When it is full, newer samples are not taken: they are counted as dropped and the connection says so.
When the disk takes nothing, batches wait in memory alone, and the connection says that too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import structlog

from batchone.contracts.machines import SAMPLES_TOPIC
from batchone.kernel.bus import Bus
from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.connect.wal import Entry, WriteAhead

_log = structlog.get_logger(__name__)
_REWRITE_FACTOR = 4


@dataclass(frozen=True)
class Bounds:
    """`batch_s`: how long samples gather, in real seconds. `batch_rows`: how many make a batch at once. `backlog_bytes`:
    how much may wait for the bus. `retry_s`: pause before a batch is published again."""

    batch_s: float = 0.2
    batch_rows: int = 5_000
    backlog_bytes: int = 64_000_000
    retry_s: float = 0.5


class Shipping:
    """The samples of one connection on their way. `put` is called by its reader; `seal` and `send` run for ever.

    `sent` counts samples that the bus has stored, `dropped` those that found no room; `idle` is set while nothing waits.
    """

    def __init__(self, bus: Bus, tenant: str, connection: str, boot: str, path: Path, bounds: Bounds) -> None:
        self._bus = bus
        self._subject = f"{SAMPLES_TOPIC}.{tenant}.{connection}"
        self._prefix = f"{tenant}.{connection}-{boot}"
        self._wal = WriteAhead(path)
        self._bounds = bounds
        self._gathered: list[pa.RecordBatch] = []
        self._rows = 0
        self._sequence = 0
        self._waiting: deque[Entry] = deque(self._wal.recover())
        self._backlog = sum(len(data) for _, data in self._waiting)
        self.idle = asyncio.Event()
        self._disk = asyncio.Lock()
        self._some, self._many, self._sealed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.sent = 0
        self.dropped = 0
        self.trouble = ""
        (self._sealed if self._waiting else self.idle).set()

    @property
    def share(self) -> float:
        """How full the backlog is, 0 to 1."""
        return min(1.0, self._backlog / self._bounds.backlog_bytes)

    def put(self, batch: pa.RecordBatch) -> None:
        """Take samples, or count them as dropped when nothing more may wait."""
        if not batch.num_rows:
            return
        if self._backlog >= self._bounds.backlog_bytes:
            self.dropped += batch.num_rows
            return
        self._gathered.append(batch)
        self._rows += batch.num_rows
        self._some.set()
        if self._rows >= self._bounds.batch_rows:
            self._many.set()

    async def seal(self) -> None:
        """Turn what gathered into batches in the write-ahead file, until cancelled."""
        while True:
            await self._some.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._bounds.batch_s):
                    await self._many.wait()
            await self.seal_now()

    async def seal_now(self) -> None:
        """Make one batch of what gathered."""
        batches, self._gathered, self._rows = self._gathered, [], 0
        self._some.clear()
        self._many.clear()
        if not batches:
            return
        self._sequence += 1
        name = f"{self._prefix}-{self._sequence}"
        entry = (name, columns.to_bytes(columns.concat(batches), name))
        async with self._disk:
            try:
                await asyncio.to_thread(self._wal.append, entry)
                self.trouble = ""
            except OSError as error:
                if not self.trouble:
                    _log.error("connect.disk", connection=self._subject, error=repr(error))
                self.trouble = f"The disk takes no samples ({error.strerror}); they wait in memory only."
            self._waiting.append(entry)
            self._backlog += len(entry[1])
            self.idle.clear()
        self._sealed.set()

    async def send(self) -> None:
        """Publish batches in order, each until the bus has stored it, until cancelled."""
        while True:
            await self._sealed.wait()
            self._sealed.clear()
            while self._waiting:
                await self._send_one(self._waiting[0])

    async def _send_one(self, entry: Entry) -> None:
        try:
            await self._bus.publish(self._subject, entry[1], id=entry[0])
        except TryLater:
            await asyncio.sleep(self._bounds.retry_s)
            return
        self.sent += columns.from_bytes(entry[1]).num_rows
        async with self._disk:
            self._waiting.popleft()
            self._backlog -= len(entry[1])
            await self._tidy()
            if not self._waiting:
                self.idle.set()

    async def _tidy(self) -> None:
        # The file shrinks when it is done with; under a load that never ends, when most of it is.
        if not self._waiting or self._wal.size > _REWRITE_FACTOR * max(self._backlog, self._bounds.backlog_bytes // 8):
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._wal.rewrite, list(self._waiting))

    async def close(self) -> None:
        """Make what gathered safe, and let go of the file; what waits is sent by the next start."""
        await self.seal_now()
        self._wal.close()
