"""How many configurations a model has: exactly where that is cheap, from below and above elsewhere.

First the tree: what no constraint speaks of is counted by its groups alone and leaves one weighted variable, or a weight.
What is left is counted by branching over variables with components counted apart and remembered (Bayardo and Pehoushek,
AAAI 2000; Thurley, SAT 2006, for the keys), for at most `limit` branchings. Beyond these a component counts at most as
if its variables were free, and at least what one known configuration's branch of it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log10, prod
from typing import Any

from pysat.solvers import Glucose4

from batchone.chain.design.space.clauses import TRUE, Clauses
from batchone.chain.design.space.twins import named
from batchone.chain.design.uvl.model import FeatureModel, Group, Relation

LIMIT = 20_000
_DEPTH_MAX = 200
Bounds = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Count:
    """A number of configurations between two bounds, which are equal where it is exact."""

    least: int
    most: int

    @property
    def exact(self) -> bool:
        """Whether the number is known."""
        return self.least == self.most

    @property
    def log10(self) -> tuple[float, float]:
        """Both bounds as powers of ten; minus infinity for none."""
        return _log10(self.least), _log10(self.most)


def _log10(number: int) -> float:
    return log10(number) if number else float("-inf")


def count(model: FeatureModel, limit: int = LIMIT) -> Count:
    """The number of configurations, after at most `limit` branchings."""
    weighing = _Weighing(model)
    clauses = weighing.clauses()
    solver: Any = Glucose4()
    try:
        for clause in clauses:
            solver.add_clause(clause)
        # A configuration with much in it leaves other parts open in its branch than one with little.
        known: list[dict[int, int]] = []
        for phase in (1, -1):
            solver.set_phases([phase * variable for variable in weighing.weights])
            if not solver.solve():
                return Count(0, 0)
            known.append({abs(literal): literal for literal in solver.get_model()})
        counting = _Counting(clauses, weighing.weights, known, limit)
        least, most = counting.run()
    finally:
        solver.delete()
    return Count(least, min(most, weighing.tree))


class _Weighing:
    """A model without what only its groups speak of: the variables that are left, and how many ways each stands for."""

    def __init__(self, model: FeatureModel) -> None:
        self._model = model
        spoken = {feature for constraint in model.constraints for feature in named(model, constraint.formula)}
        self._ways = [1] * len(model.features)
        self._quiet = [number not in spoken for number in range(len(model.features))]
        for number in reversed(range(len(model.features))):
            if self._quiet[number]:
                groups = [model.groups[each] for each in model.groups_of.get(number, ())]
                self._quiet[number] = all(self._quiet[member] for group in groups for member in group.members)
        self.tree = self._count_tree()
        self.weights: dict[int, int] = {}

    def _count_tree(self) -> int:
        """Ways below each feature, and of the whole tree, as if there were no constraint."""
        for number in reversed(range(len(self._model.features))):
            groups = (self._model.groups[each] for each in self._model.groups_of.get(number, ()))
            self._ways[number] = prod(ways(group, [self._ways[member] for member in group.members]) for group in groups)
        return self._ways[0]

    def clauses(self) -> list[list[int]]:
        """The clauses that are left; fills `weights`: in how many ways a variable is true. A false one is so in one way."""
        model, dropped = self._model, set[int]()
        factor = [1] * len(model.features)
        for number in range(len(model.features)):
            if self._quiet[number]:
                factor[number] = self._ways[number]
        stands_for: dict[int, int] = {}
        for group in model.groups:
            quiet = [member for member in group.members if self._quiet[member]]
            if self._quiet[group.parent]:
                dropped.update(group.members)
            elif group.relation in (Relation.MANDATORY, Relation.OPTIONAL):
                factor[group.parent] *= ways(group, [self._ways[member] for member in quiet])
                dropped.update(quiet)
            elif quiet and group.relation is not Relation.CARDINALITY:
                together = [self._ways[member] for member in quiet]
                stands_for[quiet[0]] = sum(together) if group.relation is Relation.ALTERNATIVE else _any_of(together)
                dropped.update(quiet[1:])
        clauses = Clauses(model, merged=True, functional=True, without=frozenset(dropped))
        found = [clause for clause in clauses.all() if clause]
        for number, variable in enumerate(clauses.variables):
            if variable:
                own = stands_for.get(number, factor[number])
                self.weights[variable] = self.weights.get(variable, 1) * own
        return found


def ways(group: Group, of_members: Sequence[int]) -> int:
    """In how many ways a group's relation can be kept, given the ways of each member."""
    match group.relation:
        case Relation.MANDATORY:
            return prod(of_members)
        case Relation.OPTIONAL:
            return prod(1 + each for each in of_members)
        case Relation.ALTERNATIVE:
            return sum(of_members)
        case Relation.OR:
            return _any_of(of_members)
        case Relation.CARDINALITY:
            by_size = [1] + [0] * len(of_members)
            for each in of_members:
                for size in reversed(range(1, len(by_size))):
                    by_size[size] += by_size[size - 1] * each
            return sum(by_size[group.least : group.most + 1])


def _any_of(of_members: Iterable[int]) -> int:
    return prod(1 + each for each in of_members) - 1


class _Counting:
    """Sets of clauses and of literals as bits of whole numbers. Literal l is bit 2v for v and 2v + 1 for not v."""

    def __init__(
        self, clauses: Sequence[Sequence[int]], weights: dict[int, int], known: Sequence[dict[int, int]], limit: int
    ) -> None:
        kept = [set(clause) for clause in clauses if not any(-literal in clause for literal in clause)]
        variables = sorted({abs(literal) for clause in kept for literal in clause} | weights.keys() | {TRUE})
        self._place = {variable: place for place, variable in enumerate(variables)}
        self._weights = [weights.get(variable, 1) for variable in variables]
        self._literals = [self._bits(clause) for clause in kept]
        self._occurs = [0] * (2 * len(variables))
        for number, bits in enumerate(self._literals):
            for literal in _ones(bits):
                self._occurs[literal] |= 1 << number
        self._known = [[int(each.get(variable, 1) < 0) for variable in variables] for each in known]
        self._left = limit
        self._remembered: dict[tuple[int, int], Bounds] = {}

    def _bits(self, clause: Iterable[int]) -> int:
        bits = 0
        for literal in clause:
            bits |= 1 << (2 * self._place[abs(literal)] + (literal < 0))
        return bits

    def run(self) -> Bounds:
        """The bounds of the whole."""
        everything = (1 << 2 * len(self._weights)) - 1
        active = (1 << len(self._literals)) - 1
        units = [literal for bits in self._literals if bits.bit_count() == 1 for literal in _ones(bits)]
        found = self._assigned(everything, active, units)
        return (0, 0) if found is None else self._split(*found, 0)

    def _assigned(self, open_: int, active: int, literals: Iterable[int]) -> tuple[int, int, int] | None:
        """Open literals, active clauses and the ways of what was decided, after these are true; none in a contradiction."""
        waiting, weight = list(literals), 1
        while waiting:
            literal = waiting.pop()
            if not open_ >> literal & 1:
                if open_ >> (literal ^ 1) & 1:
                    return None
                continue
            other = literal ^ 1
            if not open_ >> other & 1:
                continue
            # A decided variable leaves both its literals' bits; a contradiction shows as a clause without open literals.
            open_ &= ~(1 << literal | 1 << other)
            active &= ~self._occurs[literal]
            if not literal & 1:
                weight *= self._weights[literal >> 1]
            for number in _ones(self._occurs[other] & active):
                rest = self._literals[number] & open_
                if not rest:
                    return None
                if not rest & (rest - 1):
                    waiting.append(rest.bit_length() - 1)
        return open_, active, weight

    def _split(self, open_: int, active: int, weight: int, depth: int) -> Bounds:
        """Bounds of independent parts multiplied; variables in no clause are free."""
        least = most = weight
        for variables, clauses in self._parts(open_, active):
            low, high = (self._free(variables),) * 2 if not clauses else self._part(variables, clauses, depth)
            least, most = least * low, most * high
            if not most:
                break
        return least, most

    def _parts(self, open_: int, active: int) -> Iterator[tuple[int, int]]:
        touched = 0
        while active:
            clauses, variables, new = 0, 0, active & -active
            while new:
                clauses |= new
                literals = 0
                for number in _ones(new):
                    literals |= self._literals[number]
                literals &= open_ & ~variables
                reach = 0
                for literal in _ones(literals):
                    pair = literal & ~1
                    if not variables >> pair & 1:
                        variables |= 3 << pair
                        reach |= self._occurs[pair] | self._occurs[pair + 1]
                new = reach & active & ~clauses
            active &= ~clauses
            touched |= variables
            yield variables, clauses
        if open_ & ~touched:
            yield open_ & ~touched, 0

    def _free(self, variables: int) -> int:
        return prod(1 + self._weights[literal >> 1] for literal in _ones(variables) if not literal & 1)

    def _part(self, variables: int, clauses: int, depth: int) -> Bounds:
        key = (variables, clauses)
        found = self._remembered.get(key)
        if found is None:
            found = self._bounded(variables, clauses) if self._left <= 0 or depth >= _DEPTH_MAX else None
            if found is None:
                self._left -= 1
                found = self._branched(variables, clauses, depth)
            self._remembered[key] = found
        return found

    def _bounded(self, variables: int, clauses: int) -> Bounds:
        return max(self._least(variables, clauses, each) for each in self._known), self._free(variables)

    def _branched(self, variables: int, clauses: int, depth: int) -> Bounds:
        pair = self._branching(variables, clauses)
        least = most = 0
        for literal in (pair, pair + 1):
            decided = self._assigned(variables, clauses, [literal])
            if decided is not None:
                low, high = self._split(*decided, depth + 1)
                least, most = least + low, most + high
        return least, most

    def _branching(self, variables: int, clauses: int) -> int:
        """The variable in most clauses."""
        best, most = 0, -1
        for literal in _ones(variables):
            if not literal & 1:
                uses = (self._occurs[literal] & clauses).bit_count() * (self._occurs[literal + 1] & clauses).bit_count()
                uses += (self._occurs[literal] & clauses).bit_count() + (self._occurs[literal + 1] & clauses).bit_count()
                if uses > most:
                    best, most = literal, uses
        return best

    def _least(self, variables: int, clauses: int, known: Sequence[int]) -> int:
        """What a part has at least: one branch of it, as a known configuration goes; none where that leads nowhere."""
        least, waiting = 1, [(variables, clauses)]
        while waiting:
            part, active = waiting.pop()
            if not active:
                least *= self._free(part)
                continue
            pair = self._branching(part, active)
            literal = pair + known[pair >> 1]
            decided = self._assigned(part, active, [literal]) or self._assigned(part, active, [literal ^ 1])
            if decided is None:
                return 0
            least *= decided[2]
            waiting.extend(self._parts(decided[0], decided[1]))
        return least


def _ones(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
