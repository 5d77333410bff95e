"""The load that alarms put on operators, from their raisings in columns: pure arithmetic after ISA-18.2 and EEMUA 191."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from batchone.contracts.alarms import AlarmCount, AlarmPeriod, AlarmStatistics, Suppression
from batchone.machines import columns
from batchone.machines.alarms.model import About

PERIOD = timedelta(minutes=10)
FLOOD_ABOVE = 10
"""More alarms than these in a period are a flood for one operator."""
STALE_AFTER = timedelta(hours=24)
_BURST, _BURST_US = 3, 60_000_000
_TOP = 10
_Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Raisings:
    """Alarms that were raised in a window, in the order of that: the place in `abouts` of each, and for how long each stood
    and waited for acknowledgement in seconds (NaN where it still does)."""

    abouts: Sequence[About]
    about: _Ints
    raised_us: _Ints
    stood_s: NDArray[np.float64]
    acknowledged_s: NDArray[np.float64]


@dataclass(frozen=True)
class Now:
    """What is counted beside the raisings: standing alarms that are stale, suppressed ones, and those never shown."""

    stale: int
    suppressed: Mapping[Suppression, int]
    raised_suppressed: int


def statistics(raisings: Raisings, now: Now, start: datetime, end: datetime, operators: int) -> AlarmStatistics:
    """All figures of a window."""
    total = len(raisings.about)
    periods = _periods(raisings.raised_us, start, end)
    counts = np.array([each.count for each in periods])
    floods = tuple(each for each in periods if each.count > FLOOD_ABOVE * operators)
    each = _each(raisings)
    waited = raisings.acknowledged_s[np.isfinite(raisings.acknowledged_s)]
    return AlarmStatistics(
        start=start, end=end, operators=operators, alarms=total,
        per_10_min=total / ((end - start) / PERIOD) / operators,
        peak=periods[int(counts.argmax())] if total else None,
        flood_share=sum((flood.end - flood.start for flood in floods), timedelta()) / (end - start), floods=floods,
        stale=now.stale, chattering=sum(alarm.bursts > 0 for alarm in each),
        top_share=sum(alarm.share for alarm in each[:_TOP]),
        acknowledged=len(waited),
        acknowledge_median_s=float(np.median(waited)) if len(waited) else None,
        acknowledge_longest_s=float(waited.max()) if len(waited) else None,
        suppressed=now.suppressed, raised_suppressed=now.raised_suppressed, each=each,
    )  # fmt: skip


def _periods(raised_us: _Ints, start: datetime, end: datetime) -> list[AlarmPeriod]:
    """Periods of ten minutes from the start on; the last one may be shorter."""
    count = -(-(end - start) // PERIOD)
    place = (raised_us - round(start.timestamp() * 1e6)) // round(PERIOD.total_seconds() * 1e6)
    raised = np.bincount(np.clip(place, 0, count - 1), minlength=count)
    return [
        AlarmPeriod(start + at * PERIOD, min(start + (at + 1) * PERIOD, end), int(number)) for at, number in enumerate(raised)
    ]


def _each(raisings: Raisings) -> tuple[AlarmCount, ...]:
    total = len(raisings.about)
    order = np.argsort(raisings.about, kind="stable")
    about, time, stood = raisings.about[order], raisings.raised_us[order], raisings.stood_s[order]
    edges = [0, *(np.flatnonzero(about[1:] != about[:-1]) + 1).tolist(), total]
    found = []
    for head, tail in pairwise(edges if total else ()):
        times, lasted, told = time[head:tail], stood[head:tail], raisings.abouts[int(about[head])]
        over = lasted[np.isfinite(lasted)]
        found.append(
            AlarmCount(
                told.path,
                told.equipment,
                told.limit,
                told.priority,
                told.name,
                tail - head,
                (tail - head) / total,
                float(over.mean()) if len(over) else None,
                columns.from_us(int(times[-1])),
                _bursts(times),
            )  # fmt: skip
        )
    return tuple(sorted(found, key=lambda alarm: (-alarm.count, alarm.path, alarm.limit)))


def _bursts(times: _Ints) -> int:
    """How many stretches there are in which an alarm came three times or more within a minute."""
    chatters = times[_BURST - 1 :] - times[: len(times) - _BURST + 1] <= _BURST_US
    return int(np.count_nonzero(chatters & ~np.append(False, chatters[:-1]))) if len(chatters) else 0
