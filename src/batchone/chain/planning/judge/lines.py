"""Lines on which nobody passes: all jobs stand in one and the same order on each of their resources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

from batchone.chain.planning.judge.facts import Facts, Rule, Violation
from batchone.chain.planning.model import Assignment


def check_lines(facts: Facts, assignments: Iterable[Assignment]) -> Iterator[Violation]:
    """Each operation that comes before one whose job was before it, on some resource of its line."""
    lines = facts.problem.no_passing
    if not lines:
        return
    wanted = {name for line in lines for name in line}
    here: dict[str, list[Assignment]] = {}
    for a in sorted(assignments, key=lambda a: (a.start_s, a.end_s)):
        if a.resource in wanted:
            here.setdefault(a.resource, []).append(a)
    for line in lines:
        orders = [(name, here[name]) for name in line if name in here]
        found = False
        for (before, first), (name, second) in pairwise(orders):
            for violation in _against(facts, before, first, name, second):
                found = True
                yield violation
        if not found:
            yield from _ring(facts, line, [order for _, order in orders])


def _against(facts: Facts, before: str, first: list[Assignment], name: str, second: list[Assignment]) -> Iterator[Violation]:
    """Operations on `name` that stand behind a job that they were before on the resource ahead."""
    place: dict[str, int] = {}
    for rank, (_, group) in enumerate(groupby(first, key=lambda a: a.start_s)):
        for a in group:
            place.setdefault(a.job, rank)
    latest, behind = -1, ""
    for _, group in groupby(second, key=lambda a: a.start_s):
        together = [a for a in group if a.job in place]
        for a in together:
            if place[a.job] < latest:
                op = facts.operations[a.operation]
                what = f"stands behind job {behind!r} on {name}, which was behind it on {before}"
                yield facts.wrong(Rule.PASSING, op, what)
        for a in together:
            if place[a.job] > latest:
                latest, behind = place[a.job], a.job


def _ring(facts: Facts, line: tuple[str, ...], orders: list[list[Assignment]]) -> Iterator[Violation]:
    """Jobs that no single order can hold, where neighbours on the line do not show it: some skip, or come twice."""
    after: dict[object, set[object]] = {}
    waits: dict[object, int] = {}
    for number, order in enumerate(orders):
        groups = [list(dict.fromkeys(a.job for a in group)) for _, group in groupby(order, key=lambda a: a.start_s)]
        runs = [jobs for i, jobs in enumerate(groups) if len(jobs) > 1 or i == 0 or jobs != groups[i - 1]]
        for step, (ahead, behind) in enumerate(pairwise(runs)):
            between = (number, step)
            edges: list[tuple[object, object]] = [*((job, between) for job in ahead), *((between, job) for job in behind)]
            for one, other in edges:
                if other not in after.setdefault(one, set()):
                    after[one].add(other)
                    waits[other] = waits.get(other, 0) + 1
    free: list[object] = [node for node in after if not waits.get(node)]
    for node in free:
        for other in after.get(node, ()):
            waits[other] -= 1
            if not waits[other]:
                free.append(other)
    stuck = {node for node, count in waits.items() if count and isinstance(node, str)}
    if stuck:
        last = max((a for order in orders for a in order if a.job in stuck), key=lambda a: (a.start_s, a.operation))
        what = f"stands in an order that no one order of jobs on {', '.join(line)} allows"
        yield facts.wrong(Rule.PASSING, facts.operations[last.operation], what)
