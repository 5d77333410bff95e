"""A bound of the makespan by CP-SAT, over the problem without its calendars' breaks and its setups.

What is left out can only make a plan longer, so what no plan of the rest can go below, no plan of the whole can. The order
of the best plan of the rest that was met is told, too: timed with everything that was left out it may be a better plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ortools.sat.python import cp_model

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.schedule import Schedule

_MANY_OPTIONS = 20_000
"""With more alternatives the model takes longer to build than the bound is worth."""


@dataclass(frozen=True, slots=True)
class Relaxed:
    """The bound, in seconds, and the order of a plan that was met: resource and start of each operation."""

    bound_s: int
    order: tuple[list[int], list[int]] | None = None


def relaxed(compiled: Compiled, known: Schedule, limit_s: float, seed: int, workers: int) -> Relaxed:
    """The best bound found in so many seconds (0 if none was), beginning from a plan that is known."""
    c, makespan_s = compiled, max(known.end, default=0)
    if c.heads or sum(len(options) for options in c.options) > _MANY_OPTIONS or makespan_s <= 0:
        return Relaxed(0)
    model = _Model(c, known, makespan_s)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(0.1, limit_s)
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed
    status = solver.solve(model.cp)
    if status == cp_model.INFEASIBLE:
        return Relaxed(makespan_s)
    bound_s = max(0, round(solver.best_objective_bound))
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Relaxed(bound_s if status == cp_model.UNKNOWN else 0)
    taken = [next((r, solver.value(start)) for r, here, start in each if solver.boolean_value(here)) for each in model.ways]
    return Relaxed(bound_s, ([r for r, _ in taken], [start for _, start in taken]))


class _Model:
    """The problem without breaks and setups. `ways`: of each operation, resource, whether it is there, and its start."""

    def __init__(self, compiled: Compiled, known: Schedule, makespan_s: int) -> None:
        c, self.cp = compiled, cp_model.CpModel()
        self.ways: list[list[tuple[int, Any, Any]]] = [[] for _ in range(c.n)]
        ends = [self.cp.new_int_var(0, makespan_s, "") for _ in range(c.n)]
        on: list[list[Any]] = [[] for _ in range(c.m)]
        for i in range(c.n):
            # All alternatives share one start: the solver's own neighbourhoods move operations, not alternatives of them.
            start = self.cp.new_int_var(c.ready[i], makespan_s, "")
            for p, lag in zip(c.preds[i], c.lags[i], strict=True):
                self.cp.add(start >= ends[p] + lag)
            for r, seconds in c.options[i]:
                here = self.cp.new_bool_var("") if len(c.options[i]) > 1 else self.cp.new_constant(1)
                on[r].append(self.cp.new_optional_interval_var(start, seconds, ends[i], here, ""))
                self.ways[i].append((r, here, start))
                if c.available[r] > c.ready[i]:
                    self.cp.add(start >= c.available[r]).only_enforce_if(here)
            self.cp.add_exactly_one(here for _, here, _ in self.ways[i])
        for r, intervals in enumerate(on):
            capacity = c.positions[r] * c.problem.resources[r].batch
            if capacity == 1:
                self.cp.add_no_overlap(intervals)
            elif intervals:
                self.cp.add_cumulative(intervals, [1] * len(intervals), capacity)
        self._begin_from(known)
        whole = self.cp.new_int_var(0, makespan_s, "")
        self.cp.add_max_equality(whole, ends)
        self.cp.minimize(whole)

    def _begin_from(self, known: Schedule) -> None:
        for i, each in enumerate(self.ways):
            self.cp.add_hint(each[0][2], known.start[i])
            for r, here, _ in each if len(each) > 1 else ():
                self.cp.add_hint(here, r == known.resource[i])
