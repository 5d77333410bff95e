"""The shells as a module: its routes, which ask the owners of what they show; nothing of it runs beside them."""

from __future__ import annotations

from batchone.contracts.machines import Twin
from batchone.contracts.production import Production
from batchone.contracts.things import Things
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.settings import Settings
from batchone.machines.aas import api


async def build(context: Context, settings: Settings) -> Running:  # noqa: ARG001
    """Nothing to build."""
    return Running()


MODULE = Module(name="aas", build=build, requires=(Things, Twin, Production), router=api.router)
