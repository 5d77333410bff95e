"""Which resource holds the plan up, and what one more hour or one more position there would save: measured, not guessed.

The saving is found by timing the same order of operations anew with that change, and the plan itself timed anew without it
for comparison; the order is not improved for it, so a search could save more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.explain import Reader
from batchone.chain.planning.hours import with_intervals
from batchone.chain.planning.model import Calendar, Objective, Plan, Problem, Resource
from batchone.chain.planning.replay import replay
from batchone.chain.planning.schedule import UNPLACED

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Load:
    """How a resource stands in a plan.

    `busy_s`: seconds of work and setup on all its positions; `share`: of its working time until the plan ends. `waiting_s`: by
    how much operations start later because they wait for it. `opened`: the closed time that an hour more was taken from.
    `hour`, `position`: what the plan would be worth with it; None where that was not measured or cannot be.
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
    worth = _timed(problem, plan) or plan.objective
    return Bottlenecks(worth, tuple(_measured(problem, plan, load) if i < measured else load for i, load in enumerate(loads)))


def _loads(problem: Problem, plan: Plan) -> list[Load]:
    reader = Reader(problem, plan)
    horizon = max([1, *(a.end_s for a in plan.assignments)])
    found = []
    for resource in problem.resources:
        own = [a for a in plan.assignments if a.resource == resource.id]
        if not own:
            continue
        calendar = problem.calendar_of(resource)
        busy = sum(a.end_s - max(0, a.setup_start_s) for a in own) - sum(reader.pauses(a) for a in own)
        setup = sum(calendar.working(max(0, a.setup_start_s), a.start_s) for a in own if a.start_s > 0)
        room = resource.positions * max(1, calendar.working(0, horizon))
        waits = sorted(((s, a.operation) for a in own for s in [reader.waited(a)] if s > 0), reverse=True)
        found.append(
            Load(
                resource.id,
                busy,
                setup,
                min(1.0, busy / room),
                sum(seconds for seconds, _ in waits),
                tuple(operation for _, operation in waits),
            )
        )
    return found


def _measured(problem: Problem, plan: Plan, load: Load) -> Load:
    resource = next(each for each in problem.resources if each.id == load.resource)
    horizon = max((a.end_s for a in plan.assignments), default=0)
    opened = closed_time(problem.calendar_of(resource), HOUR_S, horizon)
    hour = _timed(with_intervals(problem, {resource.id: list(opened)}), plan) if opened else None
    more = with_resource(problem, replace(resource, positions=resource.positions + 1))
    return replace(load, opened=opened, hour=hour, position=_timed(more, plan, anywhere=resource.id))


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


def _timed(problem: Problem, plan: Plan, *, anywhere: str = "") -> Objective | None:
    """The worth of the plan's order timed anew; on one resource any track may be taken. None where tools, crews, waits or ovens
    have their say: timing an order knows nothing of them, and what it saved would not be there."""
    compiled = Compiled(problem)
    if compiled.extras:
        return None
    places = [plan.by_operation[op.id] for op in problem.operations]
    resources = [compiled.resource_index[a.resource] for a in places]
    tracks = [UNPLACED if a.resource == anywhere else a.track for a in places]
    schedule = replay(compiled, resources, tracks, [a.start_s for a in places])
    return None if schedule is None else schedule.objective()
