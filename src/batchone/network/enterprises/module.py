"""The enterprises domain as a module."""

from __future__ import annotations

from pathlib import Path

from batchone.contracts.enterprises import Enterprises
from batchone.kernel.clock import SystemClock
from batchone.kernel.module import Context, Module, Running
from batchone.network.enterprises.api import router
from batchone.network.enterprises.credentials import Passwords, SystemSecrets
from batchone.network.enterprises.model import EnterprisesSettings
from batchone.network.enterprises.service import EnterprisesService


async def build(context: Context, settings: EnterprisesSettings) -> Running:
    """The running form: it answers, and has no work of its own."""
    secrets = SystemSecrets()
    service: Enterprises = EnterprisesService(
        context.database, context.clock, SystemClock(), secrets, Passwords(secrets), settings
    )
    return Running(provides={Enterprises: service})


MODULE = Module(
    name="enterprises",
    build=build,
    settings=EnterprisesSettings,
    provides=(Enterprises,),
    schema="enterprises",
    migrations=Path(__file__).parent / "migrations",
    router=router,
)
