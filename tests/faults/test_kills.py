"""Kill -9 of anything, at any moment, while orders run: every accepted order is made once, with its whole record.

`BATCHONE_KILLS`, `BATCHONE_ORDERS` and `BATCHONE_SEED` make the campaign longer or another one, `BATCHONE_DEPLOY=plant` has
the platform in several processes.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.harness import Customers, Faulty, background, faulty
from tests.faults.ledger import audit, batches_waiting

from batchone.demo import policies
from batchone.demo.suppliers import supply

KILLS = int(os.environ.get("BATCHONE_KILLS", "5"))
ORDERS = int(os.environ.get("BATCHONE_ORDERS", "10"))
SEED = int(os.environ.get("BATCHONE_SEED", "1"))
DEPLOY = os.environ.get("BATCHONE_DEPLOY", "laptop")
MIX = ("platform", "nats", "platform", "plant", "platform", "platform", "postgres", "platform", "platform", "platform")
"""Who is killed, in turns of ten, each in a random order but for the first."""

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240 + 60 * KILLS + 10 * ORDERS)]


def victims(count: int, chance: random.Random) -> list[str]:
    """Whom to kill, one after another: mostly the platform, and everybody at least once in five."""
    first = list(MIX[:5])
    first[-1] = "postgres"
    chance.shuffle(first)
    rest = [name for _ in range(count // len(MIX) + 1) for name in chance.sample(MIX, len(MIX))]
    return (first + rest)[:count]


async def test_whatever_is_killed_every_accepted_order_is_made_once_with_its_whole_record(tmp_path: Path) -> None:
    chance, began = random.Random(SEED), time.monotonic()
    print(f"{KILLS} kills, {ORDERS} orders, seed {SEED}, {DEPLOY}")
    async with faulty(tmp_path / "home", deploy=DEPLOY, speed=250) as platform:
        customers, acknowledged = Customers(platform.loop), set[str]()
        killed: list[str] = []
        async with background(_supply(platform)), background(_order(customers, lambda: len(killed))) as ordering:
            for victim in victims(KILLS, chance):
                await _kill(platform, victim, chance)
                acknowledged |= await batches_waiting(platform.home)
                killed.append(f"{time.monotonic() - began:.1f} s {victim}")
                if chance.random() < 0.8:  # else the next one dies while this one starts
                    await platform.until_answers()
            await platform.until_answers()
            await ordering
        print(f"killed {killed}; ordered after {time.monotonic() - began:.0f} s")
        await platform.until_finished(customers.accepted, timeout_s=180 + 3 * ORDERS)
        print(f"finished after {time.monotonic() - began:.0f} s; odd answers {customers.odd}")
        await platform.until_settled()
        await audit(platform, customers, acknowledged)
        assert customers.odd == []


async def _kill(platform: Faulty, victim: str, chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0.2, 7.0))
    match victim:
        case "platform":
            platform.kill_process(chance.choice(sorted(platform.loop.demo.deployment.children)))
        case "plant":
            platform.kill_plant(chance.randrange(len(platform.loop.demo.plant.children)))
        case "nats" | "postgres":
            platform.kill_engine(victim)  # type: ignore[arg-type]


async def _order(customers: Customers, kills: Callable[[], int]) -> None:
    """Orders come in all along: the next one as soon as its share of the kills has happened."""
    pack, chance = customers.loop.demo.pack, random.Random(SEED)
    for number in range(ORDERS):
        while kills() * ORDERS < (number - 1) * KILLS:
            await asyncio.sleep(0.1)
        await customers.order(policies.choices(pack.demo, chance))


async def _supply(platform: Faulty) -> None:
    demo = platform.loop.demo
    await supply(platform.loop.client, demo.doors.tokens, demo.pack, demo.clock, random.Random(SEED))
