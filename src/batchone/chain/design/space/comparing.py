"""Whether two feature models allow the same configurations, proved by a solver both ways.

For each way one model is assumed and some statement of the other denied: a configuration that does so is a difference,
and where there is none, every configuration of the first is one of the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pysat.solvers import Cadical195

from batchone.chain.design.space.clauses import TRUE, Clauses
from batchone.chain.design.uvl.model import FeatureModel


@dataclass(frozen=True, slots=True)
class Difference:
    """A set of feature names that is a configuration of one model and not of the other."""

    only_in_first: bool
    features: frozenset[str]


def difference(first: FeatureModel, second: FeatureModel) -> Difference | None:
    """A configuration of one that the other does not have; none where they are equal.

    Features are the same where their names are; one that a model does not have is never chosen in it.
    """
    for one, other, is_first in ((first, second, True), (second, first, False)):
        found = beyond(one, other)
        if found is not None:
            return Difference(is_first, found)
    return None


def beyond(one: FeatureModel, other: FeatureModel) -> frozenset[str] | None:
    """The features of a configuration of the first that is none of the second; none where there is no such one."""
    clauses = Clauses(one, merged=False)
    solver: Any = Cadical195()
    for clause in clauses.all():
        solver.add_clause(clause)
    # The second model speaks of the first one's variables where names are the same, of variables of its own elsewhere.
    shared = one.numbers
    own = clauses.variables
    missing: list[int] = []
    variables: list[int] = []
    for feature in other.features:
        known = shared.get(feature.name)
        if known is None:
            missing.append(clauses.fresh())
            variables.append(missing[-1])
        else:
            variables.append(own[known])
    clauses.speak_of(other, variables)
    breaks = [-variables[0], *(-clauses.group(group) for group in other.groups)]
    breaks += [-clauses.literal(constraint.formula) for constraint in other.constraints]
    names = other.numbers
    breaks += [own[number] for name, number in shared.items() if name not in names]
    try:
        for clause in clauses.defined():
            solver.add_clause(clause)
        for variable in missing:
            solver.add_clause([-variable])
        solver.add_clause([literal for literal in breaks if literal != -TRUE])
        if not solver.solve():
            return None
        truths = {literal for literal in solver.get_model() if literal > 0}
        return frozenset(feature.name for number, feature in enumerate(one.features) if own[number] in truths)
    finally:
        solver.delete()
