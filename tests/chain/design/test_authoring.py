"""A draft of rules: its faults, what it kills and forces, how many configurations it leaves, and what becomes of orders."""

from collections.abc import Mapping
from datetime import date
from itertools import product

import pytest
from tests.support_pack import PACKS, SMALL

from batchone.chain.design.authoring import RULES, released, tried
from batchone.chain.design.completion import complete
from batchone.chain.design.exchange import model_of
from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.design.packs import load_files, read_pack_files
from batchone.contracts.authoring import RulesTried, TrialOrder
from batchone.kernel.errors import Refused

DAY = date(2026, 3, 2)
TEXT = SMALL[RULES]


def draft(lamp: Blueprint, text: str, *orders: TrialOrder, files: Mapping[str, str] = SMALL) -> RulesTried:
    return tried(files, text, orders, lamp.at(DAY), DAY)


def ruled(*rules: str) -> str:
    said = "".join(f"  - {{id: r{n}, rule: {rule!r}, message: {{en: No., zh: 否。}}}}\n" for n, rule in enumerate(rules))
    return TEXT.replace("prices:", f"{said}prices:")


def possible(blueprint: Blueprint) -> list[dict[str, str]]:
    """Every configuration, by trying all combinations."""
    options = blueprint.vocabulary.options
    every = [dict(zip(options, values, strict=True)) for values in product(*options.values())]
    return [each for each in every if blueprint.space.possible(each)]


def test_the_rules_in_force_change_nothing(lamp: Blueprint) -> None:
    found = draft(lamp, TEXT)
    assert found.valid
    assert found.compared
    assert (found.gained, found.lost, found.dead, found.forced) == (None, None, {}, {})
    assert found.count is not None
    assert (found.count.least, found.count.most) == (str(len(possible(lamp))),) * 2


@pytest.mark.parametrize("rules", [("light != halogen",), ("foot = round",), ("light = led", "foot = round => height_cm = 30")])
def test_what_a_draft_kills_forces_and_counts_is_what_trying_everything_finds(lamp: Blueprint, rules: tuple[str, ...]) -> None:
    text = ruled(*rules)
    found = draft(lamp, text)
    left = possible(compile_pack(load_files({**SMALL, RULES: text})))
    assert found.count is not None
    assert found.count.least == found.count.most == str(len(left))
    options = lamp.vocabulary.options
    dead = {o: tuple(v for v in values if all(each[o] != v for each in left)) for o, values in options.items()}
    assert found.dead == {option: values for option, values in dead.items() if values}
    assert found.forced == {o: left[0][o] for o in options if len({each[o] for each in left}) == 1}
    assert found.gained is None
    assert found.lost in possible(lamp)
    assert found.lost not in left


def test_a_looser_draft_gains_a_configuration(lamp: Blueprint) -> None:
    found = draft(lamp, TEXT.replace("height_cm <= 45", "height_cm <= 60"))
    assert found.lost is None
    assert found.gained is not None
    assert found.gained["light"] == "halogen"
    assert found.gained not in possible(lamp)


def test_a_fault_has_its_line_column_and_cure_and_nothing_else_is_said(lamp: Blueprint) -> None:
    found = draft(lamp, ruled("foot = rond"))
    assert not found.valid
    (mark,) = found.marks
    assert TEXT.split("prices:")[0].count("\n") + 1 == mark.line
    assert mark.column > 0
    assert "rond" in mark.what
    assert mark.cure
    assert not mark.warning
    assert (found.count, found.orders) == (None, ())


def test_contradictory_rules_are_named(lamp: Blueprint) -> None:
    found = draft(lamp, ruled("foot = clamp", "foot = square"))
    assert not found.valid
    assert "r0" in found.marks[0].what
    assert "r1" in found.marks[0].what


def test_a_value_that_leaves_the_bill_of_materials_open_is_shown_by_a_counterexample(lamp: Blueprint) -> None:
    wrong = {**SMALL, "bom.yaml": SMALL["bom.yaml"].replace("foot = clamp", "foot = clamp and height_cm = 30")}
    assert wrong != SMALL
    found = draft(lamp, TEXT, files=wrong)
    assert not found.valid
    assert "is chosen for foot = clamp" in found.marks[0].what
    assert draft(lamp, ruled("foot = clamp => height_cm = 30"), files=wrong).valid


def test_orders_are_completed_priced_against_before_or_refused_with_the_rule(lamp: Blueprint) -> None:
    text = ruled("light != halogen").replace('price: "-0.50"', 'price: "-1.00"')
    orders = [
        TrialOrder("hot", {"light": "halogen"}),
        TrialOrder("tall", {"height_cm": "60"}),
        TrialOrder("odd", {"foot": "wheels"}),
    ]
    hot, tall, odd = draft(lamp, text, *orders).orders
    assert (hot.possible, odd.possible) == (False, False)
    assert hot.reason is not None
    assert hot.reason.rules == ("r0",)
    assert odd.reason is None
    assert tall.possible
    assert tall.completed == complete(lamp, {"height_cm": "60"})
    assert tall.price is not None
    assert tall.price_before is not None
    assert str(tall.price_before.amount - tall.price.amount) == "0.50"
    assert tall.lines > 0
    assert tall.operations > 0


@pytest.fixture(scope="module")
def wardrobe() -> dict[str, str]:
    return read_pack_files(PACKS / "wardrobe")


@pytest.mark.parametrize(
    ("old", "new", "gains", "loses"),
    [
        ("", "", False, False),
        ("sum(bay: span_cm) <= wall_cm", "sum(bay: span_cm) + 0 cm <= wall_cm", False, False),
        ("sum(bay: span_cm) <= wall_cm", "sum(bay: span_cm) < wall_cm", False, True),
        ("sum(bay: span_cm) <= wall_cm", "sum(bay: span_cm) <= wall_cm + 25 cm", True, False),
        ("count(bay: fascia = glide-door) != 1", "count(bay: fascia = glide-door) != 2", True, True),
        ("filled_cm <= tall_cm - 0.4 m", "filled_cm <= tall_cm - 0.45 m", False, True),
        ("at most 1 of {addons", "at most 2 of {addons", True, False),
    ],
)
def test_what_a_draft_over_sums_gains_and_loses_is_possible_in_one_version_only(
    wardrobe: dict[str, str], old: str, new: str, gains: bool, loses: bool
) -> None:
    text = wardrobe[RULES].replace(old, new)
    before, after = (compile_pack(load_files({**wardrobe, RULES: each})).at(DAY) for each in (wardrobe[RULES], text))
    found = tried(wardrobe, text, (), before, DAY)
    assert found.valid, found.marks
    assert found.compared
    assert (found.gained is not None, found.lost is not None) == (gains, loses)
    for choices, having, lacking in ((found.gained, after, before), (found.lost, before, after)):
        if choices is not None:
            assert having.space.possible(choices)
            assert not lacking.space.possible(choices)
            assert complete(having, choices) == choices
    assert found.count is not None
    assert 1 < int(found.count.least) < int(found.count.most)


def test_where_a_rule_is_beyond_comparing_configurations_are_counted_between_bounds(wardrobe: dict[str, str]) -> None:
    """Seven conditions that are sums themselves would have to be told apart in 128 cases."""
    sums = ", ".join(f"2 * wall_cm + tall_cm > {900 + 20 * number}" for number in range(7))
    rule = f'  - {{id: beyond, rule: "at most 6 of {{{sums}}}", message: {{en: No., zh: 否。}}}}\n'
    text = wardrobe[RULES].replace("tables:\n", f"{rule}tables:\n")
    found = tried(wardrobe, text, (), compile_pack(load_files(wardrobe)).at(DAY), DAY)
    assert found.valid, found.marks
    assert not found.compared
    assert (found.gained, found.lost) == (None, None)
    assert found.count is not None
    assert found.count.least == "1"
    with pytest.raises(Refused, match="The rule 'beyond' counts so many conditions over sums that UVL would need 128 cases"):
        model_of(load_files({**wardrobe, RULES: text}))


def test_a_release_counts_the_version_on(lamp: Blueprint) -> None:
    files = released(SMALL, ruled("foot = round"))
    pack = load_files(files)
    assert pack.version == "1.0.1"
    assert [rule.id for rule in pack.rules][-1] == "r0"
    assert {name for name in files if files[name] != SMALL[name]} == {"pack.yaml", RULES}
    with pytest.raises(Refused):
        released({**SMALL, "pack.yaml": "pack: lamps\n"}, TEXT)
