"""Plant time: real time at another speed, never running backwards.

Several processes share one clock through a small file, `{"speed": 60, "real_epoch": ..., "plant_epoch": ...}`, both epochs in
Unix seconds: plant time = plant_epoch + (now - real_epoch) * speed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

SPEED_MIN, SPEED_MAX = 1.0, 500.0
_LOOK_EVERY_S = 0.25

logger = logging.getLogger(__name__)


class ClockFault(ValueError):
    """The clock file or a speed is not usable; the message says why."""


@dataclass(frozen=True)
class ClockLaw:
    """A straight line: at `real_epoch` the plant's time is `plant_epoch`, and it runs `speed` times as fast."""

    speed: float
    real_epoch: float
    plant_epoch: float

    def __post_init__(self) -> None:
        if not SPEED_MIN <= self.speed <= SPEED_MAX:
            raise ClockFault(f"a speed of {self.speed} is not between {SPEED_MIN:g} and {SPEED_MAX:g}")

    def at(self, real_s: float) -> float:
        """Return the plant's Unix seconds at the real Unix seconds `real_s`."""
        return self.plant_epoch + (real_s - self.real_epoch) * self.speed


def read_law(file: Path) -> ClockLaw:
    """Read a clock file.

    Raises:
        ClockFault: the file is not there or does not hold the three numbers.
    """
    try:
        told = json.loads(file.read_text())
        return ClockLaw(float(told["speed"]), float(told["real_epoch"]), float(told["plant_epoch"]))
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ClockFault(f'{file}: {error!r}; it must hold {{"speed": 60, "real_epoch": s, "plant_epoch": s}}') from error


class PlantClock:
    """Tells plant time. `real` tells real Unix seconds; with `file` the law is read again whenever the file changes."""

    def __init__(self, real: Callable[[], float], law: ClockLaw, file: Path | None = None) -> None:
        self._real = real
        self._law = law
        self._file = file
        self._stamp = self._file_stamp()
        self._looked_s = real()
        self._latest_s = law.at(real())

    @property
    def speed(self) -> float:
        """Plant seconds in a real second."""
        return self._law.speed

    def real(self) -> float:
        """Return the real Unix seconds."""
        return self._real()

    def now(self) -> float:
        """Return the plant's Unix seconds; never less than the last answer, even when the file steps back."""
        real_s = self._real()
        if self._file is not None and not 0 <= real_s - self._looked_s < _LOOK_EVERY_S:
            self._looked_s = real_s
            self._look(self._file)
        self._latest_s = max(self._latest_s, self._law.at(real_s))
        return self._latest_s

    def set_speed(self, speed: float) -> None:
        """Change the speed without a jump; tell the other processes through the clock file, if there is one.

        Raises:
            ClockFault: the speed is out of range.
        """
        real_s = self._real()
        self._law = ClockLaw(speed, real_s, self.now())
        if self._file is not None:
            scratch = self._file.with_suffix(".new")
            scratch.write_text(json.dumps(asdict(self._law)))
            scratch.replace(self._file)
            self._stamp = self._file_stamp()

    def _look(self, file: Path) -> None:
        stamp = self._file_stamp()
        if stamp == self._stamp or stamp is None:
            return
        self._stamp = stamp
        try:
            self._law = read_law(file)
        except ClockFault as fault:
            logger.warning("the clock file is not usable, the clock runs on as it did: %s", fault)

    def _file_stamp(self) -> tuple[int, int] | None:
        """Return what changes with the file: its time and its inode, which a rename changes even within one tick."""
        if self._file is None:
            return None
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino


def iso(plant_s: float) -> str:
    """Write plant seconds as machines report them: UTC, milliseconds, `Z`."""
    moment = datetime.fromtimestamp(round(plant_s * 1000) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """Read an ISO time; one without an offset is UTC.

    Raises:
        ValueError: the text is not an ISO 8601 time.
    """
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
