from dataclasses import replace

import pytest
from tests.chain.planning.problems import op, problem

from batchone.chain.planning import (
    Assignment,
    Calendar,
    Fixed,
    Job,
    Objective,
    Plan,
    Problem,
    Resource,
    Rule,
    SetupMatrix,
    solve,
    validate,
)

HOURS = Calendar("h", cycle=((0, 50), (60, 100)), cycle_s=100)
OF = problem(
    [Resource("r", ("a",), 2, "h", setup="m", keys=("red", "red")), Resource("s", calendar="h", available_from_s=3)],
    [Job("j", 10, 2, release_s=5), Job("k")],
    [
        op("j.0", "a", 10, setup_key="green"),
        op("j.1", "s", 10, ("j.0",)),
        op("k.0", "a", 10, setup_key="red", earliest_s=7),
        op("k.1", "s", 5, attended=False),
        op("k.2", "r", 5, fixed=Fixed("r", 1, 0, remaining_s=4)),
    ],
    calendars=(HOURS,),
    setups=(SetupMatrix("m", 4),),
)
PLAN = solve(OF, 0, 1)


def but(operation: str, **changes) -> Plan:
    """The plan with one assignment changed and its sums made right again."""
    assignments = tuple(replace(a, **changes) if a.operation == operation else a for a in PLAN.assignments)
    return replace(PLAN, assignments=assignments)


def broken_rules(of: Problem, plan: Plan) -> set[Rule]:
    return {violation.rule for violation in validate(of, plan)}


def test_the_plan_that_is_spoilt_here_is_sound() -> None:
    assert validate(OF, PLAN) == []


@pytest.mark.parametrize(
    ("plan", "rule"),
    [
        (replace(PLAN, assignments=PLAN.assignments[1:]), Rule.COMPLETENESS),
        (replace(PLAN, assignments=(*PLAN.assignments, PLAN.assignments[-1])), Rule.COMPLETENESS),
        (replace(PLAN, assignments=(*PLAN.assignments, Assignment("x", "j", "s", 0, 900, 900, 901))), Rule.COMPLETENESS),
        (but("j.1", resource="r"), Rule.PLACE),
        (but("j.1", resource="ghost"), Rule.PLACE),
        (but("j.0", track=2), Rule.PLACE),
        (but("k.1", setup_start_s=16, start_s=16, end_s=21), Rule.CAPACITY),
        (but("j.0", setup_start_s=9, start_s=9, end_s=19), Rule.SETUP),
        (but("j.1", setup_start_s=10, start_s=10, end_s=20), Rule.PRECEDENCE),
        (but("k.0", setup_start_s=6, start_s=6, end_s=16), Rule.RELEASE),
        (but("k.1", setup_start_s=1, start_s=1, end_s=6), Rule.CALENDAR),
        (but("k.1", setup_start_s=52, start_s=52, end_s=57), Rule.CALENDAR),
        (but("j.1", setup_start_s=45, start_s=45, end_s=55), Rule.CALENDAR),
        (but("j.1", setup_start_s=40, start_s=40, end_s=60), Rule.CALENDAR),
        (but("k.0", end_s=16), Rule.CALENDAR),
        (but("k.2", start_s=-1, setup_start_s=-1), Rule.FIXED),
        (replace(PLAN, objective=Objective(0, 0, 0)), Rule.OBJECTIVE),
        (replace(PLAN, jobs=PLAN.jobs[1:]), Rule.OBJECTIVE),
        (replace(PLAN, bound=replace(PLAN.bound, makespan_s=10**6)), Rule.OBJECTIVE),
    ],
)
def test_each_rule_that_a_plan_breaks_is_named(plan: Plan, rule: Rule) -> None:
    assert rule in broken_rules(OF, plan)


def test_a_setup_that_must_wait_for_the_item_may_not_begin_before_it() -> None:
    line = [Resource("first"), Resource("second", setup="m", keys=("red",))]
    steps = [op("j.0", "first", 30), op("j.1", "second", 10, ("j.0",), setup_key="green")]
    early = problem(line, [Job("j")], steps, setups=(SetupMatrix("m", 20, detached=True),))
    plan = solve(early, 0, 1)
    assert validate(early, plan) == []
    waits = replace(early, setups=(SetupMatrix("m", 20, detached=False),))
    assert broken_rules(waits, plan) == {Rule.PRECEDENCE}


def test_work_is_counted_second_by_second_over_breaks() -> None:
    of = problem([Resource("r", calendar="h")], [Job("j", release_s=45)], [op("j.0", "r", 10)], calendars=(HOURS,))
    plan = solve(of, 0, 1)
    assert (plan.assignments[0].start_s, plan.assignments[0].end_s) == (45, 65)
    assert validate(of, plan) == []
