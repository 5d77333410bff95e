"""Which resource holds the plan up, and what one more hour or one more position there would save: measured, not guessed.

The saving is found by timing the same order of operations anew with that change, and the plan itself timed anew without it
for comparison; the order is not improved for it, so a search could save more. Tools, people and setup crews, which are lent to
what machines do, stand beside the machines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from batchone.chain.planning.explain import Reader
from batchone.chain.planning.hours import with_intervals
from batchone.chain.planning.model import Assignment, Calendar, Objective, Plan, Problem, Resource
from batchone.chain.planning.retiming import keeps, retimed

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Load:
    """How a resource stands in a plan.

    `busy_s`: seconds of work and setup on all its positions, lent ones among them; `share`: of its working time until the plan
    ends. `waiting_s`: by how much operations start later because they wait for it. `opened`: the closed time that an hour more
    was taken from. `hour`, `position`: what the plan would be worth with it; None where that was not measured or cannot be.
    """

    resource: str
    busy_s: int
    setup_s: int
    share: float
    waiting_s: int
    waiting: tuple[str, ...]
    opened: tuple[tuple[int, int], ...] = ()
    hour: Objective | None = None
    position: Objective | None = None


@dataclass(frozen=True, slots=True)
class Bottlenecks:
    """All resources with work, the one that most is waited for first, and what the plan timed anew is worth."""

    worth: Objective
    loads: tuple[Load, ...]


def bottleneck(problem: Problem, plan: Plan, measured: int = 5) -> Bottlenecks:
    """Ranks the resources of a plan of this problem; the first `measured` of them get an hour and a position more in turn."""
    if plan.origin != problem.origin:
        plan = plan.shifted(problem.origin)
    loads = sorted(_loads(problem, plan), key=lambda load: (-load.waiting_s, -load.share, load.resource))
    worth = keeps(problem, plan)
    if worth is None:
        return Bottlenecks(plan.objective, tuple(loads))
    return Bottlenecks(worth, tuple(_measured(problem, plan, load) if i < measured else load for i, load in enumerate(loads)))


def _loads(problem: Problem, plan: Plan) -> list[Load]:
    reader = Reader(problem, plan)
    horizon = max([1, *(a.end_s for a in plan.assignments)])
    own: dict[str, list[Assignment]] = {}
    lent: dict[str, list[tuple[int, int]]] = {}
    waits: dict[str, list[tuple[int, str]]] = {}
    for a in plan.assignments:
        own.setdefault(a.resource, []).append(a)
        needs = len(reader.operations[a.operation].needs)
        for n, (name, _) in enumerate(a.also):
            lent.setdefault(name, []).append((max(0, a.setup_start_s), a.end_s if n < needs else a.start_s))
        resource_id, seconds = reader.waited(a)
        if seconds > 0:
            waits.setdefault(resource_id, []).append((seconds, a.operation))
    found = []
    for resource in problem.resources:
        if resource.id not in own and resource.id not in lent:
            continue
        calendar = problem.calendar_of(resource)
        mine, hours = _together(own.get(resource.id, ())), lent.get(resource.id, ())
        busy = sum(a.end_s - max(0, a.setup_start_s) for a in mine) - sum(reader.pauses(a) for a in mine)
        busy += sum(calendar.working(begin, end) for begin, end in hours if begin < end)
        room = resource.positions * max(1, calendar.working(0, horizon))
        waiting = sorted(waits.get(resource.id, ()), reverse=True)
        found.append(
            Load(
                resource.id,
                busy,
                sum(calendar.working(max(0, a.setup_start_s), a.start_s) for a in mine if a.start_s > 0),
                min(1.0, busy / room),
                sum(seconds for seconds, _ in waiting),
                tuple(operation for _, operation in waiting),
            )
        )
    return found


def _together(assignments: Iterable[Assignment]) -> list[Assignment]:
    """What a batch does together counts once, with its setup."""
    found: dict[tuple[int, int, int], Assignment] = {}
    for a in assignments:
        place = a.track, a.start_s, a.end_s
        if place not in found or a.setup_start_s < found[place].setup_start_s:
            found[place] = a
    return list(found.values())


def _measured(problem: Problem, plan: Plan, load: Load) -> Load:
    resource = next(each for each in problem.resources if each.id == load.resource)
    horizon = max((a.end_s for a in plan.assignments), default=0)
    opened = closed_time(problem.calendar_of(resource), HOUR_S, horizon)
    hour = None
    if opened and not _pauses_with_others(problem, plan, resource):
        hour = retimed(with_intervals(problem, {resource.id: list(opened)}), plan)
    more = with_resource(problem, replace(resource, positions=resource.positions + 1))
    return replace(load, opened=opened, hour=hour, position=retimed(more, plan, anywhere=resource.id))


def _pauses_with_others(problem: Problem, plan: Plan, resource: Resource) -> bool:
    """It lends itself to others or takes others, which keep its hours only as long as those are the same ones."""
    names = {name for op in problem.operations for name in op.needs} | {matrix.crew for matrix in problem.setups}
    takes = any(a.resource == resource.id and a.also for a in plan.assignments)
    return takes or not names.isdisjoint((resource.id, *resource.classes))


def closed_time(calendar: Calendar, seconds: int, until: int) -> tuple[tuple[int, int], ...]:
    """The first `seconds` of closed time up to a second; fewer if there are not so many."""
    found: list[tuple[int, int]] = []
    at, left = 0, seconds
    for opens, closes in [*calendar.intervals(0, until), (until, until)]:
        end = min(opens, at + left)
        if end > at:
            found.append((at, end))
            left -= end - at
        at = closes
    return tuple(found)


def with_resource(problem: Problem, resource: Resource) -> Problem:
    """The problem with one resource replaced."""
    return replace(problem, resources=tuple(resource if each.id == resource.id else each for each in problem.resources))
