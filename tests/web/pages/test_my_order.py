"""An order's story and an item's passport."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.web.conftest import As
from tests.web.fakes import FakeServices

from batchone.contracts.sales import Contact, Notice, Reason
from batchone.web.pages.my_order import StoryTopic, qr_code
from batchone.web.services import web_of_app


def of(services: FakeServices, status: str, customer: str = "") -> str:
    return next(o.number for o in services.world.orders.values() if o.status == status and customer in {"", o.customer.id})


async def test_the_story_tells_what_is_done_what_is_now_and_what_comes(as_: As, services: FakeServices) -> None:
    number = of(services, "in_production")
    page = (await as_("pia").get(f"/orders/{number}")).text
    record = services.world.records[next(o for o in services.world.orders.values() if o.number == number).items[0]]
    routing = services.world.explosions[record.configuration].operations
    for operation in routing:
        assert f'id="chapter-{operation.group}"' in page
    assert (
        page.index('id="chapter-ordered"')
        < page.index(f'id="chapter-{routing[0].group}"')
        < page.index('id="chapter-delivered"')
    )
    assert "Promised by" in page
    assert f'href="/items/{record.serial}"' in page


async def test_a_customer_sees_only_own_orders_and_staff_all(as_: As, services: FakeServices) -> None:
    mine = next(o for o in services.world.orders.values() if o.customer.id == "cust-1")
    client = as_("otto")
    for path in (f"/orders/{mine.number}", f"/orders/{mine.number}/live", f"/items/{mine.items[0]}"):
        assert (await client.get(path)).status_code == 404
        assert (await as_("sam").get(path)).status_code == 404
    assert (await as_("mei").get(f"/orders/{mine.number}")).status_code == 200
    assert (await as_("olu").get(f"/orders/{mine.number}")).status_code == 200


async def test_a_date_that_moved_stands_beside_the_one_that_was_promised_with_the_reason(
    as_: As, services: FakeServices
) -> None:
    number = of(services, "in_production", "cust-1")
    key = next(name for name, each in services.world.orders.items() if each.number == number)
    order = services.world.orders[key]
    why = Reason("down", "saw", {"en": "Saw: out of order for 5.0 h", "zh": "锯床：故障停机 5.0 小时"})
    later = order.promised_p90 + timedelta(days=2)
    notice = Notice(order.placed, "later", order.promised_p50, order.promised_p90, later, later, (why,))
    assert "What we told you" not in (await as_("mei").get(f"/orders/{number}")).text
    services.world.orders[key] = replace(order, notices=(notice,))
    page = (await as_("mei").get(f"/orders/{number}")).text
    assert "What we told you" in page
    assert "Your order comes later: by" in page
    assert "Saw: out of order for 5.0 h" in page
    assert "Now expected by" in page
    assert "Promised by" in page
    assert ", now " in (await as_("mei").get("/my")).text


def told(services: FakeServices, count: int) -> list[str]:
    """The numbers of so many orders of one customer whose dates moved."""
    mine = [each for each in services.world.orders.values() if each.customer.id == "cust-1"][:count]
    for each in mine:
        notice = Notice(each.placed, "later", each.promised_p50, each.promised_p90, each.promised_p90, each.promised_p90, ())
        services.world.orders[each.id] = replace(each, notices=(notice,))
    return [each.number for each in mine]


async def test_news_is_counted_on_every_page_until_the_order_is_looked_at(as_: As, services: FakeServices) -> None:
    client, numbers = as_("mei"), told(services, 2)
    for path in ("/", "/shop/lamp", "/saved", "/my"):
        page = (await client.get(path)).text
        assert "News of 2 orders" in page, path
        assert 'notifications="2"' in page, path
    page = (await client.get(f"/orders/{numbers[0]}")).text
    assert "What we told you" in page
    assert "News of 1 order" in page
    assert "News of 1 order" in (await client.get("/")).text
    assert "News of" not in (await client.get(f"/orders/{numbers[1]}")).text
    assert "notifications=" not in (await client.get("/")).text


async def test_news_is_not_read_by_staff_and_not_told_to_others(as_: As, services: FakeServices) -> None:
    numbers = told(services, 1)
    assert (await as_("pia").get(f"/orders/{numbers[0]}")).status_code == 200
    assert "News of" not in (await as_("otto").get("/my")).text
    page = (await as_("mei").get("/my")).text
    assert "News of 1 order" in page
    assert page.count('<span class="news">') == 1


async def test_pages_go_on_without_the_count_while_sales_is_away(as_: As, services: FakeServices) -> None:
    told(services, 1)
    services.sales.away = True
    page = await as_("mei").get("/shop/lamp")
    assert page.status_code == 200
    assert "News of" not in page.text


async def test_a_customer_says_where_they_are_told_in_the_language_of_the_page(as_: As, services: FakeServices) -> None:
    client = as_("mei")
    assert 'action="/my/contact"' in (await client.get("/my")).text
    answer = await client.post("/my/contact", data={"email": " mei@example.com "}, headers={"Accept-Language": "zh"})
    assert answer.status_code == 303
    assert services.sales.contacts == {"cust-1": Contact("mei@example.com", "zh")}
    assert 'value="mei@example.com"' in (await client.get("/my")).text
    assert (await client.post("/my/contact", data={"email": "nonsense"})).status_code == 422
    assert (await as_("pia").post("/my/contact", data={"email": "pia@example.com"})).status_code == 403


async def test_where_no_mails_are_sent_nobody_is_asked_for_an_address(as_: As, services: FakeServices) -> None:
    services.sales.mails = False
    assert "/my/contact" not in (await as_("mei").get("/my")).text


async def test_what_options_need_before_shipping_is_told_with_the_carrier(as_: As, services: FakeServices) -> None:
    number = of(services, "finished")
    order = next(each for each in services.world.orders.values() if each.number == number)
    (at,) = [n for n, each in enumerate(services.world.shipments) if each.order == order.id]
    ready = services.world.shipments[at]
    assert "after what your options need" not in (await as_("pia").get(f"/orders/{number}")).text
    services.world.shipments[at] = replace(ready, state="waiting")
    assert "after what your options need" in (await as_("pia").get(f"/orders/{number}")).text


async def test_a_customer_is_not_led_into_the_plant(as_: As, services: FakeServices) -> None:
    number = of(services, "in_production", "cust-1")
    assert "/machines/" not in (await as_("mei").get(f"/orders/{number}")).text
    assert "/machines/" in (await as_("olu").get(f"/orders/{number}")).text


async def test_a_held_item_says_why(as_: As, services: FakeServices) -> None:
    page = (await as_("pia").get(f"/orders/{of(services, 'held')}")).text
    assert "Held for a check" in page
    assert "held for a check" in page


async def test_an_order_that_production_does_not_know_yet_says_what_it_waits_for(as_: As, services: FakeServices) -> None:
    order = services.world.orders["order-0"]
    services.world.orders["order-0"] = replace(order, items=(), status="placed", planned_delivery=None, delivered=None)
    services.world.records = {key: each for key, each in services.world.records.items() if each.order != "order-0"}
    page = await as_("pia").get("/orders/SO-10000")
    assert page.status_code == 200
    assert "Waiting for its place in the plan" in page.text


async def test_the_passport_holds_configuration_lots_stations_measurements_and_energy(as_: As, services: FakeServices) -> None:
    record = next(each for each in services.world.records.values() if each.state == "finished")
    page = (await as_("pia").get(f"/items/{record.serial}")).text
    for job in record.jobs:
        assert job.program in page
    for lot in record.lots:
        assert lot.lot in page
    assert "9.9 – 10.1" in page or "9.90 – 10.10" in page
    assert "passed" in page
    assert "kWh" in page
    assert "kg CO₂" in page
    assert f"http://plant/items/{record.serial}" in page
    assert "<path" in page[page.index('class="qr"') :]
    by_id = await as_("pia").get(f"/items/{record.item}")
    assert by_id.status_code == 200


async def test_a_measurement_that_was_done_again_does_not_count_against_the_item(as_: As, services: FakeServices) -> None:
    from datetime import timedelta

    record = next(each for each in services.world.records.values() if each.state == "finished")
    measured = record.measurements[0]
    failed = replace(measured, value=99.0, passed=False, time=measured.time - timedelta(minutes=5))
    services.world.records[record.item] = replace(record, measurements=(failed, *record.measurements))
    page = (await as_("pia").get(f"/items/{record.serial}")).text
    assert "not passed, done again" in page
    judged = sum(each.passed is not None for each in record.measurements)
    assert f"<dd>{judged} <small>of {judged}</small>" in page


async def test_the_stream_follows_the_item(app: object, services: FakeServices) -> None:
    number = of(services, "planned")
    topic = StoryTopic(web_of_app(app), "works", number, "", "en", staff=True)  # type: ignore[arg-type]
    assert 'hx-target="#story"' in (await topic.snapshot()).decode()
    await topic.tick()
    assert await topic.tick() is None
    order = next(o for o in services.world.orders.values() if o.number == number)
    services.world.orders[order.id] = replace(order, status="in_production")
    assert "being made" in (await topic.tick() or b"").decode()


@pytest.mark.parametrize("address", ["http://plant/items/RF1", "http://[::1]:8080/items/" + "x" * 60])
def test_a_qr_code_is_drawn_for_any_address(address: str) -> None:
    assert qr_code(address).startswith("<svg")
    assert "script" not in qr_code(address)
