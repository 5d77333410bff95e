"""Equipment, signals, samples, jobs at machines, alarms. Owned by the rooms of `machines`.

A batch of samples is an Arrow record batch of `SAMPLE_SCHEMA` (see `machines.columns`): signal path, source time,
received time, value, quality. A signal's path is `<equipment>/<signal>` or `<equipment>/P01/<signal>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
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
class Gap:
    """Why samples are not in an answer, and what is the matter with them.

    `lost`: a file that the catalogue names is gone or damaged (`what` is its name). `dropped`: they were kept as long as
    their class is, and dropped (`what` is the drop's id, by which they can be restored). `none`: there never were any of the
    signal (`what` is its path) in that time, as far as the historian knows.
    """

    reason: Literal["lost", "dropped", "none"]
    what: str


@dataclass(frozen=True)
class Trend:
    """Samples of signals over a time, in columns; `answer` says whether they are all there, and `gaps` what is not, and why.

    For each signal path: times (unix seconds, float) and values of equal length, oldest first. The answer is `missing` when
    some were lost or dropped, or when there are none at all.
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

    async def stats(self, tenant: str) -> HistoryStats:
        """What is stored."""
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


AlarmKind = Literal["low_low", "low", "high", "high_high", "offline", "broken", "lost"]
"""Which bound of a signal was passed; or an equipment that does not answer or broke; or a connection that lost samples."""
AlarmPriority = Literal["alarm", "warning"]
Suppression = Literal["shelved", "suppressed_by_design", "out_of_service"]
"""Why an alarm that stands is not shown (ISA-18.2): somebody set it aside for a while; the state of its equipment makes it
meaningless; somebody took it out of service until it is put back."""
AlarmState = Literal[
    "normal", "unacknowledged", "acknowledged", "returned", "shelved", "suppressed_by_design", "out_of_service"
]  # fmt: skip


@dataclass(frozen=True)
class Alarm:
    """An occurrence of an alarm in its ISA-18.2 life cycle: unacknowledged or acknowledged while the condition lasts,
    `returned` when it is over and nobody has acknowledged yet, `normal` when it is both over and acknowledged. While the
    alarm is suppressed, `state` says how, and `suppressed_until` until when if that is known."""

    id: str
    path: str
    equipment: str
    limit: AlarmKind
    priority: AlarmPriority
    bound: float | None
    value: float | None
    unit: str
    name: Mapping[str, str]
    state: AlarmState
    raised: datetime
    returned: datetime | None
    acknowledged: datetime | None
    acknowledged_by: str
    suppressed_until: datetime | None = None


@dataclass(frozen=True)
class AlarmFilter:
    """Which alarms are wanted: those that stand, those of them that are suppressed, or all, ended ones too; an empty text
    means any. `since` and `until` bound the time of raising (the latter is not in it)."""

    show: Literal["active", "suppressed", "all"] = "active"
    equipment: str = ""
    path: str = ""
    limit: AlarmKind | Literal[""] = ""
    priority: AlarmPriority | Literal[""] = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Suppressed:
    """An alarm that somebody shelved until a time, or took out of service until it is put back (`until` is None)."""

    path: str
    limit: AlarmKind
    kind: Suppression
    since: datetime
    until: datetime | None
    by: str
    reason: str


@dataclass(frozen=True)
class LimitSettings:
    """How a limit of a signal is judged. None: as declared. Bound and deadband are in the signal's unit; the condition must
    last `on_delay_s` to be raised, and be over for `off_delay_s` to return, both in plant time."""

    bound: float | None = None
    deadband: float | None = None
    on_delay_s: float | None = None
    off_delay_s: float | None = None
    priority: AlarmPriority | None = None
    enabled: bool | None = None


@dataclass(frozen=True)
class Rationale:
    """What ISA-18.2 has people write down of an alarm, each by language: cause, consequence of not acting, response."""

    cause: Mapping[str, str] = field(default_factory=dict)
    consequence: Mapping[str, str] = field(default_factory=dict)
    response: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LimitEdition:
    """A change of a limit: numbered, never changed afterwards. Version 0 is what was declared."""

    version: int = 0
    settings: LimitSettings = field(default_factory=LimitSettings)
    rationale: Rationale = field(default_factory=Rationale)
    by: str = ""
    at: datetime | None = None
    why: str = ""


@dataclass(frozen=True)
class AlarmLimit:
    """A limit of a signal: as declared, as it was changed last, and what both make. Nothing is None in `in_force` but the
    bound of a limit that has none, and so is not judged."""

    path: str
    equipment: str
    limit: AlarmKind
    name: Mapping[str, str]
    unit: str
    declared: LimitSettings
    edition: LimitEdition
    in_force: LimitSettings


@dataclass(frozen=True)
class AlarmPeriod:
    """Ten minutes, and how many alarms were raised in them."""

    start: datetime
    end: datetime
    count: int


@dataclass(frozen=True)
class AlarmCount:
    """An alarm over a window: how often raised, what share of all that is, how long it stood on average (of those that
    returned), when it was raised last, and how often it came three times or more within a minute."""

    path: str
    equipment: str
    limit: AlarmKind
    priority: AlarmPriority
    name: Mapping[str, str]
    count: int
    share: float
    mean_s: float | None
    last: datetime
    bursts: int


@dataclass(frozen=True)
class AlarmStatistics:
    """The load on operators over a window (ISA-18.2, EEMUA 191), of alarms that were shown when they were raised.

    A period of ten minutes is in flood when it brings an operator more than ten alarms. `stale` alarms stand at the end of
    the window for more than 24 h; `chattering` is how many came three times or more within a minute. `each` is the most
    frequent first, and `top_share` what the first ten make up. `suppressed` counts those that stand now and are not shown,
    `raised_suppressed` those raised in the window and never shown.
    """

    start: datetime
    end: datetime
    operators: int
    alarms: int
    per_10_min: float
    peak: AlarmPeriod | None
    flood_share: float
    floods: tuple[AlarmPeriod, ...]
    stale: int
    chattering: int
    top_share: float
    acknowledged: int
    acknowledge_median_s: float | None
    acknowledge_longest_s: float | None
    suppressed: Mapping[Suppression, int]
    raised_suppressed: int
    each: tuple[AlarmCount, ...]


@fact("alarm.raised")
@dataclass(frozen=True)
class AlarmRaised:
    """A signal passed a limit, an equipment was lost or broke, or samples were lost; `suppressed` says why nobody is shown."""

    alarm: str
    path: str
    equipment: str
    limit: str
    priority: str
    value: float | None
    at: datetime
    suppressed: str = ""


@fact("alarm.returned")
@dataclass(frozen=True)
class AlarmReturned:
    """The condition of an alarm is over."""

    alarm: str
    path: str
    equipment: str
    at: datetime


@fact("alarm.suppressed")
@dataclass(frozen=True)
class AlarmSuppressed:
    """Somebody shelved an alarm, or took it out of service."""

    path: str
    limit: str
    kind: Suppression
    until: datetime | None
    by: str
    reason: str
    at: datetime


@fact("alarm.restored")
@dataclass(frozen=True)
class AlarmRestored:
    """An alarm is shown again: its shelf expired (`by` is the platform), or somebody took it back."""

    path: str
    limit: str
    kind: Suppression
    by: str
    at: datetime


@fact("alarm.limit_changed")
@dataclass(frozen=True)
class AlarmLimitChanged:
    """A limit is judged otherwise from the next batch on."""

    path: str
    limit: str
    version: int
    by: str
    at: datetime


class Alarms(Protocol):
    """What is wrong."""

    async def active(self, tenant: str, equipment: str) -> tuple[Alarm, ...]:
        """Alarms that have not ended and are not suppressed, worst first; an empty equipment means all."""
        ...

    async def history(self, tenant: str, equipment: str, limit: int) -> tuple[Alarm, ...]:
        """The newest alarms, ended ones too."""
        ...

    async def find(self, tenant: str, wanted: AlarmFilter, limit: int) -> tuple[Alarm, ...]:
        """Alarms that fit: what stands worst first, all newest first."""
        ...

    async def acknowledge(self, tenant: str, alarm: str, actor: Actor) -> Alarm:
        """Somebody has seen it."""
        ...

    async def suppressed(self, tenant: str) -> tuple[Suppressed, ...]:
        """What is shelved or out of service now, the newest first."""
        ...

    async def shelve(self, tenant: str, path: str, limit: AlarmKind, for_s: float, reason: str, actor: Actor) -> Suppressed:
        """Set an alarm aside for so many seconds of plant time; it comes back by itself. Again: the new time counts."""
        ...

    async def unshelve(self, tenant: str, path: str, limit: AlarmKind, actor: Actor) -> None:
        """Take an alarm back before its time; one that is not shelved stays as it is."""
        ...

    async def take_out(self, tenant: str, path: str, limit: AlarmKind, reason: str, actor: Actor) -> Suppressed:
        """Take an alarm out of service until it is put back."""
        ...

    async def put_back(self, tenant: str, path: str, limit: AlarmKind, actor: Actor) -> None:
        """Put an alarm back into service; one that is in service stays as it is."""
        ...

    async def limits(self, tenant: str, path: str) -> tuple[AlarmLimit, ...]:
        """The limits of a signal, also those that are not declared; all signals' declared or changed ones if it is empty."""
        ...

    async def limit_editions(self, tenant: str, path: str, limit: AlarmKind) -> tuple[LimitEdition, ...]:
        """Every change of a limit, the newest first."""
        ...

    async def change_limit(
        self, tenant: str, path: str, limit: AlarmKind, base: int, settings: LimitSettings, rationale: Rationale, why: str,
        actor: Actor,
    ) -> AlarmLimit:  # fmt: skip
        """Judge a limit otherwise from the next batch on. `base` is the version it was made from; `Conflict` if somebody else
        changed the limit since."""
        ...

    async def reset_limit(self, tenant: str, path: str, limit: AlarmKind, why: str, actor: Actor) -> AlarmLimit:
        """Judge a limit as declared again; its rationale stays."""
        ...

    async def statistics(self, tenant: str, start: datetime, end: datetime) -> AlarmStatistics:
        """The load on operators, and how often each alarm came, between two times."""
        ...


JOBS_TOPIC = "live.jobs"
"""Broadcast `live.jobs.<tenant>.<equipment>`: JSON list of job reports that changed; a wake-up that may be lost."""

EQUIPMENT_TOPIC = "live.equipment"
"""Broadcast `live.equipment.<tenant>.<equipment>`: JSON of `EquipmentNow` at each change."""

SAMPLES_TOPIC = "samples"
"""Durable `samples.<tenant>.<connection>`: an Arrow IPC stream of one sample batch."""
