"""How good plans are: published instances, ours beside the best known, CP Optimizer's published figures, CP-SAT and a rule.

Instances are read from the folder of data that nobody here wrote, named by `BATCHONE_DATA` or found beside the checkout.
CP-SAT is asked through PyJobShop, in the same run, for the same seconds on the same cores.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from batchone.chain.planning import Measure, Objective, Plan, Problem, Progress, solve, validate
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.files import load
from batchone.chain.planning.solvers.choice import kind_of
from batchone.chain.planning.solvers.warm import ready
from benchmarks.figures import Cell, Options, Report, Table, gap, kept, mean
from benchmarks.machine import where

SECONDS, SECONDS_QUICK = 60.0, 3.0
SEEDS, SEEDS_QUICK = 3, 1
_WORKERS = 2
"""Threads of each search, ours and CP-SAT's."""


@dataclass(frozen=True)
class Family:
    """Instances of one kind, and what is wanted of their plans after 60 s: the mean gap to the best known in per cent,
    milliseconds to the first plan, and an objective: by name, or with `as_optimizer` that of CP Optimizer after 60 s."""

    name: str
    folder: str
    instances: tuple[str, ...]
    mean_gap: float | None = None
    first_ms: float | None = None
    most: Mapping[str, int] = field(default_factory=dict)
    as_optimizer: bool = False


FAMILIES = (
    Family("Brandimarte", "fjsp", tuple(f"mk{n:02d}" for n in range(1, 16)), mean_gap=1.5, most={"mk10": 204, "mk13": 400}),
    Family(
        "Dauzere-Peres", "fjsp", tuple(f"dpp{n}a" for n in ("01", "05", "07", "10", "13", "16", "18")), as_optimizer=True
    ),
    Family("Behnke", "fjsp", tuple(f"behnke{n}" for n in (7, 11, 16, 29, 36, 56)), first_ms=300, as_optimizer=True),
    Family(
        "job shop", "jsp", ("ta21js", "ta41js", "dmu41", "swv10", "abz8"),
        most={"ta21js": 1690, "ta41js": 2120, "dmu41": 3450, "swv10": 1830, "abz8": 685},
    ),
    Family("setups on a line", "flow", tuple(f"SDST-PFSP-{n}" for n in (1, 2, 50, 300, 361, 420)), mean_gap=2.5),
    Family("hybrid line", "flow", tuple(f"HFSP-{n}" for n in (1, 2, 50, 300, 361, 420, 1440)), mean_gap=3),
    Family("tardiness on a line", "flow", tuple(f"TT-PFSP-{n}" for n in (1, 2, 50, 300, 361, 420)), mean_gap=10),
)  # fmt: skip
_COLUMNS = (
    "instance", "best known", "ours", "gap_%", "bound", "first_ms", "worst first_ms", "CPO 10 s", "CPO 60 s", "CPO 900 s",
    "CP-SAT", "rule", "wanted", "kept",
)  # fmt: skip
_LINE_MOST = 10_000
"""Operations of a line on which nobody passes up to which CP-SAT is asked; of 17,500 its model takes 18 GB."""
_QUICK = 2
"""Instances of each family in a quick run."""


@dataclass(frozen=True)
class Known:
    """What is published of an instance: the best known, and CP Optimizer after 10 s and 60 s (4 cores) or 900 s (8 cores)."""

    best: int
    cpo_10s: float | None = None
    cpo_60s: float | None = None
    cpo_900s: float | None = None


@dataclass(frozen=True)
class Ours:
    """The median plan of some seeds and its bound, when the first plan of each seed was there, and whether all are valid."""

    objective: int
    bound: int
    first_s: tuple[float, ...]
    valid: bool


@dataclass(frozen=True)
class Result:
    """One instance: what is published, ours, and what CP-SAT (None: no plan) and the dispatching rule made of it."""

    name: str
    published: Known
    ours: Ours
    cp_sat: int | None
    rule: int


def data_folder() -> Path | None:
    """Where the instances are, if they are anywhere."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BATCHONE_DATA", beside)) / "scheduling"
    return folder if folder.is_dir() else None


def known(folder: Path) -> dict[str, Known]:
    """The published figures by instance."""
    found: dict[str, Known] = {}
    with (folder / "best-known.csv").open() as lines:
        for row in csv.DictReader(lines):
            found[row["instance"]] = Known(
                int(row["best_known_makespan"]), _number(row["cp_optimizer_4w_at_10s"]), _number(row["cp_optimizer_4w_at_60s"])
            )
    with (folder / "best-known-flow.csv").open() as lines:
        for row in csv.DictReader(lines):
            name = f"{row['problem']}-{row['instance']}"
            found[name] = Known(int(row["best_known"]), cpo_900s=_number(row["cp_optimizer_900s_8w"]))
    return found


def _number(text: str) -> float | None:
    return float(text) if text else None


async def run(options: Options) -> Report:
    """Every family, one table each, then the mean gaps."""
    report, folder = Report("schedules"), data_folder()
    if folder is None:
        report.tables.append(
            Table("Published instances", ("", ""), (), ("There is no folder of data: name it in BATCHONE_DATA.",))
        )
        return report
    published = known(folder)
    seconds = options.seconds or (SECONDS_QUICK if options.quick else SECONDS)
    seeds = options.seeds or (SEEDS_QUICK if options.quick else SEEDS)
    found: list[tuple[Family, list[Result]]] = []
    for family in FAMILIES:
        names = [name for name in family.instances if options.only in name][: _QUICK if options.quick else None]
        if not names:
            continue
        results = [_result(folder / family.folder / f"{name}.txt", published[name], seconds, seeds) for name in names]
        found.append((family, results))
        title = f"{family.name}: {seconds:.0f} s, median of {seeds} seeds, {where(_WORKERS)}"
        report.tables.append(Table(title, _COLUMNS, tuple(row(family, result) for result in results)))
    report.tables.append(means(found, seconds, seeds))
    return report


def means(found: Sequence[tuple[Family, Sequence[Result]]], seconds: float, seeds: int) -> Table:
    """The mean gap of each family, and whether it is as wanted."""
    rows: list[tuple[Cell, ...]] = []
    for family, results in found:
        ours = mean(gap(each.ours.objective, each.published.best) for each in results)
        cp_sat = mean(gap(each.cp_sat, each.published.best) for each in results if each.cp_sat is not None)
        rule = mean(gap(each.rule, each.published.best) for each in results)
        wanted = is_kept = None
        if family.mean_gap is not None and ours is not None:
            wanted = f"<= {family.mean_gap:g}"
            is_kept = kept(ours <= family.mean_gap, *(each.ours.valid for each in results))
        rows.append((family.name, len(results), ours, cp_sat, rule, wanted, is_kept))
    return Table(
        f"Mean gap to the best known, %: {seconds:.0f} s, {seeds} seeds, {where(_WORKERS)}",
        ("family", "instances", "ours", "CP-SAT", "rule", "wanted", "kept"), tuple(rows),
        ("CP Optimizer's figures are published ones, of 4 cores (10 s, 60 s) or 8 (900 s); CP-SAT's are of this run, on as",
         "many threads and seconds as ours. Where CP-SAT found no plan, or was not asked, its mean leaves it out.",
         f"Wanted of whole families and {SECONDS:.0f} s; a smaller or shorter run is judged by the same figures."),
    )  # fmt: skip


def row(family: Family, result: Result) -> tuple[Cell, ...]:
    """An instance in the table of its family."""
    ours, published = result.ours, result.published
    first_ms = [1e3 * each for each in ours.first_s]
    wanted, is_kept = judged(family, result)
    return (
        result.name + ("" if ours.valid else " INVALID"), published.best, ours.objective, gap(ours.objective, published.best),
        ours.bound, median(first_ms), max(first_ms), published.cpo_10s, published.cpo_60s, published.cpo_900s, result.cp_sat,
        result.rule, wanted, is_kept,
    )  # fmt: skip


def judged(family: Family, result: Result) -> tuple[str | None, str | None]:
    """What is wanted of an instance, and whether it is so; None twice where nothing is wanted of it alone."""
    wanted: list[str] = []
    so: list[bool] = [result.ours.valid]
    most = result.published.cpo_60s if family.as_optimizer else family.most.get(result.name)
    if most is not None:
        wanted.append(f"<= {most:,.0f}")
        so.append(result.ours.objective <= most)
    if family.first_ms is not None:
        wanted.append(f"first <= {family.first_ms:g} ms")
        so.append(1e3 * max(result.ours.first_s) <= family.first_ms)
    return (", ".join(wanted), kept(*so)) if wanted else (None, None)


def _result(path: Path, published: Known, seconds: float, seeds: int) -> Result:
    problem, _ = load(path)
    ready(kind_of(Compiled(problem)))
    ours = measured(problem, seconds, seeds)
    return Result(path.stem, published, ours, cp_sat(problem, seconds), _objective(problem, solve(problem, 0, 1).objective))


def measured(problem: Problem, seconds: float, seeds: int) -> Ours:
    """Solve with several seeds; the plan in the middle."""
    plans, firsts = list[Plan](), list[float]()
    for seed in range(1, seeds + 1):
        told: list[Progress] = []
        plans.append(solve(problem, seconds, seed, progress=told.append, workers=_WORKERS))
        firsts.append(told[0].elapsed_s)
    plan = sorted(plans, key=lambda each: each.objective.of(problem.aim[0]))[seeds // 2]
    bound = plan.bound.makespan_s if problem.aim[0] is Measure.MAKESPAN else plan.bound.weighted_tardiness_s
    valid = not any(validate(problem, each) for each in plans)
    return Ours(_objective(problem, plan.objective), bound, tuple(firsts), valid)


def _objective(problem: Problem, objective: Objective) -> int:
    return int(objective.of(problem.aim[0]))


def cp_sat(problem: Problem, seconds: float) -> int | None:
    """What plain CP-SAT finds in the same time through PyJobShop; None if it finds no plan, or the model would be too large."""
    import pyjobshop

    if problem.no_passing and len(problem.operations) > _LINE_MOST:
        return None

    model = pyjobshop.Model()
    machines = {r.id: [model.add_machine(name=f"{r.id}.{k}") for k in range(r.positions)] for r in problem.resources}
    late = problem.aim[0] is Measure.TARDINESS
    jobs = {j.id: model.add_job(weight=j.weight, due_date=j.due_s) if late else model.add_job() for j in problem.jobs}
    tasks = {}
    for op in problem.operations:
        tasks[op.id] = task = model.add_task(job=jobs[op.job])
        for alternative in op.alternatives:
            for machine in machines[alternative.on]:
                model.add_mode(task, machine, alternative.duration_s)
        for before in op.predecessors:
            model.add_end_before_start(tasks[before], task)
    _lines(problem, model, machines, tasks)
    model.set_objective(weight_makespan=0 if late else 1, weight_total_tardiness=1 if late else 0)
    began = time.perf_counter()
    result = model.solve(
        solver="ortools", time_limit=max(1.0, seconds - (time.perf_counter() - began)), display=False, num_workers=_WORKERS
    )
    return round(result.objective) if result.best.tasks else None


def _lines(problem: Problem, model: object, machines: dict[str, list[object]], tasks: dict[str, object]) -> None:
    """One order on all machines of a line, and the setups between its jobs."""
    by_resource: dict[str, list[str]] = {}
    for op in problem.operations:
        by_resource.setdefault(op.alternatives[0].on, []).append(op.id)
    for line in problem.no_passing:
        first = machines[line[0]][0]
        for resource in line[1:]:
            pairs = zip(by_resource[line[0]], by_resource[resource], strict=True)
            model.add_same_sequence(  # type: ignore[attr-defined]
                first, machines[resource][0], *map(list, zip(*((tasks[a], tasks[b]) for a, b in pairs), strict=True))
            )
    setups = {matrix.id: matrix for matrix in problem.setups}
    keys = {op.id: op.setup_key for op in problem.operations}
    for resource in problem.resources:
        matrix = setups.get(resource.setup or "")
        for a in by_resource.get(resource.id, ()) if matrix is not None else ():
            for b in by_resource[resource.id]:
                seconds = 0 if a == b else matrix.seconds(keys[a], keys[b])
                if seconds:
                    model.add_setup_time(machines[resource.id][0], tasks[a], tasks[b], seconds)  # type: ignore[attr-defined]
