"""What `batchone plan solve` and `batchone plan validate` do: read, plan or judge, write, and tell."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from batchone.chain.planning import Measure, Objective, Plan, Problem, Progress, Violation, solve, validate
from batchone.chain.planning.checks import refuse_faults, usable
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.files import Format, b2mml, ical, load, native, table
from batchone.chain.planning.files.formats import of_ending, read_text, written
from batchone.chain.planning.solvers.choice import kind_of
from batchone.chain.planning.solvers.warm import ready
from batchone.chain.planning.validator import measured
from batchone.cli import output
from batchone.kernel.errors import Refused

_BOUNDED = {Measure.TARDINESS: "weighted_tardiness_s", Measure.MAKESPAN: "makespan_s"}


@dataclass(frozen=True)
class Outputs:
    """The files to write; `ical`: resource and file."""

    plan: Path | None = None
    csv: Path | None = None
    b2mml: Path | None = None
    ical: tuple[tuple[str, Path], ...] = ()

    def refuse_missing_folders(self) -> None:
        """Better before the search than after it."""
        for path in (self.plan, self.csv, self.b2mml, *(path for _, path in self.ical)):
            if path is not None:
                _refuse_missing_folder(path)

    def write(self, problem: Problem, plan: Plan) -> None:
        """Writes each that is named."""
        names = tuple(resource.id for resource in problem.resources)
        if self.plan is not None:
            _write(self.plan, native.write_plan(plan))
        if self.csv is not None:
            _write(self.csv, table.write(plan).encode())
        if self.b2mml is not None:
            _write(self.b2mml, b2mml.write(problem, plan))
        for resource, path in self.ical:
            _write(path, ical.write(plan, resource, names).encode())


@dataclass(frozen=True)
class Effort:
    """How to search: seconds or steps, chance, threads, and the objective that is good enough."""

    seconds: float
    seed: int
    workers: int
    steps: int = 0
    target: int | None = None


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise Refused("planning.file", f"{path} cannot be written: {error.strerror}.", "Name another file.") from None


def _refuse_missing_folder(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise Refused("planning.folder", f"There is no folder for {path}.", f"Make {path.absolute().parent}.")


def solve_file(file: Path, format_: str | None, effort: Effort, outputs: Outputs, *, leave_out: bool, json: bool) -> int:
    """Plans a file and tells what came out; the exit code."""
    outputs.refuse_missing_folders()
    problem, found = load(file, Format(format_) if format_ else None)
    if leave_out:
        problem, left_out = usable(problem)
        for reason in left_out:
            output.warn(reason)
    refuse_faults(problem)
    if effort.seconds > 0:
        ready(kind_of(Compiled(problem)), output.say)
        # The solver of windows takes up to a second to load, which is not part of anybody's budget.
        import_module("batchone.chain.planning.solvers.windows")
    ticker = Ticker(problem)
    begun = time.monotonic()
    try:
        plan = solve(
            problem,
            effort.seconds,
            effort.seed,
            progress=ticker,
            workers=effort.workers,
            steps=effort.steps,
            target=effort.target,
        )
    finally:
        ticker.close()
    elapsed = time.monotonic() - begun
    violations = validate(problem, plan)
    outputs.write(problem, plan)
    worth, objective, bound = measured(problem, plan), *worth_of(problem, plan)
    told = {
        "instance": file.stem,
        "format": str(found),
        "jobs": len(problem.jobs),
        "operations": len(problem.operations),
        "resources": len(problem.resources),
        "objective": objective,
        "makespan": worth.makespan_s,
        "weighted_tardiness": worth.weighted_tardiness_s,
        "setup": worth.setup_s,
        "lower_bound": bound,
        "gap": gap_of(objective, bound),
        "first_feasible_s": round(elapsed if ticker.first_s is None else ticker.first_s, 3),
        "elapsed_s": round(elapsed, 3),
        "seed": effort.seed,
        "workers": effort.workers,
        "method": plan.produced_by,
        "steps": plan.steps,
        "valid": not violations,
        "violations": [_of(violation) for violation in violations],
        "plan": None if outputs.plan is None else str(outputs.plan),
        "measures": _measures(worth),
    }
    if json:
        output.result_json(told)
    else:
        _tell(problem, told, violations)
    return 1 if violations else 0


def convert_file(file: Path, out: Path, format_: str | None, to: str | None, *, json: bool) -> int:
    """Writes a problem in another format and tells; the exit code."""
    _refuse_missing_folder(out)
    wanted = Format(to) if to else of_ending(out.name)
    if wanted is None:
        raise Refused("planning.format", f"The ending of {out.name} says no format.", "Name it with --to.")
    problem, found = load(file, Format(format_) if format_ else None)
    refuse_faults(problem)
    _write(out, written(problem, wanted))
    if json:
        told = {"instance": file.stem, "format": str(found), "written": str(out), "as": str(wanted)}
        output.result_json(told)
    else:
        output.result(f"{out} ({wanted}): {len(problem.jobs)} jobs, {len(problem.operations)} operations")
    return 0


def validate_files(problem_file: Path, plan_file: Path, format_: str | None, *, json: bool) -> int:
    """Judges a plan and tells every rule that it breaks; the exit code."""
    problem, found = load(problem_file, Format(format_) if format_ else None)
    refuse_faults(problem)
    text = read_text(plan_file)
    as_table = plan_file.suffix == ".csv"
    plan = table.read(text, problem, plan_file.name) if as_table else native.read_plan(text, plan_file.name)
    if plan.origin != problem.origin:
        plan = plan.shifted(problem.origin)
    violations = validate(problem, plan)
    if json:
        told = {
            "instance": problem_file.stem,
            "format": str(found),
            "plan": str(plan_file),
            "operations": len(problem.operations),
            "valid": not violations,
            "violations": [_of(violation) for violation in violations],
            "measures": _measures(measured(problem, plan)),
        }
        output.result_json(told)
    else:
        for violation in violations:
            output.result(str(violation))
        output.result(f"{len(violations)} violations" if violations else f"valid: {len(plan.assignments)} operations")
    return 1 if violations else 0


def worth_of(problem: Problem, plan: Plan) -> tuple[int, int | None]:
    """The value of the first measure of the aim, or the weighted sum; and its lower bound, if one is known."""
    return plan.objective.key(problem.aim, problem.weights)[0], _bound(problem, plan.bound)


def _bound(problem: Problem, bound: Any) -> int | None:
    name = None if problem.weights else _BOUNDED.get(problem.aim[0])
    return None if name is None else getattr(bound, name)


def gap_of(objective: int, bound: int | None) -> float | None:
    """How far the objective is above its bound, as a part of the objective."""
    if bound is None:
        return None
    return round((objective - bound) / objective, 6) if objective > 0 else 0.0


def _of(violation: Violation) -> dict[str, str]:
    return {
        "rule": str(violation.rule),
        "operation": violation.operation,
        "job": violation.job,
        "what": violation.what,
    }


def _measures(worth: Objective) -> dict[str, int]:
    return {str(measure): worth.of(measure) for measure in Measure}


def _tell(problem: Problem, told: dict[str, Any], violations: list[Violation]) -> None:
    aim = ", then ".join(problem.aim)
    if problem.weights:
        aim = " + ".join(f"{weight} x {measure}" for weight, measure in zip(problem.weights, problem.aim, strict=True))
    sizes = f"{told['jobs']} jobs, {told['operations']} operations, {told['resources']} resources"
    gap = "unknown" if told["gap"] is None else f"{told['gap']:.2%}"
    bound = "unknown" if told["lower_bound"] is None else told["lower_bound"]
    rows = [
        ("instance", f"{told['instance']} ({told['format']}): {sizes}"),
        ("objective", f"{told['objective']} ({aim})"),
        *((name.replace("_", " "), value) for name, value in told["measures"].items()),
        ("lower bound", bound),
        ("gap", gap),
        ("first feasible", f"{told['first_feasible_s']:.2f} s"),
        ("elapsed", f"{told['elapsed_s']:.2f} s"),
        ("method", f"{told['method']}, seed {told['seed']}"),
        ("violations", len(violations)),
    ]
    if told["plan"]:
        rows.append(("plan", told["plan"]))
    for name, value in rows:
        output.result(f"{name:<17}{value}")
    for violation in violations:
        output.result(f"  {violation}")


class Ticker:
    """Tells each better plan on stderr: on one line that changes if that is a terminal, else on lines of their own."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.first_s = problem, None if problem.operations else 0.0
        self.live, self.shown = sys.stderr.isatty(), False

    def __call__(self, progress: Progress) -> None:
        """A better plan was found."""
        if self.first_s is None:
            self.first_s = progress.elapsed_s
        objective = progress.objective.key(self.problem.aim, self.problem.weights)[0]
        bound = _bound(self.problem, progress.bound)
        gap = gap_of(objective, bound)
        said = "unknown" if bound is None else str(bound)
        within = "" if gap is None else f"  gap {gap:.2%}"
        line = f"{progress.elapsed_s:8.2f} s  objective {objective}  bound {said}{within}  {progress.method}"
        if self.live:
            sys.stderr.write(f"\r\x1b[2K{line}")
            sys.stderr.flush()
            self.shown = True
        else:
            output.warn(line)

    def close(self) -> None:
        """Leaves the live line."""
        if self.shown:
            output.warn("")
