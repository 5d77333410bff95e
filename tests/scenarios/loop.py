"""A running platform with its emulated plant, as a story sees it: through the public API only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from batchone.demo.run import Demo
from batchone.kernel.deploy import read_deploy
from batchone.main import MODULES

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]


@dataclass
class Person:
    """Somebody with an API token."""

    client: httpx.AsyncClient
    token: str

    async def get(self, where: str, /, **query: Any) -> Any:
        answer = await self.client.get(where, params=query, headers=self._headers())
        assert answer.is_success, (where, answer.status_code, answer.text)
        return answer.json()

    async def post(self, path: str, body: Any = None, *, key: str = "") -> Any:
        answer = await self.try_post(path, body, key=key)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json()

    async def try_post(self, path: str, body: Any = None, *, key: str = "", content: bytes | None = None) -> httpx.Response:
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        if content is not None:
            return await self.client.post(path, content=content, headers=headers | {"Content-Type": "application/json"})
        return await self.client.post(path, json=body, headers=headers)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass
class Loop:
    """The platform, and who acts in the story."""

    demo: Demo
    client: httpx.AsyncClient

    def person(self, party: str = "") -> Person:
        """Who acts for a party (a supplier or carrier of the pack); the shop's planner by default."""
        return Person(self.client, self.demo.doors.tokens[party])

    async def order(self, choices: Mapping[str, str], key: str, *, quantity: int = 1) -> Json:
        """Configure, get a promise, order."""
        shop, product = self.person(), self.demo.pack.product.id
        configuration = await shop.post("/api/configurations", {"product": product, "choices": dict(choices)})
        promise = await shop.post("/api/promises", {"configuration": configuration["id"], "quantity": quantity, "priority": 1})
        customer = {"id": "ada", "name": "Ada", "town": "Qingdao"}
        order: Json = await shop.post("/api/orders", {"promise": promise["id"], "customer": customer}, key=key)
        return order

    async def until(self, look: Callable[[], Any], what: str, *, timeout_s: float) -> Any:
        """Look again and again until there is an answer."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = await look()
            if found:
                return found
            await asyncio.sleep(0.3)
        raise AssertionError(f"{what}: not within {timeout_s:.0f} s\n{self.logs()}")

    async def until_status(self, order: str, *statuses: str, timeout_s: float = 150) -> Json:
        """Wait until an order has one of some statuses."""

        async def look() -> Json | None:
            found: Json = await self.person().get(f"/api/orders/{order}")
            return found if found["status"] in statuses else None

        found: Json = await self.until(look, f"{order} {'/'.join(statuses)}", timeout_s=timeout_s)
        return found

    def logs(self) -> str:
        """The end of every log, for a failure's message."""
        folder = self.demo.home / "logs"
        return "\n".join(
            f"== {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-15:])
            for path in sorted(folder.glob("*.log"))
        )


@asynccontextmanager
async def running(
    home: Path, *, pack: Path = ROOT / "packs/refrigerator", deploy: str = "laptop", speed: float = 250
) -> AsyncIterator[Loop]:
    """The whole platform over a new home, until the story is over."""
    demo = Demo(read_deploy(ROOT / "deploy" / f"{deploy}.toml", frozenset(MODULES)), pack, home, speed=speed)
    try:
        await demo.start()
        async with httpx.AsyncClient(base_url=demo.web, timeout=30) as client:
            yield Loop(demo, client)
    finally:
        await demo.stop()
