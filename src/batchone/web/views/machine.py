"""A machine as its page shows it: state, signals with their bands, what it works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

from batchone.contracts.machines import EquipmentNow, JobReport, LastValue, MachineState
from batchone.contracts.pack import Limits, Text
from batchone.contracts.production import StationNow
from batchone.contracts.things import Declared, position_name
from batchone.web.books import Book
from batchone.web.briefs import Brief
from batchone.web.formats import decimals_of
from batchone.web.places import Place

STALE_AFTER_S = 3.0
JOBS_SHOWN = 24


@dataclass(frozen=True)
class SignalRow:
    """A signal with its last value. `low_end` and `high_end` are the ends of its bar, in its unit; it is stale after
    `stale_after_s` of plant time, never where nobody knows how often it comes (`every_s` is 0)."""

    path: str
    name: Text
    position: str
    unit: str
    every_s: float
    decimals: int
    limits: Limits
    low_end: float | None
    high_end: float | None
    stale_after_s: float | None
    value: float | None
    at: datetime | None
    quality: int | None
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
    trail: tuple[tuple[str, str], ...]
    state: MachineState | None
    since: datetime | None
    last_heard: datetime | None
    positions: int
    jobs: tuple[JobRow, ...]

    @property
    def job(self) -> JobRow | None:
        """The newest job, for the head of the page."""
        return max(self.jobs, key=lambda job: job.since, default=None)


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
    signals: Sequence[Declared], limits: Mapping[str, Limits], last: Sequence[LastValue], now: datetime, speed: float
) -> tuple[SignalRow, ...]:
    """Signals with their last values; `limits` are those in force, by path, else those declared."""
    values = {value.path: value for value in last}
    return tuple(_row(each, limits.get(each.path, each.signal.limits), values.get(each.path), now, speed) for each in signals)


def _row(declared: Declared, limits: Limits, last: LastValue | None, now: datetime, speed: float) -> SignalRow:
    signal = declared.signal
    after_s = max(STALE_AFTER_S * max(speed, 1.0), 3 * signal.every_s) if signal.every_s else None
    bar = ends(limits)
    return SignalRow(
        path=declared.path,
        name=signal.name,
        position=declared.path.split("/")[1] if signal.scope == "position" else "",
        unit=signal.unit,
        every_s=signal.every_s,
        decimals=0 if signal.unit == "count" else decimals_of(limits.low, limits.high, limits.low_low, limits.high_high),
        limits=limits,
        low_end=bar[0] if bar else None,
        high_end=bar[1] if bar else None,
        stale_after_s=after_s,
        value=last.value if last else None,
        at=last.source_time if last else None,
        quality=last.quality if last else None,
        stale=last is None or (after_s is not None and (now - last.source_time).total_seconds() > after_s),
        out=judged(last.value, limits) if last else "",
    )


def machine(
    place: Place,
    now: EquipmentNow | None,
    stations: Sequence[StationNow],
    reports: Sequence[JobReport],
    briefs: Mapping[str, Brief],
) -> Machine:
    """State and jobs of a machine."""
    by_job = {report.job: report for report in reports}
    thing, book = place.thing, place.book
    rows = [_job(book, each, by_job.get(each.job), briefs) for each in stations if each.equipment == thing.id] if book else []
    return Machine(
        id=thing.id,
        name=thing.name,
        class_name=place.type_name,
        trail=_trail(place),
        state=now.state if now else None,
        since=now.since if now else None,
        last_heard=now.last_heard if now else None,
        positions=thing.positions,
        jobs=tuple(sorted(rows, key=lambda row: (row.position or 0, row.since))),
    )


def _trail(place: Place) -> tuple[tuple[str, str], ...]:
    """The machine's ISA-95 path: the area leads to its machines, the line to its board or else to its machines."""
    parts = place.thing.place.split("/")
    told = []
    for depth, part in enumerate(parts, 1):
        link = f"/machines?{urlencode({'area': '/'.join(parts[:depth])})}" if depth in {3, 4} else ""
        told.append((part, f"/line/{place.book.pack.product.id}" if depth == 4 and place.book else link))
    return tuple(told)


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


def position_from(text: str | None, machine_now: Machine) -> str:
    """The position whose signals are shown (`P01`): the wished one, else the first that is in use, else the first."""
    known = {position_name(each) for each in range(1, machine_now.positions + 1)}
    if text in known:
        return text or ""
    return position_name(next((job.position for job in machine_now.jobs if job.position), 1))
