"""Everything that a pack allows, found by trying every combination: the slow way that quick answers are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction

from batchone.chain.design.expressions import holds
from batchone.chain.design.model import Blueprint, bind, in_force, vocabulary_of
from batchone.chain.design.svg import parse_svg
from batchone.contracts.design import Standing
from batchone.contracts.pack import Law, Pack


def combinations(pack: Pack, fixed: Mapping[str, str] | None = None) -> list[dict[str, str]]:  # noqa: C901 - one story
    """Every combination of values (with some of them fixed), keeping rules or not; a slot is filled where the count says so."""
    counts = {}
    for part in pack.parts:
        for option in pack.options:
            own = option.id.removeprefix(f"{option.slot}.") if option.slot else option.id
            if own == part.count and _part(option.slot) == part.within:
                counts[option.slot, part.id] = option.id

    def present(slot: str, chosen: Mapping[str, str]) -> bool:
        if not slot:
            return True
        *outer, part, number = slot.split(".")
        counting = counts[".".join(outer), part]
        return counting in chosen and int(chosen[counting]) >= int(number)

    def extend(index: int, chosen: dict[str, str]) -> Iterator[dict[str, str]]:
        if index == len(pack.options):
            yield chosen
            return
        option = pack.options[index]
        if not present(option.slot, chosen):
            yield from extend(index + 1, chosen)
            return
        for value in option.values:
            if fixed and fixed.get(option.id, value.id) != value.id:
                continue
            yield from extend(index + 1, {**chosen, option.id: value.id})

    return list(extend(0, {}))


def _part(slot: str) -> str:
    return slot.split(".")[-2] if slot else ""


class Brute:
    """A pack on a day, by trial."""

    def __init__(self, pack: Pack, day: date = date.min, fixed: Mapping[str, str] | None = None) -> None:
        self.pack, self.day = pack, day
        vocabulary = vocabulary_of(pack)
        self.words = bind(pack, vocabulary, parse_svg(pack.drawing))
        self.all = combinations(pack, fixed)
        self.valid = [each for each in self.all if self.keeps(each)]

    def keeps(self, chosen: Mapping[str, str]) -> bool:
        """Whether a combination keeps rules, dates and limits."""
        for rule in self.pack.rules:
            if in_force(rule.since, rule.until, self.day) and not holds(self.words.rules[rule.id], chosen):
                return False
        for option, value in chosen.items():
            found = self.pack.option(option).value(value)
            if not in_force(found.since, found.until, self.day):
                return False
        for each in self.pack.several:
            if f"{each.id}.{each.members[0]}" in chosen:
                taken = sum(chosen[f"{each.id}.{member}"] == "yes" for member in each.members)
                if not each.least <= taken <= each.most:
                    return False
        return True

    def with_picks(self, picks: Mapping[str, str]) -> list[dict[str, str]]:
        """The valid combinations that have these choices."""
        return [each for each in self.valid if picks.items() <= each.items()]

    def standings(self, picks: Mapping[str, str], options: Iterator[str] | list[str]) -> dict[tuple[str, str], Standing]:
        """Where every value of these options stands."""
        found = {}
        for option in options:
            others = self.with_picks({o: v for o, v in picks.items() if o != option})
            possible = {each[option] for each in others if option in each}
            for value in self.pack.option(option).values:
                if picks.get(option) == value.id:
                    standing = Standing.CHOSEN
                elif value.id not in possible:
                    standing = Standing.EXCLUDED
                else:
                    standing = Standing.FORCED if len(possible) == 1 else Standing.SELECTABLE
                found[option, value.id] = standing
        return found

    def price(self, chosen: Mapping[str, str], blueprint: Blueprint) -> Decimal:
        """The price by adding up, with the price list that the blueprint has."""
        listed = blueprint.prices
        amount = (listed.base_price if listed and listed.base_price else self.pack.product.base_price).amount
        for option, value in chosen.items():
            own = self.pack.option(option).value(value).price
            amount += (listed.values.get(option, {}).get(value, own) if listed else own).amount
        for rule in self.pack.prices:
            if in_force(rule.since, rule.until, self.day) and holds(self.words.conditions[rule.slot, rule.when], chosen):
                amount += (listed.rules.get(rule.id, rule.price) if listed else rule.price).amount
        return amount

    def law(self, law: Law, slot: str, chosen: Mapping[str, str]) -> Fraction:
        """What a law comes to."""
        found = Fraction(law.base)
        for each in law.add:
            if holds(self.words.conditions[slot, each.when], chosen):
                number = self.words.numbers[slot, each.of] if each.of else None
                found += Fraction(each.by) * (sum((t.number(chosen) for t in number.terms), number.constant) if number else 1)
        return found

    def bom(self, chosen: Mapping[str, str]) -> list[tuple[str, str, float]]:
        """Variant, slot and quantity of every line; exactly one variant each."""
        found = []
        for line in self.pack.bom:
            if holds(self.words.conditions[line.slot, line.when], chosen):
                [variant] = [c.variant for c in line.choose if holds(self.words.conditions[line.slot, c.when], chosen)]
                found.append((variant, line.slot, float(self.law(line.quantity, line.slot, chosen))))
        return found
