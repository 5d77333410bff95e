"""A module: a domain as a thing that can be started, alone or beside others, in any process.

A module declares what it provides (read protocols), requires, hears and says, its settings and its migrations; `build`
makes its running form from a `Context`. What it requires may run in this process or in another: `Context.get` returns
either the implementation or an object that asks over the bus.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from fastapi import APIRouter

from batchone.kernel.bus import Bus
from batchone.kernel.clock import Clock
from batchone.kernel.database import Database
from batchone.kernel.errors import Broken
from batchone.kernel.ids import Ids
from batchone.kernel.outbox import FactHandler
from batchone.kernel.remote import remote
from batchone.kernel.settings import Settings
from batchone.kernel.supervise import Supervisor, Work

P = TypeVar("P")


class Context:
    """What a module is given: time, ids, chance, database, bus, its data folder, and the protocols of others.

    `routers` are the HTTP routes of all modules of the deployment, for the one module that serves the web.
    """

    def __init__(
        self, *, clock: Clock, ids: Ids, chance: random.Random, database: Database, bus: Bus, home: Path,
        tenant: str, supervisor: Supervisor | None = None,
    ) -> None:  # fmt: skip
        self.clock = clock
        self.ids = ids
        self.chance = chance
        self.database = database
        self.bus = bus
        self.home = home
        self.tenant = tenant
        self.supervisor = supervisor or Supervisor()
        self.routers: list[APIRouter] = []
        self._local: dict[type, object] = {}
        self._remote: dict[type, object] = {}

    def provide(self, protocol: type, implementation: object) -> None:
        """From now on `get(protocol)` answers with this implementation."""
        self._local[protocol] = implementation

    def get(self, protocol: type[P]) -> P:
        """An implementation of a read protocol: the local one, else one that asks over the bus.

        Call it when you need it, not while building: a module built later may provide it locally.
        """
        if protocol in self._local:
            return cast(P, self._local[protocol])
        if protocol not in self._remote:
            self._remote[protocol] = remote(protocol, self.bus)
        return cast(P, self._remote[protocol])

    @property
    def local(self) -> Mapping[type, object]:
        """The protocols implemented in this process."""
        return self._local


@dataclass
class Running:
    """A built module: implementations of what it provides, its fact handlers, its background work, how to stop it."""

    provides: dict[type, object] = field(default_factory=dict)
    hears: dict[type, FactHandler] = field(default_factory=dict)
    work: dict[str, Work] = field(default_factory=dict)
    stop: Callable[[], Awaitable[None]] | None = None
    after_hearing: Callable[[Any], Awaitable[None]] | None = None
    hearing_alone: asyncio.Lock | None = None


@dataclass(frozen=True)
class Module:
    """The declaration of a module. `router` makes its HTTP routes from protocols alone, so that the routes can be
    mounted in the process that serves the web while the module itself runs elsewhere."""

    name: str
    build: Callable[[Context, Any], Awaitable[Running]]
    settings: type[Settings] = Settings
    provides: tuple[type, ...] = ()
    requires: tuple[type, ...] = ()
    hears: tuple[type, ...] = ()
    says: tuple[type, ...] = ()
    schema: str | None = None
    migrations: Path | None = None
    router: Callable[[Context], APIRouter] | None = None

    def check(self, running: Running) -> None:
        """The running form keeps what the declaration promised."""
        if set(running.provides) != set(self.provides) or set(running.hears) != set(self.hears):
            raise Broken("module.declaration", f"{self.name} provides or hears other than it declares.", "Make both agree.")
