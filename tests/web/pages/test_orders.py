"""The list of orders: search, filter, sort, a hundred at a time."""

import pytest
from tests.web.conftest import As
from tests.web.fakes import FakeServices
from tests.web.world import make_world

HX = {"HX-Request": "true"}


def numbers(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('<tr id="order-')[1:]]


async def test_the_newest_order_stands_first_and_late_ones_are_marked(as_: As, services: FakeServices) -> None:
    page = (await as_("pia").get("/orders")).text
    assert numbers(page) == [f"SO-{10000 + number}" for number in range(29, -1, -1)]
    late = [order for order in services.world.orders.values() if order.late]
    assert late
    assert page.count('<span class="late"') == len(late)
    assert "30 orders" in page


async def test_searching_sorting_and_filtering_are_asked_of_the_domain(as_: As) -> None:
    client = as_("pia")
    assert numbers((await client.get("/orders?q=SO-10007")).text) == ["SO-10007"]
    up = numbers((await client.get("/orders?sort=number")).text)
    assert up == sorted(up)
    part = await client.get("/orders?q=jimo&sort=number", headers=HX)
    assert "<html" not in part.text
    assert part.headers["hx-replace-url"] == "/orders?q=jimo&sort=number"
    assert 'hx-swap-oob="true"' in part.text
    assert "No order fits." in (await client.get("/orders?q=zzz")).text
    assert numbers((await client.get("/orders?status=late")).text) != []


async def test_the_sorted_column_says_so_and_a_second_press_turns_it_round(as_: As) -> None:
    page = (await as_("pia").get("/orders?sort=number&q=jimo")).text
    assert 'aria-sort="ascending"' in page
    assert 'href="/orders?q=jimo&amp;sort=-number"' in page


@pytest.mark.parametrize("query", ["sort=colour", "status=lost", "offset=-1"])
async def test_an_unknown_column_or_status_is_refused(as_: As, query: str) -> None:
    assert (await as_("pia").get(f"/orders?{query}")).status_code == 422


async def test_a_hundred_rows_come_at_a_time(as_: As, services: FakeServices) -> None:
    services.sales.world = make_world(services.world.blueprint, services.world.now, orders=230)
    client = as_("pia")
    first = await client.get("/orders?sort=number")
    assert len(numbers(first.text)) == 100
    assert 'hx-get="/orders?sort=number&amp;offset=100" hx-trigger="revealed"' in first.text
    last = await client.get("/orders?sort=number&offset=200", headers=HX)
    assert len(numbers(last.text)) == 30
    assert "revealed" not in last.text
    assert "<table" not in last.text


async def test_a_customer_sees_own_orders_only(as_: As, services: FakeServices) -> None:
    page = (await as_("mei").get("/my")).text
    for order in services.world.orders.values():
        assert (f'href="/orders/{order.number}"' in page) == (order.customer.id == "cust-1")


async def test_a_customer_without_orders_is_shown_the_shop(as_: As, services: FakeServices) -> None:
    services.world.orders.clear()
    page = (await as_("mei").get("/my")).text
    assert "You have not ordered anything yet." in page
    assert 'href="/shop"' in page
