"""Emulated partners on the real API: an order goes from a wish to the customer's door."""

import asyncio
import random
from datetime import timedelta

import httpx
import pytest

from batchone.contracts.logistics import OrderDelivered
from batchone.contracts.production import ItemFinished, JobFinished
from batchone.contracts.sales import OrderPlaced, Sales
from batchone.contracts.sourcing import CallOffConfirmed, CallOffReceived, MaterialAllocated, Sourcing
from batchone.demo.carriers import carry, carry_once
from batchone.demo.feeder import feed, order_once
from batchone.demo.rest import Rest
from batchone.demo.suppliers import supply, supply_once, tokens_of

pytestmark = pytest.mark.engine
SHOP = "planner/shop/"
PARTIES = {name: f"supplier/{name}/{name}" for name in ("near", "far", "bolts", "van", "train")} | {"": SHOP}


@pytest.fixture
async def client(chain):
    """The API, nobody signed in."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(chain.app()), base_url="http://batchone") as client:
        yield client


async def run(clock, work, until, step_s: float = 600.0) -> None:
    """Let work run in plant time until something holds."""
    task = asyncio.create_task(work)
    try:
        async with asyncio.timeout(60):
            while not (task.done() or await until()):
                await asyncio.sleep(0.01)
                await clock.advance(step_s)
        if task.done():
            await task
    finally:
        task.cancel()


async def never() -> bool:
    return False


async def test_a_customer_configures_asks_and_orders(chain, client, clock, fakes, chance) -> None:
    order = await order_once(Rest(client, SHOP), fakes.pack(), clock, chance)
    assert order["number"] == "SO-2026-000001"
    stored = await chain.context.get(Sales).order("t", order["id"])
    assert stored.customer.id in ("li-wei", "xu-lan")
    assert (stored.choices["wood"], stored.choices["colour"]) != ("pine", "blue")


async def test_a_stream_of_orders_is_the_seeds(chain, client, clock, fakes) -> None:
    began = clock.now()
    await run(clock, feed(client, SHOP, fakes.pack(), clock, random.Random(5), count=8), never, 60)
    placed = await chain.said(OrderPlaced)
    assert len(placed) == 8
    assert timedelta(minutes=20) < clock.now() - began < timedelta(hours=4)
    chosen = [chain.design.configurations[each.configuration].choices for each in placed]
    assert len({(each["wood"], each["colour"]) for each in chosen}) == 3


async def test_an_expired_promise_is_asked_for_again(chain, client, clock, fakes, chance, monkeypatch) -> None:
    post = Rest.post

    async def dawdle(self, path, body=None, key=""):
        if path == "/api/orders" and not await chain.rows("SELECT 1 FROM sales.promises OFFSET 1"):
            await clock.advance(1000)
        return await post(self, path, body, key)

    monkeypatch.setattr(Rest, "post", dawdle)
    order = await order_once(Rest(client, SHOP), fakes.pack(), clock, chance)
    assert order["number"] == "SO-2026-000001"
    assert len(await chain.rows("SELECT 1 FROM sales.promises")) == 2


async def test_what_is_refused_does_not_end_the_stream(chain, client, clock, fakes) -> None:
    async def refuse(*_: object) -> None:
        raise chain_refusal

    from batchone.kernel.errors import Refused

    chain_refusal = Refused("t", "No.", "Never.")
    chain.design.complete = refuse
    await run(clock, feed(client, SHOP, fakes.pack(), clock, random.Random(5), count=2), never)
    assert await chain.said(OrderPlaced) == []


async def test_suppliers_confirm_then_deliver_when_due_each_with_their_own_token(chain, client, clock, fakes) -> None:
    own = tokens_of(PARTIES, fakes.pack())
    assert set(own) == {"near", "far", "bolts"}
    for _ in range(3):
        await order_once(Rest(client, SHOP), fakes.pack(), clock, random.Random(1))
    for _ in range(3):
        await order_once(Rest(client, SHOP), fakes.pack(), clock, random.Random(2))
    await chain.pump()
    assert await supply_once(client, own, fakes.pack(), clock, 1) > 0
    assert await supply_once(client, own, fakes.pack(), clock, 1) == 0
    assert await chain.said(CallOffReceived) == []
    await clock.advance(16 * 3600)
    await supply_once(client, own, fakes.pack(), clock, 1)
    assert len(await chain.said(CallOffConfirmed)) == len(await chain.said(CallOffReceived)) > 0


async def test_a_silent_supplier_never_answers(chain, client, clock, fakes) -> None:
    for _ in range(6):
        await order_once(Rest(client, SHOP), fakes.pack(), clock, random.Random(1))
    await chain.pump()
    work = supply(client, PARTIES, fakes.pack(), clock, random.Random(1), silent={"near"})

    async def all_but_near() -> bool:
        await chain.context.get(Sourcing).chase()
        return bool(await chain.rows("SELECT 1 FROM sourcing.call_offs WHERE supplier = 'far' AND state = 'received'"))

    await run(clock, work, all_but_near, 1800)
    states = {row["state"] for row in await chain.rows("SELECT state FROM sourcing.call_offs WHERE supplier = 'near'")}
    assert states <= {"sent", "overdue"}
    assert "overdue" in states


async def test_from_a_wish_to_the_door(chain, client, clock, fakes) -> None:
    order = await order_once(Rest(client, SHOP), fakes.pack(), clock, random.Random(1))
    await chain.pump()
    assert all(each.item == order["items"][0] for each in await chain.said(MaterialAllocated))
    (item,), now = order["items"], clock.now()
    for op in ("10", "20"):
        await chain.tell(JobFinished(f"J{op}", item, order["id"], op, 1, "saw", "finished", now, now, 0.1, ""))
    await chain.tell(ItemFinished(item, order["id"], "BE1", 0.2))

    async def delivered() -> bool:
        await chain.pump()
        return bool(await chain.said(OrderDelivered))

    await run(clock, carry(client, PARTIES, fakes.pack(), clock, random.Random(1)), delivered)
    await chain.pump()
    done = await chain.context.get(Sales).order("t", order["id"])
    assert (done.status, done.late) == ("delivered", False)
    assert done.delivered - now <= timedelta(hours=21)


async def test_without_tokens_of_their_own_the_clients_credential_acts_for_all(chain, client, clock, fakes) -> None:
    client.headers["authorization"] = f"Bearer {SHOP}"
    order = await order_once(Rest(client), fakes.pack(), clock, random.Random(1))
    await chain.pump()
    await chain.tell(ItemFinished(order["items"][0], order["id"], "BE1", 0.2))
    assert await carry_once(client, {}, clock, 1) == 1
    assert await supply_once(client, {}, fakes.pack(), clock, 1) == 0
