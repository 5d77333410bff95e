"""The emulated suppliers: they confirm call-offs for the needed date and deliver, mostly on time."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import httpx

from batchone.contracts.pack import Pack
from batchone.demo import policies
from batchone.demo.policies import CallOffSeen
from batchone.demo.rest import Rest, again_and_again, tried
from batchone.kernel.clock import Clock

EVERY_S = 120.0
_LIMIT = 500


async def supply(
    client: httpx.AsyncClient, tokens: Mapping[str, str], pack: Pack, clock: Clock, chance: random.Random, *,
    silent: Collection[str] = (), every_s: float = EVERY_S,
) -> None:  # fmt: skip
    """Answer call-offs until cancelled. Who is `silent` never answers.

    `tokens` are API tokens by party; each of the pack's suppliers that has one acts with it. If none has, the client's own
    credential answers for all of them, which must then be a planner's.
    """
    seed, own = chance.getrandbits(32), tokens_of(tokens, pack)

    async def tick() -> int:
        return await supply_once(client, own, pack, clock, seed, silent=silent)

    await again_and_again(clock, tick, every_s, requests=2 * max(1, len(own)))


async def supply_once(
    client: httpx.AsyncClient, tokens: Mapping[str, str], pack: Pack, clock: Clock, seed: int, *,
    silent: Collection[str] = (),
) -> int:  # fmt: skip
    """Confirm what was sent and deliver what is due; how many call-offs were moved on."""
    on_time = policies.reliability(pack.modules)
    moved = 0
    for rest in [Rest(client, token) for token in tokens.values()] or [Rest(client)]:
        for seen in await _list(rest, "sent", silent):
            at = seen.needed.isoformat()
            moved += await tried(rest.post(f"/api/call-offs/{seen.id}/confirm", {"at": at}), f"confirm {seen.id}")
        for seen in await _list(rest, "confirmed", silent):
            if clock.now() >= policies.delivered_at(seen, on_time.get((seen.module, seen.supplier), 1.0), seed):
                lot = {"lot": policies.lot_of(seen)}
                moved += await tried(rest.post(f"/api/call-offs/{seen.id}/deliver", lot), f"deliver {seen.id}")
    return moved


def tokens_of(tokens: Mapping[str, str], pack: Pack) -> dict[str, str]:
    """The tokens of the pack's suppliers."""
    suppliers = {supplier.id for module in pack.modules for supplier in module.suppliers}
    return {party: token for party, token in tokens.items() if party in suppliers}


async def _list(rest: Rest, state: str, silent: Collection[str]) -> list[CallOffSeen]:
    rows = await rest.get("/api/call-offs", state=state, limit=_LIMIT, oldest_first=True)
    return [_seen(row) for row in rows if row["supplier"] not in silent]


def _seen(row: Mapping[str, Any]) -> CallOffSeen:
    sent, needed = datetime.fromisoformat(row["sent"]), datetime.fromisoformat(row["needed"])
    return CallOffSeen(row["id"], row["supplier"], row["module"], sent, needed)
