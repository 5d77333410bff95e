"""The declaration of sourcing."""

from __future__ import annotations

from pathlib import Path

from batchone.chain.sourcing.api import router
from batchone.chain.sourcing.service import SourcingService, SourcingSettings
from batchone.contracts.design import Design, ProductReleased
from batchone.contracts.production import JobFinished
from batchone.contracts.sales import OrderPlaced
from batchone.contracts.sourcing import (
    BomExploded,
    CallOffConfirmed,
    CallOffReceived,
    CallOffSent,
    MaterialAllocated,
    MaterialExpected,
    Sourcing,
)
from batchone.kernel.module import Context, Module, Running


async def _build(context: Context, settings: SourcingSettings) -> Running:
    service = SourcingService(context, settings)
    return Running(
        provides={Sourcing: service},
        hears={
            ProductReleased: service.on_product_released,
            OrderPlaced: service.on_order_placed,
            JobFinished: service.on_job_finished,
        },
        work={"chase": service.chase_loop},
    )


MODULE = Module(
    name="sourcing",
    build=_build,
    settings=SourcingSettings,
    provides=(Sourcing,),
    requires=(Design,),
    hears=(ProductReleased, OrderPlaced, JobFinished),
    says=(BomExploded, MaterialExpected, MaterialAllocated, CallOffSent, CallOffConfirmed, CallOffReceived),
    schema="sourcing",
    migrations=Path(__file__).parent / "migrations",
    router=router,
)
