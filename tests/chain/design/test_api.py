from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from tests.support_pack import SMALL, edited

from batchone.chain.design.api import router
from batchone.chain.design.authoring import AuthoringService
from batchone.chain.design.editions import Editions
from batchone.chain.design.module import MODULE
from batchone.chain.design.service import DesignService
from batchone.contracts.authoring import Authoring
from batchone.contracts.design import Design
from batchone.contracts.enterprises import Actor, Role
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.http import install_problems
from batchone.kernel.ids import TimeIds
from batchone.kernel.module import Context

pytestmark = pytest.mark.engine


@pytest.fixture
async def client(database: Database, clock: ManualClock, ids: TimeIds) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose `role` header says who asks; the small pack is installed."""
    assert MODULE.migrations
    await migrate(database, "design", MODULE.migrations)
    service = DesignService(database, clock, ids)
    await service.install("lumen", SMALL, Actor("lumen", "ada", "Ada", "engineer"))
    app = FastAPI()
    install_problems(app)
    authoring = AuthoringService(database, clock, Editions(database), service)
    served = {Design: service, Authoring: authoring}
    app.include_router(router(cast(Context, SimpleNamespace(get=served.__getitem__))))

    @app.middleware("http")
    async def signed_in(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        role = request.headers.get("role")
        if role:
            request.state.actor = Actor("lumen", "ada", "Ada", cast(Role, role))
        return await call(request)

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"role": "customer"}) as asked:
        yield asked


async def test_a_customer_configures_and_freezes(client: httpx.AsyncClient) -> None:
    assert [product["id"] for product in (await client.get("/api/products")).json()] == ["lamp"]
    state = (await client.post("/api/products/lamp/configure", json={"choices": {"light": "halogen"}})).json()
    height = {value["id"]: value["standing"] for value in state["options"][1]["values"]}
    assert height == {"30": "selectable", "45": "selectable", "60": "excluded"}
    assert state["price"] == {"amount": "24.00", "currency": "EUR"}
    answer = await client.post("/api/configurations", json={"product": "lamp", "choices": {"foot": "clamp"}})
    assert answer.status_code == 201
    frozen = answer.json()
    assert (await client.get(f"/api/configurations/{frozen['id']}")).json() == frozen


async def test_the_drawing_is_svg_that_can_run_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/products/lamp/drawing?foot=square")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert 'fill="#222222"' in answer.text
    assert (await client.get("/api/products/lamp/drawing?foot=square&foot=round")).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("/api/products/lamp/configure", {"choices": {"light": "neon"}}, 422, "design.unknown_value"),
        ("/api/products/lamp/configure", {"choices": {"light": "halogen", "height_cm": "60"}}, 422, "design.impossible"),
        ("/api/products/lamp/configure", {"choices": {"height_cm": 60}}, 422, "request.invalid"),
        ("/api/products/lamp/configure", {"chosen": {}}, 422, "request.invalid"),
        ("/api/products/lamp/configure", {"choices": {"light": "a\u0000b"}}, 422, "request.invalid"),
        ("/api/products/chair/configure", {}, 404, "design.unknown_product"),
        ("/api/configurations", {"product": "lamp", "choices": {"foot": "oval"}}, 422, "design.unknown_value"),
    ],
)
async def test_bad_input_is_a_problem_that_says_what_and_how_to_cure_it(
    client: httpx.AsyncClient, path: str, body: object, status: int, kind: str
) -> None:
    answer = await client.post(path, json=body)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"urn:batchone:problem:{kind}")
    assert problem["detail"]
    assert problem["cure"]


async def test_costs_and_bills_are_for_staff(client: httpx.AsyncClient) -> None:
    frozen = (await client.post("/api/configurations", json={"product": "lamp"})).json()
    for path in ("/api/products/lamp/pack", f"/api/configurations/{frozen['id']}/explosion"):
        assert (await client.get(path)).status_code == 403
        assert (await client.get(path, headers={"role": "planner"})).status_code == 200
        assert (await client.get(path, headers={"role": ""})).status_code == 401


async def test_only_engineers_install_and_all_faults_come_back(client: httpx.AsyncClient) -> None:
    broken = edited(SMALL, "signals.yaml", "unit: rpm", "unit: spins")
    assert (await client.post("/api/packs", json={"files": broken})).status_code == 403
    answer = await client.post("/api/packs", json={"files": broken}, headers={"role": "engineer"})
    assert answer.status_code == 422
    assert answer.json()["faults"].startswith("signals.yaml:6:")
    newer = edited(SMALL, "pack.yaml", "version: 1.0.0", "version: 1.1.0")
    answer = await client.post("/api/packs", json={"files": newer}, headers={"role": "engineer"})
    assert (answer.status_code, answer.json()["version"]) == (201, "1.1.0")


async def test_a_draft_of_rules_is_tried_and_becomes_the_next_version_once(client: httpx.AsyncClient) -> None:
    engineer = {"role": "engineer"}
    assert (await client.get("/api/products/lamp/rules")).status_code == 403
    rules = (await client.get("/api/products/lamp/rules", headers=engineer)).json()
    assert (rules["version"], rules["text"]) == ("1.0.0", SMALL["rules.yaml"])
    draft = rules["text"].replace("height_cm <= 45", "height_cm <= 30")
    orders = {"tall": {"light": "halogen", "height_cm": "45"}, "low": {}}
    told = (
        await client.post("/api/products/lamp/rules/try", json={"text": draft, "orders": orders}, headers={"role": "planner"})
    ).json()
    assert [(each["name"], each["possible"]) for each in told["orders"]] == [("tall", False), ("low", True)]
    assert told["orders"][0]["reason"]["rules"] == ["hot-lamps-stay-low"]
    assert (await client.get("/api/products/lamp/rules", headers=engineer)).json()["version"] == "1.0.0", "nothing is kept"
    body = {"text": draft, "base": "1.0.0"}
    assert (await client.post("/api/products/lamp/rules", json=body, headers={"role": "planner"})).status_code == 403
    released = await client.post("/api/products/lamp/rules", json=body, headers=engineer)
    assert (released.status_code, released.json()["version"]) == (201, "1.0.1")
    again = await client.post("/api/products/lamp/rules", json=body, headers=engineer)
    assert again.status_code == 409
    assert "1.0.1 came into force" in again.text
    faulty = await client.post("/api/products/lamp/rules", json={"text": "rules: [", "base": "1.0.1"}, headers=engineer)
    assert faulty.status_code == 422
    assert "rules.yaml:1" in faulty.json()["faults"]
    assert (await client.get("/api/products/lamp/rules", headers=engineer)).json()["text"] == draft
