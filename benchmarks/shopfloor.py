"""Samples like those of a shop floor: what a size on disk must be measured with, since nothing compresses like a sine.

A machine scans its forty signals about once a second and sends what changed in one message. Its power is always told; the
others change about once in half a minute: states, counters, setpoints, readings that drift by a tenth, and a few readings
that are noise in every digit.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from batchone.machines import columns

START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
SIGNALS = {"power": 1, "state": 1, "mode": 3, "count": 6, "setpoint": 10, "reading": 15, "noise": 4}
"""How many signals of each kind a machine has."""
_CHANGES_PER_SCAN = 1 / 32
_JITTER_MS = 4.0
_WAY_MS = 12.0


def paths(machines: int) -> list[str]:
    """Every signal, by machine."""
    return [f"machine-{m:03d}/{kind}_{n:02d}" for m in range(machines) for kind, many in SIGNALS.items() for n in range(many)]


def shift(machines: int, seconds: int, seed: int, *, fine: bool = False) -> pa.RecordBatch:
    """Samples of so many machines over so long, in the order in which they arrive.

    Machines say whole milliseconds, and so does the platform's clock of arrivals; if `fine`, both say microseconds.
    """
    chance = np.random.default_rng(seed)
    unit_us = 1 if fine else 1000
    start_us = columns.to_us(START)
    code, source, received, value = [], [], [], []
    for machine in range(machines):
        tick_us = np.arange(seconds) * 1_000_000 + chance.integers(0, 1_000_000)
        scan_us = start_us + _whole(tick_us + chance.normal(0, _JITTER_MS * 1000, seconds), unit_us)
        arrived_us = scan_us + _whole(2000 + chance.exponential(_WAY_MS * 1000, seconds), unit_us)
        at = machine * sum(SIGNALS.values())
        for kind, many in SIGNALS.items():
            for _ in range(many):
                told = np.arange(seconds) if kind == "power" else np.flatnonzero(chance.random(seconds) < _CHANGES_PER_SCAN)
                code.append(np.full(len(told), at, np.int32))
                source.append(scan_us[told])
                received.append(arrived_us[told])
                value.append(_values(kind, len(told), chance))
                at += 1
    order = np.argsort(np.concatenate(received), kind="stable")
    codes, sources, arrivals, values = (np.concatenate(each)[order] for each in (code, source, received, value))
    return columns.to_batch(paths(machines), codes, sources, arrivals, values, np.zeros(len(order), np.uint8))


def in_batches(rows: pa.RecordBatch, size: int) -> Iterator[pa.RecordBatch]:
    """Rows as they arrive, in batches of a size."""
    for first in range(0, rows.num_rows, size):
        yield rows.slice(first, size)


def _whole(us: NDArray[np.float64], unit_us: int) -> NDArray[np.int64]:
    return np.rint(us / unit_us).astype(np.int64) * unit_us


def _values(kind: str, count: int, chance: np.random.Generator) -> NDArray[np.float64]:
    match kind:
        case "power":
            load = np.repeat(chance.choice([0.4, 2.5, 7.5], count // 90 + 1), 90)[:count]
            return np.round(load + chance.normal(0, 0.15, count), 1)
        case "state" | "mode":
            return chance.integers(0, 6, count).astype(np.float64)
        case "count":
            return np.cumsum(chance.integers(1, 4, count)).astype(np.float64)
        case "setpoint":
            return np.repeat(np.round(chance.uniform(10, 200, count // 20 + 1), 1), 20)[:count]
        case "reading":
            return np.round(chance.uniform(20, 90) + np.cumsum(chance.normal(0, 0.12, count)), 1)
        case _:
            return chance.normal(100, 5, count)
