"""Plans of a whole plant: how soon there is one, how good it gets, how soon it is mended, and how all that grows."""

from __future__ import annotations

import math
import random
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from batchone.chain.planning import Plan, Problem, Progress, repair, solve, validate
from batchone.chain.planning.solvers.warm import ready
from benchmarks.figures import Cell, Options, Report, Table
from benchmarks.plans import compiled_pack, open_operations, picture_of, wishes

ORDERS, ORDERS_QUICK = 2_000, 100
SIZES, SIZES_QUICK = (80, 770, 7_700), (20, 40, 80)
"""Orders of 13 operations: about 1,000, 10,000 and 100,000 operations."""
SECONDS, SECONDS_QUICK = 60.0, 2.0
LONG = 30
"""The long run is so many times as long."""
_MOVED_S = 300
_TAKT_S = 17
_EARLY_S = 2 * 3600


def plant(orders: int, seed: int, pressed: float = 1.0) -> Problem:
    """So many open orders of the pack's own customers, due at a pace that `pressed` times the line's own; one in four of them
    weighs five times as much."""
    operations = open_operations(wishes(compiled_pack(), min(orders, 2_000), seed))
    if orders > 2_000:
        again = math.ceil(orders / 2_000)
        operations = [replace(op, item=f"{op.item}.{n}", order=f"{op.order}.{n}") for n in range(again) for op in operations][
            : 13 * orders
        ]
    problem, chance = picture_of(compiled_pack(), operations).problem(), random.Random(seed)
    jobs = tuple(
        replace(job, weight=chance.choice((1, 1, 1, 5)), due_s=int(_EARLY_S + chance.random() * orders * _TAKT_S / pressed))
        for job in problem.jobs
    )
    return replace(problem, jobs=jobs)


async def run(options: Options) -> Report:
    """First plan, 60 s, a long run; a breakdown; growth."""
    report = Report("plants")
    ready("plant")
    orders = ORDERS_QUICK if options.quick else ORDERS
    seconds = options.seconds or (SECONDS_QUICK if options.quick else SECONDS)
    seeds = options.seeds or (1 if options.quick else 3)
    long_s = seconds * (2 if options.quick else LONG)
    report.tables.append(quality(orders, seconds, seeds, long_s))
    report.tables.append(mending(orders, seeds, seconds=1.0 if options.quick else 10.0))
    report.tables.append(growth(SIZES_QUICK if options.quick else SIZES, seconds))
    report.tables.append(memory(1_000 if options.quick else 120_000))
    return report


def quality(orders: int, seconds: float, seeds: int, long_s: float) -> Table:
    """How good the plan is after some seconds, beside its bound and a long run, with easy and with pressing dates."""
    rows: list[tuple[Cell, ...]] = []
    for name, pressed in (("dates that can be met", 1.0), ("more than the line can do", 1.5)):
        problem = plant(orders, 1, pressed)
        found = [_solved(problem, seconds, seed) for seed in range(1, seeds + 1)]
        first = median(first_s for first_s, _ in found)
        middle = sorted((plan for _, plan in found), key=lambda plan: plan.objective.key(problem.aim))[len(found) // 2]
        _, longer = _solved(problem, long_s, 1)
        for label, plan in ((f"{seconds:.0f} s", middle), (f"{long_s:.0f} s", longer)):
            worth = plan.objective
            rows.append((
                f"{name}, {label}", len(problem.operations), first, worth.weighted_tardiness_s, plan.bound.weighted_tardiness_s,
                worth.setup_s, worth.makespan_s, len(plan.late_jobs()), len(validate(problem, plan)),
            ))  # fmt: skip
    return Table(
        f"The refrigerator plant, {orders:,} open orders, two cores, median of {seeds} seeds",
        ("plan", "operations", "first_s", "tardiness_s", "bound_s", "setup_s", "makespan_s", "late", "broken rules"),
        tuple(rows),
        ("Weighted tardiness first, then setup, then makespan. The bound is of each order alone on the floor.",),
    )


def _solved(problem: Problem, seconds: float, seed: int) -> tuple[float, Plan]:
    told: list[Progress] = []
    plan = solve(problem, seconds, seed, progress=told.append)
    return told[0].elapsed_s, plan


def mending(orders: int, seeds: int, *, seconds: float) -> Table:
    """A machine breaks for half an hour in the middle of the plan: how soon the plan holds again, and what of it moved."""
    rows: list[tuple[Cell, ...]] = []
    problem = plant(orders, 1)
    plan = solve(problem, 5.0, 1)
    for machine in ("brazing-2", "charging-1", "safety-1", "evacuation-1", "roll-former-1"):
        if machine not in {r.id for r in problem.resources}:
            continue
        taken, share, late, better = [], [], [], []
        for seed in range(1, seeds + 1):
            broken = replace(
                problem,
                resources=tuple(replace(r, available_from_s=1800) if r.id == machine else r for r in problem.resources),
            )
            began = time.perf_counter()
            mended = repair(broken, plan, seed)
            taken.append(time.perf_counter() - began)
            touched = {a.job for a in plan.assignments if a.resource == machine and a.start_s < 1800}
            others = [job for job in plan.jobs if job.job not in touched]
            moved_jobs = sum(abs(mended.by_job[job.job].end_s - job.end_s) > _MOVED_S for job in others)
            share.append(100 * moved_jobs / max(1, len(others)))
            late.append(mended.objective.weighted_tardiness_s)
            again = solve(broken, seconds, seed, in_force=plan)
            better.append(again.objective.weighted_tardiness_s)
        rows.append((machine, _load(problem, plan, machine), median(taken), median(share), median(late), median(better)))
    return Table(
        f"A breakdown of half an hour in a plan of {orders:,} orders",
        ("machine", "load_%", "mended_s", "untouched moved_%", "tardiness_s", f"tardiness_s after {seconds:.0f} s"),
        tuple(rows),
        ("Untouched: orders that had nothing at the machine while it stood; moved: finished 5 minutes later or sooner.",
         "Load: of all machines of its class, in this plan. What waits for a class that is full, and of which all that there",
         "is stood, is later whatever is done."),
    )  # fmt: skip


def _load(problem: Problem, plan: Plan, machine: str) -> float:
    """How full the machines of a class are from their first operation to their last, in per cent."""
    kind = next(r.classes for r in problem.resources if r.id == machine)
    positions = {r.id: r.positions for r in problem.resources if r.classes == kind}
    there = [a for a in plan.assignments if a.resource in positions]
    span = max(a.end_s for a in there) - min(a.setup_start_s for a in there)
    return 100 * sum(a.end_s - a.setup_start_s for a in there) / (span * sum(positions.values()))


def growth(sizes: Sequence[int], seconds: float) -> Table:
    """Cost as plans grow, and the exponent between the sizes."""
    rows: list[tuple[Cell, ...]] = []
    figures: list[tuple[int, float, float, float]] = []
    for orders in sizes:
        problem = plant(orders, 1)
        began = time.perf_counter()
        first = solve(problem, 0, 1)
        first_s = time.perf_counter() - began
        broken = replace(problem, resources=(replace(problem.resources[0], available_from_s=1800), *problem.resources[1:]))
        began = time.perf_counter()
        repair(broken, first)
        repair_s = time.perf_counter() - began
        told: list[Progress] = []
        best = solve(problem, seconds, 1, progress=told.append)
        within_s = next((p.elapsed_s for p in told if _near(p, best)), seconds)
        figures.append((len(problem.operations), first_s, repair_s, within_s))
        rows.append((len(problem.operations), first_s, repair_s, within_s))
    for column, name in ((1, "first plan"), (2, "repair"), (3, "within 5 %")):
        rows.append((f"exponent of {name}", *(None if at != column else _exponent(figures, column) for at in (1, 2, 3))))
    return Table(
        "Cost as plans grow", ("operations", "first plan_s", "repair_s", "within 5 %_s"), tuple(rows),
        ("First plan: three dispatching rules, in plain Python, and the plan made of the best.",
         f"Within 5 %: in tardiness and setups, of the plan after {seconds:.0f} s."),
    )  # fmt: skip


def _near(progress: Progress, best: Plan) -> bool:
    now, then = progress.objective, best.objective
    return now.weighted_tardiness_s <= 1.05 * then.weighted_tardiness_s and now.setup_s <= 1.05 * then.setup_s


def _exponent(figures: Sequence[tuple[int, float, float, float]], column: int) -> float:
    (n0, *_), (n1, *_) = figures[0], figures[-1]
    return math.log(max(figures[-1][column], 1e-9) / max(figures[0][column], 1e-9)) / math.log(n1 / n0)


_MEMORY = """
import resource, sys, time
from benchmarks.plants import plant
from batchone.chain.planning import solve
problem = plant({orders}, 1)
solve(problem, {seconds}, 1)
print(len(problem.operations), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def memory(operations: int) -> Table:
    """The greatest memory of a process that makes and solves a great problem, beside one that only starts."""
    orders = max(1, operations // 13)
    found = subprocess.run(
        [sys.executable, "-c", _MEMORY.format(orders=orders, seconds=20)], capture_output=True, text=True, check=True
    ).stdout.split()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Table(
        "Memory of a process that solves", ("operations", "greatest_MB"), ((int(found[0]), int(found[1]) / 1024),),
        (f"Two walks. This process itself, after all of the above: {own / 1024:,.0f} MB.",),
    )  # fmt: skip
