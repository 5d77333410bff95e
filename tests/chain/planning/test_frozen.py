from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chain.planning.judge.rich import one_by_one, rich_problems
from tests.chain.planning.problems import UNHURRIED, op, plant, problem, problems, starts

from batchone.chain.planning import Before, Job, Measure, Problem, Resource, SetupMatrix, repair, solve, validate
from batchone.chain.planning.frozen import compared, freeze


@settings(UNHURRIED, max_examples=60)
@given(problems(), st.integers(0, 120))
def test_what_is_near_stays_and_the_rest_can_still_be_planned(of: Problem, until_s: int) -> None:
    plan = solve(of, 0, 1)
    frozen = freeze(of, plan, until_s)
    again = solve(frozen, 0, 2)
    assert validate(frozen, again) == []
    kept = {o.id for o in frozen.operations if o.fixed is not None}
    assert {name: at for name, at in starts(again).items() if name in kept} == {
        name: at for name, at in starts(plan).items() if name in kept
    }
    assert all(plan.by_operation[name].start_s < until_s for name in kept)


def test_a_search_does_not_move_what_is_frozen() -> None:
    of = plant(30, due_h=(1.0, 1.5))
    plan = solve(of, 0, 1)
    again = solve(of, 1.0, 1, in_force=plan, frozen_s=600)
    near = {a.operation: a for a in plan.assignments if a.start_s < 600}
    assert near
    for name, a in near.items():
        b = again.by_operation[name]
        assert (b.resource, b.track, b.start_s) == (a.resource, a.track, a.start_s)


def test_what_cannot_stay_is_let_go() -> None:
    of = problem(
        [Resource("r"), Resource("q")], [Job("a"), Job("b")], [op("a.0", {"r": 10, "q": 10}), op("b.0", {"r": 10, "q": 10})]
    )
    plan = solve(of, 0, 1)
    broken = replace(of, resources=(replace(of.resources[0], available_from_s=500), of.resources[1]))
    frozen = freeze(broken, repair(of, plan), 100)
    assert {o.fixed.resource for o in frozen.operations if o.fixed is not None} == {"q"}


def test_changes_are_counted_against_the_plan_in_force() -> None:
    of = replace(problem([Resource("r")], [Job("a")], [op("a.0", "r")]), aim=(Measure.CHANGES, Measure.MAKESPAN))
    plan = solve(of, 0, 1)
    assert compared(of, plan).before == (Before("a.0", "r", 0),)
    assert solve(replace(of, jobs=(Job("a", release_s=5),)), 0, 1, in_force=plan).objective.changes == 1


def test_what_is_near_stays_with_the_tool_and_the_crew_it_takes() -> None:
    red = SetupMatrix("colours", change_s=10, first_s=10, crew="setter")
    of = problem(
        [Resource("m", setup="colours"), Resource("n"), Resource("gun", positions=2), Resource("ann", ("setter",))],
        [Job("a"), Job("b"), Job("c")],
        [
            op("a.0", "m", 20, setup_key="red", needs=("gun",)),
            op("b.0", "n", 40, needs=("gun",)),
            op("c.0", "n", 5, needs=("gun",)),
        ],
        setups=(red,),
    )
    plan = solve(of, 0, 1)
    frozen = freeze(of, plan, 15)
    fixed = {o.id: o.fixed for o in frozen.operations if o.fixed is not None}
    assert set(fixed) >= {"a.0"}
    assert {name: each.also for name, each in fixed.items()} == {name: plan.by_operation[name].also for name in fixed}
    assert ("ann", 0) in fixed["a.0"].also
    again = solve(frozen, 0.2, 3, steps=50)
    assert validate(frozen, again) == []
    # The last tool is on leave: what needs it cannot stay, and what stood behind it on its track neither.
    gone = replace(of, resources=tuple(replace(r, positions=1) if r.id == "gun" else r for r in of.resources))
    kept = {o.id for o in freeze(gone, plan, 15).operations if o.fixed is not None}
    assert kept == {name for name, each in fixed.items() if ("gun", 1) not in each.also}


@settings(UNHURRIED, max_examples=60)
@given(rich_problems(), st.integers(1, 120))
def test_a_frozen_zone_never_makes_a_plan_that_cannot_be_carried_out(of: Problem, until_s: int) -> None:
    again = solve(of, 0, 1, in_force=one_by_one(of), frozen_s=until_s)
    assert validate(of, again) == []
