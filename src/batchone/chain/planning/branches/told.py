"""What the engine found, in the words of the contracts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from batchone.chain.planning.bottleneck import Bottlenecks as Found
from batchone.chain.planning.branches.draft import Draft, orders_changed
from batchone.chain.planning.diff import diff
from batchone.chain.planning.explain import Explanation
from batchone.chain.planning.hand import Effect, Illegal, Moved, Place
from batchone.chain.planning.history import shift, split
from batchone.chain.planning.model import Assignment, Objective, Plan
from batchone.chain.planning.picture import OpenOperation, Picture
from batchone.contracts.by_hand import Bottleneck, Bottlenecks, BranchResult, GivenUp, MoveCheck, Reasons, Share
from batchone.contracts.planning import OrderChange, PlannedOperation, Spot, Worth

_SHIFTS_TOLD = 200
_WAITING_TOLD = 12


def worth_of(plan: Plan) -> Worth:
    """What a plan is worth."""
    return _worth(plan.objective, len(plan.late_jobs()))


def _worth(objective: Objective, late: int) -> Worth:
    return Worth(late, objective.weighted_tardiness_s, objective.setup_s, objective.makespan_s)


def checked(found: Moved | Illegal, plan: Plan, picture: Picture, start_s: int) -> MoveCheck:
    """A move, or why not."""
    now = worth_of(plan)
    if isinstance(found, Illegal):
        behind = plan.by_operation.get(found.behind) if found.behind else None
        return MoveCheck(
            legal=False, start=plan.at(start_s), end=None, position=None, before=now, after=now, orders=(), pushed=0,
            why=found.why.value, behind=None if behind is None else operation(behind, plan, picture),
            since=None if found.since_s is None else plan.at(found.since_s),
            sooner=_spot(found.sooner, plan), later=_spot(found.later, plan),
        )  # fmt: skip
    effect, a = found.effect, found.now[0]
    return MoveCheck(
        legal=True, start=plan.at(a.start_s), end=plan.at(a.end_s), position=a.track + 1, before=now,
        after=_worth(effect.after, now.late_orders + _more_late(effect)), pushed=len(found.pushed),
        orders=tuple(
            OrderChange(job.job, _due(picture, job.job), plan.at(job.before_s), plan.at(job.after_s))
            for job in sorted(effect.jobs, key=lambda job: (job.before_s - job.after_s, job.job))
        ),
    )  # fmt: skip


def _more_late(effect: Effect) -> int:
    return sum(job.becomes_late for job in effect.jobs) - sum(job.becomes_timely for job in effect.jobs)


def _spot(place: Place | None, plan: Plan) -> Spot | None:
    return None if place is None else Spot(place.resource, place.track + 1, plan.at(place.start_s))


def _due(picture: Picture, order: str) -> datetime:
    return next((each.due for each in picture.orders if each.id == order), picture.now)


def operation(a: Assignment, plan: Plan, picture: Picture) -> PlannedOperation:
    """An assignment as a planned operation."""
    return operations([a], plan, picture)[0]


def operations(found: Sequence[Assignment], plan: Plan, picture: Picture) -> tuple[PlannedOperation, ...]:
    """Assignments as planned operations."""
    wanted = {a.operation for a in found}
    known = {each.id: each for each in picture.operations if each.id in wanted}
    return tuple(_operation(a, plan, known.get(a.operation)) for a in found)


def _operation(a: Assignment, plan: Plan, known: OpenOperation | None) -> PlannedOperation:
    item, op = split(a.operation)
    outcome = plan.by_job.get(a.job)
    return PlannedOperation(
        item, a.job, op, known.run if known else 1, a.resource, a.track + 1, plan.at(a.setup_start_s), plan.at(a.start_s),
        plan.at(a.end_s), known.state if known else "planned", outcome is not None and outcome.late,  # type: ignore[arg-type]
        a.also,
    )  # fmt: skip


_WORDS = {
    "place": "the operation cannot be done there",
    "fixed": "it, or what stands in the way, is at a machine already",
    "pinned": "what stands in the way was put there by a planner",
    "frozen": "the place is, or was, too near in time to be changed",
    "past": "it would start before now",
    "material": "its material comes later",
    "down": "the machine is not there until later",
    "calendar": "the machine does not work at that time",
    "busy": "another operation has the position",
    "setup": "the setup before it, or before the one behind it, does not fit",
    "predecessor": "an operation before it in its item ends later",
    "successor": "an operation after it in its item begins sooner",
    "wait": "the time after its predecessor would be too short or too long",
    "need": "a tool, a skill or the setup crew is taken",
    "batch": "it is done together with others",
    "passing": "on its line nobody passes",
}


def illegal_words(found: MoveCheck) -> tuple[str, str]:
    """Why not, and what to do, for whoever reads an error."""
    behind = f" ({found.behind.item}/{found.behind.op})" if found.behind else ""
    near = [f"{spot.start.isoformat()} on {spot.equipment}" for spot in (found.sooner, found.later) if spot]
    cure = f"It could start at {' or at '.join(near)}." if near else "Choose another machine, or move what is in the way."
    return f"The move is not legal: {_WORDS[found.why]}{behind}.", cure


def result_of(
    picture: Picture, before: Plan, found: Draft, in_force: int, made: datetime, hypothetical: tuple[str, ...], solve_s: float
) -> BranchResult:
    """A branch beside the plan in force."""
    plan = found.plan
    told = diff(before, plan)
    moved = sorted(told.moved, key=lambda each: (not each.elsewhere, -abs(each.now.start_s - each.was.start_s)))
    return BranchResult(
        plan=in_force, made=made, before=worth_of(before), after=worth_of(plan),
        orders=tuple(
            OrderChange(order, _due(picture, order), _at(plan, was), _at(plan, now))
            for order, was, now in orders_changed(before, plan)
        ),
        shifts=tuple(shift(plan, each.was, each.now) for each in moved[:_SHIFTS_TOLD]),
        moved=len(moved),
        given_up=tuple(GivenUp(*split(move.operation), why.why.value) for move, why in found.given_up),
        hypothetical=hypothetical, method=plan.produced_by, solve_s=round(solve_s, 3),
    )  # fmt: skip


def _at(plan: Plan, second: int | None) -> datetime | None:
    return None if second is None else plan.at(second)


def news_between(
    seen: BranchResult, before: Plan, plan: Plan, picture: Picture, tolerance: timedelta
) -> tuple[OrderChange, ...]:
    """Orders that a branch, planned anew, makes later than was seen by more than a tolerance, or late where it did not.

    What was not shown was to end as in the plan in force, so it is compared with that plan as it is now.
    """
    shown = {each.order: each.after for each in seen.orders}
    news = []
    for job in plan.jobs:
        old, due, now = before.by_job.get(job.job), _due(picture, job.job), plan.at(job.end_s)
        was = shown[job.job] if job.job in shown else None if old is None else before.at(old.end_s)
        if was is not None and now > was and (now - was > tolerance or was <= due < now):
            news.append(OrderChange(job.job, due, was, now))
    return tuple(news)


def reasons_of(told: Explanation, plan: Plan, picture: Picture, pinned: frozenset[str]) -> Reasons:
    """Why an order ends when it does."""
    orders = {a.operation: a for a in plan.assignments}
    shares, since = [], 0
    for share in told.shares:
        item, op = split(share.operation)
        cause = "pinned" if share.cause in ("material", "kept", "calendar") and share.operation in pinned else share.cause
        job = orders[share.operation].job
        shares.append(Share(cause, share.resource, item, op, job, plan.at(since), share.seconds))
        since += share.seconds
    return Reasons(told.job, plan.at(told.end_s), _due(picture, told.job), tuple(shares))


def bottlenecks_of(found: Found, plan: Plan, picture: Picture) -> Bottlenecks:
    """What work waits for."""
    late = len(plan.late_jobs())
    return Bottlenecks(
        _worth(found.worth, late),
        tuple(
            Bottleneck(
                load.resource, round(load.share, 4), load.busy_s, load.setup_s, load.waiting_s,
                tuple(operation(plan.by_operation[name], plan, picture) for name in load.waiting[:_WAITING_TOLD]),
                None if load.hour is None else _worth(load.hour, late),
                None if load.position is None else _worth(load.position, late),
            )
            for load in found.loads
        ),
    )  # fmt: skip
