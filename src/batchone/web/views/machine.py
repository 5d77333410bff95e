"""A machine as its page shows it: state, signals with their bands, what it works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from batchone.contracts.machines import EquipmentNow, JobReport, LastValue, MachineState
from batchone.contracts.pack import Equipment, Limits, Signal, Text
from batchone.contracts.production import StationNow
from batchone.web.books import Book
from batchone.web.briefs import Brief
from batchone.web.formats import decimals_of

STALE_AFTER_S = 3.0
STRIPS_MAX = 8
JOBS_SHOWN = 24


@dataclass(frozen=True)
class SignalRow:
    """A signal with its last value. `low_end` and `high_end` are the ends of its bar, in its unit."""

    path: str
    name: Text
    position: int | None
    unit: str
    decimals: int
    limits: Limits
    low_end: float | None
    high_end: float | None
    stale_after_s: float
    value: float | None
    at: datetime | None
    bad: bool
    stale: bool
    out: Literal["", "warn", "alarm"]


@dataclass(frozen=True)
class JobRow:
    """A job at a position of the machine; `beside` are the tools and people with it."""

    position: int | None
    item: str
    order: Brief
    place: str
    op: str
    op_name: Text
    program: str
    progress: float | None
    since: datetime
    beside: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Machine:
    """The parts of the page that move by themselves: state and jobs."""

    id: str
    name: Text
    class_name: Text
    trail: tuple[str, ...]
    state: MachineState
    since: datetime | None
    last_heard: datetime | None
    positions: int
    jobs: tuple[JobRow, ...]

    @property
    def job(self) -> JobRow | None:
        """The newest job, for the head of the page."""
        return max(self.jobs, key=lambda job: job.since, default=None)


def path_of(equipment: str, signal: Signal, position: int) -> str:
    """The path of a signal: positions are counted from P01."""
    return f"{equipment}/{signal.id}" if signal.scope == "equipment" else f"{equipment}/P{position:02d}/{signal.id}"


def judged(value: float, limits: Limits) -> Literal["", "warn", "alarm"]:
    """Where a value lies in its limits; a bound itself is still inside."""
    if (limits.low_low is not None and value < limits.low_low) or (limits.high_high is not None and value > limits.high_high):
        return "alarm"
    if (limits.low is not None and value < limits.low) or (limits.high is not None and value > limits.high):
        return "warn"
    return ""


def ends(limits: Limits) -> tuple[float, float] | None:
    """The ends of a signal's bar: a little beyond its outermost bounds; from zero where only an upper one is known."""
    known = [bound for bound in (limits.low_low, limits.low, limits.high, limits.high_high) if bound is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    if limits.low is None and limits.low_low is None:
        low = min(0.0, low)
    if limits.high is None and limits.high_high is None:
        high = max(known) + abs(max(known)) * 0.5
    margin = (high - low) * 0.15 or 1.0
    return (low if low == 0.0 else low - margin), high + margin


def signal_rows(
    equipment: Equipment, signals: Sequence[Signal], last: Sequence[LastValue], position: int, now: datetime, speed: float
) -> tuple[SignalRow, ...]:
    """At most eight signals: those of the equipment first, then those of one position; ones with limits before others."""
    values = {value.path: value for value in last}
    ordered = sorted(signals, key=lambda signal: (signal.scope != "equipment", signal.limits == Limits()))
    return tuple(_row(equipment, signal, values, position, now, speed) for signal in ordered[:STRIPS_MAX])


def _row(
    equipment: Equipment, signal: Signal, values: Mapping[str, LastValue], position: int, now: datetime, speed: float
) -> SignalRow:
    path = path_of(equipment.id, signal, position)
    last = values.get(path)
    stale_after_s = max(STALE_AFTER_S * max(speed, 1.0), 3 * signal.every_s)
    limits = signal.limits
    bar = ends(limits)
    return SignalRow(
        path=path,
        name=signal.name,
        position=position if signal.scope == "position" else None,
        unit=signal.unit,
        decimals=0 if signal.unit == "count" else decimals_of(limits.low, limits.high, limits.low_low, limits.high_high),
        limits=limits,
        low_end=bar[0] if bar else None,
        high_end=bar[1] if bar else None,
        stale_after_s=stale_after_s,
        value=last.value if last else None,
        at=last.source_time if last else None,
        bad=last is not None and last.quality == 2,
        stale=last is None or (now - last.source_time).total_seconds() > stale_after_s,
        out=judged(last.value, limits) if last else "",
    )


def machine(
    book: Book,
    equipment: Equipment,
    now: EquipmentNow | None,
    stations: Sequence[StationNow],
    reports: Sequence[JobReport],
    briefs: Mapping[str, Brief],
) -> Machine:
    """State and jobs of a machine."""
    by_job = {report.job: report for report in reports}
    place = book.pack.place
    rows = [_job(book, each, by_job.get(each.job), briefs) for each in stations if each.equipment == equipment.id]
    return Machine(
        id=equipment.id,
        name=equipment.name,
        class_name=book.pack.equipment_class(equipment.equipment_class).name,
        trail=(place.enterprise, place.site, place.area, place.line, equipment.cell),
        state=now.state if now else "offline",
        since=now.since if now else None,
        last_heard=now.last_heard if now else None,
        positions=equipment.positions,
        jobs=tuple(sorted(rows, key=lambda row: (row.position or 0, row.since))),
    )


def _job(book: Book, at: StationNow, report: JobReport | None, briefs: Mapping[str, Brief]) -> JobRow:
    brief = briefs.get(at.order, Brief(at.order, "", ""))
    return JobRow(
        position=at.position,
        item=at.item,
        order=brief,
        place=brief.place(at.item),
        op=at.op,
        op_name=book.operation_name(at.op),
        program=report.program if report else "",
        progress=report.progress if report else None,
        since=at.since,
        beside=tuple(book.auxiliary_name(each) for each in dict.fromkeys(at.also)),
    )


def position_from(text: str | None, machine_now: Machine) -> int:
    """The position whose signals are shown: the wished one, else the first that is in use, else the first."""
    if text and text.isdigit() and 1 <= int(text) <= machine_now.positions:
        return int(text)
    return next((job.position for job in machine_now.jobs if job.position), 1)
