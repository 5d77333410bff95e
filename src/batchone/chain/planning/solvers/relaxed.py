"""A bound of the makespan by CP-SAT, over the problem without its calendars' breaks and its setups.

What is left out can only make a plan longer, so what no plan of the rest can go below, no plan of the whole can.
"""

from __future__ import annotations

from typing import Any

from ortools.sat.python import cp_model

from batchone.chain.planning.compiled import Compiled

_MANY_OPTIONS = 20_000
"""With more alternatives the model takes longer to build than the bound is worth."""


def makespan_bound(compiled: Compiled, makespan_s: int, limit_s: float, seed: int, workers: int) -> int:
    """The best bound found in so many seconds; 0 if none was. `makespan_s`: of a plan that is known."""
    c = compiled
    if c.heads or sum(len(options) for options in c.options) > _MANY_OPTIONS or makespan_s <= 0:
        return 0
    cp = cp_model.CpModel()
    ends = [cp.new_int_var(0, makespan_s, "") for _ in range(c.n)]
    on: list[list[tuple[Any, int]]] = [[] for _ in range(c.m)]
    for i in range(c.n):
        choices = []
        for r, seconds in c.options[i]:
            here = cp.new_bool_var("") if len(c.options[i]) > 1 else cp.new_constant(1)
            start = cp.new_int_var(max(c.ready[i], c.available[r]), makespan_s, "")
            on[r].append((cp.new_optional_interval_var(start, seconds, ends[i], here, ""), seconds))
            choices.append(here)
            for p, lag in zip(c.preds[i], c.lags[i], strict=True):
                cp.add(start >= ends[p] + lag).only_enforce_if(here)
        cp.add_exactly_one(choices)
    for r, intervals in enumerate(on):
        capacity = c.positions[r] * c.problem.resources[r].batch
        if capacity == 1:
            cp.add_no_overlap([interval for interval, _ in intervals])
        elif intervals:
            cp.add_cumulative([interval for interval, _ in intervals], [1] * len(intervals), capacity)
    whole = cp.new_int_var(0, makespan_s, "")
    cp.add_max_equality(whole, ends)
    cp.minimize(whole)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(0.1, limit_s)
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed
    status = solver.solve(cp)
    if status == cp_model.INFEASIBLE:
        return makespan_s
    return (
        max(0, round(solver.best_objective_bound)) if status in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN) else 0
    )
