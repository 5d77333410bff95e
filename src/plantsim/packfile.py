"""Reads a pack's folder. Refuses the whole pack at its first fault, saying file, place and cure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from plantsim.pack import (
    Amount,
    Check,
    Connection,
    EquipmentSpec,
    Law,
    Meter,
    Operation,
    Pack,
    Protocol,
    Scope,
    SetupLaw,
    Signal,
)
from plantsim.rules import parse_rule, plain
from plantsim.units import DURATION, ENERGY, POWER, quantity

Thing = TypeVar("Thing")
_PROTOCOLS = ("opcua", "modbus", "sparkplug")
_LAWS = ("hold", "approach", "ramp", "decay", "power", "count", "energy")


class PackFault(ValueError):
    """The pack cannot be emulated; the message names file and place."""


@dataclass(frozen=True)
class _Entry:
    """One mapping of a file, which knows where it stands so that faults can say so."""

    place: str
    data: Mapping[str, Any]

    def text(self, key: str, default: str | None = None) -> str:
        return str(self.read(key, str, default))

    def read(self, key: str, how: Callable[[Any], Thing], default: Thing | None = None) -> Thing:
        """Return `how` of the value at `key`, or `default` when there is none."""
        if key not in self.data:
            if default is None:
                raise PackFault(f"{self.place}: `{key}` is missing")
            return default
        try:
            return how(self.data[key])
        except (TypeError, ValueError, KeyError) as error:
            raise PackFault(f"{self.place}: `{key}`: {error}") from error

    def maybe(self, key: str, how: Callable[[Any], Thing]) -> Thing | None:
        return self.read(key, how) if key in self.data else None

    def inner(self, key: str) -> _Entry:
        inside = self.data.get(key, {})
        if not isinstance(inside, Mapping):
            raise PackFault(f"{self.place}: `{key}` must be a mapping")
        return _Entry(f"{self.place}, {key}", inside)

    def entries(self, key: str) -> Iterator[_Entry]:
        listed = self.data.get(key, [])
        if not isinstance(listed, list) or not all(isinstance(one, Mapping) for one in listed):
            raise PackFault(f"{self.place}: `{key}` must be a list of mappings")
        for number, one in enumerate(listed, 1):
            name = one.get("id", one.get("op", number))
            yield _Entry(f"{self.place}, {key} {name}", one)


def read_pack(folder: Path) -> Pack:
    """Read the pack in `folder`.

    Raises:
        PackFault: a file is missing or a part of it cannot be emulated.
    """
    identity = _load(folder, "pack.yaml")
    resources = _load(folder, "resources.yaml")
    routing = _load(folder, "routing.yaml")
    options = _load(folder, "options.yaml", needed=False)
    pack = Pack(
        id=identity.text("pack"),
        connections={one.text("id"): _connection(one) for one in resources.entries("connections")},
        equipment={one.text("id"): _equipment(one) for one in resources.entries("equipment")},
        setups={one.text("id"): _setup(one.inner("setup")) for one in resources.entries("classes") if "setup" in one.data},
        signals=_grouped(_load(folder, "signals.yaml", needed=False).entries("signals"), "class", _signal),
        operations={one.text("op"): _operation(one) for one in routing.entries("routing")},
        checks=_grouped(_load(folder, "checks.yaml", needed=False).entries("checks"), "op", _check),
        meters=tuple(_meter(one) for one in resources.entries("meters")),
        defaults={one.text("id"): plain(one.data["default"]) for one in options.entries("options") if "default" in one.data},
        derived=tuple(_derived(one) for one in options.entries("derived")),
    )
    _cross_check(pack)
    return pack


def _load(folder: Path, name: str, *, needed: bool = True) -> _Entry:
    file = folder / name
    if not file.is_file():
        if needed:
            raise PackFault(f"{file} is missing; --pack must name a pack's folder")
        return _Entry(name, {})
    try:
        data = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise PackFault(f"{file} is not YAML: {error}") from error
    if not isinstance(data, Mapping):
        raise PackFault(f"{file} must be a mapping")
    return _Entry(name, data)


def _grouped(entries: Iterator[_Entry], by: str, make: Callable[[_Entry], Thing]) -> dict[str, tuple[Thing, ...]]:
    groups: dict[str, list[Thing]] = {}
    for entry in entries:
        groups.setdefault(entry.text(by), []).append(make(entry))
    return {key: tuple(things) for key, things in groups.items()}


def _connection(entry: _Entry) -> Connection:
    protocol = entry.text("protocol")
    if protocol not in _PROTOCOLS:
        raise PackFault(f"{entry.place}: protocol must be one of {', '.join(_PROTOCOLS)}, not {protocol!r}")
    if protocol == "sparkplug":
        return Connection(entry.text("id"), "sparkplug", group=entry.text("group"))
    return Connection(entry.text("id"), cast(Protocol, protocol), port=entry.read("port", int))


def _equipment(entry: _Entry) -> EquipmentSpec:
    power = entry.inner("power")
    return EquipmentSpec(
        id=entry.text("id"),
        class_id=entry.text("class"),
        connection=entry.text("connection"),
        positions=entry.read("positions", int, 1),
        unit=entry.read("unit", int, 1),
        idle_kw=power.read("idle", _power, 0.0),
        run_kw=power.read("run", _power, 0.0),
        mtbf_s=entry.maybe("mtbf", _duration),
        mttr_s=entry.maybe("mttr", _duration),
    )


def _setup(entry: _Entry) -> SetupLaw:
    pairs = {(one.text("from"), one.text("to")): one.read("time", _duration) for one in entry.entries("pairs")}
    return SetupLaw(entry.read("change", _duration, 0.0), pairs)


def _meter(entry: _Entry) -> Meter:
    return Meter(entry.text("id"), entry.text("connection"), entry.read("unit", int, 1), tuple(entry.read("of", list)))


def _signal(entry: _Entry) -> Signal:
    scope = entry.text("scope", "equipment")
    if scope not in ("equipment", "position"):
        raise PackFault(f"{entry.place}: scope must be equipment or position, not {scope!r}")
    return Signal(entry.text("id"), cast(Scope, scope), entry.read("every", _duration), _law(entry.inner("physics")))


def _law(entry: _Entry) -> Law:
    kind = entry.text("law")
    if kind not in _LAWS:
        raise PackFault(f"{entry.place}: law must be one of {', '.join(_LAWS)}, not {kind!r}")
    return Law(
        kind=kind,
        at=entry.read("at", float, 0.0),
        start=entry.read("from", float, 0.0),
        to=entry.read("to", float, 0.0),
        tau_s=entry.read("tau", _seconds, 1.0),
        noise=entry.read("noise", float, 0.0),
        idle=entry.maybe("idle", float),
    )


def _operation(entry: _Entry) -> Operation:
    cycle = _amount(entry.inner("cycle"), _duration) if "cycle" in entry.data else None
    return Operation(entry.text("op"), entry.text("class"), cycle, entry.maybe("energy", _energy))


def _amount(entry: _Entry, how: Callable[[Any], float]) -> Amount:
    add = tuple(
        (one.read("when", _condition, _condition(True)), one.read("by", how), one.text("of", "") or None)
        for one in entry.entries("add")
    )
    return Amount(entry.read("base", how), add)


def _check(entry: _Entry) -> Check:
    physics, fault = entry.inner("physics"), entry.inner("physics").inner("fault")
    mean, sd = _normal(entry)
    return Check(
        measure=entry.text("measure"),
        op=entry.text("op"),
        mean=physics.read("mean", float, mean),
        sd=physics.read("sd", float, sd),
        fault_rate=fault.read("rate", float, 0.0),
        fault_mean=fault.read("mean", float, 0.0),
    )


def _normal(entry: _Entry) -> tuple[float, float]:
    """Return a harmless law for a measurement without physics: well inside its limits, six deviations from each."""
    limit = entry.inner("limit")
    low, high = limit.maybe("min", float), limit.maybe("max", float)
    if low is not None and high is not None:
        return (low + high) / 2, (high - low) / 12
    if high is not None:
        return high * 0.6, abs(high) * 0.05
    if low is not None:
        return low * 1.4, abs(low) * 0.05
    return 0.0, 0.0


def _derived(entry: _Entry) -> tuple[str, str, Mapping[Any, Any]]:
    """An attribute that follows from one option; those that follow from several, or by a formula, no physics depend on."""
    flat = {key: value for key, value in entry.inner("table").data.items() if not isinstance(value, Mapping)}
    return entry.text("id"), entry.text("of", "formula"), {plain(key): plain(value) for key, value in flat.items()}


def _cross_check(pack: Pack) -> None:
    if not pack.equipment:
        raise PackFault("resources.yaml: there is no equipment to emulate")
    for spec in pack.equipment.values():
        if spec.connection not in pack.connections:
            raise PackFault(f"resources.yaml, equipment {spec.id}: connection {spec.connection!r} is not declared")
        if spec.positions < 1:
            raise PackFault(f"resources.yaml, equipment {spec.id}: `positions` must be at least 1")
    for meter in pack.meters:
        if pack.connections.get(meter.connection, Connection("", "opcua")).protocol != "modbus":
            raise PackFault(f"resources.yaml, meters {meter.id}: connection {meter.connection!r} is not a Modbus one")
        for of in meter.of:
            if of not in pack.equipment:
                raise PackFault(f"resources.yaml, meters {meter.id}: there is no equipment {of!r}")
    _check_units(pack)


def _check_units(pack: Pack) -> None:
    taken: dict[tuple[str, int], str] = {}
    things: list[EquipmentSpec | Meter] = [*pack.equipment.values(), *pack.meters]
    for thing in things:
        if pack.connections[thing.connection].protocol != "modbus":
            continue
        other = taken.setdefault((thing.connection, thing.unit), thing.id)
        if other != thing.id or not 1 <= thing.unit <= 247:
            raise PackFault(f"resources.yaml, {thing.id}: `unit` must be 1 to 247, and its own in {thing.connection} ({other})")


def _duration(text: object) -> float:
    return quantity(text, DURATION)


def _seconds(value: object) -> float:
    """Read a number of seconds, with or without its unit."""
    return float(value) if isinstance(value, int | float) else quantity(value, DURATION)


def _power(text: object) -> float:
    return quantity(text, POWER)


def _energy(text: object) -> float:
    return quantity(text, ENERGY)


def _condition(text: object) -> Callable[[Mapping[str, Any]], bool]:
    if isinstance(text, bool):
        return lambda _facts: text
    return parse_rule(str(text))
