"""The order of a plan timed anew: what the same plan would be worth if some resource were otherwise."""

from __future__ import annotations

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.model import Assignment, Objective, Plan, Problem
from batchone.chain.planning.replay import replay
from batchone.chain.planning.schedule import UNPLACED, Schedule


def retimed(problem: Problem, plan: Plan, *, anywhere: str = "") -> Objective | None:
    """The worth of a plan's order with every operation as soon as it can be where it is; on one resource on any track.

    None if that cannot be told. Tools, people and crews are chosen anew from those that could do it, as a search does. Where
    one must not wait too long for another, both are placed at once, and the order of the plan may not come out: see `keeps`.
    """
    schedule = _timed(problem, plan, anywhere)
    return None if schedule is None else schedule.objective()


def keeps(problem: Problem, plan: Plan) -> Objective | None:
    """The worth of a plan's order timed anew, if that keeps it: the same operations in the same order on every track, and none
    ends later than in the plan. Only then does what a change saves come from the change alone. Where nothing but tracks, setups
    and calendars have their say, the order is always kept."""
    schedule = _timed(problem, plan, "")
    if schedule is None or not schedule.c.extras:
        return None if schedule is None else schedule.objective()
    ids = [op.id for op in problem.operations]
    order: dict[tuple[int, int], list[str]] = {}
    for a in sorted(plan.assignments, key=lambda a: (a.start_s, a.end_s, a.setup_start_s)):
        order.setdefault((schedule.c.resource_index[a.resource], a.track), []).append(a.operation)
    alike = all(
        sorted(order[place], key=lambda name: schedule.start[schedule.c.operation_index[name]]) == order[place]
        and {ids[i] for i in sequence} == set(order[place])
        for place, sequence in schedule.sequences().items()
    )
    later = any(end > plan.by_operation[name].end_s for name, end in zip(ids, schedule.end, strict=True))
    return schedule.objective() if alike and not later else None


def _timed(problem: Problem, plan: Plan, anywhere: str) -> Schedule | None:
    compiled = Compiled(problem)
    places = [plan.by_operation[op.id] for op in problem.operations]
    if compiled.extras:
        return _placed(compiled, places, anywhere)
    resources = [compiled.resource_index[a.resource] for a in places]
    tracks = [UNPLACED if a.resource == anywhere else a.track for a in places]
    return replay(compiled, resources, tracks, [a.start_s for a in places])


def _placed(compiled: Compiled, places: list[Assignment], anywhere: str) -> Schedule | None:
    """The same where tools, crews, batches, waits or lines have their say: placed one after another by their starts."""
    on_lines = {name for line in compiled.problem.no_passing for name in line}
    if any(resource.id in on_lines and resource.positions > 1 for resource in compiled.problem.resources):
        # Beside each other on one resource jobs could pass unseen.
        return None
    # Only compiled placing knows them; it is imported where it is needed.
    import numpy as np  # noqa: PLC0415

    from batchone.chain.planning.solvers.placing_kernel import begun, no_genes, place_all  # noqa: PLC0415
    from batchone.chain.planning.solvers.sequence import heads_of, schedule_of  # noqa: PLC0415
    from batchone.chain.planning.solvers.tables import tables_of  # noqa: PLC0415

    tables, genes, heads = tables_of(compiled), no_genes(compiled.n), heads_of(compiled)
    for i, a in enumerate(places):
        genes[i] = (compiled.resource_index[a.resource], UNPLACED if a.resource == anywhere else a.track, 0)
    rank = {i: position for position, i in enumerate(compiled.topological)}

    def turn(i: int) -> tuple[int, int, int, int, int]:
        # Of a batch the one that comes last opens it, so that the others can join.
        a = places[i]
        comes = max([compiled.ready[i], *(places[p].end_s + compiled.lag(p, i) for p in compiled.preds[i])])
        return a.start_s, a.end_s, a.setup_start_s, -comes, rank[i]

    state = begun(tables, heads)
    rest = sorted((i for i in range(compiled.n) if i not in heads), key=turn)
    order = np.array([*state.order[: len(heads)], *rest], np.int32)
    return schedule_of(compiled, tables, state) if place_all(tables, state, genes, order, len(heads)) else None
