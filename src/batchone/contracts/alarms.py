"""Alarms after ISA-18.2: their life cycle, suppression, limits, and the load on operators. Owned by `machines.alarms`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from batchone.contracts.enterprises import Actor
from batchone.kernel.facts import fact

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
