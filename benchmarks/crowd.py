"""Promises from a plan of any size through the real service: design, sourcing, logistics, planning and sales on PostgreSQL,
asked over HTTP (ASGI), the planner at work beside. Open orders and their plan are written straight into planning's tables."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import structlog
from fastapi import FastAPI, Request

from batchone import main
from batchone.chain.design.packs.checking import read_pack_files
from batchone.chain.planning.picture import OpenOperation, OpenOrder
from batchone.chain.planning.planner import Planner
from batchone.contracts.design import Design, ProductReleased
from batchone.contracts.enterprises import Actor, system
from batchone.contracts.pack import Pack
from batchone.demo import policies
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ScaledClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.engines.postgres import Postgres
from batchone.kernel.facts import Envelope, body_of, name_of
from batchone.kernel.http import install_problems
from batchone.kernel.ids import TimeIds
from batchone.kernel.module import Context
from batchone.kernel.outbox import Heard
from benchmarks.figures import p50, p99
from benchmarks.plans import NOW
from benchmarks.platform import PACK, the_pack, timed

TENANT = "bench"
NAMES = ("design", "sourcing", "logistics", "planning", "sales")
ACTOR = Actor(TENANT, "paula", "Paula", "planner")


@dataclass
class Works:
    """The chain from design to sales in this process."""

    context: Context
    planner: Planner
    client: httpx.AsyncClient
    pack: Pack

    async def configuration(self, chance: random.Random) -> str:
        """A frozen configuration as the pack's customers wish one."""
        while True:
            body = {"product": self.pack.product.id, "choices": policies.choices(self.pack.demo, chance)}
            answer = await self.client.post("/api/configurations", json=body)
            if answer.status_code == 201:
                return str(answer.json()["id"])

    async def promise(self, configuration: str) -> dict[str, Any]:
        """A promise for one of a configuration, which replaces none."""
        answer = await self.client.post("/api/promises", json={"configuration": configuration, "quantity": 1, "priority": 0})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found


@asynccontextmanager
async def works(operations: Sequence[OpenOperation], orders: Sequence[OpenOrder]) -> AsyncIterator[Works]:
    """The chain over these open orders, the planner at work; at the time of their plan, which goes on from there."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory(prefix="batchone-bench-", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder) / "postgres")
        await asyncio.to_thread(server.start)
        clock = ScaledClock(1.0, time.time(), NOW.timestamp())
        ids = TimeIds(clock)
        database = await Database.connect(server.url, clock, ids, size=16)
        context = Context(
            clock=clock, ids=ids, chance=random.Random(1), database=database, bus=MemoryBus(), home=Path(folder), tenant=TENANT
        )
        try:
            planner, routers = await _built(context)
            await asyncio.to_thread(_written, server.url, operations, orders)
            working = asyncio.create_task(planner.run())
            app = FastAPI()
            install_problems(app)

            @app.middleware("http")
            async def sign_in(request: Request, go_on: Any) -> Any:
                request.state.actor = ACTOR
                return await go_on(request)

            for each in routers:
                app.include_router(each)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench", timeout=600) as client:
                yield Works(context, planner, client, the_pack())
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
        finally:
            await database.close()
            await asyncio.to_thread(server.stop)


async def _built(context: Context) -> tuple[Planner, list[Any]]:
    await migrate(context.database, "kernel", Path(main.__file__).parent / "kernel/migrations")
    planner: Planner | None = None
    hears = []
    for name in NAMES:
        module = main.module(name)
        assert module.schema is not None
        assert module.migrations is not None
        await migrate(context.database, module.schema, module.migrations)
        running = await module.build(context, module.settings())
        for protocol, implementation in running.provides.items():
            context.provide(protocol, implementation)
        if name == "planning":
            planner = running.work["plan"].__self__  # type: ignore[attr-defined]  # the loop is the planner's own
        if ProductReleased in running.hears:
            hears.append(running.hears[ProductReleased])
    pack = the_pack()
    await context.get(Design).install(TENANT, read_pack_files(PACK), system(TENANT, "bench"))
    said = ProductReleased(pack.product.id, pack.id, pack.version, pack.hash)
    name = name_of(type(said))
    envelope = Envelope("F-1", TENANT, name.name, name.version, context.clock.now(), "bench", body_of(said))
    for handler in hears:
        async with context.database.transaction() as tx:
            await handler(tx, Heard(envelope, said))
    assert planner is not None
    return planner, [router(context) for name in NAMES if (router := main.module(name).router) is not None]


def _written(url: str, operations: Sequence[OpenOperation], orders: Sequence[OpenOrder]) -> None:
    items = {each.item: each.order for each in operations}
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy(
            "COPY planning.orders (tenant, order_id, product, due, weight, placed, items, promised_finish, said_finish) "
            "FROM STDIN"
        ) as copy:
            for each in orders:
                copy.write_row((TENANT, each.id, "refrigerator", each.due + timedelta(days=30), 0, NOW, 1, each.due, each.due))
        with cursor.copy("COPY planning.items (tenant, item, order_id) FROM STDIN") as copy:
            for item, order in items.items():
                copy.write_row((TENANT, item, order))
        with cursor.copy(
            "COPY planning.operations (tenant, item, op, order_id, place, class, after, duration_s, setup_key, attended, "
            "equipment, position, setup_start, start, ends) FROM STDIN"
        ) as copy:
            for n, op in enumerate(operations):
                copy.write_row((
                    TENANT, op.item, op.op, op.order, n % 100, op.equipment_class, list(op.after), op.duration_s, op.setup_key,
                    op.attended, op.equipment, op.position, op.setup_start, op.start, op.end,
                ))  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """Milliseconds of promises from one caller and from a crowd, promises a second from the crowd and milliseconds of processor
    time that each took in this process, seconds until the planner had laid the plan out first, and how often it planned."""

    alone: tuple[float, ...]
    crowd: tuple[float, ...]
    per_s: float
    cpu_ms: float
    laid_s: float
    plans: int

    def row(self, name: str, operations: int) -> tuple[str | float | int, ...]:
        """A row of the table."""
        return (name, operations, p50(self.alone), p99(self.alone), p50(self.crowd), p99(self.crowd), self.per_s, self.cpu_ms,
                self.laid_s, self.plans)  # fmt: skip


async def measured(
    operations: Sequence[OpenOperation], orders: Sequence[OpenOrder], *, asked: int, callers: int, each: int
) -> Measured:
    """Promises from one caller, then from many at once, while the planner keeps the plan."""
    async with works(operations, orders) as running:
        began = time.perf_counter()
        configurations = [await running.configuration(random.Random(n)) for n in range(30)]
        await running.promise(configurations[0])
        laid_s = time.perf_counter() - began
        before = await running.planner.number_in_force()
        alone = [await timed(lambda n=n: running.promise(configurations[n % 30])) for n in range(asked)]  # type: ignore[misc]

        async def caller(number: int) -> list[float]:
            chance = random.Random(number)
            return [await timed(lambda: running.promise(chance.choice(configurations))) for _ in range(each)]

        running.planner.changed("a crowd asks")
        began, worked = time.perf_counter(), time.process_time()
        crowd = await asyncio.gather(*(caller(number) for number in range(callers)))
        took, worked = time.perf_counter() - began, time.process_time() - worked
        every = tuple(ms for one in crowd for ms in one)
        plans = await running.planner.number_in_force() - before
    return Measured(tuple(alone), every, len(every) / took, 1e3 * worked / len(every), laid_s, plans)
