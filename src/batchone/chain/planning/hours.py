"""Hours that people decide on beside the calendars: overtime on some equipment, or a time at which it is closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from batchone.chain.planning.model import Problem

Interval = tuple[int, int]


@dataclass(frozen=True)
class Hours:
    """An equipment, or all of a class, works (or, not `opened`, is closed) between two times, whatever its calendar says."""

    target: str
    opened: bool
    start: datetime
    end: datetime


def with_hours(problem: Problem, hours: Iterable[Hours]) -> Problem:
    """The problem with the calendars of the equipment concerned changed; what is over or unknown is left out."""
    opened: dict[str, list[Interval]] = {}
    closed: dict[str, list[Interval]] = {}
    for each in hours:
        span = max(0, problem.second(each.start)), problem.second(each.end)
        for resource in problem.resources:
            if span[0] < span[1] and each.target in (resource.id, *resource.classes):
                (opened if each.opened else closed).setdefault(resource.id, []).append(span)
    return with_intervals(problem, opened, closed)


def with_intervals(
    problem: Problem, opened: dict[str, list[Interval]], closed: dict[str, list[Interval]] | None = None
) -> Problem:
    """The problem with some resources, by id, working at more times and then closed at others."""
    closed = closed or {}
    resources, calendars = [], list(problem.calendars)
    for resource in problem.resources:
        more, less = opened.get(resource.id, []), closed.get(resource.id, [])
        if more or less:
            own = problem.calendar_of(resource).plus(more).minus(less)
            calendars.append(replace(own, id=f"{resource.calendar} of {resource.id}"))
            resource = replace(resource, calendar=calendars[-1].id)  # noqa: PLW2901 - the changed one takes its place
        resources.append(resource)
    return replace(problem, resources=tuple(resources), calendars=tuple(calendars))
