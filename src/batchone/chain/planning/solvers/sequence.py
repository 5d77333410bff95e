"""Search over sequences of operations: the search for every problem, whatever it is made of.

Any problem that can be written down can be searched this way, since placing knows all of its rules; shops and lines of a
plain kind have faster searches of their own (`shop`, `line`, `hybrid`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.model import Measure
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.solvers.placing_kernel import BEHIND, State, begun, copied, measure, new_state, no_genes, place_all
from batchone.chain.planning.solvers.sequence_kernel import MARKS, Walk, copy_state, cost_of, remember, search
from batchone.chain.planning.solvers.tables import Ints, Records, Tables, tables_of

LATE = 100
"""How many steps back a candidate is compared with."""


class SequenceSearch:
    """One walk over sequences, resumable; `best` never gets worse. Two of them may run in two threads."""

    def __init__(self, compiled: Compiled, seed: int, start: Schedule | None = None, tables: Tables | None = None) -> None:
        self.compiled = compiled
        self.tables = tables_of(compiled) if tables is None else tables
        self.genes = no_genes(compiled.n)
        self._whole_jobs = bool(compiled.problem.no_passing)
        self._ranks = np.array([list(Measure).index(m) for m in compiled.problem.aim], np.int32)
        self.best = placed(compiled, self.tables, self._first(start), self.genes)
        self._now, self._trial = copied(self.best), copied(self.best)
        self._marks = np.zeros((MARKS, len(self.tables.track)), BEHIND)
        self._marks[0] = new_state(self.tables).at
        if compiled.extras and compiled.heads:
            self._marks[0] = begun(self.tables, heads_of(compiled)).at
        worth = np.zeros(6, np.int64)
        measure(self.tables, self.best, worth)
        cost = cost_of(self.tables, worth)
        self._walk = Walk(
            np.full(LATE, cost), np.array([cost]), worth.copy(), worth, np.array([seed * 2654435761 + 88172645463325252]),
            np.zeros(3, np.int64),
        )  # fmt: skip
        remember(self.tables, self._now, self._marks, 0)

    def _first(self, start: Schedule | None) -> Sequence[int]:
        """The sequence to begin with: as a schedule has it, else by urgency, whole jobs where nobody passes."""
        c = self.compiled
        if start is not None:
            return start.order()
        rank = {i: position for position, i in enumerate(c.topological)}
        if self._whole_jobs:
            urgent = sorted(range(len(c.due)), key=lambda j: min((c.latest[i] for i in self._ops(j)), default=0))
            return [i for j in urgent for i in sorted(self._ops(j), key=lambda i: rank[i])]
        return sorted(range(c.n), key=lambda i: (c.latest[i], rank[i]))

    def _ops(self, j: int) -> list[int]:
        jobs = self.tables.jobs["op_at"]
        return [int(i) for i in self.tables.job_op[jobs[j] : jobs[j + 1]]]

    @property
    def worth(self) -> Ints:
        """The measures of the best, in the order of `Measure`."""
        return self._walk.best_worth

    @property
    def steps(self) -> int:
        """Steps done."""
        return int(self._walk.tally[0])

    def run(self, steps: int) -> bool:
        """Does so many steps; whether the best became better."""
        return bool(
            search(
                self.tables, self.genes, self._now, self._trial, self.best, self._marks, self._walk, self._ranks,
                bool(self.compiled.problem.weights), self._whole_jobs, steps,
            )
        )  # fmt: skip

    def learn(self, other: SequenceSearch) -> None:
        """Goes on from another walk's best."""
        copy_state(self._now, other.best)
        copy_state(self.best, other.best)
        self.genes[:] = other.genes
        self._walk.best_worth[:], self._walk.worth[:] = other.worth, other.worth
        self._walk.cost[0] = cost_of(self.tables, other.worth)
        self._walk.late[:] = self._walk.cost[0]
        remember(self.tables, self._now, self._marks, 0)

    def adopt(self, state: State) -> None:
        """Goes on from a placed state, made by other means."""
        worth = np.zeros(len(Measure), np.int64)
        measure(self.tables, state, worth)
        copy_state(self._now, state)
        copy_state(self.best, state)
        self.genes[:] = no_genes(self.compiled.n)
        self._walk.best_worth[:], self._walk.worth[:] = worth, worth
        self._walk.cost[0] = cost_of(self.tables, worth)
        self._walk.late[:] = self._walk.cost[0]
        remember(self.tables, self._now, self._marks, 0)

    def schedule(self) -> Schedule:
        """The best as a schedule."""
        return schedule_of(self.compiled, self.tables, self.best)


def placed(compiled: Compiled, tables: Tables, order: Sequence[int], genes: Records) -> State:
    """All operations placed in turn. `Refused` if calendars run out, or what must follow soon cannot."""
    heads = heads_of(compiled)
    state = begun(tables, heads)
    rest = [i for i in order if i not in heads]
    turns = np.array([*state.order[: len(heads)], *rest], np.int32)
    if not place_all(tables, state, genes, turns, len(heads)):
        raise compiled.impossible(next((i for i in rest if state.op[i]["resource"] < 0), rest[0]))
    return state


def schedule_of(compiled: Compiled, tables: Tables, state: State) -> Schedule:
    """A placed state as a schedule."""
    schedule = Schedule(compiled)
    op = state.op
    schedule.resource, schedule.track = op["resource"].tolist(), op["track"].tolist()
    schedule.setup_start, schedule.start = op["setup_start"].tolist(), op["start"].tolist()
    schedule.end, schedule.need = op["end"].tolist(), op["need"].tolist()
    schedule.placed = compiled.n
    schedule.also |= _also(compiled, tables, state)
    return schedule


def _also(compiled: Compiled, tables: Tables, state: State) -> dict[int, tuple[tuple[int, int], ...]]:
    out = {}
    for i in range(compiled.n if compiled.extras else 0):
        lo, hi = int(tables.op[i]["need_at"]) + i, int(tables.op[i + 1]["need_at"]) + i
        tracks = [int(k) for k in state.also[lo : hi + 1] if k >= 0]
        if tracks:
            resources = [int(tables.track[k]["resource"]) for k in tracks]
            out[i] = tuple((r, k - int(tables.resource[r]["track_at"])) for r, k in zip(resources, tracks, strict=True))
    return out


def heads_of(compiled: Compiled) -> dict[int, tuple[int, int, int, int, int, int]]:
    """Where the fixed operations stand."""
    return {i: (h.resource, h.track, h.setup_start_s, h.start_s, h.end_s, h.setup_s) for i, h in compiled.heads.items()}
