"""How an order stands follows from the facts of others, in whatever order and however often they come."""

from datetime import timedelta

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.logistics import CustodyTransferred, Logistics, OrderDelivered
from batchone.contracts.planning import PlanAccepted
from batchone.contracts.production import ItemFinished, ItemHeld, ItemReleased, JobStarted
from batchone.contracts.sales import Customer, OrderPlaced, Sales

pytestmark = pytest.mark.engine
PLANNER = Actor("t", "paula", "Paula", "planner")


@pytest.fixture
async def order(chain):
    sales = chain.context.get(Sales)
    promise = await sales.give_promise("t", chain.design.freeze().id, 2, 0, PLANNER)
    return await sales.place_order("t", promise.id, Customer("c", "Li Wei", "Qingdao"), "k", PLANNER)


@pytest.fixture
def tell(chain):
    async def say(fact, **more):
        await chain.tell(fact, only="sales", **more)

    return say


def plan(order, number, finish):
    return PlanAccepted(number, "new order", 0, 0, ((order.id, finish), ("O-unknown", finish)))


def started(order, now, item=0):
    return JobStarted("J", order.items[item], order.id, "10", 1, "saw", 1, now, now)


async def test_from_placed_to_delivered(chain, clock, order, tell) -> None:
    sales, seen, now = chain.context.get(Sales), [], clock.now()
    first, second = order.items
    for fact in (
        plan(order, 8, now + timedelta(hours=2)),
        started(order, now),
        ItemHeld(first, order.id, "width", "too wide"),
        ItemReleased(first, order.id, (), "fine"),
        ItemFinished(first, order.id, "BE1", 1.0),
        ItemFinished(second, order.id, "BE2", 1.0),
        CustodyTransferred("SH", order.id, order.items, "van", now + timedelta(hours=20)),
        OrderDelivered("SH", order.id, order.items, now + timedelta(hours=19)),
    ):
        for _ in range(2):
            await tell(fact)
        seen.append((await sales.order("t", order.id)).status)
    assert seen == [
        "planned", "in_production", "held", "in_production", "in_production", "finished", "in_transit", "delivered",
    ]  # fmt: skip
    done = await sales.order("t", order.id)
    assert done.delivered == now + timedelta(hours=19)
    assert not done.late


async def test_planned_delivery_is_planned_finish_and_transit(chain, clock, order, tell) -> None:
    await tell(plan(order, 8, clock.now() + timedelta(hours=5)))
    assert (await chain.context.get(Sales).order("t", order.id)).planned_delivery == clock.now() + timedelta(hours=25)


async def test_an_older_plan_changes_nothing(chain, clock, order, tell) -> None:
    await tell(plan(order, 9, clock.now() + timedelta(hours=5)))
    await tell(plan(order, 8, clock.now() + timedelta(hours=9)))
    assert (await chain.context.get(Sales).order("t", order.id)).planned_delivery == clock.now() + timedelta(hours=25)


async def test_since_when_a_plan_is_beyond_p90_is_kept_until_it_is_not(chain, clock, order, tell) -> None:
    sales = chain.context.get(Sales)
    due = order.promised_p90 - timedelta(hours=20)
    await tell(plan(order, 8, due))
    on_time = await sales.order("t", order.id)
    assert (on_time.late, on_time.late_since) == (False, None)
    since = clock.now() + timedelta(minutes=1)
    await tell(plan(order, 9, due + timedelta(seconds=1)), time=since)
    await tell(plan(order, 10, due + timedelta(hours=1)), time=since + timedelta(hours=1))
    late = await sales.order("t", order.id)
    assert (late.late, late.late_since) == (True, since)
    assert (await sales.orders("t", "", "late", "", 0, 10, "")).total == 1
    await tell(plan(order, 11, due))
    assert (await sales.order("t", order.id)).late_since is None
    assert (await sales.orders("t", "", "late", "", 0, 10, "")).total == 0


async def test_once_taken_the_carriers_word_counts_and_no_plan(chain, clock, order, tell) -> None:
    at_door = clock.now() + timedelta(hours=50)
    await tell(CustodyTransferred("SH", order.id, order.items, "train", at_door))
    await tell(plan(order, 12, clock.now()))
    moved = await chain.context.get(Sales).order("t", order.id)
    assert (moved.planned_delivery, moved.status) == (at_door, "in_transit")
    assert moved.late_since == clock.now()


async def test_a_release_that_comes_before_its_hold_wins_by_its_time(chain, clock, order, tell) -> None:
    await tell(started(order, clock.now()))
    first = order.items[0]
    await tell(ItemReleased(first, order.id, (), "fine"), time=clock.now() + timedelta(minutes=2))
    await tell(ItemHeld(first, order.id, "width", "too wide"), time=clock.now() + timedelta(minutes=1))
    assert (await chain.context.get(Sales).order("t", order.id)).status == "in_production"


async def test_facts_about_orders_of_others_change_nothing(chain, clock, order, tell) -> None:
    await tell(JobStarted("J", "I-x", "O-x", "10", 1, "saw", 1, clock.now(), clock.now()))
    await tell(ItemFinished("I-x", order.id, "BE1", 1.0))
    await tell(started(order, clock.now()), tenant="other")
    assert (await chain.context.get(Sales).order("t", order.id)).status == "placed"


async def test_the_lead_of_the_options_lies_between_the_planned_finish_and_the_delivery(chain, clock, tell) -> None:
    sales, now = chain.context.get(Sales), clock.now()
    promise = await sales.give_promise("t", chain.design.freeze(lead_s=86400.0).id, 1, 0, PLANNER)
    order = await sales.place_order("t", promise.id, Customer("c", "Li Wei", "Qingdao"), "lead", PLANNER)
    said = [fact for fact in await chain.said(OrderPlaced) if fact.order == order.id]
    assert [(fact.lead_s, fact.due) for fact in said] == [(86400.0, order.promised_p90 - timedelta(hours=24 + 20))]
    await tell(plan(order, 8, said[0].due))
    on_time = await sales.order("t", order.id)
    assert (on_time.planned_delivery, on_time.late_since) == (order.promised_p90, None)
    await tell(plan(order, 9, said[0].due + timedelta(seconds=1)))
    late = await sales.order("t", order.id)
    assert (late.late, late.late_since) == (True, now)


async def test_with_its_options_lead_an_order_made_in_time_is_delivered_in_time(chain, clock) -> None:
    """From the promise to the door: finished when the plan said, kept back for the lead, carried, and not late."""
    sales, logistics = chain.context.get(Sales), chain.context.get(Logistics)
    promise = await sales.give_promise("t", chain.design.freeze(lead_s=86400.0).id, 1, 0, PLANNER)
    order = await sales.place_order("t", promise.id, Customer("c", "Li Wei", "Qingdao"), "door", PLANNER)
    await chain.pump()
    await clock.advance(2 * 3600)
    await chain.tell(ItemFinished(order.items[0], order.id, "BE1", 1.0))
    (shipment,) = await logistics.shipments("t", "", order.id, 9)
    assert shipment.ready + timedelta(hours=20) == order.promised_p50
    await clock.advance(86400)
    taken = await logistics.take("t", shipment.id, PLANNER)
    await clock.advance((taken.expected - clock.now()).total_seconds())
    await logistics.deliver("t", shipment.id, PLANNER)
    await chain.pump()
    delivered = await sales.order("t", order.id)
    assert (delivered.delivered, delivered.late) == (order.promised_p50, False)
