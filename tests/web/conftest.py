"""Pages over a made-up plant of a small pack, asked without a browser; no vendored file needs to be built for them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from fastapi import FastAPI
from tests.support_pack import SMALL
from tests.web.fakes import FakeServices
from tests.web.world import make_world

from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.design.packs import load_files
from batchone.kernel.clock import ManualClock
from batchone.web.app import create_app
from batchone.web.settings import WebSettings
from batchone.web.static_files import STATIC, own_files

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
As = Callable[[str], httpx.AsyncClient]


@pytest.fixture(scope="session")
def blueprint() -> Blueprint:
    return compile_pack(load_files(SMALL))


@pytest.fixture
def services(blueprint: Blueprint) -> FakeServices:
    clock = ManualClock(NOW)
    return FakeServices(make_world(blueprint, NOW, orders=30), clock, SMALL)


@pytest.fixture(scope="session")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("static")
    for path in own_files(STATIC):
        shutil.copy(path, folder)
    vendor = folder / "vendor" / "0123456789abcdef"
    vendor.mkdir(parents=True)
    (vendor / "VENDORED.json").write_text("{}")
    (vendor / "ix.js").write_text("plain")
    (vendor / "ix.js.gz").write_bytes(b"\x1f\x8b compressed")
    return folder


@pytest.fixture
def app(services: FakeServices, static: Path) -> FastAPI:
    return create_app(services, WebSettings(time_zone="Asia/Shanghai", assets=static))


@pytest.fixture
async def as_(app: FastAPI) -> AsyncIterator[As]:
    """A browser of a person (nobody for the empty name), which takes pages."""
    clients: list[httpx.AsyncClient] = []

    def of(person: str) -> httpx.AsyncClient:
        cookies = {"batchone_session": person} if person else {}
        headers = {"Accept": "text/html", "Accept-Language": "en"}
        if person:
            headers["X-CSRF-Token"] = f"csrf-{person}"
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://plant", cookies=cookies, headers=headers
        )
        clients.append(client)
        return client

    yield of
    for client in clients:
        await client.aclose()
