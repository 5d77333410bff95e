"""Repair by placing: each operation at the place and not before the second that the plan in force gave it."""

from __future__ import annotations

import numpy as np

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.model import Plan
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.solvers.placing_kernel import begun, no_genes, place_all
from batchone.chain.planning.solvers.sequence import heads_of, placed, schedule_of
from batchone.chain.planning.solvers.tables import tables_of


def kept_by_placing(compiled: Compiled, old: Plan) -> Schedule:
    """The plan in force (in seconds of the problem's origin) made to hold again. `Refused` if nothing can be placed."""
    tables, genes = tables_of(compiled), no_genes(compiled.n)
    turn = list(compiled.latest)
    for i, op in enumerate(compiled.problem.operations):
        a = old.by_operation.get(op.id)
        if a is None:
            continue
        turn[i] = max(0, a.start_s)
        r = compiled.resource_index.get(a.resource, -1)
        able = any(r == where for where, _ in compiled.options[i]) and a.track < compiled.positions[r]
        if able and (compiled.available[r] <= turn[i] or len(compiled.options[i]) == 1):
            genes[i] = (r, a.track, turn[i])
    rank = {i: position for position, i in enumerate(compiled.topological)}
    order = sorted(range(compiled.n), key=lambda i: (turn[i], rank[i]))
    if compiled.problem.no_passing:
        first: dict[int, int] = {}
        for i in order:
            first.setdefault(compiled.job[i], len(first))
        order.sort(key=lambda i: (first[compiled.job[i]], rank[i]))
    heads = heads_of(compiled)
    state = begun(tables, heads)
    rest = [i for i in order if i not in heads]
    if not place_all(tables, state, genes, np.array([*state.order[: len(heads)], *rest], np.int32), len(heads)):
        # What holds it in place cannot be kept: in the same order, then, wherever there is room.
        state = placed(compiled, tables, order, no_genes(compiled.n))
    return schedule_of(compiled, tables, state)
