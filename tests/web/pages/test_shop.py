"""The configurator: every value with its price or its reason, a click and what it changes, the date, the order."""

import re

from tests.web.conftest import As
from tests.web.fakes import FakeServices

HX = {"HX-Request": "true"}


def card(page: str, option: str, value: str) -> str:
    start = page.index(f'id="card-o-{option}-{value}"')
    end = page.find('id="card-', start + 10)
    return page[start : end if end > 0 else start + 1500]


async def test_one_product_is_opened_at_once(as_: As) -> None:
    assert (await as_("mei").get("/shop")).headers["location"] == "/shop/lamp"


async def test_every_value_stands_there_with_what_it_would_change(as_: As) -> None:
    page = (await as_("mei").get("/shop/lamp")).text
    for option, values in {
        "foot": ("round", "square", "clamp"),
        "height_cm": ("30", "45", "60"),
        "light": ("led", "halogen"),
    }.items():
        for value in values:
            assert f'id="o-{option}-{value}"' in page
    assert "+€2" in card(page, "foot", "square")
    assert "+€1.50, +1 d" in card(page, "foot", "clamp")
    assert "checked" in card(page, "foot", "round")
    assert "45 cm" in page
    assert "<circle" in page, "the drawing"


async def test_a_click_answers_with_the_new_price_its_difference_and_an_address_to_keep(as_: As) -> None:
    answer = await as_("mei").get(
        "/shop/lamp/choose?price=20.00&o.foot=square&was.foot=round&o.light=led&was.light=led&n=1", headers=HX
    )
    assert answer.headers["hx-push-url"] == "/shop/lamp?foot=square"
    assert "€22" in answer.text
    assert '<span class="moved number">+€2</span>' in answer.text
    assert "<html" not in answer.text


async def test_without_script_a_click_leads_to_the_page_of_the_choice(as_: As) -> None:
    client = as_("mei")
    answer = await client.get("/shop/lamp/choose?o.foot=square&was.foot=round&n=3")
    assert answer.headers["location"] == "/shop/lamp?foot=square&n=3"
    page = (await client.get(answer.headers["location"])).text
    assert "€66" in page
    assert "for 3" in page


async def test_a_blocked_value_stays_visible_with_its_reason_and_a_way_to_take_it(as_: As) -> None:
    page = (await as_("mei").get("/shop/lamp?light=halogen")).text
    blocked = card(page, "height_cm", "60")
    assert "disabled" in blocked
    assert "Halogen gets hot." in blocked
    assert 'name="take" value="height_cm:60"' in blocked
    assert "€" not in blocked


async def test_taking_a_blocked_value_gives_up_exactly_what_stood_in_its_way(as_: As) -> None:
    query = "o.light=halogen&was.light=halogen&picked=light&o.foot=clamp&was.foot=clamp&picked=foot&take=height_cm:60"
    answer = await as_("mei").get(f"/shop/lamp/choose?{query}", headers=HX)
    assert answer.headers["hx-push-url"] == "/shop/lamp?foot=clamp&height_cm=60"


async def test_a_choice_can_be_undone_and_defaults_never_become_choices(as_: As) -> None:
    query = "o.light=halogen&was.light=halogen&picked=light&o.foot=round&was.foot=round&forget=light"
    assert (await as_("mei").get(f"/shop/lamp/choose?{query}", headers=HX)).headers["hx-push-url"] == "/shop/lamp"


async def test_every_change_has_an_address_of_its_own_and_the_one_before_undoes_it(as_: As) -> None:
    headers = {**HX, "HX-Current-URL": "http://test/shop/lamp?light=led&inquiry=Q1"}
    answer = await as_("mei").get("/shop/lamp/choose?o.light=led&was.light=led&picked=light&wish=cheapest", headers=headers)
    assert answer.headers["hx-push-url"].startswith("/shop/lamp?foot=")
    assert '<a class="undo" href="/shop/lamp?light=led">' in answer.text
    asked = await as_("mei").get("/shop/lamp/choose?o.foot=square&was.foot=round&inquiry=Q1", headers=headers)
    assert asked.headers["hx-push-url"] == "/shop/lamp?foot=square&inquiry=Q1"
    assert 'href="/shop/lamp?light=led&amp;inquiry=Q1"' in asked.text
    same = await as_("mei").get("/shop/lamp/choose?o.light=led&was.light=led&picked=light", headers=headers)
    assert "hx-push-url" not in same.headers
    assert 'class="undo"' not in same.text
    elsewhere = {**HX, "HX-Current-URL": "http://elsewhere/other?x=1"}
    assert 'class="undo"' not in (await as_("mei").get("/shop/lamp/choose?o.light=led", headers=elsewhere)).text


async def test_choices_that_exclude_one_another_are_refused_in_words(as_: As) -> None:
    part = await as_("mei").get("/shop/lamp/choose?o.light=halogen&was.light=led&o.height_cm=60&was.height_cm=30", headers=HX)
    assert (part.status_code, part.headers["hx-retarget"]) == (422, "#say")


async def test_an_old_address_opens_with_what_still_goes_together_and_says_what_does_not(as_: As) -> None:
    page = (await as_("mei").get("/shop/lamp?light=halogen&foot=clamp&height_cm=60")).text
    assert "Not everything could be kept." in page
    assert "Height: 60 cm. Halogen gets hot." in page
    assert 'name="picked" value="foot"' in page
    assert 'name="picked" value="height_cm"' not in page
    assert "Not everything" not in (await as_("mei").get("/shop/lamp?light=halogen&foot=clamp")).text


async def test_the_date_comes_with_its_reasons_and_how_far_it_moved(as_: As) -> None:
    client = as_("mei")
    first = (await client.get("/shop/lamp/promise?", headers=HX)).text
    promise = re.search(r'name="promise" id="promise-id" value="([^"]+)"', first)
    assert promise
    assert "Delivered by" in first
    assert "The carrier takes 20 h." in first
    assert "later" not in first
    second = (await client.get(f"/shop/lamp/promise?foot=clamp&before={promise[1]}", headers=HX)).text
    assert '<span class="moved">1 d later</span>' in second
    assert "Your choices add 1 d." in second
    third = (await client.get("/shop/lamp/promise?before=unknown", headers=HX)).text
    assert "Delivered by" in third


async def test_without_script_the_date_can_be_asked_for_by_an_address(as_: As) -> None:
    page = (await as_("mei").get("/shop/lamp?foot=square&date=1")).text
    assert "Delivered by" in page
    assert 'name="promise"' in page


async def test_an_order_is_placed_once_however_often_the_button_is_pressed(as_: As, services: FakeServices) -> None:
    client = as_("mei")
    offer = (await client.get("/shop/lamp/promise?foot=square&n=2", headers=HX)).text
    form = dict(re.findall(r'name="(promise|key)"[^>]*value="([^"]+)"', offer)) | {"town": "Jimo"}
    before = len(services.world.orders)
    answers = [await client.post("/shop/lamp/order", data=form) for _ in range(2)]
    assert len(services.world.orders) == before + 1
    assert {answer.headers["location"] for answer in answers} == {"/my/SO-10030"}
    placed = services.world.orders["order-30"]
    assert (placed.customer.id, placed.customer.town, placed.quantity, placed.choices["foot"]) == (
        "cust-1",
        "Jimo",
        2,
        "square",
    )
    assert (await client.get("/orders/SO-10030")).status_code == 200


async def test_an_order_without_a_date_or_a_town_is_refused(as_: As, services: FakeServices) -> None:
    before = len(services.world.orders)
    for form in ({"town": "Jimo"}, {"town": " ", "promise": "P", "key": "K"}):
        assert (await as_("mei").post("/shop/lamp/order", data=form)).status_code == 422
    assert len(services.world.orders) == before


async def test_while_the_plan_is_away_the_shop_still_shows_prices(as_: As, services: FakeServices) -> None:
    services.sales.away = True
    client = as_("mei")
    assert (await client.get("/shop/lamp")).status_code == 200
    late = await client.get("/shop/lamp/promise?", headers=HX)
    assert (late.status_code, late.headers["hx-retarget"]) == (503, "#say")


async def test_an_unknown_product_is_not_there(as_: As) -> None:
    assert (await as_("mei").get("/shop/rocket")).status_code == 404


async def test_the_pack_is_read_once_for_all_clicks(as_: As, services: FakeServices) -> None:
    client = as_("mei")
    for _ in range(3):
        await client.get("/shop/lamp")
    assert services.design.packs_read == 1


async def test_a_page_asks_for_all_its_dates_as_one_inquiry_and_another_page_as_another(
    as_: As, services: FakeServices
) -> None:
    client = as_("mei")
    pages = [(await client.get("/shop/lamp")).text for _ in range(2)]
    inquiries = [re.findall(r'name="inquiry" value="([^"]+)"', page)[0] for page in pages]
    assert inquiries[0] != inquiries[1]
    changed = (await client.get(f"/shop/lamp/choose?o.foot=square&was.foot=round&inquiry={inquiries[0]}", headers=HX)).text
    asked = [re.findall(r'hx-get="(/shop/lamp/promise[^"]*)"', page)[0] for page in (pages[0], changed, pages[1])]
    for address in asked:
        await client.get(address.replace("&amp;", "&"), headers=HX)
    assert services.sales.inquiries == [inquiries[0], inquiries[0], inquiries[1]]


async def test_beside_the_date_stands_what_would_make_it_earlier(as_: As) -> None:
    client = as_("mei")
    offer = (await client.get("/shop/lamp/promise?foot=square&n=2", headers=HX)).text
    asked = re.findall(r'hx-get="(/shop/lamp/earlier\?promise=[^"]+)"', offer)
    assert len(asked) == 1
    part = (await client.get(asked[0], headers=HX)).text
    assert "It could be 5 h earlier" in part
    assert "5 h sooner" in part
    assert "4 h of overtime on Foamer" in part
    links = re.findall(r'<a href="(/shop/lamp\?[^"]+)"', part)
    assert len(links) == 1
    assert "n=2" in links[0]
    assert "foot=" in links[0]


async def test_of_a_promise_that_is_not_there_nothing_is_told(as_: As) -> None:
    assert (await as_("mei").get("/shop/lamp/earlier?promise=unknown", headers=HX)).status_code == 404
