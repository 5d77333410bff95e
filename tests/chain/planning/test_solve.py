import multiprocessing
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chain.planning.problems import UNHURRIED, op, optimum, plant, problem, problems, scaled

from batchone.chain.planning import Job, Measure, Problem, Progress, Resource, SetupMatrix, moved, repair, solve, validate


@UNHURRIED
@given(problems(), st.integers(0, 3))
def test_every_plan_can_be_carried_out_whatever_the_budget(of: Problem, seed: int) -> None:
    plan = solve(of, 0, seed)
    assert validate(of, plan) == []
    assert plan.seed == seed


@pytest.mark.slow
@settings(UNHURRIED, max_examples=12)
@given(problems(jobs_max=3, steps_max=2))
def test_searching_never_makes_a_plan_worse_or_wrong(of: Problem) -> None:
    found: list[Progress] = []
    plan = solve(of, 0.3, 1, progress=found.append)
    assert validate(of, plan) == []
    keys = [progress.objective.key(of.aim) for progress in found]
    assert all(later < sooner for sooner, later in pairwise(keys))
    assert plan.objective.key(of.aim) == keys[-1]
    assert plan.objective.key(of.aim) <= solve(of, 0, 1).objective.key(of.aim)


@pytest.mark.slow
@settings(UNHURRIED, max_examples=25)
@given(problems(breaks=False, jobs_max=2, steps_max=2), st.sampled_from([1, 977]))
def test_a_tiny_problem_is_solved_to_its_optimum(small: Problem, scale: int) -> None:
    of = scaled(small, scale)
    plan = solve(of, 5, 1, workers=1)
    assert plan.objective.key(of.aim[:1]) == (optimum(of),)
    assert validate(of, plan) == []


@pytest.mark.slow
@settings(UNHURRIED, max_examples=15)
@given(problems(jobs_max=2, steps_max=2))
def test_no_plan_is_better_than_the_optimum(of: Problem) -> None:
    assert solve(of, 0.2, 1, workers=1).objective.key(of.aim[:1])[0] >= optimum(of)


def test_a_proven_optimum_is_its_own_bound() -> None:
    jobs = [Job("a", 10), Job("b", 10), Job("c", 10)]
    of = problem([Resource("r")], jobs, [op("a.0", "r", 30), op("b.0", "r", 10), op("c.0", "r", 20)])
    plan = solve(of, 60, 1)
    assert plan.objective.weighted_tardiness_s == plan.bound.weighted_tardiness_s == 70


def test_the_plan_in_force_stays_where_nothing_better_is_found() -> None:
    of = plant(20, due_h=(20, 30))
    plan = solve(of, 0, 1)
    again = solve(of, 0, 1, in_force=plan)
    assert again.produced_by == "repair"
    assert moved(plan, again) == []


def test_the_plan_in_force_gives_way_to_a_better_one() -> None:
    of = problem([Resource("r")], [Job("a", 10), Job("b", 100)], [op("a.0", "r"), op("b.0", "r")])
    bad = repair(of, solve(replace(of, jobs=(Job("a", 100), Job("b", 10))), 0, 1))
    assert bad.objective.weighted_tardiness_s == 10
    assert solve(of, 0, 1, in_force=bad).objective.weighted_tardiness_s == 0


@pytest.mark.slow
def test_a_plant_gets_better_with_time() -> None:
    of = plant(25, due_h=(1.1, 1.6))
    at_once, later = solve(of, 0, 1), solve(of, 4, 1)
    assert validate(of, later) == []
    assert later.objective.key(of.aim) < at_once.objective.key(of.aim)
    assert later.objective.weighted_tardiness_s >= later.bound.weighted_tardiness_s


def test_makespan_can_come_first() -> None:
    of = replace(plant(8), aim=(Measure.MAKESPAN,))
    assert solve(of, 1, 1).objective.makespan_s <= solve(of, 0, 1).objective.makespan_s


def test_an_empty_problem_has_an_empty_plan() -> None:
    plan = solve(problem([], [], []), 1, 1)
    assert plan.assignments == ()
    assert plan.objective.makespan_s == 0


def test_the_budget_is_kept() -> None:
    ticks = iter(range(10**6))
    plan = solve(plant(6), 3, 1, clock=lambda: float(next(ticks)))
    assert plan.produced_by.startswith("dispatch")


def test_problems_and_plans_travel_to_another_process() -> None:
    of = plant(5)
    plan = solve(of, 0, 1)
    assert pickle.loads(pickle.dumps(of)) == of
    assert pickle.loads(pickle.dumps(plan)) == plan
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(solve, of, 0, 1).result(60) == plan


def test_the_solver_library_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, batchone.chain.planning; sys.exit('ortools' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_same_steps_give_the_same_plan_again() -> None:
    of = plant(25, due_h=(1.1, 1.6))
    one, two = (solve(of, 60, 3, steps=4000) for _ in range(2))
    assert one.steps >= 4000
    assert one == two
    assert one.objective.key(of.aim) <= solve(of, 0, 3).objective.key(of.aim)


def test_a_target_ends_the_search() -> None:
    of = plant(25, due_h=(1.1, 1.6))
    first = solve(of, 0, 1).objective.weighted_tardiness_s
    found: list[Progress] = []
    solve(of, 30, 1, target=first - 1, progress=found.append)
    assert found[-1].objective.weighted_tardiness_s < first
    assert found[-1].elapsed_s < 30


def test_a_target_ends_the_windows_too() -> None:
    # Breaks keep CP-SAT from proving anything, so nothing but the target ends the search before its time.
    of = plant(4, due_h=(0, 0.1))
    target = solve(of, 0, 1).objective.weighted_tardiness_s
    found: list[Progress] = []
    solve(of, 3_000, 1, target=target - 1, progress=found.append)
    assert found[-1].objective.weighted_tardiness_s < target


def test_weights_trade_measures_against_each_other() -> None:
    # The second key's setup costs 100 s; alone on the machine, waiting for the first key's other job costs 30 s of lateness.
    of = problem(
        [Resource("r", setup="s", keys=("x",))],
        [Job("a", 10), Job("b", 20), Job("c", 30)],
        [op("a.0", "r", setup_key="x"), op("b.0", "r", setup_key="y"), op("c.0", "r", setup_key="x")],
        setups=(SetupMatrix("s", 10),),
    )
    by_time = replace(of, aim=(Measure.TARDINESS, Measure.SETUP), weights=(1, 0))
    by_setup = replace(of, aim=(Measure.TARDINESS, Measure.SETUP), weights=(1, 100))
    assert solve(by_time, 0.3, 1).objective.weighted_tardiness_s <= solve(by_setup, 0.3, 1).objective.weighted_tardiness_s
    assert solve(by_setup, 0.3, 1).objective.setup_s == 10


def test_the_bound_of_a_shop_is_raised_while_its_plan_is_not_at_it() -> None:
    jobs = [Job(f"j{j}") for j in range(4)]
    operations = []
    for j in range(4):
        first, second = ("a", "b") if j % 2 else ("b", "a")
        operations += [op(f"j{j}.0", first, 10 + j), op(f"j{j}.1", second, 12 + 2 * j, (f"j{j}.0",))]
    of = problem([Resource("a"), Resource("b")], jobs, operations, aim=(Measure.MAKESPAN,))
    plan = solve(of, 2, 1)
    assert validate(of, plan) == []
    assert plan.bound.makespan_s <= plan.objective.makespan_s


def test_who_interrupts_a_search_gets_the_best_plan_so_far() -> None:
    of = plant(40, due_h=(0.2, 0.4))
    told: list[Progress] = []

    def interrupt(now: Progress) -> None:
        told.append(now)
        if now.method.startswith("tabu") or len(told) > 4:
            raise KeyboardInterrupt

    plan = solve(of, 20.0, 1, progress=interrupt)
    assert validate(of, plan) == []
    assert plan.objective == told[-1].objective
    assert told[-1].elapsed_s < 15
