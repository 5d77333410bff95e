"""An order is what was promised, accepted once."""

import asyncio
from datetime import timedelta

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.sales import Customer, OrderPlaced, Sales
from batchone.kernel.errors import BatchoneError, Conflict, Expired, NotFound, Refused

pytestmark = pytest.mark.engine
PLANNER = Actor("t", "paula", "Paula", "planner")
ANN = Actor("t", "ann", "Ann", "customer", "c-ann")
BOB = Actor("t", "bob", "Bob", "customer", "c-bob")
LI = Customer("c-li", "Li Wei", "Qingdao")


async def promised(chain, quantity=1, actor=PLANNER, **choices):
    return await chain.context.get(Sales).give_promise("t", chain.design.freeze(**choices).id, quantity, 0, actor)


async def test_an_order_is_what_was_promised_with_an_item_for_each_piece(chain, clock) -> None:
    promise = await promised(chain, 3, wood="pine")
    order = await chain.context.get(Sales).place_order("t", promise.id, LI, "k1", PLANNER)
    assert order.number == "SO-2026-000001"
    assert (order.customer, order.price, order.quantity) == (LI, promise.price, 3)
    assert (order.promised_p50, order.promised_p90, order.promise) == (promise.p50, promise.p90, promise.id)
    assert order.choices["wood"] == "pine"
    assert len(set(order.items)) == 3
    assert order.status == "placed"
    assert await chain.context.get(Sales).order("t", order.id) == order
    assert await chain.context.get(Sales).order("t", order.number) == order


async def test_it_is_said_with_what_planning_needs(chain) -> None:
    promise = await promised(chain, 2)
    order = await chain.context.get(Sales).place_order("t", promise.id, LI, "k1", PLANNER)
    (said,) = await chain.said(OrderPlaced)
    assert (said.order, said.items, said.customer) == (order.id, order.items, "c-li")
    assert said.due == promise.p90 - timedelta(hours=20)
    assert said.reservation == "R-1"


async def test_the_same_key_gives_the_same_order_even_after_the_promise_expired(chain, clock) -> None:
    sales = chain.context.get(Sales)
    promise = await promised(chain)
    first = await sales.place_order("t", promise.id, LI, "k1", PLANNER)
    await clock.advance(3600)
    assert await sales.place_order("t", promise.id, LI, "k1", PLANNER) == first
    assert len(await chain.said(OrderPlaced)) == 1


async def test_the_same_key_for_another_promise_is_a_conflict(chain) -> None:
    sales = chain.context.get(Sales)
    await sales.place_order("t", (await promised(chain)).id, LI, "k1", PLANNER)
    with pytest.raises(Conflict, match="another order"):
        await sales.place_order("t", (await promised(chain)).id, LI, "k1", PLANNER)


async def test_a_key_is_its_persons_own(chain) -> None:
    sales = chain.context.get(Sales)
    one = await sales.place_order("t", (await promised(chain)).id, LI, "k1", PLANNER)
    other = await sales.place_order("t", (await promised(chain)).id, LI, "k1", ANN)
    assert one.id != other.id


async def test_a_promise_is_ordered_once(chain) -> None:
    sales = chain.context.get(Sales)
    promise = await promised(chain)
    await sales.place_order("t", promise.id, LI, "k1", PLANNER)
    with pytest.raises(Conflict, match="ordered already"):
        await sales.place_order("t", promise.id, LI, "k2", PLANNER)


async def test_an_expired_promise_is_refused_and_takes_no_number(chain, clock) -> None:
    sales = chain.context.get(Sales)
    old = await promised(chain)
    await clock.advance(900)
    with pytest.raises(Expired, match="Ask for a new promise"):
        await sales.place_order("t", old.id, LI, "k1", PLANNER)
    order = await sales.place_order("t", (await promised(chain)).id, LI, "k1", PLANNER)
    assert order.number == "SO-2026-000001"


async def test_a_customer_cannot_order_what_was_promised_to_another(chain) -> None:
    sales = chain.context.get(Sales)
    promise = await promised(chain, actor=ANN)
    with pytest.raises(NotFound):
        await sales.place_order("t", promise.id, LI, "k1", BOB)
    assert (await sales.place_order("t", promise.id, LI, "k1", ANN)).promise == promise.id


async def test_many_at_once_get_gapless_numbers_and_the_same_request_twice_one_order(chain) -> None:
    sales = chain.context.get(Sales)
    promises = [await promised(chain) for _ in range(6)]
    jobs = [sales.place_order("t", p.id, LI, f"k{n}", PLANNER) for n, p in enumerate(promises) for _ in range(3)]
    orders = await asyncio.gather(*jobs)
    assert {order.number for order in orders} == {f"SO-2026-{n:06d}" for n in range(1, 7)}
    assert len({order.id for order in orders}) == 6


async def test_many_who_want_the_same_promise_make_one_order(chain) -> None:
    sales = chain.context.get(Sales)
    promise = await promised(chain)
    jobs = [sales.place_order("t", promise.id, LI, f"k{n}", PLANNER) for n in range(5)]
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in outcomes) == 4
    assert len(await chain.said(OrderPlaced)) == 1


async def test_the_numbers_of_a_year_begin_anew(chain, clock) -> None:
    sales = chain.context.get(Sales)
    await sales.place_order("t", (await promised(chain)).id, LI, "k1", PLANNER)
    await clock.advance(310 * 86400)
    assert (await sales.place_order("t", (await promised(chain)).id, LI, "k2", PLANNER)).number == "SO-2027-000001"


@pytest.mark.parametrize("key", ["", "x" * 201, "a\0b"])
async def test_a_key_that_is_none_is_refused(chain, key) -> None:
    with pytest.raises(Refused, match="Idempotency-Key"):
        await chain.context.get(Sales).place_order("t", "P-x", LI, key, PLANNER)


class TestListing:
    async def orders(self, chain):
        sales = chain.context.get(Sales)
        made = []
        for n, (name, town, wood) in enumerate(
            [("Li Wei", "Qingdao", "oak"), ("Xu Lan", "Xi'an", "pine"), ("Ma 100%", "Jinan", "pine")]
        ):
            promise = await promised(chain, wood=wood)
            made.append(await sales.place_order("t", promise.id, Customer(f"c{n}", name, town), f"k{n}", PLANNER))
            await chain.context.clock.advance(60)
        return sales, made

    async def numbers(self, sales, search="", status="", sort="number", offset=0, limit=10, customer=""):
        page = await sales.orders("t", search, status, sort, offset, limit, customer)
        return [int(order.number[-6:]) for order in page.orders], page.total

    async def test_search_finds_every_word_in_number_customer_and_choices(self, chain) -> None:
        sales, _ = await self.orders(chain)
        assert await self.numbers(sales, "000002") == ([2], 1)
        assert await self.numbers(sales, "PINE xu") == ([2], 1)
        assert await self.numbers(sales, "xi'an") == ([2], 1)
        assert await self.numbers(sales, "100%") == ([3], 1)
        assert await self.numbers(sales, "%") == ([3], 1)
        assert await self.numbers(sales, "oak jinan") == ([], 0)

    async def test_sorting_and_paging_are_done_by_the_database(self, chain) -> None:
        sales, _ = await self.orders(chain)
        assert await self.numbers(sales, sort="-customer") == ([2, 3, 1], 3)
        assert await self.numbers(sales, sort="-placed", limit=2) == ([3, 2], 3)
        assert await self.numbers(sales, sort="-placed", limit=2, offset=2) == ([1], 3)
        assert await self.numbers(sales, sort="", offset=50) == ([], 3)

    async def test_status_and_customer_narrow_the_list(self, chain) -> None:
        sales, _ = await self.orders(chain)
        assert await self.numbers(sales, status="placed") == ([1, 2, 3], 3)
        assert await self.numbers(sales, status="open", customer="c1") == ([2], 1)
        assert await self.numbers(sales, status="delivered") == ([], 0)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"status": "lost"},
            {"sort": "price; DROP TABLE"},
            {"offset": -1},
            {"offset": 10**12},
            {"limit": 0},
            {"limit": 501},
            {"search": "a\0"},
        ],
    )
    async def test_a_page_that_cannot_be_is_refused_with_the_cure(self, chain, wrong) -> None:
        with pytest.raises(Refused) as refused:
            await self.numbers(chain.context.get(Sales), **wrong)
        assert refused.value.where["field"] in wrong


async def test_nothing_is_half_done_when_the_order_cannot_be_said(chain, monkeypatch) -> None:
    sales, promise = chain.context.get(Sales), await promised(chain)

    async def fail(*_: object, **__: object) -> str:
        raise BatchoneError("t", "no", "")

    with monkeypatch.context() as patch:
        patch.setattr("batchone.kernel.database.Transaction.say", fail)
        with pytest.raises(BatchoneError):
            await sales.place_order("t", promise.id, LI, "k1", PLANNER)
    assert (await sales.orders("t", "", "", "", 0, 10, "")).total == 0
    assert (await sales.place_order("t", promise.id, LI, "k1", PLANNER)).number == "SO-2026-000001"
