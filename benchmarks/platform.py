"""A running platform to measure: engines, its modules, and an emulated plant unless none is wanted."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count as endless
from pathlib import Path
from typing import Any

import httpx
import structlog

from batchone.chain.design.packs import load_pack
from batchone.contracts.pack import Pack
from batchone.demo import policies
from batchone.demo.run import Demo, Plant
from batchone.kernel.deploy import Deploy, read_deploy
from batchone.kernel.deployment import Deployment
from batchone.main import MODULES, Process

ROOT = Path(__file__).parents[1]
PACK = ROOT / "packs/refrigerator"
Json = dict[str, Any]
_GONE = 410


@dataclass
class Api:
    """The public API over HTTP, as the shop's planner."""

    client: httpx.AsyncClient
    token: str
    pack: Pack

    async def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET; an answer that is no success is an error of the benchmark."""
        return (await self.client.get(path, params=query, headers=self._headers())).raise_for_status().json()

    async def post(self, path: str, body: Any, *, key: str = "") -> Any:
        """The answer to a POST."""
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        return (await self.client.post(path, json=body, headers=headers)).raise_for_status().json()

    async def configuration(self, chance: random.Random) -> Json:
        """A frozen configuration as the pack's customers wish one; wishes that exclude one another are drawn again."""
        while True:
            choices = policies.choices(self.pack.demo, chance)
            body = {"product": self.pack.product.id, "choices": choices}
            answer = await self.client.post("/api/configurations", json=body, headers=self._headers())
            if answer.status_code not in (409, 422):
                found: Json = answer.raise_for_status().json()
                return found

    async def promise(self, configuration: str) -> Json:
        """A promise for one of a configuration."""
        found: Json = await self.post("/api/promises", {"configuration": configuration, "quantity": 1, "priority": 0})
        return found

    async def order(self, chance: random.Random, number: int) -> Json:
        """Configure, ask for a promise, order; one that expired meanwhile, as plant time runs fast, is asked for again."""
        configuration = (await self.configuration(chance))["id"]
        customer = {"id": f"c{number}", "name": f"Customer {number}", "town": "Here"}
        for attempt in endless():
            body = {"promise": (await self.promise(configuration))["id"], "customer": customer}
            headers = self._headers() | {"Idempotency-Key": f"bench-{number}-{attempt}"}
            answer = await self.client.post("/api/orders", json=body, headers=headers)
            if answer.status_code != _GONE:
                break
        found: Json = answer.raise_for_status().json()
        return found

    async def orders(self, count: int, seed: int, *, at_once: int = 8) -> list[Json]:
        """Place so many orders, some at once."""
        gate = asyncio.Semaphore(at_once)

        async def one(number: int) -> Json:
            async with gate:
                return await self.order(random.Random(f"{seed} {number}"), number)

        return list(await asyncio.gather(*(one(number) for number in range(count))))

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class InProcess(Deployment):
    """A deployment whose modules run in this very process, so that they can be profiled."""

    process: Process | None = None

    def start_processes(self) -> None:
        """Nothing: `run_here` does it."""

    async def run_here(self) -> None:
        """Start all modules in this process."""
        everything = [name for names in self.deploy.processes.values() for name in names]
        deploy = self.deploy.model_copy(update={"processes": {"all": everything}})
        self.process = await Process.start(deploy, "all", self.note, self.home)

    async def stop(self) -> None:
        """Stop the modules, then the engines."""
        if self.process is not None:
            await self.process.stop()
        await super().stop()


class Bench(Demo):
    """The demo's platform and plant, without its people."""

    def __init__(self, deploy: Deploy, home: Path, *, speed: float, plant: bool, here: bool) -> None:
        super().__init__(deploy, PACK, home, speed=speed)
        if not plant:
            self.plant = Plant(PACK, [], 0)
        if here:
            self.deployment = InProcess(self.deployment.deploy, home)

    async def start(self) -> None:
        """As the demo starts; with the modules here, they are started beside it."""
        if not isinstance(self.deployment, InProcess):
            await super().start()
            return
        starting = asyncio.create_task(self._start_here(self.deployment))
        await starting

    async def _start_here(self, deployment: InProcess) -> None:
        engines = deployment.start_engines
        deployment.start_engines = lambda: None  # type: ignore[method-assign]  # they run before the modules do
        await asyncio.to_thread(engines)
        await deployment.run_here()
        while True:
            try:
                async with httpx.AsyncClient(base_url=self.web) as client:
                    await client.get("/sign-in")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.05)
        await super().start()


@asynccontextmanager
async def running(*, speed: float = 1.0, plant: bool = True, here: bool = False) -> AsyncIterator[tuple[Bench, Api]]:
    """A platform over a new home folder, stopped and forgotten at the end."""
    if here:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    deploy = read_deploy(ROOT / "deploy/laptop.toml", frozenset(MODULES))
    with tempfile.TemporaryDirectory(prefix="batchone-bench-", ignore_cleanup_errors=True) as folder:
        bench = Bench(deploy, Path(folder) / "home", speed=speed, plant=plant, here=here)
        try:
            await bench.start()
            limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
            async with httpx.AsyncClient(base_url=bench.web, timeout=120, limits=limits) as client:
                yield bench, Api(client, bench.doors.tokens[""], bench.pack)
        finally:
            await bench.stop()


async def until(look: Callable[[], Awaitable[bool]], what: str, *, timeout_s: float, every_s: float = 0.2) -> None:
    """Look again and again; `TimeoutError` when it does not come true."""
    deadline = time.monotonic() + timeout_s
    while not await look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s:.0f} s")
        await asyncio.sleep(every_s)


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds that an awaited piece of work takes."""
    began = time.perf_counter()
    await work()
    return 1e3 * (time.perf_counter() - began)


def the_pack() -> Pack:
    """The pack that benchmarks run with."""
    return load_pack(PACK)
