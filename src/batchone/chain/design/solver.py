"""The space of valid configurations, as clauses over atoms `option = value`.

Every option has exactly one value. Each rule hangs on a selector of its own, so that the rules behind a contradiction can
be named; one master switch turns all of them on for the questions that only want yes or no. Expressions become literals
by Tseitin's definitions, both directions, so a literal may be assumed true or false.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from pysat.solvers import Minisat22

from batchone.chain.design.rules import (
    All,
    Among,
    Constant,
    Equivalent,
    Expression,
    Implies,
    Not,
    Some,
    Vocabulary,
)


class Space:
    """All choices that keep the rules. Not for use by two threads at once: the solver learns as it answers."""

    def __init__(self, vocabulary: Vocabulary, rules: Mapping[str, Expression]) -> None:
        self._vocabulary = vocabulary
        self._solver: Any = Minisat22()
        self._next = 0
        self._atoms = {option: {value: self._variable() for value in values} for option, values in vocabulary.options.items()}
        self._options = {atom: (option, value) for option, atoms in self._atoms.items() for value, atom in atoms.items()}
        for atoms in self._atoms.values():
            self._solver.add_clause(list(atoms.values()))
            for one, other in combinations(atoms.values(), 2):
                self._solver.add_clause([-one, -other])
        self._true = self._variable()
        self._solver.add_clause([self._true])
        self._literals: dict[Expression, int] = {}
        self._rules = self._variable()
        self._selectors: dict[str, int] = {}
        for name, expression in rules.items():
            selector = self._selectors[name] = self._variable()
            self._solver.add_clause([-selector, self.literal(expression)])
            self._solver.add_clause([-self._rules, selector])

    def atom(self, option: str, value: str) -> int:
        """The literal of `option = value`."""
        return self._atoms[option][value]

    def literal(self, expression: Expression) -> int:
        """A literal that is true exactly where the expression holds."""
        known = self._literals.get(expression)
        if known is None:
            known = self._literals[expression] = self._define(expression)
        return known

    def possible(self, choices: Mapping[str, str], *literals: int) -> bool:
        """Whether some valid configuration has these choices and these literals."""
        return bool(self._solver.solve(assumptions=[self._rules, *self._chosen(choices), *literals]))

    def example(self, choices: Mapping[str, str], *literals: int) -> dict[str, str] | None:
        """A valid configuration that has these choices and literals; none when there is none."""
        if not self.possible(choices, *literals):
            return None
        chosen = dict(self._options[lit] for lit in self._solver.get_model() if lit in self._options)
        return {option: chosen[option] for option in self._atoms}

    def conflict(self, choices: Mapping[str, str], *literals: int) -> tuple[dict[str, str], tuple[str, ...]]:
        """Why no valid configuration has these: a minimal set of choices and rules that contradicts the literals.

        Leaving any one choice or rule out removes the contradiction. The answer depends on the question alone, not on
        what the solver was asked before. Call it only where `possible` is false.
        """
        suspects = [*self._selectors.values(), *reversed(self._chosen(choices))]
        kept = set(self._quick_explain(list(literals), suspects, asked=False))
        found = {option: value for option, value in choices.items() if self.atom(option, value) in kept}
        return found, tuple(name for name, selector in self._selectors.items() if selector in kept)

    def _quick_explain(self, background: list[int], suspects: Sequence[int], *, asked: bool) -> list[int]:
        """Junker's QuickXplain (AAAI 2004): a minimal part of `suspects` that contradicts `background`."""
        if asked and not self._solver.solve(assumptions=background):
            return []
        if len(suspects) <= 1:
            return list(suspects)
        half = len(suspects) // 2
        first, second = suspects[:half], suspects[half:]
        from_second = self._quick_explain([*background, *first], second, asked=bool(first))
        from_first = self._quick_explain([*background, *from_second], first, asked=bool(from_second))
        return [*from_first, *from_second]

    def close(self) -> None:
        """Free the solver's memory."""
        self._solver.delete()

    def _chosen(self, choices: Mapping[str, str]) -> list[int]:
        return [self.atom(option, value) for option, value in choices.items()]

    def _variable(self) -> int:
        self._next += 1
        return self._next

    def _define(self, expression: Expression) -> int:  # noqa: PLR0911 - one for each kind of expression
        match expression:
            case Constant(value):
                return self._true if value else -self._true
            case Among(option, values):
                return self._any(self.atom(option, value) for value in self._vocabulary.options[option] if value in values)
            case Not(part):
                return -self.literal(part)
            case All(parts):
                return -self._any([-self.literal(part) for part in parts])
            case Some(parts):
                return self._any([self.literal(part) for part in parts])
            case Implies(first, second):
                return self._any([-self.literal(first), self.literal(second)])
            case Equivalent(first, second):
                one, other = self.literal(first), self.literal(second)
                return -self._any([-self._any([-one, other]), -self._any([one, -other])])

    def _any(self, literals: Iterable[int]) -> int:
        parts = list(literals)
        if len(parts) == 1:
            return parts[0]
        defined = self._variable()
        self._solver.add_clause([-defined, *parts])
        for part in parts:
            self._solver.add_clause([defined, -part])
        return defined
