import pytest
from hypothesis import given
from tests.chain.planning.problems import UNHURRIED, op, problem, problems

from batchone.chain.planning import Calendar, Cause, Job, Problem, Resource, SetupMatrix, explain, solve
from batchone.kernel.errors import NotFound


@UNHURRIED
@given(problems())
def test_the_seconds_of_a_job_add_up_to_its_end(of: Problem) -> None:
    plan = solve(of, 0, 1)
    for outcome in plan.jobs:
        told = explain(of, plan, outcome.job)
        assert sum(seconds for _, seconds in told.seconds) == outcome.end_s
        assert told.path[-1].end_s == outcome.end_s
        assert sum(share.seconds for share in told.shares) == outcome.end_s
        assert all(share.seconds > 0 for share in told.shares)
        assert all(step.limit.waited_s >= 0 for step in (*told.path, *told.chain))


def test_a_job_behind_others_names_whom_it_waits_for() -> None:
    of = problem([Resource("r")], [Job("a", 10), Job("b", 12)], [op("a.0", "r"), op("b.0", "r")])
    told = explain(of, solve(of, 0, 1), "b")
    assert told.lateness_s == 8
    assert told.main_cause() == "resource"
    assert told.seconds == (("work", 10), ("resource", 10))
    assert [step.operation for step in told.chain] == ["b.0", "a.0"]
    assert told.chain[0].limit.behind == "a.0"


def test_the_chain_goes_through_other_jobs_to_the_material() -> None:
    of = problem(
        [Resource("r"), Resource("s")],
        [Job("a", 10), Job("b", 12)],
        [op("a.0", "r", earliest_s=30), op("a.1", "s", 10, ("a.0",)), op("b.0", "s", earliest_s=41)],
    )
    told = explain(of, solve(of, 0, 1), "b")
    assert [(step.operation, step.limit.cause) for step in told.chain] == [
        ("b.0", Cause.RESOURCE),
        ("a.1", Cause.PRECEDENCE),
        ("a.0", Cause.MATERIAL),
    ]
    assert told.main_cause() == "resource"


def test_setups_breaks_and_pauses_are_told_apart() -> None:
    hours = Calendar("h", cycle=((20, 40), (50, 1000)), cycle_s=1000)
    of = problem(
        [Resource("r", calendar="h", setup="m", keys=("red",))],
        [Job("j")],
        [op("j.0", "r", 15, setup_key="red"), op("j.1", "r", 10, ("j.0",), setup_key="green")],
        calendars=(hours,),
        setups=(SetupMatrix("m", 20, detached=False),),
    )
    told = explain(of, solve(of, 0, 1), "j")
    assert dict(told.seconds) == {"calendar": 20, "work": 25, "setup": 30}
    long = problem([Resource("r", calendar="h")], [Job("j")], [op("j.0", "r", 30)], calendars=(hours,))
    assert dict(explain(long, solve(long, 0, 1), "j").seconds) == {"calendar": 20, "work": 30, "pauses": 10}


def test_a_job_that_the_plan_does_not_know_is_refused() -> None:
    of = problem([Resource("r")], [Job("j"), Job("empty")], [op("j.0", "r")])
    with pytest.raises(NotFound, match="empty"):
        explain(of, solve(of, 0, 1), "empty")


def test_the_chain_is_shared_out_among_what_held_it() -> None:
    of = problem(
        [Resource("r", setup="m", keys=("red",))],
        [Job("a", 10), Job("b", 12)],
        [op("a.0", "r", earliest_s=30, setup_key="red"), op("b.0", "r", 10, ("a.0",), setup_key="green")],
        setups=(SetupMatrix("m", 5),),
    )
    told = explain(of, solve(of, 0, 1), "b")
    assert [(share.cause, share.operation, share.seconds) for share in told.shares] == [
        ("material", "a.0", 30),
        ("resource", "a.0", 10),
        ("setup", "b.0", 5),
        ("work", "b.0", 10),
    ]
    assert [share.cause for share in told.blamed()] == ["material", "resource", "setup"]
