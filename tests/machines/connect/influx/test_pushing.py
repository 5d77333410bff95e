"""From an HTTP body to samples on disk: route, service, link and driver, with nobody between them but the test."""

from __future__ import annotations

import asyncio
import gzip
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request

from batchone.contracts.enterprises import Actor
from batchone.contracts.sources import Point, Source, Sources, Taken
from batchone.kernel.bus import SAMPLES
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import SystemClock
from batchone.kernel.http import install_problems
from batchone.machines import columns
from batchone.machines.connect.driver import Reach
from batchone.machines.connect.floor import Floor
from batchone.machines.connect.influx.api import router
from batchone.machines.connect.influx.driver import InfluxDriver
from batchone.machines.connect.link import Link, Patience
from batchone.machines.connect.shipping import Bounds, Shipping
from batchone.machines.connect.wiring import wire_source

POINTS = (Point("comp-1/pressure", "air,tag=x  p"), Point("comp-1/hours", "air,tag=x hours"))
AGENT = Actor("t", "agent", "Agent", "engineer")


class Site:
    """Routes over a link that is up; what it keeps is read from its log."""

    def __init__(self, folder: Path) -> None:
        self.bus, clock = MemoryBus(), SystemClock()
        wiring = wire_source(Source("agents", "influx://agents", {}, POINTS), "influx", {p.path for p in POINTS}, (), {})
        self.shipping = Shipping(self.bus, "t", "agents", "B1", folder, Bounds(batch_s=60, batch_rows=10**9), time.time)
        self.link = Link(
            wiring, lambda: InfluxDriver(wiring, Reach(), clock), floor=Floor(lambda *_: None), shipping=self.shipping,
            clock=clock, chance=random.Random(1), sleep=asyncio.sleep, patience=Patience(), on_jobs=lambda *_: None,
        )  # fmt: skip
        app = FastAPI()
        install_problems(app)
        app.include_router(router(self))  # type: ignore[arg-type]

        @app.middleware("http")
        async def sign_in(request: Request, call_next):
            request.state.actor = AGENT
            return await call_next(request)

        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t")

    def get(self, protocol: type) -> Site:
        assert protocol is Sources
        return self

    async def push(self, tenant: str, source: str, body: str, settings: dict[str, str]) -> Taken:
        assert (tenant, source) == ("t", "agents")
        return await self.link.push(body, settings)

    def kept(self) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        while (entry := self.shipping._spool.first()) is not None:
            batch = columns.from_bytes(entry.data)
            for path, value in zip(batch.column("path").to_pylist(), columns.values_of(batch).tolist(), strict=True):
                found.setdefault(path, []).append(value)
            self.shipping._spool.done()
        return found


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path / "agents")
    running = asyncio.create_task(made.link.run())
    await asyncio.sleep(0.05)
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await made.shipping.close()
    await made.client.aclose()


async def test_an_answer_of_204_means_that_the_samples_are_on_disk(site: Site) -> None:
    body = "air,tag=x p=7.5,hours=12i 1700000000000000000\nair,tag=y p=1 1700000000000000000\n"
    answer = await site.client.post("/api/influx/write?db=agents", content=body)
    assert answer.status_code == 204, answer.text
    assert site.kept() == {"comp-1/pressure": [7.5], "comp-1/hours": [12]}
    (stray,) = site.link.quarantine.listed()
    assert (stray.path, stray.reason, stray.value) == ("agents/air,tag=y p", "undeclared", 1)
    assert not site.bus._logs[SAMPLES.name].messages


async def test_version_two_packed_and_with_times_in_seconds(site: Site) -> None:
    body = gzip.compress(b"air,tag=x p=7.5 1700000000")
    answer = await site.client.post(
        "/api/influx/api/v2/write?org=x&bucket=agents&precision=s", content=body, headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 204, answer.text
    entry = site.shipping._spool.first()
    assert entry is not None
    assert columns.times_us(columns.from_bytes(entry.data)).tolist() == [1_700_000_000_000_000]


async def test_lines_that_cannot_be_read_are_told_and_the_others_are_kept(site: Site) -> None:
    answer = await site.client.post("/api/influx/write?db=agents", content="air,tag=x p=1\nair p=\nair,tag=x p=2\n")
    assert answer.status_code == 422
    assert "1 lines could not be read" in answer.json()["detail"]
    assert "line 2" in answer.json()["detail"]
    assert site.kept() == {"comp-1/pressure": [1, 2]}


async def test_a_body_of_many_lines_goes_in_parts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchone.machines.connect.influx.api._PART", 100)
    body = "".join(f"air,tag=x p={number} {number}\n" for number in range(50))
    assert (await site.client.post("/api/influx/write?db=agents", content=body)).status_code == 204
    assert site.kept() == {"comp-1/pressure": [float(number) for number in range(50)]}


async def test_a_small_body_that_stands_for_a_very_large_one_is_not_unpacked(site: Site) -> None:
    bomb = gzip.compress(b"#" * 50_000_000)
    answer = await site.client.post("/api/influx/write?db=agents", content=bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 422
    assert "more than 32000000 bytes" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "headers", "query"),
    [(b"\xff\xfe", {}, ""), (b"no gzip", {"Content-Encoding": "gzip"}, ""), (b"a b=1", {"Content-Encoding": "br"}, ""),
     (b"a b=1", {}, "&precision=fortnights")],
)  # fmt: skip
async def test_what_cannot_be_read_at_all_is_refused(site: Site, content: bytes, headers: dict[str, str], query: str) -> None:
    assert (await site.client.post(f"/api/influx/write?db=agents{query}", content=content, headers=headers)).status_code == 422
    assert site.kept() == {}


async def test_a_disk_that_takes_nothing_asks_for_the_samples_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    answer = await site.client.post("/api/influx/write?db=agents", content="air,tag=x p=1")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
