from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model
from tests.chain.planning.problems import UNHURRIED

from batchone.chain.planning.solvers import hybrid_kernel as kernel
from batchone.chain.planning.solvers.hybrid import HybridSearch


class Plant:
    """Stages of machines drawn by chance."""

    def __init__(self, n: int, machines: list[int], seed: int, with_release: bool) -> None:
        chance = np.random.default_rng(seed)
        self.durations = chance.integers(0, 30, (n, len(machines)))
        self.machines = np.array(machines, np.int64)
        self.release = chance.integers(0, 60, n) if with_release else np.zeros(n, np.int64)

    def search(self, seed: int = 1) -> HybridSearch:
        return HybridSearch(self.durations, self.machines, self.release, seed)

    def check(self, search: HybridSearch) -> None:
        """The schedule can be carried out and ends when it is said to."""
        starts, machine = search.starts()
        ends = starts + self.durations
        n, stages = self.durations.shape
        assert (starts[:, 0] >= self.release).all()
        assert (starts[:, 1:] >= ends[:, :-1]).all()
        assert ((machine >= 0) & (machine < self.machines)).all()
        for s, k in product(range(stages), range(self.machines.max())):
            jobs = sorted((j for j in range(n) if machine[j, s] == k), key=lambda j: (starts[j, s], ends[j, s]))
            assert all(ends[a, s] <= starts[b, s] for a, b in pairwise(jobs))
        assert ends.max() == search.best

    def dispatched(self, order: list[int]) -> int:
        """The makespan of an order, plainly: arrivals are served in turn by the machine that is free first."""
        end, turn = [int(r) for r in self.release], list(order)
        for s, count in enumerate(self.machines):
            turn = sorted(turn, key=lambda j: end[j]) if s else turn
            free = [0] * count
            for j in turn:
                k = free.index(min(free))
                free[k] = end[j] = max(free[k], end[j]) + int(self.durations[j, s])
        return max(end)

    def optimum(self) -> int:
        """By constraint programming."""
        model, horizon = cp_model.CpModel(), int(self.durations.sum() + self.release.max())
        makespan = model.new_int_var(0, horizon, "")
        n, stages = self.durations.shape
        starts = [[model.new_int_var(int(self.release[j]), horizon, "") for _ in range(stages)] for j in range(n)]
        for s in range(stages):
            sizes = [int(self.durations[j, s]) for j in range(n)]
            runs = [model.new_fixed_size_interval_var(starts[j][s], sizes[j], "") for j in range(n)]
            model.add_cumulative(runs, [1] * n, int(self.machines[s]))
            for j in range(n):
                model.add((starts[j][s + 1] if s + 1 < stages else makespan) >= starts[j][s] + sizes[j])
        model.minimize(makespan)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        assert solver.solve(model) == cp_model.OPTIMAL
        return int(solver.objective_value)


stages = st.lists(st.integers(1, 3), min_size=1, max_size=4)
plants = st.builds(Plant, st.integers(1, 9), stages, st.integers(0, 10_000), st.booleans())


@settings(UNHURRIED, max_examples=60)
@given(plants, st.integers(0, 99))
def test_an_order_is_dispatched_as_by_the_plain_rule_and_given_up_only_above_the_limit(plant: Plant, seed: int) -> None:
    way = plant.search()._ways[0]
    order = np.random.default_rng(seed).permutation(len(plant.durations))
    plain = plant.dispatched(order.tolist())
    assert kernel.dispatch(way.line, way.desk, order, 1 << 60) == plain
    assert kernel.dispatch(way.line, way.desk, order, plain) == plain
    assert kernel.dispatch(way.line, way.desk, order, plain - 1) >= plain


@settings(UNHURRIED, max_examples=60)
@given(plants, st.integers(0, 99))
def test_what_is_found_can_be_carried_out_and_ends_when_it_is_said(plant: Plant, seed: int) -> None:
    search = plant.search(seed)
    first = search.best
    plant.check(search)
    improved = search.run(2_000)
    plant.check(search)
    assert search.best <= first
    assert improved == (search.best < first)


@pytest.mark.parametrize("seed", range(20))
def test_work_that_takes_no_time_is_no_trouble(seed: int) -> None:
    plant = Plant(8, [2, 1, 3, 1], seed, seed % 2 == 0)
    plant.durations[plant.durations < 15] = 0
    search = plant.search(seed)
    search.run(2_000)
    plant.check(search)


def test_a_few_jobs_are_mostly_scheduled_best_and_never_badly() -> None:
    gaps = []
    for seed in range(40):
        chance = np.random.default_rng(seed)
        machines = chance.integers(1, 3, int(chance.integers(1, 4))).tolist()
        plant = Plant(int(chance.integers(1, 6)), machines, seed, seed % 2 == 0)
        search = plant.search()
        search.run(20_000)
        gaps.append(search.best / plant.optimum() - 1)
    assert min(gaps) >= 0
    assert max(gaps) <= 0.2
    assert sum(gap > 0 for gap in gaps) <= 4


def test_the_best_schedule_is_found_where_the_widest_stage_leaves_no_doubt() -> None:
    plant = Plant(6, [1, 3], 4, False)
    search = plant.search()
    search.run(20_000)
    assert search.best == plant.optimum()


@pytest.mark.parametrize("with_release", [False, True])
def test_the_same_seed_and_steps_find_the_same_however_divided(with_release: bool) -> None:
    plant = Plant(30, [3, 2, 4], 3, with_release)
    whole, parts = plant.search(), plant.search()
    whole.run(60_000)
    for _ in range(60):
        parts.run(1_000)
    assert whole.best == parts.best


def test_a_better_schedule_is_learned_and_a_worse_one_is_not() -> None:
    plant = Plant(40, [3, 2, 4], 3, True)
    good, poor = plant.search(), plant.search()
    worse = poor.starts()[0]
    good.run(50_000)
    poor.learn(good.starts()[0])
    assert poor.best == good.best
    plant.check(poor)
    poor.learn(worse)
    assert poor.best == good.best
