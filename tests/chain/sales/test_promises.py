"""A promise is taken from the live plan, stored, and ends with its reservation."""

from datetime import timedelta
from decimal import Decimal

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.sales import PromiseGiven, Sales
from batchone.kernel.errors import NotFound, Refused

pytestmark = pytest.mark.engine
PLANNER = Actor("t", "paula", "Paula", "planner")
CUSTOMER = Actor("t", "ann", "Ann", "customer", "c-ann")


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
