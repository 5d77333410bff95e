from itertools import permutations
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.chain.planning.problems import UNHURRIED

from batchone.chain.planning.solvers import line_kernel as kernel
from batchone.chain.planning.solvers.line import LIMIT_S, LineSearch

Numbers = NDArray[np.int64]
Aim = Literal["makespan", "tardiness"]


class Plant:
    """A line drawn by chance, and what an order of its jobs is worth by the plain recursion."""

    def __init__(self, n: int, m: int, seed: int, with_setups: bool, with_release: bool) -> None:
        chance = np.random.default_rng(seed)
        self.durations = chance.integers(0, 30, (n, m))
        self.setups = chance.integers(0, 20, (m, n + 1, n)) if with_setups else None
        self.release = chance.integers(0, 60, n) if with_release else np.zeros(n, np.int64)
        self.due = chance.integers(0, 20 * (n + m), n)
        self.weight = chance.integers(0, 4, n)

    def search(self, by: Aim, seed: int = 1) -> LineSearch:
        return LineSearch(self.durations, self.setups, self.release, self.due, self.weight, by, seed)

    def worth(self, order: list[int], by: Aim) -> int:
        n, m = self.durations.shape
        free, before, late = [0] * m, n, 0
        for j in order:
            end = int(self.release[j])
            for k in range(m):
                setup = 0 if self.setups is None else int(self.setups[k, before, j])
                end = free[k] = max(end, free[k] + setup) + int(self.durations[j, k])
            before = j
            late += int(self.weight[j]) * max(0, end - int(self.due[j]))
        return late if by == "tardiness" else max(free)


plants = st.builds(Plant, st.integers(1, 9), st.integers(1, 5), st.integers(0, 10_000), st.booleans(), st.booleans())
aims = st.sampled_from(["makespan", "tardiness"])


@settings(UNHURRIED, max_examples=60)
@given(plants, aims, st.integers(0, 99))
def test_the_best_place_of_a_job_is_that_of_the_plain_recursion(plant: Plant, by: Aim, seed: int) -> None:
    search = plant.search(by)
    n = len(plant.durations)
    jobs = np.random.default_rng(seed).permutation(n).tolist()
    x, others = jobs[0], jobs[1:]
    seq = np.array([n, *others, n, n], np.int64)
    kernel.forget(search._line, search._room)
    value, place = kernel.scan(search._line, search._room, search._chance, seq, x, n - 1, 1 << 60)
    worth = [plant.worth([*others[:i], x, *others[i:]], by) for i in range(n)]
    assert value == min(worth) == worth[place]


@pytest.mark.parametrize("with_setups", [False, True])
@pytest.mark.parametrize("with_release", [False, True])
@pytest.mark.parametrize("by", ["makespan", "tardiness"])
def test_many_places_in_blocks_are_worked_out_as_few_are(by: Aim, with_release: bool, with_setups: bool) -> None:
    plant = Plant(150, 4, 5, with_setups, with_release)
    search = plant.search(by)
    order = search.order().tolist()
    for x in (order[0], order[70], order[149]):
        others = [j for j in order if j != x]
        seq = np.array([150, *others, 150, 150], np.int64)
        kernel.forget(search._line, search._room)
        value, place = kernel.scan(search._line, search._room, search._chance, seq, x, 149, 1 << 60)
        worth = [plant.worth([*others[:i], x, *others[i:]], by) for i in range(150)]
        assert value == min(worth) == worth[place]


@settings(UNHURRIED, max_examples=60)
@given(plants, aims, st.integers(0, 99))
def test_what_is_found_is_an_order_worth_what_is_said(plant: Plant, by: Aim, seed: int) -> None:
    search = plant.search(by, seed)
    first = search.best
    assert plant.worth(search.order().tolist(), by) == first
    improved = search.run(200)
    order = search.order().tolist()
    assert sorted(order) == list(range(len(plant.durations)))
    assert plant.worth(order, by) == search.best <= first
    assert improved == (search.best < first)


@pytest.mark.parametrize("by", ["makespan", "tardiness"])
def test_a_few_jobs_are_ordered_best(by: Aim) -> None:
    for seed in range(60):
        plant = Plant(1 + seed % 6, 1 + seed % 4, seed, seed % 2 == 0, seed % 3 == 0)
        search = plant.search(by)
        search.run(2_000)
        assert search.best == min(plant.worth(list(order), by) for order in permutations(range(len(plant.durations))))


@pytest.mark.parametrize("by", ["makespan", "tardiness"])
def test_the_same_seed_and_steps_find_the_same_however_divided(by: Aim) -> None:
    plant = Plant(30, 5, 3, True, False)
    whole, parts, other = plant.search(by), plant.search(by), plant.search(by, seed=2)
    whole.run(3_000)
    other.run(3_000)
    for _ in range(10):
        parts.run(300)
    assert whole.order().tolist() == parts.order().tolist()
    assert whole.order().tolist() != other.order().tolist()


def test_a_better_order_is_learned_and_a_worse_one_is_not() -> None:
    plant = Plant(30, 5, 3, True, False)
    good, poor = plant.search("tardiness"), plant.search("tardiness")
    good.run(3_000)
    poor.learn(good.order())
    assert poor.best == good.best
    assert poor.order().tolist() == good.order().tolist()
    poor.learn(np.arange(30))
    assert poor.best == good.best


def test_times_too_great_for_the_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match="the line works for"):
        LineSearch(np.full((2, 2), LIMIT_S), None, np.zeros(2, np.int64), None, np.ones(2, np.int64), "makespan", 1)
