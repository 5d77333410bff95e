"""Models that nobody here wrote: published figures, and a second solver with an encoding of its own."""

from __future__ import annotations

import gc
import random
import tracemalloc
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

import pytest
from ortools.sat.python import cp_model
from pysat.solvers import Cadical195
from tests.support_features import PUBLISHED, published

from batchone.chain.design.space import OptionSpace, Reasons, Session, State, count, smallest_change
from batchone.chain.design.uvl import FeatureModel, Relation, read_file
from batchone.chain.design.uvl.model import All, Equivalent, Formula, Has, Implies, Not, Some, Truth

FIGURES = {"automotive01": (94, 185), "berkeleydb": (1, 0), "financialservices01": (22, 0), "automotive02": (1_777, 10)}
SIZES = {
    "printer": 172, "pc-richmond": 364, "berkeleydb": 76, "financialservices01": 771, "automotive01": 2_513,
    "automotive02": 18_616,
}  # fmt: skip


@cache
def space_of(name: str) -> OptionSpace:
    return OptionSpace(read_file(published(name)))


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_feature_is_read(name: str) -> None:
    assert len(space_of(name).model.features) == SIZES[name]


@pytest.mark.parametrize("name", FIGURES)
def test_core_and_dead_features_are_as_many_as_published(name: str) -> None:
    prepared = space_of(name).prepared
    assert (len(prepared.core), len(prepared.dead)) == FIGURES[name]


@pytest.mark.parametrize(("name", "log10"), [("berkeleydb", 9.6), ("financialservices01", 14.0)])
def test_configurations_are_as_many_as_published(name: str, log10: float) -> None:
    found = count(read_file(published(name)))
    assert found.exact
    assert round(found.log10[0], 1) == log10


@pytest.mark.parametrize(("name", "log10"), [("automotive01", 211.0), ("automotive02", 1_535.0)])
def test_bounds_lie_around_published_numbers(name: str, log10: float) -> None:
    least, most = count(read_file(published(name)), 10).log10
    assert least <= log10 + 0.5
    assert most >= log10 - 0.5
    assert least > 0.6 * log10


@dataclass
class Second:
    """The same model for CP-SAT: groups as its own cardinality constraints, formulas as literals of its own."""

    model: FeatureModel

    def __post_init__(self) -> None:
        self.cp = cp_model.CpModel()
        self.features = [self.cp.new_bool_var(str(number)) for number in range(len(self.model.features))]
        self.cp.add(self.features[0] == 1)
        for group in self.model.groups:
            parent, members = self.features[group.parent], [self.features[member] for member in group.members]
            if group.relation is Relation.ALTERNATIVE:
                self.cp.add(sum(members) == parent)
            elif group.relation is Relation.MANDATORY:
                for member in members:
                    self.cp.add(member == parent)
            else:
                self.cp.add(sum(members) >= group.least).only_enforce_if(parent)
                self.cp.add(sum(members) <= group.most * parent)
        for constraint in self.model.constraints:
            self.cp.add_bool_and([self.literal(constraint.formula)])

    def literal(self, formula: Formula) -> cp_model.LiteralT:  # noqa: PLR0911 - one for each kind of formula
        match formula:
            case Has(feature):
                return self.features[feature]
            case Truth(value):
                return self.cp.new_constant(int(value))
            case Not(part):
                return self.literal(part).Not()
            case All(parts):
                return self.any([self.literal(part).Not() for part in parts]).Not()
            case Some(parts):
                return self.any([self.literal(part) for part in parts])
            case Implies(first, second):
                return self.any([self.literal(first).Not(), self.literal(second)])
            case Equivalent(first, second):
                one, other = self.literal(first), self.literal(second)
                return self.any([self.any([one, other]).Not(), self.any([one.Not(), other.Not()]).Not()])
        raise AssertionError(formula)

    def any(self, literals: list[cp_model.LiteralT]) -> cp_model.LiteralT:
        found = self.cp.new_bool_var("")
        self.cp.add_max_equality(found, literals)
        return found

    def state(self, choices: dict[int, bool], feature: int) -> State:
        can, cannot = (
            choices.get(feature, wanted) is wanted and self.possible({**choices, feature: wanted}) for wanted in (True, False)
        )
        return State.SELECTABLE if can and cannot else State.FORCED if can else State.EXCLUDED

    def possible(self, choices: dict[int, bool]) -> bool:
        asked = self.cp.clone()
        for feature, wanted in choices.items():
            variable = asked.get_bool_var_from_proto_index(self.features[feature].index)
            asked.add(variable == int(wanted))
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.cp_model_presolve = False
        return solver.solve(asked) in (cp_model.OPTIMAL, cp_model.FEASIBLE)


@pytest.mark.parametrize("name", ["automotive01", "automotive02"])
def test_an_open_session_takes_less_than_two_megabytes(name: str) -> None:
    space, chance = space_of(name), random.Random(3)
    session = Session(space)
    session.states()
    del session
    gc.collect()
    tracemalloc.start()
    try:
        session = Session(space)
        for _ in range(6):
            states = session.states().listed()
            session.choose(chance.choice([feature for feature, state in states.items() if state is State.SELECTABLE]), True)
        del states
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(session.choices) == 6
    assert taken < 2_000_000


@dataclass(frozen=True)
class Clicking:
    """How a model is clicked through: how often, and how many options are looked at after each click (none: all of them).

    With a page, what stands beside the choices in their groups is looked at, too: it is what a click excludes.
    """

    clicks: int
    page: int | None


CLICKS = {
    "printer": Clicking(20, None), "pc-richmond": Clicking(20, None), "berkeleydb": Clicking(20, None),
    "financialservices01": Clicking(20, None), "automotive01": Clicking(10, None), "automotive02": Clicking(3, 80),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_option_after_each_click_of_one_person_stands_where_a_second_solver_says(name: str) -> None:
    chance, space, clicking = random.Random(11), space_of(name), CLICKS[name]
    third, session = Third(space.model), Session(space)
    numbers, seen, looked = range(len(space.model.features)), Counter[State](), 0
    for _ in range(clicking.clicks):
        asked = (
            list(dict.fromkeys([*chance.sample(numbers, clicking.page), *_beside(space.model, session.choices)]))
            if clicking.page
            else numbers
        )
        found = session.states(asked).listed()
        assert found == third.states(dict(session.choices), asked)
        looked += len(found)
        seen.update(found.values())
        free = [feature for feature, state in found.items() if state is State.SELECTABLE]
        if not free:
            break
        ones = [
            feature
            for feature in free
            if space.model.groups[space.model.features[feature].group].relation is Relation.ALTERNATIVE
        ]
        session.choose(chance.choice(ones if ones and clicking.page else free), chance.random() < 0.8)
    assert min(seen[state] for state in State) > 0
    assert looked >= (clicking.page or len(numbers)) * min(clicking.clicks, 10)


def _beside(model: FeatureModel, choices: Collection[int]) -> list[int]:
    """Up to 40 members of the groups that the choices stand in."""
    return [member for feature in choices for member in model.groups[model.features[feature].group].members[:40]]


class Third:
    """The same model for CaDiCaL, which keeps what it learnt from one question to the next: a ladder for each alternative
    group, a literal for each formula. A configuration that it finds answers for every feature that it has or has not.
    """

    def __init__(self, model: FeatureModel) -> None:
        self.solver = Cadical195()
        self.model, self.count = model, len(model.features)
        self.solver.add_clause([1])
        for group in model.groups:
            self._group(group.relation, group.parent + 1, [member + 1 for member in group.members])
        for constraint in model.constraints:
            self.solver.add_clause([self._literal(constraint.formula)])

    def states(self, choices: dict[int, bool], asked: Sequence[int]) -> dict[int, State]:
        assumed = [feature + 1 if wanted else -feature - 1 for feature, wanted in choices.items()]
        seen, wanted = set[int](), {literal for feature in asked for literal in (feature + 1, -feature - 1)}
        for literal in wanted:
            if literal not in seen and self.solver.solve(assumptions=[*assumed, literal]):
                seen.update(self.solver.get_model()[: len(self.model.features)])
        states = {(True, True): State.SELECTABLE, (True, False): State.FORCED, (False, True): State.EXCLUDED}
        return {feature: states[feature + 1 in seen, -feature - 1 in seen] for feature in asked}

    def _group(self, relation: Relation, parent: int, members: list[int]) -> None:
        for member in members:
            self.solver.add_clause([-member, parent])
        if relation is Relation.MANDATORY:
            for member in members:
                self.solver.add_clause([member, -parent])
        elif relation is not Relation.OPTIONAL:
            assert relation in (Relation.OR, Relation.ALTERNATIVE), "no published model has another"
            self.solver.add_clause([-parent, *members])
        if relation is Relation.ALTERNATIVE:
            before = None
            for member in members:
                passed = self._fresh()
                self.solver.append_formula([[-member, passed], *([[-before, passed], [-before, -member]] if before else [])])
                before = passed

    def _fresh(self) -> int:
        self.count += 1
        return self.count

    def _literal(self, formula: Formula) -> int:  # noqa: PLR0911 - one for each kind of formula
        match formula:
            case Has(feature):
                return feature + 1
            case Truth(value):
                return 1 if value else -1
            case Not(part):
                return -self._literal(part)
            case All(parts):
                return -self._any([-self._literal(part) for part in parts])
            case Some(parts):
                return self._any([self._literal(part) for part in parts])
            case Implies(first, second):
                return self._any([-self._literal(first), self._literal(second)])
            case Equivalent(first, second):
                one, other = self._literal(first), self._literal(second)
                return self._any([-self._any([one, other]), -self._any([-one, -other])])
        raise AssertionError(formula)

    def _any(self, literals: list[int]) -> int:
        found = self._fresh()
        self.solver.append_formula([[-found, *literals], *([found, -literal] for literal in literals)])
        return found


def _some(chance: random.Random, features: list[int], many: int) -> list[int]:
    return chance.sample(features, min(many, len(features)))


@pytest.mark.parametrize("name", ["pc-richmond", "financialservices01", "automotive01"])
def test_explanations_and_smallest_changes_hold_for_a_second_solver(name: str) -> None:
    chance, space = random.Random(5), space_of(name)
    second, session, reasons = Second(space.model), Session(space), Reasons(space.model)
    for _ in range(4):
        free = [feature for feature, state in session.states().listed().items() if state is State.SELECTABLE]
        session.choose(chance.choice(free), True)
    choices = dict(session.choices)
    excluded = [f for f, state in session.states().listed().items() if state is State.EXCLUDED and f not in space.prepared.dead]
    for feature in _some(chance, excluded, 3):
        reason = reasons.against(choices, feature)
        assert reason is not None
        assert reason.choices
        assert not second.possible({**reason.choices, feature: True})
        change = smallest_change(space, choices, feature)
        assert change is not None
        assert second.possible({f: on for f, on in choices.items() if f not in change} | {feature: True})
        for given_up in change:
            assert not second.possible(
                {f: on for f, on in choices.items() if f not in change or f == given_up} | {feature: True}
            )
