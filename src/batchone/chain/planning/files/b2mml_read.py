"""From the elements of an operations schedule to a problem."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from xml.etree.ElementTree import Element

from batchone.chain.planning.files.text import malformed
from batchone.chain.planning.model import Alternative, Job, Operation, Problem, Resource
from batchone.kernel.errors import Refused

_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment requirement, its path, and its id within its request."""

    element: Element
    path: str
    id: str


class Reader:
    """Reads one schedule; every error names the path of the element."""

    def __init__(self, root: Element, namespace: str, name: str, zone: tzinfo) -> None:
        self.root, self.ns, self.name, self.zone = root, f"{{{namespace}}}", name, zone
        self.places: dict[str, None] = {}

    def problem(self, resources: tuple[Resource, ...]) -> Problem:
        """The problem; resources that are not given are made of the names that are used."""
        requests = [*self._children(self.root, "OperationsRequest", "OperationsSchedule")]
        if not requests:
            raise self._wrong("OperationsSchedule", "it has no OperationsRequest", "one at least")
        self.origin = self._origin()
        segments = {path: [*self._segments(request, path)] for request, path in requests}
        counts = Counter(segment.id for part in segments.values() for segment in part)
        jobs, operations = [], list[Operation]()
        for request, path in requests:
            job = self._text(request, "ID", path)
            jobs.append(self._job(request, path, job))
            names = {s.id: s.id if counts[s.id] == 1 else f"{job}/{s.id}" for s in segments[path]}
            operations += self._operations(job, segments[path], names)
        given = {resource.id for resource in resources} | {name for resource in resources for name in resource.classes}
        made = tuple(Resource(place) for place in self.places if place not in given)
        if resources and made:
            raise self._wrong("OperationsSchedule", f"{made[0].id!r} is asked for", "equipment of the plant only")
        return Problem(self.origin, (*resources, *made), tuple(jobs), tuple(operations))

    def _origin(self) -> datetime:
        begins = self._moment(self.root, "StartTime", "OperationsSchedule")
        if begins is not None:
            return begins
        times = ("StartTime", "EarliestStartTime")
        found = [(e, tag) for tag in times for parent in self.root.iter() for e in parent.findall(self.ns + tag)]
        moments = [self._parsed(e.text, tag) for e, tag in found]
        if not moments:
            raise self._wrong("OperationsSchedule/StartTime", "no time says when it begins", "a StartTime")
        return min(moments)

    def _job(self, request: Element, path: str, job: str) -> Job:
        begins, ends = self._moment(request, "StartTime", path), self._moment(request, "EndTime", path)
        text = self._optional(request, "Priority")
        try:
            weight = 1 if text is None else round(float(text))
        except (ValueError, OverflowError):
            raise self._wrong(f"{path}/Priority", f"{text!r} stands there", "a number") from None
        return Job(job, None if ends is None else self._second(ends), weight, 0 if begins is None else self._second(begins))

    def _segments(self, request: Element, path: str) -> Iterator[_Segment]:
        found = [*self._children(request, "SegmentRequirement", path)]
        if not found:
            raise self._wrong(path, "it has no SegmentRequirement", "one at least")
        for element, where in found:
            if element.find(f"{self.ns}SegmentRequirementChild") is not None:
                raise self._wrong(f"{where}/SegmentRequirementChild", "a segment within a segment", "segments side by side")
            yield _Segment(element, where, self._text(element, "ID", where))

    def _operations(self, job: str, segments: list[_Segment], names: dict[str, str]) -> Iterator[Operation]:
        said = [self._parameter(segment, "Predecessors") for segment in segments]
        ordered = any(values is not None for values in said)
        for number, (segment, values) in enumerate(zip(segments, said, strict=True)):
            before = (segments[number - 1].id,) if number and not ordered else tuple(values or ())
            begins = self._moment(segment.element, "EarliestStartTime", segment.path)
            alternatives, needs = self._equipment(segment)
            yield Operation(
                names[segment.id],
                job,
                alternatives,
                tuple(names.get(name, name) for name in before),
                0 if begins is None else self._second(begins),
                needs=needs,
            )

    def _equipment(self, segment: _Segment) -> tuple[tuple[Alternative, ...], tuple[str, ...]]:
        """Where it is done, by the first requirement of equipment, else of personnel; and what all the others ask for."""
        path = segment.path
        seconds = self._duration(self._text(segment.element, "Duration", path), f"{path}/Duration")
        asked = [
            (self._names(element, where, kinds), self._quantity(element, where))
            for tag, kinds in (
                ("EquipmentRequirement", ("EquipmentID", "EquipmentClassID")),
                ("PersonnelRequirement", ("PersonID", "PersonnelClassID")),
            )
            for element, where in self._children(segment.element, tag, path)
        ]
        if not asked:
            raise self._wrong(path, "nothing says where it is done", "an EquipmentRequirement")
        self.places.update(dict.fromkeys(name for names, _ in asked for name in names))
        alternatives = tuple(Alternative(name, seconds) for name in asked[0][0])
        return alternatives, tuple(names[0] for names, count in asked[1:] for _ in range(count))

    def _names(self, element: Element, path: str, kinds: tuple[str, str]) -> list[str]:
        for kind in kinds:
            found = [e.text.strip() for e in element.findall(self.ns + kind) if e.text and e.text.strip()]
            if found:
                return list(dict.fromkeys(found))
        raise self._wrong(path, "it names nothing", f"an {kinds[0]} or an {kinds[1]}")

    def _quantity(self, element: Element, path: str) -> int:
        text = element.findtext(f"{self.ns}Quantity/{self.ns}QuantityString")
        if text is None:
            return 1
        if not re.fullmatch(r"0*[1-9]\d{0,3}", text.strip()):
            raise self._wrong(f"{path}/Quantity", f"{text!r} stands there", "a whole number from 1 to 9999")
        return int(text)

    def _parameter(self, segment: _Segment, name: str) -> list[str] | None:
        for parameter in segment.element.findall(f"{self.ns}SegmentParameter"):
            if parameter.findtext(f"{self.ns}ID") == name:
                values = parameter.findall(f"{self.ns}Value/{self.ns}ValueString")
                return [(value.text or "").strip() for value in values]
        return None

    def _duration(self, text: str, path: str) -> int:
        found = _DURATION.fullmatch(text)
        if found is None or not any(found.groups()):
            raise self._wrong(path, f"{text!r} stands there", "a duration in days, hours, minutes and seconds, as PT1H30M")
        days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return math.ceil(days * 86_400 + hours * 3600 + minutes * 60 + seconds)

    def _children(self, parent: Element, tag: str, path: str) -> Iterator[tuple[Element, str]]:
        for number, element in enumerate(parent.findall(self.ns + tag), 1):
            yield element, f"{path}/{tag}[{number}]"

    def _optional(self, parent: Element, tag: str) -> str | None:
        text = parent.findtext(self.ns + tag)
        return text.strip() if text and text.strip() else None

    def _text(self, parent: Element, tag: str, path: str) -> str:
        text = self._optional(parent, tag)
        if text is None:
            raise self._wrong(f"{path}/{tag}", "it is missing", f"a {tag}")
        return text

    def _moment(self, parent: Element, tag: str, path: str) -> datetime | None:
        text = self._optional(parent, tag)
        return None if text is None else self._parsed(text, f"{path}/{tag}")

    def _parsed(self, text: str | None, path: str) -> datetime:
        try:
            moment = datetime.fromisoformat((text or "").strip())
        except ValueError:
            raise self._wrong(path, f"{text!r} stands there", "a time as 2026-01-05T06:00:00Z") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)

    def _second(self, moment: datetime) -> int:
        return round((moment - self.origin).total_seconds())

    def _wrong(self, path: str, what: str, expected: str) -> Refused:
        return malformed(self.name, path, what, expected)
