"""Insertion where everything is in the shop: ovens, tools, skills, setup crews, waits, lines on which nobody passes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chain.planning.judge.rich import one_by_one, rich_problems, summed
from tests.chain.planning.problems import UNHURRIED, op, problem

from batchone.chain.planning import (
    Alternative,
    Assignment,
    Calendar,
    Cause,
    Job,
    Limit,
    Operation,
    Problem,
    Resource,
    SetupMatrix,
    Timeline,
    Wait,
    insert,
    validate,
)
from batchone.chain.planning.passing import Queue, queues_of
from batchone.kernel.errors import Refused


def without(of: Problem, *jobs: str) -> Problem:
    return replace(
        of,
        jobs=tuple(j for j in of.jobs if j.id not in jobs),
        operations=tuple(o for o in of.operations if o.job not in jobs),
    )


@UNHURRIED
@given(rich_problems(), st.integers(1, 3))
def test_the_judge_accepts_a_plan_with_what_was_inserted_into_it(of: Problem, new: int) -> None:
    fresh = [job for job in of.jobs[-new:] if job.id != of.jobs[0].id]
    base = without(of, *(job.id for job in fresh))
    plan = one_by_one(base)
    timeline, every = Timeline.of(base, plan), list(plan.assignments)
    for job in fresh:
        steps = [o for o in of.operations if o.job == job.id]
        found = insert(timeline, job, steps, queues=queues_of(base, every))
        timeline.reserve(found.assignments, steps)
        every += found.assignments
    assert validate(of, summed(of, every)) == []
    assert set(plan.assignments) <= set(every)


@UNHURRIED
@given(rich_problems())
def test_something_holds_each_operation_that_is_inserted(of: Problem) -> None:
    base = without(of, *(job.id for job in of.jobs[1:]))
    timeline, every = Timeline.of(base, one_by_one(base)), list(one_by_one(base).assignments)
    for job in of.jobs[1:]:
        steps = [o for o in of.operations if o.job == job.id]
        found = insert(timeline, job, steps, queues=queues_of(base, every))
        timeline.reserve(found.assignments, steps)
        every += found.assignments
        assert all(limit.cause is not Cause.KEPT and limit.waited_s >= 0 for limit in found.limits)
        assert {limit.behind for limit in found.limits} - {None} <= {a.operation for a in every}


@UNHURRIED
@given(rich_problems())
def test_everything_can_be_inserted_into_nothing_and_taken_out_again(of: Problem) -> None:
    empty = without(of, *(job.id for job in of.jobs))
    timeline, every = Timeline(empty), list[Assignment]()
    for job in of.jobs:
        steps = [o for o in of.operations if o.job == job.id]
        found = insert(timeline, job, steps, queues=queues_of(empty, every))
        timeline.reserve(found.assignments, steps)
        every += found.assignments
    assert validate(of, summed(of, every)) == []
    for a in every:
        timeline.remove(a)
    first = [o for o in of.operations if o.job == of.jobs[0].id]
    again = insert(timeline, of.jobs[0], first, queues=queues_of(empty, ()))
    assert again.assignments == insert(Timeline(empty), of.jobs[0], first, queues=queues_of(empty, ())).assignments


@UNHURRIED
@given(rich_problems())
def test_a_timeline_of_a_plan_is_that_of_its_assignments_one_by_one(of: Problem) -> None:
    plan, job = one_by_one(of), of.jobs[0]
    known = {o.id: o for o in of.operations}
    grown = Timeline(of)
    for a in plan.assignments:
        grown.add(a, known[a.operation].setup_key, known[a.operation])
    steps = [
        replace(o, id=f"n{o.id}", predecessors=tuple(f"n{p}" for p in o.predecessors),
                waits=tuple(replace(w, after=f"n{w.after}") for w in o.waits))
        for o in of.operations if o.job == job.id
    ]  # fmt: skip
    new = replace(job, id="new")
    assert insert(grown, new, steps) == insert(Timeline.of(of, plan), new, steps)


def oven(batch: int = 3) -> Problem:
    return problem([Resource("oven", batch=batch), Resource("r")], [], [])


def baked(name: str, key: str | None, seconds: int = 20, **more) -> Operation:
    return Operation(name, name.partition(".")[0], (Alternative("oven", seconds),), batch_key=key, **more)


def test_an_operation_joins_a_batch_that_has_yet_to_begin_as_long_as_there_is_room() -> None:
    timeline = Timeline(oven(2))
    timeline.add(Assignment("x.0", "x", "oven", 0, 30, 30, 50), None, baked("x.0", "hot"))
    ends = []
    for n in range(3):
        steps = [baked(f"n{n}.0", "hot", earliest_s=15)]
        found = insert(timeline, Job(f"n{n}"), steps)
        if not n:
            assert found.limits == (Limit("n0.0", Cause.BATCH, 15, "x.0", 30, "oven"),)
        timeline.reserve(found.assignments, steps)
        ends.append(found.completion_s)
    assert ends == [50, 70, 70]


def test_a_batch_of_another_key_or_that_has_begun_is_not_joined() -> None:
    timeline = Timeline(oven())
    timeline.add(Assignment("x.0", "x", "oven", 0, 10, 10, 30), None, baked("x.0", "hot"))
    assert insert(timeline, Job("n"), [baked("n.0", "cold")]).completion_s == 50
    assert insert(timeline, Job("n"), [baked("n.0", None)]).completion_s == 50
    assert insert(timeline, Job("n"), [baked("n.0", "hot", earliest_s=11)]).completion_s == 50
    assert insert(timeline, Job("n"), [baked("n.0", "hot", earliest_s=10)]).completion_s == 30


def test_who_leaves_a_batch_leaves_the_others_in_it() -> None:
    timeline = Timeline(oven(2))
    first, second = (Assignment(f"{j}.0", j, "oven", 0, 30, 30, 50) for j in "xy")
    timeline.add(first, None, baked("x.0", "hot"))
    timeline.add(second, None, baked("y.0", "hot"))
    assert insert(timeline, Job("n"), [baked("n.0", "hot", earliest_s=15)]).completion_s == 70
    timeline.remove(first)
    assert insert(timeline, Job("n"), [baked("n.0", "hot", earliest_s=15)]).completion_s == 50


def test_a_tool_is_waited_for_where_it_is_the_only_one() -> None:
    timeline = Timeline(problem([Resource("r", positions=2), Resource("s"), Resource("gun")], [], []))
    timeline.add(Assignment("x.0", "x", "r", 0, 0, 0, 30, (("gun", 0),)), None, op("x.0", "r", 30, needs=("gun",)))
    found = insert(timeline, Job("n"), [op("n.0", "r", 10, needs=("gun",))])
    assert [(a.track, a.start_s, a.also) for a in found.assignments] == [(0, 30, (("gun", 0),))]
    elsewhere = insert(timeline, Job("n"), [op("n.0", "s", 10, needs=("gun",))])
    assert elsewhere.limits == (Limit("n.0", Cause.TOOL, 30, "x.0", 30, "gun"),)
    assert insert(timeline, Job("n"), [op("n.0", "r", 10)]).completion_s == 10


def test_a_person_who_sets_one_machine_up_does_not_set_another_up_meanwhile() -> None:
    matrix = SetupMatrix("m", 10, detached=False, crew="fitter")
    of = problem(
        [Resource("a", setup="m", keys=("red",)), Resource("b", setup="m", keys=("red",)), Resource("fitter")],
        [], [], setups=(matrix,),
    )  # fmt: skip
    timeline = Timeline(of)
    first = [op("x.0", "a", 5, setup_key="green")]
    timeline.reserve(insert(timeline, Job("x"), first).assignments, first)
    inserted = insert(timeline, Job("n"), [op("n.0", "b", 5, setup_key="green")])
    (found,) = inserted.assignments
    assert inserted.limits == (Limit("n.0", Cause.CREW, 10, "x.0", 10, "fitter"),)
    assert (found.setup_start_s, found.start_s, found.also) == (10, 20, (("fitter", 0),))


def test_what_may_not_wait_begins_its_predecessor_later() -> None:
    timeline = Timeline(problem([Resource("a"), Resource("b")], [], []))
    timeline.add(Assignment("x.0", "x", "b", 0, 0, 0, 100), None)
    steps = [op("n.0", "a", 10), op("n.1", "b", 5, after=("n.0",), waits=(Wait("n.0", 2, 20),))]
    found = insert(timeline, Job("n"), steps)
    first, second = found.assignments
    assert (first.end_s, second.start_s) == (80, 100)
    assert [(limit.cause, limit.behind) for limit in found.limits] == [(Cause.WAIT, None), (Cause.RESOURCE, "x.0")]
    loose = [op("n.0", "a", 10), op("n.1", "b", 5, after=("n.0",), waits=(Wait("n.0", 12),))]
    cured = insert(Timeline(timeline.problem), Job("n"), loose)
    assert cured.completion_s == 27
    assert cured.limits[1] == Limit("n.1", Cause.WAIT, 12, "n.0", 10)


def test_what_waits_too_long_for_what_is_over_already_is_refused() -> None:
    timeline = Timeline(problem([Resource("b")], [], []))
    timeline.add(Assignment("x.0", "x", "b", 0, 0, 0, 100), None)
    step = op("n.1", "b", 5, after=("n.0",), waits=(Wait("n.0", 0, 20),))
    with pytest.raises(Refused, match="more than 20 s after"):
        insert(timeline, Job("n"), [step], ended={"n.0": 10})


def test_a_job_passes_nobody_on_a_line() -> None:
    of = problem([Resource("a"), Resource("b")], [], [], no_passing=(("a", "b"),))
    plan = [
        Assignment("x.0", "x", "a", 0, 0, 0, 10), Assignment("x.1", "x", "b", 0, 60, 60, 70),
        Assignment("y.0", "y", "a", 0, 50, 50, 60), Assignment("y.1", "y", "b", 0, 70, 70, 80),
    ]  # fmt: skip
    timeline = Timeline(of)
    for a in plan:
        timeline.add(a, None)
    steps = [op("n.0", "a", 10), op("n.1", "b", 10, after=("n.0",))]
    # There is room on `a` behind x at 10, and on `b` before x at 20; but behind x on `b` there is none before y.
    found = insert(timeline, Job("n"), steps, queues=queues_of(of, plan))
    assert [(a.resource, a.start_s) for a in found.assignments] == [("a", 60), ("b", 80)]


def test_jobs_that_pass_each_other_already_are_told() -> None:
    plan = [
        Assignment("x.0", "x", "a", 0, 0, 0, 10), Assignment("x.1", "x", "b", 0, 60, 60, 70),
        Assignment("y.0", "y", "a", 0, 50, 50, 60), Assignment("y.1", "y", "b", 0, 20, 20, 30),
    ]  # fmt: skip
    with pytest.raises(Refused, match="pass each other"):
        Queue.of(("a", "b"), plan)


def test_hours_of_a_tool_are_kept_where_they_are_not_the_machines() -> None:
    late = Calendar("late", cycle=((40, 60),), cycle_s=100)
    timeline = Timeline(problem([Resource("r"), Resource("ann", calendar="late")], [], [], calendars=(late,)))
    found = insert(timeline, Job("n"), [op("n.0", "r", 15, needs=("ann",))])
    assert found.assignments[0].start_s == 40
    assert found.limits == (Limit("n.0", Cause.TOOL, 40, resource="ann"),)
    with pytest.raises(Refused):
        insert(timeline, Job("n"), [op("n.0", "r", 25, needs=("ann",))])
