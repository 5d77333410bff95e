"""Whether a pack and a feature model have the same configurations, proved by a solver both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import combinations

from tests.support_pack import SMALL

from batchone.chain.design.exchange import PackPart, feature_of, model_of
from batchone.chain.design.expressions import Among, Expression
from batchone.chain.design.packs import load_files
from batchone.chain.design.rules import Vocabulary, parse
from batchone.chain.design.space import OptionSpace
from batchone.chain.design.uvl import Constraint, Feature, FeatureModel, Group, Relation
from batchone.chain.design.uvl import model as uvl
from batchone.chain.design.uvl.model import All, Equivalent, Formula, Has, Implies, Not, Some
from batchone.contracts.pack import Option, Rule, Value
from batchone.kernel.money import Money


def words(part: PackPart) -> Vocabulary:
    return Vocabulary(options=part.options, numbers={}, derived={})


def feature_model(part: PackPart) -> FeatureModel:
    """A part of a pack as a feature model again, through a whole pack around it."""
    options = tuple(
        Option(option, {}, None, values[0], tuple(Value(value, {}, Money.zero("EUR"), 0.0) for value in values))
        for option, values in part.options.items()
    )
    rules = tuple(Rule(rule, text, {}) for rule, text in part.rules.items())
    return model_of(replace(load_files(SMALL), options=options, derived=(), rules=rules))


def configurations_that_differ(model: FeatureModel, part: PackPart) -> list[str]:
    """Where the configurations of a model and of the part of a pack that came from it are not one to one; empty where they are.

    Both stand in one model without any group. One of the part is one of the model when the features are chosen that
    `part.conditions` names, and each value is told by the features: it is the condition of one, or what no other value is.
    """
    other = feature_model(part)
    features = (
        Feature("all", -1, -1),
        *(Feature(f"model {each.name}", 0, 0, 0, each.attributes) for each in model.features),
        *(Feature(f"pack {each.name}", 0, 0, 0, each.attributes) for each in other.features),
    )
    every = tuple(range(1, len(features)))
    groups = (Group(Relation.OPTIONAL, 0, every, 0, len(every)),)
    first, second = 1, 1 + len(model.features)

    def has(expression: Expression) -> Formula:
        match expression:
            case Among(option, values):
                return Some(tuple(Has(second + other.numbers[feature_of(option, value)]) for value in sorted(values)))
            case _:
                return uvl.Truth(expression.value)  # type: ignore[union-attr] - conditions of features are no more than this

    names = {name: parse(text, words(part)) for name, text in part.conditions.items()}
    by_part = [Equivalent(Has(first + number), has(names[each.name])) for number, each in enumerate(model.features)]
    told = {condition: model.numbers[name] for name, condition in names.items()}
    by_model = [formula for option, values in part.options.items() for formula in _told(option, values, told, other, second)]
    found = []
    for what, sure, doubted in (
        ("one of the pack is none of the model", (_whole(other, second), *by_part), _whole(model, first)),
        ("one of the model is none of the pack", (_whole(model, first), *by_model), All((_whole(other, second), *by_part))),
    ):
        space = OptionSpace(FeatureModel(features, groups, (*(Constraint(each) for each in sure), Constraint(Not(doubted)))))
        found += [what] if space.possible({}) else []
        space.close()
    return found


def _told(
    option: str, values: tuple[str, ...], told: Mapping[Expression, int], other: FeatureModel, second: int
) -> list[Formula]:
    found: list[Formula] = []
    rest: list[Formula] = []
    for value in values:
        here = Has(second + other.numbers[feature_of(option, value)])
        feature = told.get(Among(option, frozenset({value})))
        if feature is None:
            rest.append(here)
        else:
            found.append(Equivalent(here, Has(1 + feature)))
    assert len(rest) <= 1, "two values that no feature tells apart"
    others = [formula.first for formula in found if isinstance(formula, Equivalent)]
    found += [Equivalent(each, Not(Some(tuple(others)))) for each in rest]
    parent = other.features[other.numbers[feature_of(option, values[0])]].parent
    return [*found, Has(second + parent), Has(second)]


def _whole(model: FeatureModel, first: int) -> Formula:
    """A whole model as one formula over features that are numbered from `first` on."""
    said: list[Formula] = [Has(first)]
    for group in model.groups:
        parent, members = Has(first + group.parent), [Has(first + member) for member in group.members]
        said += [Implies(member, parent) for member in members]
        if group.relation is Relation.MANDATORY:
            said += [Implies(parent, member) for member in members]
        if group.relation in (Relation.ALTERNATIVE, Relation.OR):
            said.append(Implies(parent, Some(tuple(members))))
        if group.relation is Relation.ALTERNATIVE:
            said += [Not(All(pair)) for pair in combinations(members, 2)]
        assert group.relation is not Relation.CARDINALITY, "not asked for"
    return All((*said, *(_moved(model, each.formula, first) for each in model.constraints)))


def _moved(model: FeatureModel, formula: Formula, by: int) -> Formula:  # noqa: PLR0911 - one for each kind
    match formula:
        case Has(feature):
            return Has(feature + by)
        case uvl.Truth():
            return formula
        case Not(part):
            return Not(_moved(model, part, by))
        case All(parts):
            return All(tuple(_moved(model, part, by) for part in parts))
        case Some(parts):
            return Some(tuple(_moved(model, part, by) for part in parts))
        case Implies(one, two):
            return Implies(_moved(model, one, by), _moved(model, two, by))
        case Equivalent(one, two):
            return Equivalent(_moved(model, one, by), _moved(model, two, by))
        case uvl.Compare(relation, one, two):
            return uvl.Compare(relation, _moved_term(model, one, by), _moved_term(model, two, by))


def _moved_term(model: FeatureModel, term: uvl.Term, by: int) -> uvl.Term:
    """The same amount of features that stand elsewhere; a sum over a part of the tree is written out, as the tree is gone."""
    match term:
        case uvl.Number():
            return term
        case uvl.Attribute(feature, key):
            return uvl.Attribute(feature + by, key)
        case uvl.Sum(key, under):
            found: uvl.Term = uvl.Number(Decimal(0))
            for feature in model.amounts(key, under):
                found = uvl.Arithmetic("+", found, uvl.Attribute(feature + by, key))
            return found
        case uvl.Arithmetic(sign, one, two):
            return uvl.Arithmetic(sign, _moved_term(model, one, by), _moved_term(model, two, by))
