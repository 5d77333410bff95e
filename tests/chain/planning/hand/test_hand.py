"""A planner's move: what is legal is valid, what is refused is really in conflict, and the figures are those of the plan."""

from dataclasses import replace
from time import perf_counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.chain.planning.judge.rich import one_by_one, rich_problems
from tests.chain.planning.problems import UNHURRIED, lasting, op, plant, problem, problems, starts

from batchone.chain.planning import (
    Calendar,
    Fixed,
    Hand,
    Illegal,
    Job,
    Moved,
    Plan,
    Problem,
    Resource,
    SetupMatrix,
    Wait,
    Why,
    move,
    solve,
    validate,
)
from batchone.chain.planning.hand.floor import Floor, Trial

TWO = problem(
    [Resource("m1", ("a",)), Resource("m2", ("a",)), Resource("end")],
    [Job("j0", 20), Job("j1", 30)],
    [op("j0.0", "m1", 10), op("j1.0", "m1", 10), op("j0.1", "end", 5, ("j0.0",)), op("j1.1", "end", 5, ("j1.0",))],
)
FREE = replace(TWO, operations=tuple(replace(o, alternatives=(replace(o.alternatives[0], on="a"),)) if o.id.endswith(".0")
                                     else o for o in TWO.operations))  # fmt: skip


def planned(of: Problem) -> Plan:
    return solve(of, 0, 1)


def refused(found: Moved | Illegal) -> Illegal:
    assert isinstance(found, Illegal)
    return found


def done(found: Moved | Illegal) -> Moved:
    assert isinstance(found, Moved)
    return found


def forced(of: Problem, plan: Plan, operation: str, resource: str, track: int, start_s: int) -> Plan:
    """The plan with one operation simply put there, setups shortened or begun sooner as they need."""
    floor = Floor(of, plan)
    o = floor.operations[operation]
    trial = Trial(floor, operation)
    a = replace(plan.by_operation[operation], resource=resource, track=track, setup_start_s=start_s, start_s=start_s)
    a = replace(a, end_s=floor.end(o, resource, start_s, floor.durations(o)[resource]))
    trial.put(a, *trial.neighbours((resource, track), start_s))
    need = trial.need(operation)
    trial.now[operation] = replace(a, setup_start_s=floor.calendars[resource].latest_start(start_s, need) if need else start_s)
    for name in {*trial.followers_with_key(trial.left), *trial.followers_with_key(trial.behind(operation))} - {operation}:
        if floor.operations[name].fixed is None:
            b, need = trial.at(name), trial.need(name)
            calendar = floor.calendars[b.resource]
            trial.now[name] = replace(b, setup_start_s=calendar.latest_start(b.start_s, need) if need else b.start_s)
    return replace(plan, assignments=tuple(trial.at(name) for name in floor.at))


@st.composite
def wishes(draw) -> tuple[Problem, Plan, str, str, int, int]:
    of = draw(problems())
    plan = planned(of)
    a = draw(st.sampled_from(plan.assignments))
    resource = draw(st.sampled_from(of.resources))
    return of, plan, a.operation, resource.id, draw(st.integers(0, resource.positions - 1)), draw(st.integers(-3, 150))


@pytest.mark.slow
@UNHURRIED
@given(wishes(), st.booleans())
def test_a_legal_move_gives_a_valid_plan_and_moves_no_more_than_it_says(wish, push: bool) -> None:
    of, plan, operation, resource, track, start = wish
    found = move(of, plan, operation, resource=resource, track=track, start_s=start, push=push)
    assume(isinstance(found, Moved))
    assert validate(of, found.plan) == []
    a = found.plan.by_operation[operation]
    assert (a.resource, a.track, a.start_s) == (resource, track, start)
    before, after = starts(plan), starts(found.plan)
    other = {name for name in before if before[name] != after[name]} - {operation}
    assert other == set(found.pushed)
    assert push or not other
    assert all(after[name] > before[name] for name in other)


@UNHURRIED
@given(rich_problems(), st.data())
def test_a_legal_move_is_valid_where_there_are_tools_crews_batches_waits_and_lines(of: Problem, data) -> None:
    hand = Hand(of, one_by_one(of))
    for _ in range(4):
        a = data.draw(st.sampled_from(hand.plan.assignments))
        resource = data.draw(st.sampled_from([a.resource, "sprayer"]))
        start, push = data.draw(st.integers(0, 900)), data.draw(st.booleans())
        found = hand.move(a.operation, resource=resource, start_s=start, push=push)
        if isinstance(found, Moved):
            assert validate(of, found.plan) == []


@pytest.mark.slow
@UNHURRIED
@given(wishes())
def test_what_is_refused_is_really_in_conflict(wish) -> None:
    of, _, operation, resource, track, start = wish
    of = lasting(of)
    plan = planned(of)
    found = move(of, plan, operation, resource=resource, track=track, start_s=start)
    assume(isinstance(found, Illegal))
    if found.why is Why.PLACE:
        assert resource not in Floor(of, plan).durations(Floor(of, plan).operations[operation])
        return
    assert validate(of, forced(of, plan, operation, resource, track, start)) != []
    assert found.behind is None or found.behind in plan.by_operation


@pytest.mark.slow
@UNHURRIED
@given(wishes())
def test_the_nearest_places_offered_are_legal_and_nearest(wish) -> None:
    of, _, operation, resource, track, start = wish
    of = lasting(of)
    plan = planned(of)
    hand = Hand(of, plan)
    found = hand.move(operation, resource=resource, track=track, start_s=start)
    assume(isinstance(found, Illegal))

    def legal(at: int) -> bool:
        return isinstance(hand.move(operation, resource=resource, track=track, start_s=at), Moved)

    sooner, later = found.sooner, found.later
    assert sooner is None or (sooner.start_s <= start and legal(sooner.start_s))
    assert later is None or (later.start_s >= start and legal(later.start_s))
    assert not any(legal(at) for at in range((sooner.start_s + 1) if sooner else 0, start))
    assert not any(legal(at) for at in range(max(0, start), later.start_s if later else 200))


@pytest.mark.slow
@UNHURRIED
@given(wishes())
def test_the_effect_is_what_the_plans_say(wish) -> None:
    of, plan, operation, resource, track, start = wish
    found = move(of, plan, operation, resource=resource, track=track, start_s=start, push=True)
    assume(isinstance(found, Moved))
    assert found.effect.after == found.plan.objective
    ends = {each.job: each.end_s for each in found.plan.jobs}
    assert {each.job: each.end_s for each in plan.jobs} | {each.job: each.after_s for each in found.effect.jobs} == ends


def test_a_bar_dragged_to_a_free_machine_frees_its_own() -> None:
    found = done(move(FREE, planned(TWO), "j1.0", resource="m2", start_s=0))
    assert found.pushed == ()
    assert validate(FREE, found.plan) == []
    assert found.effect.jobs == ()


def test_a_busy_track_names_who_has_it_and_the_nearest_places() -> None:
    found = refused(move(TWO, planned(TWO), "j1.0", start_s=4))
    assert (found.why, found.behind, found.since_s) == (Why.BUSY, "j0.0", 10)
    assert found.sooner is None
    assert found.later is not None
    assert found.later.start_s == 10


def test_without_push_the_next_operation_of_the_job_is_in_the_way() -> None:
    found = refused(move(TWO, planned(TWO), "j1.0", start_s=12))
    assert (found.why, found.behind) == (Why.SUCCESSOR, "j1.1")


def test_pushing_moves_what_stands_behind_and_tells_who_is_late() -> None:
    found = done(move(TWO, planned(TWO), "j1.0", start_s=20, push=True))
    assert found.pushed == ("j1.1",)
    assert [(each.job, each.after_s, each.becomes_late) for each in found.effect.later] == [("j1", 35, True)]
    assert found.effect.after.weighted_tardiness_s == 5


def test_pushing_cannot_bring_an_operation_behind_what_comes_after_it() -> None:
    of = problem([Resource("m")], [Job("j")], [op("j.0", "m"), op("j.1", "m", 10, ("j.0",))])
    assert refused(move(of, planned(of), "j.0", start_s=20, push=True)).why is Why.SUCCESSOR


def test_nothing_fixed_frozen_or_pinned_is_moved_or_pushed() -> None:
    of = replace(
        TWO, operations=(replace(TWO.operations[0], fixed=Fixed("m1", 0, 0, remaining_s=10)), *TWO.operations[1:])
    )  # fmt: skip
    plan = planned(of)
    assert refused(move(of, plan, "j0.0", start_s=50)).why is Why.FIXED
    hand = Hand(of, plan, frozen_until_s=12, pinned=frozenset({"j1.1"}))
    assert refused(hand.move("j1.0", start_s=50)).why is Why.FROZEN
    assert refused(hand.move("j1.1", start_s=11)).why is Why.FROZEN
    assert refused(Hand(of, plan, pinned=frozenset({"j1.1"})).move("j1.0", start_s=30, push=True)).why is Why.PINNED
    assert refused(move(of, plan, "j1.0", start_s=-1)).why is Why.PAST


def test_setups_before_and_behind_are_made_right() -> None:
    of = problem(
        [Resource("m", setup="s", keys=("red",))],
        [Job(n) for n in "abc"],
        [op("a.0", "m", 10, setup_key="red"), op("b.0", "m", 10, setup_key="green"), op("c.0", "m", 10, setup_key="red")],
        setups=(SetupMatrix("s", 5),),
    )
    plan = planned(of)
    last = max(plan.assignments, key=lambda a: a.start_s)
    found = done(move(of, plan, last.operation, start_s=100))
    assert validate(of, found.plan) == []
    assert found.effect.after.setup_s == plan.objective.setup_s
    first = min(plan.assignments, key=lambda a: a.start_s)
    blocked = refused(move(of, found.plan, first.operation, start_s=88))
    assert blocked.why is Why.SETUP


def test_breaks_waits_and_material_have_their_say() -> None:
    hours = Calendar("h", cycle=((0, 50), (60, 100)), cycle_s=100)
    of = problem(
        [Resource("m", calendar="h"), Resource("n")],
        [Job("j"), Job("k", release_s=30)],
        [op("j.0", "n"), op("j.1", "m", 10, ("j.0",), waits=(Wait("j.0", 5, 100),)), op("k.0", "m", 5)],
        calendars=(hours,),
    )
    plan = replace(planned(replace(of, operations=(*of.operations[:1], replace(of.operations[1], waits=()), of.operations[2]))))
    assert refused(move(of, plan, "j.1", start_s=12)).why is Why.WAIT
    assert refused(move(of, plan, "j.1", start_s=55)).why is Why.CALENDAR
    assert refused(move(of, plan, "k.0", start_s=20)).why is Why.MATERIAL
    across = done(move(of, plan, "j.1", start_s=45))
    assert across.plan.by_operation["j.1"].end_s == 65
    assert refused(move(of, plan, "j.1", start_s=160)).why is Why.WAIT


@pytest.mark.parametrize("push", [False, True])
def test_a_drag_over_a_large_plan_is_answered_fast(push: bool) -> None:
    of = plant(400)
    plan = planned(of)
    hand = Hand(of, plan)
    began, count = perf_counter(), 0
    for a in plan.assignments[:: len(plan.assignments) // 50]:
        hand.move(a.operation, start_s=a.start_s + 300, push=push)
        count += 1
    # Generous: other work on the machine is no fault of the hand. On a quiet one a check takes well under a millisecond.
    assert (perf_counter() - began) / count < (0.5 if push else 0.05)


def test_a_tool_that_is_taken_is_in_the_way_and_another_of_its_kind_is_taken_instead() -> None:
    def of(tools: int) -> tuple[Problem, Plan]:
        made = problem(
            [Resource("m1"), Resource("m2"), Resource("tool", positions=tools)],
            [Job("a"), Job("b")],
            [op("a.0", "m1", 10, needs=("tool",)), op("b.0", "m2", 10, needs=("tool",))],
        )
        plan = planned(replace(made, operations=tuple(replace(o, needs=()) for o in made.operations)))
        placed = (
            replace(plan.by_operation["a.0"], also=(("tool", 0),)),
            replace(plan.by_operation["b.0"], also=(("tool", 0),)),
        )
        late = replace(placed[1], setup_start_s=10, start_s=10, end_s=20)
        return made, replace(plan, assignments=(placed[0], late))

    found = refused(move(*of(1), "b.0", start_s=5))
    assert (found.why, found.behind) == (Why.NEED, "a.0")
    assert done(move(*of(2), "b.0", start_s=5)).plan.by_operation["b.0"].also == (("tool", 1),)


def test_on_a_line_nobody_passes_and_batches_stay_together() -> None:
    line = [op(f"{j}.{n}", f"m{n}", 10, (f"{j}.{n - 1}",) if n else ()) for j in "ab" for n in range(2)]
    of = problem([Resource("m0"), Resource("m1")], [Job("a"), Job("b")], line, no_passing=(("m0", "m1"),))
    found = refused(move(of, planned(of), "a.1", start_s=40))
    assert (found.why, found.behind) == (Why.PASSING, "b.1")
    oven = problem(
        [Resource("o", batch=2)], [Job("a"), Job("b")], [op("a.0", "o", batch_key="x"), op("b.0", "o", batch_key="x")]
    )
    plan = planned(replace(oven, resources=(Resource("o", positions=2),)))
    together = replace(plan, assignments=tuple(replace(a, track=0) for a in plan.assignments))
    assert refused(move(oven, together, "a.0", start_s=40)).why is Why.BATCH
