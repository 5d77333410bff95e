import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chain.planning.problems import UNHURRIED, op, plant, problem, problems, starts

from batchone.chain.planning import Bound, Calendar, Job, Plan, Problem, Resource, SetupMatrix, validate
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import RuleOfDispatch, Urgency, dispatch

NO_BOUND = Bound(0, 0)
RULES = st.builds(RuleOfDispatch, st.sampled_from(Urgency), st.sampled_from([0, 4, 20]))


def planned(of: Problem, rule: RuleOfDispatch | None = None) -> Plan:
    return dispatch(Compiled(of), rule or RuleOfDispatch()).plan("test", 0, NO_BOUND)


@UNHURRIED
@given(problems(), RULES)
def test_every_dispatched_plan_can_be_carried_out(of: Problem, rule: RuleOfDispatch) -> None:
    assert validate(of, planned(of, rule)) == []


@UNHURRIED
@given(problems(), RULES)
def test_the_same_problem_gives_the_same_plan(of: Problem, rule: RuleOfDispatch) -> None:
    assert planned(of, rule) == planned(of, rule)


@pytest.mark.parametrize("urgency", Urgency)
def test_a_plant_with_hundreds_of_positions_is_planned(urgency: Urgency) -> None:
    of = plant(150)
    assert validate(of, planned(of, RuleOfDispatch(urgency, 20))) == []


def test_the_more_urgent_job_goes_first() -> None:
    of = problem([Resource("r")], [Job("a", 100), Job("b", 20)], [op("a.0", "r"), op("b.0", "r")])
    assert starts(planned(of)) == {"b.0": 0, "a.0": 10}


def test_the_heavier_job_goes_first_by_weight() -> None:
    of = problem([Resource("r")], [Job("a", 20, 1), Job("b", 100, 5)], [op("a.0", "r"), op("b.0", "r")])
    assert starts(planned(of, RuleOfDispatch(Urgency.WEIGHT))) == {"b.0": 0, "a.0": 10}


def test_equal_keys_are_done_together_until_urgency_outweighs_the_setup() -> None:
    jobs = [Job(f"j{n}", due) for n, due in enumerate((30, 40, 50, 60))]
    colours = ["red", "green", "red", "green"]
    of = problem(
        [Resource("r", setup="m", keys=("red",))],
        jobs,
        [op(f"j{n}.0", "r", setup_key=colour) for n, colour in enumerate(colours)],
        setups=(SetupMatrix("m", 10),),
    )
    patient, strict = (
        sorted(starts(planned(of, RuleOfDispatch(Urgency.SLACK, w))).items(), key=lambda x: x[1]) for w in (4, 0)
    )
    assert [name for name, _ in patient] == ["j0.0", "j2.0", "j1.0", "j3.0"]
    assert [name for name, _ in strict] == ["j0.0", "j1.0", "j2.0", "j3.0"]


def test_a_detached_setup_is_done_while_the_item_is_on_its_way() -> None:
    def of(detached: bool) -> Problem:
        line = [Resource("first"), Resource("second", setup="m", keys=("red",))]
        steps = [op("j.0", "first", 30), op("j.1", "second", 10, ("j.0",), setup_key="green")]
        return problem(line, [Job("j")], steps, setups=(SetupMatrix("m", 20, detached=detached),))

    assert planned(of(True)).by_operation["j.1"].start_s == 30
    assert planned(of(True)).by_operation["j.1"].setup_start_s == 10
    assert planned(of(False)).by_operation["j.1"].start_s == 50


def test_an_operation_waits_for_a_machine_that_ends_it_sooner() -> None:
    of = problem([Resource("slow"), Resource("fast", available_from_s=20)], [Job("a")], [op("a.0", {"fast": 10, "slow": 100})])
    assert starts(planned(of)) == {"a.0": 20}


def test_attended_work_pauses_over_the_break_and_unattended_runs_through() -> None:
    hours = Calendar("h", cycle=((0, 20), (30, 100)), cycle_s=100)
    of = problem(
        [Resource("r", positions=2, calendar="h")],
        [Job("j", release_s=15)],
        [op("j.0", "r", 10), op("j.1", "r", 10, attended=False)],
        calendars=(hours,),
    )
    ends = {a.operation: a.end_s for a in planned(of).assignments}
    assert ends == {"j.0": 35, "j.1": 25}


def test_a_worker_whose_hours_run_out_leaves_the_rest_to_others() -> None:
    short = Calendar("short", ((0, 15),), 15)
    of = problem(
        [Resource("r0", ("a",), calendar="short"), Resource("r1", ("a",), available_from_s=40)],
        [Job("j")],
        [op("j.0", "a"), op("j.1", "a")],
        calendars=(short,),
    )
    plan = planned(of)
    assert validate(of, plan) == []
    assert {a.resource for a in plan.assignments} == {"r0", "r1"}


def test_jobs_can_be_made_more_or_less_urgent() -> None:
    compiled = Compiled(problem([Resource("r")], [Job("a", 20), Job("b", 30)], [op("a.0", "r"), op("b.0", "r")]))
    assert dispatch(compiled).start == [0, 10]
    assert dispatch(compiled, later=[100, 0]).start == [10, 0]
