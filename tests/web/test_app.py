"""The border of the pages: headers, errors for people and for programs, roles, the domains' routes."""

import asyncio

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import StreamingResponse
from tests.web.conftest import As
from tests.web.fakes import FakeServices

from batchone.kernel.errors import Conflict, TryLater
from batchone.web.app import create_app
from batchone.web.menu import ENTRIES
from batchone.web.settings import WebSettings


@pytest.fixture
def failing(services: FakeServices, static: object) -> FastAPI:
    """The pages with a domain's routes beside them."""
    router = APIRouter()

    @router.get("/api/things/{name}")
    async def thing(name: str) -> dict[str, str]:
        if name == "late":
            raise TryLater("things.away", "Things do not answer.", after_s=7)
        raise Conflict("things.taken", "The thing is taken.", "Take another.", thing=name)

    @router.get("/broken")
    async def broken(number: int) -> None:
        raise TryLater("things.away", "Things do not answer.", after_s=7)

    return create_app(services, WebSettings(assets=static), [router])


def browser(app: FastAPI, person: str = "ada", **headers: str) -> httpx.AsyncClient:
    cookies = {"batchone_session": person} if person else {}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://plant", cookies=cookies, headers={"Accept": "text/html", **headers}
    )


async def test_every_answer_forbids_what_is_not_ours(as_: As) -> None:
    for path in ("/sign-in", "/static/own/x/app.css", "/api/nothing"):
        headers = (await as_("").get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


async def test_pages_are_never_kept_by_caches(as_: As) -> None:
    answer = await as_("ada").get("/")
    assert answer.headers["cache-control"] == "no-store"
    assert "Cookie" in answer.headers["vary"]


async def test_programs_get_problem_details_and_people_a_page(failing: FastAPI) -> None:
    async with browser(failing) as client:
        problem = await client.get("/api/things/red")
        assert problem.status_code == 409
        assert problem.headers["content-type"] == "application/problem+json"
        assert problem.json()["type"] == "urn:batchone:problem:things.taken"
        page = await client.get("/broken?number=1")
        assert page.status_code == 503
        assert page.headers["retry-after"] == "7"
        assert "Something this needs does not answer" in page.text
        assert "Try again" in page.text


async def test_a_part_of_a_page_gets_a_sentence_where_the_page_keeps_its_sentences(failing: FastAPI) -> None:
    async with browser(failing, **{"HX-Request": "true"}) as client:
        answer = await client.get("/broken?number=1")
    assert (answer.status_code, answer.headers["hx-retarget"]) == (503, "#say")
    assert "Things do not answer." in answer.text
    assert "<html" not in answer.text


async def test_a_wrong_address_and_a_wrong_value_are_designed_pages(failing: FastAPI) -> None:
    async with browser(failing) as client:
        missing = await client.get("/nowhere")
        assert (missing.status_code, "There is nothing here." in missing.text) == (404, True)
        unreadable = await client.get("/broken?number=x")
        assert (unreadable.status_code, "This was not accepted." in unreadable.text) == (422, True)
        assert "number" in unreadable.text


async def test_nobody_is_led_to_the_sign_in_and_back(as_: As) -> None:
    answer = await as_("").get("/orders?q=a&sort=number")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/orders%3Fq%3Da%26sort%3Dnumber"
    part = await as_("").get("/orders?offset=100", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["hx-redirect"]) == (204, "/sign-in?next=/")


PATHS = {
    "home": "/",
    "shop": "/shop/lamp",
    "mine": "/my",
    "line": "/line/lamp",
    "machines": "/machines",
    "alarms": "/alarms",
    "connect": "/connect",
    "plan": "/plan",
    "orders": "/orders",
    "rules": "/rules/lamp",
    "call-offs": "/call-offs",
}


@pytest.mark.parametrize("person", ["mei", "pia", "olu", "eva", "sam", "ada"])
async def test_each_role_opens_exactly_the_pages_of_its_menu(as_: As, services: FakeServices, person: str) -> None:
    role = (await services.enterprises.session(person)).actor.role
    client = as_(person)
    home = (await client.get("/")).text
    for entry in ENTRIES:
        status = (await client.get(PATHS[entry.key])).status_code
        assert status == (200 if role in entry.roles else 403), entry.key
        assert (f'<ix-menu-item href="{entry.path}"' in home) == (role in entry.roles)


@pytest.mark.parametrize(
    "path", ["/line/lamp/live", "/machines/lathe-1/live", "/plan/live", "/plan/window", "/machines/lathe-1"]
)
async def test_streams_and_data_need_the_same_role_as_their_page(as_: As, path: str) -> None:
    for person in ("mei", "sam"):
        assert (await as_(person).get(path)).status_code == 403
    assert (await as_("").get(path)).status_code == 303


@pytest.mark.parametrize("path", ["/alarms/A-high/acknowledge", "/shop/lamp/order", "/call-offs/CO-0/confirm", "/sign-out"])
async def test_a_form_without_the_sessions_token_changes_nothing(as_: As, path: str) -> None:
    client = as_("ada")
    del client.headers["X-CSRF-Token"]
    answer = await client.post(path, data={"csrf": "wrong", "town": "x", "at": "2026-03-03T08:00"})
    assert answer.status_code == 403


async def test_event_streams_pass_the_layers_piece_by_piece(services: FakeServices, static: object) -> None:
    router = APIRouter()

    @router.get("/pieces")
    async def pieces() -> StreamingResponse:
        async def told():
            yield b"data: 1\n\n" * 200
            yield b"data: 2\n\n" * 200

        return StreamingResponse(told(), media_type="text/event-stream")

    sent: list[bytes] = []

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.body" and message.get("body"):
            sent.append(bytes(message["body"]))  # type: ignore[call-overload]

    async def receive() -> dict[str, object]:
        await asyncio.sleep(60)
        raise AssertionError

    app = create_app(services, WebSettings(assets=static), [router])
    scope = {
        "type": "http", "method": "GET", "path": "/pieces", "raw_path": b"/pieces", "query_string": b"", "root_path": "",
        "scheme": "http", "headers": [(b"accept-encoding", b"gzip")], "server": ("plant", 80), "client": ("x", 1),
        "http_version": "1.1", "asgi": {"version": "3.0"},
    }  # fmt: skip
    await app(scope, receive, send)  # type: ignore[arg-type]
    assert sent == [b"data: 1\n\n" * 200, b"data: 2\n\n" * 200]


async def test_no_page_names_a_product_of_its_own(as_: As) -> None:
    from pathlib import Path

    from batchone import web

    words = ("refrigerat", "fridge", "冰箱", "compressor", "freez")
    for path in Path(web.__file__).parent.rglob("*"):
        if path.suffix in {".py", ".html", ".js", ".css", ".po"} and "vendor" not in path.parts:
            assert not [word for word in words if word in path.read_text().lower()], path
