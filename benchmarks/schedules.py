"""How good plans are: published instances, ours beside the best known, CP Optimizer's published figures, CP-SAT and a rule.

Instances are read from the folder of data that nobody here wrote, named by `BATCHONE_DATA` or found beside the checkout.
CP-SAT is asked through PyJobShop, in the same run, for the same seconds on the same cores.
"""

from __future__ import annotations

import csv
import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from batchone.chain.planning import Measure, Problem, solve, validate
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.files import load
from batchone.chain.planning.solvers.choice import kind_of
from batchone.chain.planning.solvers.warm import ready
from benchmarks.figures import Cell, Options, Report, Table

SECONDS, SECONDS_QUICK = 60.0, 3.0
SEEDS, SEEDS_QUICK = 3, 1
FAMILIES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Brandimarte", "fjsp", tuple(f"mk{n:02d}" for n in range(1, 16))),
    ("Dauzere-Peres", "fjsp", tuple(f"dpp{n}a" for n in ("01", "05", "07", "10", "13", "16", "18"))),
    ("Behnke", "fjsp", tuple(f"behnke{n}" for n in (7, 11, 16, 29, 36, 56))),
    ("job shop", "jsp", ("ta21js", "ta41js", "dmu41", "swv10", "abz8")),
    ("setups on a line", "flow", tuple(f"SDST-PFSP-{n}" for n in (1, 2, 50, 300, 361, 420))),
    ("hybrid line", "flow", tuple(f"HFSP-{n}" for n in (1, 2, 50, 300, 361, 420, 1440))),
    ("tardiness on a line", "flow", tuple(f"TT-PFSP-{n}" for n in (1, 2, 50, 300, 361, 420))),
)
_COLUMNS = (
    "instance", "best known", "ours", "gap_%", "bound", "first_ms", "CPO 10 s", "CPO 60 s", "CPO 900 s", "CP-SAT", "rule",
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
    """The median plan of some seeds, when its first one was there, and its bound."""

    objective: int
    first_s: float
    bound: int
    valid: bool


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
    means: list[tuple[Cell, ...]] = []
    for family, kind, names in FAMILIES:
        wanted = [name for name in names if options.only in name][: _QUICK if options.quick else None]
        if not wanted:
            continue
        rows = [_row(folder / kind / f"{name}.txt", published[name], seconds, seeds) for name in wanted]
        report.tables.append(
            Table(
                f"{family}: {seconds:.0f} s, two cores, median of {seeds} seeds",
                _COLUMNS,
                tuple(rows),
            )
        )  # fmt: skip
        means.append((family, _mean(rows, 2), _mean(rows, 9), _mean(rows, 10)))
    report.tables.append(
        Table(
            "Mean gap to the best known, %", ("family", "ours", "CP-SAT", "rule"), tuple(means),
            ("CP Optimizer's figures are published ones, of 4 cores (10 s, 60 s) or 8 (900 s); CP-SAT's are of this run, on as",
             "many cores and seconds as ours. Where CP-SAT found no plan, or was not asked, its mean leaves it out."),
        )
    )  # fmt: skip
    return report


def _mean(rows: list[tuple[Cell, ...]], column: int) -> float | None:
    gaps = [100 * (float(row[column]) / float(row[1]) - 1) for row in rows if row[column] is not None and row[1]]  # type: ignore[arg-type]
    return statistics.mean(gaps) if gaps else None


def _row(path: Path, published: Known, seconds: float, seeds: int) -> tuple[Cell, ...]:
    problem, _ = load(path)
    ready(kind_of(Compiled(problem)))
    ours = measured(problem, seconds, seeds)
    rule = _objective(problem, solve(problem, 0, 1).objective)
    note = "" if ours.valid else " INVALID"
    gap = 100 * (ours.objective / published.best - 1)
    return (
        path.stem + note, published.best, ours.objective, gap, ours.bound, 1e3 * ours.first_s, published.cpo_10s,
        published.cpo_60s, published.cpo_900s, cp_sat(problem, seconds), rule,
    )  # fmt: skip


def measured(problem: Problem, seconds: float, seeds: int) -> Ours:
    """Solve with several seeds; the one in the middle."""
    found = []
    for seed in range(1, seeds + 1):
        first: list[float] = []
        plan = solve(problem, seconds, seed, progress=lambda told, first=first: first.append(told.elapsed_s))
        bound = plan.bound.makespan_s if problem.aim[0] is Measure.MAKESPAN else plan.bound.weighted_tardiness_s
        found.append(Ours(_objective(problem, plan.objective), first[0], bound, not validate(problem, plan)))
    return sorted(found, key=lambda one: one.objective)[len(found) // 2]


def _objective(problem: Problem, objective: object) -> int:
    return int(objective.of(problem.aim[0]))  # type: ignore[attr-defined]


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
        solver="ortools", time_limit=max(1.0, seconds - (time.perf_counter() - began)), display=False, num_workers=2
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
