"""A job put into the plan in force without moving anything: the ground a promise stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from batchone.chain.planning.limits import Limit, Waits
from batchone.chain.planning.model import Assignment, Job, Operation
from batchone.chain.planning.timeline import Slot, Timeline
from batchone.kernel.errors import Refused


@dataclass(frozen=True, slots=True)
class JobInsertion:
    """Where the operations of a job fit, when the job is complete, and what held each operation."""

    job: str
    completion_s: int
    assignments: tuple[Assignment, ...]
    limits: tuple[Limit, ...]


def insert(
    timeline: Timeline,
    job: Job,
    operations: Sequence[Operation],
    *,
    now_s: int = 0,
    ended: Mapping[str, int] | None = None,
) -> JobInsertion:
    """Fits each operation in where it ends first, in the order of precedence; the timeline itself stays as it is.

    `now_s`: nothing starts before, in seconds from the timeline's origin. `ended`: ends of predecessors that are not among
    `operations`. `Refused` if an operation waits for something unknown, names no resource, or never fits. To hold the
    capacity, `timeline.reserve(insertion.assignments, operations)`.
    """
    trial = timeline.fork()
    ends = dict(ended or {})
    assignments: list[Assignment] = []
    limits: list[Limit] = []
    for op in _in_order(operations, ends):
        before = max(op.predecessors, key=lambda name: (ends[name], name), default=None)
        before_s = now_s if before is None else ends[before]
        material = max(job.release_s, op.earliest_s)
        slot = _slot(trial, op, max(now_s, material, before_s))
        resource = trial.problem.resources[slot.resource]
        taken = Assignment(op.id, op.job, resource.id, slot.track, slot.setup_start_s, slot.start_s, slot.end_s)
        trial.add(taken, op.setup_key)
        ends[op.id] = slot.end_s
        assignments.append(taken)
        next_work = trial.shop.calendars[slot.resource].next_start(max(now_s, material, before_s, slot.free_s))
        held = Waits(now_s, material, before_s, before, slot.free_s, slot.behind, next_work, slot.start_s, slot.setup_s)
        limits.append(held.limit(op.id))
    completion = max((a.end_s for a in assignments), default=max(now_s, job.release_s))
    return JobInsertion(job.id, completion, tuple(assignments), tuple(limits))


def _slot(timeline: Timeline, op: Operation, ready: int) -> Slot:
    unknown = [x.on for x in op.alternatives if x.on not in timeline.shop.places]
    slot = None if unknown else timeline.earliest(op, ready)
    if slot is None:
        where = unknown[0] if unknown else ", ".join(x.on for x in op.alternatives) or "nothing"
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
