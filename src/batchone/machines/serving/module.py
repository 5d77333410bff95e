"""Serving as a module."""

from __future__ import annotations

import socket
from typing import Literal

from pydantic import Field

from batchone.contracts.design import ProductReleased
from batchone.contracts.machines import Twin
from batchone.contracts.serving import Serving
from batchone.contracts.things import Things, ThingsDeclared
from batchone.kernel.certificates import OwnCertificate
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Transaction
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.outbox import Heard
from batchone.kernel.settings import Settings
from batchone.machines.serving.api import router
from batchone.machines.serving.service import ServingService


class ServingSettings(Settings):
    """How the namespace is served."""

    host: str = Field(default="127.0.0.1", description="The address at which it listens.")
    port: int = Field(default=0, ge=0, le=65_535, description="The port, 4840 by custom; 0 serves nothing.")
    security: Literal["none", "sign", "encrypt"] = Field(default="encrypt", description="The least that clients must take.")
    per_second: float = Field(default=5.0, gt=0, le=20, description="How often in a second changes are told, at most.")


async def build(context: Context, settings: ServingSettings) -> Running:
    """The service; it listens once it is set to work, and only where a port is set."""
    folder = context.home / "serving"
    service = ServingService(
        context.tenant, folder, OwnCertificate(folder, f"batchone:{context.tenant}:namespace", socket.gethostname()),
        SystemClock(), lambda: context.get(Things), lambda: context.get(Twin), host=settings.host, port=settings.port,
        floor=settings.security, per_s=settings.per_second,
    )  # fmt: skip

    async def changed(_: Transaction, __: Heard) -> None:
        """Nothing to store; `after_hearing` looks at the model again."""

    async def after_hearing(_: object) -> None:
        service.reload()

    return Running(
        provides={Serving: service},
        hears={ProductReleased: changed, ThingsDeclared: changed},
        work={
            "server": service.run,
            "values": lambda: context.bus.listen(f"live.values.{context.tenant}.*", service.hear),
        },
        after_hearing=after_hearing,
    )  # fmt: skip


MODULE = Module(
    name="serving", build=build, settings=ServingSettings, provides=(Serving,), requires=(Things, Twin),
    hears=(ProductReleased, ThingsDeclared), router=router,
)  # fmt: skip
