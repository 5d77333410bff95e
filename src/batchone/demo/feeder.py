"""The emulated customers: a seeded stream of orders for configurations drawn by the pack's weights."""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import structlog

from batchone.contracts.pack import Pack
from batchone.demo import policies
from batchone.demo.policies import Wish
from batchone.demo.rest import Rest, patiently
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Expired, Refused

_log = structlog.get_logger(__name__)
_DRAWS_MAX = 50
_PROMISES_MAX = 3
_BEHIND_MAX = 20


async def feed(
    client: httpx.AsyncClient, token: str, pack: Pack, clock: Clock, chance: random.Random, *, count: int | None = None
) -> int:
    """Place order after order, on average the pack's `every_s` of plant time apart, until cancelled or `count` were tried.

    `token` is the API token of somebody who orders for customers (a planner); an empty one leaves it to the client's own
    credential. What the platform refuses is logged and left; while it is away, the customer waits. How many were placed.
    """
    demo, rest = pack.demo, Rest(client, token)
    behind_max = timedelta(seconds=_BEHIND_MAX * demo.every_s)
    placed, tries, due = 0, 0, clock.now()
    while count is None or tries < count:
        due = policies.next_due(due, clock.now(), timedelta(seconds=policies.pause_s(demo, chance)), behind_max)
        await clock.sleep(max(0.0, (due - clock.now()).total_seconds()))
        tries += 1
        try:
            order = await order_once(rest, pack, clock, chance)
        except Refused as error:
            _log.warning("demo.order_refused", what=error.what, cure=error.cure)
            continue
        placed += 1
        _log.info("demo.ordered", number=order["number"], delivery=order["promised_p50"])
    return placed


async def order_once(rest: Rest, pack: Pack, clock: Clock, chance: random.Random) -> dict[str, Any]:
    """One customer configures, asks for a promise, and orders; the order as the API shows it."""
    wanted = policies.wish(pack.demo, chance)
    configuration = await _configure(rest, pack, wanted, clock, chance)
    customer = {"id": policies.customer_id(wanted.customer.name), "name": wanted.customer.name, "town": wanted.customer.town}
    asked = {"configuration": configuration["id"], "quantity": 1, "priority": wanted.priority, "inquiry": configuration["id"]}
    for left in reversed(range(_PROMISES_MAX)):
        promise = await patiently(clock, partial(rest.post, "/api/promises", asked))
        body = {"promise": promise["id"], "customer": customer}
        key = f"demo-{promise['id']}"
        try:
            order: dict[str, Any] = await patiently(clock, partial(rest.post, "/api/orders", body, key=key))
        except Expired:
            if not left:
                raise
        else:
            return order
    raise AssertionError("the last try either returns or raises")


async def _configure(rest: Rest, pack: Pack, wanted: Wish, clock: Clock, chance: random.Random) -> dict[str, Any]:
    """A frozen configuration. Choices that exclude one another are drawn anew, so what is valid keeps its weight; when
    that fails for long, the product is taken as it comes."""
    choices = wanted.choices
    for _ in range(_DRAWS_MAX):
        with suppress(Refused):
            return await _complete(rest, pack, choices, clock)
        choices = policies.choices(pack.demo, chance)
    return await _complete(rest, pack, {}, clock)


async def _complete(rest: Rest, pack: Pack, choices: Mapping[str, str], clock: Clock) -> dict[str, Any]:
    body = {"product": pack.product.id, "choices": dict(choices)}
    found: dict[str, Any] = await patiently(clock, partial(rest.post, "/api/configurations", body))
    return found
