"""A feature model as clauses over numbered literals.

Literal 1 is always true. A feature's literal is its variable; where `merged`, a mandatory feature shares its parent's
variable and the root is literal 1, which leaves a third to a half of the variables of a real model. Formulas become
clauses by distribution where that is short, by definitions in both directions (Tseitin) where it is not. "At most one"
of many members is cut into chained pieces of four (linear in the members, and as strong in propagation as all pairs).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import combinations
from typing import NamedTuple

from batchone.chain.design.space.weighing import linear, within
from batchone.chain.design.uvl.model import (
    All,
    Compare,
    Equivalent,
    FeatureModel,
    Formula,
    Group,
    Has,
    Implies,
    Not,
    Relation,
    Some,
    Truth,
)

TRUE = 1
_SPREAD_MAX = 24
"""So many clauses a constraint may become by distribution."""
_PIECE = 4
"""Members of one piece of "at most one", the link to the rest included."""

Clause = list[int]


class Kind(StrEnum):
    """What a statement of a model says."""

    ROOT = "root"
    BELOW = "below"
    MANDATORY = "mandatory"
    GROUP = "group"
    CONSTRAINT = "constraint"


class Statement(NamedTuple):
    """One thing that a model says: of a feature (root, below its parent, mandatory), a group, or a constraint."""

    kind: Kind
    number: int


class Clauses:
    """The clauses of a model. `variables` has each feature's; `top` is the last variable that a feature has."""

    def __init__(self, model: FeatureModel, *, merged: bool, functional: bool = False, without: Collection[int] = ()) -> None:
        """`functional`: every helping variable follows from the features, so that configurations can be counted.

        Features in `without` have no variable (0); nothing but their groups may speak of them.
        """
        self.model = model
        self.merged = merged
        self._functional = functional
        self._without = without
        self.count = TRUE
        self.variables = self._number()
        self.top = self.count
        self._definitions: list[Clause] = []
        self._literals: dict[Formula, int] = {}

    def _number(self) -> list[int]:
        variables: list[int] = []
        groups = self.model.groups
        for number, feature in enumerate(self.model.features):
            if number in self._without:
                variables.append(0)
            elif self.merged and feature.parent < 0:
                variables.append(TRUE)
            elif self.merged and groups[feature.group].relation is Relation.MANDATORY:
                variables.append(variables[feature.parent])
            else:
                variables.append(self.fresh())
        return variables

    def fresh(self) -> int:
        """A variable that nothing speaks of yet."""
        self.count += 1
        return self.count

    def speak_of(self, model: FeatureModel, variables: list[int]) -> None:
        """From now on formulas and groups are those of another model, over these variables."""
        self.model, self.variables = model, variables
        self._literals = {}

    def define(self, clause: Clause) -> None:
        """Keep a clause that only says what a helping variable means."""
        self._definitions.append(clause)

    def all(self) -> Iterator[Clause]:
        """Every clause of the whole model."""
        yield [TRUE]
        for _, clauses in self.statements():
            yield from clauses
            if self._definitions:
                yield from self.defined()

    def defined(self) -> list[Clause]:
        """The definitions since the last call; they hold whatever the model says."""
        found, self._definitions = self._definitions, []
        return found

    def statements(self) -> Iterator[tuple[Statement, list[Clause]]]:
        """What the model says, and the clauses that say it; definitions that these need are in `defined`."""
        if not self.merged:
            yield Statement(Kind.ROOT, 0), [[self.variables[0]]]
        for number, group in enumerate(self.model.groups):
            if self.variables[group.parent]:
                yield from self._of_group(number, group)
        for number, constraint in enumerate(self.model.constraints):
            yield Statement(Kind.CONSTRAINT, number), self.of(constraint.formula)

    def _of_group(self, number: int, group: Group) -> Iterator[tuple[Statement, list[Clause]]]:
        variables, parent = self.variables, self.variables[group.parent]
        if group.relation is Relation.MANDATORY:
            if self.merged:
                return
            for member in group.members:
                yield Statement(Kind.MANDATORY, member), [[-parent, variables[member]]]
        elif group.relation is not Relation.OPTIONAL and any(variables[member] for member in group.members):
            yield Statement(Kind.GROUP, number), self._group(group, parent)
        for member in group.members if parent != TRUE else ():
            if variables[member]:
                yield Statement(Kind.BELOW, member), [[-variables[member], parent]]

    def _group(self, group: Group, parent: int) -> list[Clause]:
        """An alternative says of its members that no two go together, chosen parent or not: reasons are shorter for it."""
        members = [self.variables[member] for member in group.members if self.variables[member]]
        if group.relation is Relation.OR:
            return [[-parent, *members]]
        if group.relation is Relation.ALTERNATIVE:
            return [[-parent, *members], *self.at_most_one(members)]
        return [[-parent, within(self, members, group.least, group.most)]]

    def at_most_one(self, literals: Sequence[int]) -> list[Clause]:
        """Clauses that let at most one of the literals be true."""
        found: list[Clause] = []
        rest = list(literals)
        while len(rest) > _PIECE + 1 and not self._functional:
            link = self.fresh()
            found.extend([-one, -other] for one, other in combinations((*rest[: _PIECE - 1], link), 2))
            rest = [-link, *rest[_PIECE - 1 :]]
        found.extend([-one, -other] for one, other in combinations(rest, 2))
        return found

    def of(self, formula: Formula, *, holds: bool = True) -> list[Clause]:  # noqa: PLR0911 - one for each kind of formula
        """Clauses that say a formula, or that it does not hold."""
        match formula:
            case Has(feature):
                return [[self.variables[feature] if holds else -self.variables[feature]]]
            case Not(part):
                return self.of(part, holds=not holds)
            case Implies(first, second):
                if not holds:
                    return [*self.of(first), *self.of(second, holds=False)]
                return self._product([self.of(first, holds=False), self.of(second)])
            case All(parts_) | Some(parts_):
                each = [self.of(part, holds=holds) for part in parts_]
                if holds == isinstance(formula, All):
                    return [clause for clauses in each for clause in clauses]
                return self._product(each)
            case Truth(value):
                return [] if value is holds else [[-TRUE]]
            case Equivalent(first, second):
                return [
                    *self._product([self.of(first, holds=False), self.of(second, holds=holds)]),
                    *self._product([self.of(first), self.of(second, holds=not holds)]),
                ]
            case Compare():
                return [[self.literal(formula) if holds else -self.literal(formula)]]

    def _product(self, parts: Sequence[list[Clause]]) -> list[Clause]:
        """Clauses of "at least one of the parts": by distribution, or by naming parts where that would be long."""
        size = 1
        for part in parts:
            size *= len(part)
        several = [part for part in parts if len(part) != 1]
        if size > _SPREAD_MAX:
            return [[literal for part in parts for literal in (part[0] if len(part) == 1 else [self._named(part)])]]
        found: list[Clause] = [[literal for part in parts if len(part) == 1 for literal in part[0]]]
        for part in several:
            found = [[*one, *other] for one in found for other in part]
        return found

    def _named(self, clauses: list[Clause]) -> int:
        """A literal that is true exactly where all the clauses hold."""
        return -self.any([-self.any(clause) for clause in clauses])

    def literal(self, formula: Formula) -> int:
        """A literal that is true exactly where a formula holds."""
        known = self._literals.get(formula)
        if known is None:
            known = linear(self, formula) if isinstance(formula, Compare) else self._named(self.of(formula))
            self._literals[formula] = known
        return known

    def any(self, literals: Iterable[int]) -> int:
        """A literal that is true exactly where one of the literals is."""
        parts = list(dict.fromkeys(literal for literal in literals if literal != -TRUE))
        if not parts:
            return -TRUE
        if TRUE in parts:
            return TRUE
        if len(parts) == 1:
            return parts[0]
        defined = self.fresh()
        self.define([-defined, *parts])
        for part in parts:
            self.define([defined, -part])
        return defined

    def group(self, group: Group) -> int:
        """A literal that is true exactly where a group's relation holds, its members below its parent included."""
        parent = self.variables[group.parent]
        members = [self.variables[member] for member in group.members]
        below = [-self.any([-member, parent]) for member in members]
        return -self.any([*below, -self.any([-parent, within(self, members, group.least, group.most)])])
