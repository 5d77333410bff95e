from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support_features import configurations, models

from batchone.chain.design.space import count
from batchone.chain.design.uvl import FeatureModel


@settings(max_examples=80, deadline=None)
@given(models())
def test_a_count_is_the_number_of_configurations(model: FeatureModel) -> None:
    found = count(model)
    assert found.exact
    assert found.least == len(configurations(model))


@settings(max_examples=50, deadline=None)
@given(models(), st.integers(0, 2))
def test_a_count_that_was_cut_short_lies_around_the_number(model: FeatureModel, limit: int) -> None:
    found, number = count(model, limit), len(configurations(model))
    assert found.least <= number <= found.most
    assert (found.least > 0) is (number > 0)


def test_bounds_are_told_as_powers_of_ten() -> None:
    from batchone.chain.design.uvl import read

    names = "\n".join(f"\t\t\to{number}" for number in range(2_000))
    found = count(read(f"features\n\troot\n\t\toptional\n{names}\n"))
    assert found.exact
    assert found.least == 2**2_000
    assert round(found.log10[0], 6) == round(2_000 * 0.30102999566, 6)
