"""Why an option cannot be had: a minimal set of choices and of statements of the model that contradict one another.

Every statement hangs on a selector. One question to the solver, with all selectors and choices assumed, names those that
the contradiction needs; they are few, so that leaving out one after another is asked of a small solver that knows only
them. What is left is minimal: without any one of it there would be no contradiction. (Deletion over an assumption core;
Marques-Silva and Lynce, SAT 2011.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any

from pysat.solvers import Glucose4, Minisat22

from batchone.chain.design.space.clauses import TRUE, Clause, Clauses, Kind, Statement
from batchone.chain.design.uvl.model import FeatureModel, Relation

_NAMES_MAX = 6


@dataclass(frozen=True, slots=True)
class Said:
    """A statement of a model as a sentence, with the line it was read from (0 where there is none)."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Choices (feature, wanted or not) and statements that together exclude something; none of them can be left out."""

    choices: Mapping[int, bool]
    statements: tuple[Statement, ...]
    said: tuple[Said, ...]


class Reasons:
    """Explains exclusions of one model; safe for threads."""

    def __init__(self, model: FeatureModel) -> None:
        self._model = model
        clauses = Clauses(model, merged=False)
        self._variables = clauses.variables
        self._solver: Any = Glucose4()
        add = self._solver.add_clause
        add([TRUE])
        self._said: list[tuple[Statement, list[Clause], list[Clause]]] = []
        for statement, said in clauses.statements():
            self._said.append((statement, said, clauses.defined()))
        self._first = clauses.count + 1
        for selector, (_, said, definitions) in enumerate(self._said, self._first):
            for clause in said:
                add([-selector, *clause])
            for clause in definitions:
                add(clause)
        self._selectors = list(range(self._first, self._first + len(self._said)))
        self._lock = RLock()

    def against(self, choices: Mapping[int, bool], feature: int | None = None, *, wanted: bool = True) -> Reason | None:
        """Why no configuration has the choices and the feature (or, `wanted` false, is without it); none where one has.

        Without a feature: why the choices exclude one another; with neither: why the model contradicts itself.
        """
        chosen = {self._literal(each, on): each for each, on in choices.items()}
        asked = [] if feature is None else [self._literal(feature, wanted)]
        if feature is not None and choices.get(feature) is (not wanted):
            return Reason({feature: not wanted}, (), ())
        with self._lock:
            if self._solver.solve(assumptions=[*self._selectors, *asked, *chosen]):
                return None
            core = self._solver.get_core() or []
        statements = sorted(literal for literal in core if literal >= self._first)
        blamed = [literal for literal in chosen if literal in set(core)]
        left_choices, left = self._minimal(asked, blamed, statements)
        kept = tuple(self._said[selector - self._first][0] for selector in left)
        return Reason(
            {chosen[literal]: choices[chosen[literal]] for literal in left_choices},
            kept,
            tuple(told(self._model, statement) for statement in kept),
        )

    def _minimal(self, asked: list[int], chosen: list[int], selectors: list[int]) -> tuple[list[int], list[int]]:
        small: Any = Minisat22()
        try:
            small.add_clause([TRUE])
            for selector in selectors:
                _, said, definitions = self._said[selector - self._first]
                for clause in said:
                    small.add_clause([-selector, *clause])
                for clause in definitions:
                    small.add_clause(clause)
            # Later choices go first, then statements: the reason blames early choices, and as few as it can.
            left = _shrunk(small, asked, [*reversed(chosen), *reversed(selectors)])
        finally:
            small.delete()
        return [literal for literal in chosen if literal in left], [literal for literal in selectors if literal in left]

    def _literal(self, feature: int, wanted: bool) -> int:
        return self._variables[feature] if wanted else -self._variables[feature]

    def close(self) -> None:
        """Free the solver's memory."""
        with self._lock:
            self._solver.delete()


def _shrunk(solver: Any, asked: Sequence[int], suspects: Sequence[int]) -> set[int]:
    """Suspects of which none can be left out; they contradict what is asked."""
    left = dict.fromkeys(suspects)
    for suspect in suspects:
        if suspect not in left:
            continue
        del left[suspect]
        # Statements first among the assumptions: the solver then blames choices only where statements do not suffice.
        if solver.solve(assumptions=[*asked, *reversed(left)]):
            left[suspect] = None
        else:
            core = set(solver.get_core() or ())
            left = {literal: None for literal in left if literal in core}
    return set(left)


def told(model: FeatureModel, statement: Statement) -> Said:
    """A statement as a person reads it."""
    features = model.features
    match statement:
        case (Kind.ROOT, number):
            return Said(features[number].line, f"{features[number].name} is always there")
        case (Kind.BELOW, number):
            feature = features[number]
            return Said(feature.line, f"{feature.name} stands below {features[feature.parent].name}")
        case (Kind.MANDATORY, number):
            feature = features[number]
            return Said(feature.line, f"{features[feature.parent].name} has {feature.name} always")
        case (Kind.GROUP, number):
            group = model.groups[number]
            names = [features[member].name for member in group.members]
            more = "" if len(names) <= _NAMES_MAX else f" and {len(names) - _NAMES_MAX} more"
            many = {Relation.ALTERNATIVE: "exactly one", Relation.OR: "at least one"}.get(
                group.relation, f"{group.least} to {group.most}"
            )
            return Said(group.line, f"{features[group.parent].name} has {many} of {', '.join(names[:_NAMES_MAX])}{more}")
        case (_, number):
            constraint = model.constraints[number]
            return Said(constraint.line, constraint.text)
    raise AssertionError(statement)
