"""Alarms as a module."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from batchone.contracts.alarms import AlarmLimitChanged, AlarmRaised, AlarmRestored, AlarmReturned, Alarms, AlarmSuppressed
from batchone.contracts.design import ProductReleased
from batchone.contracts.enterprises import Enterprises
from batchone.contracts.machines import EquipmentChanged, MachineState, SamplesLost
from batchone.contracts.things import Things, ThingsDeclared
from batchone.kernel.bus import SAMPLES
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.settings import Seconds, Settings
from batchone.machines.alarms.api import router
from batchone.machines.alarms.service import AlarmsService, Judging


class AlarmsSettings(Settings):
    """How samples are judged."""

    deadband: float = Field(default=0.01, ge=0, lt=1, description="Share of a signal's band by which it must be back.")
    on_delay: Seconds = Field(default=5.0, ge=0, description="Plant time for which a condition must last to be raised.")
    suppressed_while: tuple[MachineState, ...] = Field(
        default=(), description="States of an equipment in which the limits of its signals are suppressed by design."
    )
    shelve_at_most: Seconds = Field(default=8 * 3600.0, gt=0, description="Longest plant time to shelve an alarm.")
    operators: int = Field(default=1, ge=1, description="Operators among whom alarms are shared, for the figures of load.")
    tick: Seconds = Field(default=0.5, gt=0, description="Real time between looks for conditions that have lasted.")
    messages: int = Field(default=64, ge=1, le=1024, description="Batches taken from the stream at once.")


async def build(context: Context, settings: AlarmsSettings) -> Running:
    """Alarms, which read their rules when the first samples come."""
    service = AlarmsService(
        context.database, context.clock, context.ids, lambda: context.get(Things), lambda: context.get(Enterprises),
        Judging(
            settings.deadband, settings.on_delay, settings.suppressed_while, settings.shelve_at_most, settings.operators
        ),
    )  # fmt: skip

    async def watch() -> None:
        await service.load(context.tenant)
        await service.tick(settings.tick)

    return Running(
        provides={Alarms: service},
        hears={
            EquipmentChanged: service.on_equipment_changed, ProductReleased: service.on_things_changed,
            ThingsDeclared: service.on_things_changed, SamplesLost: service.on_samples_lost,
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
    hears=(EquipmentChanged, SamplesLost, ProductReleased, ThingsDeclared),
    says=(AlarmRaised, AlarmReturned, AlarmSuppressed, AlarmRestored, AlarmLimitChanged), schema="alarms",
    migrations=Path(__file__).parent / "migrations", router=router,
)  # fmt: skip
