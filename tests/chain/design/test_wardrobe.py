"""The pack with levels: sub-models of it against trying everything, and what its levels make of a bill and a routing."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date

import pytest
from tests.support_brute import Brute
from tests.support_pack import PACKS

from batchone.chain.design.completion import best, complete
from batchone.chain.design.configure import configure
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.design.packs import check_pack
from batchone.chain.design.pricing import total
from batchone.contracts.pack import Pack

DAY = date(2026, 5, 1)
SUBMODELS = [
    {"bays": "1", "wall_cm": "150", "addons.glow": "no", "addons.plaque": "no"},
    {"bays": "2", "wall_cm": "200", "tall_cm": "220", "timber": "walnut", "addons.glow": "no", "addons.plaque": "no",
     "addons.bench-seat": "yes", "bay.1.trays": "0", "bay.1.span_cm": "100", "bay.1.planks": "4"},
    {"bays": "3", "wall_cm": "300", "tall_cm": "240", "addons.glow": "no", "addons.plaque": "no", "addons.bench-seat": "no",
     "bay.1.trays": "0", "bay.1.span_cm": "100", "bay.1.planks": "4", "bay.1.hanger": "one", "bay.3.trays": "0",
     "bay.3.span_cm": "75", "bay.3.planks": "1", "bay.3.hanger": "one", "bay.2.hanger": "double-hanger"},
]  # fmt: skip


@pytest.fixture(scope="module")
def pack() -> Pack:
    report = check_pack(PACKS / "wardrobe")
    assert (report.faults, report.warnings) == ((), ())
    assert report.pack is not None
    return report.pack


@pytest.fixture(scope="module")
def wardrobe(pack: Pack) -> Blueprint:
    return compile_pack(pack).at(DAY)


@pytest.mark.parametrize("fixed", SUBMODELS)
def test_a_sub_model_is_judged_completed_priced_and_exploded_as_trying_everything_does(
    pack: Pack, wardrobe: Blueprint, fixed: dict[str, str]
) -> None:
    brute = Brute(pack, DAY, fixed)
    chance = random.Random(8)
    looked = chance.sample(brute.all, min(len(brute.all), 6000))
    valid = {tuple(each.items()) for each in brute.valid}
    assert [wardrobe.space.possible(c) for c in looked] == [tuple(c.items()) in valid for c in looked]
    assert 50 < len(brute.valid) < len(brute.all)
    prices = {tuple(c.items()): brute.price(c, wardrobe) for c in brute.valid}
    cheapest = best(wardrobe, fixed, "cheapest", {})()
    assert total(wardrobe, cheapest).amount == min(prices.values())
    for c in chance.sample(brute.valid, 60):
        assert total(wardrobe, c).amount == prices[tuple(c.items())]
        found = explode(wardrobe, "C", c)
        assert [(line.variant, line.slot, line.quantity) for line in found.bom] == brute.bom(c)
        assert [each.op for each in found.operations] == routed(c)
        ops = {each.op for each in found.operations}
        assert all({*each.after} <= ops for each in found.operations)


def routed(c: dict[str, str]) -> list[str]:
    """The operations of a wardrobe, written out by hand."""
    bays = range(1, int(c["bays"]) + 1)
    trays = {bay: range(1, int(c[f"bay.{bay}.trays"]) + 1) for bay in bays}
    return [
        *(f"10.{bay}" for bay in bays), *(f"20.{bay}.{tray}" for bay in bays for tray in trays[bay]),
        *(f"30.{bay}" for bay in bays), *(f"40.{bay}" for bay in bays if c[f"bay.{bay}.fascia"] != "bare"), "50",
    ]  # fmt: skip


def test_any_choices_leave_exactly_what_is_possible_in_a_sub_model(pack: Pack, wardrobe: Blueprint) -> None:
    fixed = SUBMODELS[0]
    brute, chance = Brute(pack, DAY, fixed), random.Random(9)
    free = [option for option in brute.valid[0] if option not in fixed and ".tray." not in option]
    for _ in range(15):
        whole = chance.choice(brute.valid)
        picks = {**fixed, **{option: whole[option] for option in chance.sample(free, 3)}}
        state = configure(wardrobe, picks)
        shown = [each.id for each in state.options if each.id not in fixed]
        found = {(o.id, v.id): v.standing for o in state.options for v in o.values if o.id in shown}
        assert found == brute.standings(picks, shown), picks


def test_totals_go_across_the_levels(wardrobe: Blueprint) -> None:
    whole = complete(wardrobe, {"wall_cm": "300", "bays": "3", "bay.2.trays": "2", "bay.2.tray.1.tray_lock": "key-lock"})
    found = explode(wardrobe, "C", whole)
    assert found.operations[-1].parameters == {"spans_cm": "300"}
    assert found.operations[-1].after == ("30.1", "30.2", "30.3", "40.1", "40.2", "40.3")
    assert next(each.after for each in found.operations if each.op == "30.2") == ("10.2", "20.2.1", "20.2.2")
    counted = Counter(line.variant for line in found.bom)
    assert (counted["board-beech"], counted["tray-plain"], counted["tray-lockable"]) == (3, 1, 1)
