"""Plans of a plant are judged by what was wanted of them: soon, near, calm when mended, and how costs grow."""

from dataclasses import replace

import pytest
from benchmarks.plants import Mended, exponents, moved_share, near_enough, plant

from batchone.chain.planning import Bound, Objective, Plan, solve

MENDED = Mended(0.9, 0, 5.0, (100, 20, 300), (100, 20, 299))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return solve(plant(4, 1), 0, 1)


def late(plan: Plan, tardiness_s: int, bound_s: int = 0) -> Plan:
    return replace(plan, objective=Objective(tardiness_s, 0, 0), bound=Bound(bound_s, 0))


def test_a_plan_is_near_its_bound_or_near_a_longer_search(plan: Plan) -> None:
    assert near_enough(late(plan, 105, 100), late(plan, 20))
    assert near_enough(late(plan, 105, 10), late(plan, 100))
    assert not near_enough(late(plan, 106, 100), late(plan, 100))
    assert near_enough(late(plan, 0), late(plan, 0))
    assert not near_enough(late(plan, 1), late(plan, 0))


def test_a_mended_plan_is_as_wanted_only_if_it_is_so_in_every_way() -> None:
    assert MENDED.as_wanted()
    for slip in ({"taken_s": 1.0}, {"broken": 1}, {"moved": 5.1}, {"later": MENDED.at_once}):
        assert not replace(MENDED, **slip).as_wanted(), slip


def test_only_orders_that_had_nothing_at_the_machine_count_as_moved(plan: Plan) -> None:
    jobs = [job.job for job in plan.jobs]
    there = [replace(a, start_s=a.start_s + 301, end_s=a.end_s + 301) if a.job == jobs[0] else a for a in plan.assignments]
    ends = [replace(job, end_s=job.end_s + 301) if job.job == jobs[0] else job for job in plan.jobs]
    after = replace(plan, assignments=tuple(there), jobs=tuple(ends))
    assert moved_share(plan, after, ()) == 25
    assert moved_share(plan, after, {jobs[0]}) == 0
    assert moved_share(plan, after, {jobs[1]}) == pytest.approx(100 / 3)
    assert moved_share(plan, plan, ()) == 0


def test_costs_grow_with_a_power_from_the_first_size_to_the_last() -> None:
    rows = [(1_000, 1.0, 1.0, 5.0), (10_000, 90.0, 4.0, 5.0), (100_000, 100.0, 10_000.0, 5.0)]
    assert exponents(rows) == ("exponent", pytest.approx(1), pytest.approx(2), 0)
