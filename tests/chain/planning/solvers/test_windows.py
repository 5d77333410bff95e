import time
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chain.planning.problems import UNHURRIED, op, plant, problem, problems

from batchone.chain.planning import Fixed, Job, Problem, Resource, SetupMatrix, validate
from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import RuleOfDispatch, Urgency, dispatch
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.solvers.neighbourhood import Neighbourhoods
from batchone.chain.planning.solvers.windows import improve, solve_window


def valid(of: Problem, compiled: Compiled, schedule: Schedule) -> bool:
    return validate(of, schedule.plan("test", 0, bound_of(compiled))) == []


@settings(UNHURRIED, max_examples=25)
@given(problems(), st.integers(2, 12), st.integers(0, 9))
def test_whatever_a_window_finds_can_be_carried_out(of: Problem, size: int, seed: int) -> None:
    compiled = Compiled(of)
    schedule = dispatch(compiled)
    window = Neighbourhoods(compiled, Random(seed)).draw(schedule, size)
    found = solve_window(compiled, schedule, window, 0.5, seed=seed, workers=1)
    assert found.schedule is None or valid(of, compiled, found.schedule)


def test_windows_find_the_order_that_saves_setups() -> None:
    colours = ["red", "green", "blue"] * 3
    jobs = [Job(f"j{n}", 10_000) for n in range(9)]
    of = problem(
        [Resource("r", setup="m")],
        jobs,
        [op(f"j{n}.0", "r", setup_key=colour) for n, colour in enumerate(colours)],
        setups=(SetupMatrix("m", 30),),
    )
    compiled = Compiled(of)
    first = dispatch(compiled, RuleOfDispatch(Urgency.SLACK, 0))
    assert first.objective().setup_s == 240
    deadline = time.monotonic() + 20
    best, proven = improve(compiled, first, 1, left_s=lambda: deadline - time.monotonic(), better=lambda _: None)
    assert proven
    assert best.objective().setup_s == 60
    assert valid(of, compiled, best)


def test_fixed_operations_stay_and_the_plan_only_gets_better() -> None:
    of = plant(12, due_h=(1, 1.4))
    first = dispatch(Compiled(of))
    frozen = []
    for i, o in enumerate(of.operations):
        a = first.assignment(i)
        begun = a.start_s < 400 and a.resource.startswith(("shell", "liner"))
        frozen.append(replace(o, fixed=Fixed(a.resource, a.track, a.start_s, a.setup_start_s)) if begun else o)
    later = replace(of, operations=tuple(frozen))
    compiled = Compiled(later)
    start = dispatch(compiled)
    worth = [start.objective().key(of.aim)]
    deadline = time.monotonic() + 3
    best, _ = improve(
        compiled,
        start,
        1,
        left_s=lambda: deadline - time.monotonic(),
        better=lambda schedule: worth.append(schedule.objective().key(of.aim)),
    )
    assert worth == sorted(set(worth), reverse=True)
    assert valid(later, compiled, best)


def test_a_window_of_everything_is_known_to_be_one() -> None:
    compiled = Compiled(plant(2))
    drawing = Neighbourhoods(compiled, Random(1))
    assert drawing.draw(dispatch(compiled), 1000).whole
    assert not drawing.draw(dispatch(compiled), 10).whole
