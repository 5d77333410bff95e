"""Telling others: broadcasts to whoever listens now, facts to whoever must know."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from batchone.contracts.machines import EQUIPMENT_TOPIC, JOBS_TOPIC, EquipmentChanged, EquipmentNow, JobReport
from batchone.kernel.bus import Bus
from batchone.kernel.errors import TryLater
from batchone.kernel.facts import adapter
from batchone.machines.connect.store import Store

_LIVE_MAX = 2_000
_REPORTS = adapter(tuple[JobReport, ...])
_STANDING = adapter(EquipmentNow)


class Announcer:
    """Two queues that readers fill without waiting, and two pieces of work that empty them.

    Live news may be lost: the oldest goes when nobody takes it. Facts wait for the database as long as it takes, in the
    order in which they became true; `on_said` hears of each that is stored.
    """

    def __init__(self, bus: Bus, store: Store, tenant: str, on_said: Callable[[EquipmentChanged], None]) -> None:
        self._bus = bus
        self._on_said = on_said
        self._store = store
        self._tenant = tenant
        self._live: deque[tuple[str, bytes]] = deque(maxlen=_LIVE_MAX)
        self._facts: deque[EquipmentChanged] = deque()
        self._some_live, self._some_facts = asyncio.Event(), asyncio.Event()

    def changed(self, standing: EquipmentNow, fact: EquipmentChanged | None) -> None:
        """An equipment stands differently."""
        self._broadcast(f"{EQUIPMENT_TOPIC}.{self._tenant}.{standing.equipment}", _STANDING.dump_json(standing))
        if fact is not None:
            self._facts.append(fact)
            self._some_facts.set()

    def reported(self, equipment: str, reports: tuple[JobReport, ...]) -> None:
        """These job reports of an equipment changed."""
        if reports:
            self._broadcast(f"{JOBS_TOPIC}.{self._tenant}.{equipment}", _REPORTS.dump_json(reports))

    def _broadcast(self, subject: str, data: bytes) -> None:
        self._live.append((subject, data))
        self._some_live.set()

    async def tell_live(self) -> None:
        """Broadcast, until cancelled."""
        while True:
            await self._some_live.wait()
            self._some_live.clear()
            while self._live:
                await self._bus.broadcast(*self._live.popleft())

    async def tell_facts(self) -> None:
        """Say facts, until cancelled; one that could not be stored is said again later."""
        while True:
            await self._some_facts.wait()
            self._some_facts.clear()
            while self._facts:
                try:
                    await self._store.say(self._facts[0])
                except TryLater as error:
                    await asyncio.sleep(min(error.after_s, 1.0))
                else:
                    self._on_said(self._facts.popleft())
