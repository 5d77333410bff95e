"""What the fault tests do to a running platform: kill, stop and misbehave; and how people behave who do not give up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

import httpx
import psycopg
from psycopg.rows import DictRow, dict_row
from tests.scenarios.loop import Json, Loop, running

from batchone.kernel.engines.nats import Nats
from batchone.kernel.engines.postgres import Postgres

Engine = Literal["nats", "postgres"]


@dataclass
class Faulty:
    """A running platform and its plant, with the means to hurt them."""

    loop: Loop
    home: Path

    def kill_process(self, name: str) -> None:
        """`kill -9` of a process of the platform; the deployment starts it again."""
        self.loop.demo.deployment.children[name].process.kill()

    def kill_engine(self, engine: Engine) -> None:
        """`kill -9` of an engine's server; the deployment starts it again."""
        child = self._engine(engine).child
        assert child is not None
        child.process.kill()

    def kill_plant(self, index: int) -> None:
        """`kill -9` of one process of the emulated plant; the demo starts it again."""
        self.loop.demo.plant.children[index].process.kill()

    @asynccontextmanager
    async def without(self, engine: Engine) -> AsyncIterator[None]:
        """An engine is stopped, and nobody starts it again, until the block ends."""
        deployment, server = self.loop.demo.deployment, self._engine(engine)
        assert deployment._watcher is not None
        deployment._watcher.cancel()
        await asyncio.gather(deployment._watcher, return_exceptions=True)
        await asyncio.to_thread(server.stop)
        try:
            yield
        finally:
            server.start()
            deployment._watcher = asyncio.create_task(deployment._watch())

    def _engine(self, engine: Engine) -> Nats | Postgres:
        found = {"nats": self.loop.demo.deployment.nats, "postgres": self.loop.demo.deployment.postgres}[engine]
        assert found is not None
        return found

    async def tell_plant(self, request: str, **body: Any) -> None:
        """Tell the plant to misbehave, at whichever of its processes has the equipment or connection."""
        async with httpx.AsyncClient(timeout=10) as client:
            for port in self.loop.demo.plant.control_ports:
                answer = await client.post(f"http://127.0.0.1:{port}/{request}", json=body)
                if answer.status_code != 404:
                    assert answer.is_success, answer.text
                    return
        raise AssertionError(f"no process of the plant knows {body}")

    async def rows(self, sql: str, **values: Any) -> list[DictRow]:
        """What the database holds."""
        url = self.loop.demo.deployment.note.postgres
        async with await psycopg.AsyncConnection.connect(url, row_factory=dict_row) as connection:
            return await (await connection.execute(sql, values)).fetchall()

    async def until_answers(self, *, timeout_s: float = 120) -> None:
        """Wait until the API answers with an order list."""

        async def look() -> bool:
            with suppress(httpx.TransportError):
                path, token = "/api/orders", self.loop.demo.doors.tokens[""]
                answer = await self.loop.client.get(path, headers={"Authorization": f"Bearer {token}"})
                return answer.is_success
            return False

        await self.loop.until(look, "the API", timeout_s=timeout_s)

    async def until_finished(self, orders: Mapping[str, str], *, timeout_s: float) -> None:
        """Wait until every order (by key) is finished; a held item is looked at and let go on, as people do."""

        async def look() -> bool:
            open_ones = []
            for number in orders.values():
                with suppress(httpx.TransportError):
                    if await self._is_open(number):
                        open_ones.append(number)
            self._open = open_ones
            return not open_ones

        self._open: list[str] = []
        try:
            await self.loop.until(look, "finished orders", timeout_s=timeout_s)
        except AssertionError as error:
            raise AssertionError(f"still open: {await self.describe(self._open)}\n{error}") from error

    async def _is_open(self, number: str) -> bool:
        person = self.loop.person()
        answer = await person.client.get(f"/api/orders/{number}", headers=person._headers())
        if not answer.is_success:
            return True
        order = answer.json()
        if order["status"] == "held":
            for item in order["items"]:
                await self._look_at(item)
        return order["status"] not in ("finished", "in_transit", "delivered")

    async def _look_at(self, item: str) -> None:
        """Somebody looks at an item and lets it go on if it is held."""
        (row,) = await self.rows("SELECT count(*) AS holds FROM production.holds WHERE item = %(item)s", item=item)
        key = f"seen-{item}-{row['holds']}"
        await self.loop.person().try_post(f"/api/items/{item}/release", {"redo": [], "note": "seen"}, key=key)

    async def until_settled(self) -> None:
        """Wait until what follows from the last finished item has been done: facts told, reports cleared, shipments made."""

        async def look() -> bool:
            (row,) = await self.rows(
                """SELECT (SELECT count(*) FROM kernel.outbox WHERE NOT published)
                     + (SELECT count(*) FROM production.jobs WHERE NOT cleared) + (SELECT count(*) FROM connect.sent)
                     + (SELECT count(*) FROM sourcing.needs WHERE consumed <> quantity)
                     + (SELECT count(*) FROM sales.orders o WHERE NOT EXISTS (
                          SELECT 1 FROM logistics.shipments s WHERE s.order_id = o.id)) AS left"""
            )
            return row["left"] == 0

        await self.loop.until(look, "everything settled", timeout_s=60)

    async def describe(self, numbers: list[str]) -> list[Any]:
        """Why orders are not finished, as far as the database tells."""
        sql = """SELECT o.number, o.status, i.item, i.state, array(
                   SELECT row(p.op, p.state, p.run, p.needs_material, p.has_material, q.state, q.run, q.equipment,
                     q.setup_start, h.held, (SELECT j.id || ' ' || j.state || ' ' || j.confirmed || ' ' || j.equipment
                     FROM production.jobs j WHERE j.item = p.item AND j.op = p.op ORDER BY j.released DESC LIMIT 1))::text
                   FROM production.operations p LEFT JOIN planning.operations q ON q.item = p.item AND q.op = p.op
                   LEFT JOIN planning.items h ON h.item = p.item
                   WHERE p.item = i.item AND p.state <> 'done' ORDER BY p.place) AS ops
                 FROM sales.orders o LEFT JOIN production.items i ON i.order_id = o.id WHERE o.number = ANY(%(numbers)s)"""
        return [dict(row) for row in await self.rows(sql, numbers=numbers)]


@asynccontextmanager
async def faulty(home: Path, **how: Any) -> AsyncIterator[Faulty]:
    """The whole platform over a new home, ready to be hurt."""
    async with running(home, **how) as loop:
        await loop.until(lambda: _all_up(loop), "every connection up", timeout_s=60)
        yield Faulty(loop, home)


async def _all_up(loop: Loop) -> bool:
    connections = await loop.person().get("/api/machines/connections")
    return len(connections) == len(loop.demo.pack.connections) and all(each["up"] for each in connections)


@asynccontextmanager
async def background(work: Any) -> AsyncIterator[asyncio.Task[Any]]:
    """Something that goes on beside the block; what fails in it fails the block."""
    task = asyncio.ensure_future(work)
    try:
        yield task
        if task.done():
            task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@dataclass
class Customers:
    """Customers who repeat each request until there is an answer, always with the same key for the same order."""

    loop: Loop
    name: str = "key"
    accepted: dict[str, str] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)

    async def order(self, choices: Mapping[str, str] | None = None) -> str:
        """Order one; the order's number. An offer that ran out meanwhile is asked for again."""
        product = self.loop.demo.pack.product.id
        configured = await self._insist("/api/configurations", {"product": product, "choices": dict(choices or {})})
        if configured is None:  # these choices exclude one another: then the product as it comes
            configured = await self._insist("/api/configurations", {"product": product, "choices": {}})
        while True:
            asked = {"configuration": configured["id"], "quantity": 1, "priority": 0}
            promise = await self._insist("/api/promises", asked)
            key = f"{self.name}-{next(self._numbers)}"
            body = {"promise": promise["id"], "customer": {"id": "ada", "name": "Ada", "town": "Brno"}}
            order = await self._insist("/api/orders", body, key=key)
            if order is not None:
                self.accepted[key] = order["number"]
                return str(order["number"])

    async def _insist(self, path: str, body: Json, *, key: str = "") -> Any:
        """What the platform says at last: the thing, or none when it may never be or the offer has run out."""
        while True:
            with suppress(httpx.TransportError):
                answer = await self.loop.person().try_post(path, body, key=key)
                if answer.is_success:
                    return answer.json()
                if answer.status_code == (422 if path == "/api/configurations" else 410):
                    return None
                if answer.status_code != 503 or "retry-after" not in answer.headers:
                    self.odd.append(f"{path} {answer.status_code} {answer.text}")
                    assert answer.status_code >= 500, self.odd[-1]
            await asyncio.sleep(0.3)
