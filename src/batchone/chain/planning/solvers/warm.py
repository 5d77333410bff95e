"""Compiles the searches ahead of their use: `python -m batchone.chain.planning.solvers.warm`.

The first search of a kind on a machine takes some ten to thirty seconds to compile. The machine code is kept (see `jit`), so
that this happens once for each version of the sources.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.model import Alternative, Job, Measure, Operation, Problem, Resource, SetupMatrix
from batchone.chain.planning.solvers.choice import Kind, search_for
from batchone.chain.planning.solvers.jit import FOLDER
from batchone.chain.planning.solvers.keeping import kept_by_placing
from batchone.chain.planning.solvers.mending import mended
from batchone.chain.planning.solvers.shop import ShopSearch

KINDS: tuple[Kind, ...] = ("plant", "shop", "line", "hybrid")
_ORIGIN = datetime(2026, 1, 5, tzinfo=UTC)


def warm(kind: Kind) -> None:
    """Makes everything that a search of a kind may run ready to run."""
    for problem in _examples(kind):
        compiled = Compiled(problem)
        if kind == "shop":
            ShopSearch(compiled, 0).compile_all()
        walks = [search_for(compiled, seed, None) for seed in (1, 2)]
        for _ in range(3):
            for walk in walks:
                walk.run(walk.stride if kind == "plant" else 50)
        walks[0].learn(walks[1])
        plan = walks[0].schedule()
        if kind == "plant":
            made = plan.plan("", 0, bound_of(compiled))
            kept_by_placing(compiled, made)
            there = [made.by_operation[op.id] for op in problem.operations]
            place = [(compiled.resource_index[a.resource], a.track) for a in there]
            mended(compiled, place, [a.start_s for a in there], list(range(compiled.n)), [])


def ready(kind: Kind, say: Callable[[str], None] = lambda _: None) -> None:
    """Compiles the search of a kind, or loads what was compiled on this machine before."""
    done = FOLDER / f"{kind}.ready"
    if not done.is_file():
        say(f"compiling the search of a {kind}, once on this machine")
    warm(kind)
    done.parent.mkdir(parents=True, exist_ok=True)
    done.touch()


def _examples(kind: Kind) -> list[Problem]:
    """The smallest problems of a kind."""
    setups = (SetupMatrix("s", 3),)
    match kind:
        case "plant":
            # Not the smallest: a step of the search lasts as long for a few operations as for some hundreds.
            return [_flow(200, [1, 2], setups, aim=(Measure.TARDINESS, Measure.SETUP, Measure.MAKESPAN))]
        case "shop":
            plain = _flow(5, [1, 1, 1], (), aim=(Measure.MAKESPAN,))
            either = tuple(Alternative(f"m{r}", 5 + r) for r in range(3))
            return [plain, replace(plain, operations=tuple(replace(op, alternatives=either) for op in plain.operations))]
        case "line":
            line = (("m0", "m1"),)
            by_setup = _flow(6, [1, 1], setups, aim=(Measure.MAKESPAN,))
            by_due = _flow(6, [1, 1], (), aim=(Measure.TARDINESS,))
            by_both = _flow(6, [1, 1], setups, aim=(Measure.TARDINESS,))
            return [replace(each, no_passing=line) for each in (by_setup, by_due, by_both)]
        case "hybrid":
            return [_flow(6, [2, 3], (), aim=(Measure.MAKESPAN,))]


def _flow(jobs: int, positions: list[int], setups: tuple[SetupMatrix, ...], aim: tuple[Measure, ...]) -> Problem:
    resources = [Resource(f"m{r}", positions=count, setup="s" if setups else None) for r, count in enumerate(positions)]
    operations = [
        Operation(
            f"j{j}.{r}", f"j{j}", (Alternative(f"m{r}", 5 + (j * 7 + r * 3) % 11),), (f"j{j}.{r - 1}",) if r else (),
            setup_key=f"k{j % 3}" if setups else None,
        )
        for j in range(jobs)
        for r in range(len(positions))
    ]  # fmt: skip
    dues = tuple(Job(f"j{j}", 10 + 5 * j) for j in range(jobs))
    return Problem(_ORIGIN, tuple(resources), dues, tuple(operations), setups=setups, aim=aim)


def main() -> int:
    """Compiles everything, saying what; returns the exit code."""
    started = time.perf_counter()

    def say(text: str) -> None:
        sys.stderr.write(f"[{time.perf_counter() - started:5.1f} s] {text}\n")

    for kind in KINDS:
        ready(kind, say)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
