"""Alarms as a module."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from batchone.contracts.design import ProductReleased
from batchone.contracts.enterprises import Enterprises
from batchone.contracts.machines import AlarmRaised, AlarmReturned, Alarms, EquipmentChanged
from batchone.contracts.things import Things, ThingsDeclared
from batchone.kernel.bus import SAMPLES
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.settings import Seconds, Settings
from batchone.machines.alarms.api import router
from batchone.machines.alarms.service import AlarmsService


class AlarmsSettings(Settings):
    """How samples are judged."""

    deadband: float = Field(default=0.01, ge=0, lt=1, description="Share of a signal's band by which it must be back.")
    on_delay: Seconds = Field(default=5.0, ge=0, description="Plant time for which a condition must last to be raised.")
    tick: Seconds = Field(default=0.5, gt=0, description="Real time between looks for conditions that have lasted.")
    messages: int = Field(default=64, ge=1, le=1024, description="Batches taken from the stream at once.")


async def build(context: Context, settings: AlarmsSettings) -> Running:
    """Alarms, which read their rules when the first samples come."""
    service = AlarmsService(
        context.database, context.clock, context.ids, lambda: context.get(Things), lambda: context.get(Enterprises),
        deadband=settings.deadband, delay_s=settings.on_delay,
    )  # fmt: skip

    async def watch() -> None:
        await service.load(context.tenant)
        await service.tick(settings.tick)

    return Running(
        provides={Alarms: service},
        hears={
            EquipmentChanged: service.on_equipment_changed, ProductReleased: service.on_things_changed,
            ThingsDeclared: service.on_things_changed,
        },
        work={
            "samples": lambda: context.bus.consume(
                SAMPLES, "alarms", ["samples.>"], service.handle, batch=settings.messages
            ),
            "tick": watch,
        },
    )  # fmt: skip


MODULE = Module(
    name="alarms", build=build, settings=AlarmsSettings, provides=(Alarms,), requires=(Things, Enterprises),
    hears=(EquipmentChanged, ProductReleased, ThingsDeclared), says=(AlarmRaised, AlarmReturned), schema="alarms",
    migrations=Path(__file__).parent / "migrations", router=router,
)  # fmt: skip
