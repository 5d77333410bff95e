from dataclasses import replace

import pytest
from hypothesis import given
from tests.chain.planning.problems import UNHURRIED, op, plant, problem, problems

from batchone.chain.planning import (
    Assignment,
    Calendar,
    Cause,
    Job,
    Operation,
    Plan,
    Problem,
    Resource,
    SetupMatrix,
    Timeline,
    insert,
    solve,
    validate,
)
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.schedule import Schedule
from batchone.kernel.errors import Refused


def split(of: Problem) -> tuple[Problem, Job, list[Operation]]:
    """A problem without its last job, and that job's operations that wait for no other job."""
    job = of.jobs[-1]
    mine = [o for o in of.operations if o.job == job.id]
    alone = [replace(o, predecessors=tuple(p for p in o.predecessors if p.startswith(f"{job.id}."))) for o in mine]
    rest = tuple(o for o in of.operations if o.job != job.id)
    return replace(of, jobs=of.jobs[:-1], operations=rest), job, alone


def joined(of: Problem, job: Job, operations: list[Operation], assignments: tuple[Assignment, ...]) -> tuple[Problem, Plan]:
    whole = replace(of, jobs=(*of.jobs, job), operations=(*of.operations, *operations))
    placed = {a.operation: a for a in assignments}
    schedule = Schedule.adopted(Compiled(whole), placed)
    return whole, schedule.plan("test", 0, solve(problem([], [], []), 0, 0).bound)


@UNHURRIED
@given(problems())
def test_an_inserted_job_moves_nothing_and_the_whole_can_be_carried_out(of: Problem) -> None:
    base, job, operations = split(of)
    plan = solve(base, 0, 1)
    timeline = Timeline.of(base, plan)
    found = insert(timeline, job, operations)
    whole, together = joined(base, job, operations, plan.assignments + found.assignments)
    assert validate(whole, together) == []
    assert {a for a in together.assignments if a.job != job.id} == set(plan.assignments)
    assert found.completion_s == max(a.end_s for a in found.assignments)
    assert [limit.operation for limit in found.limits] == [a.operation for a in found.assignments]


@UNHURRIED
@given(problems())
def test_what_is_reserved_and_given_back_leaves_the_timeline_as_it_was(of: Problem) -> None:
    base, job, operations = split(of)
    timeline = Timeline.of(base, solve(base, 0, 1))
    before = insert(timeline, job, operations)
    fork = timeline.fork()
    fork.reserve(before.assignments, operations)
    assert insert(timeline, job, operations) == before
    for a in before.assignments:
        fork.remove(a)
    assert insert(fork, job, operations) == before


def test_a_fork_and_its_original_change_by_themselves() -> None:
    of = problem([Resource("r")], [Job("j")], [])
    first, second = Timeline(of), None
    second = first.fork()
    first.add(Assignment("x", "j", "r", 0, 0, 0, 10), None)
    job, steps = Job("new"), [op("new.0", "r")]
    assert insert(first, job, steps).completion_s == 20
    assert insert(second, job, steps).completion_s == 10
    second.add(Assignment("y", "j", "r", 0, 0, 0, 30), None)
    assert insert(first, job, steps).completion_s == 20


def test_items_inserted_one_after_another_do_not_overlap() -> None:
    timeline = Timeline(problem([Resource("r", positions=2)], [], []))
    ends = []
    for n in range(4):
        steps = [op(f"i{n}.0", "r")]
        found = insert(timeline, Job(f"i{n}"), steps)
        timeline.reserve(found.assignments, steps)
        ends.append(found.completion_s)
    assert ends == [10, 10, 20, 20]


def test_a_gap_is_used_if_the_operation_and_the_next_setup_fit() -> None:
    of = problem([Resource("r", setup="m", keys=("red",))], [], [], setups=(SetupMatrix("m", 5),))
    timeline = Timeline(of)
    timeline.add(Assignment("x", "j", "r", 0, 30, 35, 40), "green")
    # Red fits before: no setup of its own, and the next one's five seconds are reserved already.
    assert insert(timeline, Job("n"), [op("n.0", "r", 30, setup_key="red")]).completion_s == 30
    # Blue needs a setup, and then does not fit.
    assert insert(timeline, Job("n"), [op("n.0", "r", 28, setup_key="blue")]).completion_s == 73
    # A red one of its own behind red would need a setup that nobody reserved, once x is red itself.
    timeline.remove(Assignment("x", "j", "r", 0, 30, 35, 40))
    timeline.add(Assignment("x", "j", "r", 0, 35, 35, 40), "red")
    assert insert(timeline, Job("n"), [op("n.0", "r", 10, setup_key="green")]).completion_s == 55


CAUSES = [
    (Cause.NOTHING, op("n.0", "r"), {}, 0),
    (Cause.MATERIAL, op("n.0", "r", earliest_s=30), {}, 30),
    (Cause.PRECEDENCE, op("n.0", "r", after=("p",)), {"p": 25}, 25),
    (Cause.RESOURCE, op("n.0", "busy"), {}, 50),
    (Cause.SETUP, op("n.0", "keyed", setup_key="green"), {}, 20),
    (Cause.CALENDAR, op("n.0", "shut"), {}, 60),
]


@pytest.mark.parametrize(("cause", "step", "ended", "waited"), CAUSES)
def test_the_reason_is_what_held_the_operation(cause: Cause, step: Operation, ended, waited: int) -> None:
    resources = [
        Resource("r"),
        Resource("busy"),
        Resource("keyed", setup="m", keys=("red",)),
        Resource("shut", calendar="late"),
    ]
    late = Calendar("late", cycle=((60, 100),), cycle_s=100)
    timeline = Timeline(problem(resources, [], [], calendars=(late,), setups=(SetupMatrix("m", 20),)))
    timeline.add(Assignment("x", "j", "busy", 0, 0, 0, 50), None)
    limit = insert(timeline, Job("n"), [step], ended=ended).limits[0]
    assert (limit.cause, limit.waited_s) == (cause, waited)
    assert limit.behind == {Cause.RESOURCE: "x", Cause.PRECEDENCE: "p"}.get(cause)


def test_nothing_starts_before_now() -> None:
    timeline = Timeline(problem([Resource("r")], [], []))
    assert insert(timeline, Job("n"), [op("n.0", "r")], now_s=100).completion_s == 110


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([op("n.0", "nowhere")], "planning.no_place"),
        ([op("n.0", {})], "planning.no_place"),
        ([op("n.0", "r", after=("ghost",))], "planning.unknown_predecessor"),
        ([op("n.0", "r", after=("n.1",)), op("n.1", "r", after=("n.0",))], "planning.ring"),
        ([op("n.0", "once", 11)], "planning.no_place"),
    ],
)
def test_what_cannot_be_inserted_is_refused(steps, code: str) -> None:
    once = Calendar("once", ((0, 10),), 10)
    timeline = Timeline(problem([Resource("r"), Resource("once", calendar="once")], [], [], calendars=(once,)))
    with pytest.raises(Refused) as refusal:
        insert(timeline, Job("n"), steps)
    assert refusal.value.code == code


def test_giving_back_what_was_never_taken_is_an_error() -> None:
    timeline = Timeline(problem([Resource("r")], [], []))
    with pytest.raises(KeyError):
        timeline.remove(Assignment("x", "j", "r", 0, 0, 0, 5))


def test_thirteen_steps_go_into_a_busy_plant() -> None:
    of = plant(120)
    base, job, steps = split(of)
    plan = solve(base, 0, 1)
    found = insert(Timeline.of(base, plan), job, steps)
    whole, together = joined(base, job, steps, plan.assignments + found.assignments)
    assert validate(whole, together) == []
