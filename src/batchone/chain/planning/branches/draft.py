"""A branch planned: its moves made by hand, the rest searched if there is time, and the result beside the plan in force. Pure;
runs in the planning worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from batchone.chain.planning.diff import diff
from batchone.chain.planning.hand import Hand, Illegal
from batchone.chain.planning.judged import Judged, judged
from batchone.chain.planning.model import Assignment, Plan, Problem
from batchone.chain.planning.pins import Pin, Pinned, hold, pinned
from batchone.chain.planning.repair import repair
from batchone.chain.planning.solve import Progress, solve
from batchone.chain.planning.validator import validate


@dataclass(frozen=True, slots=True)
class HandMove:
    """A move in the words of the problem."""

    operation: str
    resource: str
    track: int | None
    start_s: int
    push: bool


@dataclass(frozen=True)
class Draft:
    """A branch's plan, its pins with those of the plan in force, the moves that could not be, and what the judge says."""

    verdict: Judged
    pins: tuple[Pin, ...]
    given_up: tuple[tuple[HandMove, Illegal], ...]

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.verdict.plan


def settled(problem: Problem, plan: Plan, pins: Iterable[Pin]) -> tuple[Pinned, Plan]:
    """A plan made to hold for a problem and its pins, moving as little as possible."""
    bound = pinned(problem, pins)
    return bound, hold(bound, repair(bound.problem, plan))


def draft(
    problem: Problem,
    start: Plan,
    moves: Sequence[HandMove],
    pins: Sequence[Pin],
    frozen_until_s: int,
    budget_s: float,
    seed: int,
    progress: Callable[[Progress], None] | None = None,
) -> Draft:
    """Plans a branch from a plan to start from. With a budget the rest is searched, moved operations staying put."""
    last = {move.operation: move for move in moves}
    there = {
        name: Pin(name, a.resource, a.track, a.start_s)
        for name, move in last.items()
        for a in [start.by_operation.get(name)]
        if a is not None and _is_at(move, a)
    }
    bound, plan = settled(problem, start, [*(pin for pin in pins if pin.operation not in there), *there.values()])
    kept = {pin.operation: pin for pin in bound.pins}
    given_up: list[tuple[HandMove, Illegal]] = []
    for move in moves:
        a = plan.by_operation.get(move.operation)
        # An operation moved twice goes to the last place at once, and one that is there already stays.
        if a is None or move is not last[move.operation] or _is_at(move, a):
            continue
        hand = Hand(problem, plan, frozen_until_s=frozen_until_s, pinned=frozenset(kept))
        found = hand.move(move.operation, resource=move.resource, track=move.track, start_s=move.start_s, push=move.push)
        if isinstance(found, Illegal):
            kept.pop(move.operation, None)
            given_up.append((move, found))
            continue
        plan, now = found.plan, found.now[0]
        kept[move.operation] = Pin(now.operation, now.resource, now.track, now.start_s)
    every = tuple(kept.values())
    if budget_s > 0:
        plan = searched_plan(problem, plan, every, budget_s, seed, frozen_until_s, progress)
    return Draft(judged(problem, plan), every, tuple(given_up))


def _is_at(move: HandMove, a: Assignment) -> bool:
    return (a.resource, a.start_s) == (move.resource, move.start_s) and move.track in (None, a.track)


def searched_plan(
    problem: Problem,
    in_force: Plan,
    pins: Sequence[Pin],
    budget_s: float,
    seed: int,
    frozen_s: int = 0,
    progress: Callable[[Progress], None] | None = None,
) -> Plan:
    """The best plan found within a budget that keeps its pins, and no worse than the one in force made to hold. What starts
    in that one before `frozen_s` stays. What was found is judged before it is handed out."""
    bound = pinned(problem, pins)
    if not bound.pins:
        found = solve(problem, budget_s, seed, in_force=in_force, frozen_s=frozen_s, progress=progress)
        return _judged(problem, found, lambda: repair(problem, in_force))
    safe = hold(bound, repair(bound.problem, in_force))
    found = hold(bound, solve(bound.problem, budget_s, seed, in_force=in_force, frozen_s=frozen_s, progress=progress))
    aim, weights = problem.aim, problem.weights
    if found.objective.key(aim, weights) >= safe.objective.key(aim, weights):
        return safe
    return _judged(problem, found, lambda: safe)


def _judged(problem: Problem, found: Plan, make_safe: Callable[[], Plan]) -> Plan:
    """What was found, unless it breaks a rule that the repaired plan keeps: then that one, which says so in `produced_by`.

    Judging costs a second for twenty-five thousand operations, as much as repairing; a plan that cannot be carried out costs
    a shift. Where machines report what cannot be, the repaired plan breaks rules, too.
    """
    broken = validate(problem, found)
    if not broken:
        return found
    safe = make_safe()
    if len(validate(problem, safe)) >= len(broken):
        return found
    return replace(safe, produced_by=f"{safe.produced_by}; what {found.produced_by} found broke a rule ({broken[0]})")


def orders_changed(before: Plan, after: Plan) -> list[tuple[str, int | None, int | None]]:
    """The jobs whose end differs, with both ends; those with the greatest delay first, then the greatest gain."""
    told = diff(before, after)
    old = before if before.origin == after.origin else before.shifted(after.origin)
    gone = [(job.job, job.end_s, None) for job in old.jobs if job.job not in after.by_job]
    found: list[tuple[str, int | None, int | None]] = [(j.job, j.before_s, j.after_s) for j in (*told.later, *told.earlier)]
    return [*found, *gone]


def pins_of(operations: Iterable[str], plan: Plan) -> list[Pin]:
    """Pins where a plan has some operations."""
    found = [plan.by_operation.get(name) for name in operations]
    return [Pin(a.operation, a.resource, a.track, a.start_s) for a in found if a is not None]


def over(in_force: Plan, branch: Plan) -> Plan:
    """The plan in force with operations where a branch has them, for those that are in both."""
    placed = branch.by_operation
    assignments = sorted((placed.get(a.operation, a) for a in in_force.assignments), key=lambda a: (a.start_s, a.operation))
    return replace(in_force, assignments=tuple(assignments))
