"""Dispatching again and again with the urgency of a few jobs shifted, keeping what is no worse.

A hill climb over one number a job. Each step costs one dispatch, whatever the calendars and setups are, and every
schedule on the way is feasible: the cheap improver, before windows work on the details.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import RuleOfDispatch, dispatch
from batchone.chain.planning.model import Measure
from batchone.chain.planning.schedule import Schedule

METHOD = "shaken"


def shake(
    compiled: Compiled,
    rule: RuleOfDispatch,
    seed: int,
    *,
    left_s: Callable[[], float],
    better: Callable[[Schedule], None],
) -> None:
    """Climbs from one rule until no time is left; tells `better` of each schedule that beats the rule's own."""
    if len(compiled.due) < 2:
        return
    chance, aim = Random(seed), compiled.problem.aim
    schedule = dispatch(compiled, rule)
    worth = schedule.objective().key(aim)
    later = [0] * len(compiled.due)
    while left_s() > 0:
        tried = _shifted(compiled, schedule, later, chance)
        next_ = dispatch(compiled, rule, tried)
        key = next_.objective().key(aim)
        if key < worth:
            better(next_)
        if key <= worth:
            schedule, worth, later = next_, key, tried


def _shifted(compiled: Compiled, schedule: Schedule, later: list[int], chance: Random) -> list[int]:
    """A few costly jobs become more urgent, a few cheap ones less, by about as much as they are late or early."""
    cost, spare = _standing(compiled, schedule)
    jobs, count = range(len(later)), chance.choice((1, 2, 4, 8))
    tried = list(later)
    for j in chance.choices(jobs, [1 + c for c in cost], k=count):
        tried[j] -= int(chance.expovariate(1) * (max(0, -spare[j]) + 60))
    for j in chance.choices(jobs, [1 / (60 + c) for c in cost], k=count):
        tried[j] += int(chance.expovariate(1) * (max(0, spare[j]) + 600))
    return tried


def _standing(compiled: Compiled, schedule: Schedule) -> tuple[list[int], list[int]]:
    """What each job costs, and its seconds to spare (before its due time; for the makespan, before the end of the plan)."""
    whole = max(schedule.end, default=0)
    by_due = compiled.problem.aim[:1] == (Measure.TARDINESS,)
    cost, spare = [], []
    for end, due, weight in zip(schedule.job_ends(), compiled.due, compiled.weight, strict=True):
        at = 0 if end is None else end
        limit = due if by_due and due is not None else whole
        spare.append(limit - at)
        cost.append(weight * max(0, at - limit) if by_due else at * 100 // (whole + 1))
    return cost, spare
