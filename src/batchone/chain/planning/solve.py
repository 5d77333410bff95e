"""Problem in, plan out: what there is at once, then better ones until the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import RuleOfDispatch, Urgency, dispatch
from batchone.chain.planning.model import Bound, Measure, Objective, Plan, Problem
from batchone.chain.planning.repair import METHOD as REPAIR
from batchone.chain.planning.repair import repaired
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.shake import METHOD as SHAKEN
from batchone.chain.planning.shake import shake

FIRST_RULES = (
    RuleOfDispatch(Urgency.SLACK, 4),
    RuleOfDispatch(Urgency.DUE, 20),
    RuleOfDispatch(Urgency.WORK, 4),
)
"""Always tried, whatever the budget: together a fraction of a second for ten thousand operations."""

MORE_RULES = (
    RuleOfDispatch(Urgency.WEIGHT, 4),
    RuleOfDispatch(Urgency.SLACK, 0),
    RuleOfDispatch(Urgency.SLACK, 20),
    RuleOfDispatch(Urgency.WEIGHT, 20),
    RuleOfDispatch(Urgency.WORK, 0),
    RuleOfDispatch(Urgency.SLACK, 100),
)
"""Tried while there is time."""

_SMALL = 60
"""Problems with no more movable operations go to the solver whole."""
_SHAKEN = 0.4
"""The part of the budget for shaking."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A better plan was found: what it is worth, the bound, seconds since the start, and how it was found."""

    objective: Objective
    bound: Bound
    elapsed_s: float
    method: str


def solve(
    problem: Problem,
    budget_s: float,
    seed: int,
    *,
    in_force: Plan | None = None,
    progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    workers: int = 2,
) -> Plan:
    """The best plan found within about `budget_s` seconds of wall time, and at least one whatever the budget.

    First the plan in force, repaired, and a few dispatching rules; then the best rule shaken; then CP-SAT (Google OR-Tools)
    on windows of the best so far. A plan of equal worth never displaces the repaired one, and every plan passes `validate`.
    With a budget of 0 the result depends on the input alone; otherwise also on how far the machine comes. `progress` is told
    of each better plan; `workers`: threads of the solver.
    `Refused` if the problem cannot be planned.
    """
    return _Search(problem, budget_s, seed, progress, clock).run(in_force, workers)


class _Search:
    def __init__(
        self,
        problem: Problem,
        budget_s: float,
        seed: int,
        progress: Callable[[Progress], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self.begun, self.clock = clock(), clock
        self.budget_s, self.seed, self.progress = budget_s, seed, progress
        self.compiled = Compiled(problem)
        self.bound = bound_of(self.compiled)
        self.best: Schedule | None = None
        self.worth: tuple[int, ...] = ()
        self.method = ""
        self.rule = FIRST_RULES[0]
        self.rule_worth: tuple[int, ...] | None = None

    def run(self, in_force: Plan | None, workers: int) -> Plan:
        if in_force is not None:
            self._offer(repaired(self.compiled, in_force), REPAIR)
        for rule in FIRST_RULES:
            self._dispatch(rule)
        for rule in MORE_RULES:
            if self._left_s() <= 0:
                break
            self._dispatch(rule)
        if self._left_s() > 0 and not self._at_bound():
            if self.compiled.n - len(self.compiled.heads) > _SMALL:
                self._shake()
            self._windows(workers)
        assert self.best is not None
        return self.best.plan(self.method, self.seed, self.bound)

    def _dispatch(self, rule: RuleOfDispatch) -> None:
        schedule = dispatch(self.compiled, rule)
        worth = schedule.objective().key(self.compiled.problem.aim)
        if self.rule_worth is None or worth < self.rule_worth:
            self.rule, self.rule_worth = rule, worth
        self._offer(schedule, rule.name)

    def _shake(self) -> None:
        """Climbs from the best rule for a part of the budget."""
        until_s = self.budget_s * (1 - _SHAKEN)
        shake(
            self.compiled,
            self.rule,
            self.seed,
            left_s=lambda: self._left_s() - until_s,
            better=lambda schedule: self._offer(schedule, f"{self.rule.name}+{SHAKEN}"),
        )

    def _left_s(self) -> float:
        return self.budget_s - (self.clock() - self.begun)

    def _offer(self, schedule: Schedule, method: str) -> None:
        objective = schedule.objective()
        worth = objective.key(self.compiled.problem.aim)
        if self.best is not None and worth >= self.worth:
            return
        self.best, self.worth = schedule, worth
        self.method = method
        if self.progress is not None:
            self.progress(Progress(objective, self.bound, self.clock() - self.begun, self.method))

    def _at_bound(self) -> bool:
        """No plan can be better in any measure."""
        assert self.best is not None
        worth = self.best.objective()
        least = Objective(self.bound.weighted_tardiness_s, 0, self.bound.makespan_s)
        return worth.key(self.compiled.problem.aim) == least.key(self.compiled.problem.aim)

    def _windows(self, workers: int) -> None:
        # The solver library takes more than a second to import, which a promise or a repair need not pay.
        from batchone.chain.planning.solvers.windows import METHOD, improve  # noqa: PLC0415

        assert self.best is not None
        method = f"{self.method}+{METHOD}"
        _, proven = improve(
            self.compiled,
            self.best,
            self.seed,
            left_s=self._left_s,
            better=lambda schedule: self._offer(schedule, method),
            workers=workers,
        )
        if proven:
            self._note_proof()

    def _note_proof(self) -> None:
        """The plan is proven best, so its first measure is a bound."""
        assert self.best is not None
        worth, first = self.best.objective(), self.compiled.problem.aim[0]
        if first is Measure.TARDINESS:
            self.bound = Bound(worth.weighted_tardiness_s, self.bound.makespan_s)
        elif first is Measure.MAKESPAN:
            self.bound = Bound(self.bound.weighted_tardiness_s, worth.makespan_s)
