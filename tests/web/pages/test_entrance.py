"""Signing in and out, theme and language."""

import pytest
from tests.web.conftest import As
from tests.web.fakes import FakeServices


async def test_the_right_name_and_password_lead_to_the_page_that_was_wanted(as_: As) -> None:
    client = as_("")
    form = (await client.get("/sign-in?next=/orders?q=a")).text
    assert 'name="next" value="/orders?q=a"' in form
    answer = await client.post("/sign-in", data={"person": " pia ", "password": "pia", "next": "/orders?q=a"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/orders?q=a")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert (await client.get("/orders")).status_code == 200


async def test_a_wrong_password_shows_the_form_again_with_the_name_and_no_hint_which_was_wrong(as_: As) -> None:
    for person, password in (("pia", "x"), ("nobody", "x")):
        answer = await as_("").post("/sign-in", data={"person": person, "password": password})
        assert answer.status_code == 401
        assert "do not fit together" in answer.text
        assert f'value="{person}"' in answer.text
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "target", ["//elsewhere.example/x", "https://elsewhere.example", "/\\elsewhere.example", "javascript:x", "", "/a\nb"]
)
async def test_nobody_is_led_to_another_site(as_: As, target: str) -> None:
    answer = await as_("").post("/sign-in", data={"person": "pia", "password": "pia", "next": target})
    assert answer.headers["location"] == "/"
    assert (await as_("pia").get("/look", params={"theme": "dark", "next": target})).headers["location"] == "/"


@pytest.mark.parametrize("headers", [{"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_a_sign_in_form_of_another_site_is_refused(as_: As, headers: dict[str, str]) -> None:
    answer = await as_("").post("/sign-in", data={"person": "pia", "password": "pia"}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_a_link_signs_in_once_and_a_wrong_one_shows_the_form(as_: As) -> None:
    client = as_("")
    assert (await client.get("/sign-in/link/link-olu")).headers["location"] == "/"
    assert "Olu Ade" in (await client.get("/")).text
    wrong = await as_("").get("/sign-in/link/other")
    assert (wrong.status_code, "do not fit together" in wrong.text) == (401, True)


async def test_signing_out_asks_first_and_then_ends_the_session(as_: As, services: FakeServices) -> None:
    client = as_("pia")
    assert "You are signed in as Pia Kern." in (await client.get("/sign-out")).text
    assert services.enterprises.ended == set()
    answer = await client.post("/sign-out")
    assert answer.headers["location"] == "/sign-in"
    assert services.enterprises.ended == {"pia"}
    assert (await client.get("/")).status_code == 303


async def test_theme_and_language_are_remembered_and_rendered_by_the_server(as_: As) -> None:
    client = as_("mei")
    assert 'data-ix-color-schema="light"' in (await client.get("/")).text
    back = await client.get("/look?theme=dark&language=zh&next=/my")
    assert back.headers["location"] == "/my"
    page = (await client.get("/")).text
    assert 'data-ix-color-schema="dark"' in page
    assert 'lang="zh-CN"' in page
    assert "我的订单" in page
    await client.get("/look?theme=purple&language=tlh")
    assert 'data-ix-color-schema="dark"' in (await client.get("/")).text


async def test_those_who_work_in_the_hall_start_in_the_dark(as_: As) -> None:
    assert 'data-ix-color-schema="dark"' in (await as_("olu").get("/")).text
    assert 'data-ix-color-schema="light"' in (await as_("pia").get("/")).text


async def test_the_browsers_language_counts_until_one_is_chosen(as_: As) -> None:
    answer = await as_("").get("/sign-in", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"})
    assert "登录" in answer.text
    assert "Sign in" in (await as_("").get("/sign-in?lang=en", headers={"Accept-Language": "zh"})).text
