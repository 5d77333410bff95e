"""Limits and rules: what is declared for the signals of the thing model, what people changed of it, and what is judged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np

from batchone.contracts.alarms import AlarmKind, AlarmLimit, AlarmPriority, LimitEdition, LimitSettings
from batchone.contracts.pack import Limits
from batchone.contracts.things import Declared, ThingModel
from batchone.kernel.errors import Refused
from batchone.machines.alarms.model import About, Key, Rules

BOUNDS: tuple[AlarmKind, ...] = ("low_low", "low", "high", "high_high")
"""The limits of a signal, the lowest bound first."""
PRIORITIES: Mapping[AlarmKind, AlarmPriority] = {
    "low_low": "alarm", "low": "warning", "high": "warning", "high_high": "alarm", "offline": "warning", "broken": "alarm",
    "lost": "warning",
}  # fmt: skip
_DELAY_MAX_S = 86_400.0


def rules_of(model: ThingModel, changes: Mapping[Key, LimitEdition] | None = None, *, deadband: float, delay_s: float) -> Rules:
    """All rules of a thing model with what people changed. `deadband` is a share of the band between a signal's outermost
    limits, or, where it is bounded on one side only, of the magnitude of its innermost one; `delay_s` is the on-delay. Both
    hold where nothing else was set."""
    every = (limit for declared in model.signals.values() for limit in limits_of(declared, changes or {}, deadband, delay_s))
    # A path declared twice has one rule: the later.
    judged = list({(each.path, each.limit): each for each in every if _is_judged(each.in_force)}.values())
    paths = {path: place for place, path in enumerate(dict.fromkeys(each.path for each in judged))}

    def column(name: str, scale: float = 1.0) -> Iterator[float]:
        return (getattr(each.in_force, name) * scale for each in judged)

    count = len(judged)
    return Rules(
        abouts=tuple(_about(each) for each in judged),
        paths=paths,
        path_of=np.array([paths[each.path] for each in judged], np.int64),
        bound=np.fromiter(column("bound"), np.float64, count),
        upper=np.array([each.limit in ("high", "high_high") for each in judged], np.bool_),
        deadband=np.fromiter(column("deadband"), np.float64, count),
        on_delay_us=np.fromiter(column("on_delay_s", 1e6), np.float64, count).round().astype(np.int64),
        off_delay_us=np.fromiter(column("off_delay_s", 1e6), np.float64, count).round().astype(np.int64),
    )


def limits_of(
    declared: Declared, changes: Mapping[Key, LimitEdition], deadband: float, delay_s: float
) -> tuple[AlarmLimit, ...]:
    """The four limits of a signal, also those without a bound."""
    path, signal = declared.path, declared.signal
    editions = {kind: changes.get((path, kind), _NONE) for kind in BOUNDS}
    bounds: dict[AlarmKind, float | None] = {kind: getattr(signal.limits, kind) for kind in BOUNDS}
    changed = {kind: editions[kind].settings.bound for kind in BOUNDS}
    band = _band(Limits(**{kind: bounds[kind] if changed[kind] is None else changed[kind] for kind in BOUNDS}))
    found = []
    for kind in BOUNDS:
        given = LimitSettings(bounds[kind], band * deadband, delay_s, 0.0, PRIORITIES[kind], True)
        edition = editions[kind]
        found.append(
            AlarmLimit(
                path, declared.thing, kind, signal.name, signal.unit, given, edition, _over(given, edition.settings)
            )  # fmt: skip
        )
    return tuple(found)


def refuse_faults(limits: Iterable[AlarmLimit]) -> None:
    """`Refused` with every fault of a signal's limits: what is no number, out of range, or out of order."""
    limits = tuple(limits)
    faults = [fault for each in limits for fault in _faults(each)]
    bounds = [(each.limit, each.in_force.bound) for each in limits if _is_judged(each.in_force)]
    for (low, below), (high, above) in pairwise(bounds):
        if below is not None and above is not None and below > above:
            faults.append(f"{low} ({below:g}) lies above {high} ({above:g})")
    if faults:
        raise Refused("alarms.limits", f"{'; '.join(faults).capitalize()}.", "Correct them and send it again.")


def _faults(each: AlarmLimit) -> Iterator[str]:
    for name in ("bound", "deadband", "on_delay_s", "off_delay_s"):
        value = getattr(each.in_force, name)
        if value is not None and not math.isfinite(value):
            yield f"{name} of {each.limit} is no number"
        elif value is not None and value < 0 and name != "bound":
            yield f"{name} of {each.limit} is below 0"
        elif value is not None and value > _DELAY_MAX_S and name.endswith("delay_s"):
            yield f"{name} of {each.limit} is longer than a day"


def names_of(model: ThingModel) -> dict[str, Mapping[str, str]]:
    """What each equipment is called."""
    return {thing.id: thing.name for thing in model.things}


_NONE = LimitEdition()


def _over(given: LimitSettings, changed: LimitSettings) -> LimitSettings:
    set_ = {each.name: getattr(changed, each.name) for each in fields(LimitSettings)}
    return replace(given, **{name: value for name, value in set_.items() if value is not None})


def _is_judged(now: LimitSettings) -> bool:
    return bool(now.enabled) and now.bound is not None


def _about(each: AlarmLimit) -> About:
    priority = each.in_force.priority or PRIORITIES[each.limit]
    return About(each.path, each.equipment, each.limit, priority, each.in_force.bound, each.unit, each.name)


def _band(limits: Limits) -> float:
    lower = [bound for bound in (limits.low_low, limits.low) if bound is not None]
    upper = [bound for bound in (limits.high, limits.high_high) if bound is not None]
    if lower and upper:
        return max(upper) - min(lower)
    return abs(upper[0] if upper else lower[-1]) if lower or upper else 0.0
