"""All combinations of a pack's options, valid or not, as bit sets: the slow, obvious route that solvers are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any

from batchone.chain.design.model import vocabulary_of
from batchone.chain.design.rules import Expression, holds, named, parse
from batchone.contracts.pack import Pack


class _Combinations(Sequence[dict[str, str]]):
    """Every combination by its number, made when it is looked at; the last option turns fastest."""

    def __init__(self, options: Mapping[str, tuple[str, ...]]) -> None:
        self._options = options
        self.strides: dict[str, int] = {}
        size = 1
        for option in reversed(options):
            self.strides[option] = size
            size *= len(options[option])
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(self._size))]
        if not 0 <= index < self._size:
            raise IndexError(index)
        return {option: values[index // self.strides[option] % len(values)] for option, values in self._options.items()}

    def __iter__(self) -> Iterator[dict[str, str]]:
        return (dict(zip(self._options, values, strict=True)) for values in product(*self._options.values()))

    def __reversed__(self) -> Iterator[dict[str, str]]:
        backwards = (values[::-1] for values in self._options.values())
        return (dict(zip(self._options, values, strict=True)) for values in product(*backwards))


class Universe:
    """Every combination has a number; a set of them is a whole number whose bits say which."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.vocabulary = vocabulary_of(pack)
        options = self.vocabulary.options
        self.combinations = _Combinations(options)
        self.everything = (1 << len(self.combinations)) - 1
        self.having = {}
        for option, values in options.items():
            run = self.combinations.strides[option]
            again = self.everything // ((1 << run * len(values)) - 1)
            for number, value in enumerate(values):
                self.having[option, value] = (((1 << run) - 1) << run * number) * again
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
