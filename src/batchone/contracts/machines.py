"""Equipment, signals, samples, jobs at machines, alarms. Owned by the rooms of `machines`.

A batch of samples is an Arrow record batch of `SAMPLE_SCHEMA` (see `machines.columns`): signal path, source time,
received time, value, quality. A signal's path is `<equipment>/<signal>` or `<equipment>/P01/<signal>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.enterprises import Actor
from batchone.kernel.facts import fact

MachineState = Literal["idle", "running", "setup", "blocked", "alarm", "offline"]
MACHINE_STATES: tuple[MachineState, ...] = ("idle", "running", "setup", "blocked", "alarm", "offline")
"""In the order of the numbers that machines report."""


@dataclass(frozen=True)
class JobOrder:
    """What a machine is told to do (ISA-95 job order)."""

    job: str
    order: str
    item: str
    op: str
    program: str
    seconds: float
    setup: str
    setup_seconds: float
    parameters: Mapping[str, float | str]
    facts: Mapping[str, str]


@dataclass(frozen=True)
class JobReport:
    """What a machine says of a job (ISA-95 job response), read back, not echoed."""

    job: str
    equipment: str
    state: Literal["running", "finished", "failed", "refused"]
    position: int | None
    progress: float
    started: datetime | None
    ended: datetime | None
    program: str
    parameters_match: bool
    results: Mapping[str, float]
    energy_kwh: float
    reason: str


@dataclass(frozen=True)
class EquipmentNow:
    """How an equipment stands: its own state, or offline when its connection is down; `since` in plant time."""

    equipment: str
    state: MachineState
    since: datetime
    connected: bool
    last_heard: datetime | None


@dataclass(frozen=True)
class ConnectionNow:
    """A connection to machines: whether it is up, since when, what went through, what was refused.

    `waiting` samples are on its machine's disk and not yet on the bus, the oldest for `waiting_s` real seconds; there is room
    for `room_s` more at the present rate (none while nothing comes); the bus takes `drain_per_s` samples a second. `dropped`
    counts the samples that found no room, ever. At an edge with a bus of its own, that holds `behind` batches of all its
    connections which the hub has not acknowledged, the oldest for `behind_s` real seconds.
    """

    connection: str
    protocol: str
    address: str
    up: bool
    since: datetime
    samples: int
    quarantined: int
    error: str
    waiting: int = 0
    waiting_s: float = 0.0
    room_s: float | None = None
    drain_per_s: float = 0.0
    dropped: int = 0
    behind: int = 0
    behind_s: float = 0.0


@fact("samples.lost")
@dataclass(frozen=True)
class SamplesLost:
    """Samples that machines told found no room and are gone: how many since it was said last, and why."""

    connection: str
    samples: int
    why: str
    at: datetime


@fact("equipment.changed")
@dataclass(frozen=True)
class EquipmentChanged:
    """An equipment's state changed, as the machine says or because it was lost (offline)."""

    equipment: str
    state: MachineState
    before: MachineState
    at: datetime


class Connect(Protocol):
    """Commands to machines and how they stand. A machine that does not answer is `TryLater`."""

    async def start_job(self, tenant: str, equipment: str, order: JobOrder) -> JobReport:
        """Give a job to a machine and read it back; the same job again answers with its present state."""
        ...

    async def job_reports(self, tenant: str, equipment: str) -> tuple[JobReport, ...]:
        """All jobs the machine knows: running, and ended but not cleared."""
        ...

    async def clear_job(self, tenant: str, equipment: str, job: str) -> None:
        """Tell the machine that its report of an ended job has been stored."""
        ...

    async def abort_job(self, tenant: str, equipment: str, job: str) -> None:
        """Stop a running job; it will be reported as failed."""
        ...

    async def equipment(self, tenant: str) -> tuple[EquipmentNow, ...]:
        """Every equipment's state."""
        ...

    async def connections(self, tenant: str) -> tuple[ConnectionNow, ...]:
        """Every connection's state."""
        ...


@dataclass(frozen=True)
class Trend:
    """Samples of signals over a time, in columns; `answer` says whether they are all there.

    For each signal path: times (unix seconds, float) and values of equal length, oldest first.
    """

    start: datetime
    end: datetime
    answer: Literal["complete", "downsampled", "missing"]
    times_s: Mapping[str, tuple[float, ...]]
    values: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class HistoryStats:
    """What the historian holds."""

    samples: int
    segments: int
    bytes: int
    oldest: datetime | None
    newest: datetime | None
    duplicates: int


class History(Protocol):
    """Stored samples."""

    async def trend(self, tenant: str, paths: Sequence[str], start: datetime, end: datetime, points: int) -> Trend:
        """Samples of signals between two times, thinned to at most `points` a signal (extremes of each step kept)."""
        ...

    async def stats(self, tenant: str) -> HistoryStats:
        """What is stored."""
        ...


@dataclass(frozen=True)
class LastValue:
    """The newest sample of a signal. `quality` follows OPC UA: 0 good, 1 uncertain, 2 bad."""

    path: str
    value: float
    quality: int
    source_time: datetime
    received_time: datetime


class Twin(Protocol):
    """Last values."""

    async def last(self, tenant: str, equipment: str) -> tuple[LastValue, ...]:
        """The last value of every signal of an equipment."""
        ...


AlarmState = Literal["unacknowledged", "acknowledged", "returned"]


@dataclass(frozen=True)
class Alarm:
    """An alarm in its ISA-18.2 life cycle: unacknowledged or acknowledged while the condition lasts, `returned` when the
    condition is over and nobody has acknowledged yet. It ends when it is both over and acknowledged."""

    id: str
    path: str
    equipment: str
    limit: Literal["low_low", "low", "high", "high_high", "offline", "broken"]
    priority: Literal["alarm", "warning"]
    bound: float | None
    value: float | None
    unit: str
    name: Mapping[str, str]
    state: AlarmState
    raised: datetime
    returned: datetime | None
    acknowledged: datetime | None
    acknowledged_by: str


@fact("alarm.raised")
@dataclass(frozen=True)
class AlarmRaised:
    """A signal passed a limit, or an equipment was lost or broke."""

    alarm: str
    path: str
    equipment: str
    limit: str
    priority: str
    value: float | None
    at: datetime


@fact("alarm.returned")
@dataclass(frozen=True)
class AlarmReturned:
    """The condition of an alarm is over."""

    alarm: str
    path: str
    equipment: str
    at: datetime


class Alarms(Protocol):
    """What is wrong."""

    async def active(self, tenant: str, equipment: str) -> tuple[Alarm, ...]:
        """Alarms that have not ended, worst first; an empty equipment means all."""
        ...

    async def history(self, tenant: str, equipment: str, limit: int) -> tuple[Alarm, ...]:
        """The newest alarms, ended ones too."""
        ...

    async def acknowledge(self, tenant: str, alarm: str, actor: Actor) -> Alarm:
        """Somebody has seen it."""
        ...


JOBS_TOPIC = "live.jobs"
"""Broadcast `live.jobs.<tenant>.<equipment>`: JSON list of job reports that changed; a wake-up that may be lost."""

EQUIPMENT_TOPIC = "live.equipment"
"""Broadcast `live.equipment.<tenant>.<equipment>`: JSON of `EquipmentNow` at each change."""

SAMPLES_TOPIC = "samples"
"""Durable `samples.<tenant>.<connection>`: an Arrow IPC stream of one sample batch."""
