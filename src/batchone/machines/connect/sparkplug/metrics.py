"""What Sparkplug payloads mean, and the session of one edge node as its host application sees it; pure.

Sparkplug 3.0: births name metrics and give them aliases, data may carry aliases only; each message counts on by one, so
that a lost one is noticed; a death counts only for the session that it names. Whenever the session is in doubt, nothing
is believed until the edge node has been asked for a rebirth and is born again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import orjson
from google.protobuf.message import DecodeError

from batchone.machines.columns import BAD, arrival_us, to_us
from batchone.machines.connect.driver import Garbled, Inbox, JobResponse
from batchone.machines.connect.jobs import merged, responses_from_json
from batchone.machines.connect.sparkplug.shapes import Kind, Rows, Shapes, Table
from batchone.machines.connect.sparkplug.sparkplug_b_pb2 import Payload

REBIRTH = "Node Control/Rebirth"
BD_SEQ = "bdSeq"
_COMMANDS = "Command/"
_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
_STRING, _BOOLEAN = 12, 11
_TEXTS = {_STRING, 14, 15}
_TOLD = {"State", "Jobs", "Completed", "Answer"}
_FEW = 16
"""Below so many messages at once, reading them one by one is quicker."""
METRICS_MAX = 200_000
"""So many metrics and devices of an edge node are known at most."""
_YEAR_9999_MS = 253_370_764_800_000
Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Known:
    """What a birth said of a metric."""

    name: str
    datatype: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A machine's answer to a command."""

    equipment: str
    command: str
    job: str
    body: Mapping[str, object]


@dataclass
class _Device:
    """A born device, or the edge node itself: its metrics by alias and by name, and its jobs."""

    aliases: dict[int, Known] = field(default_factory=dict)
    names: dict[str, Known] = field(default_factory=dict)
    running: tuple[JobResponse, ...] = ()
    ended: tuple[JobResponse, ...] = ()


def payload_of(data: bytes) -> Payload:
    """The payload in a message; `Garbled` when it is none."""
    payload = Payload()
    try:
        payload.ParseFromString(data)
    except DecodeError as error:
        raise Garbled("machine.garbled", "A machine sent a message that is no Sparkplug payload.") from error
    return payload


def value_of(metric: Payload.Metric, datatype: int) -> Value:
    """The value of a metric by its declared type; none when it has none; `Garbled` when it is of another type."""
    which = metric.WhichOneof("value")
    if metric.is_null or which is None:
        return None
    value = getattr(metric, which)
    if datatype in _BITS and isinstance(value, int):
        bits = _BITS[datatype]
        value &= (1 << bits) - 1
        return int(value - (1 << bits) if value >> (bits - 1) else value)
    if (datatype in _TEXTS) != isinstance(value, str):
        raise Garbled("machine.garbled", f"A metric of type {datatype} has a {which}.")
    if datatype == _BOOLEAN:
        return float(bool(value))
    if isinstance(value, bytes):
        raise Garbled("machine.garbled", f"A metric of type {datatype} has bytes.")
    return value  # type: ignore[no-any-return] # one of the remaining kinds: a number or a text


def command_payload(name: str, text: str, now: datetime) -> bytes:
    """A device command (DCMD) with one text."""
    ms = to_us(now) // 1000
    metric = Payload.Metric(name=f"{_COMMANDS}{name}", timestamp=ms, datatype=_STRING, string_value=text)
    return Payload(timestamp=ms, metrics=[metric]).SerializeToString()


def rebirth_payload(now: datetime) -> bytes:
    """A node command (NCMD) that asks for a rebirth."""
    ms = to_us(now) // 1000
    metric = Payload.Metric(name=REBIRTH, timestamp=ms, datatype=_BOOLEAN, boolean_value=True)
    return Payload(timestamp=ms, metrics=[metric]).SerializeToString()


@dataclass
class EdgeNode:
    """The session of one edge node. Messages go in by `take`; what they tell collects in `inbox` and `answers`.

    `born` and `died` say where the session stands; `wants_rebirth` that the edge node must be asked for one; `awaited` are
    devices that lived before the edge node was born again and whose own births have not followed yet. What an edge node
    declares beyond `METRICS_MAX` is not known, and counted; another birth would not change that, and is not asked for.
    """

    node: str
    inbox: Inbox = field(default_factory=Inbox)
    answers: list[Answer] = field(default_factory=list)
    born: bool = False
    died: bool = False
    wants_rebirth: bool = False
    awaited: set[str] = field(default_factory=set)
    _joined: bool = False
    _bd_seq: int | None = None
    _seq: int = 0
    _devices: dict[str, _Device] = field(default_factory=dict)
    _shapes: Shapes | None = None
    _room: int = METRICS_MAX
    _over: bool = False

    def jobs_of(self, equipment: str) -> tuple[JobResponse, ...] | None:
        """All jobs of a device that is alive; none when it is not."""
        device = self._devices.get(equipment)
        return merged(device.running, device.ended) if device and self.born else None

    def miss(self) -> None:
        """Take the devices that are still awaited for lost."""
        for device in self.awaited:
            self.inbox.lose(device)
        self.awaited.clear()

    def take(self, kind: str, device: str, data: bytes, now: datetime) -> None:
        """Take a message of kind NBIRTH, NDEATH, NDATA, DBIRTH, DDEATH or DDATA."""
        path = f"{device or self.node}/{kind}"
        if not self.born and kind not in ("NBIRTH", "NDEATH"):
            self._doubt(path)
            return
        try:
            payload = payload_of(data)
        except Garbled as error:
            self.inbox.fault(path, error.what)
            self.wants_rebirth = self.wants_rebirth or self.born
            return
        if kind == "NDEATH":
            self._died(payload)
        elif kind == "NBIRTH":
            self._node_born(payload, now)
        elif not self._follows(payload):
            self._doubt(path)
        else:
            self._in_session(kind, device, payload, now)

    def _doubt(self, path: str) -> None:
        # Who joins in the middle of a session has lost nothing that was his: only later is it a fault.
        if self._joined:
            self.inbox.fault(path, "It came out of sequence.")
        self.wants_rebirth = True

    def take_data(self, messages: Sequence[tuple[str, bytes]], now: datetime) -> None:
        """Take messages of kind DDATA (NDATA where the device is empty) in the order in which they came: as `take` does one by
        one, but by columns wherever that can be done."""
        if self.born and len(messages) >= _FEW:
            if self._shapes is None:
                self._shapes = Shapes(self._table())
            rows = self._shapes.read(messages, arrival_us(now))
            at = 0
            for other in (*np.flatnonzero(rows.seq < 0).tolist(), len(messages)):
                at += self._believe(rows, at, other)
                if at < other or other == len(messages) or not self.born:
                    break
                self._one(messages[other], now)
                at = other + 1
            messages = messages[at:]
        for message in messages:
            self._one(message, now)

    def _one(self, message: tuple[str, bytes], now: datetime) -> None:
        self.take("DDATA" if message[0] else "NDATA", *message, now)

    def _believe(self, rows: Rows, start: int, stop: int) -> int:
        """Take the samples of messages as far as these follow one another; how many do."""
        count = np.arange(stop - start)
        broken = np.flatnonzero(rows.seq[start:stop] != (self._seq + 1 + count) % 256)
        follow = int(broken[0]) if len(broken) else stop - start
        rows.put(self.inbox.samples, start, start + follow)
        self._seq = (self._seq + follow) % 256
        return follow

    def _table(self) -> Table:
        """What the births of this session declared."""
        table = Table()
        for device, born in self._devices.items():
            aliases = {known.name: alias for alias, known in born.aliases.items()}
            for name, known in born.names.items():
                path, kind = f"{device or self.node}/{name}", _kind(device, name, known.datatype)
                table.declare(device, name, aliases.get(name), path, kind, _BITS.get(known.datatype, 0))
        return table

    def _died(self, payload: Payload) -> None:
        told = _number_named(payload, BD_SEQ)
        if self.born and told == self._bd_seq:
            self.born, self.died = False, True

    def _node_born(self, payload: Payload, now: datetime) -> None:
        self.awaited |= {device for device in self._devices if device}
        self._devices.clear()
        self._room, self._over = METRICS_MAX, False
        self._shapes = None
        self._bd_seq, self._seq = _number_named(payload, BD_SEQ), int(payload.seq)
        self.born, self.died, self.wants_rebirth = True, False, False
        self._joined = True
        self._birth("", payload, now)

    def _follows(self, payload: Payload) -> bool:
        expected = (self._seq + 1) % 256
        if payload.seq != expected:
            self.born = False
            return False
        self._seq = expected
        return True

    def _in_session(self, kind: str, device: str, payload: Payload, now: datetime) -> None:
        if kind == "DBIRTH":
            self._birth(device, payload, now)
        elif kind == "DDEATH":
            self._forget(device)
            self.awaited.discard(device)
            self.inbox.lose(device)
        elif device not in self._devices and kind == "DDATA":
            self._unknown(f"{device}/{kind}", "It has not been born.")
        else:
            self._data(device, payload, now)

    def _birth(self, device: str, payload: Payload, now: datetime) -> None:
        self.awaited.discard(device)
        self._forget(device)
        if not self._room:
            self._over = True
            self._unknown(f"{device}/DBIRTH", "")
            return
        born = self._devices[device] = _Device()
        self._room -= 1
        for metric in payload.metrics:
            if metric.name not in born.names:
                if not self._room:
                    self._over = True
                    break
                self._room -= 1
            known = born.names[metric.name] = Known(metric.name, metric.datatype)
            if metric.HasField("alias"):
                born.aliases[metric.alias] = known
        self._values(device, payload, now, birth=True)

    def _forget(self, device: str) -> None:
        gone = self._devices.pop(device, None)
        self._room += len(gone.names) + 1 if gone else 0
        self._shapes = None

    def _unknown(self, path: str, what: str) -> None:
        """Something that no birth named: a birth is missing, or there is no room for all of them."""
        if self._over:
            self.inbox.fault(f"{self.node}/(others)", f"It declares more than {METRICS_MAX} metrics.")
        else:
            self.inbox.fault(path, what)
            self.wants_rebirth = True

    def _data(self, device: str, payload: Payload, now: datetime) -> None:
        self._values(device, payload, now, birth=False)

    def _values(self, device: str, payload: Payload, now: datetime, *, birth: bool) -> None:
        told, received_us = self._devices[device], arrival_us(now)
        for metric in payload.metrics:
            known = told.names.get(metric.name) if metric.name else told.aliases.get(metric.alias)
            if known is None:
                self._unknown(f"{device or self.node}/@{metric.alias}", "Its alias was never given.")
                continue
            try:
                value = value_of(metric, known.datatype)
                source_us = _source_us(metric, payload, received_us)
                self._value(device, known.name, value, source_us, received_us, birth=birth, past=metric.is_historical)
            except Garbled as error:
                self.inbox.fault(f"{device or self.node}/{known.name}", error.what)

    def _value(
        self, device: str, name: str, value: Value, source_us: int, received_us: int, *, birth: bool, past: bool
    ) -> None:  # fmt: skip
        if is_signal(device, name):
            self._sample(f"{device or self.node}/{name}", value, source_us, received_us, birth=birth or not device)
        elif device and name in _TOLD and not past:
            self._told(device, name, value, birth=birth)

    def _told(self, device: str, name: str, value: Value, *, birth: bool) -> None:
        if name == "State":
            self.inbox.state(device, value)
        elif name == "Answer":
            if not birth and value:
                self.answers.append(_answer(device, value))
        else:
            machine, responses = self._devices[device], responses_from_json(value or "[]")
            if name == "Jobs":
                machine.running = responses
            else:
                machine.ended = responses
            self.inbox.jobs[device] = merged(machine.running, machine.ended)

    def _sample(self, path: str, value: Value, source_us: int, received_us: int, *, birth: bool) -> None:
        if value is None:
            if not birth:
                self.inbox.samples.add(path, source_us, received_us, math.nan, BAD)
        elif isinstance(value, str) or not math.isfinite(value):
            self.inbox.fault(path, f"{str(value)[:60]!r} is no finite number.")
        else:
            self.inbox.samples.add(path, source_us, received_us, float(value))


def is_signal(device: str, name: str) -> bool:
    """Whether a metric of a device, or of the node itself, tells a measurement."""
    if not device:
        return name != BD_SEQ and not name.startswith("Node Control/")
    return name not in _TOLD and not name.startswith((_COMMANDS, "Device Control/"))


def _kind(device: str, name: str, datatype: int) -> Kind:
    if not is_signal(device, name) or datatype in _TEXTS:
        return "other"
    return "truth" if datatype == _BOOLEAN else "number"


def _source_us(metric: Payload.Metric, payload: Payload, received_us: int) -> int:
    ms = metric.timestamp or payload.timestamp
    if not ms:
        return received_us
    if ms >= _YEAR_9999_MS:
        raise Garbled("machine.garbled", f"The time {ms} lies beyond the year 9999.")
    return int(ms) * 1000


def _number_named(payload: Payload, name: str) -> int | None:
    for metric in payload.metrics:
        if metric.name == name and metric.WhichOneof("value") in ("long_value", "int_value"):
            return int(metric.long_value or metric.int_value)
    return None


def _answer(equipment: str, value: Value) -> Answer:
    try:
        body = orjson.loads(value if isinstance(value, str) else "")
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("command"), str) or not isinstance(body.get("job"), str):
        raise Garbled("machine.garbled", f"A machine answered {str(value)[:120]!r}.", "Look at the machine's own log.")
    return Answer(equipment, body["command"], body["job"], body)
