"""Flow lines among the problems: which problem is one, and its search as every other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from batchone.chain.planning.compiled import NO_KEY, Compiled
from batchone.chain.planning.model import Measure
from batchone.chain.planning.replay import replay
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.solvers.hybrid import HybridSearch
from batchone.chain.planning.solvers.line import LIMIT_S, LineSearch
from batchone.chain.planning.solvers.tables import Ints


@dataclass(frozen=True)
class Flow:
    """Jobs that all go through the same stages: the operation and the seconds of each job at each stage, and the resource (or
    the resources, alike) of each stage."""

    operation: Ints
    seconds: Ints
    stages: tuple[tuple[int, ...], ...]


def line_of(compiled: Compiled) -> Flow | None:
    """The flow of a line on which nobody passes, if the problem is one and nothing else."""
    problem = compiled.problem
    if len(problem.no_passing) != 1 or problem.aim[0] not in (Measure.MAKESPAN, Measure.TARDINESS) or problem.weights:
        return None
    flow = _flow(compiled)
    if flow is None or any(len(stage) > 1 or compiled.positions[stage[0]] > 1 for stage in flow.stages):
        return None
    names = {problem.resources[stage[0]].id for stage in flow.stages}
    keyed = [i for i in range(compiled.n) if compiled.key[i] != NO_KEY]
    return flow if names == set(problem.no_passing[0]) and len(keyed) in (0, compiled.n) and _in_range(compiled, flow) else None


def stages_of(compiled: Compiled) -> Flow | None:
    """The flow of a line of stages with alike machines side by side and no setups, if the problem is one and nothing else."""
    if compiled.extras or compiled.problem.aim[0] is not Measure.MAKESPAN or compiled.problem.weights:
        return None
    if any(table is not None for table in compiled.setup):
        return None
    flow = _flow(compiled)
    if flow is None or all(sum(compiled.positions[r] for r in stage) == 1 for stage in flow.stages):
        return None
    return flow if _in_range(compiled, flow) else None


def _flow(compiled: Compiled) -> Flow | None:
    c = compiled
    op_extras = any(op.waits or op.needs or op.batch_key is not None for op in c.problem.operations)
    if not c.n or c.heads or op_extras or any(m.crew for m in c.problem.setups) or not all(cal.always for cal in c.calendar):
        return None
    members: list[list[int]] = [[] for _ in c.due]
    for i in c.topological:
        members[c.job[i]].append(i)
    jobs = [ops for ops in members if ops]
    stages = [tuple(r for r, _ in c.options[i]) for i in jobs[0]]
    apart = len({r for stage in stages for r in stage}) == sum(len(stage) for stage in stages)
    if not apart or len(jobs) < len(members) or not all(_follows(c, ops, stages) for ops in jobs):
        return None
    if any(c.available[r] or any(k != NO_KEY for k in c.key0[r]) for stage in stages for r in stage):
        return None
    seconds = np.array([[c.options[i][0][1] for i in ops] for ops in jobs], np.int64)
    return Flow(np.array(jobs, np.int64), seconds, tuple(stages))


def _follows(c: Compiled, ops: list[int], stages: list[tuple[int, ...]]) -> bool:
    """Whether a job goes through the stages one after another, equally long wherever it is done."""
    if len(ops) != len(stages) or any(c.ready[i] != c.ready[ops[0]] for i in ops[1:]):
        return False
    chain = all(c.preds[i] == ((ops[s - 1],) if s else ()) for s, i in enumerate(ops))
    return chain and all(
        tuple(r for r, _ in c.options[i]) == stage and len({s for _, s in c.options[i]}) == 1
        for i, stage in zip(ops, stages, strict=True)
    )


def _in_range(compiled: Compiled, flow: Flow) -> bool:
    setups = sum(max((m.change_s, m.first_s, *(s for _, _, s in m.pairs)), default=0) for m in compiled.problem.setups)
    return int(flow.seconds.sum()) + max(compiled.ready) + setups * len(flow.seconds) < LIMIT_S


class Line:
    """The search of a line on which nobody passes."""

    method = "line"

    def __init__(self, compiled: Compiled, seed: int, start: Schedule | None) -> None:
        flow = line_of(compiled)
        assert flow is not None
        self._compiled, self._flow = compiled, flow
        by: Literal["makespan", "tardiness"] = "makespan" if compiled.problem.aim[0] is Measure.MAKESPAN else "tardiness"
        first = flow.operation[:, 0]
        due = np.array([LIMIT_S if compiled.due[j] is None else compiled.due[j] for j in range(len(compiled.due))], np.int64)
        release = np.array([compiled.ready[i] for i in first], np.int64)
        weight = np.array(compiled.weight, np.int64)
        self._search = LineSearch(flow.seconds, _setups(compiled, flow), release, due, weight, by, seed)
        if start is not None:
            self._search.learn(np.argsort([start.start[i] for i in first], kind="stable").astype(np.int64))
        n, m = flow.seconds.shape
        self.stride = max(20, 60_000_000 // (n * m * 10))

    @property
    def worth(self) -> tuple[int, ...]:
        """The first measure."""
        return (self._search.best,)

    def run(self, steps: int) -> bool:
        """Scans of all places of a job."""
        return self._search.run(steps)

    def learn(self, other: Line) -> None:
        """Takes another order over, if it is better."""
        self._search.learn(other._search.order())

    def schedule(self) -> Schedule:
        """The order, timed."""
        rank = [0] * self._compiled.n
        for place, j in enumerate(self._search.order().tolist()):
            for i in self._flow.operation[j].tolist():
                rank[i] = place
        resource = [options[0][0] for options in self._compiled.options]
        timed = replay(self._compiled, resource, [0] * self._compiled.n, rank)
        assert timed is not None
        return timed


def _setups(compiled: Compiled, flow: Flow) -> Ints | None:
    """Seconds by machine, job before (the last row: from nothing) and job after."""
    tables = [compiled.setup[stage[0]] for stage in flow.stages]
    if all(table is None for table in tables) or compiled.key[int(flow.operation[0, 0])] == NO_KEY:
        return None
    n = len(flow.operation)
    out = np.zeros((len(tables), n + 1, n), np.int64)
    for s, table in enumerate(tables):
        keys = [compiled.key[i] for i in flow.operation[:, s].tolist()]
        for b, before in enumerate([*keys, NO_KEY]):
            row = table[before] if table is not None else dict.fromkeys(keys, 0)
            out[s, b] = [row[after] for after in keys]
    return out


class Hybrid:
    """The search of a line of stages with machines side by side."""

    method = "hybrid"

    def __init__(self, compiled: Compiled, seed: int) -> None:
        flow = stages_of(compiled)
        assert flow is not None
        self._compiled, self._flow = compiled, flow
        self._places = [[(r, k) for r in stage for k in range(compiled.positions[r])] for stage in flow.stages]
        machines = np.array([len(places) for places in self._places], np.int64)
        release = np.array([compiled.ready[i] for i in flow.operation[:, 0]], np.int64)
        self._search = HybridSearch(flow.seconds, machines, release, seed)
        n, stages = flow.seconds.shape
        self.stride = max(20, 4_000_000 // (n * stages))

    @property
    def worth(self) -> tuple[int, ...]:
        """The makespan."""
        return (int(self._search.best),)

    def run(self, steps: int) -> bool:
        """Orders tried."""
        return self._search.run(steps)

    def learn(self, other: Hybrid) -> None:
        """Takes another schedule over, if it is better."""
        self._search.learn(other._search.starts()[0])

    def schedule(self) -> Schedule:
        """The schedule, timed."""
        c = self._compiled
        starts, machine = self._search.starts()
        resource, track, order = [0] * c.n, [0] * c.n, [0] * c.n
        for s, places in enumerate(self._places):
            for j, i in enumerate(self._flow.operation[:, s].tolist()):
                resource[i], track[i] = places[int(machine[j, s])]
                order[i] = int(starts[j, s])
        timed = replay(c, resource, track, order)
        assert timed is not None
        return timed
