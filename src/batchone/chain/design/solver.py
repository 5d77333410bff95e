"""The space of valid configurations, as clauses over atoms `option = value`.

Every option has exactly one value where its part is there, and none where it is not. Each rule hangs on a selector of its
own, so that the rules behind a contradiction can be named; one master switch turns all of them on for the questions that
only want yes or no. Expressions become literals by Tseitin's definitions, both directions, so a literal may be assumed true
or false. Sums become decision diagrams over their partial sums (Eén and Sörensson, "Translating Pseudo-Boolean Constraints
into SAT", JSAT 2006), whose nodes are such literals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from math import lcm
from typing import Any

from pysat.solvers import Minisat22

from batchone.chain.design.expressions import (
    RELATIONS,
    All,
    Among,
    Compare,
    Constant,
    Equivalent,
    Expression,
    Implies,
    Not,
    Some,
)
from batchone.chain.design.vocabulary import Vocabulary

NODES_MAX = 50_000
"""The most partial sums that one comparison may have; larger ones are refused when a pack is checked."""
_PAIRWISE_MAX = 12
_PRODUCT_MAX = 8


class Space:
    """All choices that keep the rules. Not for use by two threads at once: the solver learns as it answers."""

    def __init__(self, vocabulary: Vocabulary, rules: Mapping[str, Expression]) -> None:
        self._vocabulary = vocabulary
        self._solver: Any = Minisat22()
        self._clauses: list[list[int]] = []
        self._next = 0
        self._atoms = {option: {value: self._variable() for value in values} for option, values in vocabulary.options.items()}
        self._options = {atom: (option, value) for option, atoms in self._atoms.items() for value, atom in atoms.items()}
        self._true = self._variable()
        self._add([self._true])
        self._literals: dict[Expression, int] = {}
        for option, atoms in self._atoms.items():
            self._one_value(option, list(atoms.values()))
        self._rules = self._variable()
        self._selectors: dict[str, int] = {}
        for name, expression in rules.items():
            selector = self._selectors[name] = self._variable()
            for clause in self._demanded(expression, holds=True):
                self._add([-selector, *clause])
            self._add([-self._rules, selector])

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
        return self.near(choices, (), *literals)

    def near(self, choices: Mapping[str, str], wished: Iterable[int], *literals: int) -> dict[str, str] | None:
        """A valid configuration with these choices and literals, with wished atoms where that comes by itself."""
        wishes = {*wished}
        self._solver.set_phases([atom if atom in wishes else -atom for atom in self._options] if wishes else [])
        if not self.possible(choices, *literals):
            return None
        chosen = dict(self._options[lit] for lit in self._solver.get_model() if lit in self._options)
        return {option: chosen[option] for option in self._atoms if option in chosen}

    def among(self, choices: Mapping[str, str], atoms: Iterable[int]) -> set[int]:
        """Those of the atoms that some valid configuration with these choices has.

        One configuration answers for every value that it has, and the solver is told to prefer values that no
        configuration had yet; so the questions are few. The answer does not depend on the order in which they are asked.
        """
        assumed = [self._rules, *self._chosen(choices)]
        left, found, asked = dict.fromkeys(atoms), set[int](), list[int]()
        more = [*assumed]
        while left:
            # The solver keeps the values of its last configuration as its wishes, so they are said anew each time.
            self._solver.set_phases([*left, *(-atom for atom in asked)])
            if self._solver.solve(assumptions=more):
                seen = left.keys() & set(self._solver.get_model())
                found |= seen
            elif more == assumed:
                return found
            else:
                seen = {more[-1]}
            for atom in seen:
                del left[atom]
            asked.extend(seen)
            if left:
                more = [*assumed, next(iter(left))]
        return found

    def conflict(self, choices: Mapping[str, str], *literals: int) -> tuple[dict[str, str], tuple[str, ...]]:
        """Why no valid configuration has these: a minimal set of choices and rules that contradicts the literals.

        Leaving any one choice or rule out removes the contradiction. The answer depends on the question alone, not on
        what the solver was asked before. Call it only where `possible` is false.
        """
        suspects = [*self._selectors.values(), *reversed(self._chosen(choices))]
        kept = set(self._quick_explain(list(literals), suspects, asked=False))
        found = {option: value for option, value in choices.items() if self.atom(option, value) in kept}
        return found, tuple(name for name, selector in self._selectors.items() if selector in kept)

    def least_given_up(self, choices: Mapping[str, str], *literals: int) -> tuple[str, ...] | None:
        """The fewest choices (option ids, in the choices' order) to give up so that the literals become possible.

        None when they are impossible whatever is given up. Conflicts are gathered one by one until the smallest set that
        meets all of them is enough (Reiter, "A theory of diagnosis from first principles", 1987).
        """
        if not self.possible({}, *literals):
            return None
        chosen = {self.atom(option, value): option for option, value in choices.items()}
        conflicts: list[tuple[int, ...]] = []
        while True:
            dropped = _smallest_hit(conflicts, tuple(chosen))
            kept = [atom for atom in chosen if atom not in dropped]
            if self._solver.solve(assumptions=[self._rules, *kept, *literals]):
                return tuple(option for atom, option in chosen.items() if atom in dropped)
            background = [self._rules, *literals]
            conflicts.append(tuple(self._quick_explain(background, list(reversed(kept)), asked=False)))

    def cheapest(self, choices: Mapping[str, str], weights: Mapping[int, int]) -> Callable[[], dict[str, str]]:
        """A search for the valid configuration with these (possible) choices whose true literals weigh least together.

        Exact (core-guided MaxSAT: Morgado, Dodaro and Marques-Silva, "Core-Guided MaxSAT with Soft Cardinality
        Constraints", CP 2014). Weights may be below zero. The search has a solver of its own, and may run in a thread.
        """
        from pysat.examples.rc2 import RC2Stratified  # noqa: PLC0415 - needed for whole completions only
        from pysat.formula import WCNF  # noqa: PLC0415

        if not any(weights.values()):
            any_valid = self.example(choices) or {}
            return lambda: any_valid
        problem: Any = WCNF()
        problem.extend(self._clauses)
        problem.extend([[literal] for literal in (self._rules, *self._chosen(choices))])
        for literal, weight in weights.items():
            if weight:
                problem.append([-literal if weight > 0 else literal], weight=abs(weight))

        def find() -> dict[str, str]:
            with RC2Stratified(problem, solver="g3") as search:
                model = search.compute()
            chosen = dict(self._options[lit] for lit in model if lit in self._options)
            return {option: chosen[option] for option in self._atoms if option in chosen}

        return find

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

    def _add(self, clause: list[int]) -> None:
        self._clauses.append(clause)
        self._solver.add_clause(clause)

    def _one_value(self, option: str, atoms: list[int]) -> None:
        """Exactly one value where the option's slot is filled, none where it is empty."""
        slot = self._vocabulary.slot_of(option)
        if slot:
            present = self.literal(self._vocabulary.slots[slot].present)
            self._add([-present, *atoms])
            for atom in atoms:
                self._add([-atom, present])
        else:
            self._add(list(atoms))
        if len(atoms) <= _PAIRWISE_MAX:
            for one, other in combinations(atoms, 2):
                self._add([-one, -other])
            return
        before = 0
        for atom in atoms:  # a ladder: once an atom was true, none after it may be
            passed = self._variable()
            self._add([-atom, passed])
            if before:
                self._add([-before, passed])
                self._add([-atom, -before])
            before = passed

    def _demanded(self, expression: Expression, *, holds: bool) -> list[list[int]]:  # noqa: PLR0911 - one for each kind
        """Clauses that make an expression hold (or fail): without further variables where they stay few."""
        match expression:
            case Constant(value):
                return [] if value == holds else [[]]
            case Among(option, values):
                atoms = [self.atom(option, value) for value in self._vocabulary.options[option] if value in values]
                return [atoms] if holds else [[-atom] for atom in atoms]
            case Not(part):
                return self._demanded(part, holds=not holds)
            case All(parts) | Some(parts):
                together = isinstance(expression, All) == holds
                return self._all_of(parts, holds=holds) if together else self._one_of([(part, holds) for part in parts])
            case Implies(first, second):
                if holds:
                    return self._one_of([(first, False), (second, True)])
                return [*self._demanded(first, holds=True), *self._demanded(second, holds=False)]
            case Equivalent(first, second):
                one, other = (first, holds), (second, True)
                return [*self._one_of([(one[0], not one[1]), other]), *self._one_of([one, (second, False)])]
            case Compare():
                return [[self.literal(expression) if holds else -self.literal(expression)]]

    def _all_of(self, parts: Iterable[Expression], *, holds: bool) -> list[list[int]]:
        return [clause for part in parts for clause in self._demanded(part, holds=holds)]

    def _one_of(self, parts: Sequence[tuple[Expression, bool]]) -> list[list[int]]:
        """At least one of the parts holds (or fails); parts with several clauses get a variable where the product is large."""
        clauses: list[list[int]] = [[]]
        for part, holds in parts:
            more = self._demanded(part, holds=holds)
            if len(clauses) * len(more) > _PRODUCT_MAX:
                more = [[self.literal(part) if holds else -self.literal(part)]]
            clauses = [[*one, *other] for one in clauses for other in more]
        return clauses

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
            case Compare():
                return _Diagram(self, expression).literal()

    def _any(self, literals: Iterable[int]) -> int:
        parts = list(literals)
        if len(parts) == 1:
            return parts[0]
        defined = self._variable()
        self._add([-defined, *parts])
        for part in parts:
            self._add([defined, -part])
        return defined

    def choose(self, branches: Sequence[tuple[int, int]]) -> int:
        """A literal that equals, of branches (condition, literal), the one whose condition is true; exactly one must be."""
        if len({literal for _, literal in branches}) == 1:
            return branches[0][1]
        defined = self._variable()
        for condition, literal in branches:
            self._add([-condition, -defined, literal])
            self._add([-condition, defined, -literal])
        return defined

    def both(self, one: int, other: int) -> int:
        """A literal that is true exactly where both are."""
        return -self._any([-one, -other])

    @property
    def true(self) -> int:
        """A literal that is always true."""
        return self._true


class _Diagram:
    """The decision diagram of one comparison: a node for each partial sum that still decides something."""

    def __init__(self, space: Space, compare: Compare) -> None:
        self._space = space
        self._steps = _Steps(compare)
        self._nodes: dict[tuple[int, int], int] = {}

    def literal(self) -> int:
        """The literal that is true exactly where the comparison holds."""
        return self._node(0, 0)

    def _node(self, index: int, amount: int) -> int:
        settled = self._steps.settled(index, amount)
        if settled is not None:
            return self._space.true if settled else -self._space.true
        known = self._nodes.get((index, amount))
        if known is None:
            branches = [
                (self._space.literal(when), self._node(index + 1, amount + number)) for when, number in self._steps.cases[index]
            ]
            known = self._nodes[index, amount] = self._space.choose(branches)
        return known


class _Steps:
    """A comparison in whole numbers, its widest terms first, with what the terms after each can still come to."""

    def __init__(self, compare: Compare) -> None:
        numbers = [number for term in compare.terms for _, number in term.cases]
        scale = lcm(compare.bound.denominator, *(number.denominator for number in numbers))
        cases = [[(when, int(number * scale)) for when, number in term.cases] for term in compare.terms]
        self.cases = sorted(cases, key=lambda term: min(n for _, n in term) - max(n for _, n in term))
        self._holds = RELATIONS[compare.relation]
        self._relation = compare.relation
        self._bound = Fraction(int(compare.bound * scale))
        self._least, self._most = [0], [0]
        for term in reversed(self.cases):
            self._least.append(self._least[-1] + min(n for _, n in term))
            self._most.append(self._most[-1] + max(n for _, n in term))
        self._least.reverse()
        self._most.reverse()

    def settled(self, index: int, amount: int) -> bool | None:
        """Whether the comparison holds whatever comes after, or fails whatever comes after; None while that is open."""
        least, most = Fraction(amount + self._least[index]), Fraction(amount + self._most[index])
        low, high = self._holds(least, self._bound), self._holds(most, self._bound)
        if self._relation in ("=", "!="):
            if not least <= self._bound <= most:
                return self._relation == "!="
            return low if least == most else None
        return low if low == high else None


def nodes_of(compare: Compare) -> int:
    """How many partial sums the comparison's diagram has, counted up to just above `NODES_MAX`."""
    steps = _Steps(compare)
    count, here = 0, {0}
    for index, term in enumerate(steps.cases):
        here = {amount for amount in here if steps.settled(index, amount) is None}
        count += len(here)
        if count > NODES_MAX:
            break
        here = {amount + number for amount in here for _, number in term}
    return count


def _smallest_hit(conflicts: Sequence[tuple[int, ...]], order: tuple[int, ...]) -> frozenset[int]:
    """A smallest set that has something of every conflict; among equals, of what was chosen last."""
    latest = {atom: index for index, atom in enumerate(order)}

    def search(hit: frozenset[int], most: int) -> frozenset[int] | None:
        missed = next((conflict for conflict in conflicts if hit.isdisjoint(conflict)), None)
        if missed is None:
            return hit
        if len(hit) >= most:
            return None
        for atom in sorted(missed, key=latest.__getitem__, reverse=True):
            found = search(hit | {atom}, most)
            if found is not None:
                return found
        return None

    for size in range(len(order) + 1):
        found = search(frozenset(), size)
        if found is not None:
            return found
    return frozenset(order)
