"""The port behind which a protocol stands: what a driver is asked, what it answers, and what it may raise.

A driver holds one connection. It never waits for a lost far side to return and never tries again by itself: it raises
`TryLater`, is closed, and is made anew by its link. `Refused` means that a machine cannot do what was asked until a person
changes something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import pyarrow as pa

from batchone.contracts.machines import MACHINE_STATES, JobOrder, MachineState
from batchone.kernel.certificates import Identity
from batchone.kernel.errors import Refused, TryLater
from batchone.machines import columns

JobState = Literal["running", "finished", "failed", "refused"]
Parameters = Mapping[str, float | str]


class Garbled(TryLater):
    """What a machine sent cannot be read; the next thing it sends may be sound."""


@dataclass(frozen=True, slots=True)
class JobResponse:
    """What a machine says of a job (ISA-95 job response), before it is compared with what was sent.

    The parameters come back whole or, where the protocol has no room for them, as the CRC-32 of their canonical JSON.
    """

    job: str
    state: JobState
    position: int | None = None
    progress: float = 0.0
    started: datetime | None = None
    ended: datetime | None = None
    program: str = ""
    parameters: Parameters | None = None
    checksum: int | None = None
    results: Mapping[str, float] = field(default_factory=dict)
    energy_kwh: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that came in and could not be read: where, how often, and what was wrong the last time."""

    path: str
    count: int
    what: str


@dataclass(frozen=True)
class Reading:
    """What came in since the last one.

    `samples` have the paths that the machines use, declared or not. `states` and `jobs` hold what was told: the state of
    an equipment, and all jobs that it knows now. `lost` are equipment that went silent while the connection stands.

    `mark` is set by a driver that is `Keeping`: the same samples have the same one, whenever they are read again.
    """

    samples: pa.RecordBatch = field(default_factory=columns.empty)
    states: Mapping[str, MachineState] = field(default_factory=dict)
    jobs: Mapping[str, tuple[JobResponse, ...]] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    faults: tuple[Fault, ...] = ()
    mark: str = ""


class Trust(Protocol):
    """Who we are, whom we believe, and what only we know: for protocols that prove it."""

    def identity(self) -> Identity:
        """Our certificate and its key."""
        ...

    def secret(self, name: str) -> str:
        """A secret by the name of its file; `Refused` where there is none or others may read it."""
        ...

    async def check(self, server: str, der: bytes) -> None:
        """Note the certificate that a server (`host:port`) showed; `Refused` unless it is approved and in its time."""
        ...


@dataclass(frozen=True)
class Access:
    """How a broker is entered: whether the connection is encrypted, and as whom, with the name of the file of the password."""

    tls: bool = False
    user: str = ""
    password_file: str = ""

    def __post_init__(self) -> None:
        if bool(self.user) != bool(self.password_file):
            raise Refused("mqtt.user", "A user comes with a password, and a password with its user.", "Say both or neither.")


@dataclass(frozen=True)
class Reach:
    """How machines are reached from here; times are real seconds, since wires do not run on plant time.

    `answer_s`: how long an answer may take. `poll_s`: pause between two rounds of a polled protocol. `silence_s`: after
    how long without a sign of life a listening protocol takes the far side for lost. `nodes`: for an OPC UA server that
    follows no guide, signal path to node id. `mqtt_access`: how the broker of the machines that speak Sparkplug is entered.
    `trust` is needed where a connection is signed or encrypted.
    """

    host: str = "127.0.0.1"
    port_offset: int = 0
    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = 1883
    mqtt_access: Access = field(default_factory=Access)
    client: str = "batchone"
    answer_s: float = 3.0
    poll_s: float = 0.5
    silence_s: float = 10.0
    nodes: Mapping[str, str] = field(default_factory=dict)
    trust: Trust | None = None


Seen = Callable[[int], None]
"""Hears how much a probe has seen so far."""


def unheard(seen: int) -> None:
    """For a probe whose progress nobody watches."""


class Driver(Protocol):
    """One connection to machines at `address`. `read` and the commands may be under way at once."""

    address: str

    async def open(self) -> None:
        """Connect and begin to listen; `TryLater` when the far side does not answer, `Refused` when a person must change
        something here or there before it can."""
        ...

    async def read(self) -> Reading:
        """Wait for news and return all there is; `TryLater` when the far side was lost."""
        ...

    async def close(self) -> None:
        """Let go of everything, whatever state it is in; never raises for a far side that is gone."""
        ...

    async def start_job(self, equipment: str, order: JobOrder) -> JobResponse:
        """Give a job to a machine and read it back."""
        ...

    async def jobs(self, equipment: str) -> tuple[JobResponse, ...]:
        """All jobs that the machine knows: running, and ended but not cleared."""
        ...

    async def clear(self, equipment: str, job: str) -> bool:
        """Let the machine forget an ended job; whether it is forgotten."""
        ...

    async def abort(self, equipment: str, job: str) -> bool:
        """Stop a running job; whether it was stopped, now or before."""
        ...

    def press(self, share: float) -> None:
        """How full the buffer behind the driver is, 0 to 1; a protocol that polls then polls slower."""
        ...


@runtime_checkable
class Pushed(Protocol):
    """A driver that is handed what a machine pushes over HTTP, beside (or instead of) what it reads by itself."""

    def pushed(self, body: str, settings: Mapping[str, str]) -> Reading:
        """What a body says; what of it cannot be read is among the faults. `settings` are those of the request."""
        ...


@runtime_checkable
class Keeping(Protocol):
    """A driver whose far side lets go of samples only when they are on disk here; it reads the same again until then."""

    async def kept(self, mark: str) -> None:
        """The samples of the reading with that mark are on disk."""
        ...


class ReadOnly:
    """The part of a driver whose machines are read and never commanded."""

    address: str

    async def start_job(self, equipment: str, order: JobOrder) -> JobResponse:  # noqa: ARG002 - the port's
        """Such a machine takes no jobs."""
        raise self._no_jobs(equipment)

    async def jobs(self, equipment: str) -> tuple[JobResponse, ...]:  # noqa: ARG002 - the port's
        """Such a machine knows no jobs."""
        return ()

    async def clear(self, equipment: str, job: str) -> bool:  # noqa: ARG002 - the port's
        """There is nothing to forget."""
        return False

    async def abort(self, equipment: str, job: str) -> bool:  # noqa: ARG002 - the port's
        """There is nothing to stop."""
        return False

    def press(self, share: float) -> None:
        """Nothing: the far side decides when it sends."""

    def _no_jobs(self, equipment: str) -> Refused:
        return Refused("machine.no_jobs", f"{equipment} at {self.address} takes no jobs.", "Give the job to another machine.")


@dataclass
class Inbox:
    """What a driver gathers between two reads."""

    samples: columns.Samples = field(default_factory=columns.Samples)
    states: dict[str, MachineState] = field(default_factory=dict)
    jobs: dict[str, tuple[JobResponse, ...]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    faults: dict[str, Fault] = field(default_factory=dict)

    def fault(self, path: str, what: str) -> None:
        """Count something unreadable."""
        before = self.faults.get(path)
        self.faults[path] = Fault(path, before.count + 1 if before else 1, what)

    def state(self, equipment: str, number: object) -> None:
        """Take the number of a state, or count it as unreadable."""
        if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(MACHINE_STATES):
            self.states[equipment] = MACHINE_STATES[number]
            self.lost.discard(equipment)
        else:
            self.fault(f"{equipment}/State", f"{number!r} is no equipment state.")

    def lose(self, equipment: str) -> None:
        """An equipment went silent."""
        self.states.pop(equipment, None)
        self.lost.add(equipment)

    def take(self) -> Reading:
        """Everything so far; the box is empty afterwards."""
        reading = Reading(
            self.samples.take(), dict(self.states), dict(self.jobs), frozenset(self.lost), tuple(self.faults.values())
        )  # fmt: skip
        for box in (self.states, self.jobs, self.lost, self.faults):
            box.clear()
        return reading

    def __bool__(self) -> bool:
        return bool(len(self.samples) or self.states or self.jobs or self.lost or self.faults)


def heed_cancel() -> None:
    """Be cancelled, if this task was told so.

    `asyncio.wait_for`, which client libraries use, swallows a cancellation that meets an answer in the same moment
    (before Python 3.12); whoever loops over such calls says this after them.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def away(address: str, error: object) -> TryLater:
    """The error for a far side that does not answer."""
    said = str(error).strip() or type(error).__name__
    return TryLater("machine.away", f"{address} does not answer: {said}.", "See that it is switched on and connected.")
