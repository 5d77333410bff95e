"""Prices of the first pack, added up here from what its files say; lists, breaks, cost."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.support_universe import Universe

from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint, in_force
from batchone.chain.design.pricing import price, total
from batchone.chain.design.rules import holds, parse
from batchone.kernel.money import Money


@pytest.mark.parametrize(
    ("day", "group", "named"),
    [
        (date(2026, 1, 14), "", ""), (date(2026, 1, 15), "", "winter-sale"), (date(2026, 2, 15), "builder", "winter-sale"),
        (date(2026, 2, 16), "", ""), (date(2026, 2, 16), "builder", "builders"),
    ],
)  # fmt: skip
def test_prices_are_sums_of_what_the_files_say(
    refrigerator: Blueprint, universe: Universe, day: date, group: str, named: str
) -> None:
    then, pack, chance = refrigerator.at(day, group), refrigerator.pack, random.Random(11)
    [listed] = [each for each in pack.lists if each.id == named] or [None]
    assert (then.prices.id if then.prices else "") == named
    for _ in range(120):
        index = chance.randrange(len(universe.combinations))
        chosen = universe.combinations[index]
        amount = (listed.base_price if listed and listed.base_price else pack.product.base_price).amount
        for option, value in chosen.items():
            own = pack.option(option).value(value).price
            amount += (listed.values.get(option, {}).get(value, own) if listed else own).amount
        for rule in pack.prices:
            if in_force(rule.since, rule.until, day) and holds(parse(rule.when, universe.vocabulary), chosen):
                amount += (listed.rules.get(rule.id, rule.price) if listed else rule.price).amount
        assert total(then, chosen).amount == amount
        lines = price(then, chosen, 1).lines
        assert sum((line.amount.amount for line in lines), Decimal(0)) == amount


@pytest.mark.parametrize("quantity", [1, 9, 10, 49, 50, 1000])
def test_a_break_is_taken_off_the_exact_price_and_rounded_once(
    refrigerator: Blueprint, universe: Universe, quantity: int
) -> None:
    percent = Fraction("-4.5") if quantity >= 50 else Fraction(-2) if quantity >= 10 else Fraction(0)
    for chosen in universe.listed(universe.valid & universe.with_choices({"racks": "4", "panel": "glass", "smart": "wifi"}))[
        :40
    ]:
        exact = Fraction(total(refrigerator, chosen).amount) * quantity * (100 + percent) / 100
        told = price(refrigerator, chosen, quantity)
        assert Fraction(told.total.amount) == Fraction(round(exact * 100), 100)  # Python rounds halves to even, too
        assert told.total.currency == "CNY"


def test_cost_is_the_material_of_one_item(refrigerator: Blueprint, universe: Universe) -> None:
    chosen = universe.listed(universe.valid)[0]
    bom = explode(refrigerator, "C", chosen).bom
    told = price(refrigerator, chosen, 1, bom)
    assert told.cost == Money.of(sum(line.cost.amount * Decimal(str(line.quantity)) for line in bom), "CNY").rounded()
    assert price(refrigerator, chosen, 1).cost is None
