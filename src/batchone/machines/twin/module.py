"""The twin as a module."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter
from pydantic import Field

from batchone.contracts.alarms import Alarms
from batchone.contracts.design import Design
from batchone.contracts.enterprises import Enterprises
from batchone.contracts.machines import EquipmentChanged, History, Twin
from batchone.contracts.things import Things, ThingsDeclared
from batchone.kernel.bus import SAMPLES
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.settings import Seconds, Settings
from batchone.machines.twin import api
from batchone.machines.twin.past import Past, States
from batchone.machines.twin.service import TwinService
from batchone.machines.twin.store import ThingsStore
from batchone.machines.twin.things import api as things_api
from batchone.machines.twin.things.service import ThingsService


class TwinSettings(Settings):
    """How the twin keeps up."""

    tell_every: Seconds = Field(default=0.1, ge=0.1, description="Real time between two broadcasts of an equipment.")
    refresh: Seconds = Field(default=10.0, ge=0, description="Plant time after which an unchanged value is told again.")
    messages: int = Field(default=64, ge=1, le=1024, description="Batches taken from the stream at once.")
    look_back: Seconds = Field(default=7 * 86400.0, gt=0, description="Plant time in which a last value is looked for.")
    fill_again: Seconds = Field(default=15.0, ge=0, description="Real time until the history has what came at the restart.")


async def build(context: Context, settings: TwinSettings) -> Running:
    """The twin, empty; its work fills it."""
    things = ThingsService(
        ThingsStore(context.database), context.clock, lambda: context.get(Design), lambda: context.get(Enterprises)
    )
    states = States(context.database)
    past = Past(
        states, context.clock, things, lambda: context.get(History), lambda: context.get(Alarms),
        look_back_s=settings.look_back,
    )  # fmt: skip
    service = TwinService(context.bus, context.clock, things, past)

    async def fill() -> None:
        # The second time for samples that were acknowledged here before the restart but reached the files only after it.
        for pause_s in (0.0, settings.fill_again):
            await asyncio.sleep(pause_s)
            await service.fill(context.tenant, lambda: context.get(History), settings.look_back)

    return Running(
        provides={Twin: service, Things: things},
        hears={EquipmentChanged: states.changed},
        work={
            "samples": lambda: context.bus.consume(
                SAMPLES, "twin", ["samples.>"], service.handle, batch=settings.messages
            ),
            "tell": lambda: service.tell(settings.tell_every, settings.refresh),
            "fill": fill,
        },
    )  # fmt: skip


def router(context: Context) -> APIRouter:
    """The routes of last values and of the thing model."""
    routes = APIRouter()
    routes.include_router(api.router(context))
    routes.include_router(things_api.router(context))
    return routes


MODULE = Module(
    name="twin", build=build, settings=TwinSettings, provides=(Twin, Things), requires=(Alarms, Design, Enterprises, History),
    hears=(EquipmentChanged,), says=(ThingsDeclared,), schema="twin", migrations=Path(__file__).parent / "migrations",
    router=router,
)  # fmt: skip
