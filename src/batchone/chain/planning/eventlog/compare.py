"""The learnt orders as a planning problem, and its plan beside what really happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, median

from batchone.chain.planning.eventlog.learn import Learnt, Order, Sharing
from batchone.chain.planning.model import (
    DAY_S,
    Alternative,
    Job,
    Measure,
    Operation,
    Plan,
    Problem,
    Resource,
)
from batchone.chain.planning.solve import solve
from batchone.chain.planning.validator import validate
from batchone.kernel.errors import Broken


@dataclass(frozen=True, slots=True)
class OrderComparison:
    """One order, planned and actual; seconds from the log's origin. `work_s`: working time of all its pieces."""

    order: str
    pieces: int
    work_s: int
    rework: bool
    release_s: int
    actual_end_s: int
    planned_end_s: int

    @property
    def actual_lead_s(self) -> int:
        """From its first reported second to its last."""
        return self.actual_end_s - self.release_s

    @property
    def planned_lead_s(self) -> int:
        """From its first reported second to its planned end."""
        return self.planned_end_s - self.release_s

    @property
    def later_s(self) -> int:
        """Planned end after actual end; negative: the plan is sooner."""
        return self.planned_end_s - self.actual_end_s


@dataclass(frozen=True)
class View:
    """One way to read the log, the problem it gives, its plan, and the comparison."""

    learnt: Learnt
    problem: Problem
    plan: Plan
    orders: tuple[OrderComparison, ...]

    @property
    def sharing(self) -> Sharing:
        """What was made of time in which a worker reports several orders."""
        return self.learnt.sharing

    def figures(self) -> dict[str, float | int | str]:
        """The comparison in one row; lead times in days."""
        actual = [order.actual_lead_s / DAY_S for order in self.orders]
        planned = [order.planned_lead_s / DAY_S for order in self.orders]
        later = [order for order in self.orders if order.later_s > 0]
        return {
            "reading": self.sharing.value,
            "orders": len(self.orders),
            "operations": len(self.plan.assignments),
            "work_h": round(sum(order.work_s for order in self.orders) / 3600, 1),
            "actual_lead_median_d": round(median(actual), 2),
            "planned_lead_median_d": round(median(planned), 2),
            "actual_lead_mean_d": round(fmean(actual), 2),
            "planned_lead_mean_d": round(fmean(planned), 2),
            "orders_sooner": sum(order.later_s < 0 for order in self.orders),
            "orders_same": sum(order.later_s == 0 for order in self.orders),
            "orders_later": len(later),
            "latest_by_d": round(max((order.later_s for order in later), default=0) / DAY_S, 2),
            "orders_after_the_log": sum(order.planned_end_s > self.learnt.end_s for order in self.orders),
            "actual_last_end_d": round(max(order.actual_end_s for order in self.orders) / DAY_S, 2),
            "planned_last_end_d": round(max(order.planned_end_s for order in self.orders) / DAY_S, 2),
            "later_than_actual_sum_h": round(self.plan.objective.weighted_tardiness_s / 3600, 1),
            "later_than_actual_bound_h": round(self.plan.bound.weighted_tardiness_s / 3600, 1),
            "method": self.plan.produced_by,
        }


def compare(learnt: Learnt, budget_s: float, seed: int, *, clock: Callable[[], float]) -> View:
    """Plans the learnt orders within about `budget_s` seconds. `Broken` if the plan breaks a rule, which it must not."""
    problem = problem_of(learnt)
    plan = solve(problem, budget_s, seed, clock=clock)
    violations = validate(problem, plan)
    if violations:
        raise Broken(
            "eventlog.plan",
            f"The plan breaks {len(violations)} rules, the first: {violations[0]}.",
            "This is a fault of the planner; keep the log and report it.",
        )
    return View(learnt, problem, plan, tuple(_compared(order, plan) for order in learnt.orders))


def problem_of(learnt: Learnt) -> Problem:
    """Orders as jobs from their real first second, due at their real end; pieces as operations; workers as resources.

    A piece can be done by everybody who did its activity at least once, in the working time that it really took.
    """
    monday_s = -learnt.origin.weekday() * DAY_S
    apart = learnt.sharing is Sharing.ONE_JOB
    calendars = tuple(worker.calendar(learnt.end_s, monday_s) for worker in learnt.workers)
    resources = tuple(
        Resource(worker.id, positions=1 if apart else worker.at_once, calendar=calendar.id)
        for worker, calendar in zip(learnt.workers, calendars, strict=True)
    )
    who = {activity: learnt.who_does(activity) for worker in learnt.workers for activity in worker.activities}
    return Problem(
        learnt.origin,
        resources,
        tuple(Job(order.id, order.end_s, 1, order.release_s) for order in learnt.orders),
        tuple(op for order in learnt.orders for op in _operations(order, who)),
        calendars,
        aim=(Measure.TARDINESS, Measure.MAKESPAN),
    )


def _operations(order: Order, who: dict[str, tuple[str, ...]]) -> list[Operation]:
    return [
        Operation(
            id=f"{order.id}/{index}",
            job=order.id,
            alternatives=tuple(Alternative(worker, piece.work_s) for worker in who[piece.activity]),
            predecessors=tuple(f"{order.id}/{before}" for before in piece.after),
        )
        for index, piece in enumerate(order.pieces)
    ]


def _compared(order: Order, plan: Plan) -> OrderComparison:
    return OrderComparison(
        order.id,
        len(order.pieces),
        sum(piece.work_s for piece in order.pieces),
        order.rework,
        order.release_s,
        order.end_s,
        plan.by_job[order.id].end_s,
    )
