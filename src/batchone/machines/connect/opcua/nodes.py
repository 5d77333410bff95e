"""What the nodes of an OPC UA server mean: which is a state, which holds jobs, which is a signal; pure.

Two kinds of server are understood: one that follows docs/guides/plant-protocols.md and is browsed, and any other, of
which a list names the nodes that are signals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaError
from numpy.typing import NDArray

from batchone.kernel.errors import Refused
from batchone.machines.columns import BAD, GOOD, UNCERTAIN, arrival_us, to_us
from batchone.machines.connect.driver import Garbled, Inbox, JobResponse
from batchone.machines.connect.jobs import merged, response_from_json
from batchone.machines.connect.opcua.publications import Numbers

NAMESPACE = "urn:batchone:plant"
Kind = Literal["signal", "state", "running", "ended"]
_KINDS: Mapping[str, Kind] = {"State": "state", "Jobs": "running", "Completed": "ended"}
_WAITING = StatusCodes.BadWaitingForInitialData
_NOT_A_NUMBER = float("nan")
_QUALITY = np.array((GOOD, UNCERTAIN, BAD, BAD), np.uint8)
"""By the two highest bits of a status code (OPC 10000-4, 7.39)."""


@dataclass(frozen=True, slots=True)
class Point:
    """A node to listen to, and what it tells: `path` is `<equipment>/<name>`."""

    node: ua.NodeId
    kind: Kind
    equipment: str
    path: str


def point_of(node: ua.NodeId, equipment: str, name: str) -> Point:
    """The point of a variable below an equipment; `name` is `State`, a signal, or `P01/<signal>`."""
    return Point(node, _KINDS.get(name, "signal"), equipment, f"{equipment}/{name}")


def mapped_points(nodes: Mapping[str, str]) -> list[Point]:
    """The points of a server that follows no guide: signal path to node id, as written in settings; `Refused` when one is no
    node id."""
    points = []
    for path, node in nodes.items():
        equipment, _, name = path.partition("/")
        try:
            found = ua.NodeId.from_string(node)
        except (UaError, ValueError, TypeError, IndexError) as error:
            cure = "Write it as ns=2;s=Air.P or ns=2;i=1001."
            raise Refused("opcua.address", f"'{node[:200]}' is no node id.", cure, address=path) from error
        points.append(point_of(found, equipment, name))
    return points


def queue_size(point: Point) -> int:
    """How many values the server keeps between two publications: every sample, but only the newest of other things."""
    return 10 if point.kind == "signal" else 1


class Listed:
    """The points that are listened to; a handle is a place among them."""

    def __init__(self, points: Sequence[Point] = ()) -> None:
        self.points = points
        self.paths = [point.path for point in points]
        self._signal = np.array([point.kind == "signal" for point in points], np.bool_)

    def known(self, handles: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which handles were given out."""
        return handles < len(self.points)

    def signal(self, handles: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the handles, all given out, are of signals."""
        return self._signal[handles]


@dataclass
class Book:
    """The jobs of each equipment as its two lists last told them."""

    running: dict[str, tuple[JobResponse, ...]] = field(default_factory=dict)
    ended: dict[str, tuple[JobResponse, ...]] = field(default_factory=dict)

    def of(self, equipment: str) -> tuple[JobResponse, ...]:
        """All jobs of an equipment."""
        return merged(self.running.get(equipment, ()), self.ended.get(equipment, ()))


def quality_of(code: int) -> int:
    """The quality of a status code."""
    return int(_QUALITY[code >> 30])


def responses_of(value: object) -> tuple[JobResponse, ...]:
    """The job responses in an array of texts; `Garbled` when one is none."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Garbled("machine.garbled", f"A machine sent {type(value).__name__} for a list of jobs.")
    return tuple(response_from_json(text) for text in value)


def take_numbers(numbers: Numbers, listed: Listed, inbox: Inbox, book: Book, now: datetime) -> None:
    """Sort numbers into the inbox: those of signals by columns."""
    known = listed.known(numbers.handles)
    for handle in numbers.handles[~known].tolist():
        inbox.fault("?", f"Handle {handle} was never given out.")
    signal = np.zeros(len(known), np.bool_)
    signal[known] = listed.signal(numbers.handles[known])
    received_us, quality = arrival_us(now), _QUALITY[numbers.codes >> 30]
    finite = np.isfinite(numbers.values)
    values = np.where(finite, numbers.values, np.nan)
    source_us = np.where(numbers.source_us > 0, numbers.source_us, received_us)
    sample = signal & (finite | (quality == BAD) & (numbers.codes != _WAITING))
    if sample.any():
        inbox.samples.extend(
            listed.paths, numbers.handles[sample], source_us[sample], received_us, values[sample], quality[sample]
        )
    for at in np.flatnonzero(signal & ~finite & (quality != BAD)).tolist():
        inbox.fault(listed.paths[numbers.handles[at]], f"{str(numbers.values[at])!r} is no finite number.")
    for at in np.flatnonzero(known & ~signal).tolist():
        value = int(numbers.values[at]) if numbers.whole[at] else float(numbers.values[at])
        _take_other(listed.points[numbers.handles[at]], value, int(numbers.codes[at]), inbox, book)


def take_change(change: ua.MonitoredItemNotification, listed: Listed, inbox: Inbox, book: Book, now: datetime) -> None:
    """Sort one change into the inbox."""
    handle, received_us = int(change.ClientHandle), arrival_us(now)
    if not 0 <= handle < len(listed.points):
        inbox.fault("?", f"Handle {handle} was never given out.")
    elif change.Value is not None:
        take_value(listed.points[handle], change.Value, inbox, book, received_us)


def take_value(point: Point, data: ua.DataValue, inbox: Inbox, book: Book, received_us: int) -> None:
    """Sort one value into the inbox."""
    value = data.Value.Value if data.Value is not None else None
    code = int(data.StatusCode.value) if data.StatusCode is not None else 0
    if point.kind == "signal":
        _take_sample(point, value, code, _source_us(data.SourceTimestamp, received_us), inbox, received_us)
    else:
        _take_other(point, value, code, inbox, book)


def _take_other(point: Point, value: object, code: int, inbox: Inbox, book: Book) -> None:
    if quality_of(code) == BAD:
        if code != _WAITING:
            inbox.fault(point.path, f"The server gives the status 0x{code:08X}.")
    elif point.kind == "state":
        inbox.state(point.equipment, value)
    else:
        _take_jobs(point, value, inbox, book)


def _source_us(source: datetime | None, received_us: int) -> int:
    told_us = to_us(source if source.tzinfo is not None else source.replace(tzinfo=UTC)) if source is not None else 0
    return told_us if told_us > 0 else received_us


def _take_sample(point: Point, value: object, code: int, source_us: int, inbox: Inbox, received_us: int) -> None:
    quality = quality_of(code)
    if isinstance(value, (int, float)) and math.isfinite(value):
        inbox.samples.add(point.path, source_us, received_us, float(value), quality)
    elif quality == BAD:
        if code != _WAITING:
            inbox.samples.add(point.path, source_us, received_us, _NOT_A_NUMBER, BAD)
    else:
        inbox.fault(point.path, f"{str(value)[:60]!r} is no finite number.")


def _take_jobs(point: Point, value: object, inbox: Inbox, book: Book) -> None:
    try:
        responses = responses_of(value)
    except Garbled as error:
        inbox.fault(point.path, error.what)
        return
    (book.running if point.kind == "running" else book.ended)[point.equipment] = responses
    inbox.jobs[point.equipment] = book.of(point.equipment)
