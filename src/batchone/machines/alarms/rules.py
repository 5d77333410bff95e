"""Rules from packs: every limit that a pack declares for a signal, at every place where the signal is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from batchone.contracts.pack import Equipment, Limits, Pack, Signal
from batchone.machines.alarms.model import About, Key, Limit, Priority, Rules

PRIORITIES: Mapping[Limit, Priority] = {
    "low_low": "alarm", "low": "warning", "high": "warning", "high_high": "alarm", "offline": "warning", "broken": "alarm",
}  # fmt: skip


def rules_of(packs: Sequence[Pack], *, deadband: float, delay_s: float) -> Rules:
    """All rules of some packs. `deadband` is a share of the band between a signal's outermost limits, or, where it is
    bounded on one side only, of the magnitude of its innermost one; `delay_s` is the on-delay. Where two packs declare
    the same path, the later one counts."""
    found: dict[Key, tuple[About, float]] = {}
    for pack in packs:
        for about, band in _of_pack(pack):
            found[about.path, about.limit] = (about, band * deadband)
    abouts = tuple(about for about, _ in found.values())
    paths = {path: place for place, path in enumerate(dict.fromkeys(about.path for about in abouts))}
    return Rules(
        abouts=abouts,
        paths=paths,
        path_of=np.array([paths[about.path] for about in abouts], np.int64),
        bound=np.array([about.bound for about in abouts], np.float64),
        upper=np.array([about.limit in ("high", "high_high") for about in abouts], np.bool_),
        deadband=np.array([width for _, width in found.values()], np.float64),
        delay_us=round(delay_s * 1e6),
    )


def names_of(packs: Sequence[Pack]) -> dict[str, Mapping[str, str]]:
    """What each equipment is called."""
    return {equipment.id: equipment.name for pack in packs for equipment in pack.equipment}


def _of_pack(pack: Pack) -> Iterator[tuple[About, float]]:
    for equipment in pack.equipment:
        for signal in pack.signals_of(equipment.equipment_class):
            for path in _paths(equipment, signal):
                for limit, bound in _bounds(signal.limits).items():
                    priority = PRIORITIES[limit]
                    about = About(path, equipment.id, limit, priority, bound, signal.unit, signal.name)
                    yield about, _band(signal.limits)


def _paths(equipment: Equipment, signal: Signal) -> Iterable[str]:
    if signal.scope == "equipment":
        return (f"{equipment.id}/{signal.id}",)
    return (f"{equipment.id}/P{place:02d}/{signal.id}" for place in range(1, equipment.positions + 1))


def _bounds(limits: Limits) -> dict[Limit, float]:
    every: dict[Limit, float | None] = {
        "low_low": limits.low_low, "low": limits.low, "high": limits.high, "high_high": limits.high_high,
    }  # fmt: skip
    return {limit: bound for limit, bound in every.items() if bound is not None}


def _band(limits: Limits) -> float:
    lower = [bound for bound in (limits.low_low, limits.low) if bound is not None]
    upper = [bound for bound in (limits.high, limits.high_high) if bound is not None]
    if lower and upper:
        return max(upper) - min(lower)
    return abs(upper[0] if upper else lower[-1]) if lower or upper else 0.0
