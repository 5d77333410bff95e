"""The plan: dated operations over finite capacity, promises from it. Owned by `chain.planning`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.design import Exploded
from batchone.contracts.pack import Text
from batchone.contracts.sales import Reason
from batchone.contracts.sourcing import MaterialDate
from batchone.kernel.facts import fact


@dataclass(frozen=True)
class PlannedOperation:
    """One operation of one item on one position of an equipment, with its setup before it.

    `state`: planned, released (a job exists), running, done. `also`: the tools and people that it takes, each with its number
    from 0, those of its needs first and last that of its setup crew.
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
    also: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class PlanSummary:
    """A numbered, immutable result of one planning run, and what it is worth.

    Seconds of weighted tardiness over all orders, of makespan and of setup; `bound` is a lower bound of the objective, if
    one is known. `rules_broken`: how many rules the judge of plans found it to break, which `why` names: none, but for what
    machines report that no plan can make right; not known of a plan made before plans were judged.
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
    rules_broken: int | None = None


@dataclass(frozen=True)
class PlanWindow:
    """The plan in force between two times."""

    summary: PlanSummary
    operations: tuple[PlannedOperation, ...]


@dataclass(frozen=True)
class Insertion:
    """Where an order would fit into the plan in force without moving anything, for these reasons.

    Finished by `finish` with probability one half, by `p90_finish` with nine tenths: what insertion found, corrected by what
    became of earlier promises.
    """

    reservation: str
    plan: int
    finish: datetime
    p90_finish: datetime
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Wish:
    """An order that could be: so many of something exploded, with the dates of its material.

    `overtime`: with the machine that holds it up most open at the next time at which it is closed.
    """

    exploded: Exploded
    quantity: int
    material: tuple[MaterialDate, ...]
    overtime: bool = False


@dataclass(frozen=True)
class Tried:
    """What a wish would get: the dates as in `Insertion`; of overtime the machine, what it is called, and from when to when."""

    finish: datetime
    p90_finish: datetime
    equipment: str = ""
    name: Text = field(default_factory=dict)
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class Dispatch:
    """The operation an equipment should do next; `also` as in `PlannedOperation`."""

    item: str
    order: str
    op: str
    run: int
    equipment: str
    setup_start: datetime
    start: datetime
    also: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Worth:
    """What a plan is worth: late orders, seconds of weighted tardiness, of setup, and to the end of the last operation."""

    late_orders: int
    tardiness_s: int
    setup_s: int
    makespan_s: int


@dataclass(frozen=True)
class OrderChange:
    """An order whose finish differs between two plans; None where one of them has nothing of it."""

    order: str
    due: datetime
    before: datetime | None
    after: datetime | None

    @property
    def late_before(self) -> bool:
        """Late in the first plan."""
        return self.before is not None and self.before > self.due

    @property
    def late_after(self) -> bool:
        """Late in the second."""
        return self.after is not None and self.after > self.due


@dataclass(frozen=True)
class Spot:
    """Where and when an operation would start."""

    equipment: str
    position: int
    start: datetime


@dataclass(frozen=True)
class Shift:
    """An operation that two plans put in different places; None where one of them does not have it."""

    item: str
    order: str
    op: str
    before: Spot | None
    after: Spot | None


@dataclass(frozen=True)
class PlanDiff:
    """What plan `after` differs in from plan `before`. What is in `shifts` without `after` is done, or no longer wanted."""

    before: PlanSummary
    after: PlanSummary
    shifts: tuple[Shift, ...]
    orders: tuple[OrderChange, ...]


ExportForm = Literal["csv", "ics", "xml"]
"""A table (CSV), the calendar of one equipment (iCalendar), an operations schedule of ISA-95 (B2MML)."""


@dataclass(frozen=True)
class Exported:
    """The plan in force as the text of a file, and its number."""

    plan: int
    text: str


SEARCH_TOPIC = "live.search"
"""Broadcast `live.search.<tenant>`: JSON of `SearchNow` while a search runs, and an empty message when it ended."""


@dataclass(frozen=True)
class SearchNow:
    """How a search stands: real seconds since it began and that it may take, what its best plan is worth and the bound of
    that, both in seconds of weighted tardiness, of setup and of makespan, and how the plan was found."""

    elapsed_s: float
    budget_s: float
    tardiness_s: int
    setup_s: int
    makespan_s: int
    bound_s: int
    method: str

    @property
    def gap(self) -> float | None:
        """By which part of it the lateness is above its bound; None where it is not late."""
        return (self.tardiness_s - self.bound_s) / self.tardiness_s if self.tardiness_s else None


@fact("plan.accepted")
@dataclass(frozen=True)
class PlanAccepted:
    """A plan is in force from now on. `finishes` holds the planned finish of each order whose finish changed: (order, time)."""

    number: int
    why: str
    late_orders: int
    tardiness_s: int
    finishes: tuple[tuple[str, datetime], ...]


@fact("promise.moved")
@dataclass(frozen=True)
class PromiseMoved:
    """The plan moved so far that what was promised of an order no longer tells its date.

    `kind`: `later` (the expected finish passed the p90 that the customer knows) or `earlier`. `finish` and `p90_finish` are the
    new dates of the finish, as in `Insertion`; `reasons` what it waits for now.
    """

    order: str
    kind: Literal["later", "earlier"]
    plan: int
    finish: datetime
    p90_finish: datetime
    reasons: tuple[Reason, ...]


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

    async def try_out(self, tenant: str, wishes: Sequence[Wish], instead_of: Sequence[str] = ()) -> tuple[Tried | None, ...]:
        """The date that each wish would get in the plan in force, each for itself and without what `instead_of` reserves; none
        where it cannot be made, or no overtime helps. Nothing is reserved."""
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

    async def plan(self, tenant: str, number: int) -> PlanWindow:
        """Any plan as it was when it came into force, as far as it was not over by then; `NotFound` if there is none."""
        ...

    async def diff(self, tenant: str, before: int, after: int) -> PlanDiff:
        """What one plan differs in from another."""
        ...

    async def export(self, tenant: str, form: ExportForm, equipment: str, language: str) -> Exported:
        """What is open of the plan in force, named as people name it; of one `equipment` alone in a calendar. `NotFound` if
        there is no plan or no such equipment, `Conflict` if there is nothing left to be done."""
        ...


class Searching(Protocol):
    """Searches for better plans on cores of its own; every process that offers it takes some of the work."""

    async def search(self, packed: str, budget_s: float, seed: int, frozen_s: int, tell_on: str) -> str:
        """A better plan for a packed task, packed; see `chain.planning.worker`. `SearchNow` is broadcast on `tell_on`."""
        ...
