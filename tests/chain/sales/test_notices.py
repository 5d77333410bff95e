"""A date that moved is kept beside the one that was promised, and told with its reason."""

from datetime import timedelta

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.logistics import CustodyTransferred
from batchone.contracts.planning import PromiseMoved
from batchone.contracts.sales import Customer, Reason, Sales

pytestmark = pytest.mark.engine
PLANNER = Actor("t", "paula", "Paula", "planner")
LI = Customer("c-li", "Li Wei", "Qingdao")
WHY = (Reason("down", "saw", {"en": "Saw: out of order for 5.0 h", "zh": "锯床：故障停机 5.0 小时"}),)
TRANSIT = timedelta(hours=20)


async def placed(chain, lead_s: float = 0.0):
    sales = chain.context.get(Sales)
    given = await sales.give_promise("t", chain.design.freeze(lead_s=lead_s).id, 1, 0, PLANNER)
    return await sales.place_order("t", given.id, LI, "k", PLANNER)


async def test_old_and_new_date_stand_side_by_side_with_the_reason(chain, clock) -> None:
    order = await placed(chain)
    finish = clock.now() + timedelta(hours=30)
    await chain.tell(PromiseMoved(order.id, "later", 9, finish, finish + timedelta(hours=3), WHY))
    told = await chain.context.get(Sales).order("t", order.number)
    assert (told.promised_p50, told.promised_p90) == (order.promised_p50, order.promised_p90)
    assert (told.expected_p50, told.expected_p90) == (finish + TRANSIT, finish + timedelta(hours=3) + TRANSIT)
    (notice,) = told.notices
    assert (notice.kind, notice.old_p90, notice.reasons) == ("later", order.promised_p90, WHY)
    page = await chain.context.get(Sales).orders("t", "", "", "", 0, 10, "c-li")
    assert page.orders[0].notices == told.notices


async def test_a_notice_counts_the_lead_of_the_options_as_the_promise_did(chain, clock) -> None:
    order = await placed(chain, lead_s=86400.0)
    finish = clock.now() + timedelta(hours=30)
    await chain.tell(PromiseMoved(order.id, "later", 9, finish, finish + timedelta(hours=3), WHY))
    told = await chain.context.get(Sales).order("t", order.number)
    assert told.expected_p90 == finish + timedelta(hours=3) + timedelta(days=1) + TRANSIT


async def test_the_next_notice_starts_from_the_one_before_and_an_old_plan_tells_nothing(chain, clock) -> None:
    order = await placed(chain)
    for plan, hours in ((9, 30), (12, 20), (11, 90), (12, 50)):
        finish = clock.now() + timedelta(hours=hours)
        await chain.tell(PromiseMoved(order.id, "later" if plan == 9 else "earlier", plan, finish, finish, ()))
    told = await chain.context.get(Sales).order("t", order.id)
    assert [notice.kind for notice in told.notices] == ["earlier", "later"]
    assert told.notices[0].old_p90 == told.notices[1].p90
    assert told.expected_p90 == clock.now() + timedelta(hours=20) + TRANSIT


async def test_what_the_carrier_has_moves_no_more_and_an_unknown_order_is_nothing(chain, clock) -> None:
    order = await placed(chain)
    await chain.tell(CustodyTransferred("S-1", order.id, order.items, "van", clock.now() + TRANSIT), only="sales")
    for name in (order.id, "O-unknown"):
        await chain.tell(PromiseMoved(name, "later", 9, clock.now(), clock.now(), ()))
    assert (await chain.context.get(Sales).order("t", order.id)).notices == ()


async def test_the_api_tells_it_too(chain, api, clock) -> None:
    order = await placed(chain)
    finish = clock.now() + timedelta(hours=30)
    await chain.tell(PromiseMoved(order.id, "later", 9, finish, finish, WHY))
    body = (await api.get(f"/api/orders/{order.number}")).json()
    assert body["notices"][0]["reasons"][0]["text"]["zh"] == "锯床：故障停机 5.0 小时"
    assert body["promised_p90"] != body["notices"][0]["p90"]
