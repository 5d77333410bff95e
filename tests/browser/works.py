"""The whole platform in this process, with a real pack's plan and no machines: for browser tests of what planners do.

Nothing is faked: PostgreSQL, NATS, every module, sign-in. No machine ever answers, so nothing begins, and the plan stays as it
is until a planner changes it.
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
import structlog

from batchone.contracts.by_hand import PlanningByHand
from batchone.contracts.design import Design
from batchone.contracts.enterprises import Enterprises, Role, system
from batchone.contracts.planning import PlannedOperation, Planning, PlanSummary
from batchone.contracts.sales import Customer, Order, Sales
from batchone.kernel.clock import ScaledClock
from batchone.kernel.deploy import Deploy, read_deploy
from batchone.kernel.engines.child import free_port
from batchone.kernel.errors import TryLater
from batchone.kernel.home import Running
from batchone.main import MODULES, Process

ROOT = Path(__file__).parents[2]
START = datetime(2026, 3, 2, 5, 50, tzinfo=UTC)
"""A Monday, ten minutes before the pack's shift begins: for so long nothing can begin."""
T = TypeVar("T")


@dataclass
class Works:
    """The running platform: what a test asks of it besides what its pages show."""

    process: Process
    loop: asyncio.AbstractEventLoop
    address: str
    product: str

    def ask(self, question: Coroutine[Any, Any, T], timeout_s: float = 60) -> T:
        """What a service of the platform answers."""
        return asyncio.run_coroutine_threadsafe(question, self.loop).result(timeout_s)

    @property
    def tenant(self) -> str:
        """Whose works these are."""
        return self.process.context.tenant

    @property
    def desk(self) -> PlanningByHand:
        """The planner's desk."""
        return self.process.context.get(PlanningByHand)

    def summary(self) -> PlanSummary:
        """The plan in force."""
        return self.ask(self.process.context.get(Planning).summary(self.tenant))

    def operations(self, order: Order | None = None) -> list[PlannedOperation]:
        """The plan in force, or what is in it of an order, by start."""
        planning = self.process.context.get(Planning)
        if order is not None:
            found = self.ask(planning.of_order(self.tenant, order.id))
        else:
            found = self.ask(planning.window(self.tenant, START, START + timedelta(days=60), 20_000)).operations
        return sorted(found, key=lambda each: (each.start, each.op))

    def order(self, name: str, quantity: int, **choices: str) -> Order:
        """An order as the shop places it, once it is in the plan."""
        return self.ask(self._order(name, quantity, choices), 120)

    async def _order(self, name: str, quantity: int, choices: dict[str, str]) -> Order:
        context, seller = self.process.context, system(self.tenant, "shop")
        configuration = await context.get(Design).complete(self.tenant, self.product, choices, seller)
        promise = None
        while promise is None:
            # The product is new: not every module has heard of it yet.
            with suppress(TryLater):
                promise = await context.get(Sales).give_promise(self.tenant, configuration.id, quantity, 1, seller)
            await asyncio.sleep(0.05)
        placed = await context.get(Sales).place_order(self.tenant, promise.id, Customer(name, name, "Jimo"), name, seller)
        while not await context.get(Planning).of_order(self.tenant, placed.id):
            await asyncio.sleep(0.05)
        return placed

    def session(self, person: str, role: Role = "planner") -> str:
        """The secret of a new session of somebody, who is a planner unless told otherwise."""
        return self.ask(self._session(person, role))

    async def _session(self, person: str, role: Role) -> str:
        people = self.process.context.get(Enterprises)
        await people.ensure_person(self.tenant, person, "Pia Kern", role, "", "")
        return (await people.sign_in_by_link(await people.issue_link(self.tenant, person))).secret


def _deploy(port: int) -> Deploy:
    read = read_deploy(ROOT / "deploy/laptop.toml", frozenset(MODULES))
    # One search at the start would move what the tests look at.
    modules = {**read.modules, "web": {**read.modules["web"], "port": port}, "planning": {"improve_every_s": 3600.0}}
    return read.model_copy(update={"modules": modules})


@contextmanager
def works(postgres: str, nats: str, home: Path, pack: str = "wardrobe") -> Iterator[Works]:
    """The platform over an empty database of a server, with a pack installed, until the block is left."""
    with _database(postgres) as url, _works(url, nats, home, pack) as running:
        yield running


@contextmanager
def _database(server: str) -> Iterator[str]:
    """A database of its own: what another platform stored belongs to files that are not here."""
    name = f"works_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    parts = urlsplit(server)
    yield urlunsplit(parts._replace(path=f"/{name}"))
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[arg-type]


@contextmanager
def _works(postgres: str, nats: str, home: Path, pack: str) -> Iterator[Works]:
    clock, port = home / "clock.json", free_port()
    ScaledClock(1.0, time.time(), START.timestamp()).write(clock)
    # Nobody listens at the broker's port, nor at those of the machines.
    note = Running("works", postgres, nats, f"mqtt://127.0.0.1:{free_port()}", f"http://127.0.0.1:{port}", str(clock), 0)
    logging = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def ask(question: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(question, loop).result(60)

    process = ask(Process.start(_deploy(port), "platform", note, home))
    try:
        files = {path.name: path.read_text() for path in (ROOT / "packs" / pack).iterdir() if path.suffix in (".yaml", ".svg")}
        tenant = process.context.tenant
        product = ask(process.context.get(Design).install(tenant, files, system(tenant, "works")))
        yield Works(process, loop, note.web, product.id)
    finally:
        ask(process.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
        structlog.configure(**logging)
