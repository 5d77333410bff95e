"""From some choices to all of them: defaults where they are possible, or the best by price, lead time or what others take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import prod

from batchone.chain.design.expressions import Expression, holds
from batchone.chain.design.model import Blueprint
from batchone.chain.design.pricing import cheapest_first
from batchone.chain.design.regions import Region
from batchone.contracts.design import Choices, Popularity, Wish
from batchone.contracts.pack import Option

EFFORT = 5_000
COMBINATIONS_MAX = 200
"""How many combinations are looked at for a completion, which follows every click; `best` looks at all."""


def complete(blueprint: Blueprint, choices: Choices) -> dict[str, str]:
    """A valid configuration with these choices, which must be possible.

    Options in the pack's order take their default if that is still possible: the first of those whose condition is certain
    by the choices and by what was completed before, else the one without a condition. A quantity that counts parts takes,
    where its default is not possible, the nearest number that is. The values of what is then left are the cheapest
    combination, earlier values winning where prices are equal; where more than `COMBINATIONS_MAX` would have to be looked
    at in a region, each option of it in its turn takes the cheapest value that is still possible.
    """
    wished = _wished(blueprint, choices, blueprint.pack.options)
    if blueprint.space.possible(wished):
        return in_order(blueprint, wished)
    found: dict[str, str] = {}
    for region in blueprint.regions:
        found.update(complete_within(blueprint, region.of(choices), region))
    return in_order(blueprint, found)


@dataclass
class Effort:
    """How much may still be asked of the solver, in options to decide: about half a second of work when it is full."""

    left: int = EFFORT


def complete_within(
    blueprint: Blueprint, choices: Choices, region: Region, like: Choices | None = None, effort: Effort | None = None
) -> dict[str, str]:
    """The part of `complete` that is in one region, from the choices that are.

    `like` may be a configuration of the region that the answer is thought to be close to: if it is possible, few questions
    are left. It never changes the answer. What defaults alone do not answer is taken from `effort`.
    """
    wished = _wished(blueprint, choices, region.options)
    if blueprint.space.possible(wished):
        return wished
    if effort is not None:
        effort.left -= len(region.options)
    space, fixed = blueprint.space, dict(choices)
    atoms = [space.atom(option, value) for option, value in wished.items()]
    known = like if like is not None and space.possible(like) else space.near(fixed, atoms) or {}
    for option in region.options:
        if option.id in fixed or not _present(blueprint, option, fixed):
            continue
        default = _default(blueprint, option, fixed)
        if known.get(option.id) == default:  # a configuration with all that is fixed has it: nothing to ask
            fixed[option.id] = default
        elif (found := space.near({**fixed, option.id: default}, atoms)) is not None:
            fixed[option.id], known = default, found
        elif option.id in blueprint.counting:
            fixed[option.id] = _nearest(blueprint, option, int(default), fixed)
            known = space.near(fixed, atoms) or {}
    return _rest(blueprint, fixed, region)


def best(blueprint: Blueprint, choices: Choices, wish: Wish, popularity: Popularity) -> Callable[[], dict[str, str]]:
    """A search for the valid configuration with these choices (which must be possible) that fits the wish best.

    It may run in a thread of its own.

    `cheapest`: the least price, then the least lead. `earliest`: the least lead, then the least price. `popular`: values
    that were ordered most often, summed over all options, then the least price. `default`: as `complete`.
    """
    if wish == "default":
        found = complete(blueprint, choices)
        return lambda: found
    first, second = {}, {}
    for (option, value), each in blueprint.values.items():
        amounts = _Amounts(each.price.amount, each.lead_s, popularity.get(option, {}).get(value, 0))
        atom = blueprint.space.atom(option, value)
        first[atom], second[atom] = amounts.by(wish)
    for rule, when in blueprint.price_rules:
        literal = blueprint.space.literal(when)
        one, two = _Amounts(rule.price.amount, rule.lead_s, 0).by(wish)
        first[literal], second[literal] = first.get(literal, 0) + one, second.get(literal, 0) + two
    first, second = _above_zero(blueprint, first), _above_zero(blueprint, second)
    factor = sum(map(abs, second.values())) + 1
    weights = {literal: weight * factor + second[literal] for literal, weight in first.items()}
    return blueprint.space.cheapest(choices, weights)


@dataclass(frozen=True)
class _Amounts:
    """What a value or a price rule weighs: thousandths of the currency, minutes, how often it was ordered."""

    price: Decimal
    lead_s: float
    count: int

    def by(self, wish: Wish) -> tuple[int, int]:
        """The weight that counts first and the one that decides between equals; less is better."""
        price, lead = int(self.price * 1000), round(self.lead_s / 60)
        return {"cheapest": (price, lead), "earliest": (lead, price)}.get(wish, (-self.count, price))


def in_order(blueprint: Blueprint, choices: Choices) -> dict[str, str]:
    """Choices in the pack's order of options."""
    return {option: choices[option] for option in blueprint.vocabulary.options if option in choices}


def _above_zero(blueprint: Blueprint, weights: Mapping[int, int]) -> dict[int, int]:
    """The same preferences with the least of each option at zero, so that the search has less to weigh.

    An option of a part that may be missing keeps its weights: having no value weighs nothing.
    """
    found = dict(weights)
    for option in blueprint.pack.options:
        if option.slot:
            continue
        atoms = [blueprint.space.atom(option.id, value.id) for value in option.values]
        least = min(found[each] for each in atoms)
        for each in atoms:
            found[each] -= least
    return found


def _wished(blueprint: Blueprint, choices: Choices, options: Iterable[Option]) -> dict[str, str]:
    """The choices with the default of all other of these options."""
    wished = dict(choices)
    for option in options:
        if option.id not in wished and _present(blueprint, option, wished):
            wished[option.id] = _default(blueprint, option, wished)
    return wished


def _present(blueprint: Blueprint, option: Option, fixed: Choices) -> bool:
    """Whether the part that the option belongs to is there."""
    if not option.slot:
        return True
    present = blueprint.vocabulary.slots[option.slot].present
    return fixed.get(present.option) in present.values


def _default(blueprint: Blueprint, option: Option, fixed: Choices) -> str:
    for each in option.defaults:
        literal = blueprint.space.literal(blueprint.conditions[option.slot, each.when])
        if not blueprint.space.possible(fixed, -literal):
            return each.value
    return option.default


def _nearest(blueprint: Blueprint, option: Option, wanted: int, fixed: Choices) -> str:
    near = sorted((value.id for value in option.values), key=lambda value: (abs(int(value) - wanted), int(value)))
    return next(value for value in near if blueprint.space.possible({**fixed, option.id: value}))


def _rest(blueprint: Blueprint, fixed: dict[str, str], region: Region) -> dict[str, str]:
    """The fixed choices with the rest: the cheapest combination, or each the cheapest in its turn where that are too many."""
    space, options = blueprint.space, blueprint.vocabulary.options
    left = [each.id for each in region.options if each.id not in fixed and _present(blueprint, each, fixed)]
    atoms = {space.atom(option, value): (option, value) for option in left for value in options[option]}
    possible: dict[str, list[str]] = {option: [] for option, _ in atoms.values()}
    for atom in sorted(space.among(fixed, atoms)):
        option, value = atoms[atom]
        possible[option].append(value)
    if prod(map(len, possible.values())) <= COMBINATIONS_MAX:
        return _Cheapest(blueprint, fixed, possible, region).find()
    chosen = dict(fixed)
    for option, values in possible.items():
        cheapest = sorted(values, key=lambda value: blueprint.values[option, value].price.amount)
        chosen[option] = next(value for value in cheapest if space.possible({**chosen, option: value}))
    return chosen


class _Cheapest:
    """Branch and bound over the options that are still open.

    A price rule counts as soon as every open option that it names has a value; until then a discount counts as if it held
    and a surcharge as if it did not.
    """

    def __init__(self, blueprint: Blueprint, fixed: dict[str, str], possible: Mapping[str, list[str]], region: Region) -> None:
        self._blueprint = blueprint
        self._fixed = fixed
        self._open = [*possible]
        self._prices = {option: cheapest_first(blueprint, option, values) for option, values in possible.items()}
        self._settled: list[list[tuple[Decimal, Expression]]] = [[] for _ in self._open]
        place = {option: index for index, option in enumerate(self._open)}
        self._least = Decimal(0)
        for rule, when in region.price_rules:
            last = max((place[option] for option in blueprint.names[rule.slot, rule.when] if option in place), default=None)
            if last is not None:
                self._settled[last].append((rule.price.amount, when))
                self._least += min(rule.price.amount, Decimal(0))
        self._floor = [Decimal(0)] * (len(self._open) + 1)
        for index in reversed(range(len(self._open))):
            self._floor[index] = self._floor[index + 1] + min(self._prices[self._open[index]].values())
        self._best: dict[str, str] = {}
        self._best_price: Decimal | None = None

    def find(self) -> dict[str, str]:
        """The cheapest valid configuration with the fixed choices."""
        self._search(0, self._fixed, self._least)
        return self._best

    def _search(self, index: int, chosen: dict[str, str], least: Decimal) -> None:
        if index == len(self._open):
            self._best, self._best_price = chosen, least
            return
        option = self._open[index]
        for value, price in self._prices[option].items():
            further = {**chosen, option: value}
            then = least + price + self._rules(index, further)
            if self._best_price is not None and then + self._floor[index + 1] >= self._best_price:
                continue
            if self._blueprint.space.possible(further):
                self._search(index + 1, further, then)

    def _rules(self, index: int, chosen: dict[str, str]) -> Decimal:
        """What the price rules that are settled now add, beyond what was counted before."""
        found = Decimal(0)
        for amount, when in self._settled[index]:
            found += (amount if holds(when, chosen) else Decimal(0)) - min(amount, Decimal(0))
        return found
