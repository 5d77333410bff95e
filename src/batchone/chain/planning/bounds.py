"""What no plan of a problem can go below, without solving anything."""

from __future__ import annotations

from batchone.chain.planning.compiled import Compiled, Option
from batchone.chain.planning.model import NEVER, Bound


def bound_of(compiled: Compiled) -> Bound:
    """The greater of two bounds: each job by itself on an empty floor, and each pool of resources by its load."""
    ready, ends = _alone_on_the_floor(compiled)
    job_end: dict[int, int] = {}
    for i, end in enumerate(ends):
        job_end[compiled.job[i]] = max(end, job_end.get(compiled.job[i], end))
    tardiness = sum(
        compiled.weight[j] * max(0, end - due) for j, end in job_end.items() if (due := compiled.due[j]) is not None
    )
    return Bound(tardiness, max([*ends, *_loads(compiled, ready)], default=0))


def _alone_on_the_floor(compiled: Compiled) -> tuple[list[int], list[int]]:
    """When each operation could begin and end if only material, precedence and calendars were in its way."""
    readies, ends = [0] * compiled.n, [0] * compiled.n
    for i in compiled.topological:
        head = compiled.heads.get(i)
        if head is not None:
            ends[i] = head.end_s
            continue
        lags = zip(compiled.preds[i], compiled.lags[i], strict=True)
        ready = readies[i] = max([compiled.ready[i], *(ends[p] + lag for p, lag in lags)])
        ends[i] = min(_alone(compiled, i, ready, option) for option in compiled.options[i])
    return readies, ends


def _alone(compiled: Compiled, i: int, ready: int, option: Option) -> int:
    r, seconds = option
    start = compiled.calendar[r].next_start(max(ready, compiled.available[r]))
    return compiled.finish(i, r, start, seconds)


def _loads(compiled: Compiled, ready: list[int]) -> list[int]:
    """For each set of operations with the same choice of resources, the time those need for all of them."""
    pools: dict[tuple[int, ...], list[int]] = {}
    for i, options in enumerate(compiled.options):
        if i not in compiled.heads:
            pools.setdefault(tuple(r for r, _ in options), []).append(i)
    return [_load(compiled, pool, members, ready) for pool, members in pools.items()]


def _load(compiled: Compiled, pool: tuple[int, ...], members: list[int], ready: list[int]) -> int:
    work = sum(compiled.shortest[i] for i in members)
    begin = min(ready[i] for i in members)
    behind = min(compiled.tail[i] - compiled.shortest[i] for i in members)
    counted = all(compiled.attended[i] for i in members)

    def capacity(until: int) -> int:
        total = 0
        for r in pool:
            since = max(begin, compiled.available[r])
            if until > since:
                seconds = compiled.calendar[r].working(since, until) if counted else until - since
                total += compiled.positions[r] * compiled.problem.resources[r].batch * seconds
        return total

    low, high = begin, begin + work + 1
    while high < NEVER and capacity(high) < work:
        high = begin + (high - begin) * 2
    if high >= NEVER:
        return 0
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if capacity(middle) >= work else (middle + 1, high)
    return low + behind
