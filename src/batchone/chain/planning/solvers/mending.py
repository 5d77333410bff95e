"""Repair of great plans in compiled code; see `repair` for the rule."""

from __future__ import annotations

import numpy as np

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.schedule import UNPLACED, Schedule
from batchone.chain.planning.solvers.mending_kernel import Old, mend_all
from batchone.chain.planning.solvers.placing_kernel import begun
from batchone.chain.planning.solvers.sequence import heads_of, schedule_of
from batchone.chain.planning.solvers.tables import tables_of


def mended(
    compiled: Compiled, place: list[tuple[int, int]], wish: list[int], rank: list[int], new: list[int]
) -> Schedule | None:
    """The plan's operations as a schedule, those of `new` left out; None if calendars leave no time for one.

    `place`: resource and track that each operation keeps if it can; `wish`: its old start; `rank`: its place in the plan.
    """
    tables = tables_of(compiled)
    at = tables.resource["track_at"]
    track = np.array([-1 if r == UNPLACED else at[r] + k for r, k in place], np.int32)
    left_out = np.zeros(compiled.n, np.bool_)
    left_out[new] = True
    wishes = np.array(wish, np.int64)
    movable = np.array([i for i in range(compiled.n) if i not in compiled.heads and track[i] >= 0], np.int64)
    order = movable[np.lexsort((wishes[movable], track[movable]))] if len(movable) else movable
    planned_at = np.searchsorted(track[order], np.arange(len(tables.track) + 1)).astype(np.int32)
    old = Old(
        track,
        wishes,
        np.array(rank, np.int32),
        left_out,
        np.array(compiled.latest, np.int64),
        planned_at,
        order.astype(np.int32),
    )
    heads = heads_of(compiled)
    state = begun(tables, heads)
    if mend_all(tables, state, old, len(heads)) < compiled.n - len(new):
        return None
    schedule = schedule_of(compiled, tables, state)
    schedule.placed = compiled.n - len(new)
    return schedule
