"""Any plan from what each one changed, and one plan beside another. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from batchone.chain.planning.diff import diff
from batchone.chain.planning.model import Assignment, Bound, JobOutcome, Objective, Plan
from batchone.contracts.planning import OrderChange, PlanDiff, PlannedOperation, PlanSummary, Shift, Spot

StoredChange = Sequence[object]
"""[item, op, run, equipment, position, setup start, start, end, tools and people], times as text."""


@dataclass(frozen=True)
class Past:
    """A plan as it was when it came into force. `plan` has what was not over by then; ends of orders count all of it."""

    summary: PlanSummary
    plan: Plan
    runs: Mapping[str, int]


def rebuilt(
    summary: PlanSummary,
    changes: Iterable[Sequence[StoredChange]],
    order_of: Mapping[tuple[str, str], str],
    due: Mapping[str, tuple[datetime, int]],
) -> Past:
    """The plan of a number from the changes of all plans up to it, the first one first. Operations of unknown orders are left
    out."""
    places: dict[tuple[str, str], StoredChange] = {}
    for rows in changes:
        for row in rows:
            places[str(row[0]), str(row[1])] = row
    every = [
        _assignment(row, order_of[key], summary.made)
        for key, row in places.items()
        if order_of.get(key) in due
    ]  # fmt: skip
    ends: dict[str, int] = {}
    for a in every:
        ends[a.job] = max(ends.get(a.job, a.end_s), a.end_s)
    outcomes = tuple(
        JobOutcome(order, end, end - round((due[order][0] - summary.made).total_seconds()), due[order][1])
        for order, end in ends.items()
        if end > 0
    )
    open_ = sorted((a for a in every if a.end_s > 0), key=lambda a: (a.start_s, a.operation))
    worth = Objective(summary.tardiness_s, summary.setup_s, summary.makespan_s)
    plan = Plan(summary.made, tuple(open_), outcomes, worth, Bound(0, 0), summary.method)
    return Past(summary, plan, {f"{item}/{op}": int(str(row[2])) for (item, op), row in places.items()})


def _assignment(row: StoredChange, order: str, origin: datetime) -> Assignment:
    item, op, _, equipment, position, *times = row[:8]
    setup, start, end = (round((datetime.fromisoformat(str(at)) - origin).total_seconds()) for at in times)
    # Plans before tools and people had their say do not tell of them.
    also = tuple((str(name), int(track)) for name, track in cast(Sequence[tuple[str, int]], row[8] if len(row) > 8 else ()))
    return Assignment(f"{item}/{op}", order, str(equipment), int(str(position)) - 1, setup, start, end, also)


def operations_of(past: Past) -> tuple[PlannedOperation, ...]:
    """The operations of a past plan."""
    plan = past.plan
    late = {job.job for job in plan.late_jobs()}
    return tuple(
        PlannedOperation(
            *split(a.operation)[:1], a.job, split(a.operation)[1], past.runs[a.operation], a.resource, a.track + 1,
            plan.at(a.setup_start_s), plan.at(a.start_s), plan.at(a.end_s), "running" if a.start_s < 0 else "planned",
            a.job in late, a.also,
        )
        for a in plan.assignments
    )  # fmt: skip


def compared(before: Past, after: Past, due: Mapping[str, tuple[datetime, int]]) -> PlanDiff:
    """What a plan differs in from an earlier one."""
    told = diff(before.plan, after.plan)
    moved = [shift(after.plan, each.was, each.now) for each in told.moved]
    added = [shift(after.plan, None, a) for a in told.added]
    removed = [shift(after.plan, a, None) for a in told.removed]
    orders = [
        OrderChange(job.job, due[job.job][0], after.plan.at(job.before_s), after.plan.at(job.after_s))
        for job in (*told.later, *told.earlier)
    ]
    return PlanDiff(before.summary, after.summary, (*moved, *added, *removed), tuple(orders))


def shift(plan: Plan, was: Assignment | None, now: Assignment | None) -> Shift:
    """An operation before and after, in the words of the contract; both in seconds from the plan's origin."""
    known = now or was
    assert known is not None
    item, op = split(known.operation)
    return Shift(item, known.job, op, _spot(plan, was), _spot(plan, now))


def _spot(plan: Plan, a: Assignment | None) -> Spot | None:
    return None if a is None else Spot(a.resource, a.track + 1, plan.at(a.start_s))


def split(operation: str) -> tuple[str, str]:
    """Item and op of an operation's id."""
    item, _, op = operation.rpartition("/")
    return item, op
