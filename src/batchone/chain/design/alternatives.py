"""What a frozen configuration could be instead, one option changed at a time."""

from __future__ import annotations

from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint
from batchone.chain.design.pricing import money, total
from batchone.contracts.design import Alternative, Configuration


def alternatives(blueprint: Blueprint, frozen: Configuration) -> tuple[Alternative, ...]:
    """Every value that one option could have with all others as they are, in the pack's order, exploded."""
    now = total(blueprint, frozen.choices)
    found: list[Alternative] = []
    for option in blueprint.pack.options:
        for value in option.values:
            choices = {**frozen.choices, option.id: value.id}
            if value.id == frozen.choices.get(option.id) or not blueprint.space.possible(choices):
                continue
            then = total(blueprint, choices)
            found.append(
                Alternative(
                    option=option.id, option_name=option.name, value=value.id, value_name=value.name,
                    price_difference=money(blueprint, then.amount - now.amount), lead_s=then.lead_s,
                    exploded=explode(blueprint, frozen.id, choices),
                )
            )  # fmt: skip
    return tuple(found)
