"""A pack's options and rules as a feature model in UVL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from batchone.chain.design import expressions
from batchone.chain.design.exchange.sums import CHOSEN, Features, compared
from batchone.chain.design.expressions import Expression
from batchone.chain.design.model import Words, rule_of, rules_on, vocabulary_of
from batchone.chain.design.uvl.model import (
    All,
    Constraint,
    Equivalent,
    Feature,
    FeatureModel,
    Formula,
    Group,
    Has,
    Implies,
    Not,
    Plain,
    Relation,
    Some,
    Truth,
)
from batchone.chain.design.vocabulary import Vocabulary
from batchone.contracts.pack import Option, Pack, Value
from batchone.kernel.errors import Refused

T = TypeVar("T")


def model_of(pack: Pack, day: date = date.min) -> FeatureModel:
    """A pack's options and what is in force on a day as a feature model. `Refused` where a rule cannot be said in UVL."""
    vocabulary = vocabulary_of(pack)
    words = Words(vocabulary, {}, {}, {rule.id: rule_of(rule, vocabulary) for rule in pack.rules})
    tree = _Tree(pack, vocabulary)
    return tree.model({name: tree.formula(name, each) for name, each in rules_on(pack, words, day).items()})


def model_on(pack: Pack, words: Words, day: date) -> tuple[FeatureModel, bool]:
    """A pack's options as a feature model, with everything that is in force on a day; whether all of that could be said.

    What cannot be said in UVL is left out: the model then has more configurations than the pack.
    """
    tree, said, whole = _Tree(pack, words.vocabulary), dict[str, Formula](), True
    for name, expression in rules_on(pack, words, day).items():
        try:
            said[name] = tree.formula(name, expression)
        except Refused:
            whole = False
    return tree.model(said), whole


def feature_of(option: str, value: str) -> str:
    """The name of the feature that a value is."""
    return f"{_dotless(option)}={_dotless(value)}"


def _dotless(name: str) -> str:
    return name.replace(".", "·")


class _Tree:
    """Options, their values and the slots that they stand in as features, numbered as a text would have them."""

    def __init__(self, pack: Pack, vocabulary: Vocabulary) -> None:
        self._pack = pack
        self._vocabulary = vocabulary
        options = {option.id for option in pack.options}
        root = pack.product.id if pack.product.id not in options else f"product {pack.product.id}"
        self._features = [Feature(root, -1, -1, 0, {"abstract": None, "price": pack.product.base_price.amount})]
        self._groups: list[Group] = []
        self._options: dict[str, int] = {}
        self._values: dict[tuple[str, str], int] = {}
        self._slots: dict[str, int] = {}
        self._fill(0, "")
        self._filled: dict[Expression, int] = {vocabulary.slots[name].present: each for name, each in self._slots.items()}
        self._known = Features(vocabulary, self._options, self._values)

    def model(self, said: Mapping[str, Formula]) -> FeatureModel:
        """The whole, with these rules and with when each slot is filled."""
        for value in self._known.told:
            self._features[value] = self._features[value]._replace(
                attributes={**self._features[value].attributes, CHOSEN: Decimal(1)}
            )
        slots = {name: Equivalent(Has(number), self._there(name)) for name, number in self._slots.items()}
        constraints = tuple(Constraint(formula, 0, name) for name, formula in {**slots, **said}.items())
        return FeatureModel(tuple(self._features), tuple(self._groups), constraints, self._pack.id)

    def formula(self, rule: str, expression: Expression) -> Formula:  # noqa: C901, PLR0911 - one a kind
        """A rule's expression over the features; `Refused` where it counts more sums than can be told apart."""

        def part(each: Expression) -> Formula:
            return self.formula(rule, each)

        if expression in self._filled:
            return Has(self._filled[expression])
        match expression:
            case expressions.Constant(value):
                return Truth(value)
            case expressions.Among(option, values):
                return self._among(option, values)
            case expressions.Not(inner):
                return Not(part(inner))
            case expressions.All(parts):
                return All(tuple(map(part, parts))) if parts else Truth(True)
            case expressions.Some(parts):
                return _any(tuple(map(part, parts)))
            case expressions.Implies(first, second):
                return Implies(part(first), part(second))
            case expressions.Equivalent(first, second):
                return Equivalent(part(first), part(second))
            case expressions.Compare():
                return compared(rule, expression, self._known, part)

    def _there(self, slot: str) -> Formula:
        present = self._vocabulary.slots[slot].present
        return self._among(present.option, present.values)

    def _among(self, option: str, values: frozenset[str]) -> Formula:
        return _any(tuple(Has(self._values[option, each]) for each in self._vocabulary.options[option] if each in values))

    def _fill(self, parent: int, slot: str) -> None:
        """Below a feature, the options of its slot, and the slots within."""
        own = [option for option in self._pack.options if option.slot == slot]
        inner = [name for name, each in self._vocabulary.slots.items() if each.within == slot]
        self._group(Relation.MANDATORY, parent, own, self._option)
        self._group(Relation.OPTIONAL, parent, inner, self._slot)

    def _group(self, relation: Relation, parent: int, things: Sequence[T], place: Callable[[T, int, int], int]) -> None:
        if not things:
            return
        number, bare = len(self._groups), Group(relation, parent, (), 0, 0)
        self._groups.append(bare)
        members = tuple(place(each, parent, number) for each in things)
        least, most = {
            Relation.MANDATORY: (len(members), len(members)),
            Relation.OPTIONAL: (0, len(members)),
        }.get(relation, (1, 1))
        self._groups[number] = bare._replace(members=members, least=least, most=most)

    def _add(self, name: str, parent: int, group: int, attributes: Mapping[str, Plain]) -> int:
        self._features.append(Feature(name, parent, group, 0, attributes))
        return len(self._features) - 1

    def _slot(self, name: str, parent: int, group: int) -> int:
        number = self._slots[name] = self._add(_dotless(name), parent, group, {"abstract": None})
        self._fill(number, name)
        return number

    def _option(self, option: Option, parent: int, group: int) -> int:
        def value(each: Value, parent: int, group: int) -> int:
            number = self._add(feature_of(option.id, each.id), parent, group, _told(each))
            self._values[option.id, each.id] = number
            return number

        number = self._options[option.id] = self._add(_dotless(option.id), parent, group, {"abstract": None})
        self._group(Relation.ALTERNATIVE, number, option.values, value)
        return number


def _any(parts: tuple[Formula, ...]) -> Formula:
    return parts[0] if len(parts) == 1 else Some(parts) if parts else Truth(False)


def _told(value: Value) -> Mapping[str, Plain]:
    found: dict[str, Plain] = {}
    if value.price.amount:
        found["price"] = value.price.amount
    if value.lead_s:
        found["lead_s"] = Decimal(repr(value.lead_s))
    if value.number is not None:
        found["value"] = value.number
    return found
