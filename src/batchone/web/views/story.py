"""The story of an ordered item: what happened to it, what happens now, what comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from batchone.contracts.design import RoutedOperation
from batchone.contracts.logistics import Shipment
from batchone.contracts.pack import Text
from batchone.contracts.planning import PlannedOperation
from batchone.contracts.production import Hold, ItemRecord, Job
from batchone.contracts.sales import Order
from batchone.web.books import Book

When = Literal["done", "now", "next"]


@dataclass(frozen=True)
class Chapter:
    """An operation of the item (or several shown as one): when, where, in how many tries; `beside` are the tools and people
    that the plan gives it."""

    op: str
    name: Text
    when: When
    start: datetime | None
    end: datetime | None
    stations: tuple[tuple[str, Text], ...]
    tries: int
    failed_checks: tuple[Text, ...]
    late: bool
    beside: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Story:
    """One item's way, from order to door."""

    item: str
    serial: str
    number_of_items: int
    place: int
    chapters: tuple[Chapter, ...]
    done: int
    total: int
    held: Hold | None
    finished: datetime | None
    shipment: Shipment | None

    @property
    def current(self) -> Chapter | None:
        """What is being done now."""
        return next((chapter for chapter in self.chapters if chapter.when == "now"), None)


def story(
    book: Book,
    order: Order,
    record: ItemRecord,
    operations: Sequence[RoutedOperation],
    planned: Sequence[PlannedOperation],
    shipments: Sequence[Shipment],
) -> Story:
    """The way of one item, from its record and the plan in force."""
    groups: dict[str, list[RoutedOperation]] = {}
    for operation in operations:
        groups.setdefault(operation.group, []).append(operation)
    jobs: dict[str, list[Job]] = {}
    for job in record.jobs:
        if job.state != "withdrawn":
            jobs.setdefault(job.op, []).append(job)
    coming = {each.op: each for each in planned if each.item == record.item and each.state != "done"}
    chapters = tuple(_chapter(book, record, group, members, jobs, coming) for group, members in groups.items())
    return Story(
        item=record.item,
        serial=record.serial,
        number_of_items=len(order.items),
        place=order.items.index(record.item) + 1 if record.item in order.items else 1,
        chapters=chapters,
        done=sum(chapter.when == "done" for chapter in chapters),
        total=len(chapters),
        held=next((hold for hold in reversed(record.holds) if hold.released is None), None),
        finished=record.finished,
        shipment=next((each for each in shipments if record.item in each.items), None),
    )


def _chapter(
    book: Book,
    record: ItemRecord,
    group: str,
    members: Sequence[RoutedOperation],
    jobs: Mapping[str, Sequence[Job]],
    coming: Mapping[str, PlannedOperation],
) -> Chapter:
    own = [job for member in members for job in jobs.get(member.op, ())]
    latest = {member.op: max(jobs.get(member.op, ()), key=lambda job: job.run, default=None) for member in members}
    finished = [job for job in latest.values() if job is not None and job.state == "finished"]
    next_up = [coming[member.op] for member in members if member.op in coming]
    when: When = "next"
    if len(finished) == len(members) and not next_up:
        when = "done"
    elif any(job is not None and job.state in {"released", "started"} for job in latest.values()):
        when = "now"
    starts = [job.started or job.released for job in own] or [each.start for each in next_up]
    ends = [each.end for each in next_up] or [job.finished for job in finished if job.finished]
    machines = dict.fromkeys(job.equipment for job in own) or dict.fromkeys(each.equipment for each in next_up)
    ops = {member.op for member in members}
    failed = [measured.name for measured in record.measurements if measured.op in ops and measured.passed is False]
    return Chapter(
        op=group,
        name=_name(members),
        when=when,
        start=min(starts, default=None),
        end=max(ends, default=None),
        stations=tuple((machine, book.equipment_name(machine)) for machine in machines),
        tries=max((job.run for job in own), default=0),
        failed_checks=tuple(failed),
        late=any(each.late for each in next_up),
        beside=tuple(map(book.auxiliary_name, dict.fromkeys(name for each in next_up for name, _ in each.also))),
    )


def _name(members: Sequence[RoutedOperation]) -> Text:
    between = {"zh": "、"}
    return {
        language: between.get(language, ", ").join(each.name.get(language, "") for each in members)
        for language in members[0].name
    }
