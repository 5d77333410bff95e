"""Operations schedules of ISA-95 in B2MML 7, which took the place of its production schedule.

The Business To Manufacturing Markup Language (B2MML) is used courtesy of MESA International. A job is an `OperationsRequest`,
an operation a `SegmentRequirement`, a resource an `EquipmentRequirement`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, tzinfo
from xml.etree import ElementTree as ET

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from batchone.chain.planning.files.b2mml_read import Reader
from batchone.chain.planning.files.names import NAMELESS, Names
from batchone.chain.planning.files.text import malformed, refuse_too_many
from batchone.chain.planning.model import Assignment, JobOutcome, Operation, Plan, Problem, Resource
from batchone.kernel.errors import Refused

NAMESPACE = "http://www.mesa.org/xml/B2MML"

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def write(problem: Problem, plan: Plan, schedule_id: str = "plan", names: Names = NAMELESS) -> bytes:
    """A plan as an `OperationsSchedule`: per job when it begins and ends, per operation its planned start and end, its working
    time, its equipment first and then what it takes beside it, and as parameters its track, its setup's start and what it comes
    after; what has a name has it as its description. What the format has no place for (other alternatives, calendars, setups,
    the aim) is left out."""
    operations = {op.id: op for op in problem.operations}
    classes = {resource.id: resource.classes for resource in problem.resources}
    of_job: dict[str, list[tuple[Assignment, Operation, int]]] = {}
    for a in plan.assignments:
        op = operations[a.operation]
        of_job.setdefault(a.job, []).append((a, op, _seconds(a, op, classes.get(a.resource, ()))))
    if not of_job:
        raise Refused(
            "planning.unfit", "An empty plan is no operations schedule, which has one request at least.", "Plan a job."
        )
    root = ET.Element("OperationsSchedule", {"xmlns": NAMESPACE})
    _add(root, "ID", schedule_id)
    _add(root, "PublishedDate", plan.origin.isoformat())
    _add(root, "StartTime", plan.at(min(a.setup_start_s for a in plan.assignments)).isoformat())
    _add(root, "EndTime", plan.at(max(a.end_s for a in plan.assignments)).isoformat())
    _add(root, "OperationsType", "Production")
    for outcome in plan.jobs:
        _request(root, plan, outcome, of_job.get(outcome.job, []), names)
    ET.indent(root)
    body: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def _request(
    root: ET.Element, plan: Plan, outcome: JobOutcome, own: list[tuple[Assignment, Operation, int]], names: Names
) -> None:
    if not own:
        return
    request = _add(root, "OperationsRequest")
    _add(request, "ID", outcome.job)
    _describe(request, names.jobs.get(outcome.job))
    _add(request, "StartTime", plan.at(min(a.start_s for a, _, _ in own)).isoformat())
    _add(request, "EndTime", plan.at(outcome.end_s).isoformat())
    _add(request, "OperationsType", "Production")
    _add(request, "Priority", str(outcome.weight))
    for a, op, seconds in own:
        _segment(request, plan, a, op, seconds, names)


def _segment(request: ET.Element, plan: Plan, a: Assignment, op: Operation, seconds: int, names: Names) -> None:
    segment = _add(request, "SegmentRequirement")
    _add(segment, "ID", a.operation)
    _describe(segment, names.operations.get(a.operation))
    _add(segment, "EarliestStartTime", plan.at(a.start_s).isoformat())
    _add(segment, "LatestEndTime", plan.at(a.end_s).isoformat())
    _add(segment, "ProcessSegmentID", op.setup_key or a.operation)
    _add(segment, "Duration", f"PT{seconds}S")
    _add(segment, "OperationsDefinitionID", a.job)
    _add(segment, "OperationsSegmentID", a.operation)
    _parameter(segment, "Track", [str(a.track)], "Numeric")
    _parameter(segment, "SetupStartTime", [plan.at(a.setup_start_s).isoformat()], "DateTime")
    if op.predecessors:
        _parameter(segment, "Predecessors", op.predecessors, "Identifier")
    for number, (resource, _) in enumerate([(a.resource, a.track), *a.also]):
        equipment = _add(segment, "EquipmentRequirement")
        _add(equipment, "ID", f"{a.operation}/{number}")
        _add(equipment, "EquipmentID", resource)
        _describe(equipment, names.resources.get(resource))
        _add(equipment, "EquipmentUse", "Beside" if number else "Production")
        quantity = _add(equipment, "Quantity")
        _add(quantity, "QuantityString", "1")
        _add(quantity, "DataType", "Numeric")


def _describe(parent: ET.Element, name: str | None) -> None:
    if name:
        _add(parent, "Description", name)


def _seconds(a: Assignment, op: Operation, classes: tuple[str, ...]) -> int:
    """Working seconds of an operation where it stands."""
    own = [x.duration_s for x in op.alternatives if x.on == a.resource]
    by_class = [x.duration_s for x in op.alternatives if x.on in classes]
    return own[-1] if own else min(by_class, default=max(0, a.end_s - a.start_s))


def _parameter(segment: ET.Element, name: str, values: Iterable[str], kind: str) -> None:
    parameter = _add(segment, "SegmentParameter")
    _add(parameter, "ID", name)
    for text in values:
        value = _add(parameter, "Value")
        _add(value, "ValueString", text)
        _add(value, "DataType", kind)


def _add(parent: ET.Element, tag: str, text: str | None = None) -> ET.Element:
    child = ET.SubElement(parent, tag)
    if text is not None:
        if _NO_XML.search(text):
            raise Refused("planning.unfit", f"{text!r} has a character that XML cannot hold.", "Rename it.")
        child.text = text
    return child


def read(text: str, name: str = "the file", *, resources: tuple[Resource, ...] = (), zone: tzinfo = UTC) -> Problem:
    """The work that an operations schedule asks for, as a problem.

    The schedule's `StartTime` (else the earliest time in it) is the origin. A request is a job: released at its `StartTime`,
    due at its `EndTime`, its `Priority` its weight. A segment is an operation: not before its `EarliestStartTime`, for its
    `Duration`, on the equipment (or equipment class) of its first equipment requirement; what the others and the personnel
    requirements name it needs beside. Segments follow each other as they stand, unless parameters `Predecessors` say
    otherwise. A schedule does not describe its plant: `resources` do, or each name becomes a resource of one position that
    always works. A time without an offset is in `zone`.
    """
    try:
        root = fromstring(text)
    except ParseError as error:
        line, column = error.position
        raise malformed(name, f"line {line}, column {column + 1}", str(error), "well-formed XML") from None
    except (DefusedXmlException, ValueError) as error:
        raise malformed(name, "somewhere", f"{type(error).__name__}", "XML without entities of its own") from None
    if root.tag != f"{{{NAMESPACE}}}OperationsSchedule":
        expected = f"an OperationsSchedule of the namespace {NAMESPACE}"
        raise malformed(name, "the root element", f"{root.tag!r} stands there", expected)
    refuse_too_many(name, sum(1 for _ in root.iter(f"{{{NAMESPACE}}}SegmentRequirement")))
    return Reader(root, NAMESPACE, name, zone).problem(resources)
