"""Alarms over the made-up plant: those of the world, a night that brought a flood, and what people set of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from tests.web.world import World

from batchone.contracts.alarms import (
    Alarm,
    AlarmFilter,
    AlarmKind,
    AlarmLimit,
    AlarmStatistics,
    LimitEdition,
    LimitSettings,
    Rationale,
    Suppressed,
)
from batchone.contracts.enterprises import Actor
from batchone.contracts.things import Declared, of_packs
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Conflict, NotFound
from batchone.machines.alarms.model import About
from batchone.machines.alarms.rules import limits_of, refuse_faults
from batchone.machines.alarms.statistics import Now, Raisings, statistics


class FakeAlarms:
    """Implements the protocol in memory."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world, self._clock = world, clock
        self.held: dict[tuple[str, str], Suppressed] = {}
        self.kept: dict[tuple[str, AlarmKind], list[LimitEdition]] = {}
        self._signals = of_packs([world.blueprint.pack]).signals
        self.night = _night(list(self._signals.values()), world.now) if world.alarms else []
        standing = {(each.path, each.limit) for each in world.alarms.values()}
        quiet = next((each for each in self.night if (each.path, each.limit) not in standing), None)
        if quiet is not None:
            self.world.alarms["A-shelved"] = replace(
                quiet, id="A-shelved", state="unacknowledged", raised=world.now - timedelta(hours=30), returned=None,
                acknowledged=None,
            )  # fmt: skip
            self.held[quiet.path, quiet.limit] = Suppressed(
                quiet.path, quiet.limit, "shelved", world.now - timedelta(minutes=20), world.now + timedelta(minutes=40), "olu",
                "The probe is being cleaned.",
            )  # fmt: skip

    def _shown(self, alarm: Alarm) -> Alarm:
        held = self.held.get((alarm.path, alarm.limit))
        if held is None or (alarm.returned and alarm.acknowledged):
            return alarm
        return replace(alarm, state=held.kind, suppressed_until=held.until)

    async def active(self, tenant: str, equipment: str) -> tuple[Alarm, ...]:
        return await self.find(tenant, AlarmFilter(equipment=equipment), 1000)

    async def history(self, tenant: str, equipment: str, limit: int) -> tuple[Alarm, ...]:
        both = [*self.world.alarms.values(), *self.world.past_alarms]
        return tuple(each for each in both if equipment in {"", each.equipment})[:limit]

    async def find(self, tenant: str, wanted: AlarmFilter, limit: int) -> tuple[Alarm, ...]:
        every = [self._shown(each) for each in self.world.alarms.values()]
        if wanted.show == "all":
            every = sorted([*every, *self.world.past_alarms, *self.night], key=lambda each: each.raised, reverse=True)
        else:
            every = [each for each in every if (each.suppressed_until is not None) == (wanted.show == "suppressed")]
        return tuple(
            each
            for each in every
            if wanted.equipment in {"", each.equipment} and wanted.path in {"", each.path} and wanted.limit in {"", each.limit}
            and wanted.priority in {"", each.priority} and (wanted.since is None or each.raised >= wanted.since)
            and (wanted.until is None or each.raised < wanted.until)
        )[:limit]  # fmt: skip

    async def acknowledge(self, tenant: str, alarm: str, actor: Actor) -> Alarm:
        if alarm not in self.world.alarms:
            raise Conflict("alarms.over", "This alarm is over.", "Look at the newest ones.")
        found = replace(
            self.world.alarms[alarm], state="acknowledged", acknowledged=self._clock.now(), acknowledged_by=actor.name
        )
        self.world.alarms[alarm] = found
        return found

    async def suppressed(self, tenant: str) -> tuple[Suppressed, ...]:
        return tuple(self.held.values())

    async def shelve(self, tenant: str, path: str, limit: AlarmKind, for_s: float, reason: str, actor: Actor) -> Suppressed:
        now = self._clock.now()
        made = Suppressed(path, limit, "shelved", now, now + timedelta(seconds=for_s), actor.person, reason)
        self.held[path, limit] = made
        return made

    async def take_out(self, tenant: str, path: str, limit: AlarmKind, reason: str, actor: Actor) -> Suppressed:
        self.held[path, limit] = Suppressed(path, limit, "out_of_service", self._clock.now(), None, actor.person, reason)
        return self.held[path, limit]

    async def unshelve(self, tenant: str, path: str, limit: AlarmKind, actor: Actor) -> None:
        self.held.pop((path, limit), None)

    put_back = unshelve

    async def limits(self, tenant: str, path: str) -> tuple[AlarmLimit, ...]:
        if path not in self._signals:
            raise NotFound("alarms.signal", f"There is no signal {path}.", "Choose one of the list.")
        return limits_of(self._signals[path], {key: editions[0] for key, editions in self.kept.items()}, 0.01, 5.0)

    async def limit_editions(self, tenant: str, path: str, limit: AlarmKind) -> tuple[LimitEdition, ...]:
        return tuple(self.kept.get((path, limit), ()))

    async def change_limit(
        self, tenant: str, path: str, limit: AlarmKind, base: int, settings: LimitSettings, rationale: Rationale, why: str,
        actor: Actor,
    ) -> AlarmLimit:  # fmt: skip
        before = self.kept.get((path, limit), [])
        if base != len(before):
            raise Conflict("alarms.limit_changed", "Somebody changed it meanwhile.", "Look at it as it is now.")
        edition = LimitEdition(base + 1, settings, rationale, actor.person, self._clock.now(), why)
        refuse_faults(limits_of(self._signals[path], {(path, limit): edition}, 0.01, 5.0))
        self.kept[path, limit] = [edition, *before]
        return next(each for each in await self.limits(tenant, path) if each.limit == limit)

    async def reset_limit(self, tenant: str, path: str, limit: AlarmKind, why: str, actor: Actor) -> AlarmLimit:
        before = self.kept[path, limit][0]
        return await self.change_limit(
            tenant, path, limit, before.version, LimitSettings(), before.rationale, why, actor
        )  # fmt: skip

    async def statistics(self, tenant: str, start: datetime, end: datetime) -> AlarmStatistics:
        every = [*self.world.alarms.values(), *self.world.past_alarms, *self.night]
        found = sorted((each for each in every if start <= each.raised < end), key=lambda each: each.raised)
        keys = list(dict.fromkeys((each.path, each.limit) for each in found))
        newest = {(each.path, each.limit): each for each in found}
        raisings = Raisings(
            [
                About(each.path, each.equipment, each.limit, each.priority, each.bound, each.unit, each.name)
                for each in (newest[key] for key in keys)
            ],
            np.array([keys.index((each.path, each.limit)) for each in found], np.int64),
            np.array([round(each.raised.timestamp() * 1e6) for each in found], np.int64),
            np.array([_seconds(each.raised, each.returned) for each in found], np.float64),
            np.array([_seconds(each.raised, each.acknowledged) for each in found], np.float64),
        )
        shelved = Counter(each.kind for each in self.held.values())
        return statistics(raisings, Now(1 if self.night else 0, dict(shelved), 7 if self.night else 0), start, end, 1)


def _seconds(start: datetime, end: datetime | None) -> float:
    return float("nan") if end is None else (end - start).total_seconds()


def _night(signals: list[Declared], now: datetime) -> list[Alarm]:
    """A flood six hours ago, one signal that chatters, and some others in between."""
    limited = [each for each in signals if each.signal.limits.high is not None or each.signal.limits.low is not None][:9]
    found = []
    for number in range(46):
        declared = limited[0 if number % 3 else number % len(limited)]
        limits = declared.signal.limits
        kind: AlarmKind = "high" if limits.high is not None else "low"
        bound = limits.high if limits.high is not None else limits.low
        assert bound is not None
        at = now - timedelta(hours=6) + timedelta(seconds=14 * number if number < 30 else 700 * (number - 29))
        seen = at + timedelta(seconds=40 + 13 * (number % 7))
        found.append(
            Alarm(
                f"A-night-{number}",
                declared.path,
                declared.thing,
                kind,
                "warning",
                bound,
                bound * 1.01,
                declared.signal.unit,
                declared.signal.name,
                "normal",
                at,
                at + timedelta(seconds=9 + number),
                seen,
                "Olu Ade",
            )  # fmt: skip
        )
    return found
