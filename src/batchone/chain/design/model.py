"""A pack made ready to answer: its words bound, its rules compiled, its conditions looked up by their text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import cast

from batchone.chain.design.expressions import All, Among, Expression, Implies, Not, holds, named
from batchone.chain.design.numbers import Number, counted
from batchone.chain.design.parts import slots_of
from batchone.chain.design.regions import Region, distinct, regions_of
from batchone.chain.design.rules import parse, parse_number
from batchone.chain.design.solver import Space
from batchone.chain.design.svg import Element, parse_svg
from batchone.chain.design.vocabulary import Follows, Slot, Steps, Vocabulary
from batchone.contracts.design import Choices
from batchone.contracts.pack import Derived, Law, Option, Pack, PriceList, PriceRule, Rule, Several, Text, Value
from batchone.kernel.errors import NotFound, Refused

Spoken = tuple[str, str]
"""A text of the pack and the slot in which it is read: `("", "a = b")`."""


@dataclass(frozen=True)
class Words:
    """What does not change from day to day: the vocabulary, and every condition and number of the pack bound."""

    vocabulary: Vocabulary
    conditions: Mapping[Spoken, Expression]
    numbers: Mapping[Spoken, Number]
    rules: Mapping[str, Expression]


@dataclass(frozen=True)
class Blueprint:
    """One version of a pack as it is sold on some days to some group of customers, compiled.

    `rules` are those in force, with those that follow from dates and from options with several values; `at` gives the same
    pack on another day.
    """

    pack: Pack
    words: Words
    space: Space
    drawing: Element
    rules: Mapping[str, Rule]
    prices: PriceList | None = None
    day: date = date.min
    kept: dict[tuple[int, str], Blueprint] = field(default_factory=dict, compare=False, repr=False)

    @property
    def vocabulary(self) -> Vocabulary:
        """The words of its rules."""
        return self.words.vocabulary

    @property
    def conditions(self) -> Mapping[Spoken, Expression]:
        """The bound expression of every condition text of the pack, by the slot that it belongs to."""
        return self.words.conditions

    @cached_property
    def values(self) -> Mapping[tuple[str, str], Value]:
        """Every value by option id and value id, with its price in the list; asked for thousands of times a click."""
        listed = self.prices.values if self.prices is not None else {}
        found = {(option.id, value.id): value for option in self.pack.options for value in option.values}
        for option, prices in listed.items():
            for value, price in prices.items():
                found[option, value] = replace(found[option, value], price=price)
        return found

    @cached_property
    def price_rules(self) -> tuple[tuple[PriceRule, Expression], ...]:
        """The price rules in force, with their prices in the list."""
        listed = self.prices.rules if self.prices is not None else {}
        return tuple(
            (replace(rule, price=listed.get(rule.id, rule.price)), self.conditions[rule.slot, rule.when])
            for rule in self.pack.prices
            if in_force(rule.since, rule.until, self.day)
        )

    @property
    def base_price(self) -> Decimal:
        """The price before any choice."""
        listed = self.prices.base_price if self.prices is not None else None
        return (listed or self.pack.product.base_price).amount

    def at(self, day: date, group: str = "") -> Blueprint:
        """The pack on another day, with the price list of a group of customers (the first in force that is for it)."""
        prices = next(
            (
                each for each in self.pack.lists
                if in_force(each.since, each.until, day) and (not each.groups or group in each.groups)
            ),
            None,
        )  # fmt: skip
        days = boundaries(self.pack)
        key = (bisect_right(days, day), prices.id if prices is not None else "")
        if key not in self.kept:
            same = next((each for (epoch, _), each in self.kept.items() if epoch == key[0]), None)
            rules = _rules_on(self.pack, self.words, day)
            space = same.space if same is not None else Space(self.vocabulary, {each.id: it for each, it in rules})
            self.kept[key] = Blueprint(
                self.pack, self.words, space, self.drawing, {each.id: each for each, _ in rules}, prices, day, self.kept,
            )  # fmt: skip
        return self.kept[key]

    def holds(self, condition: str, choices: Choices, slot: str = "") -> bool:
        """Whether a condition of the pack is true of complete choices."""
        return holds(self.conditions[slot, condition], choices)

    def number(self, law: Law, choices: Choices, slot: str = "") -> float:
        """What a law comes to for complete choices."""
        return float(self.exactly(law, choices, slot))

    def exactly(self, law: Law, choices: Choices, slot: str = "") -> Fraction:
        """The same as an exact number."""
        found = Fraction(law.base)
        for each in law.add:
            if self.holds(each.when, choices, slot):
                times = Fraction(1) if each.of is None else worth(self.words.numbers[slot, each.of], choices)
                found += Fraction(each.by) * times
        return found

    def attributes(self, choices: Choices, slot: str = "") -> dict[str, str]:
        """The choices and every derived attribute, under the words of a slot, as templates name them."""
        found = dict(choices)
        for derived in self.pack.derived:
            seen = not derived.slot or slot == derived.slot or slot.startswith(f"{derived.slot}.")
            if derived.formula is not None and seen:
                found[derived.id] = plain(worth(self.words.numbers[derived.slot, own_id(derived)], choices))
        return self.vocabulary.scoped(slot).attributes(found)

    def known(self, choices: Choices) -> dict[str, str]:
        """The choices in the pack's order of options; refused when one names no option or no value."""
        for option, value in choices.items():
            values = self.vocabulary.options.get(option)
            if values is None:
                cure = f"Choose from {', '.join(self.vocabulary.options)}."
                raise Refused("design.unknown_option", f"There is no option '{option}'.", cure, option=option)
            if value not in values:
                raise Refused(
                    "design.unknown_value",
                    f"'{value}' is no value of {option}.",
                    f"Choose one of {', '.join(values)}.",
                    option=option,
                    value=value,
                )
        return {option: choices[option] for option in self.vocabulary.options if option in choices}

    @cached_property
    def names(self) -> Mapping[Spoken, frozenset[str]]:
        """The options that each condition speaks of."""
        return {spoken: frozenset(named(expression)) for spoken, expression in self.conditions.items()}

    @cached_property
    def region(self) -> Mapping[str, Region]:
        """By option, the options that a rule, a price, a default or a part ties to it, itself included."""
        tied: list[Iterable[str]] = [named(each) for each in rules_on(self.pack, self.words, self.day).values()]
        for option in self.pack.options:
            mine = [[option.id, *self.names[option.slot, each.when]] for each in option.defaults]
            if option.slot:
                mine.append([option.id, self.vocabulary.slots[option.slot].present.option])
            tied.extend(mine)
        return regions_of(self.pack.options, tied, self.price_rules)

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """Every region once."""
        return distinct(self.region)

    @cached_property
    def counting(self) -> frozenset[str]:
        """The options that say how many parts there are."""
        return frozenset(slot.present.option for slot in self.vocabulary.slots.values())

    @cached_property
    def option(self) -> Mapping[str, Option]:
        """Every option by id."""
        return {option.id: option for option in self.pack.options}


def in_force(since: date | None, until: date | None, day: date) -> bool:
    """Whether something that begins and ends on these days (both included, none: always) is in force."""
    return (since is None or since <= day) and (until is None or day <= until)


def boundaries(pack: Pack) -> list[date]:
    """The days on which something begins to be, or is no longer, in force: between two of them every day is alike."""
    found: set[date] = set()
    dated: Iterable[Value | Rule | PriceRule | PriceList] = (
        *(value for option in pack.options for value in option.values), *pack.rules, *pack.prices, *pack.lists,
    )  # fmt: skip
    for each in dated:
        found.update([each.since] if each.since else [])
        found.update([each.until + timedelta(days=1)] if each.until and each.until < date.max else [])
    return sorted(found)


def vocabulary_of(pack: Pack) -> Vocabulary:
    """The words that a pack's options, derived attributes and parts (laid out) give to rules."""
    return Vocabulary(
        options={option.id: tuple(value.id for value in option.values) for option in pack.options},
        numbers={
            option.id: {value.id: value.number for value in option.values if value.number is not None}
            for option in pack.options
            if option.unit is not None or option.step is not None
        },
        derived={each.id: Follows(each.of, cast(Steps, each.table), each.formula, each.unit) for each in pack.derived},
        units={option.id: option.unit for option in pack.options if option.unit is not None},
        several={each.id: each.members for each in pack.several},
        slots=_slots(pack),
    )


def _slots(pack: Pack) -> dict[str, Slot]:
    values = {option.id: option.values for option in pack.options}
    found = {}
    for name, place in slots_of(pack.parts, pack.options).items():
        count = f"{place.within}.{place.part.count}" if place.within else place.part.count
        enough = frozenset(value.id for value in values[count] if int(value.id) >= place.number)
        found[name] = Slot(place.part.id, place.within, Among(count, enough))
    return found


def compile_pack(pack: Pack, day: date = date.min) -> Blueprint:
    """A checked pack (laid out), made ready for a day; the pack must have no fault."""
    drawing = parse_svg(pack.drawing)
    words = bind(pack, vocabulary_of(pack), drawing)
    rules = _rules_on(pack, words, day)
    space = Space(words.vocabulary, {each.id: it for each, it in rules})
    first = Blueprint(pack, words, space, drawing, {each.id: each for each, _ in rules}, day=day)
    first.kept[bisect_right(boundaries(pack), day), ""] = first
    return first.at(day)


def bind(pack: Pack, vocabulary: Vocabulary, drawing: Element) -> Words:
    """Every text of the pack bound; what belongs to a slot holds only where the slot is filled."""
    conditions: dict[Spoken, Expression] = {}
    for slot, text in {*_conditions(pack), *(("", text) for text in drawing.conditions())}:
        found = parse(text, vocabulary.scoped(slot))
        conditions[slot, text] = All((vocabulary.presence(slot), found)) if slot else found
    numbers = {(slot, text): parse_number(text, vocabulary.scoped(slot)) for slot, text in {*_numbers(pack)}}
    rules = {rule.id: rule_of(rule, vocabulary) for rule in pack.rules}
    return Words(vocabulary, conditions, numbers, rules)


def rule_of(rule: Rule, vocabulary: Vocabulary) -> Expression:
    """A rule bound; one of a part is kept in every slot that is filled."""
    if not rule.part:
        return parse(rule.rule, vocabulary)
    slots = [name for name, slot in vocabulary.slots.items() if slot.part == rule.part]
    return All(tuple(Implies(vocabulary.presence(slot), parse(rule.rule, vocabulary.scoped(slot))) for slot in slots))


def rules_on(pack: Pack, words: Words, day: date) -> dict[str, Expression]:
    """The rules in force on a day, with those that follow from dates and from options with several values."""
    return {rule.id: expression for rule, expression in _rules_on(pack, words, day)}


def _rules_on(pack: Pack, words: Words, day: date) -> list[tuple[Rule, Expression]]:
    found = [(rule, words.rules[rule.id]) for rule in pack.rules if in_force(rule.since, rule.until, day)]
    found.extend(_limited(pack, words.vocabulary, each) for each in pack.several if _bounds(each))
    for option in pack.options:
        for value in option.values:
            if not in_force(value.since, value.until, day):
                name = f"{option.id} = {value.id}: {value.since or ''}..{value.until or ''}"
                never = Not(Among(option.id, frozenset({value.id})))
                found.append((Rule(name, "", _dated(pack, option, value, day)), never))
    return found


def _bounds(each: Several) -> bool:
    return each.least > 0 or each.most < len(each.members)


def _limited(pack: Pack, vocabulary: Vocabulary, each: Several) -> tuple[Rule, Expression]:
    """How many values an option with several takes, as a rule."""
    chosen = counted(Among(f"{each.id}.{member}", frozenset({"yes"})) for member in each.members)
    limits: Expression = All((chosen.compared(">=", _whole(each.least)), chosen.compared("<=", _whole(each.most))))
    if each.slot:
        limits = Implies(vocabulary.presence(each.slot), limits)
    return Rule(f"{each.id}: {each.least} to {each.most}", "", _limits(pack, each)), limits


def _whole(number: int) -> Number:
    return Number(Fraction(number))


def _limits(pack: Pack, each: Several) -> Text:
    said = {language: f"Choose {each.least} to {each.most} of: {each.name[language]}." for language in pack.languages}
    if "zh" in said:
        said["zh"] = f"{each.name['zh']}可选 {each.least} 至 {each.most} 项。"
    return said


def _dated(pack: Pack, option: Option, value: Value, day: date) -> Text:
    late = value.until is not None and day > value.until
    found = {}
    for language in pack.languages:
        what = f"{option.name[language]}: {value.name[language]}"
        if language == "zh":
            found[language] = f"{what} 供应至 {value.until}。" if late else f"{what} 自 {value.since} 起供应。"
        else:
            found[language] = f"{what} was sold until {value.until}." if late else f"{what} is sold from {value.since} on."
    return found


def worth(number: Number, choices: Choices) -> Fraction:
    """What a number comes to for complete choices."""
    return sum((term.number(choices) for term in number.terms), number.constant)


def own_id(each: Derived | Option) -> str:
    """What an option or derived attribute is called in its own slot."""
    return each.id.removeprefix(f"{each.slot}.") if each.slot else each.id


def plain(number: Fraction) -> str:
    """A number as a template writes it."""
    return str(number.numerator) if number.denominator == 1 else f"{float(number):.12g}"


def unknown_product(product: str) -> NotFound:
    """There is no such product."""
    return NotFound("design.unknown_product", f"There is no product '{product}'.", "Install its pack first.", product=product)


def _conditions(pack: Pack) -> Iterator[Spoken]:
    for option in pack.options:
        yield from ((option.slot, each.when) for each in option.defaults)
    for price in pack.prices:
        yield price.slot, price.when
    for line in pack.bom:
        yield line.slot, line.when
        yield from ((line.slot, choice.when) for choice in line.choose)
        yield from _added(line.quantity, line.slot)
    for operation in pack.routing:
        yield operation.slot, operation.when
        for law in _laws(operation.cycle_s, *operation.parameters.values()):
            yield from _added(law, operation.slot)


def _laws(*parameters: Law | str) -> Iterator[Law]:
    return (each for each in parameters if isinstance(each, Law))


def _added(law: Law, slot: str) -> Iterator[Spoken]:
    return ((slot, each.when) for each in law.add)


def _numbers(pack: Pack) -> Iterator[Spoken]:
    for derived in pack.derived:
        if derived.formula is not None:
            yield derived.slot, own_id(derived)
    for line in pack.bom:
        yield from ((line.slot, each.of) for each in line.quantity.add if each.of is not None)
    for operation in pack.routing:
        for law in _laws(operation.cycle_s, *operation.parameters.values()):
            yield from ((operation.slot, each.of) for each in law.add if each.of is not None)
