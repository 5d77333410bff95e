"""Sums of weights: as diagrams and as adders they say what adding up says."""

from __future__ import annotations

from itertools import product
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysat.solvers import Minisat22
from tests.support_features import configurations, models

from batchone.chain.design.space import OptionSpace, states, weighing
from batchone.chain.design.space.clauses import Clauses
from batchone.chain.design.uvl import FeatureModel, read
from batchone.kernel.errors import Refused

FLAT = "features\n\tr\n\t\toptional\n" + "".join(
    f"\t\t\tf{number} {{w {weight}}}\n" for number, weight in enumerate((3, -2, 5, 1))
)


@settings(max_examples=60, deadline=None)
@given(models(6), st.sampled_from([0, 4_000]))
def test_diagrams_and_adders_allow_what_adding_up_allows(model: FeatureModel, nodes: int) -> None:
    with patch.object(weighing, "NODES_MAX", nodes):
        space = OptionSpace(model)
    found = {frozenset(each) for each in configurations(model)}
    for bits in product((False, True), repeat=len(model.features)):
        chosen = frozenset(number for number, has in enumerate(bits) if has)
        assert space.possible(dict(enumerate(bits))) is (chosen in found)
    space.close()


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(-1, 20), st.integers(-1, 20), st.sampled_from([0, 4_000])
)
def test_a_number_of_literals_lies_within_bounds(repeats: list[int], least: int, most: int, nodes: int) -> None:
    clauses = Clauses(read(FLAT), merged=False)
    literals = [clauses.variables[1 + number % 4] * (-1 if number % 2 else 1) for number in repeats]
    with patch.object(weighing, "NODES_MAX", nodes):
        inside = weighing.within(clauses, literals, least, most)
    solver = Minisat22(bootstrap_with=[[1], *clauses.defined()])
    for bits in product((False, True), repeat=4):
        given_ = [clauses.variables[1 + at] * (1 if bit else -1) for at, bit in enumerate(bits)]
        many = sum(literal in given_ for literal in literals)
        assert solver.solve(assumptions=[*given_, inside]) is (least <= many <= most)
        assert solver.solve(assumptions=[*given_, -inside]) is not (least <= many <= most)
    solver.delete()


def test_a_sum_over_a_large_model_is_decided_by_adders() -> None:
    prices = "".join(f"\t\t\tf{number} {{price {1 + number * 7919 % 10_007}.{number % 100:02}}}\n" for number in range(400))
    model = read(f"features\n\tr\n\t\toptional\n{prices}constraints\n\tsum(price) <= 12345.67\n")
    clauses = Clauses(model, merged=True)
    assert sum(1 for _ in clauses.all()) < 80_000
    space = OptionSpace(model)
    assert space.possible({1: True, 2: True})
    assert not space.possible(dict.fromkeys(range(1, 401), True))


def test_a_question_that_the_solver_cannot_answer_is_given_up() -> None:
    prices = "".join(f"\t\t\tf{number} {{price {1 + number * 7919 % 10_007}}}\n" for number in range(200))
    space = OptionSpace(read(f"features\n\tr\n\t\toptional\n{prices}constraints\n\tsum(price) == 123457\n"))
    with patch.object(states, "CONFLICTS_MAX", 10), pytest.raises(Refused, match="not known"):
        space.possible({1: True})


@pytest.mark.parametrize(
    ("constraint", "what"),
    [("f0.w / f1.w > 1", "divides"), ("1 / (f0.w - f0.w) > 1", "divides"), ("f0.w / 0 > 1", "by zero")],
)
def test_what_cannot_be_decided_is_refused(constraint: str, what: str) -> None:
    with pytest.raises(Refused, match=what):
        OptionSpace(read(f"{FLAT}constraints\n\t{constraint}\n"))


def test_a_product_with_too_many_terms_is_refused() -> None:
    many = "".join(f"\t\t\tf{number} {{w 1}}\n" for number in range(200))
    with pytest.raises(Refused, match="terms"):
        OptionSpace(read(f"features\n\tr\n\t\toptional\n{many}constraints\n\tsum(w) * sum(w) > 4\n"))
