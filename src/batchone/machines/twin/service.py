"""The twin at work: take batches in, tell what changed, fill from the history, answer."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import structlog

from batchone.contracts.machines import DataNow, EquipmentAt, History, LastValue, Trend
from batchone.contracts.things import Things
from batchone.kernel.bus import Bus, Message
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.twin.live import subject, to_json
from batchone.machines.twin.model import Expected, LastValues
from batchone.machines.twin.past import Past

_log = structlog.get_logger(__name__)
_YEAR_9999_US = 253_370_764_800_000_000
_SILENT_S = 3.0
"""Real time that every sample may be on its way."""
_KEPT_S = 10.0
"""Real time for which it is not looked again at what is declared."""
_POINTS = 4
"""The thinnest trend: first, smallest, largest and last sample of a signal; the twin wants the last."""


class TwinService:
    """Implements `batchone.contracts.machines.Twin`."""

    def __init__(self, bus: Bus, clock: Clock, things: Things, past: Past | None = None) -> None:
        self._bus = bus
        self._clock = clock
        self._things = things
        self._past = past
        self._expected: dict[str, tuple[float, Expected]] = {}
        self._values: dict[str, LastValues] = defaultdict(LastValues)
        self._grown = asyncio.Event()
        self.refused = 0

    async def last(self, tenant: str, equipment: str) -> tuple[LastValue, ...]:
        """The last value of every signal of an equipment, by path; nothing for an equipment that never spoke."""
        return self._values[tenant].of(equipment) if tenant in self._values else ()

    async def at(self, tenant: str, equipment: str, time: datetime) -> EquipmentAt:
        """How an equipment was at a time that is over."""
        assert self._past is not None
        return await self._past.at(tenant, equipment, time)

    async def data(self, tenant: str) -> tuple[DataNow, ...]:
        """How fresh and good the samples of every equipment with declared signals are; `TryLater` while the thing model is
        away."""
        now_us, least_us = columns.to_us(self._clock.now()), round(_SILENT_S * max(self._clock.speed, 1.0) * 1e6)
        values = self._values.get(tenant) or LastValues()
        return values.standing(await self._expect(tenant), now_us, least_us)

    async def _expect(self, tenant: str) -> Expected:
        until, expected = self._expected.get(tenant, (0.0, None))
        now = asyncio.get_running_loop().time()
        if expected is None or now >= until:
            expected = Expected(await self._things.model(tenant))
            self._expected[tenant] = (now + _KEPT_S, expected)
        return expected

    async def handle(self, messages: Sequence[Message]) -> None:
        """Take batches in; a message that is no batch is passed over, for the history keeps it for a person to see."""
        for message in messages:
            tenant = message.subject.split(".")[1]
            try:
                self._values[tenant].apply(decode(message))
            except Refused as error:
                self.refused += 1
                _log.warning("twin.refused", subject=message.subject, what=error.what)
        self._grown.set()

    async def tell(self, every_s: float, refresh_s: float) -> None:
        """Broadcast what changed, at most every `every_s` real seconds, until cancelled.

        An unchanged value is told again once its source time is `refresh_s` newer (plant time).
        """
        while True:
            await self._grown.wait()
            self._grown.clear()
            await self.tell_once(refresh_s)
            await asyncio.sleep(every_s)

    async def tell_once(self, refresh_s: float) -> None:
        """Broadcast what changed since the last time."""
        for tenant, values in list(self._values.items()):
            for change in values.changes(round(refresh_s * 1e6)):
                await self._bus.broadcast(subject(tenant, change.equipment), to_json(change))

    async def fill(self, tenant: str, history: Callable[[], History], look_back_s: float) -> None:
        """Take the newest stored sample of every declared signal where nothing newer is known; of uncertain quality,
        because nobody knows what happened since. `TryLater` when the thing model or history is away."""
        paths = list((await self._things.model(tenant)).signals)
        if not paths:
            return
        now = self._clock.now()
        span = timedelta(seconds=look_back_s)
        trend = await history().trend(tenant, paths, now - span, now + span, _POINTS)
        batch = newest(trend)
        self._values[tenant].apply(batch, fill=True)
        self._grown.set()
        _log.info("twin.filled", tenant=tenant, signals=batch.num_rows)


def decode(message: Message) -> pa.RecordBatch:
    """The batch of a message; `Refused` when it is none, a sample has no path, or its time is no date."""
    try:
        batch = columns.from_bytes(message.data)
    except UnicodeDecodeError as error:
        raise Refused("twin.text", f"A damaged batch: {error}.", "Send an Arrow IPC stream with one batch.") from error
    if batch.column("path").dictionary.null_count:
        raise Refused("twin.path", "A path is null.", "Name the signal of every sample.")
    for column in ("source_time", "received_time") if batch.num_rows else ():
        times = columns.times_us(batch, column)
        if times.min() < 0 or times.max() >= _YEAR_9999_US:
            raise Refused("twin.time", f"A {column} lies outside the years 1970 to 9998.", "Set the machine's clock.")
    return batch


def newest(trend: Trend) -> pa.RecordBatch:
    """The last sample of each signal of a trend."""
    paths = [path for path, times in trend.times_s.items() if times]
    source = [round(trend.times_s[path][-1] * 1e6) for path in paths]
    values = [trend.values[path][-1] for path in paths]
    quality = np.full(len(paths), columns.UNCERTAIN, np.uint8)
    return columns.to_batch(paths, np.arange(len(paths), dtype=np.int32), source, source, values, quality)
