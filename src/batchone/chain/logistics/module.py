"""The declaration of logistics."""

from __future__ import annotations

from pathlib import Path

from batchone.chain.logistics.api import router
from batchone.chain.logistics.service import LogisticsService
from batchone.contracts.design import Design, ProductReleased
from batchone.contracts.logistics import CustodyTransferred, Logistics, OrderDelivered
from batchone.contracts.production import ItemFinished
from batchone.contracts.sales import OrderPlaced
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.settings import Settings


async def _build(context: Context, _: Settings) -> Running:
    service = LogisticsService(context)
    return Running(
        provides={Logistics: service},
        hears={
            ProductReleased: service.on_product_released,
            OrderPlaced: service.on_order_placed,
            ItemFinished: service.on_item_finished,
        },
    )


MODULE = Module(
    name="logistics",
    build=_build,
    provides=(Logistics,),
    requires=(Design,),
    hears=(ProductReleased, OrderPlaced, ItemFinished),
    says=(CustodyTransferred, OrderDelivered),
    schema="logistics",
    migrations=Path(__file__).parent / "migrations",
    router=router,
)
