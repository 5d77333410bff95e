"""From a connection to the bus: gather samples into batches, make each safe on disk, publish it, forget it.

A sample is *taken* once its batch is in the log on this machine's disk (`spool`): from there it reaches the bus even if
this process is killed. While the bus is away, batches wait there, in order, up to a bound that is told in hours; a protocol
that is polled is polled slower as it fills. When it is full, newer samples are not taken: what is kept has no holes. They
are counted, the count outlives the process, and the connection says so. When the disk takes nothing, batches wait in memory
up to a smaller bound, and the connection says that too.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import structlog

from batchone.contracts.machines import SAMPLES_TOPIC
from batchone.kernel.bus import Bus
from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.connect.spool import Entry, Spool

_T = TypeVar("_T")
_log = structlog.get_logger(__name__)
_ROW_BYTES = 32
_RATE_OVER_S = 60.0
_STEADY_S = 5.0
MESSAGE_BYTES = 4_000_000
"""The bus takes no message of twice this."""


@dataclass(frozen=True)
class Bounds:
    """`batch_s`: how long samples gather, in real seconds. `batch_rows`: how many make a batch at once. `message_rows`: the
    most of one message. `disk_bytes`: how much may wait on disk for the bus; `memory_bytes`: how much before it is on disk.
    `retry_s`: pause before a batch is published again."""

    batch_s: float = 0.2
    batch_rows: int = 5_000
    message_rows: int = 50_000
    disk_bytes: int = 2_000_000_000
    memory_bytes: int = 32_000_000
    retry_s: float = 0.5


@dataclass(frozen=True)
class Waiting:
    """What waits for the bus. `oldest_s`: for how long the oldest has (real seconds). `room_s`: for how long there is room at
    the rate of the last minute, none if nothing comes. `drain_per_s`: samples that the bus took in a second, lately."""

    samples: int
    bytes: int
    oldest_s: float
    room_s: float | None
    drain_per_s: float


class Shipping:
    """The samples of one connection on their way. `put` is called by its reader; `seal` and `send` run for ever.

    `sent` counts samples that the bus has stored, `dropped` those that found no room since the log was made; `idle` is set
    while nothing waits. `real_s` tells real unix time.
    """

    def __init__(
        self, bus: Bus, tenant: str, connection: str, boot: str, folder: Path, bounds: Bounds, real_s: Callable[[], float]
    ) -> None:
        self._bus = bus
        self._connection = connection
        self._subject = f"{SAMPLES_TOPIC}.{tenant}.{connection}"
        self._stem = f"{tenant}.{connection}"
        self._prefix = f"{self._stem}-{boot}"
        self._spool = Spool(folder)
        self._bounds = bounds
        self._real_s = real_s
        self._gathered: list[pa.RecordBatch] = []
        self._rows = 0
        self._unsafe: deque[Entry] = deque()
        self._lost, self._why = 0, ""
        self._sequence = 0
        self._disk = asyncio.Lock()
        self._some, self._many, self._sealed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.idle = asyncio.Event()
        self.sent = 0
        self.trouble = ""
        self._came, self._went = _Rate(), _Rate()
        (self._sealed if self._spool.waiting_records else self.idle).set()

    @property
    def share(self) -> float:
        """How full the log is, 0 to 1."""
        held = self._rows * _ROW_BYTES + sum(len(entry.data) for entry in self._unsafe)
        return min(1.0, max(self._spool.waiting_bytes / self._bounds.disk_bytes, held / self._bounds.memory_bytes))

    @property
    def dropped(self) -> int:
        """Samples that found no room, since the log was made."""
        return self._spool.losses.samples + self._lost

    @property
    def why_dropped(self) -> str:
        """The last reason."""
        return self._why or self._spool.losses.why

    @property
    def notes(self) -> str:
        """What a person should know of it; nothing if all is well."""
        told = [self.trouble]
        if self.dropped:
            told.append(f"{self.dropped} samples were dropped: {self.why_dropped}.")
        if self._spool.kept_aside:
            told.append(f"{self._spool.kept_aside[0]} could not be read whole; the disk may be failing.")
        return " ".join(note for note in told if note)

    def waiting(self) -> Waiting:
        """What waits for the bus."""
        now_s, spool = self._real_s(), self._spool
        rate = self._came.per_s(now_s)
        room_s = max(0, self._bounds.disk_bytes - spool.waiting_bytes) / rate if rate else None
        oldest_s = now_s - spool.oldest_s if spool.oldest_s is not None else 0.0
        rows = spool.waiting_rows + sum(entry.rows for entry in self._unsafe) + self._rows
        return Waiting(rows, spool.waiting_bytes, max(0.0, oldest_s), room_s, self._went.per_s(now_s))

    def put(self, batch: pa.RecordBatch) -> None:
        """Take samples, or count them as dropped when nothing more may wait."""
        if not batch.num_rows:
            return
        if self.share >= 1:
            full = self._spool.waiting_bytes >= self._bounds.disk_bytes
            self._why = "the bus was away for too long" if full else "the disk takes samples too slowly, or none"
            self._lost += batch.num_rows
            self._some.set()
            return
        self._gathered.append(batch)
        self._rows += batch.num_rows
        self._some.set()
        if self._rows >= self._bounds.batch_rows:
            self._many.set()

    async def keep(self, batch: pa.RecordBatch, mark: str) -> None:
        """Make samples safe by themselves: when this returns they are on disk. `TryLater` when none of them is.

        The same samples under the same mark travel under the same ids, so that who reads them again has them stored once.
        """
        if self.share >= 1:
            raise TryLater("samples.full", f"{self._connection} can keep no more samples.", after_s=5)
        if not batch.num_rows:
            return
        now_s, stem = self._real_s(), f"{self._stem}-{mark}"
        pieces = enumerate(_pieces(batch, self._bounds.message_rows), 1)
        entries = [_entry(piece, f"{stem}-{number}", now_s) for number, piece in pieces]
        async with self._disk:
            try:
                await _in_thread(self._spool.append, entries)
            except OSError as error:
                what = f"The disk takes no samples of {self._connection} ({error.strerror})."
                raise TryLater("samples.disk", what, after_s=5) from error
            self._came.add(now_s, sum(len(entry.data) for entry in entries))
            self.idle.clear()
        self._sealed.set()

    async def seal(self) -> None:
        """Turn what gathered into batches on disk, until cancelled."""
        while True:
            await self._some.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._bounds.batch_s):
                    await self._many.wait()
            await self.seal_now()

    async def seal_now(self) -> None:
        """Make batches of what gathered; when this returns they are on disk, or `trouble` says why not."""
        async with self._disk:
            batches, self._gathered, self._rows = self._gathered, [], 0
            self._some.clear()
            self._many.clear()
            lost, self._lost = self._lost, 0
            try:
                if lost:
                    await _in_thread(self._spool.lose, lost, self._real_s(), self._why)
            except OSError:
                self._lost += lost
            if batches:
                await _in_thread(self._encode, batches)
            if self._unsafe:
                await self._write()
                self.idle.clear()
        self._sealed.set()

    def _encode(self, batches: list[pa.RecordBatch]) -> None:
        # Within the thread, so that whoever is cancelled meanwhile leaves nothing behind that is neither gathered nor waiting.
        now_s = self._real_s()
        pieces = list(_pieces(columns.concat(batches), self._bounds.message_rows))
        first, self._sequence = self._sequence + 1, self._sequence + len(pieces)
        self._unsafe.extend(_entry(piece, f"{self._prefix}-{number}", now_s) for number, piece in enumerate(pieces, first))

    async def _write(self) -> None:
        try:
            await _in_thread(self._append)
        except OSError as error:
            if not self.trouble:
                _log.error("connect.disk", connection=self._subject, error=repr(error))
            self.trouble = f"The disk takes no samples ({error.strerror}); they wait in memory only."
            return
        self.trouble = ""

    def _append(self) -> None:
        entries = list(self._unsafe)
        self._spool.append(entries)
        self._unsafe.clear()
        self._came.add(self._real_s(), sum(len(entry.data) for entry in entries))

    async def send(self) -> None:
        """Publish batches in order, each until the bus has stored it, until cancelled."""
        while True:
            await self._sealed.wait()
            self._sealed.clear()
            while await self._send_one():
                pass

    async def _send_one(self) -> bool:
        """Whether there may be more to send."""
        async with self._disk:
            entry = await _in_thread(self._spool.first)
            unsafe = entry is None and bool(self._unsafe)
            if unsafe:
                entry = self._unsafe[0]
            if entry is None:
                self.idle.set()
                return False
        try:
            await self._bus.publish(self._subject, entry.data, id=entry.id)
        except TryLater:
            await asyncio.sleep(self._bounds.retry_s)
            return True
        self.sent += entry.rows
        self._went.add(self._real_s(), entry.rows)
        async with self._disk:
            # Meanwhile the disk may have taken what was in memory only; then it stands first there.
            if self._unsafe and self._unsafe[0] is entry:
                self._unsafe.popleft()
            else:
                await _in_thread(self._done, entry)
        return True

    def _done(self, entry: Entry) -> None:
        first = self._spool.first()
        if first is not None and first.id == entry.id:
            self._spool.done()

    async def close(self) -> None:
        """Make what gathered safe, and let go of the log; what waits is sent by the next start."""
        await self.seal_now()
        self._spool.close()


def _entry(batch: pa.RecordBatch, name: str, now_s: float) -> Entry:
    return Entry(name, columns.to_bytes(batch, name), batch.num_rows, now_s)


async def _in_thread(call: Callable[..., _T], *args: object) -> _T:
    """Block on the disk in a thread. Who is cancelled meanwhile waits for its end, since the next must not overlap with it."""
    task = asyncio.ensure_future(asyncio.to_thread(call, *args))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _pieces(batch: pa.RecordBatch, most: int) -> Iterator[pa.RecordBatch]:
    """The batch in pieces that one message can carry: of so many rows, and fewer where paths are long and many."""
    for start in range(0, batch.num_rows, most):
        yield from _small(batch.slice(start, most))


def _small(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    names = batch.column("path").dictionary
    if batch.num_rows == 1 or names.nbytes + batch.num_rows * _ROW_BYTES <= MESSAGE_BYTES:
        yield batch
        return
    batch = columns.compact(batch)
    if batch.column("path").dictionary.nbytes + batch.num_rows * _ROW_BYTES <= MESSAGE_BYTES:
        yield batch
        return
    half = batch.num_rows // 2
    yield from _small(batch.slice(0, half))
    yield from _small(batch.slice(half))


class _Rate:
    """How much a second, over about the last minute: a sum that fades."""

    def __init__(self) -> None:
        self._sum, self._at_s, self._since_s = 0.0, 0.0, 0.0

    def add(self, now_s: float, amount: float) -> None:
        """So much came now."""
        self._fade(now_s)
        self._sum += amount

    def per_s(self, now_s: float) -> float:
        """The rate; while it is young, over the time that it has seen."""
        if not self._since_s:
            return 0.0
        self._fade(now_s)
        seen = max(_STEADY_S, now_s - self._since_s) / _RATE_OVER_S
        return self._sum / (_RATE_OVER_S * -math.expm1(-seen))

    def _fade(self, now_s: float) -> None:
        if not self._since_s:
            self._since_s = self._at_s = now_s
        passed_s = now_s - self._at_s
        if passed_s < 0:  # the clock was set back: what was seen lies as far before it as before
            self._since_s += passed_s
        self._sum *= math.exp(-max(0.0, passed_s) / _RATE_OVER_S)
        self._at_s = now_s
