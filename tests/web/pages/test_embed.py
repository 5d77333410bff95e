"""The configurator for other sites: answers for allowed origins alone, without a session, in one language."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from tests.web.fakes import FakeServices

from batchone.kernel.errors import Refused
from batchone.kernel.settings import read
from batchone.web.app import create_app
from batchone.web.settings import WebSettings

SHOP = "https://shop.example"


@pytest.fixture
def embedding(services: FakeServices, static: Path) -> FastAPI:
    return create_app(services, WebSettings(assets=static, embed_origins=(SHOP, "http://localhost:9000")))


async def ask(app: FastAPI, path: str, origin: str = SHOP, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.get(path, headers={**({"origin": origin} if origin else {}), **headers})


async def test_an_allowed_site_gets_every_value_with_price_or_reason(embedding: FastAPI) -> None:
    answer = await ask(embedding, "/embed/lamp?light=halogen&lang=zh-CN")
    told = answer.json()
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]
    height = {value["id"]: value for option in told["options"] if option["id"] == "height_cm" for value in option["values"]}
    assert height["60"] == {
        "id": "60",
        "name": "60 cm",
        "blocked": True,
        "give_up": {"light": "光源：卤素"},
        "reason": "卤素很热。",
        "change": "",
    }
    assert (height["45"]["give_up"], told["words"]["anyway"]) == ({}, "仍要选择")
    assert height["45"]["change"] == "3.00"
    assert (told["price"], told["shop"]) == ({"amount": "24.00", "currency": "EUR"}, "/shop/lamp?light=halogen")
    assert told["drawing"].startswith("<svg")
    assert "cost" not in answer.text


@pytest.mark.parametrize(
    "origin", ["", "https://evil.example", "https://shop.example.evil.example", "null", "http://shop.example"]
)
async def test_any_other_site_is_refused_and_its_browser_told_nothing(embedding: FastAPI, origin: str) -> None:
    answer = await ask(embedding, "/embed/lamp", origin)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:batchone:problem:web.embed_origin")
    assert "access-control-allow-origin" not in answer.headers


async def test_nobody_may_embed_unless_somebody_was_named(app: FastAPI) -> None:
    assert (await ask(app, "/embed/lamp")).status_code == 403


async def test_a_session_is_neither_needed_nor_looked_at(embedding: FastAPI) -> None:
    bare = await ask(embedding, "/embed/lamp")
    signed = await ask(embedding, "/embed/lamp", cookie="batchone_session=ada", authorization="Bearer nonsense")
    assert bare.status_code == signed.status_code == 200
    assert bare.json() == signed.json()


async def test_refusals_reach_the_allowed_site(embedding: FastAPI) -> None:
    for path, status in (("/embed/chair", 404), ("/embed/lamp?foot=oval", 422), ("/embed/lamp?foot=round&foot=square", 422)):
        answer = await ask(embedding, path)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, SHOP)
        assert answer.json()["detail"]


async def test_the_script_is_for_everybody_and_pages_are_still_not_framed(embedding: FastAPI) -> None:
    script = await ask(embedding, "/embed/widget.js", "https://anybody.example")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "customElements.define" in script.text
    page = await ask(embedding, "/sign-in")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "origin", ["*", "shop.example", "http://shop.example", "https://shop.example/", "https://*.example", "https://a@b.example"]
)
def test_an_origin_that_is_none_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(Refused, match="is no origin of another site"):
        read(WebSettings, {"embed_origins": [origin]}, "web")
