"""The declaration of production."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from batchone.chain.production.api import router
from batchone.chain.production.execution import Execution, ProductionSettings
from batchone.chain.production.service import ProductionService
from batchone.contracts.design import Design, ProductReleased
from batchone.contracts.enterprises import Enterprises
from batchone.contracts.machines import Connect
from batchone.contracts.planning import PlanAccepted, Planning
from batchone.contracts.production import (
    CheckFailed,
    CheckPassed,
    ItemFinished,
    ItemHeld,
    ItemReleased,
    JobFinished,
    JobReleased,
    JobStarted,
    Production,
)
from batchone.contracts.sales import OrderPlaced, Sales
from batchone.contracts.sourcing import MaterialAllocated
from batchone.kernel.database import Transaction
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.outbox import Heard


async def _build(context: Context, settings: ProductionSettings) -> Running:
    execution = Execution(context, settings)
    service = ProductionService(context, execution)

    async def on_plan(_: Transaction, __: Heard) -> None:
        """Nothing to store; the wake-up after hearing does the rest."""

    async def after(_: Sequence[Heard]) -> None:
        execution.wake()

    return Running(
        provides={Production: service},
        hears={
            OrderPlaced: service.on_order_placed,
            MaterialAllocated: service.on_material_allocated,
            ProductReleased: service.on_product_released,
            PlanAccepted: on_plan,
        },
        work={
            "release": execution.release_loop,
            "read back": execution.read_back_loop,
            "reports": execution.listen,
        },
        after_hearing=after,
    )


MODULE = Module(
    name="production",
    build=_build,
    settings=ProductionSettings,
    provides=(Production,),
    requires=(Design, Planning, Connect, Enterprises, Sales),
    hears=(OrderPlaced, MaterialAllocated, ProductReleased, PlanAccepted),
    says=(
        JobReleased, JobStarted, JobFinished, CheckPassed, CheckFailed, ItemHeld, ItemReleased, ItemFinished,
    ),
    schema="production",
    migrations=Path(__file__).parent / "migrations",
    router=router,
)  # fmt: skip
