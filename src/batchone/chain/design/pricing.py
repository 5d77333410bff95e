"""Prices and lead times: exact sums over chosen values and price rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from batchone.chain.design.model import Blueprint
from batchone.chain.design.rules import holds
from batchone.contracts.design import Choices
from batchone.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Total:
    """A price and the lead time that comes with it."""

    amount: Decimal
    lead_s: float


def total(blueprint: Blueprint, choices: Choices) -> Total:
    """What a complete configuration costs, and what it adds to the promise."""
    amount, lead_s = blueprint.pack.product.base_price.amount, 0.0
    for option, value in choices.items():
        chosen = blueprint.values[option, value]
        amount, lead_s = amount + chosen.price.amount, lead_s + chosen.lead_s
    for rule in blueprint.pack.prices:
        if holds(blueprint.conditions[rule.when], choices):
            amount, lead_s = amount + rule.price.amount, lead_s + rule.lead_s
    return Total(amount, lead_s)


def money(blueprint: Blueprint, amount: Decimal) -> Money:
    """An amount in the pack's currency."""
    return Money(amount, blueprint.pack.currency)


def cheapest_first(blueprint: Blueprint, option: str) -> Mapping[str, Decimal]:
    """The values of an option with their own prices, the cheapest first, in the pack's order where equal."""
    values = sorted(blueprint.pack.option(option).values, key=lambda value: value.price.amount)
    return {value.id: value.price.amount for value in values}


def greatest_discount(blueprint: Blueprint) -> Decimal:
    """The most that price rules could take off: a bound for the search of the cheapest."""
    return sum((rule.price.amount for rule in blueprint.pack.prices if rule.price.amount < 0), Decimal(0))
