"""What holds an operation is really what holds it: without it the operation could start sooner, and behind nothing it could."""

from dataclasses import replace

import pytest
from hypothesis import given
from tests.chain.planning.judge.rich import one_by_one, rich_problems, summed
from tests.chain.planning.problems import UNHURRIED, op, problem

from batchone.chain.planning import (
    Alternative,
    Assignment,
    Calendar,
    Cause,
    Job,
    Limit,
    Operation,
    Plan,
    Problem,
    Resource,
    SetupMatrix,
    Wait,
    explain,
    repair,
    solve,
    validate,
)
from batchone.chain.planning.explain import Reader
from batchone.chain.planning.holding import Holding
from batchone.chain.planning.validator import Rule


def limits(of: Problem, plan: Plan) -> dict[str, Limit]:
    holding = Holding(of, plan)
    return {a.operation: holding.limit(a.operation) for a in plan.assignments}


def sooner(of: Problem, plan: Plan, limit: Limit) -> Plan:
    """The plan with an operation, and what is in its batch, where nothing is said to hold it."""
    was, holding = plan.by_operation[limit.operation], Holding(of, plan)
    start = was.start_s - limit.waited_s
    calendar = holding.calendars[was.resource]
    moved = []
    for a in plan.assignments:
        together = (a.resource, a.track, a.start_s, a.end_s) == (was.resource, was.track, was.start_s, was.end_s)
        if a.operation != was.operation and not (together and holding.resources[a.resource].batch > 1):
            moved.append(a)
            continue
        end = start + a.end_s - a.start_s
        if holding.operations[a.operation].attended:
            end = calendar.work_end(start, calendar.working(a.start_s, a.end_s))
        setup = calendar.working(a.setup_start_s, a.start_s)
        moved.append(replace(a, setup_start_s=calendar.latest_start(start, setup), start_s=start, end_s=end))
    return summed(of, moved)


@UNHURRIED
@given(rich_problems())
def test_nothing_is_kept_in_a_plan_that_was_placed(of: Problem) -> None:
    assert Cause.KEPT not in {limit.cause for limit in limits(of, solve(of, 0, 1)).values()}


@UNHURRIED
@given(rich_problems())
def test_what_is_kept_could_stand_where_nothing_holds_it(of: Problem) -> None:
    plan = one_by_one(of)
    for limit in limits(of, plan).values():
        if limit.cause is Cause.KEPT:
            assert limit.waited_s > 0
            assert [each for each in validate(of, sooner(of, plan, limit)) if each.rule is not Rule.OBJECTIVE] == []


@UNHURRIED
@given(rich_problems())
def test_shares_and_seconds_add_up_whatever_held_a_job(of: Problem) -> None:
    for plan in (solve(of, 0, 1), one_by_one(of)):
        reader = Reader(of, plan)
        for outcome in plan.jobs:
            told = reader.explanation(outcome.job, outcome)
            assert sum(share.seconds for share in told.shares) == outcome.end_s
            assert all(share.seconds > 0 for share in told.shares)
            assert sum(seconds for _, seconds in told.seconds) == outcome.end_s
            assert all(step.limit.waited_s >= 0 for step in (*told.path, *told.chain))


@UNHURRIED
@given(rich_problems())
def test_what_is_held_could_not_begin_a_second_sooner(of: Problem) -> None:
    of = replace(of, setups=tuple(replace(matrix, detached=True) for matrix in of.setups))
    for plan in (solve(of, 0, 1), one_by_one(of)):
        for name, limit in limits(of, plan).items():
            a = plan.by_operation[name]
            # What takes no time takes no tool either, so it may be anywhere.
            if limit.cause is not Cause.KEPT and a.setup_start_s < a.end_s:
                wrong = validate(of, sooner(of, plan, replace(limit, waited_s=1)))
                assert [each for each in wrong if each.rule is not Rule.OBJECTIVE], limit


def shared(of: Problem, plan: Plan, job: str) -> list[tuple[str, str, str, int]]:
    return [(each.cause, each.resource, each.operation, each.seconds) for each in explain(of, plan, job).shares]


def test_a_tool_is_named_with_the_operation_that_has_it_and_what_held_that_one() -> None:
    of = problem(
        [Resource("r"), Resource("s"), Resource("gun")],
        [Job("a", 0, 5), Job("b", 50)],
        [op("a.0", "r", 10, needs=("gun",), earliest_s=7), op("b.0", "s", 5, needs=("gun",), earliest_s=9)],
    )
    plan = solve(of, 0, 1)
    assert limits(of, plan)["b.0"] == Limit("b.0", Cause.TOOL, 8, "a.0", 17, "gun")
    told = explain(of, plan, "b")
    assert [step.operation for step in told.chain] == ["b.0", "a.0"]
    assert shared(of, plan, "b") == [("material", "r", "a.0", 7), ("tool", "gun", "a.0", 10), ("work", "s", "b.0", 5)]
    assert told.main_cause() == "tool"


@pytest.mark.parametrize("gun", [Resource("gun", calendar="late"), Resource("gun", available_from_s=60)])
def test_a_tool_off_shift_or_broken_is_named_and_nobody_is_blamed(gun: Resource) -> None:
    late = Calendar("late", cycle=((60, 100),), cycle_s=100)
    of = problem(
        [Resource("r"), gun],
        [Job("a")],
        [op("a.0", "r", 10), op("a.1", "r", 5, ("a.0",), needs=("gun",))],
        calendars=(late,),
    )
    plan = solve(of, 0, 1)
    assert limits(of, plan)["a.1"] == Limit("a.1", Cause.TOOL, 50, resource="gun")
    assert shared(of, plan, "a") == [("work", "r", "a.0", 10), ("tool", "gun", "a.1", 50), ("work", "r", "a.1", 5)]


def test_a_crew_lets_the_next_setup_begin_when_its_own_is_done_not_when_the_work_is() -> None:
    matrix = SetupMatrix("m", 20, detached=False, crew="fitter")
    of = problem(
        [Resource("a", setup="m", keys=("red",)), Resource("b", setup="m", keys=("red",)), Resource("fitter")],
        [Job("x", 0, 5), Job("y", 50)],
        [op("x.0", "a", 90, setup_key="green"), op("y.0", "b", 5, setup_key="green")],
        setups=(matrix,),
    )
    plan = solve(of, 0, 1)
    assert limits(of, plan)["y.0"] == Limit("y.0", Cause.CREW, 20, "x.0", 20, "fitter")
    assert shared(of, plan, "y") == [("crew", "fitter", "x.0", 20), ("setup", "b", "y.0", 20), ("work", "b", "y.0", 5)]


def test_a_cure_is_told_apart_from_the_work_before_it_and_from_what_comes_after() -> None:
    cured = op("a.1", "s", 5, ("a.0",), waits=(Wait("a.0", 30),))
    of = problem([Resource("r"), Resource("s")], [Job("a")], [op("a.0", "r", 10), cured])
    plan = solve(of, 0, 1)
    assert limits(of, plan)["a.1"] == Limit("a.1", Cause.WAIT, 30, "a.0", 10)
    assert shared(of, plan, "a") == [("work", "r", "a.0", 10), ("wait", "s", "a.1", 30), ("work", "s", "a.1", 5)]
    hours = Calendar("h", cycle=((0, 20), (60, 100)), cycle_s=100)
    shut = replace(of, resources=(Resource("r"), Resource("s", calendar="h")), calendars=(hours,))
    assert [each[::3] for each in shared(shut, solve(shut, 0, 1), "a")] == [
        ("work", 10),
        ("wait", 30),
        ("calendar", 20),
        ("work", 5),
    ]
    assert dict(explain(shut, solve(shut, 0, 1), "a").seconds) == {"work": 15, "wait": 30, "calendar": 20}


def test_what_must_not_come_too_soon_waits_for_its_follower() -> None:
    soon = op("a.1", "s", 5, ("a.0",), waits=(Wait("a.0", 0, 10),))
    of = problem(
        [Resource("r"), Resource("s", available_from_s=100)], [Job("a")], [op("a.0", "r", 10), soon]
    )  # fmt: skip
    plan = solve(of, 0, 1)
    assert limits(of, plan)["a.0"] == Limit("a.0", Cause.WAIT, 80, "a.1")
    # Nothing is said to hold it once its follower may wait longer.
    loose = replace(of, operations=(of.operations[0], replace(soon, waits=(Wait("a.0", 0, 30),))))
    assert limits(loose, plan)["a.0"] == Limit("a.0", Cause.KEPT, 20)


def baked(job: str) -> Operation:
    return Operation(f"{job}.1", job, (Alternative("oven", 20),), (f"{job}.0",), attended=False, batch_key="hot")


BAKERY = problem(
    [Resource("r"), Resource("s"), Resource("oven", batch=2)],
    [Job("x"), Job("y")],
    [op("x.0", "r", 10), op("y.0", "s", 25, earliest_s=5), baked("x"), baked("y")],
)


def test_a_member_of_a_batch_waits_for_the_last_one_and_so_for_what_held_that() -> None:
    cakes = [Assignment(f"{j}.1", j, "oven", 0, 30, 30, 50) for j in "xy"]
    plan = summed(BAKERY, [Assignment("x.0", "x", "r", 0, 0, 0, 10), Assignment("y.0", "y", "s", 0, 5, 5, 30), *cakes])
    assert validate(BAKERY, plan) == []
    told = limits(BAKERY, plan)
    assert told["x.1"] == Limit("x.1", Cause.BATCH, 20, "y.1", 30, "oven")
    assert told["y.1"].cause is Cause.PRECEDENCE
    assert [step.operation for step in explain(BAKERY, plan, "x").chain] == ["x.1", "y.1", "y.0"]
    assert shared(BAKERY, plan, "x") == [("material", "s", "y.0", 5), ("batch", "oven", "y.0", 25), ("work", "oven", "x.1", 20)]


def test_an_oven_for_one_is_waited_for_as_a_machine() -> None:
    of = replace(BAKERY, resources=(Resource("r"), Resource("s"), Resource("oven", batch=1)))
    plan = solve(of, 0, 1)
    assert limits(of, plan)["y.1"] == Limit("y.1", Cause.PRECEDENCE, 30, "y.0", 30)
    early = replace(of, operations=(op("x.0", "r", 10), op("y.0", "s", 25), *of.operations[2:]))
    assert limits(early, solve(early, 0, 1))["y.1"] == Limit("y.1", Cause.RESOURCE, 5, "x.1", 30)


def test_what_a_repair_kept_is_told_as_kept() -> None:
    of = problem([Resource("r"), Resource("gun")], [Job("a")], [op("a.0", "r", 10, needs=("gun",))])
    old = summed(of, [Assignment("a.0", "a", "r", 0, 40, 40, 50, (("gun", 0),))])
    plan = repair(of, old)
    assert limits(of, plan)["a.0"] == Limit("a.0", Cause.KEPT, 40)
    assert shared(of, plan, "a") == [("kept", "r", "a.0", 40), ("work", "r", "a.0", 10)]
