"""Rules from the thing model: every limit that is declared for a signal, at every place where the signal is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from batchone.contracts.pack import Limits
from batchone.contracts.things import ThingModel
from batchone.machines.alarms.model import About, Key, Limit, Priority, Rules

PRIORITIES: Mapping[Limit, Priority] = {
    "low_low": "alarm", "low": "warning", "high": "warning", "high_high": "alarm", "offline": "warning", "broken": "alarm",
}  # fmt: skip


def rules_of(model: ThingModel, *, deadband: float, delay_s: float) -> Rules:
    """All rules of a thing model. `deadband` is a share of the band between a signal's outermost limits, or, where it is
    bounded on one side only, of the magnitude of its innermost one; `delay_s` is the on-delay."""
    found: dict[Key, tuple[About, float]] = {}
    for about, band in _abouts(model):
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


def names_of(model: ThingModel) -> dict[str, Mapping[str, str]]:
    """What each equipment is called."""
    return {thing.id: thing.name for thing in model.things}


def _abouts(model: ThingModel) -> Iterator[tuple[About, float]]:
    for declared in model.signals.values():
        signal = declared.signal
        for limit, bound in _bounds(signal.limits).items():
            yield (
                About(declared.path, declared.thing, limit, PRIORITIES[limit], bound, signal.unit, signal.name),
                _band(signal.limits),
            )


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
