"""Trucks that tell where they are and how they fare: the data of the IoT use case of the Time Series Benchmark Suite.

Written from its description, with values of our own: every ten seconds a truck tells seven readings and three diagnostics.
It drives and stands, is loaded and refuelled while it stands, and breaks down at times. Some tellings are lost; a truck that
was out of reach sends what it kept once it is back. No telling falls on the border of ten minutes, which engines put into the
one period or the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batchone.machines import columns
from benchmarks.shopfloor import START

READINGS = ("latitude", "longitude", "elevation", "velocity", "heading", "grade", "fuel_consumption")
DIAGNOSTICS = ("fuel_state", "current_load", "status")
SIGNALS = (*READINGS, *DIAGNOSTICS)
EACH_S = 10
START_S = int(START.timestamp())
DAY_S = 86_400
FLEETS = ("East", "North", "South", "West")
_DRIVERS = ("Ada", "Bo", "Chen", "Dara", "Eli", "Fay", "Gus", "Hana")
_MODELS = {"L-8": (3_500.0, 120.0, 14.0), "M-18": (9_000.0, 300.0, 22.0), "H-40": (26_000.0, 800.0, 33.0)}
_LOST, _AWAY_PER_DAY, _BREAKDOWNS_PER_DAY = 0.005, 1.5, 1.2


@dataclass(frozen=True)
class Truck:
    """What does not change about a truck: loads in kg, fuel in litres, consumption in litres an hour."""

    name: str
    fleet: str
    driver: str
    model: str
    load_capacity: float
    fuel_capacity: float
    nominal_fuel_consumption: float


@dataclass(frozen=True)
class Tellings:
    """What trucks told, in the order in which it arrived: one row is all signals of a truck at one time."""

    truck: NDArray[np.int32]
    source_us: NDArray[np.int64]
    received_us: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.truck)

    def in_batches(self, size: int) -> Iterator[Tellings]:
        """So many rows at a time."""
        for first in range(0, len(self), size):
            part = slice(first, first + size)
            yield Tellings(self.truck[part], self.source_us[part], self.received_us[part], self.values[part])

    def samples(self, paths: pa.Array) -> pa.RecordBatch:
        """The same as samples, one for each signal, under paths of `paths_of`."""
        many = len(SIGNALS)
        codes = (self.truck[:, None] * many + np.arange(many, dtype=np.int32)).ravel().astype(np.int32)
        times, arrivals = np.repeat(self.source_us, many), np.repeat(self.received_us, many)
        return columns.to_batch(paths, codes, times, arrivals, self.values.ravel(), np.zeros(len(codes), np.uint8))


def fleet_of(count: int, seed: int) -> list[Truck]:
    """So many trucks, of four fleets in turn."""
    chance = np.random.default_rng(seed)
    models = list(_MODELS)
    return [
        Truck(f"truck_{at:04d}", FLEETS[at % len(FLEETS)], str(chance.choice(_DRIVERS)), model, *_MODELS[model])
        for at, model in enumerate(models[each] for each in chance.integers(0, len(models), count))
    ]


def paths_of(trucks: list[Truck]) -> pa.Array:
    """The path of every signal of every truck: `truck/signal`."""
    return pa.array([f"{truck.name}/{signal}" for truck in trucks for signal in SIGNALS], pa.string())


def told(trucks: list[Truck], days: int, seed: int) -> Tellings:
    """All that trucks tell over some days."""
    chance = np.random.default_rng(seed)
    parts = [_one(at, truck, days, chance) for at, truck in enumerate(trucks)]
    of, source, received, values = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.argsort(received, kind="stable")
    return Tellings(of[order], source[order], received[order], values[order])


def _one(at: int, truck: Truck, days: int, chance: np.random.Generator) -> tuple[NDArray[Any], ...]:
    ticks = days * DAY_S // EACH_S
    stint = _stints(ticks, chance)
    broken = _spells(ticks, _BREAKDOWNS_PER_DAY * days, 300, chance)
    driving = (stint % 2 == 1) & ~broken
    values = _values(truck, stint, driving, chance)
    values[:, SIGNALS.index("status")] = np.where(broken, 1 + stint % 5, 0)
    source = (START_S + np.arange(ticks) * EACH_S) * 1_000_000 + int(chance.integers(1_000, 9_000)) * 1_000
    received = source + 1_000 * np.rint(2 + chance.exponential(12, ticks)).astype(np.int64)
    away = _spells(ticks, _AWAY_PER_DAY * days, 90, chance)
    received[away] = _back(away, source)[away]
    kept = chance.random(ticks) >= _LOST
    return np.full(int(kept.sum()), at, np.int32), source[kept], received[kept], values[kept]


def _stints(ticks: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """For each tick the number of its stint: trucks stand in even ones and drive in odd ones, some for hours."""
    lengths = np.maximum(30, chance.gamma(0.7, 1000, ticks // 30 + 2)).astype(np.int64)
    return np.repeat(np.arange(len(lengths)), lengths)[int(lengths[0] // 2) :][:ticks]


def _spells(ticks: int, expected: float, mean: float, chance: np.random.Generator) -> NDArray[np.bool_]:
    """True during some spells of so many ticks."""
    found = np.zeros(ticks, np.bool_)
    for start in chance.integers(0, ticks, chance.poisson(expected)):
        found[start : start + int(chance.exponential(mean))] = True
    return found


def _back(away: NDArray[np.bool_], source: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each tick when its truck was next within reach."""
    there = np.where(~away, np.arange(len(away)), len(away) - 1)
    return source[np.minimum.accumulate(there[::-1])[::-1]] + 5_000


def _values(
    truck: Truck, stint: NDArray[np.int64], driving: NDArray[np.bool_], chance: np.random.Generator
) -> NDArray[np.float64]:
    ticks, stints = len(stint), int(stint[-1]) + 1
    velocity = np.where(driving, np.clip(60 + _walk(ticks, 1.5, 25, chance), 5, 110), 0.0)
    heading = np.cumsum(np.where(driving, chance.normal(0, 4, ticks), 0.0)) % 360
    step = velocity * EACH_S / 3600 / 111
    load = np.repeat(chance.choice([0.0, 0.35, 0.7, 0.95, 1.0], stints // 2 + 1), 2)[stint] * truck.load_capacity
    burnt = np.where(driving, truck.nominal_fuel_consumption * (0.6 + velocity / 150) + chance.normal(0, 1, ticks), 0.0)
    tank = chance.random() + np.cumsum(burnt) * EACH_S / 3600 / truck.fuel_capacity
    return np.column_stack(
        (
            np.round(chance.uniform(30, 45) + np.cumsum(step * np.cos(np.radians(heading))), 5),
            np.round(chance.uniform(90, 120) + np.cumsum(step * np.sin(np.radians(heading))), 5),
            np.round(200 + _walk(ticks, 3, 150, chance)),
            np.round(velocity, 1),
            np.round(heading),
            np.round(np.where(driving, _walk(ticks, 0.4, 5, chance), 0.0), 1),
            np.round(np.maximum(burnt, 0), 1),
            # Who drives far does not refuel before the tank is all but empty, and then not to the brim.
            np.round(0.03 + 0.95 * (1 - tank % 1) ** 2, 3),
            np.round(load),
            np.zeros(ticks),
        )
    )


def _walk(ticks: int, step: float, reach: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """A random walk that is thrown back at plus and minus `reach`."""
    far = np.cumsum(chance.normal(0, step, ticks)) % (4 * reach)
    found: NDArray[np.float64] = np.abs(far - 2 * reach) - reach
    return found
