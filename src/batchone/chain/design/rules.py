"""The language of rules: text to a typed tree, and a tree to true or false.

Parsing binds words at once: whatever a comparison says about an option, a derived attribute or a size, it comes down to
the option having one of some values. So a bound expression is made of `Among` and the connectives, and nothing that
evaluates or compiles it needs to know about units or derived tables.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError
from lark.lexer import Token

RESERVED = frozenset({"in", "not", "and", "or", "true", "false"})
"""Words of the language itself, which nothing in a pack may be called."""


@dataclass(frozen=True, slots=True)
class Constant:
    """Always, or never."""

    value: bool


@dataclass(frozen=True, slots=True)
class Among:
    """The option has one of these values."""

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


Expression = Constant | Among | Not | All | Some | Implies | Equivalent
ALWAYS = Constant(True)


class RuleFault(ValueError):
    """A text that is no rule: what is wrong and how to cure it."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(f"{what} {cure}")
        self.what = what
        self.cure = cure


@dataclass(frozen=True)
class Vocabulary:
    """The words that rules may use.

    `options` has the value ids of each option in the pack's order; `numbers` the magnitudes of those whose option has a
    unit; `derived` maps a derived attribute to its option and table.
    """

    options: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, Mapping[str, Decimal]]
    derived: Mapping[str, tuple[str, Mapping[str, str]]]

    def among(self, attribute: str, wanted: frozenset[str]) -> Among:
        """The attribute has one of the wanted values; unknown words are faults."""
        option, table = self._table(attribute)
        known = set(table.values())
        for value in sorted(wanted - known):
            raise RuleFault(f"'{value}' is no value of {attribute}.", f"Use one of {_listed(known)}.")
        return Among(option, frozenset(value for value, has in table.items() if has in wanted))

    def sized(self, attribute: str, symbol: str, text: str) -> Among:
        """The attribute's number stands in this relation to a number."""
        numbers = self.numbers.get(attribute)
        if numbers is None:
            self._table(attribute)
            raise RuleFault(f"{attribute} has no numbers to compare by size.", "Use '=', '!=', 'in', or give it a unit.")
        try:
            bound = Decimal(text)
        except InvalidOperation:
            raise RuleFault(f"'{text}' is no number.", f"Compare {attribute} with a number.") from None
        return Among(attribute, frozenset(value for value, number in numbers.items() if _RELATIONS[symbol](number, bound)))

    def attributes(self, choices: Mapping[str, str]) -> dict[str, str]:
        """The choices and every derived attribute that follows from them."""
        derived = {name: table[choices[of]] for name, (of, table) in self.derived.items() if of in choices}
        return {**choices, **derived}

    def _table(self, attribute: str) -> tuple[str, Mapping[str, str]]:
        if attribute in self.options:
            return attribute, {value: value for value in self.options[attribute]}
        if attribute in self.derived:
            return self.derived[attribute]
        raise RuleFault(
            f"'{attribute}' is no option and no derived attribute.", f"Use one of {_listed({*self.options, *self.derived})}."
        )


_RELATIONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _listed(words: set[str]) -> str:
    return ", ".join(sorted(words)) or "none"


@v_args(inline=True)
class _Binder(Transformer[Token, Expression]):
    """Turns the parse tree into a bound expression."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self._vocabulary = vocabulary

    def yes(self) -> Expression:
        return ALWAYS

    def no(self) -> Expression:
        return Constant(False)

    def negated(self, part: Expression) -> Expression:
        return Not(part)

    def all_of(self, *parts: Expression) -> Expression:
        return All(parts)

    def any_of(self, *parts: Expression) -> Expression:
        return Some(parts)

    def implies(self, first: Expression, second: Expression) -> Expression:
        return Implies(first, second)

    def equivalent(self, first: Expression, second: Expression) -> Expression:
        return Equivalent(first, second)

    def membership(self, attribute: Token, *values: Token) -> Expression:
        return self._vocabulary.among(str(attribute), frozenset(map(str, values)))

    def comparison(self, attribute: Token, symbol: Token, value: Token) -> Expression:
        if symbol in _RELATIONS:
            return self._vocabulary.sized(str(attribute), str(symbol), str(value))
        among = self._vocabulary.among(str(attribute), frozenset({str(value)}))
        return among if symbol == "=" else Not(among)


@cache
def _parser() -> Lark:
    grammar = (Path(__file__).parent / "rules.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=False)


def parse(text: str, vocabulary: Vocabulary) -> Expression:
    """The bound expression of a text; `RuleFault` when it is none."""
    try:
        tree: Any = _parser().parse(text)
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        place = "at its end" if ended else f"at character {error.column}"
        cure = "Write it in the language of rules, such as 'a = b and c != d'."
        raise RuleFault(f"'{text}' cannot be read {place}.", cure) from None
    try:
        return _Binder(vocabulary).transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, RuleFault):
            raise error.orig_exc from None
        raise


def holds(expression: Expression, choices: Mapping[str, str]) -> bool:  # noqa: PLR0911 - one for each kind of expression
    """Whether the expression is true of complete choices."""
    match expression:
        case Among(option, values):
            return choices[option] in values
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
