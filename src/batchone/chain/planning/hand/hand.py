"""A planner's hand on a plan: an operation moved in time or to another resource, checked against every rule of the plan.

The plan is laid out once (`Hand`), then a check costs as much as what it moves, so it can be asked while a bar is dragged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from heapq import heappop, heappush

from batchone.chain.planning.hand.effect import effect_of, plan_with
from batchone.chain.planning.hand.floor import Floor, TrackId, Trial, running
from batchone.chain.planning.hand.nearest import Nearest
from batchone.chain.planning.hand.result import Illegal, Moved, Place, Why
from batchone.chain.planning.hand.shared import shared_fault
from batchone.chain.planning.model import NEVER, Assignment, Operation, Plan, Problem
from batchone.kernel.errors import NotFound


class _Refused(Exception):
    """Within this file: a rule is in the way."""

    def __init__(self, why: Why, behind: str | None = None, since_s: int | None = None) -> None:
        super().__init__(why)
        self.why, self.behind, self.since_s = why, behind, since_s


class Hand:
    """A legal plan under a planner's hand.

    `frozen_until_s`: what begins before is not moved, and nothing is moved there. `pinned`: operations that nothing but
    their own move may move. The plan should pass `validate`; where it does not, only what a move touches is made right.
    """

    def __init__(self, problem: Problem, plan: Plan, *, frozen_until_s: int = 0, pinned: frozenset[str] = frozenset()) -> None:
        self.floor = Floor(problem, plan)
        self.problem, self.plan = problem, self.floor.plan
        self.frozen_until_s, self.pinned = frozen_until_s, pinned

    def move(
        self, operation: str, *, resource: str | None = None, track: int | None = None, start_s: int, push: bool = False
    ) -> Moved | Illegal:
        """The operation started at a second, on a resource (that it stands on) and a track (any that will do).

        With `push` what stands behind it, on the track and in its job, moves right as far as it must; without, the move is
        legal only if nothing else has to start at another time. `NotFound` if the plan has no such operation.
        """
        if operation not in self.floor.at:
            raise NotFound(
                "planning.operation", f"The plan has no operation {operation!r}.", "Name one of the plan.", operation=operation
            )
        stands = self.floor.at[operation]
        where = resource or stands.resource
        fault: _Refused | None = None
        for k in self._tracks(where, track, stands):
            try:
                return self._try(operation, (where, k), start_s, push=push)
            except _Refused as refused:
                # Of several tracks, the one that frees first tells most.
                if fault is None or (refused.since_s or NEVER) < (fault.since_s or NEVER):
                    fault = refused
        fault = fault or _Refused(Why.PLACE)
        sooner, later = self._nearest(operation, where, track, start_s) if fault.why is not Why.PLACE else (None, None)
        return Illegal(operation, fault.why, fault.behind, fault.since_s, sooner, later)

    def _tracks(self, resource: str, track: int | None, stands: Assignment) -> list[int]:
        known = self.floor.resources.get(resource)
        positions = range(known.positions) if known is not None else range(0)
        if track is not None:
            return [track] if track in positions else []
        first = stands.track if stands.resource == resource else 0
        return sorted(positions, key=lambda k: (k != first, k))

    def _nearest(self, operation: str, resource: str, track: int | None, start_s: int) -> tuple[Place | None, Place | None]:
        tracks = self._tracks(resource, track, self.floor.at[operation])

        def legal(k: int, at: int) -> bool:
            with suppress(_Refused):
                self._try(operation, (resource, k), at, push=False)
                return True
            return False

        return Nearest(self.floor, operation, resource, tracks, self.frozen_until_s, legal).around(start_s)

    def _try(self, operation: str, track: TrackId, start_s: int, *, push: bool) -> Moved:
        """The move onto one track. Raises `_Refused`."""
        op = self.floor.operations[operation]
        trial = Trial(self.floor, operation)
        self._may_leave(op)
        a, ahead, follower = self._stand(trial, op, track, start_s)
        if follower is not None and self.floor.operations[follower].fixed is not None:
            # Fixed operations come first on their track.
            raise _Refused(Why.FIXED, follower, self.floor.at[follower].end_s)
        trial.put(a, ahead, follower)
        touched = self._settle(trial, op, push=push)
        fault = shared_fault(trial, touched)
        if fault is not None:
            raise _Refused(*fault)
        was = tuple(self.floor.at[name] for name in touched)
        now = tuple(trial.at(name) for name in touched)
        return Moved(operation, was, now, effect_of(trial, touched), lambda moved: plan_with(self.floor, moved))

    def _may_leave(self, op: Operation) -> None:
        a = self.floor.at[op.id]
        if op.fixed is not None:
            raise _Refused(Why.FIXED)
        if a.setup_start_s < self.frozen_until_s:
            raise _Refused(Why.FROZEN, None, self.frozen_until_s)

    def _stand(self, trial: Trial, op: Operation, track: TrackId, start_s: int) -> tuple[Assignment, str | None, str | None]:
        """The moved operation in its place and who is around it; what it itself breaks is refused."""
        floor, (resource, k) = self.floor, track
        duration = floor.durations(op).get(resource)
        if duration is None:
            raise _Refused(Why.PLACE)
        if start_s < max(0, self.frozen_until_s):
            raise _Refused(Why.FROZEN if start_s >= 0 else Why.PAST, None, max(0, self.frozen_until_s))
        if start_s < floor.material_s(op):
            raise _Refused(Why.MATERIAL, None, floor.material_s(op))
        calendar, end_s = floor.calendars[resource], floor.end(op, resource, start_s, duration)
        if calendar.next_start(start_s) != start_s or end_s >= NEVER:
            raise _Refused(Why.CALENDAR, None, calendar.next_start(start_s))
        ready, before, waits = trial.ready(op)
        if ready > start_s:
            raise _Refused(Why.WAIT if waits else Why.PREDECESSOR, before, ready)
        ahead, follower = trial.neighbours(track, start_s)
        setup = floor.setups[resource]
        need = setup.seconds(trial.key_before(ahead, track), op.setup_key) if setup is not None else 0
        setup_start = calendar.latest_start(start_s, need) if need else start_s
        free = trial.at(ahead).end_s if ahead is not None else 0
        if setup_start < free:
            since = calendar.next_start(calendar.work_end(free, need))
            raise _Refused(Why.BUSY if free > start_s else Why.SETUP, ahead, since)
        there = floor.available[resource]
        if setup_start < there:
            raise _Refused(Why.DOWN if start_s < there else Why.SETUP, None, calendar.work_end(there, need))
        if setup_start < self.frozen_until_s:
            raise _Refused(Why.FROZEN, None, self.frozen_until_s)
        if need and setup is not None and not setup.detached and ready > setup_start:
            raise _Refused(Why.SETUP, before, calendar.next_start(calendar.work_end(ready, need)))
        return Assignment(op.id, op.job, resource, k, setup_start, start_s, end_s), ahead, follower

    def _settle(self, trial: Trial, op: Operation, *, push: bool) -> list[str]:
        """Moves right what has to, and makes setups right; the operations that changed, the moved one first."""
        order = self.floor.rank
        touched = {op.id: True}
        heap: list[tuple[int, int, str]] = []

        def wake(name: str) -> None:
            heappush(heap, (self.floor.at[name].start_s, order[name], name))

        for name in _around(trial, op):
            wake(name)
        while heap:
            _, _, name = heappop(heap)
            old = trial.at(name)
            new = self._pushed(trial, name)
            if new == old:
                continue
            if new.start_s != old.start_s:
                self._may_push(trial, name, new, push=push)
            trial.now[name] = new
            touched[name] = True
            if new.end_s != old.end_s or new.start_s != old.start_s:
                for other in self._after(trial, name):
                    wake(other)
        self._not_too_long(trial, touched)
        return [name for name in touched if name == op.id or trial.at(name) != self.floor.at[name]]

    def _after(self, trial: Trial, name: str) -> Iterator[str]:
        behind = trial.behind(name)
        if behind is not None:
            yield behind
        for other in self.floor.successors.get(name, ()):
            if other in self.floor.at:
                yield other

    def _pushed(self, trial: Trial, name: str) -> Assignment:
        """Where an operation stands given what is before it: where it was, or as little further right as can be."""
        floor, a, op = self.floor, trial.at(name), self.floor.operations[name]
        if running(op):
            return a
        ahead = trial.before(name)
        free = max(floor.available[a.resource], trial.at(ahead).end_s if ahead is not None else 0)
        ready = max(floor.material_s(op), trial.ready(op)[0], 0)
        need, setup, calendar = trial.need(name), floor.setups[a.resource], floor.calendars[a.resource]
        if not need:
            start = calendar.next_start(max(free, ready, a.start_s))
        elif setup is not None and not setup.detached:
            start = calendar.next_start(max(a.start_s, calendar.work_end(max(ready, free), need)))
        else:
            start = calendar.next_start(max(ready, a.start_s, calendar.work_end(free, need)))
        setup_start = calendar.latest_start(start, need) if need else start
        if start == a.start_s:
            # A setup that was given more time than it needs keeps it, as long as nothing else takes it.
            enough = a.setup_start_s >= free and (not need or calendar.working(a.setup_start_s, start) >= need)
            return a if enough and need == Trial(floor).need(name) else replace(a, setup_start_s=setup_start)
        end = floor.end(op, a.resource, start, floor.durations(op)[a.resource])
        return replace(a, setup_start_s=setup_start, start_s=start, end_s=end)

    def _may_push(self, trial: Trial, name: str, new: Assignment, *, push: bool) -> None:
        """Refuses to move an operation that must stay; the reason is what the planner's own operation does to it."""
        op = self.floor.operations[name]
        if op.fixed is not None:
            raise _Refused(Why.FIXED, name)
        if name in self.pinned and name != trial.moved:
            raise _Refused(Why.PINNED, name)
        if self.floor.at[name].setup_start_s < self.frozen_until_s:
            raise _Refused(Why.FROZEN, name)
        if new.end_s >= NEVER:
            raise _Refused(Why.CALENDAR, name)
        moved = trial.at(trial.moved)
        if push and name != trial.moved:
            return
        if name == trial.moved or name in self.floor.successors.get(trial.moved, ()):
            raise _Refused(Why.SUCCESSOR, self._in_the_way(trial, name))
        was = self.floor.at[name]
        same = (was.resource, was.track) == (moved.resource, moved.track)
        raise _Refused(Why.BUSY if same and moved.end_s > was.start_s else Why.SETUP, name)

    def _in_the_way(self, trial: Trial, name: str) -> str:
        """The operation that would have to be before and after the moved one at once."""
        if name != trial.moved:
            return name
        ahead = trial.before(name)
        late = [p for p in self.floor.operations[name].predecessors if p in trial.now]
        return ahead if ahead is not None and ahead in trial.now else late[0] if late else name

    def _not_too_long(self, trial: Trial, touched: dict[str, bool]) -> None:
        """Waits that may not grow have not grown too long."""
        for name in [*touched, *(other for each in touched for other in self.floor.successors.get(each, ()))]:
            op = self.floor.operations[name]
            for wait in op.waits:
                if wait.most_s is not None and wait.after in self.floor.at and not running(op):
                    ended = trial.at(wait.after).end_s
                    if trial.at(name).start_s > ended + wait.most_s:
                        raise _Refused(Why.WAIT, wait.after if name == trial.moved else name, None)


def _around(trial: Trial, op: Operation) -> Iterator[str]:
    """Who may have to change because the moved operation does: behind its old and new place, and after it in its job."""
    yield from trial.followers_with_key(trial.left)
    yield from trial.followers_with_key(trial.behind(op.id))
    for name in trial.floor.successors.get(op.id, ()):
        if name in trial.floor.at:
            yield name


def move(
    problem: Problem,
    plan: Plan,
    operation: str,
    *,
    resource: str | None = None,
    track: int | None = None,
    start_s: int,
    push: bool = False,
    frozen_until_s: int = 0,
) -> Moved | Illegal:
    """One move; see `Hand.move`. For many over one plan, keep a `Hand`."""
    hand = Hand(problem, plan, frozen_until_s=frozen_until_s)
    return hand.move(operation, resource=resource, track=track, start_s=start_s, push=push)
