from dataclasses import replace

import pytest
from tests.chain.planning.problems import op, problem

from batchone.chain.planning import Calendar, Fixed, Job, Resource, SetupMatrix, solve
from batchone.chain.planning.checks import faults_of
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
        (replace(GOOD, jobs=()), "operation 'j.0' is of job 'j', which is not there"),
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
