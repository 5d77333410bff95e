"""Time as a dependency: the platform never asks the machine's clock itself.

All times are aware UTC datetimes in *plant time*. A real plant runs on the system clock; an emulated one may run up to
hundreds of times faster, and then platform and plant read the same clock file.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Plant time and waiting in plant time."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of plant time."""
        ...

    @property
    def speed(self) -> float:
        """Plant seconds in a real second."""
        ...


class SystemClock:
    """The machine's own clock."""

    speed = 1.0

    def now(self) -> datetime:
        """The present."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait real seconds."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class ScaledClock:
    """Plant time that runs `speed` times as fast as real time from a common epoch (both epochs in unix seconds)."""

    speed: float
    real_epoch: float
    plant_epoch: float
    real: Callable[[], float] = time.time

    def now(self) -> datetime:
        """The present in plant time."""
        return datetime.fromtimestamp(self.plant_epoch + (self.real() - self.real_epoch) * self.speed, UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of plant time."""
        await asyncio.sleep(seconds / self.speed)

    @staticmethod
    def from_file(path: Path) -> ScaledClock:
        """The clock that `write` left at `path`, the one that an emulated plant shares."""
        data = json.loads(path.read_text())
        return ScaledClock(float(data["speed"]), float(data["real_epoch"]), float(data["plant_epoch"]))

    def write(self, path: Path) -> None:
        """Share this clock; the file is replaced at once, never seen half-written."""
        text = json.dumps({"speed": self.speed, "real_epoch": self.real_epoch, "plant_epoch": self.plant_epoch})
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)


class ManualClock:
    """A clock that moves only when a test says so; sleepers wake in order of their time."""

    speed = 1.0

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The present as last set."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has passed the time."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move on, waking each sleeper at its own time and letting it run."""
        until = self._now + timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= until:
            self._now, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            for _ in range(5):
                await asyncio.sleep(0)
        self._now = until
