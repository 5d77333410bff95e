"""Options that are tied to one another by a rule, a price, a default or a part.

What is chosen in one region changes neither what is possible in another, nor its defaults, nor what its values cost. A click
is therefore answered region by region: a product of many independent choices costs as many small questions, not one large
question for each value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from batchone.chain.design.expressions import Expression, named
from batchone.contracts.design import Choices
from batchone.contracts.pack import Option, PriceRule


@dataclass(frozen=True)
class Region:
    """Options in the pack's order, their ids, and the price rules that speak of them."""

    options: tuple[Option, ...]
    ids: frozenset[str]
    price_rules: tuple[tuple[PriceRule, Expression], ...]

    def of(self, choices: Choices) -> dict[str, str]:
        """The choices that are in this region."""
        return {option: value for option, value in choices.items() if option in self.ids}


def regions_of(
    options: Iterable[Option],
    tied: Iterable[Iterable[str]],
    price_rules: Iterable[tuple[PriceRule, Expression]],
) -> dict[str, Region]:
    """The region of every option; `tied` are groups of option ids that something ties."""
    listed = tuple(options)
    above = {option.id: option.id for option in listed}

    def top(option: str) -> str:
        while above[option] != option:
            above[option] = above[above[option]]
            option = above[option]
        return option

    priced = [(each, [*named(each[1])]) for each in price_rules]
    for group in (*tied, *(names for _, names in priced)):
        first, *others = [*group] or [listed[0].id]
        for other in others:
            above[top(other)] = top(first)
    members: dict[str, list[Option]] = {}
    for option in listed:
        members.setdefault(top(option.id), []).append(option)
    rules: dict[str, list[tuple[PriceRule, Expression]]] = {}
    for each, names in priced:
        if names:
            rules.setdefault(top(names[0]), []).append(each)
    found: dict[str, Region] = {}
    for root, together in members.items():
        region = Region(tuple(together), frozenset(option.id for option in together), tuple(rules.get(root, ())))
        found.update((option.id, region) for option in together)
    return found


def distinct(regions: Mapping[str, Region]) -> tuple[Region, ...]:
    """Each region once, in the order of their first options."""
    return tuple({id(region): region for region in regions.values()}.values())
