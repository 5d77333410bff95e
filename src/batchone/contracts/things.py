"""The thing model: which equipment there is, of which type, where it stands, which signals it declares. Owned by `twin`.

Two sources make one model: the equipment of sector packs, and what an engineer declares beside them as text. A signal's
path is `<equipment>/<signal>`, or `<equipment>/P01/<signal>` for one of a position.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal, Protocol

from batchone.contracts.enterprises import Actor
from batchone.contracts.pack import Limits, Pack, Scope, Text
from batchone.kernel.facts import fact

Kind = Literal["float", "integer", "boolean", "state"]
"""What the numbers of a signal are: measured, counted, on or off, or the number of a state."""
Retention = Literal["short", "standard", "long"]
"""How long samples are kept; the durations are settings of the historian."""
METER_TYPE = "energy-meter"
"""The type of an energy meter of a pack: it tells `energy` in kWh and `power` in kW."""


@dataclass(frozen=True)
class SignalType:
    """A typed point that every equipment of a type has, or each of its positions.

    `every_s` is how often it is expected, in seconds; 0 for one that is told when it changes. `unit` is one of pint's, empty
    for a number without one.
    """

    id: str
    name: Text
    unit: str = ""
    kind: Kind = "float"
    scope: Scope = "equipment"
    limits: Limits = field(default_factory=Limits)
    every_s: float = 0.0
    retention: Retention = "standard"


@dataclass(frozen=True)
class EquipmentType:
    """What equipment of one make has in common."""

    id: str
    name: Text
    signals: tuple[SignalType, ...] = ()


@dataclass(frozen=True)
class Thing:
    """An equipment. `place` is its ISA-95 path down to the cell (IEC 62264-1: enterprise/site/area/line/cell); `signals` are
    those that it has beside its type's; `pack` is the pack that brings it, empty where an engineer declared it."""

    id: str
    type: str
    name: Text
    place: str
    positions: int = 1
    signals: tuple[SignalType, ...] = ()
    pack: str = ""

    @property
    def path(self) -> str:
        """Its own ISA-95 path."""
        return f"{self.place}/{self.id}"


@dataclass(frozen=True)
class Declared:
    """A signal at its place."""

    path: str
    thing: str
    signal: SignalType


@dataclass(frozen=True)
class ThingModel:
    """All things of a tenant. `version` numbers what engineers declared; 0 before anybody did."""

    version: int = 0
    types: tuple[EquipmentType, ...] = ()
    things: tuple[Thing, ...] = ()

    @cached_property
    def signals(self) -> Mapping[str, Declared]:
        """Every declared signal by path, in the order of things and of their types."""
        types = {each.id: each for each in self.types}
        return {found.path: found for thing in self.things for found in _signals(types.get(thing.type), thing)}

    def signals_of(self, thing: str) -> tuple[Declared, ...]:
        """The signals of one thing."""
        return tuple(each for each in self.signals.values() if each.thing == thing)

    def thing(self, thing: str) -> Thing | None:
        """The thing of that id, if there is one."""
        return next((each for each in self.things if each.id == thing), None)


def position_name(position: int) -> str:
    """How a position is called: P01, P99, P100."""
    return f"P{position:02d}"


def _signals(type_: EquipmentType | None, thing: Thing) -> Iterator[Declared]:
    for signal in (*(type_.signals if type_ else ()), *thing.signals):
        if signal.scope == "equipment":
            yield Declared(f"{thing.id}/{signal.id}", thing.id, signal)
        else:
            for place in range(1, thing.positions + 1):
                yield Declared(f"{thing.id}/{position_name(place)}/{signal.id}", thing.id, signal)


_METER = EquipmentType(
    METER_TYPE,
    {"en": "Energy meter", "zh": "电能表"},
    (
        SignalType("energy", {"en": "Energy", "zh": "电能"}, "kWh", retention="long"),
        SignalType("power", {"en": "Power", "zh": "功率"}, "kW"),
    ),
)


def of_packs(packs: Sequence[Pack]) -> ThingModel:
    """The model that packs make. Where two declare the same type or equipment, the later one counts."""
    types: dict[str, EquipmentType] = {}
    things: dict[str, Thing] = {}
    for pack in packs:
        place = "/".join((pack.place.enterprise, pack.place.site, pack.place.area, pack.place.line))
        for kind in pack.classes:
            signals = tuple(
                SignalType(each.id, each.name, each.unit, "float", each.scope, each.limits, each.every_s)
                for each in pack.signals_of(kind.id)
            )
            types[kind.id] = EquipmentType(kind.id, kind.name, signals)
        for machine in pack.equipment:
            where = f"{place}/{machine.cell}"
            things[machine.id] = Thing(machine.id, machine.equipment_class, machine.name, where, machine.positions, (), pack.id)
        for meter in pack.meters:
            types[METER_TYPE] = _METER
            things[meter.id] = Thing(meter.id, METER_TYPE, meter.name, place, 1, (), pack.id)
    return ThingModel(0, tuple(types.values()), tuple(things.values()))


def joined(base: ThingModel, types: Iterable[EquipmentType], things: Iterable[Thing], version: int) -> ThingModel:
    """A model with what an engineer declared beside it: a thing of a known id only adds signals to it."""
    known_types = {each.id: each for each in base.types} | {each.id: each for each in types}
    known = {each.id: each for each in base.things}
    for thing in things:
        before = known.get(thing.id)
        known[thing.id] = thing if before is None else replace(before, signals=(*before.signals, *thing.signals))
    return ThingModel(version, tuple(known_types.values()), tuple(known.values()))


@fact("things.declared")
@dataclass(frozen=True)
class ThingsDeclared:
    """An engineer declared things anew; whoever judges or maps signals looks at the model again."""

    version: int
    by: str


@dataclass(frozen=True)
class ThingsEdition:
    """A text by which things were declared: numbered, never changed."""

    version: int
    by: str
    at: datetime
    note: str


class Things(Protocol):
    """Reads of the thing model, and its declaration by text."""

    async def model(self, tenant: str) -> ThingModel:
        """Every type and thing."""
        ...

    async def text(self, tenant: str, version: int) -> str:
        """The text of a version (0: the newest) in its canonical form, or an empty declaration; `NotFound` if there is none."""
        ...

    async def editions(self, tenant: str) -> tuple[ThingsEdition, ...]:
        """Every version, the newest first."""
        ...

    async def declare(self, tenant: str, text: str, note: str, actor: Actor) -> ThingModel:
        """Take a text as the next version; `Refused` with every fault by line. The same text again changes nothing."""
        ...

    async def extend(self, tenant: str, things: Sequence[Thing], note: str, actor: Actor) -> ThingModel:
        """Declare more equipment, or more signals of equipment that is known, as one new version; `Refused` with every fault. A
        signal that a declared equipment has already is not changed by that."""
        ...
