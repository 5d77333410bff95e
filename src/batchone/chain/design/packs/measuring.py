"""Reading signals.yaml, checks.yaml and energy.yaml: what is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from batchone.chain.design.packs.aiming import read_tariff
from batchone.chain.design.packs.making import operation_ids, operation_reference
from batchone.chain.design.packs.nodes import Node
from batchone.chain.design.packs.reading import Entry, Reading, decimal
from batchone.contracts.pack import Check, Energy, Limits, Reaction, Scope, Signal

_LAWS: Mapping[str, tuple[str, str]] = {
    "hold": ("at noise", "idle"),
    "approach": ("from to tau", "noise"),
    "ramp": ("from to", "noise"),
    "decay": ("from to tau", "noise"),
    "power": ("", "noise"),
    "count": ("", ""),
    "energy": ("", ""),
}


def read_signals(reading: Reading, node: Node) -> tuple[Signal, ...]:
    """signals.yaml."""
    root = Entry.of(reading, node, "signals")
    signals = root.several(("signal",), "signals", "id class scope name unit every physics", "limits")
    return tuple(_signal(index, signal) for index, signal in enumerate(signals))


def read_checks(reading: Reading, node: Node) -> tuple[Check, ...]:
    """checks.yaml."""
    root = Entry.of(reading, node, "checks")
    checks = root.several(("check",), "checks", "id op name measure unit reaction physics", "limit redo")
    return tuple(_check(index, check) for index, check in enumerate(checks))


def read_energy(reading: Reading, node: Node) -> Energy:
    """energy.yaml."""
    entry = Entry.of(reading, node, "energy").sub("energy", "nominal shares tolerance carbon_g_per_kwh", "tariff")
    entry.mark("energy")
    shares = {cell: float(decimal(reading, share)) for cell, share in entry.pairs("shares").items()}
    for cell, share in entry.pairs("shares").items():
        reading.refer("cell", cell, share.place)
    return Energy(
        nominal_kwh=entry.quantity("nominal", "kWh", above=True),
        shares=shares,
        tolerance=entry.number("tolerance", least=0, most=1),
        carbon_g_per_kwh=entry.number("carbon_g_per_kwh", least=0),
        tariff=read_tariff(reading, entry),
    )


def _signal(index: int, entry: Entry) -> Signal:
    equipment_class = entry.reference("class", "class")
    limits = entry.sub("limits", "", "low high low_low high_high")
    limits.mark("signal", str(index), "limits")
    bounds = {key: limits.number(key) if limits.has(key) else None for key in ("low", "high", "low_low", "high_high")}
    return Signal(
        id=entry.declared(f"signal of {equipment_class}"),
        equipment_class=equipment_class,
        scope=cast(Scope, entry.one_of("scope", ("equipment", "position"))),
        name=entry.text("name"),
        unit=entry.unit(),
        every_s=entry.quantity("every", "s", above=True),
        limits=Limits(**bounds),
        physics=_law(entry),
    )


def _law(entry: Entry) -> dict[str, float | str]:
    pairs = entry.sub("physics", "law", " ".join(key for required, optional in _LAWS.values() for key in (required, optional)))
    law = pairs.one_of("law", tuple(_LAWS))
    if law not in _LAWS:
        return {}
    required, optional = _LAWS[law]
    exact = Entry.of(entry.reading, entry.node("physics"), f"law {required}", optional)
    physics: dict[str, float | str] = {"law": law}
    for key in (*required.split(), *optional.split()):
        if exact.has(key):
            physics[key] = exact.number(key)
    for key in ("noise", "tau"):
        if exact.has(key) and cast(float, physics[key]) < 0:
            entry.reading.fault(exact.place(key), f"{key} is negative.", "Give zero or more.")
    return physics


def _check(index: int, entry: Entry) -> Check:
    limit = entry.sub("limit", "", "min max")
    limit.mark("check", str(index), "limit")
    if entry.has("limit") and not (limit.has("min") or limit.has("max")):
        entry.reading.fault(entry.place("limit"), "The limit has no bound.", "Give min, max or both, or take 'limit' out.")
    return Check(
        id=entry.declared("check"),
        op=operation_reference(entry.reading, entry, "op"),
        name=entry.text("name"),
        measure=entry.id("measure"),
        unit=entry.unit(),
        minimum=limit.number("min") if limit.has("min") else None,
        maximum=limit.number("max") if limit.has("max") else None,
        reaction=cast(Reaction, entry.one_of("reaction", ("rework", "hold"))),
        redo=operation_ids(entry.reading, entry, "redo"),
        physics=_spread(entry),
    )


def _spread(entry: Entry) -> dict[str, object]:
    physics = entry.sub("physics", "mean sd", "fault")
    found: dict[str, object] = {"mean": physics.number("mean"), "sd": physics.number("sd", least=0)}
    if physics.has("fault"):
        fault = physics.sub("fault", "rate mean")
        found["fault"] = {"rate": fault.number("rate", least=0, most=1), "mean": fault.number("mean")}
    return found
