from hypothesis import given
from tests.chain.planning.judge.rich import one_by_one, rich_problems, summed
from tests.chain.planning.problems import UNHURRIED, op, problem, problems

from batchone.chain.planning import (
    ALWAYS,
    Alternative,
    Assignment,
    Calendar,
    Job,
    Operation,
    Problem,
    Resource,
    SetupMatrix,
    Wait,
    bottleneck,
    solve,
)
from batchone.chain.planning.bottleneck import closed_time, with_resource

HOURS = Calendar("h", cycle=((0, 10_000), (20_000, 86_400)), cycle_s=86_400)
OF = problem(
    [Resource("narrow", calendar="h"), Resource("wide", positions=4)],
    [Job(f"j{n}", 4000) for n in range(4)],
    [o for n in range(4) for o in (op(f"j{n}.0", "wide", 100), op(f"j{n}.1", "narrow", 4000, (f"j{n}.0",)))],
    calendars=(HOURS,),
)


def test_the_resource_that_work_waits_for_comes_first_and_more_of_it_saves() -> None:
    told = bottleneck(OF, solve(OF, 0, 1))
    first, second = told.loads
    assert (first.resource, second.resource) == ("narrow", "wide")
    assert first.waiting_s > 0 == second.waiting_s
    assert first.waiting[0].endswith(".1")
    assert first.hour is not None
    assert first.position is not None
    assert first.hour.makespan_s == told.worth.makespan_s - 3600
    assert first.position.weighted_tardiness_s < first.hour.weighted_tardiness_s < told.worth.weighted_tardiness_s


def test_more_of_what_nobody_waits_for_saves_nothing() -> None:
    told = bottleneck(OF, solve(OF, 0, 1))
    wide = told.loads[1]
    assert wide.hour is None
    assert wide.position == told.worth
    assert 0 < wide.share < told.loads[0].share


def test_only_as_many_as_wished_are_measured() -> None:
    assert [load.position is not None for load in bottleneck(OF, solve(OF, 0, 1), 1).loads] == [True, False]


@UNHURRIED
@given(problems())
def test_every_plan_has_a_ranking(of: Problem) -> None:
    plan = solve(of, 0, 1)
    told = bottleneck(of, plan, 2)
    assert {load.resource for load in told.loads} == {a.resource for a in plan.assignments}
    assert all(0 <= load.share <= 1 and load.setup_s <= load.busy_s for load in told.loads)


def test_closed_time_is_taken_from_the_first_breaks() -> None:
    assert closed_time(HOURS, 3600, 50_000) == ((10_000, 13_600),)
    assert closed_time(HOURS, 20_000, 120_000) == ((10_000, 20_000), (96_400, 106_400))
    assert closed_time(HOURS, 3600, 9000) == ()
    assert closed_time(ALWAYS, 3600, 9000) == ()


@UNHURRIED
@given(rich_problems())
def test_lent_resources_stand_beside_machines_with_what_waits_for_them(of: Problem) -> None:
    plan = one_by_one(of)
    found = bottleneck(of, plan, 1)
    used = {a.resource for a in plan.assignments} | {name for a in plan.assignments for name, _ in a.also}
    assert {load.resource for load in found.loads} == used
    assert [load.waiting_s for load in found.loads] == sorted((load.waiting_s for load in found.loads), reverse=True)
    assert all(0 <= load.share <= 1 for load in found.loads)
    assert all(load.hour is None for load in found.loads if load.resource in ("gun", "ann", "bob", "painter", "sprayer"))


GUNS = problem(
    [Resource("r", positions=2), Resource("gun")],
    [Job(f"j{n}", 10) for n in range(3)],
    [op(f"j{n}.0", "r", 10, needs=("gun",)) for n in range(3)],
)


def test_a_tool_that_machines_wait_for_comes_first_and_one_more_is_worth_what_it_saves() -> None:
    plan = solve(GUNS, 0, 1)
    found = bottleneck(GUNS, plan)
    tool, machine = found.loads
    assert (tool.resource, tool.waiting_s, tool.busy_s, tool.share) == ("gun", 20, 30, 1.0)
    assert (machine.resource, machine.waiting_s) == ("r", 0)
    assert found.worth == plan.objective
    assert tool.position is not None
    assert tool.position.makespan_s == solve(with_resource(GUNS, Resource("gun", positions=2)), 0, 1).objective.makespan_s == 20
    assert machine.position == found.worth


def test_a_crew_that_setups_wait_for_is_ranked_and_measured() -> None:
    matrix = SetupMatrix("m", 20, detached=False, crew="fitter")
    of = problem(
        [Resource("a", setup="m", keys=("red",)), Resource("b", setup="m", keys=("red",)), Resource("fitter")],
        [Job("x", 0), Job("y", 0)],
        [op("x.0", "a", 5, setup_key="green"), op("y.0", "b", 5, setup_key="green")],
        setups=(matrix,),
    )
    found = bottleneck(of, solve(of, 0, 1))
    first = found.loads[0]
    assert (first.resource, first.waiting_s, first.busy_s) == ("fitter", 20, 40)
    assert first.position is not None
    assert (found.worth.makespan_s, first.position.makespan_s) == (45, 25)


def test_a_batch_is_timed_anew_as_one_whoever_comes_last() -> None:
    oven = [Operation(f"{j}.1", j, (Alternative("oven", 20),), (f"{j}.0",), attended=False, batch_key="hot") for j in "xy"]
    of = problem(
        [Resource("r"), Resource("s"), Resource("oven", batch=2)],
        [Job("x", 0), Job("y", 0)],
        [op("x.0", "r", 10), op("y.0", "s", 30), *oven],
    )
    late = [Assignment(f"{j}.1", j, "oven", 0, 30, 30, 50) for j in "xy"]
    plan = summed(of, [Assignment("x.0", "x", "r", 0, 0, 0, 10), Assignment("y.0", "y", "s", 0, 0, 0, 30), *late])
    found = bottleneck(of, plan)
    assert found.worth == plan.objective
    oven_load = next(load for load in found.loads if load.resource == "oven")
    assert (oven_load.busy_s, oven_load.waiting_s) == (20, 0)


def test_a_plan_that_timing_anew_would_make_worse_is_ranked_but_not_measured() -> None:
    # b.0 is pressed to its follower, so both are placed at the turn of b.0, and what stood between them comes behind.
    of = problem(
        [Resource("r"), Resource("s")],
        [Job("a", 0), Job("b", 0)],
        [op("a.0", "s", 10, earliest_s=15), op("b.0", "r", 10), op("b.1", "s", 10, ("b.0",), waits=(Wait("b.0", 0, 500),))],
    )
    plan = summed(of, [
        Assignment("b.0", "b", "r", 0, 0, 0, 10), Assignment("a.0", "a", "s", 0, 15, 15, 25),
        Assignment("b.1", "b", "s", 0, 25, 25, 35),
    ])  # fmt: skip
    found = bottleneck(of, plan)
    assert found.worth == plan.objective
    assert all(load.hour is None and load.position is None for load in found.loads)
