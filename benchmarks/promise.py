"""A promise: an order inserted into the plan in force, and the whole request for one, as the plan grows."""

from __future__ import annotations

import asyncio
import random
import time

from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.planning.model import Plan, Problem
from batchone.chain.planning.promise import insert_items
from batchone.chain.planning.timeline import Timeline
from batchone.contracts.design import Exploded
from benchmarks.crowd import measured
from benchmarks.figures import Cell, Options, Report, Table, p50, p99, ratio
from benchmarks.plans import NOW, Planned, dispatched, open_operations, picture_of, planned, wishes
from benchmarks.platform import Api, running, the_pack, timed
from benchmarks.profiling import Profiled

SIZES = (100, 1_000, 3_000)
SIZES_QUICK = (50, 100, 200)
LARGE, LARGE_QUICK = (77, 770, 10_000), (20, 40)
"""Open orders of 13 operations: 1,000, 10,000 and 120,000 of them."""
CALLERS, CROWD = 20, 50


async def run(options: Options) -> Report:
    """Measure insertion alone, then the request over HTTP."""
    report = Report("promise")
    blueprint = compile_pack(the_pack())
    sizes = SIZES_QUICK if options.quick else SIZES
    report.tables.append(pure(blueprint, sizes, promises=40 if options.quick else 400, replans=2 if options.quick else 5))
    large = LARGE_QUICK if options.quick else LARGE
    report.tables += await at_scale(blueprint, large, asked=20 if options.quick else 300)
    if options.profile:
        report.profiles[f"insertion into {sizes[-1]:,} orders"] = _profiled(blueprint, sizes[-1])
    report.tables.append(await served(options))
    if options.profile:
        report.profiles["POST /api/promises, platform and client in one process"] = await _profiled_request(options)
    return report


def pure(blueprint: Blueprint, sizes: tuple[int, ...], *, promises: int, replans: int) -> Table:
    """Insertion against dispatching everything anew, and what it costs to take a new plan in force over."""
    rows = []
    for orders in sizes:
        state = planned(blueprint, orders, seed=1)
        asked = wishes(blueprint, promises, seed=2)
        inserted = insertions(timeline_of(state.problem, state.plan), asked)
        anew = [_anew(blueprint, state, one) for one in asked[:replans]]
        taken_over = [_taken_over(state) for _ in range(replans)]
        rows.append(
            (f"{orders:,} orders", len(state.problem.operations), p50(inserted), p99(inserted), p50(anew),
             ratio(p50(anew), p50(inserted)), p50(taken_over))
        )  # fmt: skip
    return Table(
        "Promise by insertion into the plan in force (pure, one core)",
        ("plan", "operations", "p50_ms", "p99_ms", "anew_p50_ms", "anew/ours", "takeover_p50_ms"),
        tuple(rows),
        ("anew: dispatch the whole plan again with the order added, as a system without insertion must.",
         "takeover: make the timeline of a new plan in force from its rows; the first promise behind it waits for that."),
    )  # fmt: skip


async def at_scale(blueprint: Blueprint, sizes: tuple[int, ...], *, asked: int) -> list[Table]:
    """Insertion alone, and promises through the service with a crowd of callers, into plans of a thousand operations on."""
    pure_rows, rows = list[tuple[Cell, ...]](), list[tuple[Cell, ...]]()
    for orders in sizes:
        state = planned(blueprint, orders, seed=1)
        timeline = timeline_of(state.problem, state.plan)
        inserted = insertions(timeline, wishes(blueprint, asked, seed=2))
        began = time.perf_counter()
        timeline_of(state.problem, state.plan)
        laid = time.perf_counter() - began
        forks = [_forked(timeline) for _ in range(20)]
        pure_rows.append((f"{orders:,} orders", len(state.problem.operations), p50(inserted), p99(inserted), p50(forks), laid))
        found = await measured(
            state.picture.operations, state.picture.orders, asked=asked, callers=CROWD, each=max(2, asked // 30)
        )
        rows.append(found.row(f"{orders:,} orders", len(state.problem.operations)))
    return [
        Table(
            "Insertion by size of the plan in force (pure, one core)",
            ("plan", "operations", "p50_ms", "p99_ms", "fork_ms", "lay_out_s"),
            tuple(pure_rows),
            ("lay out: make the timeline of a plan in force, once for each plan, in a thread.",),
        ),
        Table(
            f"POST /api/promises by size of the plan in force, {CROWD} callers (service and callers in one process)",
            ("plan", "operations", "p50_ms", "p99_ms", f"{CROWD} at once p50_ms", "p99_ms", "per_s", "cpu_ms", "first_s",
             "plans"),
            tuple(rows),
            ("Every promise reserves its place; the planner repairs and searches meanwhile. first: until the first promise",
             "after the start, which reads and lays out the plan. plans: how many came into force meanwhile.",
             "cpu: of this process, planner and callers included, for each promise of the crowd."),
        ),
    ]  # fmt: skip


def _forked(timeline: Timeline) -> float:
    began = time.perf_counter()
    timeline.fork()
    return 1e3 * (time.perf_counter() - began)


def timeline_of(problem: Problem, plan: Plan) -> Timeline:
    """The timeline of a plan, as the planner keeps it."""
    return Timeline.of(problem, plan)


def insertions(timeline: Timeline, asked: list[Exploded]) -> list[float]:
    """Milliseconds of each insertion; each is taken back, so that all meet the same plan."""
    taken, warm = [], asked[:5]
    for n, one in enumerate([*warm, *asked]):
        began = time.perf_counter()
        inserted = insert_items(timeline, one, 1, f"R{n}", (), NOW)
        taken.append(1e3 * (time.perf_counter() - began))
        for a in inserted.items[0].assignments:
            timeline.remove(a)
    return taken[len(warm) :]


def _anew(blueprint: Blueprint, state: Planned, one: Exploded) -> float:
    picture = picture_of(blueprint, [*state.picture.operations, *open_operations([one], "new")])
    began = time.perf_counter()
    dispatched(picture.problem())
    return 1e3 * (time.perf_counter() - began)


def _taken_over(state: Planned) -> float:
    began = time.perf_counter()
    timeline_of(state.picture.problem(), state.picture.in_force())
    return 1e3 * (time.perf_counter() - began)


def _profiled(blueprint: Blueprint, orders: int) -> str:
    state, profiled = planned(blueprint, orders, seed=1), Profiled()
    timeline, asked = timeline_of(state.problem, state.plan), wishes(blueprint, 100, seed=3)
    with profiled.running():
        insertions(timeline, asked)
    return profiled.text()


async def served(options: Options) -> Table:
    """POST /api/promises against a running platform and plant, with real orders placed through the API."""
    placed, asked, each = (20, 20, 3) if options.quick else (1_000, 300, 15)
    async with running(speed=1.0) as (_, api):
        began = time.perf_counter()
        await api.orders(placed, seed=1)
        placing_s = time.perf_counter() - began
        configurations = [(await api.configuration(random.Random(n)))["id"] for n in range(50)]
        await asyncio.gather(*(api.promise(one) for one in configurations[:5]))
        alone = [await timed(lambda n=n: api.promise(configurations[n % 50])) for n in range(asked)]  # type: ignore[misc]
        promise = (await api.promise(configurations[0]))["id"]
        read = [await timed(lambda: api.get(f"/api/promises/{promise}")) for _ in range(asked)]
        began = time.perf_counter()
        callers = await asyncio.gather(*(_caller(api, configurations, each, n) for n in range(CALLERS)))
        crowd_s = time.perf_counter() - began
    crowd = [ms for one in callers for ms in one]
    per_s = len(crowd) / crowd_s
    blueprint = compile_pack(the_pack())
    state = planned(blueprint, placed, seed=1)
    anew = p50([_anew(blueprint, state, one) for one in wishes(blueprint, 3, seed=2)])
    rows = (
        ("one caller", asked, p50(alone), p99(alone), 1e3 * len(alone) / sum(alone), ratio(anew, p50(alone))),
        (f"{CALLERS} callers at once", len(crowd), p50(crowd), p99(crowd), per_s, per_s * anew / 1e3),
        ("read a stored promise", asked, p50(read), p99(read), 1e3 * len(read) / sum(read), None),
    )
    return Table(
        f"POST /api/promises with {placed:,} open orders, platform and plant at real speed",
        ("way", "requests", "p50_ms", "p99_ms", "per_s", "x anew"),
        rows,
        (f"The orders were configured, promised and placed through the API: {placed / placing_s:.1f} a second.",
         f"anew: dispatching a plan of that size with one order added takes {anew:.0f} ms of pure computing;",
         "x anew is by how many times our whole request beats that alone (for many callers: in promises per second).",
         "Reading a stored promise is the floor: HTTP, token, one row."),
    )  # fmt: skip


async def _caller(api: Api, configurations: list[str], count: int, caller: int) -> list[float]:
    chance = random.Random(f"caller {caller}")
    return [await timed(lambda: api.promise(chance.choice(configurations))) for _ in range(count)]


async def _profiled_request(options: Options) -> str:
    profiled = Profiled()
    async with running(speed=1.0, here=True, plant=False) as (_, api):
        await api.orders(10 if options.quick else 300, seed=1)
        configurations = [(await api.configuration(random.Random(n)))["id"] for n in range(10)]
        with profiled.running():
            for n in range(30 if options.quick else 200):
                await api.promise(configurations[n % 10])
    return profiled.text()
