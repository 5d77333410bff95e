"""Sales, sourcing and logistics answer from another process as they do from this one."""

import asyncio
from datetime import timedelta

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.logistics import Logistics
from batchone.contracts.production import ItemFinished
from batchone.contracts.sales import Customer, Sales
from batchone.contracts.sourcing import MaterialNeed, Sourcing
from batchone.kernel.errors import Expired, NotFound
from batchone.kernel.remote import remote, serve

pytestmark = pytest.mark.engine
PLANNER = Actor("t", "paula", "Paula", "planner")


@pytest.fixture
async def far(chain):
    """The protocols as another process sees them."""
    bus, context = chain.context.bus, chain.context
    tasks = [asyncio.create_task(serve(bus, protocol, context.get(protocol))) for protocol in (Sales, Sourcing, Logistics)]
    await asyncio.sleep(0.01)
    yield remote(Sales, bus), remote(Sourcing, bus), remote(Logistics, bus)
    for task in tasks:
        task.cancel()


async def test_answers_and_errors_are_the_same_from_afar(chain, far, clock) -> None:
    sales, sourcing, logistics = far
    promise = await sales.give_promise("t", chain.design.freeze().id, 7, 0, PLANNER)
    assert promise == await chain.context.get(Sales).promise("t", promise.id)
    order = await sales.place_order("t", promise.id, Customer("c", "Li Wei", "Qingdao"), "k", PLANNER)
    assert order == await chain.context.get(Sales).order("t", order.number)
    await chain.pump()
    for item in order.items:
        await chain.tell(ItemFinished(item, order.id, f"BE-{item}", 1.0))
    assert await sales.orders("t", "li", "open", "", 0, 9, "") == await chain.context.get(Sales).orders(
        "t", "li", "open", "", 0, 9, ""
    )
    assert await sourcing.stock("t") == await chain.context.get(Sourcing).stock("t")
    (date,) = await sourcing.material_dates("t", "bench", [MaterialNeed("seat", "red", 1, "20")], 2)
    assert (date.at, date.source) == (clock.now(), "stock")
    call_off = (await sourcing.call_offs("t", "", "", 9, oldest_first=True))[0]
    confirmed = await sourcing.confirm("t", call_off.id, clock.now() + timedelta(hours=1), PLANNER)
    assert confirmed.confirmed_for == clock.now() + timedelta(hours=1)
    assert (await sourcing.deliver("t", call_off.id, "L", PLANNER)).lot == "L"
    (shipment,) = await logistics.shipments("t", "ready", order.id, 9)
    assert (await logistics.take("t", shipment.id, PLANNER)).state == "in_transit"
    assert (await logistics.deliver("t", shipment.id, PLANNER)).delivered == clock.now()
    with pytest.raises(NotFound, match="Look it up"):
        await sales.order("t", "O-nothing")
    old = await sales.give_promise("t", chain.design.freeze().id, 1, 0, PLANNER)
    await clock.advance(1000)
    with pytest.raises(Expired):
        await sales.place_order("t", old.id, Customer("c", "Li Wei", "Qingdao"), "k2", PLANNER)
