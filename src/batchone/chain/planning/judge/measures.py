"""What a plan is worth, counted from its assignments alone."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from batchone.chain.planning.judge.facts import Facts, choice, work_begins
from batchone.chain.planning.judge.tracks import Block
from batchone.chain.planning.model import Assignment, Objective, Plan, Tariff

KWH_S = 3600


def ends_of(assignments: Iterable[Assignment]) -> dict[str, int]:
    """The end of each job: that of its last operation."""
    ends: dict[str, int] = {}
    for a in assignments:
        ends[a.job] = max(ends.get(a.job, a.end_s), a.end_s)
    return ends


def counted(facts: Facts, plan: Plan, blocks: Sequence[Block]) -> Objective:
    """Every measure of a plan."""
    ends = ends_of(plan.assignments)
    starts: dict[str, int] = {}
    for a in plan.assignments:
        starts[a.job] = min(starts.get(a.job, a.start_s), a.start_s)
    tardiness = 0
    for name, end in ends.items():
        job = facts.jobs.get(name)
        if job is not None and job.due_s is not None:
            tardiness += job.weight * max(0, end - job.due_s)
    return Objective(
        weighted_tardiness_s=tardiness,
        setup_s=sum(block.setup_s for block in blocks),
        makespan_s=max(ends.values(), default=0),
        work_in_progress_s=sum(end - starts[name] for name, end in ends.items()),
        energy=_energy(facts, blocks),
        changes=_changes(facts, plan),
    )


def _changes(facts: Facts, plan: Plan) -> int:
    places = plan.by_operation
    changed = 0
    for was in facts.problem.before:
        now = places.get(was.operation)
        changed += now is not None and (now.resource, now.start_s) != (was.resource, was.start_s)
    return changed


def drawing(facts: Facts, blocks: Iterable[Block]) -> int:
    """How many operations draw power: each may be a thousandth off by rounding."""
    operations = facts.operations
    chosen = (choice(operations[a.operation], block.resource) for block in blocks for a in block.members)
    return sum(1 for alternative in chosen if alternative is not None and alternative.power_kw)


def _energy(facts: Facts, blocks: Iterable[Block]) -> int:
    """Thousandths of the tariff's currency. Power is drawn while work is done, not in pauses nor in setups; what is running
    draws for what is left of it. In a batch each operation draws its own."""
    tariff = facts.problem.tariff
    if tariff is None:
        return 0
    bill = _Bill(tariff)
    return round(1000 * math.fsum(_cost(facts, bill, a, block) for block in blocks for a in block.members))


def _cost(facts: Facts, bill: _Bill, a: Assignment, block: Block) -> float:
    op = facts.operations[a.operation]
    chosen = choice(op, block.resource)
    if chosen is None or not chosen.power_kw:
        return 0.0
    begins = work_begins(a, op, block.resource)
    spans = facts.hours_of(block.resource).spans(begins, a.end_s) if op.attended else [(begins, a.end_s)]
    return chosen.power_kw * math.fsum(bill.until(y) - bill.until(x) for x, y in spans) / KWH_S


class _Bill:
    """Price times seconds, summed up from the beginning of the tariff."""

    def __init__(self, tariff: Tariff) -> None:
        self.starts_s, self.cycle_s = tariff.starts_s, tariff.cycle_s
        self.froms = [second for second, _ in tariff.prices]
        self.prices = [price for _, price in tariff.prices]
        self.sums = [0.0]
        for price, a, b in zip(self.prices, self.froms, [*self.froms[1:], self.cycle_s], strict=True):
            self.sums.append(self.sums[-1] + price * (b - a))

    def until(self, second: int) -> float:
        rounds, rest = divmod(second - self.starts_s, self.cycle_s)
        i = bisect_right(self.froms, rest) - 1
        return rounds * self.sums[-1] + self.sums[i] + self.prices[i] * (rest - self.froms[i])
