"""The HTTP border: every error is a problem detail, and says the same in its head and its body."""

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel

from batchone.kernel.errors import Broken, Conflict, Expired, Forbidden, NotFound, Refused, TryLater, Unauthenticated
from batchone.kernel.http import PROBLEM, idempotency_key, install_problems

KINDS = {
    "refused": Refused("a.b", "It is wrong.", "Mend it.", item="I-1", status="sent"),
    "unauthenticated": Unauthenticated("a.b", "x", "y"),
    "forbidden": Forbidden("a.b", "x", "y"), "missing": NotFound("a.b", "x", "y"), "conflict": Conflict("a.b", "x", "y"),
    "expired": Expired("a.b", "x", "y"), "later": TryLater("a.b", "x", after_s=7.4), "broken": Broken("a.b", "x", "y"),
}  # fmt: skip


class Body(BaseModel):
    count: int


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_problems(app)

    @app.get("/fail/{kind}")
    async def fail(kind: str) -> None:
        raise KINDS[kind]

    @app.get("/unexpected")
    async def unexpected() -> None:
        raise ValueError("a password")

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "short and stout", {"X-Spout": "left"})

    @app.post("/count")
    async def count(body: Body) -> int:
        return body.count

    @app.post("/once")
    async def once(key: Annotated[str, Depends(idempotency_key)]) -> str:
        return key

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://plant") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/fail/refused", 422), ("/fail/unauthenticated", 401), ("/fail/forbidden", 403), ("/fail/missing", 404),
        ("/fail/conflict", 409), ("/fail/expired", 410), ("/fail/later", 503), ("/fail/broken", 500), ("/nowhere", 404),
        ("/count", 405), ("/teapot", 418), ("/unexpected", 500),
    ],
)  # fmt: skip
async def test_every_error_is_a_problem_detail_with_its_own_status(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.get(path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["type"].startswith("urn:batchone:problem:")
    assert {"title", "detail", "cure"} <= answer.json().keys()


async def test_a_problem_says_what_where_and_how_to_cure_it(client: httpx.AsyncClient) -> None:
    assert (await client.get("/fail/refused")).json() == {
        "type": "urn:batchone:problem:a.b", "title": "Refused", "status": 422, "detail": "It is wrong.", "cure": "Mend it.",
        "item": "I-1",
    }  # fmt: skip


async def test_try_later_says_when_and_401_says_how(client: httpx.AsyncClient) -> None:
    assert (await client.get("/fail/later")).headers["retry-after"] == "7"
    assert (await client.get("/fail/unauthenticated")).headers["www-authenticate"] == "Bearer"


async def test_what_http_itself_says_is_kept(client: httpx.AsyncClient) -> None:
    assert (await client.get("/count")).headers["allow"] == "POST"
    assert (await client.get("/teapot")).headers["x-spout"] == "left"
    assert (await client.get("/teapot")).json()["detail"] == "short and stout"


async def test_an_unexpected_failure_tells_nothing_of_its_inside(client: httpx.AsyncClient) -> None:
    assert "password" not in (await client.get("/unexpected")).text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"count": "x"}', b'{"count": 1.5}', b"\xff", b"null"])
async def test_a_body_of_another_shape_is_refused_with_its_place(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/count", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 or (answer.status_code == 400 and body == b"\xff")
    assert "body" in answer.json()["detail"]


async def test_what_changes_the_world_needs_a_key(client: httpx.AsyncClient) -> None:
    assert (await client.post("/once", headers={"Idempotency-Key": " k-1 "})).json() == "k-1"
    for headers in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": "  "}, {"Idempotency-Key": "x" * 201}):
        assert (await client.post("/once", headers=headers)).status_code == 422
