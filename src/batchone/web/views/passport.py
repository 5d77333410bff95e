"""The passport of an item: what it is, what went into it, where and how it was made, what was measured, what it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from batchone.contracts.pack import Text
from batchone.contracts.production import ConsumedLot, ItemRecord, Job, Measurement
from batchone.web.books import Book
from batchone.web.formats import decimals_of


@dataclass(frozen=True)
class MeasurementRow:
    """A measured value (None where a required one was not reported) with its limits and, for the bar, the ends of its scale."""

    name: Text
    op: str
    value: float | None
    unit: str
    decimals: int
    low: float | None
    high: float | None
    low_end: float | None
    high_end: float | None
    passed: bool | None
    superseded: bool
    time: datetime


@dataclass(frozen=True)
class JobRow:
    """A job of the item: operation, station, program, times, energy."""

    op: str
    name: Text
    run: int
    equipment: str
    station: Text
    program: str
    start: datetime | None
    end: datetime | None
    energy_kwh: float | None
    state: str


@dataclass(frozen=True)
class LotRow:
    """Pieces of a lot that went into the item."""

    module: Text
    variant: Text
    quantity: int
    lot: str
    supplier: Text
    op: str


@dataclass(frozen=True)
class Passport:
    """Everything that an item's record tells, in words."""

    record: ItemRecord
    name: Text
    choices: tuple[tuple[Text, Text], ...]
    lots: tuple[LotRow, ...]
    jobs: tuple[JobRow, ...]
    measurements: tuple[MeasurementRow, ...]
    nominal_kwh: float
    carbon_kg: float
    passed: int
    judged: int


def passport(book: Book, record: ItemRecord, choices: Mapping[str, str]) -> Passport:
    """The passport of a record."""
    newest = {(each.op, each.check): each.time for each in sorted(record.measurements, key=lambda each: each.time)}
    rows = tuple(
        _measurement(each, superseded=each.time < newest[each.op, each.check])
        for each in sorted(record.measurements, key=lambda each: each.time)
    )
    judged = [row for row in rows if row.passed is not None and not row.superseded]
    return Passport(
        record=record,
        name=book.pack.product.name,
        choices=tuple(
            (book.name("option", option), book.value_name(option, value)) for option, value in _ordered(book, choices)
        ),
        lots=tuple(_lot(book, lot) for lot in record.lots),
        jobs=tuple(_job(book, job) for job in sorted(_done(record.jobs), key=lambda job: job.started or job.released)),
        measurements=rows,
        nominal_kwh=book.pack.energy.nominal_kwh,
        carbon_kg=record.energy_kwh * book.pack.energy.carbon_g_per_kwh / 1000,
        passed=sum(bool(row.passed) for row in judged),
        judged=len(judged),
    )


def _ordered(book: Book, choices: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    known = [option.id for option in book.pack.options if option.id in choices]
    return [(option, choices[option]) for option in [*known, *(each for each in choices if each not in known)]]


def _lot(book: Book, lot: ConsumedLot) -> LotRow:
    return LotRow(
        book.name("module", lot.module),
        book.name("variant", lot.variant),
        lot.quantity,
        lot.lot,
        book.name("supplier", lot.supplier),
        lot.op,
    )


def _done(jobs: Sequence[Job]) -> list[Job]:
    """Jobs that a machine really had."""
    return [job for job in jobs if job.state != "withdrawn"]


def _job(book: Book, job: Job) -> JobRow:
    return JobRow(
        job.op, book.operation_name(job.op), job.run, job.equipment, book.equipment_name(job.equipment), job.program,
        job.started, job.finished, job.energy_kwh, job.state,
    )  # fmt: skip


def _measurement(each: Measurement, *, superseded: bool) -> MeasurementRow:
    low_end, high_end = _ends(each) or (None, None)
    decimals = decimals_of(each.low, each.high) if low_end is not None else decimals_of(each.value)
    return MeasurementRow(
        each.name, each.op, each.value, each.unit, decimals, each.low, each.high, low_end, high_end, each.passed,
        superseded, each.time,
    )  # fmt: skip


def _ends(each: Measurement) -> tuple[float, float] | None:
    """The ends of the bar: a little beyond limits and value; from zero where only an upper limit is known."""
    bounds = [bound for bound in (each.low, each.high) if bound is not None]
    if not bounds:
        return None
    known = bounds if each.value is None else [*bounds, each.value]
    from_zero = each.low is None and min(known) >= 0
    least = 0.0 if from_zero else min(known)
    margin = (max(known) - least) * 0.2 or abs(max(known)) * 0.2 or 1.0
    return (least if from_zero else least - margin), max(known) + margin
