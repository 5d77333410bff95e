from dataclasses import replace

from hypothesis import given, settings
from tests.chain.planning.problems import UNHURRIED, all_schedules, op, problem, problems

from batchone.chain.planning import Calendar, Job, Problem, Resource
from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled


@settings(UNHURRIED, max_examples=40)
@given(problems(jobs_max=2, steps_max=2))
def test_no_schedule_is_below_the_bound(of: Problem) -> None:
    compiled = Compiled(of)
    bound = bound_of(compiled)
    for number, schedule in enumerate(all_schedules(compiled)):
        worth = schedule.objective()
        assert worth.makespan_s >= bound.makespan_s
        assert worth.weighted_tardiness_s >= bound.weighted_tardiness_s
        if number > 2000:
            break


def test_the_load_of_a_bottleneck_counts_with_its_breaks() -> None:
    hours = Calendar("h", cycle=((0, 50),), cycle_s=100)
    jobs = [Job(f"j{n}") for n in range(4)]
    of = problem([Resource("r", calendar="h")], jobs, [op(f"j{n}.0", "r", 25) for n in range(4)], calendars=(hours,))
    assert bound_of(Compiled(of)).makespan_s == 150


def test_a_job_that_cannot_be_in_time_counts_with_its_weight() -> None:
    of = problem([Resource("r")], [Job("j", 5, 3)], [op("j.0", "r", 10)])
    assert bound_of(Compiled(of)).weighted_tardiness_s == 15


def test_a_queue_is_late_by_at_least_the_sum_of_its_delays() -> None:
    jobs = [Job(f"j{n}", 10, 1) for n in range(3)]
    of = problem([Resource("r")], jobs, [op(f"j{n}.0", "r", 10) for n in range(3)])
    assert bound_of(Compiled(of)).weighted_tardiness_s == 10 + 20


def test_the_important_ones_of_a_queue_count_once_more_by_themselves() -> None:
    jobs = [Job("j0", 10, 1), Job("j1", 10, 5), Job("j2", 10, 5)]
    of = problem([Resource("r")], jobs, [op(f"j{n}.0", "r", 10) for n in range(3)])
    assert bound_of(Compiled(of)).weighted_tardiness_s == (10 + 20) + 4 * 10


def test_another_job_that_waits_for_this_one_does_not_make_it_late() -> None:
    of = problem(
        [Resource("r"), Resource("s")], [Job("j", 10), Job("k", 30)],
        [op("j.0", "r", 10), replace(op("k.0", "s", 20), predecessors=("j.0",))],
    )  # fmt: skip
    assert bound_of(Compiled(of)).weighted_tardiness_s == 0
