"""Quarantine at work: stored every few seconds, judged by engineers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from batchone.contracts.enterprises import Actor, Enterprises, Role
from batchone.contracts.quarantine import OTHERS, Quarantined
from batchone.contracts.sources import Point, Sources
from batchone.contracts.things import Thing, Things
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Forbidden, NotFound, Refused, TryLater
from batchone.machines.connect.quarantine.counting import Quarantine
from batchone.machines.connect.quarantine.store import QuarantineStore

_log = structlog.get_logger(__name__)
_TAKES_S = 30.0
"""Real seconds in which a connection has surely heard what was declared."""
_POSITION = re.compile(r"/P[0-9]{2,}/")
_MAY_JUDGE: tuple[Role, ...] = ("engineer", "admin")


def _of_position(path: str, own: str) -> bool:
    """Whether a path is that of a signal (`filler-1/head`) at one of its positions: `filler-1/P03/head`."""
    return _POSITION.sub("/", path, count=1) == own


class QuarantineService:
    """Implements `batchone.contracts.quarantine.Quarantines`. `counting` tells what each connection counts now."""

    def __init__(
        self, tenant: str, store: QuarantineStore, clock: Clock, counting: Callable[[], Mapping[str, Quarantine]],
        sources: Sources, things: Callable[[], Things], enterprises: Callable[[], Enterprises],
    ) -> None:  # fmt: skip
        self._tenant = tenant
        self._store = store
        self._clock = clock
        self._counting = counting
        self._sources = sources
        self._things = things
        self._enterprises = enterprises
        self._storing = asyncio.Lock()
        self._adopted: dict[tuple[str, str], float] = {}

    async def keep(self, every_s: float) -> None:
        """Store what was counted, every so many real seconds, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.store()
            except TryLater as error:
                _log.info("connect.waiting", what=error.what)

    async def store(self) -> None:
        """Store what was counted since the last time; what cannot be stored now is counted on."""
        async with self._storing:
            taken = [(quarantine, quarantine.take()) for quarantine in self._counting().values()]
            try:
                await self._store.add([each for _, entries in taken for each in entries if not self._just_adopted(each)])
            except TryLater:
                for quarantine, entries in taken:
                    quarantine.give_back(entries)
                raise

    def _just_adopted(self, entry: Quarantined) -> bool:
        """Whether it came before its connection knew that it was adopted."""
        adopted = self._adopted.get((entry.connection, entry.path))
        return adopted is not None and asyncio.get_running_loop().time() - adopted < _TAKES_S

    async def listed(self, tenant: str) -> tuple[Quarantined, ...]:
        """Every entry."""
        self._here(tenant)
        await self.store()
        return await self._store.listed()

    async def adopt(self, tenant: str, connection: str, path: str, thing: Thing, actor: Actor) -> None:
        """Declare what came under a path as the one signal of a thing."""
        self._check(tenant, actor)
        await self.store()
        if not await self._store.undeclared(connection, path) or path == OTHERS:
            raise NotFound("quarantine.unknown", f"{path[:200]} is not in quarantine.", "Look at the list again.")
        (signal,) = thing.signals
        own, note = f"{thing.id}/{signal.id}", f"adopted {path[:200]}"
        source = next((each for each in await self._sources.declared(tenant) if each.id == connection), None)
        if source is not None:
            # What a declared connection does not know, it tells by its own id and the address.
            point = Point(own, path.removeprefix(f"{connection}/"))
            more = replace(source, points=(*source.points, point))
            await self._sources.connect(tenant, more, (thing,), note, actor)
        elif path == own or (signal.scope == "position" and _of_position(path, own)):
            await self._things().extend(tenant, (thing,), note, actor)
        else:
            what = f"A machine of a pack tells {path[:200]} by that name; it cannot be read as {own}."
            raise Refused("quarantine.name", what, "Adopt it under its own equipment and signal.")
        self._adopted = {key: at for key, at in self._adopted.items() if asyncio.get_running_loop().time() - at < _TAKES_S}
        self._adopted[connection, path] = asyncio.get_running_loop().time()
        await self._store.forget(connection, path)

    async def dismiss(self, tenant: str, connection: str, path: str, actor: Actor) -> None:
        """Show it no more among what waits."""
        await self._judge(tenant, connection, path, actor, dismissed=True)

    async def restore(self, tenant: str, connection: str, path: str, actor: Actor) -> None:
        """Let it wait again."""
        await self._judge(tenant, connection, path, actor, dismissed=False)

    async def _judge(self, tenant: str, connection: str, path: str, actor: Actor, *, dismissed: bool) -> None:
        self._check(tenant, actor)
        by, at = (actor.person, self._clock.now()) if dismissed else ("", None)
        if not await self._store.judge(connection, path, by, at):
            raise NotFound("quarantine.unknown", f"{path[:200]} is not in quarantine.", "Look at the list again.")
        outcome = "dismissed" if dismissed else "restored"
        await self._enterprises().record(actor, "quarantine.judge", f"{connection}/{path}"[:300], "", outcome, {})

    def _check(self, tenant: str, actor: Actor) -> None:
        self._here(tenant)
        if actor.role not in _MAY_JUDGE or actor.tenant != tenant:
            cure = f"It is for: {', '.join(_MAY_JUDGE)} of this enterprise."
            raise Forbidden("quarantine.role", f"{actor.name} may not judge quarantine here.", cure, role=actor.role)

    def _here(self, tenant: str) -> None:
        if tenant != self._tenant:
            raise NotFound("machine.tenant", f"{tenant} has no machines here.", "Ask where its machines are connected.")
