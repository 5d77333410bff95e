"""A pack made ready to answer: its words bound, its rules compiled, its conditions looked up by their text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from batchone.chain.design.rules import Expression, Vocabulary, holds, parse
from batchone.chain.design.solver import Space
from batchone.chain.design.svg import Element, parse_svg
from batchone.contracts.design import Choices
from batchone.contracts.pack import Derived, Law, Option, Pack, Value
from batchone.kernel.errors import NotFound, Refused


@dataclass(frozen=True)
class Blueprint:
    """One version of a pack, compiled. `conditions` has the bound expression of every condition text in the pack."""

    pack: Pack
    vocabulary: Vocabulary
    conditions: Mapping[str, Expression]
    space: Space
    drawing: Element

    @cached_property
    def values(self) -> Mapping[tuple[str, str], Value]:
        """Every value by option id and value id; prices are asked for thousands of times a click."""
        return {(option.id, value.id): value for option in self.pack.options for value in option.values}

    def holds(self, condition: str, choices: Choices) -> bool:
        """Whether a condition of the pack is true of complete choices."""
        return holds(self.conditions[condition], choices)

    def number(self, law: Law, choices: Choices) -> float:
        """What a law comes to for complete choices."""
        return float(law.base + sum(each.by for each in law.add if self.holds(each.when, choices)))

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


def vocabulary_of(options: tuple[Option, ...], derived: tuple[Derived, ...]) -> Vocabulary:
    """The words that options and derived attributes give to rules."""
    return Vocabulary(
        options={option.id: tuple(value.id for value in option.values) for option in options},
        numbers={
            option.id: {value.id: value.number for value in option.values if value.number is not None}
            for option in options
            if option.unit is not None
        },
        derived={each.id: (each.of, each.table) for each in derived},
    )


def compile_pack(pack: Pack) -> Blueprint:
    """A checked pack, made ready; the pack must have no fault."""
    vocabulary = vocabulary_of(pack.options, pack.derived)
    drawing = parse_svg(pack.drawing)
    return Blueprint(
        pack=pack,
        vocabulary=vocabulary,
        conditions={text: parse(text, vocabulary) for text in {*_conditions(pack), *drawing.conditions()}},
        space=Space(vocabulary, {rule.id: parse(rule.rule, vocabulary) for rule in pack.rules}),
        drawing=drawing,
    )


def unknown_product(product: str) -> NotFound:
    """There is no such product."""
    return NotFound("design.unknown_product", f"There is no product '{product}'.", "Install its pack first.", product=product)


def _conditions(pack: Pack) -> Iterator[str]:
    for price in pack.prices:
        yield price.when
    for line in pack.bom:
        yield line.when
        yield from (choice.when for choice in line.choose)
        yield from _added(line.quantity)
    for operation in pack.routing:
        yield operation.when
        yield from _added(operation.cycle_s)
        for law in operation.parameters.values():
            if isinstance(law, Law):
                yield from _added(law)


def _added(law: Law) -> Iterator[str]:
    return (each.when for each in law.add)
