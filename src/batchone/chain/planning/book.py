"""What is promised on top of the plan in force: the live timeline, and the capacity held in it until it is ordered or expires.

The timeline is laid out once for a plan, in a thread; after that every promise and every reservation changes it where it is,
and costs the same among a hundred operations as among a hundred thousand. When another plan comes into force, what is held
keeps its place in it if that is free, and is inserted anew if not: capacity that was promised is never sold twice.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from batchone.chain.planning.insertion import JobInsertion, insert
from batchone.chain.planning.model import Assignment, Job, Operation, Plan, Problem
from batchone.chain.planning.picture import Placement
from batchone.chain.planning.timeline import Timeline
from batchone.kernel.errors import Refused

Held = tuple[tuple[Assignment, str | None], ...]
"""Where the operations of one item are, in unix seconds, with their setup keys."""


@dataclass(frozen=True)
class Reserved:
    """Capacity held for a promise, or for an order that the plan does not hold yet: where the operations of each of its items
    are, until when. `operations`: what they are, their times from `origin`; none if that is not known (after a restart)."""

    id: str
    expires: datetime
    items: tuple[Held, ...]
    operations: tuple[tuple[Operation, ...], ...] = ()
    origin: datetime | None = None


class Book:
    """The live timeline of one tenant and what is held in it. `lock` is held while the timeline changes over an `await`."""

    def __init__(self) -> None:
        self.timeline: Timeline | None = None
        self.reserved: dict[str, Reserved] = {}
        self.ordered: dict[str, Reserved] = {}
        """Orders that came since the picture of the timeline's plan was taken, by order."""
        self.lock = asyncio.Lock()
        self._ends: list[tuple[datetime, str]] = []

    def reserve(self, reserved: Reserved) -> None:
        """Remember whose the capacity is; the timeline holds it already."""
        self.reserved[reserved.id] = reserved
        heapq.heappush(self._ends, (reserved.expires, reserved.id))

    def became(self, reservation: str, order: str) -> None:
        """A reservation became an order: its place is the order's now, until a plan holds the order itself."""
        held = self.reserved.pop(reservation, None)
        if held is not None:
            self.ordered[order] = held

    def take_out(self, fork: Timeline, reservation: str) -> None:
        """A fork of the timeline without what is reserved."""
        if reservation in self.reserved:
            _take_out(fork, self.reserved[reservation])

    def give_back(self, reservations: Iterable[str]) -> None:
        """The capacity of these is free again."""
        for reserved in [self.reserved.pop(name) for name in reservations if name in self.reserved]:
            if self.timeline is not None:
                _take_out(self.timeline, reserved)

    def expire(self, now: datetime) -> None:
        """What is held no longer is free."""
        while self._ends and self._ends[0][0] <= now:
            _, name = heapq.heappop(self._ends)
            held = self.reserved.get(name)
            if held is not None and held.expires <= now:
                self.give_back([name])

    def kept(self) -> dict[str, Reserved]:
        """Everything that is held now, by reservation or order."""
        return {**self.reserved, **self.ordered}

    def move_to(self, laid: Laid, known: frozenset[str], now: datetime) -> dict[str, Reserved]:
        """Another plan is in force, laid out with what was held a while ago. What came since is put in, what is held no more
        taken out, and orders that the plan holds itself (`known`) are forgotten. Returns what had to move, by reservation or
        order."""
        for name in known & self.ordered.keys():
            del self.ordered[name]
        kept, moved = self.kept(), dict[str, Reserved]()
        for name, held in laid.held.items():
            if kept.get(name) is not laid.was[name]:
                _take_out(laid.timeline, held)
            elif held is not laid.was[name]:
                moved[name] = held
        for name, was in kept.items():
            if laid.was.get(name) is not was:
                held = put_in(laid.timeline, was, now)
                if held is not was:
                    moved[name] = held
        for name, held in moved.items():
            (self.reserved if name in self.reserved else self.ordered)[name] = held
        self.timeline = laid.timeline
        return moved


@dataclass(frozen=True)
class Laid:
    """A plan laid out, with what is held: `was` as it was asked for, `held` where it found room."""

    timeline: Timeline
    was: Mapping[str, Reserved]
    held: Mapping[str, Reserved]


def laid_out(problem: Problem, plan: Plan, kept: Mapping[str, Reserved], now: datetime) -> Laid:
    """Lays a plan out for insertion, with everything that is held beside it. Takes a second for a hundred thousand
    operations: not for the event loop."""
    timeline = Timeline.of(problem, plan)
    planned = {a.job for a in plan.assignments}
    was = {name: each for name, each in kept.items() if name not in planned}
    return Laid(timeline, was, {name: put_in(timeline, each, now) for name, each in was.items()})


def put_in(timeline: Timeline, reserved: Reserved, now: datetime) -> Reserved:
    """Puts what is held into a timeline: where it was if that is free, otherwise anew, as early as it fits."""
    origin = timeline.problem.origin
    trial, known = timeline.fork(), _known(reserved)
    for item in shifted(reserved, origin):
        for a, key in item:
            # What was to have begun already stays where it was until it is ordered; then it is planned like what is late.
            if a.end_s <= 0:
                continue
            if not trial.fits(a, key, known.get(a.operation)) and a.setup_start_s >= 0:
                return _anew(timeline, reserved, now)
            if _is_there(trial, a):
                trial.add(a, key, known.get(a.operation))
    timeline.take_over(trial)
    return reserved


def _anew(timeline: Timeline, reserved: Reserved, now: datetime) -> Reserved:
    """Inserted again; where that cannot be, or is not known how, held where it was, whatever stands there."""
    origin, trial = timeline.problem.origin, timeline.fork()
    items: list[Held] = []
    now_s = max(0, round((now - origin).total_seconds()))
    back = round((reserved.origin - origin).total_seconds()) if reserved.origin is not None else 0
    try:
        for operations in reserved.operations:
            mine = [replace(op, earliest_s=max(0, op.earliest_s + back)) for op in operations]
            items.append(held_of(insert(trial, Job(reserved.id), mine, now_s=now_s, keep=True), mine, origin))
    except Refused:
        items = []
    if items:
        timeline.take_over(trial)
        return replace(reserved, items=tuple(items))
    known = _known(reserved)
    for item in shifted(reserved, origin):
        for a, key in item:
            if _is_there(timeline, a):
                timeline.add(a, key, known.get(a.operation))
    return reserved


def _known(reserved: Reserved) -> dict[str, Operation]:
    """The operations of what is held, by id."""
    return {op.id: op for operations in reserved.operations for op in operations}


def _is_there(timeline: Timeline, a: Assignment) -> bool:
    """The machine, tools and people of an assignment are of the plant still."""
    return all(name in timeline.shop.index for name in (a.resource, *(name for name, _ in a.also)))


def held_of(found: JobInsertion, operations: Sequence[Operation], origin: datetime) -> Held:
    """An inserted item in unix seconds."""
    keys = {op.id: op.setup_key for op in operations}
    return tuple((dated(a, origin), keys[a.operation]) for a in found.assignments)


def _take_out(timeline: Timeline, reserved: Reserved) -> None:
    for item in shifted(reserved, timeline.problem.origin):
        for a, _ in item:
            with suppress(KeyError):
                timeline.remove(a)


def shifted(reserved: Reserved, origin: datetime) -> list[list[tuple[Assignment, str | None]]]:
    """A reservation's assignments in seconds from an origin."""
    back = -round(origin.timestamp())
    return [[(_moved(a, back), key) for a, key in item] for item in reserved.items]


def dated(a: Assignment, origin: datetime) -> Assignment:
    """An assignment in unix seconds instead of seconds from an origin, so that it outlives the origin."""
    return _moved(a, round(origin.timestamp()))


def as_of(items: Iterable[str], reserved: Reserved) -> list[Placement]:
    """Where the operations of a reservation are, as those of an order's items."""
    found = []
    for item, held in zip(items, reserved.items, strict=False):
        for a, _ in held:
            setup_start, start, end = (
                datetime.fromtimestamp(second, tz=UTC) for second in (a.setup_start_s, a.start_s, a.end_s)
            )
            op = a.operation.rsplit("/", 1)[1]
            found.append(Placement(item, op, 1, a.resource, a.track + 1, setup_start, start, end, a.also))
    return found


def _moved(a: Assignment, by: int) -> Assignment:
    return replace(a, setup_start_s=a.setup_start_s + by, start_s=a.start_s + by, end_s=a.end_s + by)
