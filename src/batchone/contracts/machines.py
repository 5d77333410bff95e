"""Equipment, signals, samples, jobs at machines, alarms. Owned by the rooms of `machines`.

A batch of samples is an Arrow record batch of `SAMPLE_SCHEMA` (see `machines.columns`): signal path, source time,
received time, value, quality. A signal's path is `<equipment>/<signal>` or `<equipment>/P01/<signal>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from batchone.contracts.alarms import Alarm
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
    connections which the hub has not acknowledged, the oldest for `behind_s` real seconds. `last_heard` is when samples of
    declared signals came last, since the platform started; `declared` says that an engineer declared it, and no pack.
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
    last_heard: datetime | None = None
    declared: bool = False


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
class Gap:
    """Why samples are not in an answer, and what is the matter with them.

    `lost`: a file that the catalogue names is gone or damaged (`what` is its name). `away`: a file is in the object store, and
    that does not answer, or there is no room to bring it here (`what` is its name); later it may be there. `dropped`: they
    were kept as long as their class is, and dropped (`what` is the drop's id, by which they can be restored). `none`: there
    never were any of the signal (`what` is its path) in that time, as far as the historian knows.
    """

    reason: Literal["lost", "away", "dropped", "none"]
    what: str


@dataclass(frozen=True)
class Trend:
    """Samples of signals over a time, in columns; `answer` says whether they are all there, and `gaps` what is not, and why.

    For each signal path: times (unix seconds, float) and values of equal length, oldest first. The answer is `missing` when
    some were lost, away or dropped, or when there are none at all.
    """

    start: datetime
    end: datetime
    answer: Literal["complete", "downsampled", "missing"]
    times_s: Mapping[str, tuple[float, ...]]
    values: Mapping[str, tuple[float, ...]]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class HistoryStats:
    """What the historian holds."""

    samples: int
    segments: int
    bytes: int
    oldest: datetime | None
    newest: datetime | None
    duplicates: int


@dataclass(frozen=True)
class SamplePage:
    """Some of many samples: `data` is an Arrow IPC stream in base64 with path, both times, value and quality, `rows` of them.

    `next` asks for what follows, and is empty on the last page. The first page tells how many there are in all (`total`; a
    sample that stands in two files counts twice), and what is not there, and why (`gaps`).
    """

    data: str
    rows: int
    total: int
    next: str
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class LastValue:
    """The newest sample of a signal. `quality` follows OPC UA: 0 good, 1 uncertain, 2 bad."""

    path: str
    value: float
    quality: int
    source_time: datetime
    received_time: datetime


@dataclass(frozen=True)
class ValuesAt:
    """What signals had told by a time: of each the newest sample that is not bad, by its source time, however late it came
    (of equal ones the later arrival), by path.

    It was looked for back to `since` and no further; a signal without one is in `gaps` as `none`. `lost`, `away` and
    `dropped` say that one may be missing, or an older one be told.
    """

    at: datetime
    since: datetime
    values: tuple[LastValue, ...]
    gaps: tuple[Gap, ...] = ()


class History(Protocol):
    """Stored samples."""

    async def samples(
        self, tenant: str, paths: Sequence[str], start: datetime, end: datetime, after: str, rows: int
    ) -> SamplePage:  # fmt: skip
        """Every sample, bad ones too, path by path, at most `rows` of them; `after` is the page's before, or empty."""
        ...

    async def signals(self, tenant: str, day: datetime) -> tuple[str, ...]:
        """The paths of which there are samples in the 24 hours before a time."""
        ...

    async def trend(self, tenant: str, paths: Sequence[str], start: datetime, end: datetime, points: int) -> Trend:
        """Samples of signals between two times, thinned to at most `points` a signal (extremes of each step kept)."""
        ...

    async def at(self, tenant: str, paths: Sequence[str], time: datetime, look_back_s: float) -> ValuesAt:
        """The newest sample of each signal at or before a time, looked for so many seconds back."""
        ...

    async def stats(self, tenant: str) -> HistoryStats:
        """What is stored."""
        ...


@dataclass(frozen=True)
class Selected:
    """What a SELECT gave: `data` is an Arrow IPC stream in base64 with its columns, `rows` of them; `cut` if there were more
    than were asked for; `gaps` are files that could not be read (`lost`, `away`)."""

    data: str
    rows: int
    cut: bool
    gaps: tuple[Gap, ...] = ()


class Selects(Protocol):
    """SQL over stored samples."""

    async def select(
        self, tenant: str, select: str, start: datetime | None, end: datetime | None, rows: int, seconds: float
    ) -> Selected:  # fmt: skip
        """The first rows of one SELECT over `samples`, `last` and `signals`, looked at between two times if they are given."""
        ...


Kept = Literal["short", "standard", "long", "restored"]
"""A class of retention: the three that a signal may be declared with, and what was brought back from the archive."""


@dataclass(frozen=True)
class DueDay:
    """The samples of one class and day (UTC) that are all older than their class is kept: what would go, whole.

    `bytes` are those on disk; `digest` names exactly these files, and is what dropping them asks for.
    """

    kept: Kept
    day: date
    segments: int
    rows: int
    bytes: int
    signals: tuple[str, ...]
    first: datetime
    last: datetime
    digest: str


@dataclass(frozen=True)
class RetentionPreview:
    """What would go now. `keep_s` are seconds of plant time for each class, None: for good; `archive` is the folder to which
    days go first, empty when they are deleted without a copy."""

    now: datetime
    keep_s: Mapping[Kept, float | None]
    archive: str
    days: tuple[DueDay, ...]


@dataclass(frozen=True)
class DroppedDay:
    """A day that was dropped: what it held, when and by whom, the folder of the archive that holds it, and when it was
    brought back, if it was."""

    id: str
    kept: Kept
    day: date
    segments: int
    rows: int
    bytes: int
    signals: int
    first: datetime
    last: datetime
    archive: str
    dropped: datetime
    dropped_by: str
    restored: datetime | None = None


class Retention(Protocol):
    """How long samples are kept. Nothing goes unless a duration is set, and then whole days, archived first."""

    async def preview(self, tenant: str, restored: bool) -> RetentionPreview:
        """What dropping would take away now; with what was restored, if `restored`."""
        ...

    async def drop(self, tenant: str, kept: Kept, day: date, digest: str, actor: Actor) -> DroppedDay:
        """Archive a day that is due, then drop it; `Conflict` when it is not the one of that digest any more."""
        ...

    async def dropped(self, tenant: str) -> tuple[DroppedDay, ...]:
        """The days that were dropped, newest first."""
        ...

    async def restore(self, tenant: str, id: str, actor: Actor) -> DroppedDay:  # noqa: A002
        """Bring a dropped day back from the archive, for as long as nobody drops it again."""
        ...


@dataclass(frozen=True)
class SignalAt:
    """A signal as it was at a time: its newest sample then that was not bad, and how old that was, in seconds."""

    path: str
    value: float
    quality: int
    source_time: datetime
    age_s: float


@dataclass(frozen=True)
class EquipmentAt:
    """An equipment as it was at a time: its state, since when (None: nobody had told yet), its signals by path, and the alarms
    whose condition lasted, as they stood then.

    Signals were looked for back to `looked_back_to`; `gaps` says of which there was none, and what could not be read.
    """

    equipment: str
    at: datetime
    state: MachineState | None
    state_since: datetime | None
    signals: tuple[SignalAt, ...]
    alarms: tuple[Alarm, ...]
    looked_back_to: datetime
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class DataNow:
    """How fresh and how good the newest samples of an equipment are.

    Of its `signals` that are declared, `good`, `uncertain` and `bad` count the qualities of the newest samples, and `never`
    those of which none is known. `silent` of those with a declared rate have not come for three times as long as declared
    (and three real seconds at least). `newest` is the newest source time; `every_s` is the shortest declared rate in seconds of
    plant time, 0 where none is declared.
    """

    equipment: str
    signals: int
    good: int
    uncertain: int
    bad: int
    never: int
    silent: int
    newest: datetime | None
    every_s: float


class Twin(Protocol):
    """Last values, now and at any time before."""

    async def data(self, tenant: str) -> tuple[DataNow, ...]:
        """How fresh and good the samples of every equipment with declared signals are, in the order of the thing model."""
        ...

    async def last(self, tenant: str, equipment: str) -> tuple[LastValue, ...]:
        """The last value of every signal of an equipment."""
        ...

    async def at(self, tenant: str, equipment: str, time: datetime) -> EquipmentAt:
        """How an equipment was at a time that is over: state, signals, alarms."""
        ...


JOBS_TOPIC = "live.jobs"
"""Broadcast `live.jobs.<tenant>.<equipment>`: JSON list of job reports that changed; a wake-up that may be lost."""

EQUIPMENT_TOPIC = "live.equipment"
"""Broadcast `live.equipment.<tenant>.<equipment>`: JSON of `EquipmentNow` at each change."""

SAMPLES_TOPIC = "samples"
"""Durable `samples.<tenant>.<connection>`: an Arrow IPC stream of one sample batch."""
