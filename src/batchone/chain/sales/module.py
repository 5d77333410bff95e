"""The declaration of sales."""

from __future__ import annotations

from pathlib import Path

from batchone.chain.sales.api import router
from batchone.chain.sales.progress import HANDLERS
from batchone.chain.sales.service import SalesService, SalesSettings
from batchone.contracts.design import Design
from batchone.contracts.logistics import Logistics
from batchone.contracts.planning import Planning
from batchone.contracts.sales import OrderPlaced, PromiseGiven, PromiseReplaced, Sales
from batchone.contracts.sourcing import Sourcing
from batchone.kernel.module import Context, Module, Running


async def _build(context: Context, settings: SalesSettings) -> Running:
    return Running(provides={Sales: SalesService(context, settings)}, hears=dict(HANDLERS))


MODULE = Module(
    name="sales",
    build=_build,
    settings=SalesSettings,
    provides=(Sales,),
    requires=(Design, Sourcing, Planning, Logistics),
    hears=tuple(HANDLERS),
    says=(PromiseGiven, PromiseReplaced, OrderPlaced),
    schema="sales",
    migrations=Path(__file__).parent / "migrations",
    router=router,
)
