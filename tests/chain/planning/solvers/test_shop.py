from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chain.planning.problems import DAY_SHIFT, UNHURRIED, op, optimum, problem

from batchone.chain.planning import Fixed, Job, Measure, Problem, Resource, SetupMatrix, validate
from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import dispatch
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.solvers import shop_graph, shop_kernel
from batchone.chain.planning.solvers.shop import ShopSearch, empty_graph, fits, shop_of
from batchone.chain.planning.solvers.shop_graph import Graph, Shop

AIM = (Measure.MAKESPAN,)


@st.composite
def shops(draw, *, jobs_max: int = 5, steps_max: int = 4, idle_work: bool = True) -> Problem:
    """Random small shops: chains or graphs of precedence, some machines to choose from, material, work that takes no time."""
    machines = [Resource(f"m{k}", available_from_s=draw(st.sampled_from([0, 0, 5]))) for k in range(draw(st.integers(1, 3)))]
    chains, least = draw(st.booleans()), draw(st.sampled_from([0, 1] if idle_work else [1]))
    jobs, operations = [], []
    for j in range(draw(st.integers(1, jobs_max))):
        jobs.append(Job(f"j{j}", release_s=draw(st.sampled_from([0, 0, 9]))))
        for step in range(draw(st.integers(1, steps_max))):
            known = [o.id for o in operations]
            after = [f"j{j}.{step - 1}"] if step else []
            if not chains:
                after = draw(st.lists(st.sampled_from(known), max_size=3, unique=True)) if known else []
            places = draw(st.sets(st.sampled_from([m.id for m in machines]), min_size=1))
            on = {name: draw(st.integers(least, 9)) for name in sorted(places)}
            operations.append(op(f"j{j}.{step}", on, after=tuple(after), earliest_s=draw(st.sampled_from([0, 0, 4]))))
    return problem(machines, jobs, operations, aim=AIM)


def valid(compiled: Compiled, schedule: Schedule) -> bool:
    return validate(compiled.problem, schedule.plan("test", 0, bound_of(compiled))) == []


def makespan(schedule: Schedule) -> int:
    return schedule.objective().makespan_s


def graph(compiled: Compiled, seed: int, noise: int = 90) -> tuple[Shop, Graph]:
    """Some schedule of a shop."""
    shop = shop_of(compiled)
    g = empty_graph(shop)
    g.note[shop_graph.CHANCE], g.note[shop_graph.BEST] = seed * 7919 + 1, 1 << 60
    machine, order = np.zeros(compiled.n, np.uint32), np.zeros(compiled.n, np.uint32)
    shop_kernel.build(shop, g.note, np.array(compiled.tail), noise, machine, order)
    shop_graph.load(shop, g, machine, order)
    return shop, g


def rows(g: Graph) -> list[list[int]]:
    return [g.row[k, : g.length[k]].tolist() for k in range(len(g.length))]


def longest(compiled: Compiled, sequences: list[list[int]], seconds: list[int]) -> tuple[list[int], list[int]] | None:
    """Start of each operation, and longest path from it to the end of everything, by plain recursion; None if a ring."""
    before = [list(p) for p in compiled.preds]
    start0 = list(compiled.ready)
    for k, sequence in enumerate(sequences):
        for i, j in pairwise(sequence):
            before[j].append(i)
        if sequence:
            start0[sequence[0]] = max(start0[sequence[0]], compiled.available[k])
    start: dict[int, int] = {}
    order = []
    while len(order) < compiled.n:
        free = [i for i in range(compiled.n) if i not in start and all(b in start for b in before[i])]
        if not free:
            return None
        for i in free:
            start[i] = max([start0[i], *(start[b] + seconds[b] for b in before[i])])
            order.append(i)
    tail = [0] * compiled.n
    for i in reversed(order):
        tail[i] = seconds[i] + max((tail[j] for j in order if i in before[j]), default=0)
    return [start[i] for i in range(compiled.n)], tail


def after_move(g: Graph, i: int, k: int, at: int) -> list[list[int]]:
    sequences = [[j for j in row if j != i] for row in rows(g)]
    sequences[k].insert(at, i)
    return sequences


def true_worth(compiled: Compiled, shop: Shop, g: Graph, i: int, k: int, at: int, through: list[int]) -> tuple[int, int]:
    """Makespan after a move, and the longest path through some operations; fails if the move makes a ring."""
    seconds = g.seconds.tolist()
    seconds[i] = shop_graph.seconds_on(shop, i, k)
    found = longest(compiled, after_move(g, i, k, at), seconds)
    assert found is not None
    start, tail = found
    return max(s + t for s, t in zip(start, tail, strict=True)), max(start[j] + tail[j] for j in through)


@settings(UNHURRIED, max_examples=60)
@given(shops(), st.integers(0, 99))
def test_every_result_is_valid_and_never_worse_than_the_start(of: Problem, seed: int) -> None:
    compiled = Compiled(of)
    assert fits(compiled)
    start = dispatch(compiled)
    search = ShopSearch(compiled, seed, start)
    other = ShopSearch(compiled, seed + 1)
    for _ in range(3):
        before = search.best
        assert search.run(400) == (search.best < before)
        other.learn(search)
        other.run(100)
    assert other.best <= search.best <= makespan(start)
    for each in (search, other):
        schedule = each.schedule()
        assert valid(compiled, schedule)
        assert makespan(schedule) == each.best


@settings(UNHURRIED, max_examples=40)
@given(shops(), st.integers(0, 99), st.data())
def test_times_are_longest_paths_after_any_move_and_a_ring_is_refused(of: Problem, seed: int, data: st.DataObject) -> None:
    compiled = Compiled(of)
    shop, g = graph(compiled, seed)
    for _ in range(12):
        i = data.draw(st.integers(0, compiled.n - 1))
        k = data.draw(st.sampled_from([r for r, _ in compiled.options[i]]))
        at = data.draw(st.integers(0, int(g.length[k]) - (g.machine[i] == k)))
        wanted, was = after_move(g, i, k, at), (rows(g), g.order.tolist())
        seconds = g.seconds.tolist()
        seconds[i] = dict(compiled.options[i])[k]
        found = longest(compiled, wanted, seconds)
        assert shop_graph.move(shop, g, i, k, at) == (found is not None)
        if found is None:
            assert (rows(g), g.order.tolist()) == was
            continue
        shop_graph.time_forward(shop, g, g.note[shop_graph.FROM])
        shop_graph.time_backward(shop, g, g.note[shop_graph.TO])
        start, tail = found
        assert rows(g) == wanted
        assert (g.end[: compiled.n] - g.seconds).tolist() == start
        assert g.tail[: compiled.n].tolist() == tail
        assert g.note[shop_graph.MAKESPAN] == max(s + t for s, t in zip(start, tail, strict=True))
        assert g.place[g.order].tolist() == list(range(compiled.n))


@settings(UNHURRIED, max_examples=40)
@given(shops(), st.integers(0, 99))
def test_an_estimate_is_never_less_than_what_a_move_makes_of_the_paths_through_what_it_moves(of: Problem, seed: int) -> None:
    compiled = Compiled(of)
    shop, g = graph(compiled, seed)
    now, far = int(g.note[shop_graph.MAKESPAN]), 1 << 60
    for k, row in enumerate(rows(g)):
        for first in range(len(row)):
            for last in range(first + 1, len(row)):
                through = row[first : last + 1]
                # The conditions of the neighbourhood, under which a move makes no ring if all work takes time.
                if g.tail[row[last]] > g.rest[row[first]]:
                    worth, path = true_worth(compiled, shop, g, row[first], k, last, through)
                    guess = shop_kernel.estimate_right(g, k, first, last, far)
                    assert path <= guess
                    assert worth <= max(guess, now)
                if g.end[row[first]] > g.head[row[last]]:
                    worth, path = true_worth(compiled, shop, g, row[last], k, first, through)
                    guess = shop_kernel.estimate_left(g, k, first, last, far)
                    assert path <= guess
                    assert worth <= max(guess, now)


# Work that takes no time may stand on both sides of a gap at once; then a place can make a ring, which the graph refuses.
@settings(UNHURRIED, max_examples=40)
@given(shops(idle_work=False), st.integers(0, 99))
def test_another_machine_makes_no_ring_and_is_not_worse_than_estimated(of: Problem, seed: int) -> None:
    compiled = Compiled(of)
    shop, g = graph(compiled, seed)
    shop_kernel.find_gaps(shop, g)
    for i in range(compiled.n):
        pick = np.zeros(shop_kernel.PICKS, np.int64)
        pick[shop_kernel.WORTH], pick[shop_kernel.MOVE] = 1 << 60, -1
        shop_kernel.consider_machines(shop, g, pick, i)
        if pick[shop_kernel.MOVE] >= 0:
            j, k, at = pick[shop_kernel.MOVE : shop_kernel.MOVE + 3].tolist()
            assert (j, k in [r for r, _ in compiled.options[i]], k != g.machine[i]) == (i, True, True)
            worth, path = true_worth(compiled, shop, g, i, k, at, [i])
            assert path <= pick[shop_kernel.WORTH]
            assert worth <= max(pick[shop_kernel.WORTH], g.note[shop_graph.MAKESPAN])


@settings(UNHURRIED, max_examples=25)
@given(shops(jobs_max=2, steps_max=2), st.integers(0, 9))
def test_the_best_of_a_tiny_shop_is_found(of: Problem, seed: int) -> None:
    search = ShopSearch(Compiled(of), seed)
    search.run(3000)
    assert search.best == optimum(of)


@settings(UNHURRIED, max_examples=20)
@given(shops(), st.integers(0, 99))
def test_the_same_steps_give_the_same_in_whatever_portions(of: Problem, seed: int) -> None:
    whole, portions = (ShopSearch(Compiled(of), seed) for _ in range(2))
    whole.run(2500)
    for steps in (1, 499, 700, 1300):
        portions.run(steps)
    assert whole.best == portions.best
    assert whole.schedule().start == portions.schedule().start


@settings(UNHURRIED, max_examples=30)
@given(shops(), st.integers(0, 99), st.integers(0, 100))
def test_every_point_of_a_walk_between_two_schedules_is_a_schedule(of: Problem, seed: int, share: int) -> None:
    compiled = Compiled(of)
    shop, g = graph(compiled, seed)
    _, other = graph(compiled, seed + 1)
    machine, order, rank = g.machine.copy(), g.order.copy(), other.place.copy()
    shop_kernel.relink(shop, g.note, machine, order, other.machine, rank, share)
    shop_graph.load(shop, g, machine, order)
    assert longest(compiled, rows(g), g.seconds.tolist()) is not None
    if share == 100:
        assert rows(g) == rows(other)


def test_ten_jobs_on_ten_machines_come_near_the_optimum() -> None:
    chance = np.random.default_rng(5)
    jobs = [Job(f"j{j}") for j in range(10)]
    machines = [Resource(f"m{k}") for k in range(10)]
    operations = [
        op(f"j{j}.{s}", f"m{k}", int(chance.integers(1, 100)), (f"j{j}.{s - 1}",) if s else ())
        for j in range(10)
        for s, k in enumerate(chance.permutation(10))
    ]
    compiled = Compiled(problem(machines, jobs, operations, aim=AIM))
    search = ShopSearch(compiled, 1)
    first = search.best
    search.run(20_000)
    assert bound_of(compiled).makespan_s <= search.best < first
    assert valid(compiled, search.schedule())


def test_a_shop_with_anything_more_is_left_to_others() -> None:
    jobs, work = [Job("a"), Job("b")], [op("a.0", "r"), op("b.0", "r")]
    plain = problem([Resource("r")], jobs, work, aim=AIM)
    assert fits(Compiled(plain))
    assert not fits(Compiled(replace(plain, aim=(Measure.TARDINESS, Measure.MAKESPAN))))
    assert not fits(Compiled(replace(plain, resources=(Resource("r", positions=2),))))
    assert not fits(Compiled(replace(plain, resources=(Resource("r", calendar="day"),), calendars=(DAY_SHIFT,))))
    keyed = tuple(replace(o, setup_key="red") for o in work)
    assert not fits(
        Compiled(replace(plain, resources=(Resource("r", setup="m"),), setups=(SetupMatrix("m", 5),), operations=keyed))
    )
    assert not fits(Compiled(replace(plain, operations=(replace(work[0], fixed=Fixed("r", 0, 0)), work[1]))))
    assert not fits(Compiled(replace(plain, jobs=(), operations=())))
