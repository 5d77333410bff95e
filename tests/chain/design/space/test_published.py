"""Models that nobody here wrote: published figures, and a second solver with an encoding of its own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

import pytest
from ortools.sat.python import cp_model
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


SAMPLES = {"printer": 40, "pc-richmond": 40, "berkeleydb": 40, "financialservices01": 12, "automotive01": 12, "automotive02": 3}


@pytest.mark.parametrize("name", PUBLISHED)
def test_sampled_clicks_agree_with_a_second_solver(name: str) -> None:
    """Three of each state, where there are so many, after each click of one person who clicks three times."""
    chance, space = random.Random(11), space_of(name)
    second, session = Second(space.model), Session(space)
    left = SAMPLES[name]
    seen: set[State] = set()
    for _ in range(3):
        states = session.states().listed()
        free = [feature for feature, state in states.items() if state is State.SELECTABLE]
        asked = [
            feature
            for wanted in State
            for feature in _some(chance, [f for f, state in states.items() if state is wanted], max(1, SAMPLES[name] // 9))
        ][:left]
        left -= len(asked)
        for feature in asked:
            assert states[feature] is second.state(dict(session.choices), feature), space.model.features[feature].name
            seen.add(states[feature])
        session.choose(chance.choice(free), chance.random() < 0.8)
    assert State.SELECTABLE in seen
    assert len(seen) > 1


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
