"""Lines on which nobody passes, for insertion: the one order that their jobs stand in, and between whom a new job may go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from batchone.chain.planning.model import NEVER, Assignment, Problem
from batchone.kernel.errors import Refused


@dataclass(frozen=True)
class Queue:
    """The jobs of a line in their order. `starts`: by resource and job, the seconds at which its operations there begin."""

    line: tuple[str, ...]
    jobs: tuple[str, ...]
    starts: Mapping[str, Mapping[str, tuple[int, ...]]]

    @staticmethod
    def of(line: tuple[str, ...], assignments: Iterable[Assignment]) -> Queue:
        """The queue of a plan; `Refused` if its jobs stand in no one order."""
        on = set(line)
        starts: dict[str, dict[str, tuple[int, ...]]] = {name: {} for name in line}
        for a in assignments:
            if a.resource in on:
                known = starts[a.resource]
                known[a.job] = tuple(sorted((*known.get(a.job, ()), a.start_s)))
        return Queue(line, _ordered(line, starts), starts)

    def with_job(self, assignments: Iterable[Assignment]) -> Queue:
        """The queue with what was put into it."""
        every = [
            Assignment("", job, name, 0, at, at, at)
            for name, jobs in self.starts.items()
            for job, ats in jobs.items()
            for at in ats
        ]
        return Queue.of(self.line, [*every, *assignments])

    def window(self, resource: str, rank: int, but: str) -> tuple[int, int]:
        """From when to when the job that is `rank`-th on the line may start on a resource; `but` itself is not counted."""
        here = self.starts[resource]
        before = next((here[job][-1] for job in reversed(self.jobs[:rank]) if job in here and job != but), 0)
        behind = next((here[job][0] for job in self.jobs[rank:] if job in here and job != but), NEVER)
        return max(0, before), behind

    def rank_at(self, resource: str, start_s: int) -> int:
        """Where a job stands on the line that starts at a second on one of its resources: behind all that start sooner."""
        here = self.starts[resource]
        ranks = [rank for rank, job in enumerate(self.jobs) if job in here and here[job][0] < start_s]
        return ranks[-1] + 1 if ranks else 0


def queues_of(problem: Problem, assignments: Iterable[Assignment]) -> tuple[Queue, ...]:
    """The queues of all lines of a problem."""
    every = tuple(assignments) if problem.no_passing else ()
    return tuple(Queue.of(line, every) for line in problem.no_passing)


_Node = str | tuple[int, int]
"""A job, or the moment between two groups of jobs on one resource."""


def _ordered(line: tuple[str, ...], starts: Mapping[str, Mapping[str, tuple[int, ...]]]) -> tuple[str, ...]:
    """An order that holds on each resource; those that begin in one second may stand either way."""
    first: dict[_Node, int] = {}
    after: dict[_Node, list[_Node]] = {}
    waits: dict[_Node, int] = {}
    for number, name in enumerate(line):
        for one, other in _edges(number, starts[name]):
            after.setdefault(one, []).append(other)
            waits[other] = waits.get(other, 0) + 1
        for job, ats in starts[name].items():
            first[job] = min(first.get(job, ats[0]), ats[0])

    def soonest(nodes: Iterable[_Node]) -> list[_Node]:
        return sorted(nodes, key=lambda node: (first.get(node, 0), str(node)))

    order: list[str] = []
    free = soonest(node for node in {*first, *after} if not waits.get(node))
    for node in free:
        if isinstance(node, str):
            order.append(node)
        for other in after.get(node, ()):
            waits[other] -= 1
        free += soonest({other for other in after.get(node, ()) if not waits[other]})
    if len(order) < len(first):
        raise Refused(
            "planning.passing",
            f"Jobs pass each other on the line {', '.join(line)}, so none can be put between them.",
            "Plan the line anew first.",
        )
    return tuple(order)


def _edges(number: int, here: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[_Node, _Node]]:
    """Who comes before whom on one resource: groups that begin together, with a moment between each two of them."""
    groups: dict[int, list[str]] = {}
    for job, ats in here.items():
        for at in ats:
            groups.setdefault(at, []).append(job)
    for step, (ahead, behind) in enumerate(pairwise([groups[at] for at in sorted(groups)])):
        between = (number, step)
        same = set(ahead) & set(behind)
        yield from ((job, between) for job in ahead if job not in same)
        yield from ((between, job) for job in behind if job not in same)


def rank_of(queue: Queue, job: str) -> int | None:
    """Where a job stands that is on the line already."""
    return queue.jobs.index(job) if job in queue.jobs else None
