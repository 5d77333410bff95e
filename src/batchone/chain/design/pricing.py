"""Prices and lead times: exact sums over chosen values and price rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from batchone.chain.design.expressions import holds
from batchone.chain.design.model import Blueprint
from batchone.chain.design.regions import Region
from batchone.contracts.design import BomLine, Choices, Price, PriceBreak, PriceLine
from batchone.contracts.pack import Break
from batchone.kernel.errors import Refused
from batchone.kernel.money import Money

QUANTITY_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Total:
    """A price and the lead time that comes with it."""

    amount: Decimal
    lead_s: float


def total(blueprint: Blueprint, choices: Choices) -> Total:
    """What a complete configuration costs, and what it adds to the promise."""
    amount, lead_s = blueprint.base_price, 0.0
    values = blueprint.values
    for each in choices.items():
        chosen = values[each]
        amount, lead_s = amount + chosen.price.amount, lead_s + chosen.lead_s
    for rule, when in blueprint.price_rules:
        if holds(when, choices):
            amount, lead_s = amount + rule.price.amount, lead_s + rule.lead_s
    return Total(amount, lead_s)


def within(blueprint: Blueprint, choices: Choices, region: Region) -> Total:
    """What a region adds to price and lead; `choices` are complete in it."""
    amount, lead_s, values = Decimal(0), 0.0, blueprint.values
    for option in region.options:
        if option.id in choices:
            chosen = values[option.id, choices[option.id]]
            amount, lead_s = amount + chosen.price.amount, lead_s + chosen.lead_s
    for rule, when in region.price_rules:
        if holds(when, choices):
            amount, lead_s = amount + rule.price.amount, lead_s + rule.lead_s
    return Total(amount, lead_s)


def money(blueprint: Blueprint, amount: Decimal) -> Money:
    """An amount in the pack's currency."""
    return Money.of(amount, blueprint.pack.currency)


def cheapest_first(blueprint: Blueprint, option: str, values: Iterable[str]) -> Mapping[str, Decimal]:
    """Values of an option with their own prices, the cheapest first, in the given order where equal."""
    prices = {value: blueprint.values[option, value].price.amount for value in values}
    return dict(sorted(prices.items(), key=lambda item: item[1]))


def price(
    blueprint: Blueprint, choices: Choices, quantity: int, bom: Iterable[BomLine] | None = None, *, day: date | None = None
) -> Price:
    """What so many items of a complete configuration cost; with a bill of materials, what its material costs, too.

    `day` is only told again: what is in force is the blueprint's.
    """
    check_quantity(quantity)
    pack, exact = blueprint.pack, Money.of(total(blueprint, choices).amount, blueprint.pack.currency)
    percent = max((each for each in pack.breaks if each.quantity <= quantity), key=lambda each: each.quantity, default=None)
    lines = [*_lines(blueprint, choices)]
    if percent is not None:
        off = exact * (percent.percent / 100)
        name = dict.fromkeys(pack.languages, f"{percent.quantity}+")
        lines.append(PriceLine("break", str(percent.quantity), name, off))
    unit = _less(exact, percent)
    return Price(
        day=day or blueprint.day,
        quantity=quantity,
        unit=unit.rounded(),
        total=(unit * quantity).rounded(),
        price_list=blueprint.prices.id if blueprint.prices is not None else "",
        lines=tuple(lines),
        breaks=tuple(PriceBreak(each.quantity, _less(exact, each).rounded()) for each in pack.breaks),
        cost=None if bom is None else cost(pack.currency, bom),
    )


def cost(currency: str, bom: Iterable[BomLine]) -> Money:
    """What the material of one item costs, rounded once at the end."""
    found = Money.zero(currency)
    for line in bom:
        found += line.cost * Decimal(repr(line.quantity))
    return found.rounded()


def check_quantity(quantity: object) -> None:
    """Refuse what is no whole number of items."""
    if type(quantity) is not int or not 1 <= quantity <= QUANTITY_MAX:
        raise Refused(
            "design.quantity", f"A quantity of {str(quantity)[:20]} has no price.",
            f"Ask for a whole number from 1 to {QUANTITY_MAX}.",
        )  # fmt: skip


def _less(exact: Money, percent: Break | None) -> Money:
    return exact if percent is None else exact * ((100 + percent.percent) / 100)


def _lines(blueprint: Blueprint, choices: Choices) -> Iterator[PriceLine]:
    """The base, and every value and price rule that changes the price, in the pack's order."""
    pack = blueprint.pack
    yield PriceLine("base", pack.product.id, pack.product.name, money(blueprint, blueprint.base_price))
    for option, value in choices.items():
        chosen = blueprint.values[option, value]
        if chosen.price.amount:
            name = {each: f"{text}: {chosen.name[each]}" for each, text in blueprint.option[option].name.items()}
            yield PriceLine("value", f"{option} = {value}", name, chosen.price)
    for rule, when in blueprint.price_rules:
        if rule.price.amount and holds(when, choices):
            yield PriceLine("rule", rule.id, dict.fromkeys(pack.languages, rule.id), rule.price)
