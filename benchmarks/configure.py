"""Feature models of 76 to 18,616 features: loaded, clicked, explained; beside plain questions to a solver, and flamapy.

Models are read from the folder of data that nobody here wrote, named by `BATCHONE_DATA` or found beside the checkout.
flamapy runs in an environment of its own, made once below `BATCHONE_HOME/cache` from `flamapy.txt`.
"""

from __future__ import annotations

import gc
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pysat.solvers import Glucose4

from batchone.chain.design.space import OptionSpace, State
from batchone.chain.design.space.clauses import Clauses
from batchone.chain.design.space.clicking import measure, walks
from batchone.chain.design.space.twins import Twins
from batchone.chain.design.uvl import FeatureModel, read_file
from batchone.kernel.home import home_folder
from benchmarks.figures import Cell, Options, Report, Table, p50, p99, ratio
from benchmarks.profiling import Profiled

MODELS = ("berkeleydb", "printer", "pc-richmond", "financialservices01", "automotive01", "automotive02")
QUICK = ("berkeleydb", "financialservices01")
CLICKS, CLICKS_QUICK = 200, 20
PAGE = 60
LOADS = 5
FLAMAPY_S, FLAMAPY_QUICK_S = 420.0, 30.0
"""flamapy is given so long for a model, and then ended; `--seconds` says otherwise."""
_PLAIN_CLICKS = 20


def data_folder() -> Path | None:
    """Where the models are, if they are anywhere."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BATCHONE_DATA", beside)) / "product-models"
    return folder if folder.is_dir() else None


async def run(options: Options) -> Report:
    """Every model: loading, then clicks."""
    report, folder = Report("configure"), data_folder()
    if folder is None:
        note = ("There is no folder of data: name it in BATCHONE_DATA.",)
        report.tables.append(Table("Feature models", ("", ""), (), note))
        return report
    peer, why_not = flamapy()
    limit = options.seconds or (FLAMAPY_QUICK_S if options.quick else FLAMAPY_S)
    loads: list[tuple[Cell, ...]] = []
    clicks: list[tuple[Cell, ...]] = []
    for name in QUICK if options.quick else MODELS:
        file = folder / f"{name}.uvl"
        loads.append(_load_row(file, peer, limit))
        clicks.append(_click_row(file, CLICKS_QUICK if options.quick else CLICKS))
    told = (
        why_not
        or f"flamapy 2.6 in its own environment, one run, ended after {limit:.0f} s; its clauses are pairs, ours are not."
    )
    report.tables.append(
        Table(
            "From the file to the first answer (median of 5, after one to warm up)",
            ("model", "features", "constraints", "clauses", "read_ms", "clauses_ms", "answer_ms", "load_ms", "core_dead_ms",
             "flamapy_load_ms", "flamapy/ours"),
            tuple(loads),
            ("load: read, clauses, first answer of the solver. core_dead: every core and dead feature, once a model.", told),
        )
    )  # fmt: skip
    report.tables.append(
        Table(
            f"A click to exact states: of the {PAGE} options on the page, of the whole model; and reasons",
            ("model", "features", "clicks", "page_p50_ms", "page_p99_ms", "plain_page_p50_ms", "plain/ours", "whole_p50_ms",
             "whole_p99_ms", "plain_whole_ms", "plain/ours ", "reason_p99_ms", "change_p99_ms", "session_kB"),
            tuple(clicks),
            ("plain: two questions to the same solver (Glucose 4) for every option, in the same run; states must agree.",
             "reason: a minimal set of choices and statements of the model; change: the fewest choices to give up."),
        )
    )  # fmt: skip
    if options.profile:
        _profile(report, folder / f"{QUICK[-1] if options.quick else 'automotive01'}.uvl")
    return report


@dataclass(frozen=True)
class Loading:
    """Milliseconds of each step of one load."""

    read: float
    clauses: float
    answer: float
    core_dead: float

    @property
    def load(self) -> float:
        """To the first answer."""
        return self.read + self.clauses + self.answer


def loading(file: Path) -> Loading:
    """One load, step by step; garbage of the one before is collected first."""
    gc.collect()
    begun = time.perf_counter()
    model = read_file(file)
    read = time.perf_counter()
    space = OptionSpace(model)
    made = time.perf_counter()
    assert space.possible({})
    answered = time.perf_counter()
    _ = space.prepared
    done = time.perf_counter()
    space.close()
    return Loading(1e3 * (read - begun), 1e3 * (made - read), 1e3 * (answered - made), 1e3 * (done - answered))


def _load_row(file: Path, peer: Path | None, limit: float) -> tuple[Cell, ...]:
    runs = [loading(file) for _ in range(LOADS + 1)][1:]
    ours = statistics.median(each.load for each in runs)
    model = read_file(file)
    space = OptionSpace(model)
    found = None if peer is None else asked(peer, file, limit)
    theirs: Cell = None
    times: Cell = None
    if found is not None:
        agree = (len(space.prepared.core), len(space.prepared.dead)) == (found["core"], found["dead"])
        if not agree:
            raise AssertionError(f"flamapy disagrees on {file.name}: {found}")
        took = found["read_ms"] + found["clauses_ms"] + found["answer_ms"]
        theirs, times = took, ratio(took, ours)
    elif peer is not None:
        theirs = f"none in {limit:,.0f} s"
    space.close()
    clauses = sum(1 for _ in Twins(model).clauses.all())
    parts = (statistics.median(getattr(each, part) for each in runs) for part in ("read", "clauses", "answer"))
    core_dead = statistics.median(each.core_dead for each in runs)
    return (file.stem, len(model.features), len(model.constraints), clauses, *parts, ours, core_dead, theirs, times)


def _click_row(file: Path, clicks: int) -> tuple[Cell, ...]:
    model = read_file(file)
    space = OptionSpace(model)
    measure(space, min(clicks, 20), 99, PAGE)
    found = measure(space, clicks, 1, PAGE)
    plain_page, plain_whole = plain(space, min(clicks, _PLAIN_CLICKS))
    space.close()
    change = p99(found.change) if found.change else None
    reason = p99(found.reason) if found.reason else None
    return (
        file.stem, len(model.features), len(found.page), p50(found.page), p99(found.page), p50(plain_page),
        ratio(p50(plain_page), p50(found.page)), p50(found.whole), p99(found.whole), p50(plain_whole),
        ratio(p50(plain_whole), p50(found.whole)), reason, change, found.session_bytes / 1e3,
    )  # fmt: skip


class Plain:
    """The peer: every clause of the model as it stands, and two questions for each option."""

    def __init__(self, model: FeatureModel) -> None:
        clauses = Clauses(model, merged=False)
        self._variables = clauses.variables
        self._solver: Any = Glucose4()
        for clause in clauses.all():
            self._solver.add_clause(clause)

    def states(self, choices: dict[int, bool], asked: Sequence[int]) -> dict[int, State]:
        """The state of each asked option."""
        given = [self._variables[each] if wanted else -self._variables[each] for each, wanted in choices.items()]
        found = {}
        for option in asked:
            can = self._solver.solve(assumptions=[*given, self._variables[option]])
            cannot = self._solver.solve(assumptions=[*given, -self._variables[option]])
            found[option] = State.SELECTABLE if can and cannot else State.FORCED if can else State.EXCLUDED
        return found

    def close(self) -> None:
        """Free the solver."""
        self._solver.delete()


def plain(space: OptionSpace, clicks: int) -> tuple[list[float], list[float]]:
    """Milliseconds of the peer for pages of the same walks, and for the whole model (of a large one for a part, scaled)."""
    peer = Plain(space.model)
    pages: list[float] = []
    wholes: list[float] = []
    everything = list(range(len(space.model.features)))
    step = max(1, len(everything) // 3_000)
    for click in walks(space, clicks, random.Random(1), PAGE):
        choices = dict(click.session.choices)
        begun = time.perf_counter()
        found = peer.states(choices, click.page)
        pages.append(1e3 * (time.perf_counter() - begun))
        if found != click.session.states(click.page).listed():
            raise AssertionError(f"the plain peer disagrees at {choices}")
        if len(wholes) < 3:
            part = everything[len(wholes) % step :: step]
            begun = time.perf_counter()
            found = peer.states(choices, part)
            wholes.append(1e3 * (time.perf_counter() - begun) * len(everything) / len(part))
            if found != click.session.states(part).listed():
                raise AssertionError(f"the plain peer disagrees at {choices}")
    peer.close()
    return pages, wholes


def flamapy() -> tuple[Path | None, str]:
    """The Python of flamapy's own environment, made if it is not there; or why there is none."""
    wanted = (Path(__file__).parent / "flamapy.txt").read_text()
    folder = home_folder() / "cache" / "flamapy"
    python, note = folder / "bin" / "python", folder / "requirements.txt"
    if python.exists() and note.exists() and note.read_text() == wanted:
        return python, ""
    print("making flamapy's environment", file=sys.stderr, flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, capture_output=True, timeout=120)
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r"]
        subprocess.run([*pip, str(Path(__file__).parent / "flamapy.txt")], check=True, capture_output=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"flamapy is not here, so it was not measured: {type(error).__name__} while its environment was made."
    note.write_text(wanted)
    return python, ""


def asked(python: Path, file: Path, limit: float) -> dict[str, Any] | None:
    """What flamapy says of a model; none where it did not end within the limit, or failed (its last word is shown)."""
    program = Path(__file__).parent / "flamapy_peer.py"
    try:
        done = subprocess.run([python, program, file], check=False, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        print(f"flamapy failed on {file.name}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr, flush=True)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _profile(report: Report, file: Path) -> None:
    profiled = Profiled()
    with profiled.running():
        space = OptionSpace(read_file(file))
        space.possible({})
    report.profiles[f"load {file.stem}"] = profiled.text()
    _ = space.prepared
    profiled = Profiled()
    with profiled.running():
        for click in walks(space, 50, random.Random(2), PAGE):
            click.session.states(click.page)
            click.session.states()
    report.profiles[f"clicks, {file.stem}"] = profiled.text()
    space.close()
