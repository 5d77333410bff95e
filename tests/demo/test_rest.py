"""Talking to the API: errors by what to do about them."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from batchone.demo.rest import Rest, again_and_again, patiently, tried
from batchone.kernel.clock import ManualClock
from batchone.kernel.errors import Conflict, Expired, Refused, TryLater


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    def answer(request: httpx.Request) -> httpx.Response:
        status = int(request.url.path.strip("/"))
        if status == 0:
            raise httpx.ConnectError("refused")
        body = {
            "type": "urn:batchone:problem:a.b",
            "detail": "It is so.",
            "cure": "Do other.",
            "auth": request.headers.get("authorization"),
        }
        return httpx.Response(status, json=body) if status != 502 else httpx.Response(502, text="<html>")

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://x") as client:
        yield client


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (409, Conflict),
        (410, Expired),
        (404, Refused),
        (422, Refused),
        (503, TryLater),
        (502, TryLater),
        (429, TryLater),
        (0, TryLater),
    ],
)
async def test_an_answer_becomes_the_error_that_says_what_to_do(client, status, kind) -> None:
    with pytest.raises(kind) as raised:
        await Rest(client).post(f"/{status}")
    if status in (404, 409):
        assert (raised.value.code, raised.value.what, raised.value.cure) == ("a.b", "It is so.", "Do other.")


async def test_a_token_is_sent_where_there_is_one(client) -> None:
    assert (await Rest(client, "secret").get("/200"))["auth"] == "Bearer secret"
    assert (await Rest(client).get("/200"))["auth"] is None


async def test_patience_waits_in_plant_time(clock: ManualClock) -> None:
    tries = []

    async def act() -> str:
        tries.append(clock.now())
        if len(tries) < 3:
            raise TryLater("t", "not yet")
        return "done"

    task = asyncio.create_task(patiently(clock, act))
    for _ in range(4):
        await asyncio.sleep(0)
        await clock.advance(1)
    assert await task == "done"
    assert len(set(tries)) == 3


async def test_refusals_are_told_and_left(client) -> None:
    assert await tried(Rest(client).post("/422"), "this") is False
    assert await tried(Rest(client).post("/200"), "this") is True
    with pytest.raises(TryLater):
        await tried(Rest(client).post("/503"), "this")


async def test_ticks_keep_their_pace_and_spare_the_platform(clock: ManualClock) -> None:
    ticks = []

    async def tick() -> int:
        ticks.append(clock.now())
        return 0

    slow = asyncio.create_task(again_and_again(clock, tick, 60, requests=2))
    await asyncio.sleep(0)
    await clock.advance(300)
    slow.cancel()
    assert len(ticks) == 6
    ticks.clear()
    many = asyncio.create_task(again_and_again(clock, tick, 60, requests=1000))
    await asyncio.sleep(0)
    await clock.advance(300)
    many.cancel()
    assert len(ticks) == 4
