"""The first page of each role."""

from tests.web.conftest import As
from tests.web.fakes import FakeServices


async def test_staff_see_how_the_plant_stands_and_what_is_wrong(as_: As, services: FakeServices) -> None:
    page = (await as_("pia").get("/")).text
    assert "Stations running" in page
    assert "30" in page
    assert 'href="/machines/lathe-1"' in page


async def test_a_customer_sees_own_orders_and_nothing_of_the_plant(as_: As, services: FakeServices) -> None:
    page = (await as_("mei").get("/")).text
    own = [order.number for order in services.world.orders.values() if order.customer.id == "cust-1"]
    assert own[-1] in page
    assert "Stations running" not in page
    assert "/machines/" not in page


async def test_the_page_shows_what_it_can_while_the_machines_are_away(as_: As, services: FakeServices) -> None:
    services.machines.away = True
    services.world.plans.clear()
    page = await as_("ada").get("/")
    assert page.status_code == 200
    assert "Stations running</dt><dd>–" in page.text
    assert "Orders in the plan</dt><dd>–" in page.text
