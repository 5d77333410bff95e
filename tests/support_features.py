"""Feature models for tests: random small ones with every configuration listed, and published ones that nobody here wrote."""

from __future__ import annotations

import os
from decimal import Decimal
from itertools import product
from pathlib import Path

import pytest
from hypothesis import strategies as st

from batchone.chain.design.uvl import Constraint, Feature, FeatureModel, Group, Relation, valid
from batchone.chain.design.uvl.model import (
    All,
    Arithmetic,
    Attribute,
    Compare,
    Equivalent,
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

PUBLISHED = ("printer", "pc-richmond", "berkeleydb", "financialservices01", "automotive01", "automotive02")
_BESIDE = Path(__file__).parents[2] / "shared/data"


def published(name: str) -> Path:
    """A published model's file; skips the test where the folder of data is not there."""
    file = Path(os.environ.get("BATCHONE_DATA", _BESIDE)) / "product-models" / f"{name}.uvl"
    if not file.is_file():
        pytest.skip(f"{file} is not there: name the folder of data that nobody here wrote in BATCHONE_DATA")
    return file


def configurations(model: FeatureModel) -> list[frozenset[int]]:
    """Every configuration of a small model, found by trying every set of features."""
    numbers = range(len(model.features))
    sets = (frozenset(number for number in numbers if bits[number]) for bits in product((False, True), repeat=len(numbers)))
    return [chosen for chosen in sets if valid(model, chosen)]


@st.composite
def models(draw: st.DrawFn, most: int = 9) -> FeatureModel:
    """A model of two to `most` features in groups of every relation, some with numbers, and up to four constraints."""
    size = draw(st.integers(2, most))
    children: dict[int, list[list[int]]] = {}
    for number in range(1, size):
        groups = children.setdefault(draw(st.integers(0, number - 1)), [[]])
        if groups[-1] and draw(st.integers(0, 3)) == 0:
            groups.append([])
        groups[-1].append(number)
    # Features are numbered as a text would have them: each before what stands below it.
    order: list[int] = []
    waiting = [0]
    while waiting:
        number = waiting.pop()
        order.append(number)
        waiting += reversed([member for members in children.get(number, []) for member in members])
    place = {number: at for at, number in enumerate(order)}
    groups_, of = [], {}
    for number in order:
        for members in children.get(number, []):
            relation = draw(st.sampled_from(Relation))
            many = len(members)
            least, most_ = {
                Relation.MANDATORY: (many, many),
                Relation.OPTIONAL: (0, many),
                Relation.ALTERNATIVE: (1, 1),
                Relation.OR: (1, many),
            }.get(relation, (0, 0))
            if relation is Relation.CARDINALITY:
                least = draw(st.integers(0, many))
                most_ = draw(st.integers(least, many + 1))
            for member in members:
                of[member] = (place[number], len(groups_))
            groups_.append(Group(relation, place[number], tuple(place[member] for member in members), least, most_))
    amounts = st.one_of(st.none(), st.integers(-4, 6).map(Decimal), st.sampled_from([Decimal("0.5"), Decimal("2.25")]))
    features = []
    for number in order:
        amount = draw(amounts)
        attributes = {} if amount is None else {"w": amount}
        features.append(Feature(f"f{place[number]}", *of.get(number, (-1, -1)), 0, attributes))
    weighted = [number for number, feature in enumerate(features) if feature.attributes]
    found = draw(st.lists(formulas(size, weighted), max_size=4))
    return FeatureModel(tuple(features), tuple(groups_), tuple(Constraint(formula, at) for at, formula in enumerate(found, 1)))


def formulas(size: int, weighted: list[int]) -> st.SearchStrategy[Formula]:
    """Formulas over so many features; comparisons where some of them have a number `w`."""
    leaves: list[st.SearchStrategy[Formula]] = [st.integers(0, size - 1).map(Has)] * 5 + [st.booleans().map(Truth)]
    if weighted:
        terms = _terms(size, weighted)
        leaves.append(st.builds(Compare, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), terms, terms))
    return st.recursive(
        st.one_of(leaves),
        lambda parts: st.one_of(
            parts.map(Not),
            st.lists(parts, min_size=1, max_size=4).map(lambda found: All(tuple(found))),
            st.lists(parts, min_size=1, max_size=4).map(lambda found: Some(tuple(found))),
            st.builds(Implies, parts, parts),
            st.builds(Equivalent, parts, parts),
        ),
        max_leaves=8,
    )


def _terms(size: int, weighted: list[int]) -> st.SearchStrategy[Term]:
    numbers = st.one_of(st.integers(-6, 12).map(Decimal), st.sampled_from([Decimal("1.5"), Decimal("0.25")])).map(Number)
    leaves: st.SearchStrategy[Term] = st.one_of(
        numbers,
        st.sampled_from(weighted).map(lambda feature: Attribute(feature, "w")),
        st.one_of(st.none(), st.integers(0, size - 1)).map(lambda under: Sum("w", under)),
    )
    return st.recursive(
        leaves, lambda parts: st.builds(Arithmetic, st.sampled_from(["+", "-", "*"]), parts, parts), max_leaves=4
    )
