from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.chain.planning.problems import UNHURRIED, op, plant, problem, problems, starts

from batchone.chain.planning import Calendar, Fixed, Job, Plan, Problem, Resource, moved, repair, solve, validate
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.repair import _Repair

LINE = problem(
    [Resource("m1", ("a",)), Resource("m2", ("a",)), Resource("end")],
    [Job(f"j{n}") for n in range(4)],
    [o for n in range(4) for o in (op(f"j{n}.0", "a", 10), op(f"j{n}.1", "end", 5, (f"j{n}.0",)))],
)


def broken(of: Problem, name: str, until: int) -> Problem:
    return replace(of, resources=tuple(replace(r, available_from_s=until) if r.id == name else r for r in of.resources))


def advanced(of: Problem, plan: Plan, now: int) -> Problem:
    """The same problem `now` seconds later: ended operations gone, begun ones running, the rest as it was."""
    gone = {a.operation for a in plan.assignments if a.end_s <= now}
    operations = []
    for o in of.operations:
        a = plan.by_operation[o.id]
        if o.id in gone:
            continue
        left = replace(o, predecessors=tuple(p for p in o.predecessors if p not in gone), earliest_s=max(0, o.earliest_s - now))
        if a.start_s < now:
            left = replace(left, fixed=Fixed(a.resource, a.track, a.start_s - now, None, max(0, a.end_s - now)))
        operations.append(left)
    jobs = [replace(j, due_s=None if j.due_s is None else j.due_s - now, release_s=max(0, j.release_s - now)) for j in of.jobs]
    hours = [replace_head(calendar, now) for calendar in of.calendars]
    resources = [replace(r, available_from_s=max(0, r.available_from_s - now)) for r in of.resources]
    return replace(
        of,
        origin=of.origin + timedelta(seconds=now),
        resources=tuple(resources),
        jobs=tuple(jobs),
        operations=tuple(operations),
        calendars=tuple(hours),
    )


def replace_head(calendar: Calendar, now: int) -> Calendar:
    far = now + 2000
    return Calendar(
        calendar.id, tuple((a - now, b - now) for a, b in calendar.intervals(now, far)), far - now, ((0, 100),), 100
    )


@UNHURRIED
@given(problems(), st.integers(0, 2), st.integers(1, 120))
def test_a_repaired_plan_can_be_carried_out_after_any_breakdown(of: Problem, which: int, until: int) -> None:
    plan = solve(of, 0, 1)
    after = broken(of, of.resources[which % len(of.resources)].id, until)
    assert validate(after, repair(after, plan)) == []


@UNHURRIED
@given(problems())
def test_a_plan_that_holds_is_left_alone(of: Problem) -> None:
    plan = solve(of, 0, 1)
    assert moved(plan, repair(of, plan)) == []


@UNHURRIED
@given(problems(), st.integers(1, 60))
def test_time_goes_on_and_what_runs_stays_where_it_is(of: Problem, now: int) -> None:
    plan = solve(of, 0, 1)
    # What the plan kept apart by setups done before now needs no setup again; running work is taken as it is.
    assume(all(a.setup_start_s >= now or a.start_s < now for a in plan.assignments))
    later = advanced(of, plan, now)
    repaired = repair(later, plan)
    assert validate(later, repaired) == []
    for o in later.operations:
        if o.fixed is not None:
            a = repaired.by_operation[o.id]
            assert (a.resource, a.track, a.start_s) == (o.fixed.resource, o.fixed.track, o.fixed.start_s)


@UNHURRIED
@given(problems(), st.data())
def test_new_operations_find_their_place(of: Problem, data) -> None:
    known = data.draw(st.sets(st.sampled_from([o.id for o in of.operations])))
    kept = tuple(
        replace(o, predecessors=tuple(p for p in o.predecessors if p in known)) for o in of.operations if o.id in known
    )
    plan = solve(replace(of, operations=kept), 0, 1)
    assert validate(of, repair(of, plan)) == []


def test_work_leaves_a_broken_machine_and_the_rest_stays() -> None:
    plan = solve(LINE, 0, 1)
    after = broken(LINE, "m1", 1000)
    repaired = repair(after, plan)
    assert validate(after, repaired) == []
    assert all(a.resource != "m1" for a in repaired.assignments)
    on_m2 = [a.operation for a in plan.assignments if a.resource == "m2"]
    assert repaired.by_operation[on_m2[0]].start_s == plan.by_operation[on_m2[0]].start_s


def test_work_waits_for_a_machine_that_is_soon_back() -> None:
    plan = solve(LINE, 0, 1)
    repaired = repair(broken(LINE, "m1", 2), plan)
    assert {a.resource for a in repaired.assignments if a.operation.endswith(".0")} == {"m1", "m2"}


def test_a_late_job_lets_the_others_pass() -> None:
    of = problem([Resource("r")], [Job("a"), Job("b"), Job("c")], [op(f"{j}.0", "r") for j in "abc"])
    plan = solve(of, 0, 1)
    first = min(plan.assignments, key=lambda a: a.start_s).operation
    delayed = replace(of, operations=tuple(replace(o, earliest_s=500) if o.id == first else o for o in of.operations))
    repaired = repair(delayed, plan)
    assert starts(repaired)[first] == 500
    assert moved(plan, repaired) == [first]


def test_a_new_order_moves_nothing() -> None:
    plan = solve(LINE, 0, 1)
    more = replace(
        LINE, jobs=(*LINE.jobs, Job("n")), operations=(*LINE.operations, op("n.0", "a"), op("n.1", "end", 5, ("n.0",)))
    )
    repaired = repair(more, plan)
    assert validate(more, repaired) == []
    assert moved(plan, repaired) == []


def test_rework_in_front_of_planned_steps_pushes_those_only() -> None:
    plan = solve(LINE, 0, 1)
    again = op("j0.again", "a", 10)
    operations = tuple(replace(o, predecessors=(*o.predecessors, again.id)) if o.id == "j0.1" else o for o in LINE.operations)
    redo = replace(LINE, operations=(*operations, again))
    repaired = repair(redo, plan)
    assert validate(redo, repaired) == []
    assert repaired.by_operation["j0.1"].start_s >= repaired.by_operation["j0.again"].end_s


def test_a_breakdown_moves_little_of_a_plant() -> None:
    of = plant(60)
    plan = solve(of, 0, 1)
    after = broken(of, "safety-1", 1800)
    repaired = repair(after, plan)
    assert validate(after, repaired) == []
    touched = moved(plan, repaired)
    assert touched
    assert len(touched) < len(plan.assignments) // 4


def test_a_resource_that_is_gone_is_left() -> None:
    plan = solve(LINE, 0, 1)
    without = replace(LINE, resources=LINE.resources[1:])
    assert validate(without, repair(without, plan)) == []


@pytest.mark.parametrize("name", ["cabinet-1", "charge-1", "door-1", "shell-1"])
def test_the_compiled_rule_is_the_rule_as_it_is_written(name: str) -> None:
    of = plant(60)
    plan = solve(of, 0, 1)
    after = broken(of, name, 1500)
    kept = _Repair(Compiled(after), plan)
    assert kept.run_compiled().start == _Repair(Compiled(after), plan).run().start


@UNHURRIED
@given(problems(), st.integers(0, 60))
def test_the_compiled_rule_is_the_rule_for_every_small_problem(of: Problem, seconds: int) -> None:
    plan = solve(of, 0, 1)
    first = of.resources[0]
    after = replace(of, resources=(replace(first, available_from_s=first.available_from_s + seconds), *of.resources[1:]))
    written, compiled = _Repair(Compiled(after), plan).run(), _Repair(Compiled(after), plan).run_compiled()
    assert (written.start, written.resource, written.track) == (compiled.start, compiled.resource, compiled.track)
