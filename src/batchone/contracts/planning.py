"""The plan: dated operations over finite capacity, promises from it. Owned by `chain.planning`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.sales import Reason
from batchone.contracts.sourcing import MaterialDate
from batchone.kernel.facts import fact


@dataclass(frozen=True)
class PlannedOperation:
    """One operation of one item on one position of an equipment, with its setup before it.

    `state`: planned, released (a job exists), running, done.
    """

    item: str
    order: str
    op: str
    run: int
    equipment: str
    position: int
    setup_start: datetime
    start: datetime
    end: datetime
    state: Literal["planned", "released", "running", "done"]
    late: bool


@dataclass(frozen=True)
class PlanSummary:
    """A numbered, immutable result of one planning run, and what it is worth.

    Seconds of weighted tardiness over all orders, of makespan and of setup; `bound` is a lower bound of the objective, if
    one is known.
    """

    number: int
    made: datetime
    why: str
    method: str
    operations: int
    orders: int
    late_orders: int
    tardiness_s: int
    makespan_s: int
    setup_s: int
    bound: float | None
    solve_s: float


@dataclass(frozen=True)
class PlanWindow:
    """The plan in force between two times."""

    summary: PlanSummary
    operations: tuple[PlannedOperation, ...]


@dataclass(frozen=True)
class Insertion:
    """Where an order would fit into the plan in force without moving anything: finished by `finish`, for these reasons."""

    reservation: str
    plan: int
    finish: datetime
    p90_finish: datetime
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Dispatch:
    """The operation an equipment should do next."""

    item: str
    order: str
    op: str
    run: int
    equipment: str
    setup_start: datetime
    start: datetime


@fact("plan.accepted")
@dataclass(frozen=True)
class PlanAccepted:
    """A plan is in force from now on. `finishes` holds the planned finish of each order whose finish changed: (order, time)."""

    number: int
    why: str
    late_orders: int
    tardiness_s: int
    finishes: tuple[tuple[str, datetime], ...]


class Planning(Protocol):
    """The plan in force, and insertion for promises."""

    async def insert(
        self,
        tenant: str,
        configuration: str,
        quantity: int,
        priority: int,
        material: Sequence[MaterialDate],
        hold_s: float,
        instead_of: Sequence[str] = (),
    ) -> Insertion:
        """Insert `quantity` items of a configuration into the plan in force and reserve the capacity for `hold_s` seconds.

        `instead_of` names reservations that are given back first, so that their capacity counts as free.
        """
        ...

    async def summary(self, tenant: str) -> PlanSummary:
        """The plan in force; `NotFound` before the first one."""
        ...

    async def summaries(self, tenant: str, limit: int) -> tuple[PlanSummary, ...]:
        """The newest plans."""
        ...

    async def window(self, tenant: str, start: datetime, end: datetime, limit: int) -> PlanWindow:
        """The operations of the plan in force that touch a window."""
        ...

    async def of_order(self, tenant: str, order: str) -> tuple[PlannedOperation, ...]:
        """The planned operations of an order."""
        ...

    async def dispatch_list(self, tenant: str, until: datetime) -> tuple[Dispatch, ...]:
        """What should be released to equipment until a time, in the order of the plan."""
        ...

    async def replan(self, tenant: str, why: str) -> PlanSummary:
        """Plan anew from how things stand, now."""
        ...
