from datetime import datetime, timedelta

import pytest
from tests.chain.planning.problems import ORIGIN, op, problem

from batchone.chain.planning import DAY_S, Job, Measure, Objective, Problem, Resource, SetupMatrix, solve


def test_a_setup_takes_what_its_pair_says_then_what_a_change_takes() -> None:
    matrix = SetupMatrix("m", 90, (("single", "double", 60), ("cross", "cross", 5)), first_s=30)
    assert matrix.seconds("single", "double") == 60
    assert matrix.seconds("double", "single") == 90
    assert matrix.seconds("double", "double") == 0
    assert matrix.seconds("cross", "cross") == 5
    assert matrix.seconds(None, "double") == 30
    assert matrix.seconds("double", None) == 0


def test_seconds_and_moments_are_two_ways_to_say_the_same() -> None:
    empty = problem([], [], [])
    assert empty.at(DAY_S) == ORIGIN + timedelta(days=1)
    assert empty.second(empty.at(12345)) == 12345
    with pytest.raises(ValueError, match="time zone"):
        Problem(datetime(2026, 1, 1), (), (), ())  # noqa: DTZ001 - that is what is refused


def test_an_objective_is_compared_in_the_order_of_the_aim() -> None:
    worth = Objective(weighted_tardiness_s=3, setup_s=2, makespan_s=1)
    assert worth.key((Measure.MAKESPAN, Measure.SETUP, Measure.TARDINESS)) == (1, 2, 3)


def test_a_plan_seen_from_another_origin_says_the_same_moments() -> None:
    of = problem([Resource("r")], [Job("j", 5)], [op("j.0", "r")])
    plan = solve(of, 0, 1)
    later = plan.shifted(ORIGIN + timedelta(seconds=4))
    assert later.assignments[0].start_s == -4
    assert later.at(later.assignments[0].end_s) == plan.at(plan.assignments[0].end_s)
    assert later.objective.weighted_tardiness_s == plan.objective.weighted_tardiness_s == 5
    assert later.at(later.objective.makespan_s) == plan.at(plan.objective.makespan_s)


def test_late_jobs_come_costliest_first() -> None:
    jobs = [Job("a", 0, 1), Job("b", 0, 9), Job("c", 10**6)]
    of = problem([Resource("r")], jobs, [op("a.0", "r"), op("b.0", "r"), op("c.0", "r")])
    assert [outcome.job for outcome in solve(of, 0, 1).late_jobs()] == ["b", "a"]
