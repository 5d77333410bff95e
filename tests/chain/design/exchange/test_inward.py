from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from ruamel.yaml import YAML
from tests.support_exchange import configurations_that_differ, feature_model, words
from tests.support_features import configurations, models, published
from tests.support_pack import PACKS, REFRIGERATOR, SMALL

from batchone.chain.design.exchange import PackPart, model_of, part_of
from batchone.chain.design.model import Blueprint
from batchone.chain.design.packs import check_files, load_files, load_pack
from batchone.chain.design.rules import holds, parse
from batchone.chain.design.solver import Space
from batchone.chain.design.space import OptionSpace, count
from batchone.chain.design.uvl import FeatureModel, read, read_file, write
from batchone.kernel.errors import Refused


def space_of(part: PackPart) -> Space:
    return Space(words(part), {rule: parse(text, words(part)) for rule, text in part.rules.items()})


def features_of(part: PackPart, choices: dict[str, str]) -> frozenset[str]:
    """The features that complete choices stand for."""
    vocabulary = words(part)
    return frozenset(name for name, text in part.conditions.items() if holds(parse(text, vocabulary), choices))


DAY = date(2026, 5, 1)


def test_a_pack_that_went_out_and_came_back_has_the_same_options_and_configurations(refrigerator: Blueprint) -> None:
    for pack in (load_files(SMALL), refrigerator.pack):
        part = part_of(read(write(model_of(pack))))
        assert part.options == {option.id: tuple(value.id for value in option.values) for option in pack.options}
        assert count(feature_model(part)).least == count(model_of(pack)).least


@settings(max_examples=80, deadline=None)
@given(models(7))
def test_options_and_rules_have_exactly_the_configurations_of_the_model(model: FeatureModel) -> None:
    found = {frozenset(model.features[number].name for number in each) for each in configurations(model)}
    if not found:
        with pytest.raises(Refused):
            part_of(model)
        return
    if len(found) == 1:
        with pytest.raises(Refused, match="nothing to choose"):
            part_of(model)
        return
    part = part_of(model)
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
        ("features\n\ta\n\t\toptional\n\t\t\tb {w 1}\n\t\t\tc\nconstraints\n\t1 / sum(w) > 0 | c\n", "divides by"),
        ("features\n\ta\n\t\tmandatory\n\t\t\tb\n", "nothing to choose"),
        ("features\n\ta\nconstraints\n\t!a\n", "contradict"),
        ("features\n\ta\n\t\t[10..20]\n" + "".join(f"\t\t\tf{n}\n" for n in range(30)), "rules"),
    ],
)
def test_what_rules_cannot_say_is_refused_by_name(text: str, what: str) -> None:
    with pytest.raises(Refused, match=what):
        part_of(read(text))


def test_an_amount_of_features_becomes_a_count_of_conditions() -> None:
    tree = "features\n\ta\n\t\talternative\n\t\t\tb {w 2.5}\n\t\t\tc {w 4}\n\t\toptional\n\t\t\td {w 4}\n\t\t\te {w 0.5}\n"
    part = part_of(read(tree + "constraints\n\tsum(w) - 3 <= 6 * d.w / 4 + e.w * c.w\n\tb.w * d.w == 10 => e\n"))
    assert list(part.rules.values()) == [
        "5 * count{(a = b)} + 8 * count{(a = c)} + count{(e = yes)} <= 4 * count{(d = yes), (a = c) and (e = yes)} + 6",
        "(10 * count{(a = b) and (d = yes)} = 10) => (e = yes)",
    ]


@pytest.mark.parametrize("folder", [REFRIGERATOR, PACKS / "wardrobe"], ids=lambda each: each.name)
def test_a_pack_out_and_in_again_has_the_same_configurations_proved_both_ways(folder: Path) -> None:
    model = read(write(model_of(load_pack(folder), DAY)))
    part = part_of(model)
    assert configurations_that_differ(model, part) == []


def test_the_proof_sees_a_rule_that_was_lost_and_one_too_many() -> None:
    model = model_of(load_pack(PACKS / "wardrobe"), DAY)
    part = part_of(model)
    sums = [rule for rule, text in part.rules.items() if "count{" in text]
    assert len(sums) >= 4
    for rule in sums:
        loose = replace(part, rules={each: text for each, text in part.rules.items() if each != rule})
        assert configurations_that_differ(model, loose) == ["one of the pack is none of the model"], part.rules[rule]
        text = part.rules[rule].replace("<=", "<").replace("!= 1", "!= 2")
        tight = replace(part, rules={**part.rules, rule: text})
        assert "one of the model is none of the pack" in configurations_that_differ(model, tight), text
