"""Jobs on machines, items and their records. Owned by `chain.production`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.enterprises import Actor
from batchone.kernel.facts import fact

JobState = Literal["released", "started", "finished", "failed", "withdrawn"]
"""`withdrawn`: the machine said that it never took the job; its operation is released anew."""
ItemState = Literal["planned", "in_production", "held", "finished"]


@dataclass(frozen=True)
class Job:
    """One operation of one item, released to one equipment. `run` counts the operation's tries from 1 (rework makes more)."""

    id: str
    item: str
    order: str
    op: str
    run: int
    equipment: str
    position: int | None
    program: str
    parameters: Mapping[str, float | str]
    state: JobState
    released: datetime
    started: datetime | None
    finished: datetime | None
    energy_kwh: float | None
    reason: str


@dataclass(frozen=True)
class Measurement:
    """A measured value with its unit and limits; no value where a required one was not reported; `passed` is none where
    nothing is required."""

    job: str
    op: str
    check: str
    name: Mapping[str, str]
    value: float | None
    unit: str
    low: float | None
    high: float | None
    passed: bool | None
    time: datetime


@dataclass(frozen=True)
class ConsumedLot:
    """What went into an item: pieces of a lot of a module's variant, at an operation."""

    module: str
    variant: str
    quantity: int
    lot: str
    supplier: str
    op: str


@dataclass(frozen=True)
class Hold:
    """Why an item was held, since when, and what was decided."""

    since: datetime
    reason: Mapping[str, str]
    check: str
    released: datetime | None
    decision: str


@dataclass(frozen=True)
class ItemRecord:
    """The whole record of an item: its jobs, lots, measurements, holds, energy. The passport is drawn from this."""

    item: str
    serial: str
    order: str
    product: str
    configuration: str
    state: ItemState
    operations_total: int
    operations_done: int
    jobs: tuple[Job, ...]
    lots: tuple[ConsumedLot, ...]
    measurements: tuple[Measurement, ...]
    holds: tuple[Hold, ...]
    energy_kwh: float
    started: datetime | None
    finished: datetime | None


@dataclass(frozen=True)
class StationNow:
    """A job at an equipment at the moment; `also` are the tools and people that it holds."""

    equipment: str
    job: str
    item: str
    order: str
    op: str
    position: int | None
    state: JobState
    since: datetime
    also: tuple[str, ...] = ()


@fact("job.released")
@dataclass(frozen=True)
class JobReleased:
    """An operation was given to an equipment and the machine confirmed it by read-back.

    `also`: the tools and people that it holds, each with its number from 0, the crew of its setup last.
    """

    job: str
    item: str
    order: str
    op: str
    run: int
    equipment: str
    also: tuple[tuple[str, int], ...] = ()


@fact("job.started")
@dataclass(frozen=True)
class JobStarted:
    """The machine began."""

    job: str
    item: str
    order: str
    op: str
    run: int
    equipment: str
    position: int | None
    at: datetime
    expected_end: datetime


@fact("job.finished")
@dataclass(frozen=True)
class JobFinished:
    """The machine ended the job well (`state` finished) or not (failed); a failed one will be tried again."""

    job: str
    item: str
    order: str
    op: str
    run: int
    equipment: str
    state: Literal["finished", "failed"]
    started: datetime
    at: datetime
    energy_kwh: float
    reason: str


@fact("check.passed")
@dataclass(frozen=True)
class CheckPassed:
    """A measurement was within its limits."""

    item: str
    order: str
    op: str
    check: str
    value: float


@fact("check.failed")
@dataclass(frozen=True)
class CheckFailed:
    """A measurement was outside its limits, or missing."""

    item: str
    order: str
    op: str
    check: str
    value: float | None
    reaction: Literal["rework", "hold"]


@fact("item.held")
@dataclass(frozen=True)
class ItemHeld:
    """An item must not go on until released."""

    item: str
    order: str
    check: str
    reason: str


@fact("item.released")
@dataclass(frozen=True)
class ItemReleased:
    """A held item goes on; `redo` names the operations that are done again, each with its new run number."""

    item: str
    order: str
    redo: tuple[tuple[str, int], ...]
    decision: str


@fact("item.finished")
@dataclass(frozen=True)
class ItemFinished:
    """All operations are done and all checks passed."""

    item: str
    order: str
    serial: str
    energy_kwh: float


class Production(Protocol):
    """Items, jobs, and the commands that people may give."""

    async def item(self, tenant: str, item: str) -> ItemRecord:
        """An item's record, by id or serial."""
        ...

    async def items_of_order(self, tenant: str, order: str) -> tuple[ItemRecord, ...]:
        """The records of an order's items."""
        ...

    async def items_begun(self, tenant: str, after: str, limit: int) -> tuple[ItemRecord, ...]:
        """The records of items that have a serial number, in the order of their ids, from the one behind `after` on (empty:
        from the first), at most `limit`."""
        ...

    async def jobs(self, tenant: str, state: str, equipment: str, limit: int) -> tuple[Job, ...]:
        """Jobs, newest first; empty filters mean all."""
        ...

    async def stations(self, tenant: str) -> tuple[StationNow, ...]:
        """Every job that is at an equipment now."""
        ...

    async def finished_since(self, tenant: str, since: datetime) -> tuple[datetime, ...]:
        """When items were finished, for takt."""
        ...

    async def release_item(
        self, tenant: str, item: str, redo: tuple[str, ...], note: str, key: str, actor: Actor
    ) -> ItemRecord:
        """Let a held item go on, doing the operations `redo` again."""
        ...

    async def abort_job(self, tenant: str, job: str, key: str, actor: Actor) -> Job:
        """Stop a job at its machine; it ends as failed and its operation is planned again."""
        ...
