"""The work of one resource as a calendar (iCalendar, RFC 5545) that a person can subscribe to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from batchone.chain.planning.files.names import NAMELESS, Names
from batchone.chain.planning.model import Assignment, Plan
from batchone.kernel.errors import NotFound

_OCTETS = 75
_AGAIN = "PT5M"


def write(plan: Plan, resource: str, resources: tuple[str, ...] = (), names: Names = NAMELESS) -> str:
    """Every operation on a resource, or for which it is taken as a tool or a skill, from the start of its setup to its end.

    `NotFound` if the resource has no work in the plan and is not among `resources` either. The stamp of the events is the
    origin of the plan, so that the same plan makes the same file; who subscribes is asked to look again every few minutes.
    """
    events = [event for a in plan.assignments for event in _events(plan, a, resource, names)]
    if not events and resource not in resources:
        raise NotFound("planning.resource", f"The plan has no work on resource {resource!r}.", "Name a resource of the plan.")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Batchone//Planning//EN",
        "CALSCALE:GREGORIAN",
        f"NAME:{_text(names.resource(resource))}",
        f"X-WR-CALNAME:{_text(names.resource(resource))}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{_AGAIN}",
        f"X-PUBLISHED-TTL:{_AGAIN}",
        *(line for event in events for line in event),
        "END:VCALENDAR",
    ]
    return "".join(_folded(line) for line in lines)


def _events(plan: Plan, a: Assignment, resource: str, names: Names) -> Iterator[list[str]]:
    taken = [track for name, track in a.also if name == resource]
    what, where = f"{names.operation(a.operation)} ({names.job(a.job)})", names.resource(a.resource)
    if a.resource == resource:
        yield _event(plan, a, what, f"{where}/{a.track}", a.resource)
    elif taken:
        yield _event(plan, a, f"{what} on {where}", f"{where}/{a.track}", f"{resource}/{taken[0]}")


def _event(plan: Plan, a: Assignment, summary: str, place: str, who: str) -> list[str]:
    begins, ends = _moment(plan.at(a.setup_start_s)), _moment(plan.at(a.end_s))
    what = [
        f"operation {a.operation}",
        f"job {a.job}",
        f"start {plan.at(a.start_s).isoformat()}",
        f"end {plan.at(a.end_s).isoformat()}",
    ]
    if a.setup_start_s < a.start_s:
        what.insert(2, f"setup from {plan.at(a.setup_start_s).isoformat()}")
    return [
        "BEGIN:VEVENT",
        f"UID:{_text(f'{a.operation}/{who}@batchone')}",
        f"DTSTAMP:{_moment(plan.origin)}",
        f"DTSTART:{begins}",
        # An event that ends as it starts has no end: RFC 5545 wants the end later.
        *([f"DTEND:{ends}"] if ends > begins else []),
        f"SUMMARY:{_text(summary)}",
        f"LOCATION:{_text(place)}",
        f"DESCRIPTION:{_text(chr(10).join(what))}",
        "END:VEVENT",
    ]


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    """A TEXT value: `\\`, `;`, `,` and line breaks escaped, other control characters left out."""
    plain = value.replace("\r\n", "\n").replace("\r", "\n")
    escaped = plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(c for c in escaped if c == "\t" or (ord(c) >= 32 and ord(c) != 127))


def _folded(line: str) -> str:
    """A content line in pieces of at most 75 octets, none of which cuts a character."""
    out, width = [], 0
    for c in line:
        octets = len(c.encode())
        if width + octets > _OCTETS:
            out.append("\r\n ")
            width = 1
        out.append(c)
        width += octets
    return "".join(out) + "\r\n"
