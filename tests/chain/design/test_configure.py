from __future__ import annotations

import random
import time
from itertools import combinations

import pytest
from tests.support_universe import Universe

from batchone.chain.design.configure import configure
from batchone.chain.design.model import Blueprint
from batchone.contracts.design import ConfigurationState, Reason, Standing
from batchone.kernel.errors import Refused
from batchone.kernel.money import Money


def standing(state: ConfigurationState) -> dict[tuple[str, str], Standing]:
    return {(option.id, value.id): value.standing for option in state.options for value in option.values}


def expected(universe: Universe, picks: dict[str, str]) -> dict[tuple[str, str], Standing]:
    found = {}
    for option, values in universe.vocabulary.options.items():
        others = universe.valid & universe.with_choices({o: v for o, v in picks.items() if o != option})
        open_values = [value for value in values if others & universe.having[option, value]]
        for value in values:
            if picks.get(option) == value:
                found[option, value] = Standing.CHOSEN
            elif value not in open_values:
                found[option, value] = Standing.EXCLUDED
            else:
                found[option, value] = Standing.FORCED if len(open_values) == 1 else Standing.SELECTABLE
    return found


def reasons(state: ConfigurationState) -> list[tuple[str, str, Standing, Reason]]:
    return [(o.id, v.id, v.standing, v.reason) for o in state.options for v in o.values if v.reason is not None]


def test_rules_written_by_hand_find_the_same_valid_configurations(universe: Universe) -> None:
    def is_valid(c: dict[str, str]) -> bool:
        wide = c["layout"] in ("french4", "cross")
        return (
            (c["dispenser"] == "none" or (int(c["volume_l"]) >= 480 and wide))
            and (c["smart"] != "21in" or (c["panel"] == "glass" and wide))
            and (c["grade"] != "1" or c["compressor"] == "inverter")
            and (c["freshness"] != "o2-control" or (c["cooling"] == "frostfree" and c["compressor"] == "inverter"))
            and (not wide or c["hinge"] == "left")
            and int(c["racks"]) <= {"220": 3, "330": 4}.get(c["volume_l"], 5)
        )

    assert universe.where(is_valid) == universe.valid
    assert len(universe.combinations) == 380_160


def test_the_solver_judges_every_combination_as_the_rules_do(refrigerator: Blueprint, universe: Universe) -> None:
    judged = "".join("1" if refrigerator.space.possible(c) else "0" for c in reversed(universe.combinations))
    assert int(judged, 2) == universe.valid


def test_every_pair_of_choices_leaves_exactly_what_is_possible(refrigerator: Blueprint, universe: Universe) -> None:
    options = universe.vocabulary.options
    pairs = [{one: v, other: w} for one, other in combinations(options, 2) for v in options[one] for w in options[other]]
    for picks in pairs:
        if universe.valid & universe.with_choices(picks):
            assert standing(configure(refrigerator, picks)) == expected(universe, picks), picks
        else:
            with pytest.raises(Refused):
                configure(refrigerator, picks)


def test_any_possible_choices_leave_exactly_what_is_possible(refrigerator: Blueprint, universe: Universe) -> None:
    chance = random.Random(2)
    found = universe.listed(universe.valid)
    for _ in range(150):
        whole = chance.choice(found)
        picks = {option: whole[option] for option in chance.sample(sorted(whole), chance.randint(1, 9))}
        assert standing(configure(refrigerator, picks)) == expected(universe, picks), picks


def test_every_reason_is_true_and_minimal(refrigerator: Blueprint, universe: Universe) -> None:
    chance = random.Random(3)
    found = universe.listed(universe.valid)
    seen = 0
    for _ in range(80):
        whole = chance.choice(found)
        picks = {option: whole[option] for option in chance.sample(sorted(whole), 4)}
        for option, value, how, reason in reasons(configure(refrigerator, picks)):
            seen += 1
            here = universe.having[option, value]
            here = here if how is Standing.EXCLUDED else universe.everything & ~here
            assert reason.choices.items() <= {o: v for o, v in picks.items() if o != option}.items()
            assert not here & universe.with_choices(reason.choices) & universe.with_rules(reason.rules)
            for left_out in reason.choices:
                fewer = {o: v for o, v in reason.choices.items() if o != left_out}
                assert here & universe.with_choices(fewer) & universe.with_rules(reason.rules)
            for left_out in reason.rules:
                fewer_rules = [rule for rule in reason.rules if rule != left_out]
                assert here & universe.with_choices(reason.choices) & universe.with_rules(fewer_rules)
    assert seen > 100


def test_differences_are_what_choosing_changes(refrigerator: Blueprint) -> None:
    picks = {"dispenser": "ice", "layout": "cross"}
    state = configure(refrigerator, picks)
    for option in state.options:
        for value in option.values:
            if value.standing is Standing.EXCLUDED:
                assert value.price_difference is None
                assert value.lead_difference_s is None
                continue
            then = configure(refrigerator, {**picks, option.id: value.id})
            assert value.price_difference == then.price - state.price
            assert value.lead_difference_s == then.lead_s - state.lead_s


def test_a_reason_reads_as_the_messages_of_its_rules(lamp: Blueprint) -> None:
    state = configure(lamp, {"light": "halogen"})
    [tall] = [value for option in state.options for value in option.values if value.id == "60"]
    assert tall.standing is Standing.EXCLUDED
    said = {"en": "Halogen gets hot.", "zh": "卤素很热。"}
    assert tall.reason == Reason(said, {"light": "halogen"}, ("hot-lamps-stay-low",), ("light",))
    forced = configure(lamp, {"height_cm": "60"}).options[0].values[2]
    assert forced.standing is Standing.FORCED
    assert forced.reason is not None
    assert forced.reason.rules == ("tall-lamps-are-clamped",)


def test_prices_and_leads_are_exact_sums(lamp: Blueprint, refrigerator: Blueprint) -> None:
    assert configure(lamp, {}).price == Money.of("20.00", "EUR")
    tall = configure(lamp, {"height_cm": "60"})
    assert tall.price == Money.of("26.00", "EUR")  # 20.00 + 5.00 + 1.50 - 0.50
    assert tall.lead_s == 86400 + 7200
    assert configure(refrigerator, {}).price == Money.of("3009.00", "CNY")
    assert configure(refrigerator, {"panel": "print"}).lead_s == 2 * 86400


@pytest.mark.parametrize(
    ("picks", "code", "where"),
    [
        ({"weight": "9"}, "design.unknown_option", {"option": "weight"}),
        ({"foot": "oval"}, "design.unknown_value", {"option": "foot", "value": "oval"}),
        ({"foot": "Round"}, "design.unknown_value", {"option": "foot", "value": "Round"}),
        (
            {"light": "halogen", "foot": "clamp", "height_cm": "60"},
            "design.impossible",
            {"choices": "height_cm = 60, light = halogen", "rules": "hot-lamps-stay-low"},
        ),
    ],
)
def test_unknown_and_impossible_choices_are_refused(
    lamp: Blueprint, picks: dict[str, str], code: str, where: dict[str, str]
) -> None:
    with pytest.raises(Refused) as caught:
        configure(lamp, picks)
    assert caught.value.code == code
    assert caught.value.where == where
    assert caught.value.cure


def test_one_click_takes_milliseconds(refrigerator: Blueprint) -> None:
    picks = {"dispenser": "ice-water", "smart": "21in", "freshness": "o2-control"}
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        configure(refrigerator, picks)
        times.append(time.perf_counter() - begin)
    assert sorted(times)[10] < 0.2  # far above what it takes, far below what a person notices
