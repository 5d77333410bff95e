"""Things as text: types, equipment and their signals, as an engineer writes them and as a version is kept.

The canonical form lists everything by id and leaves out what is at its default, so that two versions differ in the lines
in which they differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from batchone.contracts.pack import Limits
from batchone.contracts.things import EquipmentType, Kind, Retention, SignalType, Thing, ThingModel
from batchone.kernel import yamltext
from batchone.kernel.errors import Refused
from batchone.kernel.quantities import is_unit, seconds

_ID = r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}"
_PLACE = r"[^/\s][^/]*(/[^/\s][^/]*){0,7}"


def _unit(text: str) -> str:
    if text and not is_unit(text):
        raise ValueError(f"'{text}' is no unit; use one such as degC, kg/m^3 or Pa")
    return text


def _every(text: str) -> str:
    try:
        told = seconds(text)
    except Refused as error:
        raise ValueError(error.what) from error
    if not 0 <= told <= 366 * 86400:
        raise ValueError("how often a signal comes lies between 0 s and a year")
    return text


Id = Annotated[str, Field(pattern=f"^{_ID}$")]
Name = dict[str, Annotated[str, Field(min_length=1, max_length=200)]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitsText(_Strict):
    """Bounds in the signal's unit; low and high warn, low_low and high_high alarm."""

    low_low: float | None = Field(default=None, allow_inf_nan=False)
    low: float | None = Field(default=None, allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)
    high_high: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _ordered(self) -> LimitsText:
        told = [bound for bound in (self.low_low, self.low, self.high, self.high_high) if bound is not None]
        if any(a >= b for a, b in pairwise(told)):
            raise ValueError("limits rise from low_low over low and high to high_high")
        return self


class SignalText(_Strict):
    """A signal."""

    id: Id
    name: Name = Field(default_factory=dict)
    unit: Annotated[str, AfterValidator(_unit)] = ""
    kind: Kind = "float"
    scope: Literal["equipment", "position"] = "equipment"
    every: Annotated[str, AfterValidator(_every)] = "0 s"
    limits: LimitsText = LimitsText()
    retention: Retention = "standard"

    def made(self) -> SignalType:
        """The signal it declares."""
        bounds = self.limits
        limits = Limits(low=bounds.low, high=bounds.high, low_low=bounds.low_low, high_high=bounds.high_high)
        name = self.name or {"en": self.id}
        return SignalType(self.id, name, self.unit, self.kind, self.scope, limits, seconds(self.every), self.retention)

    @staticmethod
    def of(signal: SignalType) -> SignalText:
        """As it is written."""
        limits = signal.limits
        bounds = LimitsText(low_low=limits.low_low, low=limits.low, high=limits.high, high_high=limits.high_high)
        name = {} if signal.name == {"en": signal.id} else dict(signal.name)
        return SignalText(
            id=signal.id, name=name, unit=signal.unit, kind=signal.kind, scope=signal.scope,
            every=f"{signal.every_s:g} s", limits=bounds, retention=signal.retention,
        )  # fmt: skip


class TypeText(_Strict):
    """A type of equipment."""

    id: Id
    name: Name = Field(default_factory=dict)
    signals: tuple[SignalText, ...] = ()


class ThingText(_Strict):
    """An equipment; one of a pack is named with more `signals` only."""

    id: Id
    type: str = ""
    name: Name = Field(default_factory=dict)
    place: Annotated[str, Field(pattern=f"^({_PLACE})?$", max_length=400)] = ""
    positions: int = Field(default=1, ge=1, le=10_000)
    signals: tuple[SignalText, ...] = ()


class ThingsText(_Strict):
    """All that is declared beside the packs."""

    types: tuple[TypeText, ...] = Field(default=(), max_length=10_000)
    equipment: tuple[ThingText, ...] = Field(default=(), max_length=100_000)

    def made(self) -> tuple[tuple[EquipmentType, ...], tuple[Thing, ...]]:
        """The types and things it declares."""
        types = tuple(
            EquipmentType(each.id, each.name or {"en": each.id}, tuple(s.made() for s in each.signals)) for each in self.types
        )
        things = tuple(
            Thing(
                each.id, each.type, each.name or {"en": each.id}, each.place, each.positions,
                tuple(s.made() for s in each.signals),
            )
            for each in self.equipment
        )  # fmt: skip
        return types, things

    def canonical(self) -> ThingsText:
        """Everything by id."""
        return ThingsText(
            types=tuple(sorted((_sorted(each) for each in self.types), key=lambda each: each.id)),
            equipment=tuple(sorted((_sorted(each) for each in self.equipment), key=lambda each: each.id)),
        )


def _sorted(entry: Signalled) -> Signalled:
    return entry.model_copy(update={"signals": tuple(sorted(entry.signals, key=lambda signal: signal.id))})


Signalled = TypeVar("Signalled", TypeText, ThingText)


def read(text: str, packs: ThingModel) -> ThingsText:
    """A declaration, checked by itself and against what packs declare; `Refused` with every fault."""
    told = yamltext.read(text, ThingsText, "things")
    faults = [*_twice("type", [each.id for each in told.types]), *_twice("equipment", [each.id for each in told.equipment])]
    faults += _types(told, packs)
    types = {each.id: frozenset(s.id for s in each.signals) for each in packs.types}
    types |= {each.id: frozenset(s.id for s in each.signals) for each in told.types}
    for each in told.equipment:
        faults += _equipment(each, packs, types)
    if faults:
        raise Refused("things.faults", " ".join(faults), "Correct these; nothing was changed.", faults="\n".join(faults))
    return told.canonical()


def write(told: ThingsText) -> str:
    """The canonical text."""
    return yamltext.write(told.canonical()) if told.types or told.equipment else "types: []\nequipment: []\n"


def _twice(kind: str, ids: Sequence[str]) -> list[str]:
    counted = Counter(ids)
    return [f"The {kind} {each} is declared twice." for each, count in counted.items() if count > 1]


def _types(told: ThingsText, packs: ThingModel) -> list[str]:
    known = {each.id for each in packs.types}
    faults = [
        f"The type {each.id} is a pack's; declare more signals at its equipment." for each in told.types if each.id in known
    ]
    for each in told.types:
        faults += _twice(f"signal of {each.id},", [signal.id for signal in each.signals])
    return faults


def _equipment(each: ThingText, packs: ThingModel, types: dict[str, frozenset[str]]) -> list[str]:
    faults = _twice(f"signal of {each.id},", [signal.id for signal in each.signals])
    of_pack = packs.thing(each.id)
    type_ = of_pack.type if of_pack else each.type
    if of_pack and (each.type or each.place or each.positions != 1):
        faults.append(f"{each.id} is equipment of the pack {of_pack.pack}: only more signals can be declared for it.")
    if not of_pack and not each.place:
        faults.append(f"{each.id} needs a place: enterprise/site/area/line/cell.")
    if not of_pack and each.type and each.type not in types:
        faults.append(f"{each.id} is of the type {each.type}, which nothing declares.")
    again = sorted({signal.id for signal in each.signals} & types.get(type_, frozenset()))
    faults += [f"{each.id} has the signal {signal} from its type already." for signal in again]
    return faults


def kept(text: str) -> ThingsText:
    """A text that was taken before, as it stands."""
    return yamltext.read(text, ThingsText, "things") if text else ThingsText()


def new(thing: Thing) -> ThingText:
    """An equipment as it is written, without signals; `ValidationError` where it cannot be."""
    name = {} if thing.name == {"en": thing.id} else dict(thing.name)
    return ThingText(id=thing.id, type=thing.type, name=name, place=thing.place, positions=thing.positions)


def more(before: ThingText, signals: Sequence[SignalType]) -> ThingText:
    """An equipment with more signals; those that it has stay as they are. `ValidationError` where one cannot be."""
    known = {each.id for each in before.signals}
    added = tuple(SignalText.of(each) for each in signals if each.id not in known)
    return before.model_copy(update={"signals": (*before.signals, *added)})


def faults_of(thing: str, error: ValidationError) -> str:
    """What is wrong with an equipment or a signal, in sentences."""
    return " ".join(f"{thing}: {'.'.join(str(step) for step in each['loc'])}: {each['msg']}." for each in error.errors())
