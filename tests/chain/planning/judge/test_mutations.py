"""Sound plans have no violation; a plan broken in one way has exactly that one."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.chain.planning.judge.rich import one_by_one, rich_problems, summed
from tests.chain.planning.problems import UNHURRIED, op, problem

from batchone.chain.planning import (
    Alternative,
    Assignment,
    Before,
    Calendar,
    Fixed,
    Job,
    Measure,
    Objective,
    Operation,
    Plan,
    Problem,
    Resource,
    Rule,
    SetupMatrix,
    Tariff,
    Wait,
    validate,
)
from batchone.chain.planning.validator import measured


@UNHURRIED
@given(rich_problems())
def test_a_plan_that_keeps_every_rule_has_no_violation(of: Problem) -> None:
    assert validate(of, one_by_one(of)) == []


@UNHURRIED
@given(rich_problems(), st.data())
def test_a_need_that_is_forgotten_is_seen(of: Problem, data) -> None:
    plan = one_by_one(of)
    a = data.draw(st.sampled_from([a for a in plan.assignments if a.also]))
    found = validate(of, but(of, plan, a.operation, also=a.also[:-1]))
    assert [(v.rule, v.operation, v.job) for v in found] == [(Rule.NEED, a.operation, a.job)]


@UNHURRIED
@given(rich_problems(), st.data())
def test_an_operation_begun_before_its_predecessor_ends_is_seen(of: Problem, data) -> None:
    plan = one_by_one(of)
    before = {o.id: o.predecessors for o in of.operations}
    a = data.draw(st.sampled_from([a for a in plan.assignments if before[a.operation]]))
    ends = plan.by_operation[before[a.operation][0]].end_s
    by = a.start_s - ends + data.draw(st.integers(1, 5))
    assume(a.end_s > a.start_s)
    found = validate(of, but(of, plan, a.operation, setup_start_s=a.start_s - by, start_s=a.start_s - by, end_s=a.end_s - by))
    assert (Rule.PRECEDENCE, a.operation) in [(v.rule, v.operation) for v in found]


@UNHURRIED
@given(rich_problems(), st.sampled_from(list(Measure)), st.integers(-3, 3))
def test_a_measure_that_is_said_wrong_is_seen(of: Problem, measure: Measure, by: int) -> None:
    plan = one_by_one(of)
    slack = len(of.operations) if measure is Measure.ENERGY else 0
    named = {Measure.TARDINESS: "weighted_tardiness_s", Measure.SETUP: "setup_s", Measure.MAKESPAN: "makespan_s"}
    field = named.get(measure, "work_in_progress_s" if measure is Measure.WORK_IN_PROGRESS else measure.value)
    said = replace(plan.objective, **{field: plan.objective.of(measure) + (by and by + (slack if by > 0 else -slack))})
    found = validate(of, replace(plan, objective=said))
    assert [v.rule for v in found] == ([Rule.OBJECTIVE] if by else [])
    assert all(measure.value in v.what for v in found)


def but(of: Problem, plan: Plan, operation: str, **changes) -> Plan:
    return summed(of, [replace(a, **changes) if a.operation == operation else a for a in plan.assignments])


DAY, EVE = Calendar("day", cycle=((0, 50), (60, 100)), cycle_s=100), Calendar("eve", cycle=((20, 90),), cycle_s=100)
OF = problem(
    [
        Resource("m", ("mill",), 1, "day", setup="c", keys=("red",)),
        Resource("n", calendar="day"),
        Resource("oven", batch=2),
        Resource("tool", ("jig",), 2),
        Resource("man", ("fitter",), 1, "eve", available_from_s=20),
        Resource("mate", ("fitter",), 1, "day"),
    ],
    [Job("a"), Job("b", 300), Job("c")],
    [
        op("a.0", "mill", 10, setup_key="green", needs=("jig",)),
        op("a.1", "n", 10, ("a.0",), needs=("jig", "fitter"), waits=(Wait("a.0", 5, 12),)),
        op("a.2", "oven", 30, ("a.1",), batch_key="hot", attended=False),
        op("b.0", "mill", 10, setup_key="green"),
        op("b.1", "n", 10, ("b.0",)),
        op("b.2", "oven", 30, ("b.1",), batch_key="hot", attended=False),
        op("c.2", "oven", 30, batch_key="cold", attended=False),
        op("c.3", "oven", 30, batch_key="hot", attended=False),
    ],
    calendars=(DAY, EVE),
    setups=(SetupMatrix("c", 4, crew="fitter"),),
    no_passing=(("m", "n"),),
)
PLAN = summed(
    OF,
    [
        Assignment("a.0", "a", "m", 0, 0, 4, 14, (("tool", 0), ("mate", 0))),
        Assignment("a.1", "a", "n", 0, 25, 25, 35, (("tool", 1), ("man", 0))),
        Assignment("b.0", "b", "m", 0, 20, 20, 30),
        Assignment("b.1", "b", "n", 0, 38, 38, 48),
        Assignment("a.2", "a", "oven", 0, 50, 50, 80),
        Assignment("b.2", "b", "oven", 0, 50, 50, 80),
        Assignment("c.2", "c", "oven", 0, 80, 80, 110),
        Assignment("c.3", "c", "oven", 0, 115, 115, 145),
    ],
)


def at(start: int, end: int, **more) -> dict:
    return {"setup_start_s": start, "start_s": start, "end_s": end, **more}


@pytest.mark.parametrize(
    ("operation", "changes", "rule", "said"),
    [
        ("a.1", at(18, 28, also=(("tool", 1), ("mate", 0))), Rule.WAIT, "not before 5"),
        ("a.1", at(27, 37), Rule.WAIT, "within 12"),
        ("a.1", {"also": (("tool", 1),)}, Rule.NEED, "names 1 of the 2"),
        ("a.1", {"also": (("tool", 2), ("man", 0))}, Rule.NEED, "track 2 of tool"),
        ("a.1", {"also": (("tool", 0), ("oven", 0))}, Rule.NEED, "which it is not"),
        ("a.0", {"also": (("tool", 0),)}, Rule.NEED, "names 1 of the 2"),
        ("a.0", {"also": (("tool", 0), ("man", 0))}, Rule.NEED, "there from 20"),
        ("b.0", {"also": (("tool", 0),)}, Rule.NEED, "names 1 of the 0"),
        ("a.0", {"setup_start_s": 1}, Rule.SETUP, "has 3 of the 4"),
        ("b.2", at(80, 110), Rule.BATCH, "'hot'"),
        ("c.3", at(50, 80), Rule.BATCH, "batch of 3"),
        ("c.2", at(79, 109), Rule.CAPACITY, "busy to 80"),
        ("c.2", {"job": "b"}, Rule.COMPLETENESS, "said to be of job 'b'"),
    ],
)
def test_what_is_broken_is_what_is_named(operation: str, changes: dict, rule: Rule, said: str) -> None:
    assert validate(OF, PLAN) == []
    found = validate(OF, but(OF, PLAN, operation, **changes))
    assert [v.rule for v in found] == [rule]
    assert said in found[0].what
    assert operation in str(found[0])


def test_one_tool_is_not_in_two_places() -> None:
    of = problem([Resource("m"), Resource("n"), Resource("t")], [Job("a")], [op(f"a.{r}", r, needs=("t",)) for r in "mn"])
    plan = summed(of, [Assignment(f"a.{r}", "a", r, 0, 0, 0, 10, (("t", 0),)) for r in "mn"])
    assert [v.rule for v in validate(of, plan)] == [Rule.NEED]
    after = but(of, plan, "a.n", **at(10, 20))
    assert validate(of, after) == []


def test_a_resource_that_works_is_not_lent_at_the_same_time() -> None:
    of = problem([Resource("m"), Resource("t")], [Job("a")], [op("a.0", "m", needs=("t",)), op("a.1", "t")])
    plan = summed(of, [Assignment("a.0", "a", "m", 0, 0, 0, 10, (("t", 0),)), Assignment("a.1", "a", "t", 0, 5, 5, 15)])
    assert [(v.rule, v.operation) for v in validate(of, plan)] == [(Rule.NEED, "a.1")]


def test_a_tool_pauses_with_its_machine_but_not_by_another_calendar() -> None:
    places = [Resource("m", calendar="day"), Resource("t", calendar="day"), Resource("u", calendar="eve")]
    of = problem(places, [Job("a")], [op("a.0", "m", needs=("t",))], calendars=(DAY, EVE))
    plan = summed(of, [Assignment("a.0", "a", "m", 0, 45, 45, 65, (("t", 0),))])
    assert validate(of, plan) == []
    other = replace(of, operations=(replace(of.operations[0], needs=("u",)),))
    late = summed(other, [Assignment("a.0", "a", "m", 0, 85, 85, 95, (("u", 0),))])
    assert [v.what for v in validate(other, late)] == ["takes u from 85 to 95, of which it is off for 5 seconds"]


def test_a_crew_is_free_again_when_the_setup_is_done() -> None:
    of = problem(
        [Resource("m", setup="c"), Resource("n", setup="c"), Resource("man")],
        [Job("a")],
        [op(f"a.{r}", r, setup_key="k") for r in "mn"],
        setups=(SetupMatrix("c", 5, first_s=5, crew="man"),),
    )
    crew = (("man", 0),)
    plan = [Assignment("a.m", "a", "m", 0, 0, 5, 15, crew), Assignment("a.n", "a", "n", 0, 5, 10, 20, crew)]
    assert validate(of, summed(of, plan)) == []
    both = [plan[0], replace(plan[1], setup_start_s=4, start_s=9, end_s=19)]
    assert [v.rule for v in validate(of, summed(of, both))] == [Rule.NEED]


OVEN = problem(
    [Resource("oven", batch=3, setup="c", keys=("cold",)), Resource("man")],
    [Job("a"), Job("b")],
    [op("a.0", "oven", batch_key="x", setup_key="hot"), op("b.0", "oven", batch_key="x", setup_key="hot")],
    setups=(SetupMatrix("c", 5, crew="man"),),
)


def test_a_batch_has_one_setup_and_one_crew() -> None:
    both = [Assignment(f"{j}.0", j, "oven", 0, 0, 5, 15, (("man", 0),)) for j in "ab"]
    plan = summed(OVEN, both)
    assert plan.objective.setup_s == 5
    assert validate(OVEN, plan) == []
    assert validate(OVEN, but(OVEN, plan, "b.0", also=(), setup_start_s=5)) == []
    assert [v.rule for v in validate(OVEN, summed(OVEN, [replace(a, also=()) for a in both]))] == [Rule.NEED]
    unlike = replace(OVEN, operations=(OVEN.operations[0], replace(OVEN.operations[1], setup_key="warm")))
    assert [(v.rule, v.operation) for v in validate(unlike, summed(unlike, both))] == [(Rule.BATCH, "b.0")]


LINE = problem(
    [Resource("m"), Resource("n"), Resource("o")],
    [Job(j) for j in "abc"],
    [op(f"{j}.{r}", r, 5) for j in "abc" for r in "mno"],
    no_passing=(("m", "n", "o"),),
)


def on_line(**orders: str) -> Plan:
    spots = [(f"{j}.{r}", j, r, 100 * "mno".index(r) + 5 * n) for r, order in orders.items() for n, j in enumerate(order)]
    return summed(LINE, [Assignment(name, j, r, 0, start, start, start + 5) for name, j, r, start in spots])


def passing(plan: Plan) -> list[str]:
    return [v.operation for v in validate(LINE, plan) if v.rule is Rule.PASSING]


def test_nobody_passes_on_a_line() -> None:
    assert passing(on_line(m="abc", n="abc", o="abc")) == []
    assert passing(on_line(m="abc", n="acb", o="acb")) == ["b.n"]
    assert passing(on_line(m="abc", n="abc", o="bca")) == ["a.o"]
    assert passing(on_line(m="abc", n="c", o="bac")) != []
    assert passing(on_line(m="ab", n="bc", o="ca")) != []
    assert passing(on_line(m="ab", n="bc", o="ac")) == []


ENERGY = Problem(
    OF.origin,
    (Resource("m", calendar="day"), Resource("oven", batch=2)),
    (Job("a"),),
    (
        Operation("a.0", "a", (Alternative("m", 20, 36.0),)),
        Operation("a.1", "a", (Alternative("oven", 10, 72.0),), batch_key="x", attended=False),
        Operation("a.2", "a", (Alternative("oven", 10, 36.0),), batch_key="x", attended=False),
    ),
    (DAY,),
    aim=(Measure.ENERGY,),
    tariff=Tariff(((0, 1.0), (50, 2.0)), 100),
)


def test_energy_is_drawn_while_work_is_done_by_each_operation() -> None:
    plan = summed(
        ENERGY,
        [
            Assignment("a.0", "a", "m", 0, 40, 40, 70),
            Assignment("a.1", "a", "oven", 0, 45, 45, 55),
            Assignment("a.2", "a", "oven", 0, 45, 45, 55),
        ],
    )
    # 10 s at 1.0 and, after the break, 10 s at 2.0 with 36 kW; in the batch 5 s of each with 72 kW and with 36 kW.
    assert plan.objective.energy == 1000 * (36 * (10 + 20) + 108 * (5 + 10)) // 3600
    assert validate(ENERGY, plan) == []
    # The same prices begun 30 s before the origin: all of it falls into the dear half.
    assert measured(replace(ENERGY, tariff=Tariff(((0, 1.0), (50, 2.0)), 100, -30)), plan).energy == 1000
    assert measured(replace(ENERGY, tariff=None), plan).energy == 0


def test_what_is_running_draws_for_what_is_left_of_it() -> None:
    running = replace(ENERGY.operations[0], fixed=Fixed("m", 0, -30, remaining_s=10))
    of = replace(ENERGY, operations=(running,))
    assert measured(of, summed(of, [Assignment("a.0", "a", "m", 0, -30, -30, 10)])).energy == 100


def test_changes_and_work_in_progress_are_counted() -> None:
    of = replace(LINE, before=(Before("a.m", "m", 0), Before("b.m", "m", 0), Before("c.m", "n", 10), Before("z", "m", 0)))
    worth = measured(of, on_line(m="abc", n="abc", o="abc"))
    assert worth.changes == 2
    assert worth.work_in_progress_s == 3 * 205


def test_measures_beside_the_aim_may_be_left_out_but_not_said_wrong() -> None:
    plan = on_line(m="abc", n="abc", o="abc")
    times = Objective(0, 0, plan.objective.makespan_s)
    assert validate(LINE, replace(plan, objective=times)) == []
    assert len(validate(LINE, replace(plan, objective=replace(times, work_in_progress_s=1)))) == 1
    assert len(validate(replace(LINE, aim=(Measure.WORK_IN_PROGRESS,)), replace(plan, objective=times))) == 1


def test_a_wrong_lateness_is_seen() -> None:
    plan = on_line(m="abc", n="abc", o="abc")
    wrong = replace(plan, jobs=(replace(plan.jobs[0], weight=9), *plan.jobs[1:]))
    assert [(v.rule, v.job) for v in validate(LINE, wrong)] == [(Rule.OBJECTIVE, "a")]
