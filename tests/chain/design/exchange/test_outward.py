from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest
from tests.support_brute import Brute
from tests.support_exchange import feature_model
from tests.support_made_up import made_up
from tests.support_nested import RACK
from tests.support_pack import PACKS, SMALL
from tests.support_universe import Universe

from batchone.chain.design.exchange import feature_of, model_of, part_of
from batchone.chain.design.model import Blueprint
from batchone.chain.design.packs import check_files, load_files, load_pack
from batchone.chain.design.space import OptionSpace, count, difference
from batchone.chain.design.uvl import FeatureModel, read, write
from batchone.contracts.pack import Pack, Rule

DAY = date(2026, 5, 1)


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


def told(pack: Pack, rule: str) -> str:
    """One rule of a pack as UVL says it."""
    model = model_of(pack, DAY)
    alone = FeatureModel(model.features, model.groups, tuple(each for each in model.constraints if each.text == rule))
    return write(alone).rpartition("\t")[2].strip()


def test_sums_are_said_with_the_numbers_of_options_and_counts_with_what_is_chosen() -> None:
    wardrobe = load_pack(PACKS / "wardrobe")
    bays = [f'"bay·{number}' for number in range(1, 5)]
    spans = [f'sum({bay}·span_cm", value)' for bay in bays]
    assert told(wardrobe, "bays-fit-the-wall") == (
        f"((({spans[0]} + {spans[1]}) + ({spans[2]} + {spans[3]})) <= sum(wall_cm, value))"
    )
    gliding = [f'{bay}·fascia=glide-door".chosen' for bay in bays]
    assert told(wardrobe, "sliding-doors-come-in-pairs") == (
        f"((({gliding[0]} + {gliding[1]}) + ({gliding[2]} + {gliding[3]})) != 1)"
    )
    assert '((30 * sum("bay·2·planks", value)) + (20 * sum("bay·2·trays", value))) + 40) <= sum(tall_cm, value)' in told(
        wardrobe, "inside-fits"
    )


def ruled(rule: str) -> Pack:
    """The rack with this rule in the place of its own."""
    return replace(load_files(RACK), rules=(Rule("it", rule, {"en": "No.", "zh": "否。"}),))


def test_a_product_of_numbers_is_a_product_and_conditions_are_told_apart_so_that_sums_stay_linear() -> None:
    area = "height * shelves + 10 cm * sum(shelf: boxes) <= 3 m"
    boxes = [f'sum("shelf·{number}·boxes", value)' for number in range(1, 4)]
    assert told(ruled(area), "it") == (
        f"(((sum(height, value) * sum(shelves, value)) + (10 * (({boxes[0]} + {boxes[1]}) + {boxes[2]}))) <= 300)"
    )
    linear = told(ruled("count{height = 100 and steel = plain, shelves = 1} + shelves <= 3"), "it")
    assert "*" not in linear
    assert "!" in linear


@pytest.mark.parametrize(
    "rule",
    [
        "height * shelves + 10 cm * sum(shelf: boxes) <= 3 m",
        "2 * height - 50 cm * shelves = 1.5 m",
        "height * shelves * shelves - 0.5 m > 70 cm * count(shelf: load = 100)",
        "sum(shelf: load * boxes) + height * 1 kg/cm >= 200",
        "count(shelf: load = 100 and boxes = 1) >= 2 or shelves < 2",
        "exactly 2 of {height * shelves > 200, sum(shelf: load) = 100, extras has hooks}",
        "at most 3 of {steel = plain and height = 100, steel = inox and shelves = 2, every(shelf: boxes = 0), some(shelf: load = 100), extras has cover, steel = plain or height = 150, steel = painted or shelves = 1}",  # noqa: E501
        "count(extras) * shelves != 2",
        "sum(shelf: boxes) - count{steel = inox} < 2 <=> extras has wheels",
    ],
)
def test_a_rule_over_numbers_has_exactly_the_configurations_that_trying_everything_finds(rule: str) -> None:
    pack = ruled(rule)
    brute = Brute(pack, DAY)
    assert 0 < len(brute.valid) < len(brute.all)
    agrees(pack, brute)


def agrees(pack: Pack, brute: Brute) -> None:
    """The pack as a text in UVL, and that text as options and rules, have the configurations that trying everything finds."""
    model = model_of(pack, brute.day)
    back = read(write(model))
    assert difference(model, back) is None
    assert count(back).least == len(brute.valid)
    space, numbers = OptionSpace(back), back.numbers
    for choices in brute.all[:: max(1, len(brute.all) // 150)]:
        chosen = {numbers[feature_of(option, value)]: True for option, value in choices.items()}
        assert space.possible(chosen) is brute.keeps(choices), choices
    space.close()
    if len(brute.valid) > 1:
        assert count(feature_model(part_of(back))).least == len(brute.valid)


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 4, 1), date(2026, 7, 1)])
def test_parts_limits_and_dates_go_out_as_they_are_on_a_day(day: date) -> None:
    pack = load_files(RACK)
    agrees(pack, Brute(pack, day))


@pytest.mark.parametrize("seed", range(40))
def test_a_made_up_pack_has_the_same_configurations_in_uvl_and_back(seed: int) -> None:
    report = check_files(made_up(random.Random(seed)))
    if report.pack is not None:
        agrees(report.pack, Brute(report.pack, date(2026, 4, 1)))
