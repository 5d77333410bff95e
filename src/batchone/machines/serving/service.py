"""Serving at work: the namespace as it is declared, filled from the twin, kept by what is broadcast."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from batchone.contracts.machines import Twin
from batchone.contracts.serving import Served
from batchone.contracts.things import Things
from batchone.kernel.bus import Message
from batchone.kernel.certificates import OwnCertificate, fingerprint, pem_of
from batchone.kernel.clock import Clock
from batchone.kernel.errors import NotFound, TryLater
from batchone.machines.serving import model
from batchone.machines.serving.model import Value, Variable
from batchone.machines.serving.server import Floor, Guests, NamespaceServer

_log = structlog.get_logger(__name__)
_READ_AGAIN_S = 30.0
"""Broadcasts may be lost, so everything is read again from the twin after so long."""


class ServingService:
    """Implements `batchone.contracts.serving.Serving`. `clock` tells real time: certificates are made in it."""

    def __init__(
        self, tenant: str, folder: Path, own: OwnCertificate, clock: Clock, things: Callable[[], Things],
        twin: Callable[[], Twin], *, host: str, port: int, floor: Floor, per_s: float,
    ) -> None:  # fmt: skip
        self._tenant = tenant
        self._own = own
        self._clock = clock
        self._things = things
        self._twin = twin
        self._floor = floor
        self._pause_s = 1.0 / per_s
        self._guests = Guests(folder / "clients")
        self._url = f"opc.tcp://{host}:{port}/" if port else ""
        self._variables: tuple[Variable, ...] = ()
        self._equipment: tuple[str, ...] = ()
        self._pending: dict[str, Value] = {}
        self._changed = asyncio.Event()
        self._up = False

    async def served(self, tenant: str) -> Served:
        """How it stands."""
        if tenant != self._tenant:
            raise NotFound("serving.tenant", f"{tenant} is not served here.", "Ask where its machines are connected.")
        certificate = self._own.now(self._clock.now()).certificate
        return Served(
            self._url if self._up else "", self._floor, len(self._variables), fingerprint(certificate), pem_of(certificate),
            str(self._guests.folder), tuple(self._guests.strangers.values()),
        )  # fmt: skip

    def reload(self) -> None:
        """Things changed: look at the model again."""
        self._changed.set()

    async def hear(self, message: Message) -> None:
        """Note what a broadcast tells; of several for a signal the last one counts."""
        if self._up:
            self._pending |= model.changes(message.data)

    async def run(self) -> None:
        """Serve until cancelled; nothing without a port."""
        if not self._url:
            return
        while True:
            await self._look()
            server = NamespaceServer(
                self._url, f"urn:batchone:{self._tenant}", self._floor, self._own.now(self._clock.now()), self._guests
            )
            try:
                await server.open(self._variables)
                self._up = True
                _log.info("serving.up", address=self._url, variables=len(self._variables))
                await self._keep(server)
            finally:
                self._up = False
                await server.close()

    async def _look(self) -> None:
        """Read the model."""
        while True:
            self._changed.clear()
            try:
                told = await self._things().model(self._tenant)
            except TryLater as error:
                await asyncio.sleep(min(error.after_s, 2.0))
            else:
                self._variables = model.space(told)
                self._equipment = tuple(thing.id for thing in told.things)
                return

    async def _keep(self, server: NamespaceServer) -> None:
        """Write what changed, until the model has other variables."""
        loop = asyncio.get_running_loop()
        read_at = -_READ_AGAIN_S
        while True:
            if self._changed.is_set():
                before = self._variables
                await self._look()
                if self._variables != before:
                    return
            if loop.time() - read_at >= _READ_AGAIN_S:
                read_at = loop.time()
                await server.write(await self._last())
            pending, self._pending = self._pending, {}
            await server.write(pending)
            await asyncio.sleep(self._pause_s)

    async def _last(self) -> dict[str, Value]:
        """The last value of every signal as the twin has it; what it cannot tell now is told the next time."""
        found: dict[str, Value] = {}
        for equipment in self._equipment:
            try:
                last = await self._twin().last(self._tenant, equipment)
            except (TryLater, NotFound):
                continue
            found |= {each.path: model.value_of(each.value, each.quality, each.source_time.timestamp()) for each in last}
        return found
