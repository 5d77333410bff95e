"""Whether some valid configuration costs less than nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from batchone.chain.design.expressions import holds
from batchone.chain.design.model import Words, in_force
from batchone.chain.design.solver import Space
from batchone.contracts.pack import Pack, PriceList, PriceRule
from batchone.kernel.money import Money

_COINS = 100
"""Prices of a pack have at most two decimals."""


def lists_on(pack: Pack, day: date) -> Iterator[PriceList | None]:
    """The price lists that somebody may be charged by on a day; none stands for the pack's own prices."""
    for each in pack.lists:
        if in_force(each.since, each.until, day):
            yield each
            if not each.groups:
                return
    yield None


def below_zero(
    pack: Pack, words: Words, space: Space, day: date, prices: PriceList | None
) -> tuple[dict[str, str], Decimal, str] | None:
    """A configuration that costs less than nothing, its price, and the price rule that takes the most off it (empty: none).

    `space` has what is in force on the day. The cheapest configuration is looked for only where adding up the least of each
    option and every discount comes to less than nothing.
    """
    listed: Mapping[str, Mapping[str, Money]] = prices.values if prices is not None else {}
    values = {
        (option.id, value.id): listed.get(option.id, {}).get(value.id, value.price).amount
        for option in pack.options
        for value in option.values
    }
    rules = [
        (rule, (prices.rules.get(rule.id, rule.price) if prices is not None else rule.price).amount)
        for rule in pack.prices
        if in_force(rule.since, rule.until, day)
    ]
    base = ((prices.base_price if prices is not None else None) or pack.product.base_price).amount
    least = base + sum(min(Decimal(0), amount) for _, amount in rules)
    for option in pack.options:
        lowest = min(values[option.id, value.id] for value in option.values)
        least += min(Decimal(0), lowest) if option.slot else lowest
    if least >= 0:
        return None

    def applies(rule: PriceRule, choices: Mapping[str, str]) -> bool:
        return holds(words.conditions[rule.slot, rule.when], choices)

    weights = {space.atom(*each): int(amount * _COINS) for each, amount in values.items()}
    for rule, amount in rules:
        literal = space.literal(words.conditions[rule.slot, rule.when])
        weights[literal] = weights.get(literal, 0) + int(amount * _COINS)
    choices = space.cheapest({}, weights)()
    off = {rule.id: amount for rule, amount in rules if applies(rule, choices)}
    amount = base + sum((values[each] for each in choices.items()), Decimal(0))
    amount += sum((amount for rule, amount in rules if applies(rule, choices)), Decimal(0))
    if amount >= 0:
        return None
    blamed = min(off, key=off.__getitem__, default="")
    return choices, amount, blamed if off and off[blamed] < 0 else ""
