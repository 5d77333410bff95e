from hypothesis import given
from tests.chain.planning.judge.rich import one_by_one, rich_problems
from tests.chain.planning.problems import UNHURRIED, op, problem, problems

from batchone.chain.planning import ALWAYS, Calendar, Job, Problem, Resource, bottleneck, solve
from batchone.chain.planning.bottleneck import closed_time
from batchone.chain.planning.compiled import Compiled

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
def test_nothing_is_promised_to_be_saved_where_tools_crews_waits_or_ovens_have_their_say(of: Problem) -> None:
    plan = one_by_one(of)
    found = bottleneck(of, plan)
    if Compiled(of).extras:
        assert found.worth == plan.objective
        assert all(load.hour is None and load.position is None for load in found.loads)
    assert all(0 <= load.share <= 1 for load in found.loads)
