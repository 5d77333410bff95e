"""The declaration of design."""

from __future__ import annotations

from pathlib import Path

from batchone.chain.design.api import router
from batchone.chain.design.service import DesignService
from batchone.contracts.design import ConfigurationCompleted, Design, ProductReleased
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.settings import Settings


async def _build(context: Context, _settings: Settings) -> Running:
    return Running(provides={Design: DesignService(context.database, context.clock, context.ids)})


MODULE = Module(
    name="design",
    build=_build,
    provides=(Design,),
    says=(ProductReleased, ConfigurationCompleted),
    schema="design",
    migrations=Path(__file__).parent / "migrations",
    router=router,
)
