"""Plans of a whole plant: how soon there is one, how good it gets, how soon it is mended, and how all that grows."""

from __future__ import annotations

import math
import random
import resource
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from statistics import median

from batchone.chain.planning import Plan, Problem, Progress, repair, solve, validate
from batchone.chain.planning.solvers.warm import ready
from benchmarks.figures import Cell, Options, Report, Table, exponent, kept
from benchmarks.machine import where
from benchmarks.plans import compiled_pack, open_operations, picture_of, wishes

ORDERS, ORDERS_QUICK = 2_000, 100
SIZES, SIZES_QUICK = (80, 770, 7_700), (20, 40, 80)
"""Orders of 13 operations: about 1,000, 10,000 and 100,000 operations."""
SECONDS, SECONDS_QUICK = 60.0, 2.0
LONG = 30
"""The long run is so many times as long."""
_WORKERS = 2
"""Threads of each search."""
FIRST_S, WITHIN, MENDED_S, MOVED, MEMORY_MB = 2.0, 1.05, 1.0, 5.0, 1_500
"""Wanted: seconds to the first plan; tardiness as a part of the bound or of the long run's; seconds to mend a plan and per cent
of the untouched orders that move; memory of 120,000 operations."""
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
    """How good the plan is after some seconds, beside a dispatching rule, its bound and a long run, with easy and with pressing
    dates."""
    rows: list[tuple[Cell, ...]] = []
    for name, pressed in (("dates that can be met", 1.0), ("more than the line can do", 1.5)):
        problem = plant(orders, 1, pressed)
        found = [_solved(problem, seconds, seed) for seed in range(1, seeds + 1)]
        firsts = [first_s for first_s, _ in found]
        middle = sorted((plan for _, plan in found), key=lambda plan: plan.objective.key(problem.aim))[len(found) // 2]
        _, longer = _solved(problem, long_s, 1)
        rule = solve(problem, 0, 1)
        broken = sum(len(validate(problem, plan)) for _, plan in found)
        verdict = kept(max(firsts) < FIRST_S, near_enough(middle, longer), not broken)
        rows += [
            (f"{name}, rule", *_worth(problem, rule), None, None, len(validate(problem, rule)), None, None),
            (f"{name}, {seconds:.0f} s", *_worth(problem, middle), median(firsts), max(firsts), broken, _QUALITY, verdict),
            (f"{name}, {long_s:.0f} s", *_worth(problem, longer), None, None, len(validate(problem, longer)), None, None),
        ]
    return Table(
        f"The refrigerator plant, {orders:,} open orders: {seconds:.0f} s, median of {seeds} seeds, {where(_WORKERS)}",
        ("plan", "operations", "tardiness_s", "bound_s", "setup_s", "makespan_s", "late", "first_s", "worst first_s",
         "broken rules", "wanted", "kept"),
        tuple(rows),
        ("Weighted tardiness first, then setup, then makespan. The bound is of each order alone and of the queue before each",
         "pool of machines. Broken rules and first_s: of all seeds. The rule is the best of three dispatching rules.",
         f"Wanted: tardiness within 5 % of the bound, or of one run of {long_s:.0f} s. It is of {ORDERS:,} orders and"
         f" {SECONDS:.0f} s;", "a smaller or shorter run is judged by the same figures."),
    )  # fmt: skip


_QUALITY = f"first < {FIRST_S:g} s, tardiness within {100 * (WITHIN - 1):.0f} %"


def near_enough(plan: Plan, longer: Plan) -> bool:
    """Whether a plan's tardiness is within 5 % of its bound or of a longer search's."""
    worth = plan.objective.weighted_tardiness_s
    return worth <= WITHIN * max(plan.bound.weighted_tardiness_s, longer.objective.weighted_tardiness_s)


def _worth(problem: Problem, plan: Plan) -> tuple[Cell, ...]:
    worth = plan.objective
    return (
        len(problem.operations), worth.weighted_tardiness_s, plan.bound.weighted_tardiness_s, worth.setup_s, worth.makespan_s,
        len(plan.late_jobs()),
    )  # fmt: skip


def _solved(problem: Problem, seconds: float, seed: int) -> tuple[float, Plan]:
    told: list[Progress] = []
    plan = solve(problem, seconds, seed, progress=told.append, workers=_WORKERS)
    return told[0].elapsed_s, plan


@dataclass(frozen=True)
class Mended:
    """One breakdown with one seed: seconds until the plan held again, rules it breaks, per cent of the untouched orders that
    moved, and what the plan is worth at once and after a search; both as the aim weighs them, tardiness first."""

    taken_s: float
    broken: int
    moved: float
    at_once: tuple[int, ...]
    later: tuple[int, ...]

    def as_wanted(self) -> bool:
        """Soon, whole, calm, and not the last word."""
        return self.taken_s < MENDED_S and not self.broken and self.moved <= MOVED and self.later < self.at_once


def mending(orders: int, seeds: int, *, seconds: float) -> Table:
    """A machine breaks for half an hour in the middle of the plan: how soon the plan holds again, and what of it moved."""
    rows: list[tuple[Cell, ...]] = []
    problem = plant(orders, 1)
    plan = solve(problem, 5.0, 1, workers=_WORKERS)
    for machine in ("brazing-2", "charging-1", "safety-1", "evacuation-1", "roll-former-1"):
        if machine not in {r.id for r in problem.resources}:
            continue
        found = [_mended(problem, plan, machine, seed, seconds) for seed in range(1, seeds + 1)]
        taken = [each.taken_s for each in found]
        rows.append((
            machine, _load(problem, plan, machine), median(taken), max(taken), sum(each.broken for each in found),
            median(each.moved for each in found), median(each.at_once[0] for each in found),
            median(each.later[0] for each in found), _MENDING, kept(*(each.as_wanted() for each in found)),
        ))  # fmt: skip
    return Table(
        f"A breakdown of half an hour in a plan of {orders:,} orders: median of {seeds} seeds, {where(_WORKERS)}",
        ("machine", "load_%", "mended_s", "worst mended_s", "broken rules", "untouched moved_%", "tardiness_s",
         f"tardiness_s after {seconds:.0f} s", "wanted", "kept"),
        tuple(rows),
        ("Untouched: orders that had nothing at the machine while it stood; moved: finished 5 minutes later or sooner.",
         "Load: of all machines of its class, in this plan. What waits for a class that is full, and of which all that there",
         f"is stood, is later whatever is done. Kept: with every seed; better: in tardiness, setup or makespan, after"
         f" {seconds:.0f} s."),
    )  # fmt: skip


_MENDING = f"mended < {MENDED_S:g} s, moved <= {MOVED:g} %, then better"


def _mended(problem: Problem, plan: Plan, machine: str, seed: int, seconds: float) -> Mended:
    broken = replace(
        problem, resources=tuple(replace(r, available_from_s=1800) if r.id == machine else r for r in problem.resources)
    )
    began = time.perf_counter()
    mended = repair(broken, plan, seed)
    taken_s = time.perf_counter() - began
    touched = {a.job for a in plan.assignments if a.resource == machine and a.start_s < 1800}
    later = solve(broken, seconds, seed, in_force=plan, workers=_WORKERS)
    return Mended(
        taken_s, len(validate(broken, mended)), moved_share(plan, mended, touched), mended.objective.key(problem.aim),
        later.objective.key(problem.aim),
    )  # fmt: skip


def moved_share(before: Plan, after: Plan, touched: Collection[str]) -> float:
    """Per cent of the jobs but these that end more than five minutes later or sooner."""
    others = [job for job in before.jobs if job.job not in touched]
    moved = sum(abs(after.by_job[job.job].end_s - job.end_s) > _MOVED_S for job in others)
    return 100 * moved / max(1, len(others))


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
        best = solve(problem, seconds, 1, progress=told.append, workers=_WORKERS)
        within_s = next((p.elapsed_s for p in told if _near(p, best)), seconds)
        rows.append((len(problem.operations), first_s, repair_s, within_s))
    return Table(
        f"Cost as plans grow: {seconds:.0f} s, one seed, {where(_WORKERS)}",
        ("operations", "first plan_s", "repair_s", "within 5 %_s"), (*rows, exponents(rows)),
        ("First plan: three dispatching rules, in plain Python, and the plan made of the best.",
         f"Within 5 %: in tardiness and setups, of the plan after {seconds:.0f} s."),
    )  # fmt: skip


def _near(progress: Progress, best: Plan) -> bool:
    now, then = progress.objective, best.objective
    return now.weighted_tardiness_s <= 1.05 * then.weighted_tardiness_s and now.setup_s <= 1.05 * then.setup_s


def exponents(rows: Sequence[tuple[Cell, ...]]) -> tuple[Cell, ...]:
    """The last row: with which power of the size in the first column each cost grows, from the first row to the last."""
    (n0, *first), (n1, *last) = ([float(cell or 0) for cell in row] for row in (rows[0], rows[-1]))
    return ("exponent", *(exponent((n0, cost0), (n1, cost1)) for cost0, cost1 in zip(first, last, strict=True)))


_MEMORY = """
import resource, sys, time
from benchmarks.plants import plant
from batchone.chain.planning import solve
problem = plant({orders}, 1)
solve(problem, {seconds}, 1, workers={workers})
print(len(problem.operations), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def memory(operations: int) -> Table:
    """The greatest memory of a process that makes and solves a great problem, beside one that only starts."""
    orders = max(1, operations // 13)
    found = subprocess.run(
        [sys.executable, "-c", _MEMORY.format(orders=orders, seconds=20, workers=_WORKERS)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    greatest_mb = int(found[1]) / 1024
    return Table(
        f"Memory of a process that solves: 20 s, one seed, {where(_WORKERS)}",
        ("operations", "greatest_MB", "wanted", "kept"),
        ((int(found[0]), greatest_mb, f"< {MEMORY_MB:,} at 120,000", kept(greatest_mb < MEMORY_MB)),),
        (f"This process itself, after all of the above: {own / 1024:,.0f} MB.",),
    )  # fmt: skip
