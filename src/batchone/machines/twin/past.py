"""How an equipment was at a time that is over: its state, its signals, its alarms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from batchone.contracts.alarms import Alarm, AlarmFilter, Alarms
from batchone.contracts.machines import EquipmentAt, EquipmentChanged, History, MachineState, SignalAt
from batchone.contracts.things import Things
from batchone.kernel.clock import Clock
from batchone.kernel.database import Database, Transaction, load_queries
from batchone.kernel.errors import Refused
from batchone.kernel.outbox import Heard

_QUERIES = load_queries(Path(__file__).parent / "queries.sql")
_ALARMS_MOST = 1_000
"""Of an equipment's alarms the newest so many that were raised by then are looked at."""


class States:
    """Every change of state that was told, in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def changed(self, tx: Transaction, heard: Heard) -> None:
        """Remember a change."""
        fact = heard.fact
        assert isinstance(fact, EquipmentChanged)
        await tx.run(
            _QUERIES["add_state"], tenant=heard.envelope.tenant, equipment=fact.equipment, at=fact.at, state=fact.state
        )  # fmt: skip

    async def at(self, tenant: str, equipment: str, time: datetime) -> tuple[MachineState | None, datetime | None]:
        """The state at a time, and since when; neither before the first that was told."""
        async with self._database.transaction() as tx:
            row = await tx.one(_QUERIES["state_at"], tenant=tenant, equipment=equipment, time=time)
        return (row["state"], row["at"]) if row else (None, None)


class Past:
    """Asks whoever knows."""

    def __init__(
        self, states: States, clock: Clock, things: Things, history: Callable[[], History], alarms: Callable[[], Alarms], *,
        look_back_s: float,
    ) -> None:  # fmt: skip
        self._states = states
        self._clock = clock
        self._things = things
        self._history = history
        self._alarms = alarms
        self._look_back_s = look_back_s

    async def at(self, tenant: str, equipment: str, time: datetime) -> EquipmentAt:
        """An equipment at a time; `Refused` when that lacks its zone or is yet to come."""
        if time.tzinfo is None:
            raise Refused("twin.zone", "A time lacks its zone.", "Write it as 2026-01-01T08:00:00Z.")
        if time > self._clock.now():
            raise Refused("twin.future", f"{time} is yet to come.", "Ask for a time that is over.")
        declared = (await self._things.model(tenant)).signals
        paths = sorted(path for path in declared if path.partition("/")[0] == equipment)
        found = await self._history().at(tenant, paths, time, self._look_back_s)
        signals = tuple(
            SignalAt(each.path, each.value, each.quality, each.source_time, (time - each.source_time).total_seconds())
            for each in found.values
        )
        state, since = await self._states.at(tenant, equipment, time)
        raised = AlarmFilter(show="all", equipment=equipment, until=time + timedelta(microseconds=1))
        alarms = await self._alarms().find(tenant, raised, _ALARMS_MOST)
        standing = tuple(as_it_stood(each, time) for each in alarms if each.returned is None or each.returned > time)
        return EquipmentAt(equipment, time, state, since, signals, standing, found.since, found.gaps)


def as_it_stood(alarm: Alarm, time: datetime) -> Alarm:
    """An alarm whose condition lasted at a time, without what came after. Whether it was suppressed then is not known."""
    seen = alarm.acknowledged is not None and alarm.acknowledged <= time
    return replace(
        alarm, state="acknowledged" if seen else "unacknowledged", returned=None, suppressed_until=None,
        acknowledged=alarm.acknowledged if seen else None, acknowledged_by=alarm.acknowledged_by if seen else "",
    )  # fmt: skip
