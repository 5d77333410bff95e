"""Alarms over a real database, with a thing model and a record of audits beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import MachineState
from batchone.contracts.pack import Limits
from batchone.contracts.things import EquipmentType, SignalType, Thing, ThingModel
from batchone.kernel.bus import Message
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.facts import Envelope
from batchone.kernel.ids import TimeIds
from batchone.kernel.outbox import Heard
from batchone.machines import alarms, columns
from batchone.machines.alarms.service import AlarmsService, Judging


def signal(name: str, scope: str, **limits: float) -> SignalType:
    return SignalType(name, {"en": name.title()}, "degC", "float", scope, Limits(**limits), 5.0)  # type: ignore[arg-type]


def model_of(*signals: SignalType, machines: Mapping[str, int] | None = None) -> ThingModel:
    """Presses with these signals."""
    things = tuple(
        Thing(name, "press", {"en": name.upper()}, "e/s/a/l/c", count) for name, count in (machines or {"m1": 2}).items()
    )
    return ThingModel(0, (EquipmentType("press", {"en": "Press"}, signals),), things)


@dataclass
class FakeThings:
    the_model: ThingModel
    away: Exception | None = None

    async def model(self, tenant: str) -> ThingModel:
        if self.away:
            raise self.away
        return self.the_model


@dataclass
class FakeEnterprises:
    lines: list[tuple[str, str, str, str]] = field(default_factory=list)

    async def record(self, actor: Actor, action: str, subject: str, key: str, outcome: str, details: Mapping[str, str]) -> None:
        self.lines.append((actor.person, action, subject, outcome))


@dataclass
class Rig:
    database: Database
    clock: ManualClock
    ids: TimeIds
    things: FakeThings
    enterprises: FakeEnterprises
    start: datetime
    service: AlarmsService = field(init=False)
    design: tuple[MachineState, ...] = ()

    signal = staticmethod(signal)
    model_of = staticmethod(model_of)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.service = AlarmsService(
            self.database, self.clock, self.ids, lambda: self.things, lambda: self.enterprises,
            Judging(deadband=0.1, delay_s=5, design=self.design, shelve_at_most_s=3600),
        )  # fmt: skip

    def at(self, seconds: float) -> datetime:
        return self.start + timedelta(seconds=seconds)

    def message(self, rows: Sequence[tuple[str, float, float]], *, quality: int = 0, tenant: str = "t") -> Message:
        paths = sorted({path for path, _, _ in rows})
        batch = columns.to_batch(
            paths, [paths.index(path) for path, _, _ in rows], [columns.to_us(self.at(s)) for _, s, _ in rows], 0,
            [value for _, _, value in rows], [quality] * len(rows),
        )  # fmt: skip
        return Message(f"samples.{tenant}.c", columns.to_bytes(batch))

    async def judge(self, *rows: tuple[str, float, float], quality: int = 0, tenant: str = "t") -> None:
        await self.service.handle([self.message(rows, quality=quality, tenant=tenant)])

    async def active(self, tenant: str = "t") -> list[tuple[str, str, str]]:
        return [(each.path, each.limit, each.state) for each in await self.service.active(tenant, "")]

    async def said(self) -> list[tuple[str, str]]:
        async with self.database.transaction() as tx:
            rows = await tx.all("SELECT name, body->>'path' AS path FROM kernel.outbox ORDER BY seq")
        return [(row["name"], row["path"]) for row in rows]

    async def hear(self, fact: object, name: str, tenant: str = "t") -> None:
        envelope = Envelope("F", tenant, name, 1, self.start, "x", "{}")
        async with self.database.transaction() as tx:
            told = {"equipment.changed": self.service.on_equipment_changed, "samples.lost": self.service.on_samples_lost}
            await told.get(name, self.service.on_things_changed)(tx, Heard(envelope, fact))


@pytest.fixture
async def rig(database: Database, clock: ManualClock, ids: TimeIds) -> Rig:
    await migrate(database, "alarms", Path(alarms.__file__).parent / "migrations")
    model = model_of(
        signal("temperature", "equipment", low_low=10, low=20, high=30, high_high=40),
        signal("pressure", "position", high=5),
        signal("speed", "equipment"),
    )
    return Rig(database, clock, ids, FakeThings(model), FakeEnterprises(), clock.now())
