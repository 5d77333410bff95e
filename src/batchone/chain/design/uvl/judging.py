"""Whether a set of features is a configuration: the meaning of a feature model, plainly, with no solver."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction

from batchone.chain.design.uvl.model import (
    All,
    Arithmetic,
    Attribute,
    Compare,
    Equivalent,
    FeatureModel,
    Formula,
    Has,
    Implies,
    Not,
    Number,
    Some,
    Sum,
    Term,
    Truth,
)

_COMPARISONS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def valid(model: FeatureModel, chosen: Collection[int]) -> bool:
    """Whether these features, by number, are a configuration of the model."""
    if 0 not in chosen:
        return False
    for group in model.groups:
        have = sum(member in chosen for member in group.members)
        if not group.least <= have <= group.most if group.parent in chosen else have:
            return False
    return all(holds(model, constraint.formula, chosen) for constraint in model.constraints)


def holds(model: FeatureModel, formula: Formula, chosen: Collection[int]) -> bool:  # noqa: PLR0911 - one for each kind
    """Whether a formula is true of the chosen features."""
    match formula:
        case Has(feature):
            return feature in chosen
        case Truth(value):
            return value
        case Not(part):
            return not holds(model, part, chosen)
        case All(parts):
            return all(holds(model, part, chosen) for part in parts)
        case Some(parts):
            return any(holds(model, part, chosen) for part in parts)
        case Implies(first, second):
            return not holds(model, first, chosen) or holds(model, second, chosen)
        case Equivalent(first, second):
            return holds(model, first, chosen) == holds(model, second, chosen)
        case Compare(relation, one, other):
            return _COMPARISONS[relation](amount(model, one, chosen), amount(model, other, chosen))


def amount(model: FeatureModel, term: Term, chosen: Collection[int]) -> Fraction:
    """What a term comes to; features that are not chosen count 0."""
    match term:
        case Number(value):
            return Fraction(value)
        case Attribute(feature, key):
            return Fraction(model.features[feature].number(key) or 0) if feature in chosen else Fraction(0)
        case Sum(key, under):
            return sum(
                (Fraction(each) for feature, each in model.amounts(key, under).items() if feature in chosen), Fraction(0)
            )
        case Arithmetic(sign, first, second):
            one, other = amount(model, first, chosen), amount(model, second, chosen)
            return one + other if sign == "+" else one - other if sign == "-" else one * other if sign == "*" else one / other
