"""Problem in, plan out: first a plan, then only better ones, until the budget, the target or the bound is reached.

The best plan so far belongs to this module; whatever searches is asked for candidates and never holds the only plan, so a
search that finds nothing, or fails, costs time and nothing else.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import RuleOfDispatch, Urgency, dispatch
from batchone.chain.planning.frozen import compared, freeze
from batchone.chain.planning.model import Bound, Measure, Objective, Plan, Problem
from batchone.chain.planning.repair import METHOD as REPAIR
from batchone.chain.planning.repair import repair, repaired
from batchone.chain.planning.replay import replay
from batchone.chain.planning.schedule import UNPLACED, Schedule
from batchone.kernel.errors import Refused

if TYPE_CHECKING:
    from batchone.chain.planning.solvers.port import Search

FIRST_RULES = (
    RuleOfDispatch(Urgency.SLACK, 4),
    RuleOfDispatch(Urgency.DUE, 50),
    RuleOfDispatch(Urgency.WORK, 4),
)
"""Always tried: together a second for twenty thousand operations. Of great problems that are searched only the first, to have
a plan soon; the search tries the others in a tenth of the time."""

_SMALL = 60
"""Problems with no more movable operations go to CP-SAT whole, which may prove the best plan."""
_PROOF = 0.3
"""The part of the budget for such a proof."""
_WINDOWS = 0.2
"""The part of the budget for CP-SAT on windows, last, where the search has no kind of its own for the problem."""
_MANY = 5_000
"""Plans of more operations have no such last part: a window is too small to matter."""
_BOUND = 0.1
"""The part of the budget for CP-SAT to raise the bound of the makespan, last, while the plan is not at it."""
_STUCK, _STUCK_MOST = 0.35, 250
"""Walks of so few operations that have found nothing better for that part of the budget leave the rest to CP-SAT, which then
works on the whole: small shops that walks end a step from the best are where it is strong."""
_MEETING = 6
"""Rounds after which the walks tell each other of their best."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A better plan was found: what it is worth, the bound, seconds since the start, and how it was found."""

    objective: Objective
    bound: Bound
    elapsed_s: float
    method: str


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop: `budget_s` seconds of wall time, or `steps` of each walk (0: no limit); or as soon as the first measure is
    `target` or less."""

    budget_s: float
    steps: int = 0
    target: int | None = None


def solve(
    problem: Problem,
    budget_s: float,
    seed: int,
    *,
    in_force: Plan | None = None,
    progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    workers: int = 2,
    steps: int = 0,
    target: int | None = None,
    frozen_s: int = 0,
) -> Plan:
    """The best plan found within about `budget_s` seconds of wall time, and at least one whatever the budget.

    First the plan in force, repaired, and a dispatching rule; then compiled local search in `workers` threads; then CP-SAT
    (Google OR-Tools) on windows of the best so far and for the bound. A plan of equal worth never displaces the repaired one,
    and every plan passes `validate`. `progress` is told of each better plan. What starts in the plan in force before `frozen_s`
    stays where it is. Interrupted from the keyboard it returns the best plan so far.

    It ends as soon as the first measure of the aim, or the weighted sum, is `target` or less; a window that CP-SAT is at is
    finished first.

    With a budget of 0 the result depends on the input alone. So it does with `steps`, which limits each walk to so many steps
    instead of by time: a plan says in `steps` how far its walks came, and the same seed, workers and steps give the same
    walks again.
    `Refused` if the problem cannot be planned.
    """
    if in_force is not None:
        problem = compared(problem, in_force)
        if frozen_s > 0:
            # Only what a repair leaves there can stay: the plan in force may not hold any more.
            in_force = repair(problem, in_force, seed)
            problem = freeze(problem, in_force, frozen_s)
    limits = Limits(budget_s if not steps else max(budget_s, 1e-9), steps, target)
    return _Solve(problem, limits, seed, progress, clock).run(in_force, workers)


class _Solve:
    def __init__(
        self,
        problem: Problem,
        limits: Limits,
        seed: int,
        progress: Callable[[Progress], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self.begun, self.clock = clock(), clock
        self.bettered = self.begun
        self.limits, self.seed, self.progress = limits, seed, progress
        self.compiled = Compiled(problem)
        self.bound = bound_of(self.compiled)
        self.best: Schedule | None = None
        self.worth: tuple[int, ...] = ()
        self.method = ""
        self.steps = 0
        self.proven = False

    def run(self, in_force: Plan | None, workers: int) -> Plan:
        if in_force is not None:
            self._offer(repaired(self.compiled, in_force), REPAIR)
        if self.compiled.extras:
            self._in_line()
        else:
            great = self.limits.budget_s > 0 and self.compiled.n > _MANY
            for rule in FIRST_RULES[: 1 if great else None]:
                self._offer(dispatch(self.compiled, rule), rule.name)
        if self.limits.budget_s > 0 or self.best is None:
            try:
                self._search(workers)
            except KeyboardInterrupt:
                # Whoever waits has waited enough; what was found by then is theirs.
                if self.best is None:
                    raise
        assert self.best is not None
        return replace(self.best.plan(self.method, self.seed, self.bound), steps=self.steps)

    def _in_line(self) -> None:
        """Where the only thing dispatching does not know is that nobody passes: all jobs in one order, by urgency."""
        c = self.compiled
        if not c.problem.no_passing or c.heads or any(op.waits or op.needs or op.batch_key for op in c.problem.operations):
            return
        urgency = [0] * len(c.due)
        for i in c.topological:
            urgency[c.job[i]] = min(urgency[c.job[i]], c.latest[i]) if c.preds[i] else c.latest[i]
        place = {j: n for n, j in enumerate(sorted(range(len(urgency)), key=urgency.__getitem__))}
        resource = [options[0][0] for options in c.options]
        schedule = replay(c, resource, [0] * c.n, [place[c.job[i]] for i in range(c.n)])
        if schedule is not None:
            self._offer(schedule, "urgency")

    def _search(self, workers: int) -> None:
        # The compiled searches and the solver take more than a second to import, which a promise or a repair need not pay.
        from batchone.chain.planning.solvers.choice import search_for  # noqa: PLC0415

        if self._done():
            return
        if self._windows_fit() and self.compiled.n - len(self.compiled.heads) <= _SMALL and not self.limits.steps:
            self._windows(workers, self.limits.budget_s * (1 - _PROOF))
        if self._done():
            return
        try:
            walks = [search_for(self.compiled, self.seed * 1009 + walk, self.best) for walk in range(max(1, workers))]
        except Refused:
            # Where what must follow soon leaves little room, a search may find no way to begin; the plan that is there stays.
            if self.best is None:
                raise
            return
        for walk in walks:
            self._take(walk)
        self._walk(walks)
        if (
            not self.limits.steps
            and not self._done()
            and self._windows_fit()
            and walks[0].method.startswith(("dispatch", "sequence"))
        ):
            self._windows(workers, self.limits.budget_s * _BOUND)
        if not self.limits.steps and not self._done() and self._left_s() > 0:
            self._raise_bound(workers)

    def _walk(self, walks: list[Search]) -> None:
        """Lets the walks go on, each in a thread, in rounds of equal strides, until a limit is reached."""
        general = walks[0].method.startswith(("dispatch", "sequence"))
        last = (
            _BOUND + (_WINDOWS if general and self._windows_fit() and self.compiled.n <= _MANY else 0)
        ) * self.limits.budget_s
        stride, rounds = walks[0].stride, 0
        stuck_s = _STUCK * self.limits.budget_s if self.compiled.n <= _STUCK_MOST and not general else math.inf
        with ThreadPoolExecutor(len(walks)) as threads:
            while not self._done() and (self.limits.steps or self._left_s() > last):
                if not self.limits.steps and self.clock() - self.bettered > stuck_s:
                    return
                count = min(stride, self.limits.steps - self.steps) if self.limits.steps else stride
                if count <= 0:
                    return
                list(threads.map(lambda walk, count=count: walk.run(count), walks))
                self.steps, rounds = self.steps + count, rounds + 1
                for walk in walks:
                    self._take(walk)
                if rounds % _MEETING == 0:
                    first = min(walks, key=lambda walk: walk.worth)
                    for walk in walks:
                        if walk is not first:
                            walk.learn(first)

    def _take(self, walk: Search) -> None:
        """Offers a walk's best plan, if it may be better."""
        if self.best is None or walk.worth < self.worth[: len(walk.worth)]:
            self._offer(walk.schedule(), walk.method)

    def _left_s(self) -> float:
        return self.limits.budget_s - (self.clock() - self.begun)

    def _offer(self, schedule: Schedule, method: str) -> None:
        objective = schedule.objective()
        problem = self.compiled.problem
        worth = objective.key(problem.aim, problem.weights)
        if self.best is not None and worth >= self.worth:
            return
        self.best, self.worth, self.bettered = schedule, worth, self.clock()
        self.method = method
        if self.progress is not None:
            self.progress(Progress(objective, self.bound, self.clock() - self.begun, self.method))

    def _done(self) -> bool:
        """The target is reached, or no plan can be better in any measure."""
        if self.best is None or self.proven:
            return self.proven
        if self.limits.target is not None and self.worth[0] <= self.limits.target:
            return True
        problem = self.compiled.problem
        least = Objective(self.bound.weighted_tardiness_s, 0, self.bound.makespan_s)
        return self.worth == least.key(problem.aim, problem.weights)

    def _windows_fit(self) -> bool:
        """Whether CP-SAT's model of a window knows all that the problem is made of."""
        problem = self.compiled.problem
        known = {Measure.TARDINESS, Measure.SETUP, Measure.MAKESPAN}
        return not self.compiled.extras and not problem.weights and set(problem.aim) <= known

    def _windows(self, workers: int, until_s: float) -> None:
        """CP-SAT on windows until so many seconds of the budget are left."""
        from batchone.chain.planning.solvers.windows import METHOD, improve  # noqa: PLC0415

        assert self.best is not None
        method = f"{self.method}+{METHOD}"
        _, proven = improve(
            self.compiled,
            self.best,
            self.seed,
            left_s=lambda: 0.0 if self._done() else self._left_s() - until_s,
            better=lambda schedule: self._offer(schedule, method),
            workers=workers,
        )
        if proven:
            self._note_proof()

    def _raise_bound(self, workers: int) -> None:
        from batchone.chain.planning.solvers.relaxed import relaxed  # noqa: PLC0415

        assert self.best is not None
        if self.compiled.problem.aim[0] is not Measure.MAKESPAN:
            return
        found = relaxed(self.compiled, self.best, self._left_s(), self.seed, workers)
        self.bound = Bound(self.bound.weighted_tardiness_s, max(self.bound.makespan_s, found.bound_s))
        if found.order is not None and self._windows_fit() and not self.compiled.problem.no_passing:
            resource, start = found.order
            track = [0 if self.compiled.positions[r] == 1 else UNPLACED for r in resource]
            schedule = replay(self.compiled, resource, track, start)
            if schedule is not None:
                self._offer(schedule, f"{self.method}+whole")

    def _note_proof(self) -> None:
        """The plan is proven best, so its first measure is a bound."""
        self.proven = True
        assert self.best is not None
        worth, first = self.best.objective(), self.compiled.problem.aim[0]
        if first is Measure.TARDINESS:
            self.bound = Bound(worth.weighted_tardiness_s, self.bound.makespan_s)
        elif first is Measure.MAKESPAN:
            self.bound = Bound(self.bound.weighted_tardiness_s, worth.makespan_s)
