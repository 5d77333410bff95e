"""A promise: items inserted into the plan in force, the reasons for the date, and what would make it earlier.

Pure. How far the inserted finish can be believed is `honesty`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from batchone.chain.planning.honesty import Delivery
from batchone.chain.planning.hours import with_intervals
from batchone.chain.planning.insertion import JobInsertion, insert
from batchone.chain.planning.limits import Cause
from batchone.chain.planning.model import DAY_S, Alternative, Job, Operation, Problem, Wait
from batchone.chain.planning.timeline import Timeline
from batchone.chain.planning.words import REASONS_MAX, WORTH_TELLING_S, machine_name, reason
from batchone.contracts.design import Exploded
from batchone.contracts.pack import Pack
from batchone.contracts.sales import Reason
from batchone.contracts.sourcing import MaterialDate

OVERTIME_WITHIN_S = 8 * DAY_S
"""Overtime is looked for in the next week and a day."""


@dataclass(frozen=True)
class Inserted:
    """Where every item of a possible order fits; `operations` are what was put into the timeline, in the order of items."""

    finish_s: int
    items: tuple[JobInsertion, ...]
    operations: tuple[Operation, ...]

    @property
    def last(self) -> JobInsertion:
        """The item that is finished last."""
        return max(self.items, key=lambda each: each.completion_s)


def routed(exploded: Exploded, item: str, order: str, earliest: Mapping[str, int]) -> tuple[Operation, ...]:
    """The operations of one item; `earliest` seconds by op, from its material."""
    known = {step.op for step in exploded.operations}
    return tuple(
        Operation(
            id=f"{item}/{step.op}",
            job=order,
            alternatives=(Alternative(step.equipment_class, round(step.duration_s)),),
            predecessors=tuple(f"{item}/{op}" for op in step.after if op in known),
            earliest_s=earliest.get(step.op, 0),
            setup_key=step.setup_key,
            attended=step.attended,
            waits=tuple(
                Wait(f"{item}/{wait.after}", ceil(wait.least_s), None if wait.most_s is None else int(wait.most_s))
                for wait in step.waits
            ),
            needs=step.needs,
        )
        for step in exploded.operations
    )


def insert_items(
    timeline: Timeline, exploded: Exploded, quantity: int, name: str, material: Sequence[MaterialDate], now: datetime
) -> Inserted:
    """Insert `quantity` items one after another; the timeline holds all of them afterwards, or is as it was if it cannot."""
    origin = timeline.problem.origin
    earliest: dict[str, int] = {}
    for date in material:
        second = max(0, round((date.at - origin).total_seconds()))
        earliest[date.need.op] = max(earliest.get(date.need.op, 0), second)
    now_s = max(0, round((now - origin).total_seconds()))
    items: list[JobInsertion] = []
    everything: list[Operation] = []
    trial = timeline.fork()
    for index in range(quantity):
        operations = routed(exploded, f"{name}.{index}", name, earliest)
        fitted = insert(trial, Job(name), operations, now_s=now_s, keep=True)
        items.append(fitted)
        everything += operations
    timeline.take_over(trial)
    return Inserted(max(each.completion_s for each in items), tuple(items), tuple(everything))


def awaited(inserted: Inserted, material: Sequence[MaterialDate], origin: datetime) -> tuple[Delivery, ...]:
    """The deliveries that the last item waits for, each once: how late they may be, and what the plan leaves them before an
    operation would have to wait."""
    starts = {a.operation.rsplit("/", 1)[1]: a.start_s for a in inserted.last.assignments}
    found: dict[tuple[str, str], Delivery] = {}
    for date in material:
        if date.on_time < 1 and date.need.op in starts:
            slack_s = starts[date.need.op] - (date.at - origin).total_seconds()
            one, key = Delivery(1 - date.on_time, date.late_s, slack_s), (date.need.module, date.need.variant)
            found[key] = min(found.get(key, one), one, key=lambda each: each.slack_s)
    return tuple(found.values())


@dataclass(frozen=True)
class Overtime:
    """A machine opened while it is closed, in seconds from the origin."""

    resource: str
    start_s: int
    end_s: int


def overtime_for(problem: Problem, inserted: Inserted, now_s: int) -> Overtime | None:
    """The next time at which the machine that holds an order up most is closed; none if nothing waits or it never closes."""
    places = {a.operation: a.resource for a in inserted.last.assignments}
    holding = (Cause.RESOURCE, Cause.SETUP, Cause.CALENDAR)
    waits = [limit for limit in inserted.last.limits if limit.cause in holding and limit.waited_s >= WORTH_TELLING_S]
    if not waits:
        return None
    name = places[max(waits, key=lambda limit: limit.waited_s).operation]
    calendar = problem.calendar_of(next(each for each in problem.resources if each.id == name))
    at = now_s
    for start, end in calendar.intervals(now_s, now_s + OVERTIME_WITHIN_S):
        if start > at:
            return Overtime(name, at, start)
        at = end
    return Overtime(name, at, now_s + OVERTIME_WITHIN_S) if at < now_s + OVERTIME_WITHIN_S else None


def with_overtime(timeline: Timeline, overtime: Overtime) -> Timeline:
    """A fork of a timeline in which the machine works then, too."""
    problem = with_intervals(timeline.problem, {overtime.resource: [(overtime.start_s, overtime.end_s)]})
    return timeline.in_shop(problem)


def reasons(
    inserted: Inserted, exploded: Exploded, pack: Pack, material: Sequence[MaterialDate], origin: datetime
) -> tuple[Reason, ...]:
    """What holds the last item, the longest wait first: machines and modules by the names that the pack gives them."""
    steps = {step.op: step for step in exploded.operations}
    starts = {a.operation: a for a in inserted.last.assignments}
    found: list[tuple[int, Reason]] = []
    for limit in inserted.last.limits:
        step = steps[limit.operation.rsplit("/", 1)[1]]
        if limit.waited_s < WORTH_TELLING_S or limit.cause in (Cause.NOTHING, Cause.PRECEDENCE):
            continue
        at = starts[limit.operation]
        begin, end = origin + timedelta(seconds=at.start_s - limit.waited_s), origin + timedelta(seconds=at.start_s)
        if limit.cause is Cause.MATERIAL:
            found.append((limit.waited_s, _material_reason(step.op, pack, material, begin, end)))
        else:
            kind = "equipment" if limit.cause is Cause.RESOURCE else limit.cause.value
            subject = limit.resource or at.resource
            name = machine_name((pack,), subject)
            found.append((limit.waited_s, reason(kind, subject, name, limit.waited_s, begin, end)))
    found.sort(key=lambda pair: -pair[0])
    return tuple(each for _, each in found[:REASONS_MAX])


def _material_reason(op: str, pack: Pack, material: Sequence[MaterialDate], begin: datetime, end: datetime) -> Reason:
    date = max((each for each in material if each.need.op == op), key=lambda each: each.at)
    module = next(each for each in pack.modules if each.id == date.need.module)
    return reason("module", module.id, module.name, round((end - begin).total_seconds()), begin, end)
