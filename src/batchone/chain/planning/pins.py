"""Pins: operations that stay where a planner put them, as far as machines allow.

A pin restricts its operation to its equipment and to not before its start. Whatever then makes a plan, `hold` puts the
operation back on its position at its start and lets those in its way go behind it. It starts later only if what is
before it in its job, its material, or what a machine has already is late. It is given up if its equipment is not there
at its start, or the operation cannot be done there any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from batchone.chain.planning.model import NEVER, Alternative, Assignment, Operation, Plan, Problem, Resource
from batchone.chain.planning.repair import repair

_ROUNDS = 6
"""How often those in the way are sent behind, before what is left is taken as it is."""


@dataclass(frozen=True, slots=True)
class Pin:
    """Where a planner put an operation, in seconds from the problem's origin."""

    operation: str
    resource: str
    track: int
    start_s: int


@dataclass(frozen=True, slots=True)
class Pinned:
    """A problem whose pins are part of it. `lost`: pins that had to be given up, and why."""

    problem: Problem
    pins: tuple[Pin, ...]
    lost: tuple[tuple[Pin, str], ...]


def pinned(problem: Problem, pins: Iterable[Pin]) -> Pinned:
    """The problem with the operations of pins bound to their places. Pins of operations that are fixed or gone vanish."""
    operations = {op.id: op for op in problem.operations}
    resources = {resource.id: resource for resource in problem.resources}
    kept: list[Pin] = []
    lost: list[tuple[Pin, str]] = []
    for pin in pins:
        op = operations.get(pin.operation)
        if op is None or op.fixed is not None:
            continue
        resource = resources.get(pin.resource)
        seconds = None if resource is None else _seconds(op, pin.resource, resource.classes)
        if resource is None or seconds is None or not 0 <= pin.track < resource.positions:
            lost.append((pin, "place"))
        elif resource.available_from_s > max(0, pin.start_s):
            lost.append((pin, "down"))
        elif problem.calendar_of(resource).next_start(max(0, pin.start_s)) >= NEVER:
            lost.append((pin, "calendar"))
        else:
            kept.append(pin)
            # Where the setup waits for the item, the item must be there that much sooner.
            setup = _longest_setup(problem, resource, op)
            there = problem.calendar_of(resource).latest_start(pin.start_s, setup) if setup else pin.start_s
            since = max(op.earliest_s, there)
            operations[op.id] = replace(op, alternatives=(replace(seconds, on=pin.resource),), earliest_s=since)
    bound = replace(problem, operations=tuple(operations[op.id] for op in problem.operations)) if kept else problem
    return Pinned(bound, tuple(kept), tuple(lost))


def _seconds(op: Operation, resource: str, classes: tuple[str, ...]) -> Alternative | None:
    own = [each for each in op.alternatives if each.on == resource]
    by_class = [each for each in op.alternatives if each.on in classes]
    return own[-1] if own else min(by_class, key=lambda each: each.duration_s, default=None)


def _longest_setup(problem: Problem, resource: Resource, op: Operation) -> int:
    matrix = next((each for each in problem.setups if each.id == resource.setup), None)
    if matrix is None or matrix.detached or op.setup_key is None:
        return 0
    return max([matrix.change_s, matrix.first_s, *(seconds for _, after, seconds in matrix.pairs if after == op.setup_key)])


def hold(bound: Pinned, plan: Plan) -> Plan:
    """A plan of the bound problem with its pins held; the plan itself if they are."""
    off = [pin for pin in bound.pins if not holds(pin, plan)]
    if not off:
        return plan
    wanted, best = plan, plan
    kept = len(bound.pins) - len(off)
    for _ in range(_ROUNDS):
        wanted = _cleared(bound, wanted)
        tried = repair(bound.problem, wanted, plan.seed)
        found = sum(holds(pin, tried) for pin in bound.pins)
        if found > kept or (found == kept and best is plan):
            kept, best = found, tried
        if kept == len(bound.pins):
            break
        wanted = tried
    return replace(best, produced_by=plan.produced_by)


def holds(pin: Pin, plan: Plan) -> bool:
    """The operation of a pin stands where the pin says."""
    a = plan.by_operation.get(pin.operation)
    return a is not None and (a.resource, a.track, a.start_s) == (pin.resource, pin.track, pin.start_s)


def _cleared(bound: Pinned, plan: Plan) -> Plan:
    """The wish that a repair starts from: pinned operations in their places, those in their way behind them."""
    operations = {op.id: op for op in bound.problem.operations}
    calendars = {each.id: bound.problem.calendar_of(each) for each in bound.problem.resources}
    setups = {each.id: each.setup for each in bound.problem.resources}
    wish = dict(plan.by_operation)
    pinned_ids = {pin.operation for pin in bound.pins}
    for pin in sorted(bound.pins, key=lambda pin: pin.start_s):
        a, op = wish[pin.operation], operations[pin.operation]
        seconds = op.alternatives[0].duration_s
        end = calendars[pin.resource].work_end(pin.start_s, seconds) if op.attended else pin.start_s + seconds
        wish[pin.operation] = replace(
            a, resource=pin.resource, track=pin.track, setup_start_s=pin.start_s, start_s=pin.start_s, end_s=end
        )
        # With setups the one just before may need to go as well: there must be time to change behind it.
        for name, other in plan.by_operation.items():
            if name in pinned_ids or (other.resource, other.track) != (pin.resource, pin.track):
                continue
            change = _change_s(bound.problem, setups[pin.resource], operations[name].setup_key, op.setup_key)
            if operations[name].fixed is None and other.setup_start_s < end and other.end_s > pin.start_s - change:
                wish[name] = _at(other, end)
    ordered = sorted(wish.values(), key=lambda a: (a.start_s, a.operation not in pinned_ids, a.setup_start_s, a.operation))
    return replace(plan, assignments=tuple(ordered))


def _change_s(problem: Problem, setup: str | None, before: str | None, after: str | None) -> int:
    matrix = next((each for each in problem.setups if each.id == setup), None)
    return 0 if matrix is None else matrix.seconds(before, after)


def _at(a: Assignment, start: int) -> Assignment:
    by = start - a.start_s
    return replace(a, setup_start_s=start, start_s=start, end_s=a.end_s + by)
