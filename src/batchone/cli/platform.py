"""A command's way into the platform that runs over this home."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from batchone.contracts.enterprises import Actor, system
from batchone.kernel.bus_edge import bus_of
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.clock import Clock, ScaledClock, SystemClock
from batchone.kernel.deploy import Deploy
from batchone.kernel.home import Running, home_folder, running_in
from batchone.kernel.remote import remote

P = TypeVar("P")


class Platform:
    """The services of a running deployment, asked over the bus, as the person at the terminal."""

    def __init__(self, bus: NatsBus, note: Running, deploy: Deploy) -> None:
        self._bus = bus
        self.note = note
        self.tenant = deploy.tenant
        self.actor: Actor = system(deploy.tenant, "terminal")
        self.clock: Clock = ScaledClock.from_file(Path(note.clock)) if note.clock else SystemClock()

    def get(self, protocol: type[P]) -> P:
        """An object that asks over the bus."""
        return remote(protocol, self._bus, timeout_s=60)


def deployed() -> Deploy:
    """The deploy file of what runs over this home; `TryLater` with the cure when nothing does."""
    running_in(home_folder())
    return Deploy.model_validate_json((home_folder() / "deploy.json").read_text())


@asynccontextmanager
async def platform() -> AsyncIterator[Platform]:
    """The platform that runs now; `TryLater` with the cure when none does."""
    note, deploy = running_in(home_folder()), deployed()
    bus = await bus_of(deploy.engines, note.nats, "batchone-cli")
    try:
        yield Platform(bus, note, deploy)
    finally:
        await bus.close()
