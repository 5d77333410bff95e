"""A feature model: a tree of features in groups, and constraints across it.

The words are those of the Universal Variability Language (Sundermann et al., SPLC 2021; Benavides et al., JSS 2025), as
this is its model; everywhere else an option is what people choose. Features and groups are numbered in the order of the
text, so a parent stands before its children and feature 0 is the root.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

Plain = bool | Decimal | str | None | tuple["Plain", ...] | Mapping[str, "Plain"]
"""The value of an attribute; `None` for one that stands alone."""

NO_ATTRIBUTES: Mapping[str, Plain] = MappingProxyType({})


class Relation(StrEnum):
    """How many members of a group a chosen parent has: all, any, exactly one, at least one, or from `least` to `most`."""

    MANDATORY = "mandatory"
    OPTIONAL = "optional"
    ALTERNATIVE = "alternative"
    OR = "or"
    CARDINALITY = "cardinality"


class Feature(NamedTuple):
    """One feature. `parent` and `group` are numbers (-1 for the root); `line` counts from 1, 0 where no text was read."""

    name: str
    parent: int
    group: int
    line: int = 0
    attributes: Mapping[str, Plain] = NO_ATTRIBUTES

    @property
    def abstract(self) -> bool:
        """Whether it only orders the tree."""
        return self.attributes.get("abstract", False) in (None, True)

    def number(self, key: str) -> Decimal | None:
        """The number under a key; keys of attributes within attributes are joined by dots."""
        found: Plain = self.attributes
        for part in key.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return None
            found = found[part]
        return found if isinstance(found, Decimal) else None


class Group(NamedTuple):
    """Members of one parent under one relation; a chosen parent has `least` to `most` of them."""

    relation: Relation
    parent: int
    members: tuple[int, ...]
    least: int
    most: int
    line: int = 0


@dataclass(frozen=True, slots=True)
class Has:
    """The feature is chosen."""

    feature: int


@dataclass(frozen=True, slots=True)
class Truth:
    """Always, or never."""

    value: bool


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Formula


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Implies:
    """If the first holds, so does the second."""

    first: Formula
    second: Formula


@dataclass(frozen=True, slots=True)
class Equivalent:
    """Both hold, or neither."""

    first: Formula
    second: Formula


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Attribute:
    """The number that a feature has under a key; 0 where the feature is not chosen."""

    feature: int
    key: str


@dataclass(frozen=True, slots=True)
class Sum:
    """The numbers under a key of all chosen features, or of those at and below one (`under`)."""

    key: str
    under: int | None = None


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two terms joined by `+`, `-`, `*` or `/`."""

    sign: str
    first: Term
    second: Term


@dataclass(frozen=True, slots=True)
class Compare:
    """Two terms in a relation: `==`, `!=`, `<`, `<=`, `>`, `>=`."""

    relation: str
    first: Term
    second: Term


Term = Number | Attribute | Sum | Arithmetic
Formula = Has | Truth | Not | All | Some | Implies | Equivalent | Compare


class Constraint(NamedTuple):
    """A formula that every configuration keeps, with the text and the line it was read from."""

    formula: Formula
    line: int = 0
    text: str = ""


@dataclass(frozen=True)
class FeatureModel:
    """Features, groups and constraints; at least the root is there."""

    features: tuple[Feature, ...]
    groups: tuple[Group, ...]
    constraints: tuple[Constraint, ...]
    namespace: str | None = None

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Each feature's number by its name."""
        return {feature.name: number for number, feature in enumerate(self.features)}

    @cached_property
    def groups_of(self) -> Mapping[int, tuple[int, ...]]:
        """The numbers of each parent's groups, in the order of the text."""
        found: dict[int, list[int]] = {}
        for number, group in enumerate(self.groups):
            found.setdefault(group.parent, []).append(number)
        return {parent: tuple(numbers) for parent, numbers in found.items()}

    def below(self, feature: int) -> Iterator[int]:
        """A feature and all below it."""
        waiting = [feature]
        while waiting:
            number = waiting.pop()
            yield number
            for group in self.groups_of.get(number, ()):
                waiting.extend(self.groups[group].members)

    def amounts(self, key: str, under: int | None = None) -> dict[int, Decimal]:
        """The numbers that features have under a key, by feature; of all features, or at and below one."""
        found: dict[int, Decimal] = {}
        for number in range(len(self.features)) if under is None else sorted(self.below(under)):
            feature = self.features[number]
            value = feature.number(key) if feature.attributes else None
            if value is not None:
                found[number] = value
        return found
