"""From some choices to all of them: defaults where they are possible, the cheapest combination elsewhere."""

from __future__ import annotations

from decimal import Decimal

from batchone.chain.design.model import Blueprint
from batchone.chain.design.pricing import cheapest_first, greatest_discount, total
from batchone.contracts.design import Choices


def complete(blueprint: Blueprint, choices: Choices) -> dict[str, str]:
    """A valid configuration with these choices, which must be possible.

    Options in the pack's order take their default if that is still possible; the values of those that cannot are the
    cheapest combination, earlier values winning where prices are equal.
    """
    defaults = {option.id: option.default for option in blueprint.pack.options}
    wished = {**defaults, **choices}
    if blueprint.space.possible(wished):
        return {option: wished[option] for option in defaults}
    fixed = dict(choices)
    for option, default in defaults.items():
        if option not in fixed and blueprint.space.possible({**fixed, option: default}):
            fixed[option] = default
    best = _Cheapest(blueprint, fixed).find()
    return {option: best[option] for option in defaults}


class _Cheapest:
    """Branch and bound over the options that are still open."""

    def __init__(self, blueprint: Blueprint, fixed: dict[str, str]) -> None:
        self._blueprint = blueprint
        self._fixed = fixed
        self._open = [option for option in blueprint.vocabulary.options if option not in fixed]
        self._prices = {option: cheapest_first(blueprint, option) for option in self._open}
        self._floor = [Decimal(0)] * (len(self._open) + 1)
        for index in reversed(range(len(self._open))):
            self._floor[index] = self._floor[index + 1] + min(self._prices[self._open[index]].values())
        own = (blueprint.pack.option(option).value(value).price.amount for option, value in fixed.items())
        base = blueprint.pack.product.base_price.amount
        self._least = sum(own, base) + greatest_discount(blueprint)
        self._best: dict[str, str] = {}
        self._best_price: Decimal | None = None

    def find(self) -> dict[str, str]:
        """The cheapest valid configuration with the fixed choices."""
        self._search(0, self._fixed, self._least)
        return self._best

    def _search(self, index: int, chosen: dict[str, str], least: Decimal) -> None:
        if index == len(self._open):
            price = total(self._blueprint, chosen).amount
            if self._best_price is None or price < self._best_price:
                self._best, self._best_price = chosen, price
            return
        option = self._open[index]
        for value, price in self._prices[option].items():
            bound = least + price + self._floor[index + 1]
            if self._best_price is not None and bound >= self._best_price:
                break
            further = {**chosen, option: value}
            if self._blueprint.space.possible(further):
                self._search(index + 1, further, least + price)
