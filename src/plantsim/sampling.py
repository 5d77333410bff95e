"""When the signals of an equipment are read, and which readings are new."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from plantsim.pack import EquipmentSpec, Pack, Signal

SAMPLES_PER_REAL_S = 5
IDLE_SLOWNESS = 10

Samples = dict[int, tuple[float, float]]
Read = Callable[[Signal, int], float | None]


@dataclass(frozen=True)
class Point:
    """A signal at one place: position 0 is the equipment itself."""

    signal: Signal
    position: int

    def name(self, joint: str) -> str:
        """Return the signal's id, behind its position if it has one: `P01.mould_temperature` with the joint `.`."""
        return f"P{self.position:02}{joint}{self.signal.id}" if self.position else self.signal.id


@dataclass
class _Group:
    """A signal's points, read together: one, or one for each position, from number `first` on."""

    signal: Signal
    first: int
    count: int
    due_s: float
    last_s: float = -math.inf
    slow: bool = False


class Sampler:
    """The points of one equipment with their latest values (None before the first) and when these were read."""

    def __init__(self, spec: EquipmentSpec, pack: Pack, random: Random, now_s: float) -> None:
        self.points: list[Point] = []
        self._groups: list[_Group] = []
        for signal in pack.signals_of(spec):
            of_position = signal.scope == "position"
            places = range(1, spec.positions + 1) if of_position else range(1)
            # First readings are spread a little, or all signals of the plant would fall into one moment for ever.
            due_s = now_s + signal.every_s * random.random() * 0.1
            self._groups.append(_Group(signal, len(self.points), len(places), due_s))
            self.points += [Point(signal, place) for place in places]
        self.values: list[float | None] = [None] * len(self.points)
        self.read_s: list[float] = [now_s] * len(self.points)
        self._new: Samples = {}

    def sample(self, now_s: float, speed: float, active: bool, read: Read) -> None:
        """Read what is due: every `every_s` of plant time while active, else a tenth as often, and never more than
        five times a real second."""
        least_s = speed / SAMPLES_PER_REAL_S
        for group in self._groups:
            if now_s < group.due_s or now_s - group.last_s < least_s:
                continue
            every_s = group.signal.every_s * (1 if active else IDLE_SLOWNESS)
            group.last_s, group.due_s, group.slow = now_s, now_s + every_s, not active
            first_place = self.points[group.first].position
            for offset in range(group.count):
                self.note(group.first + offset, read(group.signal, first_place + offset), now_s)

    def wake(self) -> None:
        """Read the slow ones as soon as may be: work has begun."""
        for group in self._groups:
            if group.slow:
                group.due_s = -math.inf

    def rest(self, position: int, now_s: float, read: Read) -> None:
        """Read one position's signals now: its work has ended."""
        for group in self._groups:
            if group.signal.scope == "position":
                self.note(group.first + position - 1, read(group.signal, position), now_s)

    def note(self, number: int, value: float | None, now_s: float) -> None:
        """Take a reading; None and what it was before are no news."""
        if value is not None and value != self.values[number]:
            self.values[number] = value
            self.read_s[number] = now_s
            self._new[number] = (value, now_s)

    def take(self) -> Samples:
        """Return the new readings by point number, and forget that they are new."""
        samples, self._new = self._new, {}
        return samples

    def everything(self) -> Samples:
        """Return the latest reading of every point that has one."""
        return {n: (value, self.read_s[n]) for n, value in enumerate(self.values) if value is not None}
