"""All combinations of a pack's options, valid or not, as bit sets: the slow, obvious route that solvers are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import product

from batchone.chain.design.model import vocabulary_of
from batchone.chain.design.rules import Expression, holds, named, parse
from batchone.contracts.pack import Pack


class Universe:
    """Every combination has a number; a set of them is a whole number whose bits say which."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.vocabulary = vocabulary_of(pack)
        options = self.vocabulary.options
        self.combinations = [dict(zip(options, values, strict=True)) for values in product(*options.values())]
        self.everything = (1 << len(self.combinations)) - 1
        self.having = {
            (option, value): self.where(lambda c, o=option, v=value: c[o] == v)
            for option, values in options.items()
            for value in values
        }
        self.keeping = {rule.id: self.of(parse(rule.rule, self.vocabulary)) for rule in pack.rules}

    def where(self, wanted: object) -> int:
        """The combinations for which a function is true."""
        assert callable(wanted)
        bits = bytes("".join("1" if wanted(c) else "0" for c in reversed(self.combinations)), "ascii")
        return int(bits, 2)

    def of(self, expression: Expression) -> int:
        """The combinations for which an expression holds: evaluated on every combination of the options that it names."""
        options = {option: self.vocabulary.options[option] for option in named(expression)}
        found = 0
        for values in product(*options.values()):
            choices = dict(zip(options, values, strict=True))
            if holds(expression, choices):
                found |= self.with_choices(choices)
        return found

    @cached_property
    def valid(self) -> int:
        """The combinations that keep every rule."""
        return self.with_rules(self.keeping)

    def with_rules(self, rules: Iterable[str]) -> int:
        """The combinations that keep some of the rules."""
        found = self.everything
        for rule in rules:
            found &= self.keeping[rule]
        return found

    def with_choices(self, choices: Mapping[str, str]) -> int:
        """The combinations that have these choices."""
        found = self.everything
        for option, value in choices.items():
            found &= self.having[option, value]
        return found

    def listed(self, found: int) -> list[dict[str, str]]:
        """The combinations of a set."""
        bits = reversed(f"{found:b}")
        return [combination for combination, bit in zip(self.combinations, bits, strict=False) if bit == "1"]
