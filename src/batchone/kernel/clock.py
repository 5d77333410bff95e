"""Time as a dependency: the platform never asks the machine's clock itself.

All times are aware UTC datetimes in *plant time*. A real plant runs on the system clock; an emulated one may run up to
hundreds of times faster, and then platform and plant read the same clock file.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog

from batchone.kernel.errors import Broken

_log = structlog.get_logger(__name__)
_LOOK_EVERY_S = 0.25


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
    def from_file(path: Path, real: Callable[[], float] = time.time) -> SharedClock:
        """The clock that `write` left at `path`, the one that an emulated plant shares; `Broken` when the file holds none."""
        return SharedClock(path, real)

    def write(self, path: Path) -> None:
        """Share this clock; the file is replaced at once, never seen half-written."""
        text = json.dumps({"speed": self.speed, "real_epoch": self.real_epoch, "plant_epoch": self.plant_epoch})
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)


class SharedClock:
    """The clock of a file that an emulated plant shares, and may set to another speed: the file is read again when it has
    changed. It never runs backwards, and runs on as it did while the file cannot be read."""

    def __init__(self, path: Path, real: Callable[[], float] = time.time) -> None:
        self._path = path
        self._real = real
        self._law = _law_in(path, real)
        self._stamp = self._stamp_now()
        self._looked_s = real()
        self._latest = self._law.now()

    @property
    def speed(self) -> float:
        """Plant seconds in a real second, at the moment."""
        self._look()
        return self._law.speed

    def now(self) -> datetime:
        """The present in plant time."""
        self._look()
        self._latest = max(self._latest, self._law.now())
        return self._latest

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of plant time, also when the speed changes meanwhile."""
        until, left_s = self.now() + timedelta(seconds=seconds), max(0.0, seconds / self.speed)
        while True:
            await asyncio.sleep(min(left_s, _LOOK_EVERY_S))
            left_s = (until - self.now()).total_seconds() / self.speed
            if left_s <= 0:
                return

    def _look(self) -> None:
        if 0 <= self._real() - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = self._real()
        stamp = self._stamp_now()
        if stamp is None or stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._law = _law_in(self._path, self._real)
        except Broken as error:
            _log.warning("clock.unreadable", what=error.what)

    def _stamp_now(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino


def _law_in(path: Path, real: Callable[[], float]) -> ScaledClock:
    try:
        data = json.loads(path.read_text())
        law = ScaledClock(float(data["speed"]), float(data["real_epoch"]), float(data["plant_epoch"]), real)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Broken("clock.file", f"{path} holds no clock: {error!r}.", "Stop, delete it, and start again.") from error
    if not (math.isfinite(law.speed + law.real_epoch + law.plant_epoch) and law.speed > 0):
        raise Broken("clock.file", f"{path} holds a clock that does not run.", "Stop, delete it, and start again.")
    return law


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
