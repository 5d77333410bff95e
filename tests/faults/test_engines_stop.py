"""An engine is away for half a minute: the platform says so, quickly and politely, and then everything is finished, once."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.faults.harness import Customers, Engine, Faulty, background, faulty
from tests.faults.lamps import lamps
from tests.faults.ledger import audit

pytestmark = [pytest.mark.fault, pytest.mark.timeout(420)]
AWAY_S = 30
SLOWEST_S = 12
"""How long an answer may take: the platform gives up after less than ten seconds; the rest is for slow computers."""

BACK_S = 20
"""How soon after the engine the platform must be back."""

READS = (
    "/api/orders", "/api/stock", "/api/jobs", "/api/stations", "/api/machines/equipment", "/api/alarms", "/api/plan/history",
    "/api/history/stats", "/api/call-offs", "/api/shipments",
)  # fmt: skip


async def test_with_an_engine_away_the_platform_says_try_later_and_then_finishes_everything_once(tmp_path: Path) -> None:
    async with faulty(tmp_path / "home", pack=lamps(tmp_path / "pack"), deploy="plant", speed=60) as plant:
        customers = Customers(plant.loop)
        for engine in ("nats", "postgres"):
            await customers.order()
            await customers.order()
            await _away(plant, engine, customers)  # type: ignore[arg-type]
        await plant.until_finished(customers.accepted, timeout_s=120)
        await plant.until_settled()
        await audit(plant, customers)
        assert len(customers.accepted) == 6
        assert customers.odd == []


async def _away(plant: Faulty, engine: Engine, customers: Customers) -> None:
    """While the engine is away, somebody reads, and somebody orders who does not give up."""
    async with background(customers.order()) as ordering:
        async with plant.without(engine):
            seen = await _ask(plant, time.monotonic() + AWAY_S)
        assert seen[503] > len(READS), (engine, seen)
        assert set(seen) <= {200, 503}, (engine, seen)
        await plant.until_answers(timeout_s=BACK_S)
        await asyncio.wait_for(ordering, 60)


async def _ask(plant: Faulty, until: float) -> Counter[int]:
    """Ask everything again and again; how often it was answered with which status."""
    seen: Counter[int] = Counter()
    while time.monotonic() < until:
        seen.update(await asyncio.gather(*(_status(plant, path) for path in READS)))
        await asyncio.sleep(0.5)
    return seen


async def _status(plant: Faulty, path: str) -> int:
    person, began = plant.loop.person(), time.monotonic()
    answer = await person.client.get(path, headers=person._headers())
    took_s = time.monotonic() - began
    assert took_s < SLOWEST_S, (path, took_s)
    if answer.status_code == 503:
        _is_try_later(answer)
    return int(answer.status_code)


def _is_try_later(answer: Any) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["title"] == "TryLater"
    assert answer.json()["detail"]
    assert answer.json()["cure"]
