"""The study: what it simulates can be carried out, nothing is lost or made up, and its figures can be counted again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest
from benchmarks.plans import NOW, open_operations, picture_of
from benchmarks.platform import the_pack
from benchmarks.pushpull.line import FINISHED, World, advance, chance, new_world, release
from benchmarks.pushpull.market import Orders, Taste, orders_of, takt_s, wished
from benchmarks.pushpull.outcome import of_pull, of_push
from benchmarks.pushpull.plant import DAY_S, Plant, Products, plant_of, products_of, stops
from benchmarks.pushpull.pull import Pulled, run_pull
from benchmarks.pushpull.push import Pushed, run_push
from benchmarks.worth import KEPT, interval, verdict

from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.planning import Assignment, Job, JobOutcome, Objective, Plan, Problem, validate
from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import RuleOfDispatch, Urgency, dispatch

WINDOW = (7 * DAY_S, 14 * DAY_S)
WEIGHT = 4000
TASTE = Taste(variety=60, load=0.4)


@cache
def blueprint() -> Blueprint:
    return compile_pack(the_pack())


@cache
def plant() -> Plant:
    return plant_of(blueprint())


@pytest.fixture(scope="module", autouse=True)
def forget() -> Iterator[None]:
    """The rules' solver does not outlive the tests."""
    yield
    for each in (blueprint, plant, products, orders, pulled, pushed):
        each.cache_clear()


def calm() -> Plant:
    """The plant without checks that fail."""
    one = plant()
    return replace(one, line=one.line._replace(fail_rate=one.line.fail_rate * 0))


@cache
def products() -> Products:
    return products_of(plant(), wished(blueprint(), TASTE.variety, 1), KEPT)


@cache
def orders() -> Orders:
    return orders_of(plant(), products(), TASTE, 21, 1)


@cache
def pulled() -> Pulled:
    return run_pull(plant(), products(), orders(), WINDOW, 1, WEIGHT)


@cache
def pushed() -> Pushed:
    return run_push(plant(), products(), orders(), WINDOW, 1, WEIGHT)


def simulated(count: int, spacing_s: int, weight: int) -> tuple[World, Problem, Plan]:
    """So many items through the plant without surprises, and the same as a problem and plan of the planning domain."""
    choices = wished(blueprint(), 60, 3)[:count]
    p, one = products_of(plant(), choices, KEPT), calm()
    w = new_world(
        one, count, (0, DAY_S), 1, until_s=2 * DAY_S, breakdowns=False, traced=True, opening=np.full(len(one.variants), 10_000)
    )
    due = [4 * 3600 + 60 * (k % 7) for k in range(count)]
    for k in range(count):
        release(w, k, k, due[k], k * spacing_s)
    advance(w, one.line, p, 2 * DAY_S, weight)
    assert w.n[FINISHED] == count
    exploded = [explode(blueprint(), str(k), each) for k, each in enumerate(choices)]
    problem = picture_of(blueprint(), open_operations(exploded)).problem()
    jobs = {job.id: Job(job.id, due[k], release_s=k * spacing_s) for k, job in enumerate(problem.jobs)}
    problem = replace(problem, jobs=tuple(jobs.values()))
    return w, problem, plan_of(w, problem, due)


def plan_of(w: World, problem: Problem, due: list[int]) -> Plan:
    """The trace as a plan; items take the first position that is free."""
    rows = [(*(int(x) for x in w.trace[k, o]), k, o) for k in range(len(w.trace)) for o in range(w.trace.shape[1])]
    tracks = {resource.id: [0] * resource.positions for resource in problem.resources}
    names = {(k, o): f"I{k}/{op}/1" for k in range(len(w.trace)) for o, op in enumerate(plant().ops)}
    known = {op.id for op in problem.operations}
    if names[0, 0] not in known:
        names = {key: name.rsplit("/", 1)[0] for key, name in names.items()}
    made = []
    for m, begins, start, end, k, o in sorted(rows, key=lambda row: (row[1], row[3])):
        free = tracks[plant().machines[m]]
        track = next(index for index, until in enumerate(free) if until <= begins)
        free[track] = end
        made.append(Assignment(names[k, o], f"O{k}", plant().machines[m], track, begins, start, end))
    ends = [int(w.finish[k]) for k in range(len(w.trace))]
    late = sum(max(0, end - at) for end, at in zip(ends, due, strict=True))
    objective = Objective(late, int(w.worked[:, 4].sum()), max(ends))
    outcomes = tuple(JobOutcome(f"O{k}", end, end - due[k], 1) for k, end in enumerate(ends))
    return Plan(problem.origin, tuple(made), outcomes, objective, bound_of(Compiled(problem)), "simulation")


@pytest.mark.parametrize("weight", [0, 4, 4000])
def test_what_the_line_does_is_a_plan_that_planning_accepts(weight: int) -> None:
    _, problem, plan = simulated(40, 37, weight)
    assert validate(problem, plan) == []
    assert plan.objective.setup_s > 0


@pytest.mark.parametrize(("spacing_s", "weight"), [(37, 4), (37, 4000), (5, 20), (150, 100)])
def test_the_line_does_as_well_as_the_planners_own_dispatching(spacing_s: int, weight: int) -> None:
    _, problem, plan = simulated(40, spacing_s, weight)
    theirs = dispatch(Compiled(problem), RuleOfDispatch(Urgency.SLACK, weight)).objective()
    assert plan.objective.makespan_s == pytest.approx(theirs.makespan_s, rel=0.01)
    assert plan.objective.setup_s == pytest.approx(theirs.setup_s, rel=0.1)


def test_a_plan_over_a_break_is_accepted_too() -> None:
    _, problem, plan = simulated(60, 150, 100)
    assert max(a.end_s for a in plan.assignments) > 2.25 * 3600
    assert validate(problem, plan) == []


def test_a_heavier_setup_makes_fewer_changes() -> None:
    light, heavy = (simulated(60, 5, weight)[2].objective.setup_s for weight in (0, 4000))
    assert heavy < light


def test_pull_of_one_and_of_two_orders_is_as_counted_by_hand() -> None:
    """A 330 L double, frost-free, inverter, white, no more: 12 and 24 s side by side, then 13, 240, 38, 40, 1000, 20, 12, 15,
    2700 and 12 s. The second comes 13 s after the first: pre-assembly is the slowest station that there is one of."""
    choice = {
        "layout": "double", "volume_l": "330", "cooling": "frostfree", "compressor": "inverter", "panel": "vcm_white",
        "freshness": "none", "smart": "none", "dispenser": "none", "hinge": "left", "grade": "2",
        "racks": "3",
    }  # fmt: skip
    p, one = products_of(plant(), [choice], KEPT), calm()
    way = 24 + 13 + 240 + 38 + 40 + 1000 + 20 + 12 + 15 + 2700 + 12
    begins = 8 * 3600
    asked = Orders(np.array([begins, begins]), np.array([0, 0]), np.zeros(2), np.ones((8, 1), np.int64), 10.0)
    quiet = replace(one, mtbf_s=one.mtbf_s * 1e9)
    run = run_pull(quiet, p, asked, (0, DAY_S), 1, WEIGHT)
    assert run.world.finish.tolist() == [begins + way, begins + way + 13]
    assert run.planned[0] == begins + way
    assert run.promised[0] == run.planned[0] + 3600  # too little is known: at least an hour
    figures = of_pull(quiet, p, asked, run)
    assert figures.lead_p50_h == pytest.approx((way + 6.5) / 3600)
    assert (figures.hits_pct, figures.exact_pct, figures.finished_stock_days, figures.changes_per_100) == (100, 100, 0, 0)
    run_kwh = 2 * 14.0 + 13 * 0  # the pack's nominal energy holds for the nominal cycle; these differ by a second or two
    idle_kwh = plant().idle_kw.sum() * 24
    assert figures.kwh_per_unit * 2 - idle_kwh == pytest.approx(run_kwh, rel=0.01)


def test_work_pauses_over_a_break_and_nothing_starts_in_one() -> None:
    p, one = products(), calm()
    w = new_world(one, 1, (0, DAY_S), 1, until_s=DAY_S, breakdowns=False, traced=True, opening=np.full(len(one.variants), 1000))
    release(w, 0, 0, 0, 2 * 3600 - 5)
    advance(w, one.line, p, DAY_S, WEIGHT)
    rolled = w.trace[0, 0]
    assert rolled[1] == 2 * 3600 - 5
    assert rolled[3] == 2 * 3600 - 5 + int(p.seconds[0, 0]) + 900


def test_every_pull_order_is_made_once_and_leaves_after_it_came() -> None:
    run, n = pulled(), len(orders().at)
    assert sorted(run.world.order[: run.world.n[FINISHED]].tolist()) == list(range(n))
    least = products().tail.max(axis=1)[orders().cfg] + products().prep[orders().cfg]
    assert ((run.world.finish - orders().at) >= least).all()


def test_every_push_order_is_served_once_with_what_was_made() -> None:
    run, n = pushed(), len(orders().at)
    assert (run.shelf.served >= orders().at).all()
    made = run.world.cfg[run.world.order[: run.world.n[FINISHED]]]
    kinds = len(products().prep)
    left = run.opening + np.bincount(made, minlength=kinds) - np.bincount(run.shelf.got, minlength=kinds)
    assert (left == run.shelf.stock).all()
    assert run.shelf.waiting.sum() == 0
    assert len(run.shelf.got) == n


def test_finished_stock_is_never_negative_and_its_time_adds_up() -> None:
    run, kinds = pushed(), len(products().prep)
    order = run.world.order[: run.world.n[FINISHED]]
    moves = [(int(run.world.finish[i]), 0, int(run.world.cfg[i]), 1) for i in order]
    moves += [(int(at), 1, int(cfg), -1) for at, cfg in zip(run.shelf.served, run.shelf.got, strict=True)]
    stock, seconds, before = run.opening.copy(), 0.0, 0
    for at, _, cfg, by in sorted(moves):
        seconds += stock.sum() * max(0, min(at, WINDOW[1]) - max(before, WINDOW[0]))
        stock[cfg] += by
        assert stock[cfg] >= 0
        before = max(before, at)
    seconds += stock.sum() * max(0, WINDOW[1] - max(before, WINDOW[0]))
    assert len(stock) == kinds
    assert run.shelf.pieces[0] == pytest.approx(seconds)


@pytest.mark.parametrize("way", [pulled, pushed])
def test_modules_in_store_are_never_negative(way: object) -> None:
    run = way()  # type: ignore[operator]
    assert run.world.least.min() >= 0
    assert run.world.value[0] > 0


def test_the_same_seed_gives_the_same_figures_and_another_one_others() -> None:
    again = run_pull(plant(), products(), orders(), WINDOW, 1, WEIGHT)
    assert of_pull(plant(), products(), orders(), again) == of_pull(plant(), products(), orders(), pulled())
    pushed_again = run_push(plant(), products(), orders(), WINDOW, 1, WEIGHT)
    assert of_push(plant(), products(), orders(), pushed_again) == of_push(plant(), products(), orders(), pushed())
    other = orders_of(plant(), products(), TASTE, 21, 2)
    assert len(other.at) != len(orders().at)


def test_both_ways_meet_the_same_breakdowns() -> None:
    at, spans = stops(plant(), 14 * DAY_S, 5)
    again, same = stops(plant(), 14 * DAY_S, 5)
    assert (at == again).all()
    assert (spans == same).all()
    never, breaks = stops(plant(), DAY_S, 5, breakdowns=False)
    assert set(np.diff(never).tolist()) == {0, 3}
    assert set((breaks[:, 1] - breaks[:, 0]).tolist()) == {900}


def test_demand_is_the_asked_share_of_the_busiest_station() -> None:
    slowest = takt_s(plant(), products(), np.bincount(orders().cfg, minlength=60) / len(orders().cfg)).max()
    assert orders().a_day * slowest / DAY_S == pytest.approx(0.4, rel=0.05)


def test_chance_is_even_and_depends_on_its_arguments() -> None:
    drawn = np.array([chance(1, item, op, 1) for item in range(2000) for op in range(5)])
    assert 0 <= drawn.min() <= drawn.max() < 1
    assert drawn.mean() == pytest.approx(0.5, abs=0.01)
    assert np.quantile(drawn, 0.01) == pytest.approx(0.01, abs=0.005)


def test_an_interval_is_students() -> None:
    mean, half = interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert half == pytest.approx(4.303 / math.sqrt(3), rel=1e-3)
    assert math.isnan(interval([1.0])[1])


def test_a_verdict_needs_an_interval_that_leaves_0_out() -> None:
    assert verdict([1.0, -1.0, 0.5], 1) == "no difference"
    assert verdict([1.0, 1.1, 0.9], 1) == "pull"
    assert verdict([1.0, 1.1, 0.9], -1) == "push"
    assert verdict([0.0, 0.0], 1) == "no difference"


def test_the_study_begins_on_a_monday() -> None:
    assert NOW.weekday() == 0
    assert NOW + timedelta(0) == NOW.replace(hour=0, minute=0, second=0)
