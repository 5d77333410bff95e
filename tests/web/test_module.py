"""The pages as a module: served on their port, refused while it is taken, stopped at once although streams are open."""

import asyncio
import socket
import time

import httpx
import pytest
from fastapi import FastAPI

from batchone.kernel.errors import TryLater
from batchone.web.module import MODULE, REQUIRED, serve
from batchone.web.services import web_of_app
from batchone.web.settings import WebSettings


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


async def answering(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await client.get("/sign-in")
                return
            except httpx.ConnectError:
                await asyncio.sleep(0.02)


async def test_the_pages_stop_at_once_although_a_stream_is_open(app: FastAPI, port: int) -> None:
    running = asyncio.create_task(serve(app, WebSettings(port=port)))
    cookies = {"batchone_session": "eva"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", cookies=cookies, timeout=10) as client:
        await answering(client)
        async with client.stream("GET", "/line/lamp/live") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            first = await anext(stream.aiter_text())
            assert "hx-partial" in first
            assert web_of_app(app).hub.viewers == 1
            began = time.monotonic()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert time.monotonic() - began < 3
    assert web_of_app(app).hub.viewers == 0


async def test_a_port_that_somebody_else_has_is_waited_for(app: FastAPI) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(TryLater, match="Free the port"):
        await serve(app, WebSettings(port=int(taken.getsockname()[1])))


def test_the_declaration_names_what_the_pages_read() -> None:
    assert MODULE.name == "web"
    assert MODULE.requires == REQUIRED
    assert MODULE.provides == ()
