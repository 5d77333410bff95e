"""What a search hands out was judged: a solver that errs costs its time, and no plan that cannot be carried out."""

from dataclasses import replace

import pytest
from tests.chain.planning.problems import plant

from batchone.chain.planning import Plan, Problem, solve, validate
from batchone.chain.planning.branches import draft
from batchone.chain.planning.pins import Pin


def lying(problem: Problem, *_: object, in_force: Plan, **__: object) -> Plan:
    """A search that promises everything at once: every operation at second 0."""
    plan = solve(problem, 0, 1, in_force=in_force)
    squeezed = tuple(replace(a, setup_start_s=0, start_s=0, end_s=a.end_s - a.start_s) for a in plan.assignments)
    best = replace(plan.objective, weighted_tardiness_s=0, setup_s=0, makespan_s=1)
    return replace(plan, assignments=squeezed, objective=best, produced_by="lie")


@pytest.mark.parametrize("pinned", [False, True])
def test_a_plan_that_breaks_a_rule_is_not_handed_out_and_says_so(monkeypatch: pytest.MonkeyPatch, pinned: bool) -> None:
    of = plant(12, due_h=(0.5, 1.0))
    in_force = solve(of, 0, 1)
    last = in_force.assignments[-1]
    pins = [Pin(last.operation, last.resource, last.track, last.start_s)] if pinned else []
    monkeypatch.setattr(draft, "solve", lying)
    found = draft.searched_plan(of, in_force, pins, 0.1, 1)
    assert validate(of, found) == []
    assert found.produced_by.startswith("repair")
    # With a pin the plan is timed again around it, which alone undoes the lie.
    assert pinned or "lie found broke a rule" in found.produced_by


def test_a_plan_that_keeps_all_rules_is_handed_out_as_it_is() -> None:
    of = plant(12, due_h=(0.5, 1.0))
    in_force = solve(of, 0, 1)
    found = draft.searched_plan(of, in_force, [], 0.5, 1)
    assert validate(of, found) == []
    assert "broke" not in found.produced_by
    assert found.objective.key(of.aim, of.weights) <= in_force.objective.key(of.aim, of.weights)
