from __future__ import annotations

import random
from decimal import Decimal

from tests.support_universe import Universe

from batchone.chain.design.completion import complete
from batchone.chain.design.model import Blueprint
from batchone.chain.design.pricing import total


def by_hand(blueprint: Blueprint, universe: Universe, picks: dict[str, str]) -> tuple[dict[str, str], Decimal]:
    """The defaults that are taken, and the least price of what then remains."""
    left = universe.valid & universe.with_choices(picks)
    fixed = dict(picks)
    for option in blueprint.pack.options:
        if option.id not in fixed and left & universe.having[option.id, option.default]:
            fixed[option.id] = option.default
            left &= universe.having[option.id, option.default]
    return fixed, min(total(blueprint, choices).amount for choices in universe.listed(left))


def test_completion_keeps_choices_then_defaults_then_is_cheapest(refrigerator: Blueprint, universe: Universe) -> None:
    chance = random.Random(4)
    found = universe.listed(universe.valid)
    for _ in range(40):
        whole = chance.choice(found)
        picks = {option: whole[option] for option in chance.sample(sorted(whole), chance.randint(0, 6))}
        completed = complete(refrigerator, picks)
        fixed, least = by_hand(refrigerator, universe, picks)
        assert list(completed) == list(universe.vocabulary.options)
        assert universe.valid & universe.with_choices(completed)
        assert fixed.items() <= completed.items()
        assert total(refrigerator, completed).amount == least


def test_without_choices_every_option_has_its_default(refrigerator: Blueprint) -> None:
    assert complete(refrigerator, {}) == {option.id: option.default for option in refrigerator.pack.options}


def test_a_discount_can_make_the_dearer_value_the_cheapest(lamp: Blueprint, refrigerator: Blueprint) -> None:
    chosen = complete(refrigerator, {"dispenser": "ice"})
    assert (chosen["layout"], chosen["volume_l"]) == ("french4", "480")
    assert complete(lamp, {"height_cm": "60"}) == {"foot": "clamp", "height_cm": "60", "light": "led"}
