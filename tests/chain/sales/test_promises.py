"""A promise is taken from the live plan, stored, and ends with its reservation."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.sales import Customer, PromiseGiven, PromiseReplaced, Sales
from batchone.kernel.errors import Expired, NotFound, Refused, TryLater

pytestmark = pytest.mark.engine
PLANNER = Actor("t", "paula", "Paula", "planner")
CUSTOMER = Actor("t", "ann", "Ann", "customer", "c-ann")
LI = Customer("c-li", "Li Wei", "Qingdao")


async def test_price_and_dates_come_from_configuration_material_plan_and_transit(chain, clock) -> None:
    frozen = chain.design.freeze("oak", "red", lead_s=86400.0)
    promise = await chain.context.get(Sales).give_promise("t", frozen.id, 3, 1, PLANNER)
    finish = clock.now() + timedelta(hours=2)
    assert promise.p50 == finish + timedelta(days=1, hours=20)
    assert promise.p90 == promise.p50 + timedelta(hours=1)
    assert (promise.unit_price.amount, promise.price.amount) == (Decimal("500.00"), Decimal("1500.00"))
    assert (promise.plan, promise.quantity, promise.priority) == (7, 3, 1)
    assert [reason.kind for reason in promise.reasons] == ["work", "lead", "transit"]
    asked = chain.planning.asked[0]
    assert asked[:3] == (frozen.id, 3, 1)
    assert asked[4] == 900.0
    assert {(m.need.variant, m.need.quantity, m.need.op, m.source) for m in asked[3]} == {
        ("oak", 1, "10", "stock"), ("red", 1, "20", "stock"), ("m6", 4, "20", "stock"),
    }  # fmt: skip


async def test_short_material_moves_the_date_to_the_suppliers_lead(chain, clock) -> None:
    frozen = chain.design.freeze("oak")
    promise = await chain.context.get(Sales).give_promise("t", frozen.id, 7, 0, PLANNER)
    assert promise.p50 == clock.now() + timedelta(hours=4 + 2 + 20)


async def test_a_promise_can_be_read_again_and_is_said(chain) -> None:
    sales = chain.context.get(Sales)
    promise = await sales.give_promise("t", chain.design.freeze().id, 1, 0, CUSTOMER)
    assert promise.customer == "c-ann"
    assert chain.design.priced_for == ["c-ann"]
    assert await sales.promise("t", promise.id) == promise
    (said,) = await chain.said(PromiseGiven)
    assert (said.promise, said.p90, said.expires) == (promise.id, promise.p90, promise.expires)


async def test_it_is_good_as_long_as_the_setting_says(fakes, database, clock, ids, chance, tmp_path) -> None:
    chain = await fakes.Chain.start(database, clock, ids, chance, tmp_path, {"sales": {"promise_valid_s": "5 min"}})
    await chain.release()
    promise = await chain.context.get(Sales).give_promise("t", chain.design.freeze().id, 1, 0, PLANNER)
    assert promise.expires - promise.given == timedelta(minutes=5)
    assert chain.planning.asked[0][4] == 300.0


@pytest.mark.parametrize("quantity", [0, -1, 10**9, 2.5])
async def test_a_bad_quantity_is_refused_before_anybody_is_asked(chain, quantity) -> None:
    with pytest.raises(Refused, match="1 to 1000"):
        await chain.context.get(Sales).give_promise("t", chain.design.freeze().id, quantity, 0, PLANNER)
    assert chain.planning.asked == []


async def test_an_unknown_configuration_and_an_unknown_promise_are_not_found(chain) -> None:
    sales = chain.context.get(Sales)
    with pytest.raises(NotFound, match="Complete one first"):
        await sales.give_promise("t", "C-nothing", 1, 0, PLANNER)
    with pytest.raises(NotFound, match="Ask for a new one"):
        await sales.promise("t", "P-nothing")


async def test_another_tenant_does_not_see_it(chain) -> None:
    sales = chain.context.get(Sales)
    promise = await sales.give_promise("t", chain.design.freeze().id, 1, 0, PLANNER)
    with pytest.raises(NotFound):
        await sales.promise("other", promise.id)


async def test_a_promise_replaces_the_one_before_it_for_the_same_inquiry(chain, clock) -> None:
    sales = chain.context.get(Sales)
    first = await sales.give_promise("t", chain.design.freeze("oak").id, 1, 0, PLANNER, "Q-1")
    await clock.advance(5)
    second = await sales.give_promise("t", chain.design.freeze("pine").id, 1, 0, PLANNER, "Q-1")
    assert chain.planning.given_back == ["R-1"]
    assert await chain.said(PromiseReplaced) == [PromiseReplaced(first.id)]
    assert (await sales.promise("t", first.id)).expires == clock.now()
    with pytest.raises(Expired, match="Ask for a new promise"):
        await sales.place_order("t", first.id, LI, "k", PLANNER)
    assert (await sales.place_order("t", second.id, LI, "k", PLANNER)).promise == second.id


async def test_a_request_that_is_repeated_reserves_once(chain) -> None:
    sales, frozen = chain.context.get(Sales), chain.design.freeze()
    for _ in range(4):
        await sales.give_promise("t", frozen.id, 1, 0, CUSTOMER, "Q-1")
    assert chain.planning.given_back == ["R-1", "R-2", "R-3"]


async def test_promises_of_others_of_another_inquiry_or_of_none_stay(chain) -> None:
    sales, frozen = chain.context.get(Sales), chain.design.freeze()
    for actor, inquiry in ((PLANNER, "Q-1"), (CUSTOMER, "Q-1"), (PLANNER, "Q-2"), (PLANNER, ""), (PLANNER, "")):
        await sales.give_promise("t", frozen.id, 1, 0, actor, inquiry)
    assert chain.planning.given_back == []


async def test_what_was_ordered_or_has_run_out_is_not_replaced(chain, clock) -> None:
    sales, frozen = chain.context.get(Sales), chain.design.freeze()
    ordered = await sales.give_promise("t", frozen.id, 1, 0, PLANNER, "Q-1")
    await sales.place_order("t", ordered.id, LI, "k", PLANNER)
    await sales.give_promise("t", frozen.id, 1, 0, PLANNER, "Q-1")
    await clock.advance(1000)
    await sales.give_promise("t", frozen.id, 1, 0, PLANNER, "Q-1")
    assert chain.planning.given_back == []


async def test_of_several_asked_for_at_once_the_last_one_is_good(chain) -> None:
    sales, frozen = chain.context.get(Sales), chain.design.freeze()
    chain.planning.pause.clear()
    asked = [asyncio.create_task(sales.give_promise("t", frozen.id, 1, 0, CUSTOMER, "Q-1")) for _ in range(5)]
    await asyncio.sleep(0.1)
    chain.planning.pause.set()
    given = await asyncio.gather(*asked)
    good = [promise.id for promise in given if (await sales.promise("t", promise.id)).expires > promise.given]
    assert good == [given[-1].id]
    assert len(chain.planning.given_back) == 4


async def test_an_order_and_a_new_promise_at_once_never_leave_an_order_without_its_place(chain) -> None:
    sales, frozen = chain.context.get(Sales), chain.design.freeze()
    for number in range(8):
        before = len(chain.planning.given_back)
        first = await sales.give_promise("t", frozen.id, 1, 0, PLANNER, f"Q-{number}")
        order, _ = await asyncio.gather(
            sales.place_order("t", first.id, LI, f"k-{number}", PLANNER),
            sales.give_promise("t", frozen.id, 1, 0, PLANNER, f"Q-{number}"),
            return_exceptions=True,
        )
        assert isinstance(order, Expired) == (len(chain.planning.given_back) > before)


async def test_when_the_plan_does_not_answer_the_promise_before_is_over_and_can_be_asked_for_again(chain) -> None:
    sales, frozen = chain.context.get(Sales), chain.design.freeze()
    first = await sales.give_promise("t", frozen.id, 1, 0, PLANNER, "Q-1")
    chain.planning.away = True
    with pytest.raises(TryLater):
        await sales.give_promise("t", frozen.id, 1, 0, PLANNER, "Q-1")
    with pytest.raises(Expired):
        await sales.place_order("t", first.id, LI, "k", PLANNER)
    chain.planning.away = False
    again = await sales.give_promise("t", frozen.id, 1, 0, PLANNER, "Q-1")
    assert (await sales.place_order("t", again.id, LI, "k", PLANNER)).promise == again.id


@pytest.mark.parametrize("inquiry", ["x" * 65, "a\0b", "a\nb"])
async def test_an_inquiry_that_nobody_can_read_is_refused(chain, inquiry) -> None:
    with pytest.raises(Refused, match="64 printable"):
        await chain.context.get(Sales).give_promise("t", chain.design.freeze().id, 1, 0, PLANNER, inquiry)
