"""The declaration of planning."""

from __future__ import annotations

from pathlib import Path

from batchone.chain.planning.api import router
from batchone.chain.planning.desk import Desk
from batchone.chain.planning.planner import Planner, PlanningSettings
from batchone.chain.planning.service import PlanningService
from batchone.contracts.by_hand import PlanningByHand
from batchone.contracts.design import Design, ProductReleased
from batchone.contracts.enterprises import Enterprises
from batchone.contracts.machines import EquipmentChanged
from batchone.contracts.planning import PlanAccepted, Planning, PromiseMoved
from batchone.contracts.production import ItemFinished, ItemHeld, ItemReleased, JobFinished, JobReleased, JobStarted
from batchone.contracts.sales import OrderPlaced
from batchone.contracts.sourcing import MaterialAllocated, MaterialExpected
from batchone.kernel.module import Context, Module, Running


async def _build(context: Context, settings: PlanningSettings) -> Running:
    planner = Planner(context, settings)
    service = PlanningService(context, planner)
    return Running(
        provides={Planning: service, PlanningByHand: Desk(context, planner)},
        hears={
            OrderPlaced: service.on_order_placed,
            MaterialExpected: service.on_material_expected,
            MaterialAllocated: service.on_material_allocated,
            JobReleased: service.on_job_released,
            JobStarted: service.on_job_started,
            JobFinished: service.on_job_finished,
            ItemHeld: service.on_item_held,
            ItemReleased: service.on_item_released,
            ItemFinished: service.on_item_finished,
            EquipmentChanged: service.on_equipment_changed,
            ProductReleased: service.on_product_released,
        },
        work={"plan": planner.run},
        after_hearing=service.after,
        hearing_alone=planner.lock,
    )


MODULE = Module(
    name="planning",
    build=_build,
    settings=PlanningSettings,
    provides=(Planning, PlanningByHand),
    requires=(Design, Enterprises),
    hears=(
        OrderPlaced, MaterialExpected, MaterialAllocated, JobReleased, JobStarted, JobFinished, ItemHeld, ItemReleased,
        ItemFinished, EquipmentChanged, ProductReleased,
    ),
    says=(PlanAccepted, PromiseMoved),
    schema="planning",
    migrations=Path(__file__).parent / "migrations",
    router=router,
)  # fmt: skip
