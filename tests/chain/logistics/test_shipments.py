"""A shipment stands ready with the last item, and is taken and delivered once."""

from datetime import timedelta

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.logistics import CustodyTransferred, Logistics, OrderDelivered
from batchone.contracts.production import ItemFinished
from batchone.contracts.sales import OrderPlaced
from batchone.kernel.errors import Conflict, NotFound, Refused, TryLater

pytestmark = pytest.mark.engine
VAN = Actor("t", "vera", "Vera", "supplier", "van")
TRAIN = Actor("t", "theo", "Theo", "supplier", "train")
PLANNER = Actor("t", "paula", "Paula", "planner")


def placed(chain, hours: float = 22, order: str = "O", priority: int = 0, lead_s: float = 0.0) -> OrderPlaced:
    at = chain.context.clock.now() + timedelta(hours=hours)
    items = (f"{order}1", f"{order}2")
    return OrderPlaced(order, "SO-1", "P", "c", "C", "bench", 2, priority, items, at, at, at, lead_s=lead_s)


async def tell(chain, *facts) -> None:
    for fact in facts:
        await chain.tell(fact, only="logistics")


def done(item: str, order: str = "O") -> ItemFinished:
    return ItemFinished(item, order, f"BE-{item}", 1.0)


async def shipments(chain, state: str = "", order: str = "", **more):
    return await chain.context.get(Logistics).shipments("t", state, order, 100, **more)


@pytest.fixture
async def ready(chain):
    await tell(chain, placed(chain), done("O1"), done("O2"))
    (shipment,) = await shipments(chain)
    return shipment


async def test_a_shipment_stands_ready_once_every_item_is_finished(chain, clock) -> None:
    await tell(chain, placed(chain), done("O1"), done("O1"))
    assert await shipments(chain) == ()
    await tell(chain, done("O2"), done("O2"))
    (shipment,) = await shipments(chain)
    assert (shipment.order, shipment.items, shipment.state) == ("O", ("O1", "O2"), "ready")
    assert (shipment.carrier, shipment.carrier_name["zh"], shipment.ready) == ("van", "快车", clock.now())


async def test_items_may_be_finished_before_the_order_is_heard_of(chain) -> None:
    await tell(chain, done("O1"), done("O2"), placed(chain), placed(chain))
    assert len(await shipments(chain)) == 1


async def test_time_to_spare_goes_by_train_unless_it_is_express(chain) -> None:
    await tell(chain, placed(chain, 99, "A"), done("A1", "A"), done("A2", "A"))
    await tell(chain, placed(chain, 99, "B", 1), done("B1", "B"), done("B2", "B"))
    assert {each.order: each.carrier for each in await shipments(chain)} == {"A": "train", "B": "van"}


async def test_a_carrier_may_take_it_only_once_the_lead_of_its_options_has_passed(chain, clock) -> None:
    logistics, done_at = chain.context.get(Logistics), clock.now()
    await tell(chain, placed(chain, 23, lead_s=2 * 3600.0), done("O1"), done("O2"))
    (waiting,) = await shipments(chain, "waiting")
    assert (waiting.state, waiting.ready) == ("waiting", done_at + timedelta(hours=2))
    assert await shipments(chain, "ready") == ()
    for act in (logistics.take, logistics.deliver):
        with pytest.raises(Conflict):
            await act("t", waiting.id, VAN)
    await clock.advance(2 * 3600)
    assert await shipments(chain, "waiting") == ()
    assert [each.id for each in await shipments(chain, "ready")] == [waiting.id]
    assert (await logistics.take("t", waiting.id, VAN)).state == "in_transit"


async def test_time_to_spare_is_counted_from_the_end_of_the_lead(chain) -> None:
    await tell(chain, placed(chain, 60, "A"), done("A1", "A"), done("A2", "A"))
    await tell(chain, placed(chain, 60, "B", lead_s=86400.0), done("B1", "B"), done("B2", "B"))
    assert {each.order: each.carrier for each in await shipments(chain)} == {"A": "train", "B": "van"}


async def test_taken_and_delivered_each_once(chain, clock, ready) -> None:
    logistics = chain.context.get(Logistics)
    await clock.advance(600)
    taken = await logistics.take("t", ready.id, VAN)
    assert (taken.state, taken.taken) == ("in_transit", clock.now())
    assert taken.expected == clock.now() + timedelta(hours=20)
    assert await logistics.take("t", ready.id, VAN) == taken
    await clock.advance(3600)
    delivered = await logistics.deliver("t", ready.id, VAN)
    assert (delivered.state, delivered.delivered) == ("delivered", clock.now())
    assert await logistics.deliver("t", ready.id, VAN) == delivered
    assert await logistics.take("t", ready.id, VAN) == delivered
    (custody,) = await chain.said(CustodyTransferred)
    assert (custody.order, custody.items, custody.carrier, custody.expected) == ("O", ("O1", "O2"), "van", taken.expected)
    (over,) = await chain.said(OrderDelivered)
    assert (over.order, over.items, over.at) == ("O", ("O1", "O2"), clock.now())


async def test_what_was_not_taken_cannot_be_delivered(chain, ready) -> None:
    with pytest.raises(Conflict, match="Take it first"):
        await chain.context.get(Logistics).deliver("t", ready.id, VAN)


async def test_a_carrier_finds_only_its_own(chain, ready) -> None:
    logistics = chain.context.get(Logistics)
    for act in (logistics.take, logistics.deliver):
        with pytest.raises(NotFound):
            await act("t", ready.id, TRAIN)
        with pytest.raises(NotFound):
            await act("t", "SH-nothing", VAN)
        with pytest.raises(NotFound):
            await act("other", ready.id, VAN)
    assert await shipments(chain, carrier="train") == ()
    assert (await logistics.take("t", ready.id, PLANNER)).state == "in_transit"


async def test_lists_are_narrowed_and_ordered(chain, clock) -> None:
    for name in ("A", "B", "C"):
        await clock.advance(60)
        await tell(chain, placed(chain, 1, name), done(f"{name}1", name), done(f"{name}2", name))
    assert [each.order for each in await shipments(chain)] == ["C", "B", "A"]
    assert [each.order for each in await shipments(chain, "ready", oldest_first=True)] == ["A", "B", "C"]
    assert [each.order for each in await shipments(chain, order="B")] == ["B"]
    assert await shipments(chain, "delivered") == ()


async def test_a_list_that_cannot_be_is_refused(chain) -> None:
    with pytest.raises(Refused, match="Use one of waiting, ready"):
        await shipments(chain, "lost")
    with pytest.raises(Refused, match="1 to 1000"):
        await chain.context.get(Logistics).shipments("t", "", "", 0)


async def test_transit_is_the_quickest_carriers_once_the_pack_is_known(chain) -> None:
    logistics = chain.context.get(Logistics)
    assert await logistics.transit_s("t", "bench") == 20 * 3600
    with pytest.raises(TryLater, match="no carrier"):
        await logistics.transit_s("t", "table")
