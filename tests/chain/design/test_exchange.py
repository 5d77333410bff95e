from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from ruamel.yaml import YAML
from tests.support_features import configurations, models, published
from tests.support_pack import SMALL
from tests.support_universe import Universe

from batchone.chain.design.exchange import PackPart, model_of, part_of
from batchone.chain.design.model import Blueprint
from batchone.chain.design.packs import check_files, load_files
from batchone.chain.design.rules import Vocabulary, holds, parse
from batchone.chain.design.solver import Space
from batchone.chain.design.space import OptionSpace, count, difference
from batchone.chain.design.uvl import Constraint, FeatureModel, read, read_file, write
from batchone.chain.design.uvl.model import Compare
from batchone.contracts.pack import Option, Rule, Value
from batchone.kernel.errors import Refused
from batchone.kernel.money import Money


def words(part: PackPart) -> Vocabulary:
    return Vocabulary(options=part.options, numbers={}, derived={})


def space_of(part: PackPart) -> Space:
    return Space(words(part), {rule: parse(text, words(part)) for rule, text in part.rules.items()})


def features_of(part: PackPart, choices: dict[str, str]) -> frozenset[str]:
    """The features that complete choices stand for."""
    vocabulary = words(part)
    return frozenset(name for name, text in part.conditions.items() if holds(parse(text, vocabulary), choices))


def test_a_packs_feature_model_has_exactly_the_packs_configurations(refrigerator: Blueprint, universe: Universe) -> None:
    model = model_of(refrigerator.pack)
    assert count(model).least == universe.valid.bit_count()
    space, numbers = OptionSpace(read(write(model))), model.numbers
    for number, choices in enumerate(universe.combinations[:: max(1, len(universe.combinations) // 1_500)]):
        chosen = {numbers[f"{option}={value}"]: True for option, value in choices.items()}
        assert space.possible(chosen) is refrigerator.space.possible(choices), number
    space.close()


def test_prices_and_numbers_of_a_pack_travel_as_attributes() -> None:
    pack = load_files(SMALL)
    model = read(write(model_of(pack)))
    tall = model.features[model.numbers["height_cm=45"]]
    assert (tall.number("price"), tall.number("value")) == (3, 45)
    assert model.features[model.numbers["foot=clamp"]].number("lead_s") == 86_400
    assert model.features[0].number("price") == 20


def test_a_pack_that_went_out_and_came_back_has_the_same_options_and_configurations(refrigerator: Blueprint) -> None:
    for pack in (load_files(SMALL), refrigerator.pack):
        part = part_of(read(write(model_of(pack))))
        assert part.options == {option.id: tuple(value.id for value in option.values) for option in pack.options}
        assert count(feature_model(part)).least == count(model_of(pack)).least


def feature_model(part: PackPart) -> FeatureModel:
    """A part of a pack as a feature model again, through a whole pack around it."""
    options = tuple(
        Option(option, {}, None, values[0], tuple(Value(value, {}, Money.zero("EUR"), 0.0) for value in values))
        for option, values in part.options.items()
    )
    rules = tuple(Rule(rule, text, {}) for rule, text in part.rules.items())
    return model_of(replace(load_files(SMALL), options=options, derived=(), rules=rules))


@settings(max_examples=80, deadline=None)
@given(models(7))
def test_options_and_rules_have_exactly_the_configurations_of_the_model(model: FeatureModel) -> None:
    boolean = FeatureModel(
        model.features, model.groups, tuple(each for each in model.constraints if "Compare" not in repr(each.formula))
    )
    found = {frozenset(boolean.features[number].name for number in each) for each in configurations(boolean)}
    if not found:
        with pytest.raises(Refused):
            part_of(boolean)
        return
    if len(found) == 1:
        with pytest.raises(Refused, match="nothing to choose"):
            part_of(boolean)
        return
    part = part_of(boolean)
    space = space_of(part)
    came = [
        features_of(part, choices)
        for values in product(*part.options.values())
        if space.possible(choices := dict(zip(part.options, values, strict=True)))
    ]
    space.close()
    assert len(came) == len(set(came)), "two configurations of the pack are one of the model"
    assert set(came) == found


@pytest.mark.parametrize("name", ["berkeleydb", "pc-richmond"])
def test_a_published_model_becomes_options_with_as_many_configurations(name: str) -> None:
    model = read_file(published(name))
    part = part_of(model)
    assert count(feature_model(part)).least == count(model).least
    space = space_of(part)
    asked = OptionSpace(model)
    for feature in model.features:
        condition = parse(part.conditions[feature.name], words(part))
        assert space.possible({}, space.literal(condition)) is asked.possible({model.numbers[feature.name]: True})
    space.close()


def test_the_files_are_a_valid_part_of_a_pack(tmp_path: Path) -> None:
    tree = 'features\n\tbike\n\t\talternative\n\t\t\t"City bike"\n\t\t\trace\n\t\toptional\n\t\t\tBell\n'
    text = tree + "constraints\n\trace => !Bell\n"
    part = part_of(read(text))
    files = part.files()
    report = check_files({**SMALL, **files})
    told = [fault for fault in report.faults if fault.file in files and "zh" not in fault.what]
    assert [fault for fault in told if fault.file == "rules.yaml"] == []
    options = YAML(typ="safe").load(files["options.yaml"])["options"]
    assert [(option["id"], [value["id"] for value in option["values"]]) for option in options] == [
        ("bike", ["city-bike", "race"]), ("bell", ["no", "yes"]),
    ]  # fmt: skip
    assert options[0]["values"][0]["name"] == {"en": "City bike"}
    rules = YAML(typ="safe").load(files["rules.yaml"])["rules"]
    assert rules[0]["message"] == {"en": "race => !Bell"}


def test_what_no_configuration_has_is_left_out_and_what_all_have_is_no_option() -> None:
    tree = "features\n\ta\n\t\toptional\n\t\t\tb\n\t\t\tc\n\t\t\td\n\t\talternative\n\t\t\te\n\t\t\tf\n\t\t\tg\n"
    text = tree + "constraints\n\tb\n\t!c\n\t!e\n"
    part = part_of(read(text))
    assert part.options == {"a": ("f", "g"), "d": ("no", "yes")}
    assert not part.rules or set(part.rules.values()) <= {"true", "not (false)"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("features\n\ta\n\t\toptional\n\t\t\tb {w 1}\n\t\t\tc\nconstraints\n\tsum(w) > 0 | c\n", "Line 7 compares numbers"),
        ("features\n\ta\n\t\tmandatory\n\t\t\tb\n", "nothing to choose"),
        ("features\n\ta\nconstraints\n\t!a\n", "contradict"),
        ("features\n\ta\n\t\t[10..20]\n" + "".join(f"\t\t\tf{n}\n" for n in range(30)), "rules"),
    ],
)
def test_what_rules_cannot_say_is_refused_by_name(text: str, what: str) -> None:
    with pytest.raises(Refused, match=what):
        part_of(read(text))


def test_the_proof_of_equal_configurations_sees_a_rule_that_was_lost(refrigerator: Blueprint) -> None:
    model = model_of(refrigerator.pack)
    less = FeatureModel(model.features, model.groups, model.constraints[1:], model.namespace)
    assert difference(model, less) is not None
    assert not any(isinstance(each.formula, Compare) for each in model.constraints)
    assert all(isinstance(each, Constraint) for each in model.constraints)
