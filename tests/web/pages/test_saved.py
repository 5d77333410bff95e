"""Saved configurations: kept from the shop, shared by a link, gone on from, voted for, compared."""

import io

import pytest
from PIL import Image
from tests.web.conftest import As
from tests.web.fakes import FakeServices


async def kept(client, name: str, query: str = "") -> str:
    answer = await client.post("/saved", data={"product": "lamp", "name": name, "query": query})
    assert answer.status_code == 303
    return answer.headers["location"]


async def test_the_shop_keeps_what_it_shows_under_a_name(as_: As, services: FakeServices) -> None:
    client = as_("mei")
    assert 'action="/saved"' in (await client.get("/shop/lamp?foot=square")).text
    page = (await client.get(await kept(client, "For the desk", "foot=square&n=3&nothing=known"))).text
    assert "For the desk" in page
    (saved,) = [each for _, each in services.choosing.kept.values()]
    assert saved.choices == {"foot": "square"}
    assert 'href="/shop/lamp?foot=square"' in page
    assert "€22" in page
    assert "<circle" in page, "the drawing"


async def test_whoever_has_the_link_votes_once_and_may_take_it_back(as_: As) -> None:
    address = await kept(as_("mei"), "For the desk")
    other = as_("pia")
    assert "0 votes" in (await other.get(address)).text
    for wanted, told in (("1", "1 vote<"), ("1", "1 vote<"), ("", "0 votes")):
        assert (await other.post(f"{address}/vote", data={"wanted": wanted})).headers["location"] == address
        assert told in (await other.get(address)).text


async def test_two_of_a_product_stand_side_by_side(as_: As) -> None:
    client = as_("mei")
    assert "Nothing is saved yet." in (await client.get("/saved")).text
    one, other = [
        (await kept(client, name, query)).rsplit("/", 1)[1] for name, query in (("Small", ""), ("Large", "foot=square"))
    ]
    listed = (await client.get("/saved")).text
    assert listed.index("Large") < listed.index("Small")
    page = (await client.get(f"/saved/compare?one={one}&other={other}")).text
    assert page.index("Small") < page.index("Large")
    assert "+€2" in page
    assert "Parts that differ" in page


@pytest.mark.parametrize("query", ["", "one=nobody&other=nothing", "one=x&other=x"])
async def test_what_cannot_be_compared_is_said(as_: As, query: str) -> None:
    answer = await as_("mei").get(f"/saved/compare?{query}")
    assert answer.status_code in (404, 422)


async def test_a_name_is_wanted(as_: As) -> None:
    assert (await as_("mei").post("/saved", data={"product": "lamp", "name": " "})).status_code == 422


@pytest.mark.parametrize(("wish", "address"), [("cheapest", "light="), ("earliest", "foot="), ("popular", "height_cm=")])
async def test_the_rest_is_chosen_as_wished(as_: As, wish: str, address: str) -> None:
    answer = await as_("mei").get(f"/shop/lamp/choose?wish={wish}&n=1")
    assert address in answer.headers["location"]


async def test_an_unknown_wish_is_refused(as_: As) -> None:
    assert (await as_("mei").get("/shop/lamp/choose?wish=best&n=1")).status_code == 422


def drawn(side: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(file, "PNG")
    return file.getvalue()


async def bring(client, content: bytes, query: str = "foot=clamp"):
    data = {"option": "foot", "query": query}
    return await client.post("/shop/lamp/picture", data=data, files={"picture": ("mine.png", content, "image/png")})


async def test_a_picture_of_ones_own_is_brought_shown_kept_and_ordered(as_: As, services: FakeServices) -> None:
    client = as_("mei")
    assert 'type="file"' not in (await client.get("/shop/lamp?foot=square")).text
    assert 'type="file"' in (await client.get("/shop/lamp?foot=clamp")).text
    address = (await bring(client, drawn(40), "foot=clamp&n=2")).headers["location"]
    (digest,) = services.choosing.pictures
    assert address == f"/shop/lamp?foot=clamp&own.foot={digest}&n=2#own-foot"
    page = (await client.get(address)).text
    assert f'<input type="hidden" name="own.foot" value="{digest}">' in page
    assert f'src="/shop/pictures/{digest}"' in page
    picture = await client.get(f"/shop/pictures/{digest}")
    assert (picture.headers["content-type"], picture.content) == ("image/png", drawn(40))
    assert picture.headers["x-content-type-options"] == "nosniff"
    shown = (await client.get(await kept(client, "Mine", f"foot=clamp&own.foot={digest}"))).text
    assert f"/shop/pictures/{digest}" in shown


@pytest.mark.parametrize(("content", "query"), [(b"<svg/>", "foot=clamp"), (drawn(500), "foot=clamp")])
async def test_a_picture_that_the_value_does_not_take_is_refused_with_the_reason(as_: As, content: bytes, query: str) -> None:
    answer = await bring(as_("mei"), content, query)
    assert answer.status_code == 422
    assert "picture" in answer.text


async def test_a_saved_choice_that_is_not_possible_any_more_opens_with_the_rest_and_the_reason(
    as_: As, services: FakeServices
) -> None:
    old, new = {"light": "halogen", "height_cm": "60", "foot": "clamp"}, {"foot": "square"}
    one = services.choosing.keep("lamp", "Old", old, "mei", services.tenant)
    other = services.choosing.keep("lamp", "New", new, "mei", services.tenant)
    for address in (f"/saved/{one}", f"/saved/compare?one={one}&other={other}"):
        page = (await as_("mei").get(address)).text
        assert "Not everything could be kept." in page
        assert "Height: 60 cm. Halogen gets hot." in page
        assert "Clamp" in page


async def test_whoever_has_the_link_sees_it_and_may_vote_only_as_a_customer(as_: As) -> None:
    address = await kept(as_("mei"), "For the desk", "foot=square")
    for person in ("", "olu"):
        page = (await as_(person).get(address)).text
        assert "For the desk" in page
        assert "/vote" not in page
        assert "Go on from here" not in page
    assert f"/sign-in?next={address}" in (await as_("").get(address)).text
    assert (await as_("").post(f"{address}/vote", data={"wanted": "1"})).status_code == 303
    assert (await as_("olu").post(f"{address}/vote", data={"wanted": "1"})).status_code == 403
    assert "0 votes" in (await as_("mei").get(address)).text


async def test_what_the_material_costs_is_seen_by_sellers_alone(as_: As) -> None:
    assert "material €" in (await as_("pia").get("/shop/lamp")).text
    assert "material" not in (await as_("mei").get("/shop/lamp")).text
