import time
from dataclasses import replace
from math import nan

import pytest
from tests.chain.planning.problems import op, problem

from batchone.chain.planning import (
    DAY_S,
    Alternative,
    Before,
    Calendar,
    Fixed,
    Job,
    Measure,
    Resource,
    SetupMatrix,
    Tariff,
    Wait,
    solve,
    validate,
)
from batchone.chain.planning.checks import MAX_OPERATIONS, faults_of, usable
from batchone.kernel.errors import Refused

GOOD = problem([Resource("r", ("a",), 2)], [Job("j")], [op("j.0", "a"), op("j.1", "r", after=("j.0",))])
FIXED = Fixed("r", 0, 20)


def test_a_sound_problem_has_no_fault() -> None:
    assert not list(faults_of(GOOD))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (replace(GOOD, resources=GOOD.resources * 2), "resource 'r' is there 2 times"),
        (replace(GOOD, aim=()), "the aim names no measure"),
        (replace(GOOD, resources=(Resource("a", ("a",)),)), "'a' is a class and a resource"),
        (replace(GOOD, resources=(Resource("r", ("a",), 0),)), "resource 'r' has 0 positions"),
        (replace(GOOD, resources=(Resource("r", ("a",), keys=("x", "y")),)), "has more keys than positions"),
        (replace(GOOD, resources=(Resource("r", ("a",), setup="s"),)), "names setup 's'"),
        (replace(GOOD, resources=(Resource("r", ("a",), calendar="c"),)), "names calendar 'c'"),
        (replace(GOOD, setups=(SetupMatrix("s", -1),)), "setup 's' has a negative time"),
        (replace(GOOD, jobs=(Job("j", weight=-1),)), "job 'j' has a negative weight"),
        (replace(GOOD, jobs=()), "operation 'j.0' of job 'j' has a job which is not there"),
        (replace(GOOD, operations=(op("j.0", "b"),)), "can be done on 'b', which is not there"),
        (replace(GOOD, operations=(op("j.0", {}),)), "has nothing that ever works"),
        (replace(GOOD, operations=(op("j.0", "a", -1),)), "has a negative duration"),
        (replace(GOOD, operations=(op("j.0", "a", after=("x",)),)), "comes after 'x', which is not there"),
        (replace(GOOD, operations=(op("j.0", "a", after=("j.1",)), GOOD.operations[1])), "in a ring"),
        (replace(GOOD, operations=(op("j.0", "a", fixed=Fixed("x", 0, 0)),)), "fixed on 'x', which is not there"),
        (replace(GOOD, operations=(op("j.0", "a", fixed=Fixed("r", 2, 0)),)), "fixed on track 2"),
        (replace(GOOD, operations=(op("j.0", "a", fixed=Fixed("r", 0, -1)),)), "at a time at which it cannot start"),
        (replace(GOOD, operations=(op("j.0", "a", fixed=Fixed("r", 0, 5, remaining_s=3)),)), "from the future"),
        (replace(GOOD, operations=(GOOD.operations[0], op("j.1", "a", after=("j.0",), fixed=FIXED))), "'j.0' before it is not"),
        (
            replace(GOOD, operations=(op("j.0", "a", fixed=FIXED), op("j.1", "a", fixed=replace(FIXED, start_s=25)))),
            "not finished",
        ),
        (
            replace(
                GOOD, operations=(op("j.0", "a", fixed=FIXED), op("j.1", "a", after=("j.0",), fixed=replace(FIXED, track=1)))
            ),
            "before what it waits for has ended",
        ),
    ],
)
def test_what_cannot_be_planned_is_refused_by_name(broken, said: str) -> None:
    with pytest.raises(Refused, match="planned") as refusal:
        solve(broken, 0, 1)
    assert said in refusal.value.what


def test_a_resource_without_any_hours_is_no_place() -> None:
    shut = problem([Resource("r", calendar="shut")], [Job("j")], [op("j.0", "r")], calendars=(Calendar("shut"),))
    assert "nothing that ever works" in next(faults_of(shut))


def test_every_fault_is_told_at_once() -> None:
    broken = replace(GOOD, operations=(op("j.0", "b"), op("j.1", "c")))
    assert len(list(faults_of(broken))) == 2


def test_what_is_running_may_wait_for_nothing() -> None:
    # A machine has begun what the plan has not allowed yet: facts beat the plan.
    running = replace(GOOD.operations[1], fixed=Fixed("r", 0, -5, remaining_s=5))
    assert not list(faults_of(replace(GOOD, operations=(GOOD.operations[0], running))))


def test_hours_that_run_out_are_named() -> None:
    short = Calendar("short", ((0, 15),), 15)
    of = problem([Resource("r", calendar="short")], [Job("j")], [op("j.0", "r"), op("j.1", "r")], calendars=(short,))
    with pytest.raises(Refused, match="no working time left"):
        solve(of, 0, 1)


def held(*also: tuple[tuple[str, int], ...], start_s: int = 5):
    """Operations on one machine that are fixed with what they hold of two jigs and one gauge."""
    places = [Resource("m", positions=2), Resource("jig", ("clamp",), 2), Resource("gauge")]
    return problem(places, [Job("j")], [
        op(f"j.{n}", "m", 10, needs=("clamp",), fixed=Fixed("m", n, start_s + n, also=each)) for n, each in enumerate(also)
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("also", "said"),
    [
        ((("jig", 0), ("gauge", 0)), "operation 'j.0' of job 'j' is fixed with 2 of the 1 it takes beside its track"),
        ((("jig", 2),), "is fixed with track 2 of 'jig' for 'clamp', which it is not"),
        ((("gauge", 0),), "is fixed with track 0 of 'gauge' for 'clamp', which it is not"),
        ((("pliers", 0),), "is fixed with track 0 of 'pliers' for 'clamp', which it is not"),
    ],
)
def test_what_a_fixed_operation_cannot_hold_is_named(also, said: str) -> None:
    assert said in "; ".join(faults_of(held(also)))


def test_two_fixed_operations_hold_two_tools_or_follow_each_other() -> None:
    with pytest.raises(Refused, match="fixed where the one before it"):
        solve(held((("jig", 0),), (("jig", 0),)), 0, 1)
    two = held((("jig", 0),), (("jig", 1),))
    plan = solve(two, 0, 1)
    assert [a.also for a in plan.assignments] == [(("jig", 0),), (("jig", 1),)]
    assert validate(two, plan) == []
    swapped = replace(plan, assignments=(replace(plan.assignments[0], also=(("jig", 1),)), *plan.assignments[1:]))
    assert any("holds [('jig', 0)], but takes [('jig', 1)]" in each.what for each in validate(two, swapped))


CURED = op("j.1", "r", after=("j.0",), waits=(Wait("j.0", 5, 9),))
OVEN = Resource("oven", batch=2)
RING = (op("j.0", "a", after=("j.2",)), op("j.1", "a", after=("j.0",)), op("j.2", "a", after=("j.1",)))


def second(**changes):
    return replace(GOOD, operations=(GOOD.operations[0], replace(CURED, **changes)))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (replace(GOOD, operations=RING), "in a ring: 'j.0' -> 'j.1' -> 'j.2' -> 'j.0' (job 'j')"),
        (replace(GOOD, operations=(op("j.0", "a", after=("j.0",)),)), "'j.0' -> 'j.0'"),
        (replace(GOOD, operations=(op("j.0", "a", 4000 * DAY_S),)), "operation 'j.0' of job 'j' has a duration of 345600000 s"),
        (replace(GOOD, operations=(op("j.0", "a", 1.5),)), "duration of 1.5, which is not a whole number"),
        (replace(GOOD, operations=(op("j.0", "a", earliest_s=10**12),)), "within a hundred years"),
        (replace(GOOD, operations=(op("j.0", "a", needs=("jig",)),)), "needs 'jig', which nothing provides"),
        (replace(GOOD, operations=(op("j.0", "a", needs=("a", "a", "a")),)), "needs 'a' 3 times, but there are 2"),
        (second(waits=(Wait("j.9"),)), "waits after 'j.9', which is not among its predecessors"),
        (second(waits=(Wait("j.0"), Wait("j.0"))), "waits after 'j.0' 2 times"),
        (second(waits=(Wait("j.0", 5, 4),)), "waits at most 4 s after 'j.0', which is less than its least, 5 s"),
        (second(waits=(Wait("j.0", -1),)), "negative time"),
        (second(alternatives=(Alternative("r", 1, nan),)), "draws nan kW"),
        (replace(GOOD, weights=(1, 2)), "2 weights for the 3 measures"),
        (replace(GOOD, weights=(1, 2, -3)), "not all whole numbers"),
        (replace(GOOD, aim=(Measure.SETUP, Measure.SETUP)), "names a measure twice"),
        (replace(GOOD, aim=(Measure.ENERGY,)), "no tariff"),
        (replace(GOOD, tariff=Tariff(((0, nan),))), "not a number"),
        (replace(GOOD, tariff=Tariff(((5, 1.0),))), "not in order"),
        (replace(GOOD, tariff=Tariff(((0, 1.0), (90_000, 1.0)))), "not in order"),
        (replace(GOOD, tariff=Tariff(((0, 1.0),), starts_s=5)), "after the origin"),
        (replace(GOOD, before=(Before("x", "r", 0), Before("x", "r", 1))), "the plan before, operation 'x' is there 2 times"),
        (replace(GOOD, no_passing=(("r", "q"),)), "names resource 'q'"),
        (replace(GOOD, no_passing=(("r", "r"),)), "names a resource twice"),
        (replace(GOOD, resources=(Resource("r", ("a",), batch=0),)), "batches of 0"),
        (replace(GOOD, resources=(Resource("r", ("a",), 10**9),)), "1000000000 positions"),
        (replace(GOOD, setups=(SetupMatrix("s", crew="nobody"),)), "a crew of 'nobody'"),
        (replace(GOOD, jobs=(Job("j", due_s=10**12),)), "is due at second 1000000000000"),
        (replace(GOOD, jobs=(Job("j", weight=10**12),)), "at most 1000000000"),
        (
            problem(
                [OVEN],
                [Job("j")],
                [op("j.0", "oven", 5, batch_key="x"), op("j.1", "oven", 6, batch_key="x")],
            ),
            "operation 'j.1' of job 'j' takes 6 s on 'oven', but 'j.0' of the same batch key 'x' 5 s",
        ),
    ],
)
def test_slips_of_the_pen_are_named(broken, said: str) -> None:
    assert said in "; ".join(faults_of(broken))


def test_what_serves_every_part_of_the_model_is_sound() -> None:
    assert not list(faults_of(second()))
    assert not list(faults_of(replace(GOOD, weights=(1, 2, 3), tariff=Tariff(((0, 0.1), (3600, 0.2))), no_passing=(("r",),))))


def test_a_calendar_without_hours_before_the_horizon_is_named_with_the_operation() -> None:
    far = Calendar("far", ((4000 * DAY_S, 4001 * DAY_S),), 4001 * DAY_S)
    shut = problem([Resource("r", calendar="far")], [Job("j")], [op("j.0", "r")], calendars=(far,))
    said = next(faults_of(shut))
    assert "operation 'j.0' of job 'j'" in said
    assert "calendar far" in said


def test_too_many_operations_are_refused_before_anything_is_made_of_them() -> None:
    many = replace(GOOD, operations=GOOD.operations * (MAX_OPERATIONS // 2) + (GOOD.operations[0],))
    begun = time.process_time()
    assert list(faults_of(many)) == ["it has 250001 operations; at most 250000 can be planned at once"]
    with pytest.raises(Refused, match="250000"):
        usable(many)
    assert time.process_time() - begun < 0.5


def test_what_is_left_without_the_jobs_at_fault_can_be_planned() -> None:
    jobs = [Job(name) for name in ("good", "ring", "ghost", "long", "behind", "twice", "twice")]
    of = problem(
        [Resource("r")],
        jobs,
        [
            op("good.0", "r"),
            op("ring.0", "r", after=("ring.1",)),
            op("ring.1", "r", after=("ring.0",)),
            op("ghost.0", "nothing"),
            op("long.0", "r", 10**10),
            op("behind.0", "r", after=("ring.1",)),
            op("twice.0", "r"),
            op("stray.0", "r"),
        ],
    )
    rest, said = usable(of)
    assert [job.id for job in rest.jobs] == ["good"]
    assert validate(rest, solve(rest, 0, 1)) == []
    assert len(said) == 6
    told = "\n".join(said)
    assert "job 'ring' is left out: operations wait for each other in a ring: 'ring.0' -> 'ring.1' -> 'ring.0'" in told
    assert "job 'behind' is left out: it waits for job 'ring', which is left out" in told
    assert "job 'twice' is left out: job 'twice' is there 2 times" in told


def test_a_sound_problem_loses_nothing() -> None:
    assert usable(GOOD) == (GOOD, ())


def test_a_fault_that_is_no_jobs_is_refused() -> None:
    with pytest.raises(Refused, match="names calendar"):
        usable(replace(GOOD, resources=(Resource("r", ("a",), calendar="c"),)))
