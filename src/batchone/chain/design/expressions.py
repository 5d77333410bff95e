"""What a rule says once its words are bound: a tree that is true or false of complete choices.

Whatever a text compares comes down to options having one of some values, and to sums of numbers that follow from such.
So nothing that evaluates or compiles an expression needs to know of units, derived attributes, tables or parts.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Constant:
    """Always, or never."""

    value: bool


@dataclass(frozen=True, slots=True)
class Among:
    """The option has one of these values; not so where the option's part is not there."""

    option: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Expression


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Implies:
    """If the first holds, so does the second."""

    first: Expression
    second: Expression


@dataclass(frozen=True, slots=True)
class Equivalent:
    """Both hold, or neither."""

    first: Expression
    second: Expression


@dataclass(frozen=True, slots=True)
class Term:
    """A number that depends on choices: of its cases exactly one holds in every configuration."""

    cases: tuple[tuple[Expression, Fraction], ...]

    def number(self, choices: Mapping[str, str]) -> Fraction:
        """What the term comes to for complete choices."""
        return next(number for when, number in self.cases if holds(when, choices))


@dataclass(frozen=True, slots=True)
class Compare:
    """The sum of the terms stands in a relation (`<`, `<=`, `=`, `!=`, `>=`, `>`) to a bound."""

    terms: tuple[Term, ...]
    relation: str
    bound: Fraction


Expression = Constant | Among | Not | All | Some | Implies | Equivalent | Compare
ALWAYS = Constant(True)

RELATIONS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


def holds(expression: Expression, choices: Mapping[str, str]) -> bool:  # noqa: PLR0911 - one for each kind of expression
    """Whether the expression is true of complete choices."""
    match expression:
        case Among(option, values):
            return choices.get(option) in values
        case Constant(value):
            return value
        case Not(part):
            return not holds(part, choices)
        case All(parts):
            return all(holds(part, choices) for part in parts)
        case Some(parts):
            return any(holds(part, choices) for part in parts)
        case Implies(first, second):
            return not holds(first, choices) or holds(second, choices)
        case Equivalent(first, second):
            return holds(first, choices) == holds(second, choices)
        case Compare(terms, relation, bound):
            return RELATIONS[relation](sum((term.number(choices) for term in terms), Fraction(0)), bound)


def named(expression: Expression) -> Iterator[str]:
    """The options that an expression speaks of, some of them more than once."""
    match expression:
        case Among(option, _):
            yield option
        case Constant():
            return
        case Not(part):
            yield from named(part)
        case All(parts) | Some(parts):
            for part in parts:
                yield from named(part)
        case Implies(first, second) | Equivalent(first, second):
            yield from named(first)
            yield from named(second)
        case Compare(terms, _, _):
            for term in terms:
                for when, _ in term.cases:
                    yield from named(when)


def parts_of(expression: Expression) -> Iterator[Expression]:
    """The expression and everything that it is made of."""
    yield expression
    match expression:
        case Not(part):
            yield from parts_of(part)
        case All(parts) | Some(parts):
            for part in parts:
                yield from parts_of(part)
        case Implies(first, second) | Equivalent(first, second):
            yield from parts_of(first)
            yield from parts_of(second)
        case Compare(terms, _, _):
            for term in terms:
                for when, _ in term.cases:
                    yield from parts_of(when)
        case _:
            return
