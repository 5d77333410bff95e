"""Choosing over the public API: clicks, undo, races, restarts, links, votes and pictures."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from PIL import Image
from tests.support_nested import RACK
from tests.support_pack import edited

from batchone.chain.design.api import router
from batchone.chain.design.choosing import ChoosingService, PictureFiles
from batchone.chain.design.editions import Editions
from batchone.chain.design.module import MODULE
from batchone.chain.design.service import DesignService
from batchone.contracts.choosing import Choosing
from batchone.contracts.design import Design
from batchone.contracts.enterprises import Actor, Role
from batchone.contracts.sales import OrderPage, Sales
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.http import install_problems
from batchone.kernel.ids import TimeIds
from batchone.kernel.module import Context

pytestmark = pytest.mark.engine

PAINTED = edited(RACK, "options.yaml", "own: {kind: text, most: 12}", "own: {kind: text, most: 12, required: true}")
PICTURES = edited(
    RACK, "options.yaml", "own: {kind: text, most: 12}", "own: {kind: picture, most: 200 kB, least_px: 8, most_px: 100}"
)  # fmt: skip


class Desk:
    """The routes over services that can be started anew on the same database."""

    def __init__(self, database: Database, clock: ManualClock, ids: TimeIds, home: Path) -> None:
        self._parts = (database, clock, ids)
        self._home = home
        self._tokens = itertools.count()
        self.orders: tuple[Any, ...] = ()
        self.start()

    def start(self) -> None:
        """As after a restart: nothing is in memory."""
        database, clock, ids = self._parts
        editions = Editions(database, {"dealer": ("big-shop",)})
        self.design = DesignService(database, clock, ids, editions)
        files = PictureFiles(self._home / "pictures")
        token = lambda: f"token-{next(self._tokens)}"  # noqa: E731
        self._services = {
            Design: self.design, Choosing: ChoosingService(database, clock, ids, editions, files, token), Sales: self,
        }  # fmt: skip

    async def begun(self) -> None:
        await self.design.install("lumen", RACK, Actor("lumen", "ada", "Ada", "engineer"))

    async def orders_page(self) -> OrderPage:
        return OrderPage(self.orders, len(self.orders))

    def app(self) -> FastAPI:
        app = FastAPI()
        install_problems(app)
        desk = self

        class Sold:
            async def orders(self, *_: object) -> OrderPage:
                return await desk.orders_page()

        get = lambda protocol: Sold() if protocol is Sales else desk._services[protocol]  # noqa: E731
        app.include_router(router(cast(Context, SimpleNamespace(get=get))))

        @app.middleware("http")
        async def signed_in(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
            who = request.headers.get("who")
            if who:
                person, _, rest = who.partition("/")
                role, _, party = rest.partition("/")
                request.state.actor = Actor("lumen", person, person, cast(Role, role or "customer"), party)
            return await call(request)

        return app


@pytest.fixture
async def desk(database: Database, clock: ManualClock, ids: TimeIds, tmp_path: Path) -> Desk:
    assert MODULE.migrations
    await migrate(database, "design", MODULE.migrations)
    await clock.advance((datetime(2026, 4, 1, 9, tzinfo=UTC) - clock.now()).total_seconds())
    desk = Desk(database, clock, ids, tmp_path)
    await desk.begun()
    return desk


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(desk.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"who": "bob"}) as asked:
        yield asked


async def begun(client: httpx.AsyncClient, **choices: str) -> dict[str, Any]:
    answer = await client.post("/api/choosing", json={"product": "rack", "choices": choices})
    assert answer.status_code == 201, answer.text
    return cast(dict[str, Any], answer.json())


async def click(client: httpx.AsyncClient, now: dict[str, Any], **body: Any) -> httpx.Response:
    return await client.post(f"/api/choosing/{now['id']}/clicks", json={"revision": now["revision"], **body})


async def test_what_is_under_way_survives_a_restart_with_its_past(client: httpx.AsyncClient, desk: Desk) -> None:
    now = await begun(client)
    now = (await click(client, now, take={"shelves": "2"})).json()
    now = (await click(client, now, take={"shelf.2.load": "100"}, drop=["shelves"])).json()
    desk.start()
    again = (await client.get(f"/api/choosing/{now['id']}")).json()
    assert again == now
    assert (again["choices"], again["revision"], again["can_undo"], again["can_redo"]) == (
        {"shelf.2.load": "100"},
        3,
        True,
        False,
    )
    back = (await client.post(f"/api/choosing/{now['id']}/undo", json={"revision": 3})).json()
    assert (back["choices"], back["can_redo"]) == ({"shelves": "2"}, True)
    back = (await client.post(f"/api/choosing/{now['id']}/undo", json={"revision": 4})).json()
    assert (back["choices"], back["can_undo"]) == ({}, False)
    nothing = await client.post(f"/api/choosing/{now['id']}/undo", json={"revision": 5})
    assert (nothing.status_code, nothing.json()["type"]) == (409, "urn:batchone:problem:design.no_step")
    forth = (await client.post(f"/api/choosing/{now['id']}/redo", json={"revision": 5})).json()
    assert forth["choices"] == {"shelves": "2"}
    other = (await click(client, forth, take={"height": "200"})).json()
    assert (other["choices"], other["can_redo"]) == ({"height": "200", "shelves": "2"}, False)


async def test_of_two_clicks_racing_one_is_told_what_to_take_up(client: httpx.AsyncClient) -> None:
    now = await begun(client)
    wishes = [{"height": "200"}, {"steel": "inox"}, {"shelves": "2"}, {"extras.hooks": "yes"}]
    answers = await asyncio.gather(*(click(client, now, take=wish) for wish in wishes))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    for lost in (answer.json() for answer in answers if answer.status_code == 409):
        assert lost["type"] == "urn:batchone:problem:design.changed_meanwhile"
        [(option, value)] = won["choices"].items()
        assert (lost["revision"], lost["choices"]) == ("2", f"{option} = {value}")
    assert (await client.get(f"/api/choosing/{now['id']}")).json() == won


async def test_a_click_that_is_not_possible_changes_nothing(client: httpx.AsyncClient) -> None:
    now = (await click(client, await begun(client), take={"shelves": "3"})).json()
    for take, kind in (
        ({"height": "100"}, "design.impossible"),
        ({"depth": "1"}, "design.unknown_option"),
        ({"steel": "tin"}, "design.unknown_value"),
    ):  # fmt: skip
        refused = await click(client, now, take=take)
        assert (refused.status_code, refused.json()["type"]) == (422, f"urn:batchone:problem:{kind}")
    assert (await client.get(f"/api/choosing/{now['id']}")).json() == now


async def test_what_is_under_way_is_there_for_its_person_alone(client: httpx.AsyncClient) -> None:
    now = await begun(client)
    for who in ("eve", "eve/planner"):
        assert (await client.get(f"/api/choosing/{now['id']}", headers={"who": who})).status_code == 404
        taken = await client.post(f"/api/choosing/{now['id']}/clicks", json={"revision": 1}, headers={"who": who})
        assert taken.status_code == 404
    assert (await client.get(f"/api/choosing/{now['id']}", headers={"who": ""})).status_code == 401


async def test_the_oldest_are_forgotten(client: httpx.AsyncClient, clock: ManualClock) -> None:
    first = await begun(client)
    for _ in range(50):
        await clock.advance(1)
        last = await begun(client)
    assert (await client.get(f"/api/choosing/{first['id']}")).status_code == 404
    assert (await client.get(f"/api/choosing/{last['id']}")).status_code == 200


async def test_a_saved_configuration_is_shared_forked_and_voted_on_once(client: httpx.AsyncClient) -> None:
    now = (await click(client, await begun(client), take={"shelves": "2"})).json()
    answer = await client.post(f"/api/choosing/{now['id']}/saves", json={"name": "  For the   hall "})
    saved = answer.json()
    assert (answer.status_code, saved["name"], saved["choices"], saved["votes"], saved["mine"]) == (
        201, "For the hall", {"shelves": "2"}, 0, True,
    )  # fmt: skip
    assert [each["token"] for each in (await client.get("/api/saved")).json()] == [saved["token"]]
    path = f"/api/saved/{saved['token']}"
    seen = (await client.get(path, headers={"who": ""})).json()
    assert (seen["mine"], seen["voted"], seen["choices"]) == (False, False, {"shelves": "2"})
    for who in ("eve", "eve", "joe"):
        voted = await client.put(f"{path}/vote", headers={"who": who})
        assert voted.json()["voted"] is True
    assert (await client.get(path)).json()["votes"] == 2
    assert (await client.delete(f"{path}/vote", headers={"who": "eve"})).json()["votes"] == 1
    assert (await client.put(f"{path}/vote", headers={"who": ""})).status_code == 401
    forked = await client.post(f"{path}/forks", headers={"who": "eve"})
    assert forked.json()["choices"] == {"shelves": "2"}
    changed = await client.post(
        f"/api/choosing/{forked.json()['id']}/clicks", json={"revision": 1, "take": {"steel": "inox"}}, headers={"who": "eve"}
    )
    assert changed.json()["choices"] == {"steel": "inox", "shelves": "2"}
    assert (await client.get(path)).json()["choices"] == {"shelves": "2"}
    assert (await client.get("/api/saved/token-99")).status_code == 404


@pytest.mark.parametrize("name", ["", "   ", "a" * 81, "a\u0000b", "a\u202eb"])
async def test_a_name_that_nobody_can_read_is_refused(client: httpx.AsyncClient, name: str) -> None:
    now = await begun(client)
    assert (await client.post(f"/api/choosing/{now['id']}/saves", json={"name": name})).status_code == 422


async def test_choices_that_a_new_version_does_not_know_are_told_with_the_reason(client: httpx.AsyncClient, desk: Desk) -> None:
    now = (await click(client, await begun(client), take={"shelves": "3", "height": "200", "extras.hooks": "yes"})).json()
    newer = edited(RACK, "pack.yaml", "version: 1.0.0", "version: 1.1.0")
    newer = edited(newer, "rules.yaml", "rule: boxes = 1 => load = 100", "rule: boxes = 1 => load = 100 and height < 200")
    newer = edited(newer, "rules.yaml", '[">= 200", any]', '[">= 200", [1, 2]]')
    newer = edited(newer, "options.yaml", '      - {id: hooks, name: {en: Hooks, zh: 钩}, price: "2.00"}\n', "")
    newer = edited(newer, "options.yaml", "[{when: shelves = 3, value: 200}]", "[]")
    await desk.design.install("lumen", newer, Actor("lumen", "ada", "Ada", "engineer"))
    again = (await client.get(f"/api/choosing/{now['id']}")).json()
    assert again["version"] == "1.1.0"
    lost = {(each["option"], each["value"]): each["reason"]["text"]["en"] for each in again["lost"]}
    assert lost[("extras.hooks", "yes")] == "extras.hooks = yes is not offered any more."
    assert len(lost) == 2
    assert "This height does not take so many shelves." in lost.values()
    assert len(again["choices"]) == 1
    after = (await click(client, again, take={"steel": "inox"})).json()
    assert after["lost"] == []


async def test_a_text_of_ones_own_is_kept_with_its_value(client: httpx.AsyncClient) -> None:
    now = await begun(client)
    now = (await click(client, now, take={"steel": "painted"}, contents={"steel": "  Ada’s   rack "})).json()
    assert now["contents"] == {"steel": "Ada’s rack"}
    frozen = await client.post(
        "/api/configurations", json={"product": "rack", "choices": now["choices"], "contents": now["contents"]}
    )
    assert frozen.json()["contents"] == {"steel": "Ada’s rack"}
    told = await client.get(f"/api/configurations/{frozen.json()['id']}/explosion", headers={"who": "paula/planner"})
    assert told.json()["operations"][-1]["parameters"]["label"] == "Ada’s rack"
    for contents in ({"steel": "far too long a text"}, {"steel": " "}, {"steel": "a\u202eb"}, {"height": "x"}):
        refused = await click(client, now, contents=contents)
        assert refused.status_code == 422, contents
    plain = (await click(client, now, take={"steel": "plain"})).json()
    assert plain["contents"] == {}


async def test_what_must_be_brought_is_asked_for(client: httpx.AsyncClient, desk: Desk) -> None:
    await desk.design.install("lumen", edited(PAINTED, "pack.yaml", "1.0.0", "1.0.1"), Actor("lumen", "ada", "A", "engineer"))
    refused = await client.post("/api/configurations", json={"product": "rack", "choices": {"steel": "painted"}})
    assert refused.json()["type"] == "urn:batchone:problem:design.content_missing"


def picture(kind: str, width: int = 20, height: int = 10, **more: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(file, kind, **more)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
async def test_a_picture_is_kept_by_its_content_and_served_as_what_it_is(
    client: httpx.AsyncClient, desk: Desk, tmp_path: Path, kind: str
) -> None:
    content = picture(kind)
    answer = await client.post("/api/pictures", content=content, headers={"content-type": "text/html"})
    kept = answer.json()
    assert (answer.status_code, kept["format"], kept["width"], kept["height"], kept["size"]) == (
        201,
        kind,
        20,
        10,
        len(content),
    )
    desk.start()
    assert (await client.post("/api/pictures", content=content)).json() == kept
    assert [path.name for path in (tmp_path / "pictures").rglob("*") if path.is_file()] == [kept["digest"]]
    seen = await client.get(f"/api/pictures/{kept['digest']}")
    assert (seen.content, seen.headers["content-type"]) == (content, f"image/{kind}")
    assert seen.headers["x-content-type-options"] == "nosniff"
    assert seen.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert (await client.get(f"/api/pictures/{kept['digest']}", headers={"who": ""})).status_code == 401


def moving() -> bytes:
    file = io.BytesIO()
    frames = [Image.new("RGB", (9, 9), (shade, 0, 0)) for shade in (0, 99)]
    frames[0].save(file, "webp", save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def bomb() -> bytes:
    """A small file that would be a very large picture."""
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "png")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "picture_format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "picture_format"),
        (b"GIF89a" + b"\0" * 100, "picture_format"),
        (b"\x89PNG\r\n\x1a\n<html>", "picture_format"),
        (picture("png")[:-30], "picture_format"),
        (picture("jpeg")[:200], "picture_format"),
        (b"\0" * 4_000_001, "picture_size"),
        (moving(), "picture_moves"),
        (bomb(), "picture_pixels"),
    ],
    ids=["empty", "svg", "gif", "html in disguise", "half a png", "half a jpeg", "large", "moving", "bomb"],
)
async def test_what_is_no_picture_is_refused_and_nothing_kept(
    client: httpx.AsyncClient, tmp_path: Path, content: bytes, kind: str
) -> None:
    refused = await client.post("/api/pictures", content=content)
    assert (refused.status_code, refused.json()["type"]) == (422, f"urn:batchone:problem:design.{kind}")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_a_picture_of_ones_own_is_checked_against_its_value(client: httpx.AsyncClient, desk: Desk) -> None:
    await desk.design.install("lumen", edited(PICTURES, "pack.yaml", "1.0.0", "1.0.1"), Actor("lumen", "ada", "A", "engineer"))
    fits = (await client.post("/api/pictures", content=picture("png"))).json()["digest"]
    small = (await client.post("/api/pictures", content=picture("png", 7, 9))).json()["digest"]
    wide = (await client.post("/api/pictures", content=picture("png", 101, 9))).json()["digest"]
    now = await begun(client)
    for digest in (small, wide, "0" * 64, "../../etc/passwd"):
        refused = await click(client, now, take={"steel": "painted"}, contents={"steel": digest})
        assert refused.status_code in (404, 422), digest
    now = (await click(client, now, take={"steel": "painted"}, contents={"steel": fits})).json()
    assert now["contents"] == {"steel": fits}


async def test_costs_are_told_to_sellers_and_never_to_a_customer(client: httpx.AsyncClient) -> None:
    body = {"choices": {"shelves": "2"}, "quantity": 12}
    for path, extra in (
        ("/api/products/rack/price", body), ("/api/products/rack/configure", {"choices": {}}),
        ("/api/products/rack/suggest", {"choices": {}, "wish": "cheapest"}),
        ("/api/products/rack/compare", {"one": {}, "other": {"shelves": "2"}}),
    ):  # fmt: skip
        for who in ("bob", "bob/customer/big-shop", "olga/operator", "sue/supplier/foundry"):
            answer = await client.post(path, json=extra, headers={"who": who})
            assert answer.status_code == 200
            assert '"cost":null' in answer.text.replace(" ", "") or '"cost"' not in answer.text
    seller = (await client.post("/api/products/rack/price", json=body, headers={"who": "paula/planner"})).json()
    # base: 150 cm at 0.02 and two shelves, 5 plates of 3.00; a lamp of 1.00 for each shelf
    assert seller["cost"] == {"amount": "17.00", "currency": "EUR"}


async def test_a_price_list_is_for_its_group(client: httpx.AsyncClient, clock: ManualClock) -> None:
    body = {"choices": {}, "quantity": 1}
    await client.post("/api/products/rack/price", json=body)
    await clock.advance(3 * 86400)
    everybody = (await client.post("/api/products/rack/price", json=body)).json()
    assert everybody["day"] == "2026-04-04"
    dealer = (await client.post("/api/products/rack/price", json=body, headers={"who": "d/customer/big-shop"})).json()
    assert (everybody["price_list"], everybody["total"]["amount"]) == ("spring", "62.50")
    assert (dealer["price_list"], dealer["total"]["amount"]) == ("dealers", "60.00")
    sneaky = await client.post("/api/products/rack/price", json={**body, "party": "big-shop"})
    assert sneaky.json() == everybody
    seller = await client.post("/api/products/rack/price", json={**body, "party": "big-shop"}, headers={"who": "p/planner"})
    assert seller.json()["total"] == dealer["total"]
    state = (
        await client.post("/api/products/rack/configure", json={"choices": {}}, headers={"who": "d/customer/big-shop"})
    ).json()
    assert state["price"]["amount"] == "60.00"


async def test_suggestions_and_comparisons_are_answered(client: httpx.AsyncClient, desk: Desk) -> None:
    desk.orders = (
        *(SimpleNamespace(product="rack", choices={"steel": "inox", "shelves": "1"}, quantity=n) for n in (3, 4)),
        SimpleNamespace(product="other", choices={"steel": "painted"}, quantity=50),
    )
    found = {}
    for wish in ("default", "cheapest", "earliest", "popular"):
        answer = await client.post("/api/products/rack/suggest", json={"choices": {"extras.cover": "no"}, "wish": wish})
        found[wish] = answer.json()
    assert found["popular"]["choices"]["steel"] == "inox"
    assert found["cheapest"]["choices"]["height"] == "100"
    assert found["cheapest"]["price"]["amount"] == "57.50"
    other = (await client.post("/api/products/rack/compare", json={"one": {}, "other": {"shelves": "2"}})).json()
    assert [(each["option"], each["one"], each["other"]) for each in other["options"]] == [
        ("shelves", "1", "2"), ("shelf.2.load", None, "50"), ("shelf.2.boxes", None, "0"),
    ]  # fmt: skip
    assert [(each["variant"], each["op"], each["one"], each["other"]) for each in other["bom"]] == [
        ("base-plate", "90", 4, 5), ("bulb-led", "10.2", 0, 1),
    ]  # fmt: skip


async def test_yesterdays_configuration_is_judged_by_todays_product(
    client: httpx.AsyncClient, desk: Desk, clock: ManualClock
) -> None:
    frozen = (await client.post("/api/configurations", json={"product": "rack", "choices": {"steel": "inox"}})).json()
    path = f"/api/configurations/{frozen['id']}/judgement"
    assert (await client.get(path)).json()["buildable"] is True
    later = (await client.get(path, params={"day": "2026-07-01"})).json()
    assert (later["buildable"], later["day"]) == (False, "2026-07-01")
    assert [each["text"]["en"] for each in later["reasons"]] == ["Steel: Stainless was sold until 2026-06-30."]
    newer = edited(RACK, "pack.yaml", "version: 1.0.0", "version: 1.1.0")
    newer = edited(newer, "bom.yaml", "{of: shelves, by: 1}]", "{of: shelves, by: 2}]")
    await desk.design.install("lumen", newer, Actor("lumen", "ada", "Ada", "engineer"))
    changed = (await client.get(path)).json()
    assert (changed["buildable"], changed["version"], changed["newest"]) == (True, "1.0.0", "1.1.0")
    assert [(each["variant"], each["one"], each["other"]) for each in changed["bom"]] == [("base-clamp", 4, 5)]
    gone = edited(edited(newer, "pack.yaml", "1.1.0", "1.2.0"), "options.yaml", ", inox: shiny", "")
    gone = {**gone, "options.yaml": "".join(line for line in gone["options.yaml"].splitlines(True) if "id: inox" not in line)}
    gone = {name: text.replace(", steel = inox", "").replace("steel: {inox: \"25.00\"}", "steel: {plain: \"0.00\"}")
            .replace("{steel: {plain: 2, inox: 1}", "{steel: {plain: 2}").replace(
                "      - {when: ends = shiny, variant: base-clamp}\n", "      - {when: shelves > 9, variant: base-clamp}\n")
            for name, text in gone.items()}  # fmt: skip
    await desk.design.install("lumen", gone, Actor("lumen", "ada", "Ada", "engineer"))
    lost = (await client.get(path)).json()
    assert (lost["buildable"], lost["reasons"][0]["text"]["en"]) == (False, "'inox' is no value of steel any more.")
    await clock.advance((datetime(2026, 7, 2, tzinfo=UTC) - clock.now()).total_seconds())
    explosion = await client.get(f"/api/configurations/{frozen['id']}/explosion", headers={"who": "p/planner"})
    assert explosion.status_code == 200, "what was frozen can always be made by the version that it was made with"


async def test_every_route_is_described(desk: Desk) -> None:
    paths = desk.app().openapi()["paths"]
    for path in (
        "/api/choosing/{choosing}/clicks",
        "/api/saved/{token}/vote",
        "/api/pictures",
        "/api/products/{product}/price",
    ):
        for operation in paths[path].values():
            assert operation["description"]
    assert set(paths["/api/pictures"]["post"]["requestBody"]["content"]) == {"image/png", "image/jpeg", "image/webp"}
