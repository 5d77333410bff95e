from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chain.planning.problems import UNHURRIED, plant, problems

from batchone.chain.planning import Measure, Problem, validate
from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import dispatch
from batchone.chain.planning.solvers.floor import worth_key
from batchone.chain.planning.solvers.sequence import SequenceSearch


@settings(UNHURRIED, max_examples=60)
@given(problems(), st.integers(0, 3))
def test_moving_operations_about_never_makes_the_best_worse_or_wrong(of: Problem, seed: int) -> None:
    compiled = Compiled(of)
    search = SequenceSearch(compiled, seed, dispatch(compiled))
    before = worth_key(compiled, search.worth)
    for _ in range(4):
        search.run(50)
        now = worth_key(compiled, search.worth)
        assert now <= before
        before = now
    schedule = search.schedule()
    assert validate(of, schedule.plan("", 0, bound_of(compiled))) == []
    assert schedule.objective().key(of.aim) == before


def test_the_same_steps_from_the_same_seed_come_to_the_same_plan() -> None:
    compiled = Compiled(plant(30, due_h=(1.0, 1.5)))
    one, two = (SequenceSearch(compiled, 5, dispatch(compiled)) for _ in range(2))
    one.run(300)
    for _ in range(3):
        two.run(100)
    assert np.array_equal(one.best.op, two.best.op)
    assert not np.array_equal(one.best.op, SequenceSearch(compiled, 6, dispatch(compiled)).best.op) or one.steps == 300


def test_work_in_progress_gets_less_where_it_is_what_counts() -> None:
    of = replace(plant(15), aim=(Measure.WORK_IN_PROGRESS, Measure.MAKESPAN))
    compiled = Compiled(of)
    search = SequenceSearch(compiled, 1, dispatch(compiled))
    before = int(search.worth[3])
    search.run(3000)
    assert int(search.worth[3]) < before


def test_a_walk_goes_on_from_what_another_found() -> None:
    compiled = Compiled(plant(30, due_h=(1.0, 1.5)))
    one, two = (SequenceSearch(compiled, seed, dispatch(compiled)) for seed in (1, 2))
    one.run(500)
    two.learn(one)
    assert two.worth.tolist() == one.worth.tolist()
    two.run(200)
    assert validate(compiled.problem, two.schedule().plan("", 0, bound_of(compiled))) == []
