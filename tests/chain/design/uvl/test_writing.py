from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.support_features import PUBLISHED, configurations, models, published

from batchone.chain.design.space import difference
from batchone.chain.design.uvl import FeatureModel, read, read_file, write
from batchone.kernel.errors import Refused


def groups(model: FeatureModel) -> list[tuple[object, ...]]:
    return sorted((each.members, each.parent, str(each.relation), each.least, each.most) for each in model.groups)


@settings(max_examples=60, deadline=None)
@given(models(7))
def test_what_is_written_reads_back_to_the_same_tree_and_the_same_configurations(model: FeatureModel) -> None:
    again = read(write(model))
    assert [(f.name, f.parent, f.attributes) for f in again.features] == [
        (f.name, f.parent, f.attributes) for f in model.features
    ]
    # Groups are numbered as they stand in the text.
    assert groups(again) == groups(model)
    assert configurations(again) == configurations(model)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_read_back_to_the_same_configurations_proved_both_ways(name: str) -> None:
    model = read_file(published(name))
    again = read(write(model))
    assert len(again.features) == len(model.features)
    assert difference(model, again) is None


def test_the_proof_sees_one_constraint_that_was_lost() -> None:
    model = read_file(published("berkeleydb"))
    text = write(model).rstrip("\n")
    less = read(text[: text.rindex("\n")] + "\n")
    assert len(less.constraints) == len(model.constraints) - 1
    found = difference(less, model)
    assert found is not None
    assert found.only_in_first


def test_names_texts_and_numbers_are_written_as_they_are_read() -> None:
    text = """namespace "my shop".bikes

features
\t"the root" {abstract, "a key" -1.5, list [1, 'two'], deep {on true}}
\t\t[1..2]
\t\t\t"or"
\t\t\tplain
\t\t\t"größe"

constraints
\t(("or" => plain) <=> !"größe")
"""
    assert write(read(text)) == text


def test_a_name_that_the_language_cannot_say_is_refused() -> None:
    model = read("features\n\ta\n")
    root = model.features[0]._replace(name="a.b")
    with pytest.raises(Refused, match=r"a\.b"):
        write(FeatureModel((root,), (), ()))
