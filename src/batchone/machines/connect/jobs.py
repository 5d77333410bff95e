"""Job orders and job responses as machines take and give them (docs/guides/plant-protocols.md); pure."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from batchone.contracts.machines import JobOrder, JobReport
from batchone.kernel.errors import Refused
from batchone.machines.connect.driver import Garbled, JobResponse, JobState, Parameters

_JOB = re.compile(r"[!-~]{1,32}")
_PROGRAM = re.compile(r"[ -~]{1,32}")
_OP = re.compile(r"[!-~]{1,32}")


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent with a job: its program and its parameters as canonical JSON."""

    program: str
    parameters: str


def canonical(parameters: Parameters) -> str:
    """The one JSON text of parameters that both sides take a checksum of."""
    return json.dumps(dict(parameters), sort_keys=True, separators=(",", ":"))


def checksum(text: str) -> int:
    """CRC-32 as zlib takes it."""
    return zlib.crc32(text.encode("ascii"))


def sent_of(order: JobOrder) -> Sent:
    """What to remember of an order, to compare the machine's read-back with."""
    return Sent(order.program, canonical(order.parameters))


def check_order(order: JobOrder) -> None:
    """Refuse an order that no machine could take."""
    _demand(_JOB.fullmatch(order.job), "job", order.job, "A job id has 1 to 32 printable ASCII characters and no space.")
    _demand(_PROGRAM.fullmatch(order.program), "program", order.program, "A program has 1 to 32 printable ASCII characters.")
    _demand(_OP.fullmatch(order.op), "op", order.op, "An operation has 1 to 32 printable ASCII characters and no space.")
    for name, seconds in (("seconds", order.seconds), ("setup_seconds", order.setup_seconds)):
        _demand(math.isfinite(seconds) and seconds >= 0, name, seconds, "A duration is a number of seconds, 0 or more.")
    for name, value in order.parameters.items():
        _demand(isinstance(value, str) or math.isfinite(value), f"parameters.{name}", value, "A parameter is finite or a text.")


def _demand(holds: object, where: str, given: object, cure: str) -> None:
    if not holds:
        raise Refused("job.order", f"{where} of the job order cannot be {given!r}.", cure, place=where)


def order_to_json(order: JobOrder) -> str:
    """The order as ASCII JSON."""
    return json.dumps(
        {
            "job": order.job, "order": order.order, "item": order.item, "op": order.op, "program": order.program,
            "seconds": order.seconds, "setup": order.setup, "setup_seconds": order.setup_seconds,
            "parameters": dict(order.parameters), "facts": dict(order.facts),
        },
        separators=(",", ":"),
    )  # fmt: skip


@dataclass(frozen=True)
class _Wire:
    job: str
    state: JobState
    position: int | None = None
    progress: float = 0.0
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    program: str = ""
    parameters: dict[str, float | str] = field(default_factory=dict)
    results: dict[str, float] = field(default_factory=dict)
    energy_kwh: float = 0.0
    reason: str = ""


_ONE = TypeAdapter(_Wire)
_MANY = TypeAdapter(list[_Wire])


def response_from_json(text: object) -> JobResponse:
    """One job response; `Garbled` when it is none."""
    try:
        return _checked(_ONE.validate_json(_text(text)))
    except ValidationError as error:
        raise _garbled(text) from error


def responses_from_json(text: object) -> tuple[JobResponse, ...]:
    """A JSON array of job responses; `Garbled` when it is none."""
    try:
        return tuple(_checked(wire) for wire in _MANY.validate_json(_text(text)))
    except ValidationError as error:
        raise _garbled(text) from error


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise _garbled(text)
    return text


def _checked(wire: _Wire) -> JobResponse:
    running, ended = wire.state == "running", wire.state in ("finished", "failed")
    whole = (
        _JOB.fullmatch(wire.job)
        and 0 <= wire.progress <= 1
        and (wire.started is not None or not (running or ended))
        and (wire.ended is not None or not ended)
        and (wire.position is None or wire.position >= 1)
        and math.isfinite(wire.energy_kwh)
    )
    if not whole:
        raise _garbled(wire)
    return JobResponse(
        wire.job, wire.state, wire.position, wire.progress, wire.started, wire.ended, wire.program,
        None if wire.state == "refused" else wire.parameters, None, wire.results, wire.energy_kwh, wire.reason,
    )  # fmt: skip


def _garbled(said: object) -> Garbled:
    return Garbled("machine.garbled", f"A machine sent no job response: {str(said)[:120]!r}.", "Look at the machine's own log.")


def agrees(response: JobResponse, sent: Sent | None) -> bool:
    """Whether the program and the parameters that a machine reads back are those that were sent."""
    if sent is None or response.state == "refused" or response.program != sent.program:
        return False
    if response.parameters is not None:
        return bool(dict(response.parameters) == json.loads(sent.parameters))
    return response.checksum == checksum(sent.parameters)


def to_report(equipment: str, response: JobResponse, sent: Sent | None) -> JobReport:
    """The response as the rest of the platform sees it. A measurement that is not a finite number is left out: it says
    that there is none."""
    return JobReport(
        job=response.job, equipment=equipment, state=response.state, position=response.position, progress=response.progress,
        started=response.started, ended=response.ended, program=response.program, parameters_match=agrees(response, sent),
        results={name: value for name, value in response.results.items() if math.isfinite(value)},
        energy_kwh=response.energy_kwh, reason=response.reason,
    )  # fmt: skip


def merged(running: tuple[JobResponse, ...], ended: tuple[JobResponse, ...]) -> tuple[JobResponse, ...]:
    """All jobs of a machine, ended ones first; one that is in both lists for a moment has ended."""
    over = {response.job for response in ended}
    return (*ended, *(response for response in running if response.job not in over))


def changed(before: Mapping[str, JobReport], now: tuple[JobReport, ...]) -> tuple[JobReport, ...]:
    """The reports that differ from the last ones."""
    return tuple(report for report in now if before.get(report.job) != report)
