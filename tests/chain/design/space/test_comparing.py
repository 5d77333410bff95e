from __future__ import annotations

from hypothesis import given, settings
from tests.support_features import configurations, models

from batchone.chain.design.space import difference
from batchone.chain.design.uvl import FeatureModel, read


def named(model: FeatureModel) -> set[frozenset[str]]:
    return {frozenset(model.features[number].name for number in each) for each in configurations(model)}


@settings(max_examples=60, deadline=None)
@given(models(7), models(7))
def test_two_models_differ_exactly_where_their_configurations_do(one: FeatureModel, other: FeatureModel) -> None:
    first, second = named(one), named(other)
    found = difference(one, other)
    assert (found is None) is (first == second)
    if found is not None:
        has, has_not = (first, second) if found.only_in_first else (second, first)
        assert found.features in has
        assert found.features not in has_not


def test_a_feature_that_one_model_does_not_have_makes_a_difference_only_where_it_can_be_chosen() -> None:
    small = read("features\n\ta\n\t\toptional\n\t\t\tb\n")
    more = read("features\n\ta\n\t\toptional\n\t\t\tb\n\t\t\tc\n")
    dead = read("features\n\ta\n\t\toptional\n\t\t\tb\n\t\t\tc\nconstraints\n\t!c\n")
    found = difference(small, more)
    assert found is not None
    assert not found.only_in_first
    assert "c" in found.features
    assert difference(small, dead) is None
