"""Two plans side by side, asked without a browser."""

import pytest
from tests.web.conftest import As
from tests.web.fakes import FakeServices


async def test_the_page_tells_measures_orders_and_operations_of_the_plans_chosen(as_: As, services: FakeServices) -> None:
    page = (await as_("pia").get("/plan/diff?from=40&to=42")).text
    told = await services.planning.diff("t", 40, 42)
    assert "plan 40 → plan 42" in page
    assert "Orders that end at another time" in page
    late = next(each for each in told.orders if each.after and each.before and each.after > each.before)
    number = services.world.orders[late.order].number
    assert (
        f'href="/plan/diff?from=40&amp;to=42&amp;order={number}#moved-title"' in page or f"&order={number}#moved-title" in page
    )
    assert "to another machine" in page
    assert "2 new" in page
    assert page.count("<h2") == 3


async def test_without_numbers_it_is_the_newest_plan_beside_the_one_before(as_: As) -> None:
    page = (await as_("olu").get("/plan/diff")).text
    assert "plan 41 → plan 42" in page


async def test_the_operations_of_one_order_or_at_one_machine_are_shown_alone(as_: As, services: FakeServices) -> None:
    told = await services.planning.diff("t", 40, 42)
    own = [each for each in told.shifts if each.order == told.shifts[0].order]
    number = services.world.orders[own[0].order].number
    page = (await as_("pia").get(f"/plan/diff?from=40&to=42&order={number}")).text
    assert f"Operations of {number} that moved" in page
    assert page.count('<th scope="row">' + own[0].op) >= 1
    machine = told.shifts[0].after.equipment if told.shifts[0].after else ""
    alone = (await as_("pia").get(f"/plan/diff?from=40&to=42&machine={machine}")).text
    assert "Operations that moved at" in alone
    assert "Show all" in alone


@pytest.mark.parametrize("query", ["from=42&to=42", "from=1&to=99", "from=90&to=99"])
async def test_numbers_that_cannot_be_compared_are_asked_for_again(as_: As, query: str) -> None:
    page = await as_("pia").get(f"/plan/diff?{query}")
    assert page.status_code == 200
    assert "Choose two different numbers from 1 to 42." in page.text


async def test_with_fewer_than_two_plans_there_is_nothing_to_compare(as_: As, services: FakeServices) -> None:
    services.world.plans.clear()
    assert "There are no two plans yet." in (await as_("pia").get("/plan/diff")).text


async def test_customers_do_not_see_it(as_: As) -> None:
    assert (await as_("mei").get("/plan/diff")).status_code == 403
