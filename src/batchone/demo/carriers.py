"""The emulated carriers: they take what stands ready and hand it over within the time they undertook to need."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime

import httpx

from batchone.contracts.pack import Pack
from batchone.demo import policies
from batchone.demo.rest import Rest, again_and_again, tried
from batchone.kernel.clock import Clock

EVERY_S = 300.0
_LIMIT = 500


async def carry(
    client: httpx.AsyncClient, tokens: Mapping[str, str], pack: Pack, clock: Clock, chance: random.Random, *,
    every_s: float = EVERY_S,
) -> None:  # fmt: skip
    """Move shipments until cancelled.

    `tokens` are API tokens by party; each of the pack's carriers that has one acts with it. If none has, the client's own
    credential acts for all of them, which must then be a planner's.
    """
    seed = chance.getrandbits(32)
    carriers = {carrier.id for carrier in pack.demo.carriers}
    own = {party: token for party, token in tokens.items() if party in carriers}

    async def tick() -> int:
        return await carry_once(client, own, clock, seed)

    await again_and_again(clock, tick, every_s, requests=2 * max(1, len(own)))


async def carry_once(client: httpx.AsyncClient, tokens: Mapping[str, str], clock: Clock, seed: int) -> int:
    """Take what is ready and deliver what has arrived; how many shipments were moved on."""
    moved = 0
    for rest in [Rest(client, token) for token in tokens.values()] or [Rest(client)]:
        for row in await rest.get("/api/shipments", state="ready", limit=_LIMIT, oldest_first=True):
            moved += await tried(rest.post(f"/api/shipments/{row['id']}/take"), f"take {row['id']}")
        for row in await rest.get("/api/shipments", state="in_transit", limit=_LIMIT, oldest_first=True):
            taken, expected = datetime.fromisoformat(row["taken"]), datetime.fromisoformat(row["expected"])
            if clock.now() >= policies.arrives_at(row["id"], taken, expected, seed):
                moved += await tried(rest.post(f"/api/shipments/{row['id']}/deliver"), f"deliver {row['id']}")
    return moved
