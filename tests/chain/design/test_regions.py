"""Options fall into regions that nothing ties together; what is answered region by region is what is answered at once."""

import random

from benchmarks.click import walk
from benchmarks.copies import copied

from batchone.chain.design.completion import complete
from batchone.chain.design.configure import configure
from batchone.chain.design.model import Blueprint
from batchone.chain.design.pricing import total, within


def test_options_without_a_common_rule_are_in_regions_of_their_own(lamp: Blueprint) -> None:
    assert {frozenset(region.ids) for region in lamp.regions} == {frozenset({"foot", "height_cm", "light"})}


def test_copies_of_a_pack_are_apart_and_each_adds_its_own_price(refrigerator: Blueprint) -> None:
    once, thrice = refrigerator, copied(refrigerator.pack, 3)
    assert len(thrice.regions) == 3 * len(once.regions)
    whole = complete(thrice, {})
    amount, lead_s = thrice.base_price, 0.0
    for region in thrice.regions:
        part = within(thrice, whole, region)
        amount, lead_s = amount + part.amount, lead_s + part.lead_s
    assert (amount, lead_s) == (total(thrice, whole).amount, total(thrice, whole).lead_s)


def test_the_price_of_every_alternative_is_that_of_the_click_on_it(refrigerator: Blueprint) -> None:
    twice = copied(refrigerator.pack, 2)
    for picks in random.Random(3).sample(walk(twice, random.Random(1)), 6):
        state = configure(twice, picks)
        for option in state.options:
            for value in option.values:
                if value.price_difference is not None:
                    then = total(twice, complete(twice, {**picks, option.id: value.id}))
                    assert state.price + value.price_difference == state.price.of(then.amount, state.price.currency)
                    assert state.lead_s + (value.lead_difference_s or 0.0) == then.lead_s
