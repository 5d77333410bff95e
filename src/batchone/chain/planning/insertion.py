"""A job put into the plan in force without moving anything: the ground a promise stands on.

Operations go in one after another, each where it ends first. Three rules tie them to each other so that an operation may have
to wait for one that comes after it: the longest wait after a predecessor, a line on which nobody passes, and both at once. What
is found to be too early then begins later, and the job is put in again from the start; bounds only grow, so that ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from batchone.chain.planning.limits import Limit, Waits
from batchone.chain.planning.model import Assignment, Job, Operation
from batchone.chain.planning.passing import Queue, rank_of
from batchone.chain.planning.timeline import NOWHERE_LATER, Slot, Timeline
from batchone.kernel.errors import Refused

TRIES = 2_000
"""How often a job is put in anew, with something beginning later, before it is given up."""


@dataclass(frozen=True, slots=True)
class JobInsertion:
    """Where the operations of a job fit, when the job is complete, and what held each operation."""

    job: str
    completion_s: int
    assignments: tuple[Assignment, ...]
    limits: tuple[Limit, ...]


@dataclass
class _Bounds:
    """What trials have shown: no end of an operation before a second, no place on a line before a rank."""

    ends_from: dict[str, int] = field(default_factory=dict)
    rank: dict[int, int] = field(default_factory=dict)


class _TooEarlyError(Exception):
    """Within this file: something must begin later; the bounds say what."""


def insert(
    timeline: Timeline,
    job: Job,
    operations: Sequence[Operation],
    *,
    now_s: int = 0,
    ended: Mapping[str, int] | None = None,
    queues: Sequence[Queue] = (),
    keep: bool = False,
) -> JobInsertion:
    """Fits each operation in where it ends first, in the order of precedence; the timeline itself stays as it is, unless it
    is to `keep` what was found.

    `now_s`: nothing starts before, in seconds from the timeline's origin. `ended`: ends of predecessors that are not among
    `operations`. `queues`: those of the plan's lines on which nobody passes (`passing.queues_of`), if it has such lines.
    `Refused` if an operation waits for something unknown, names no resource, or never fits. To hold the capacity,
    `timeline.reserve(insertion.assignments, operations)`.
    """
    ordered = _in_order(operations, dict(ended or {}))
    bounds = _Bounds()
    tied = bool(queues) or any(wait.most_s is not None for op in operations for wait in op.waits)
    for _ in range(TRIES if tied else 1):
        try:
            trial = timeline.fork()
            found = _once(trial, job, ordered, now_s, dict(ended or {}), queues, bounds)
        except _TooEarlyError:
            continue
        if keep:
            timeline.take_over(trial)
        return found
    raise Refused(
        "planning.no_place",
        f"The operations of job {job.id!r} cannot follow each other as they must in the plan as it stands.",
        "Allow longer waits, or plan anew with the job in it.",
        job=job.id,
    )


def _once(
    trial: Timeline, job: Job, ordered: Sequence[Operation], now_s: int, ends: dict[str, int], queues: Sequence[Queue],
    bounds: _Bounds,
) -> JobInsertion:  # fmt: skip
    """One trial. Raises `_TooEarlyError` when something put in before turned out to be."""
    assignments: list[Assignment] = []
    limits: list[Limit] = []
    ranks = {n: rank for n, queue in enumerate(queues) if (rank := rank_of(queue, job.id)) is not None}
    given = frozenset(ranks)
    for op in ordered:
        least = {wait.after: wait.least_s for wait in op.waits} if op.waits else {}
        before: str | None = None
        before_s, least_s = now_s, 0
        for name in op.predecessors:
            at = ends[name] + least.get(name, 0)
            if before is None or (at, name) > (before_s, before):
                before, before_s, least_s = name, at, least.get(name, 0)
        material = max(job.release_s, op.earliest_s)
        ready = max(now_s, material, before_s)
        later = _later(trial, queues, ranks, bounds, job.id) if queues else NOWHERE_LATER
        slot = _slot(trial, op, ready, later, bounds.ends_from.get(op.id, 0))
        resource = trial.problem.resources[slot.resource]
        if op.waits:
            _keep_waits(op, slot, ends, bounds, {each.id for each in ordered})
        if queues:
            _keep_line(queues, ranks, given, bounds, resource.id, slot, job.id)
        taken = Assignment(op.id, op.job, resource.id, slot.track, slot.setup_start_s, slot.start_s, slot.end_s, slot.also)
        trial.add(taken, op.setup_key, op)
        ends[op.id] = slot.end_s
        assignments.append(taken)
        turn = later.get(slot.resource, 0)
        free, ahead = (slot.free_s, slot.behind) if slot.free_s >= turn else (turn, None)
        next_work = trial.shop.calendars[slot.resource].next_start(max(ready, free))
        held = Waits(
            now_s, material, before_s, before, free, ahead, next_work, slot.start_s, slot.setup_s, least_s, slot.beside
        )  # fmt: skip
        limits.append(held.limit(op.id))
    completion = max((a.end_s for a in assignments), default=max(now_s, job.release_s))
    return JobInsertion(job.id, completion, tuple(assignments), tuple(limits))


def _keep_waits(op: Operation, slot: Slot, ends: Mapping[str, int], bounds: _Bounds, mine: set[str]) -> None:
    """A predecessor that would have to be waited for too long ends later."""
    late = False
    for wait in op.waits:
        if wait.most_s is None or wait.after not in ends or slot.start_s - ends[wait.after] <= wait.most_s:
            continue
        if wait.after not in mine:
            raise Refused(
                "planning.no_place",
                f"Operation {op.id!r} can start at {slot.start_s} s only, more than {wait.most_s} s after {wait.after!r}.",
                "Do what is before it again, or allow a longer wait.",
                operation=op.id,
            )
        bounds.ends_from[wait.after] = max(slot.start_s - wait.most_s, ends[wait.after] + 1)
        late = True
    if late:
        raise _TooEarlyError


def _later(timeline: Timeline, queues: Sequence[Queue], ranks: Mapping[int, int], bounds: _Bounds, job: str) -> dict[int, int]:
    """From when on a job may start on each resource of its lines, given its place on them."""
    found: dict[int, int] = {}
    for n, queue in enumerate(queues):
        rank = ranks.get(n, bounds.rank.get(n, 0))
        for name in queue.line:
            r = timeline.shop.index.get(name)
            if r is not None:
                found[r] = max(found.get(r, 0), queue.window(name, rank, job)[0])
    return found


def _keep_line(
    queues: Sequence[Queue], ranks: dict[int, int], given: frozenset[int], bounds: _Bounds, resource: str, slot: Slot, job: str
) -> None:
    """The first operation on a line takes a place on it; one that would be passed there makes it a later one."""
    for n, queue in enumerate(queues):
        if resource not in queue.starts:
            continue
        natural = queue.rank_at(resource, slot.start_s)
        if n not in ranks:
            ranks[n] = max(natural, bounds.rank.get(n, 0))
        if slot.start_s > queue.window(resource, ranks[n], job)[1]:
            if n in given:
                raise Refused(
                    "planning.no_place", f"Job {job!r} would be passed on {resource} at {slot.start_s} s.",
                    "Plan the line anew.", job=job,
                )  # fmt: skip
            bounds.rank[n] = max(natural, ranks[n] + 1)
            raise _TooEarlyError


def _slot(timeline: Timeline, op: Operation, ready: int, later: Mapping[int, int], ends_from: int) -> Slot:
    unknown = [name for name in (*(x.on for x in op.alternatives), *op.needs) if name not in timeline.shop.places]
    slot = None if unknown else timeline.earliest(op, ready, later, ends_from)
    if slot is None:
        where = unknown[0] if unknown else ", ".join((*(x.on for x in op.alternatives), *op.needs)) or "nothing"
        raise Refused(
            "planning.no_place",
            f"Operation {op.id!r} cannot be done: {where} is not there or never works long enough.",
            "Add such a resource to the plant, or extend its calendar.",
            operation=op.id,
        )
    return slot


def _in_order(operations: Sequence[Operation], ended: Mapping[str, int]) -> list[Operation]:
    """The operations so that predecessors come first."""
    known = {op.id for op in operations}
    for op in operations:
        for name in op.predecessors:
            if name not in known and name not in ended:
                raise Refused(
                    "planning.unknown_predecessor",
                    f"Operation {op.id!r} comes after {name!r}, which is neither inserted with it nor said to end.",
                    "Insert both, or say when the other ends.",
                    operation=op.id,
                )
    done = set(ended) - known
    waiting, order = list(operations), list[Operation]()
    while waiting:
        free = [op for op in waiting if done.issuperset(op.predecessors)]
        if not free:
            raise Refused(
                "planning.ring",
                f"Operations wait for each other in a ring, {waiting[0].id!r} among them.",
                "Correct the predecessors.",
                operation=waiting[0].id,
            )
        order += free
        done |= {op.id for op in free}
        waiting = [op for op in waiting if op.id not in done]
    return order
