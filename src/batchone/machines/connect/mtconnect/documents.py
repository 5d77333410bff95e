"""What MTConnect documents say; pure (MTConnect Standard, parts 1 to 3: devices and streams, in any version's namespace).

An observation's address is its data item's id. A number is its value; words of two meanings (`ON`, `OPEN`, `AVAILABLE`,
`ACTIVE`) are 1 and their opposites 0; a condition is 0 when normal, 1 while it warns, 2 while there is a fault, the worst of
all that are active. What is `UNAVAILABLE` is a bad sample without a value. Other words, and points in space, are no samples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from batchone.contracts.machines import MachineState
from batchone.machines import columns
from batchone.machines.connect.driver import Fault, Garbled

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

UNITS: Mapping[str, str] = {
    "AMPERE": "A", "CELSIUS": "degC", "DECIBEL": "dB", "DEGREE": "deg", "DEGREE/SECOND": "deg/s", "DEGREE/SECOND^2": "deg/s^2",
    "HERTZ": "Hz", "JOULE": "J", "KILOGRAM": "kg", "LITER": "l", "LITER/SECOND": "l/s", "MICRO_RADIAN": "urad",
    "MILLIMETER": "mm", "MILLIMETER/SECOND": "mm/s", "MILLIMETER/SECOND^2": "mm/s^2", "MILLIMETER/REVOLUTION": "mm",
    "CUBIC_MILLIMETER": "mm^3", "GRAM": "g", "NEWTON": "N", "NEWTON_METER": "N*m", "OHM": "ohm", "PASCAL": "Pa",
    "PASCAL_SECOND": "Pa*s", "PERCENT": "%", "REVOLUTION/MINUTE": "rpm", "REVOLUTION/SECOND": "rps", "SECOND": "s",
    "SIEMENS/METER": "S/m", "VOLT": "V", "VOLT_AMPERE": "V*A", "WATT": "W", "WATT_SECOND": "W*s", "COULOMB": "C", "TESLA": "T",
}  # fmt: skip
"""Units of the standard to those that signals are declared in; what is not here has no unit, or none of ours."""
_WORDS: Mapping[str, float] = {
    "AVAILABLE": 1, "ON": 1, "OPEN": 1, "ACTIVE": 1, "ARMED": 1, "TRUE": 1, "YES": 1,
    "OFF": 0, "CLOSED": 0, "READY": 0, "STOPPED": 0, "INTERRUPTED": 0, "TRIGGERED": 0, "INACTIVE": 0, "FALSE": 0, "NO": 0,
    "FEED_HOLD": 0, "OPTIONAL_STOP": 0, "PROGRAM_STOPPED": 0, "PROGRAM_COMPLETED": 0, "PROGRAM_OPTIONAL_STOP": 0, "WAIT": 0,
}  # fmt: skip
_LEVELS: Mapping[str, int] = {"Normal": 0, "Warning": 1, "Fault": 2}
_UNAVAILABLE = "UNAVAILABLE"
_FAULTS_MAX = 20


class LostPlace(Garbled):
    """The agent no longer has, or never had, what was asked for: it was started again, or dropped it for newer."""


@dataclass(frozen=True, slots=True)
class DataItem:
    """Something that an agent tells of: its id, what a person calls it, category and type, and its unit as signals have it."""

    id: str
    name: str
    type: str
    unit: str


@dataclass(frozen=True)
class Devices:
    """What a probe tells: the agent that answers, and its data items."""

    who: str
    items: tuple[DataItem, ...]


@dataclass(frozen=True)
class Streams:
    """Observations of a document. `instance` changes when the agent loses its memory; `first` is the oldest observation that
    it still has, `next` the one to ask for next. `paths` of `samples` are ids."""

    instance: int
    first: int
    next: int
    samples: pa.RecordBatch
    faults: tuple[Fault, ...]


@dataclass
class Standing:
    """What lasts from document to document: active conditions, execution and availability, by data item."""

    conditions: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    execution: dict[str, str] = field(default_factory=dict)
    availability: dict[str, str] = field(default_factory=dict)

    @property
    def gone(self) -> bool:
        """Whether the agent says that the machine is not there."""
        return _UNAVAILABLE in self.availability.values()

    @property
    def state(self) -> MachineState | None:
        """What the machine is at; none if it does not tell."""
        if any(level == 2 for active in self.conditions.values() for level in active.values()):
            return "alarm"
        if not self.execution:
            return None
        return "running" if "ACTIVE" in self.execution.values() else "idle"

    def worst(self, item: str, level: str, code: str) -> float:
        """Take a condition; the worst of its data item. A normal one without a code ends all others."""
        active = self.conditions[item]
        if level == "Normal" and not code:
            active.clear()
        elif level == "Normal":
            active.pop(code, None)
        else:
            active[code] = _LEVELS[level]
        return float(max(active.values(), default=0))


def devices(body: bytes) -> Devices:
    """What a probe tells; `Garbled` when it is no such document."""
    root = _root(body, "MTConnectDevices")
    header = _header(root)
    who = " ".join(part for part in ("MTConnect agent", header.get("version", ""), header.get("sender", "")) if part)
    return Devices(who, tuple(_items(root, "")))


def _items(above: Element, name: str) -> Iterator[DataItem]:
    waiting = [(above, name)]
    while waiting:
        element, own = waiting.pop()
        for child in element:
            if _tag(child) == "DataItem" and child.get("id"):
                what = child.get("name") or " ".join(part for part in (child.get("subType"), child.get("type")) if part)
                told = f"{child.get('category', '')} {child.get('type', '')}".strip()
                yield DataItem(child.get("id", ""), f"{own} {what}".strip(), told, UNITS.get(child.get("units", ""), ""))
            else:
                waiting.append((child, child.get("name") or own))


def streams(body: bytes, standing: Standing, received_us: int) -> Streams:
    """The observations of a document, in the order of their sequence; `standing` is brought up to date.

    `Garbled` when it is no such document, `LostPlace` when the agent says that it does not have what was asked for.
    """
    root = _root(body, "MTConnectStreams")
    header = _header(root)
    samples, faults = columns.Samples(), dict[str, Fault]()
    found = [each for each in root.iter() if each.get("dataItemId") and each.get("timestamp")]
    for element in sorted(found, key=lambda each: _whole(each.get("sequence"), 0)):
        item = element.get("dataItemId", "")
        try:
            for time_us, value in _observed(element, item, standing):
                bad = value is None
                samples.add(
                    item, time_us, received_us, np.nan if value is None else value, columns.BAD if bad else columns.GOOD
                )
        except (ValueError, OverflowError) as error:
            before = faults.get(item)
            if before or len(faults) < _FAULTS_MAX:
                faults[item] = Fault(item, before.count + 1 if before else 1, str(error)[:200])
    instance, first, after = (_whole(header.get(name), -1) for name in ("instanceId", "firstSequence", "nextSequence"))
    if min(instance, first, after) < 0:
        raise Garbled("mtconnect.header", "The document does not say which observations it has.")
    return Streams(instance, first, after, samples.take(), tuple(faults.values()))


def _observed(element: Element, item: str, standing: Standing) -> list[tuple[int, float | None]]:
    """Times and values of an observation, none for one that is unavailable; `ValueError` says what cannot be read."""
    time_us, tag, text = _time_us(element.get("timestamp", "")), _tag(element), (element.text or "").strip()
    if tag == "Execution":
        standing.execution[item] = text
    elif tag == "Availability":
        standing.availability[item] = text
    if tag == "Unavailable":
        standing.conditions.pop(item, None)
    if tag == "Unavailable" or text == _UNAVAILABLE:
        return [(time_us, None)]
    if tag in _LEVELS:
        return [(time_us, standing.worst(item, tag, element.get("nativeCode", "")))]
    if element.get("sampleCount") is not None:
        return _series(element, time_us, text)
    if text in _WORDS:
        return [(time_us, _WORDS[text])]
    try:
        value = float(text)
    except ValueError:
        return []
    if not np.isfinite(value):
        raise ValueError(f"{text[:40]} is no measurement")
    return [(time_us, value)]


def _series(element: Element, time_us: int, text: str) -> list[tuple[int, float | None]]:
    """A time series: so many values at a rate, the last one at the time of the observation."""
    rate, values = float(element.get("sampleRate") or 0), [float(part) for part in text.split()]
    if len(values) != _whole(element.get("sampleCount"), -1) or not (0 < rate < 1e9) or not np.isfinite(values).all():
        raise ValueError("a time series has other values than it says, or no rate")
    return [(time_us - round((len(values) - 1 - at) * 1e6 / rate), value) for at, value in enumerate(values)]


def _root(body: bytes, wanted: str) -> Element:
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Garbled("mtconnect.xml", f"What the agent sent is no document: {str(error)[:200]}.") from error
    if _tag(root) == "MTConnectError":
        told = [each for each in root.iter() if each.get("errorCode")]
        what = "; ".join(f"{each.get('errorCode')}: {(each.text or '').strip()[:200]}" for each in told) or "an error"
        kind = LostPlace if any(each.get("errorCode") == "OUT_OF_RANGE" for each in told) else Garbled
        raise kind("mtconnect.error", f"The agent answers with {what}.")
    if _tag(root) != wanted:
        raise Garbled("mtconnect.document", f"The agent sent {_tag(root)[:60]}, not {wanted}.")
    return root


def _header(root: Element) -> Element:
    for child in root:
        if _tag(child) == "Header":
            return child
    raise Garbled("mtconnect.header", "The document has no header.")


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 20 else otherwise


def _time_us(text: str) -> int:
    moment = datetime.fromisoformat(text)
    time_us = columns.to_us(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    if time_us < 0:
        raise ValueError(f"{text[:40]} lies before 1970")
    return time_us
