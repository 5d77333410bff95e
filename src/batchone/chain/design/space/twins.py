"""Features that are interchangeable: leaves of one group that nothing else speaks of.

Exchanging two such features turns every configuration into another one. So under choices that name neither of them both
have the same state, and one question answers for all. Real models have many: of the 18,616 features of a car line, four
fifths stand in such sets. The solver needs to know only a few members of a set (`SLOTS`): features that choices name
take the first ones, and two that nobody named stand for all others, since one of them may have to be chosen where the
other is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from batchone.chain.design.space.clauses import TRUE, Clauses
from batchone.chain.design.space.pool import Truths
from batchone.chain.design.uvl.model import (
    All,
    Arithmetic,
    Attribute,
    Compare,
    Equivalent,
    FeatureModel,
    Formula,
    Has,
    Implies,
    Not,
    Relation,
    Some,
    Sum,
    Term,
    Truth,
)

Places = NDArray[np.int64]

SLOTS = 4
"""So many members of a set the solver knows; sets of which more are named are asked of a solver that knows all."""


class Twins:
    """Sets of interchangeable features; most have one member. Sets and features count from 0, variables from 1."""

    def __init__(self, model: FeatureModel, slots: int = SLOTS) -> None:
        own = Clauses(model, merged=True).variables
        busy = np.zeros(max(own) + 1, bool)
        for constraint in model.constraints:
            for feature in named(model, constraint.formula):
                busy[own[feature]] = True
        for group in model.groups:
            if group.relation is not Relation.MANDATORY:
                busy[own[group.parent]] = True
        busy[TRUE] = True
        keys = np.arange(len(busy))
        dropped = np.zeros(len(busy), bool)
        for group in model.groups:
            free = [own[member] for member in group.members if not busy[own[member]]]
            if free and group.relation is not Relation.MANDATORY:
                keys[free] = free[0]
                if group.relation is not Relation.CARDINALITY:
                    dropped[free[slots:]] = True
        places = np.asarray(own, dtype=np.int64)
        self.without = frozenset(np.flatnonzero(dropped[places]).tolist())
        """Features that the solver does not know."""
        _, self.set_of = np.unique(keys[places], return_inverse=True)
        """Each feature's set."""
        self.count = int(self.set_of.max()) + 1
        sizes = np.bincount(self.set_of[np.unique(places, return_index=True)[1]], minlength=self.count)
        self.clauses = Clauses(model, merged=True, without=self.without)
        """What the solver knows."""
        variables = np.asarray(self.clauses.variables, dtype=np.int64)
        known, first = np.unique(variables, return_index=True)
        first, known = first[known > 0], known[known > 0]
        order = np.argsort(self.set_of[first], kind="stable")
        self._order: Places = known[order]
        counts = np.bincount(self.set_of[first], minlength=self.count)
        self._starts: Places = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._counts = counts
        self.of_variable: Places = np.zeros(self.clauses.top, np.int64)
        """Each variable's set."""
        self.of_variable[self._order - 1] = np.repeat(np.arange(self.count), counts)
        self._short = counts < sizes
        self.own = places
        """Each feature's variable if the solver knew all; features that always go together share it."""

    def placed(self, features: Iterable[int]) -> dict[int, int] | None:
        """Each named feature's variable in the solver; none where one set has more named features than the solver knows."""
        found: dict[int, int] = {}
        taken: dict[int, list[int]] = {}
        for feature in features:
            number = int(self.set_of[feature])
            members = taken.setdefault(number, [])
            own = int(self.own[feature])
            if own not in members:
                members.append(own)
            slot = members.index(own)
            if self._short[number] and slot + 2 >= self._counts[number]:
                return None
            found[feature] = int(self._order[self._starts[number] + slot])
        return found

    def gathered(self, truths: Truths) -> Truths:
        """For each set, whether one of its variables is true; `truths` has variable v at v - 1."""
        return np.asarray(np.logical_or.reduceat(truths[self._order - 1], self._starts))

    def spread(self, of_sets: Truths) -> Truths:
        """For each variable, what is said of its set; true for variables of no set."""
        found: Truths = np.ones(self.clauses.top, bool)
        found[self._order - 1] = np.repeat(of_sets, self._counts)
        return found

    def asking(self, placed: Mapping[int, int]) -> Places:
        """For each set the variable to ask about: the first that no named feature took; 0 where all are taken."""
        found = self._order[self._starts]
        taken = set(placed.values())
        for number in {int(self.set_of[feature]) for feature in placed}:
            start = self._starts[number]
            slots = self._order[start : start + self._counts[number]].tolist()
            found[number] = next((slot for slot in slots if slot not in taken), 0)
        return found


def named(model: FeatureModel, formula: Formula) -> Iterator[int]:
    """Every feature that a formula depends on."""
    match formula:
        case Has(feature):
            yield feature
        case Not(part):
            yield from named(model, part)
        case All(parts) | Some(parts):
            for part in parts:
                yield from named(model, part)
        case Implies(first, second) | Equivalent(first, second):
            yield from named(model, first)
            yield from named(model, second)
        case Compare(_, one, other):
            yield from _weighed(model, one)
            yield from _weighed(model, other)
        case Truth():
            return


def _weighed(model: FeatureModel, term: Term) -> Iterator[int]:
    match term:
        case Attribute(feature, _):
            yield feature
        case Sum(key, under):
            yield from model.amounts(key, under)
        case Arithmetic(_, first, second):
            yield from _weighed(model, first)
            yield from _weighed(model, second)
        case _:
            return
