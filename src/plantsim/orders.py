"""Job orders and job responses: the words of the job protocol, read and written as JSON."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

from plantsim.clock import iso
from plantsim.rules import Value, plain

Response = dict[str, Any]
_JOB_ID = re.compile(r"[!-~]{1,32}")

ABORTED = "aborted"
POWER_LOST = "power lost"
BUSY = "busy"
BROKEN = "broken"
CLEARED = "cleared"


class OrderFault(ValueError):
    """The text is no job order; `job` is its id as far as it could be read."""

    def __init__(self, job: str, what: str) -> None:
        super().__init__(what)
        self.job = job


@dataclass(frozen=True)
class JobOrder:
    """One operation on one item, as ordered."""

    job: str
    op: str
    program: str
    seconds: float = 0.0
    setup: str = ""
    setup_seconds: float = 0.0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Value] = field(default_factory=dict)


def parse_order(text: str) -> JobOrder:
    """Read a job order.

    Raises:
        OrderFault: it is not JSON, lacks a part, or a part has the wrong kind.
    """
    try:
        told = json.loads(text)
    except ValueError as error:
        raise OrderFault("", f"the order is not JSON: {error}") from error
    if not isinstance(told, dict):
        raise OrderFault("", "the order is not a JSON object")
    job = told.get("job")
    if not isinstance(job, str) or not _JOB_ID.fullmatch(job):
        raise OrderFault("", "job must be 1 to 32 printable ASCII characters without spaces")
    return JobOrder(
        job=job,
        op=_text(told, job, "op"),
        program=_text(told, job, "program"),
        seconds=_seconds(told, job, "seconds"),
        setup=_text(told, job, "setup", ""),
        setup_seconds=_seconds(told, job, "setup_seconds"),
        parameters=_mapping(told, job, "parameters"),
        facts={key: plain(value) for key, value in _mapping(told, job, "facts").items()},
    )


def _text(told: Mapping[str, Any], job: str, key: str, default: str | None = None) -> str:
    value = told.get(key, default)
    if value is None and key in told and default is not None:
        return default
    if not isinstance(value, str):
        raise OrderFault(job, f"{key} must be a text")
    return value


def _seconds(told: Mapping[str, Any], job: str, key: str) -> float:
    value = told.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e8:
        raise OrderFault(job, f"{key} must be a number of seconds, 0 or more")
    return float(value)


def _mapping(told: Mapping[str, Any], job: str, key: str) -> Mapping[str, Any]:
    value = told.get(key, {})
    if not isinstance(value, dict):
        raise OrderFault(job, f"{key} must be an object")
    return value


def canonical(parameters: Mapping[str, Any]) -> bytes:
    """Return the one way of writing parameters that both sides compute the checksum of."""
    return json.dumps(parameters, sort_keys=True, separators=(",", ":")).encode("ascii")


def checksum(parameters: Mapping[str, Any]) -> int:
    """Return the CRC-32 of the canonical parameters."""
    return zlib.crc32(canonical(parameters))


def dumps(response: Response) -> str:
    """Write a job response."""
    return json.dumps(response, separators=(",", ":"))


def refused(job: str, reason: str) -> Response:
    """Return the response to an order that is not taken."""
    return {"job": job, "state": "refused", "reason": reason}


@dataclass(frozen=True)
class Ended:
    """A job that finished or failed, kept until it is cleared. Times are plant seconds."""

    job: str
    op: str
    program: str
    parameters: Mapping[str, Any]
    position: int
    started_s: float
    ended_s: float
    progress: float
    state: Literal["finished", "failed"]
    results: Mapping[str, float]
    energy_kwh: float
    reason: str = ""

    def response(self) -> Response:
        """Return the job response."""
        told: Response = {
            "job": self.job,
            "state": self.state,
            "position": self.position,
            "progress": self.progress,
            "started": iso(self.started_s),
            "ended": iso(self.ended_s),
            "program": self.program,
            "parameters": dict(self.parameters),
            "results": dict(self.results),
            "energy_kwh": self.energy_kwh,
        }
        if self.reason:
            told["reason"] = self.reason
        return told

    @cached_property
    def text(self) -> str:
        """The response as JSON, written once."""
        return dumps(self.response())

    def record(self) -> dict[str, Any]:
        """Return it as plain data that `Ended(**record)` reads back."""
        return asdict(self)
