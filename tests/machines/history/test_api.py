from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import httpx
import pyarrow as pa
import pytest
from fastapi import FastAPI, Request

from batchone.contracts.alarms import Alarm, Alarms
from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import (
    DroppedDay,
    DueDay,
    Gap,
    History,
    HistoryStats,
    Retention,
    RetentionPreview,
    SamplePage,
    Trend,
)
from batchone.kernel.http import install_problems
from batchone.machines import columns
from batchone.machines.history.api import EXPORT_ROWS_MAX, router
from batchone.machines.history.exporting import to_page
from batchone.machines.history.model import check_window

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


class FakeHistory:
    def __init__(self) -> None:
        self.asked: list[object] = []
        self.total = 2

    async def trend(self, tenant: str, paths, start: datetime, end: datetime, points: int) -> Trend:
        check_window(start, end)
        self.asked = [tenant, list(paths), start, points]
        return Trend(start, end, "complete", {"m/x": (1.0,)}, {"m/x": (2.0,)})

    async def stats(self, tenant: str) -> HistoryStats:
        return HistoryStats(1, 2, 3, START, START, 4)

    async def signals(self, tenant: str, day: datetime) -> tuple[str, ...]:
        return ("m/P01/x", "m/x", "n/y")

    async def samples(self, tenant: str, paths, start: datetime, end: datetime, after: str, rows: int) -> SamplePage:
        """Two pages of one sample each."""
        at = columns.to_us(start) + len(after)
        page = columns.to_batch(("m/x",), (0,), (at,), at, (2.0,), (0,))
        return SamplePage(to_page(pa.Table.from_batches([page])), 1, self.total, "" if after else "more", (Gap("none", "m/ö"),))


class FakeRetention:
    """Has one day that is due, and drops what is asked for."""

    async def preview(self, tenant: str, restored: bool) -> RetentionPreview:
        day = DueDay("short", date(2026, 3, 1), 1, 2, 3, ("m/x",), START, START, "abc")
        return RetentionPreview(START, {"short": 1.0, "standard": None, "long": None}, "/archive", (day,))

    async def drop(self, tenant: str, kept: str, day: date, digest: str, actor: Actor) -> DroppedDay:
        return DroppedDay("DROP-1", kept, day, 1, 2, 3, 1, START, START, digest, START, actor.name)


class FakeAlarms:
    """One alarm in the hour, one before it."""

    async def history(self, tenant: str, equipment: str, limit: int) -> tuple[Alarm, ...]:
        return tuple(
            Alarm(
                "A", "m/x", equipment or "m", "high", "alarm", 9.0, 10.0, "bar", {"en": "Pressure"}, "returned",
                at, None, None, "",
            )
            for at in (START + timedelta(minutes=5), START - timedelta(minutes=5))
        )  # fmt: skip


class FakeContext:
    def __init__(self) -> None:
        self.history = FakeHistory()

    def get(self, protocol: type) -> object:
        return {History: self.history, Retention: FakeRetention(), Alarms: FakeAlarms()}[protocol]


@pytest.fixture
def context() -> FakeContext:
    return FakeContext()


@pytest.fixture
async def client(context: FakeContext) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_problems(app)
    app.include_router(router(context))

    @app.middleware("http")
    async def sign_in(request: Request, call_next):
        role = request.headers.get("role")
        request.state.actor = Actor("t", "p", "P", role) if role else None
        return await call_next(request)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", headers={"role": "engineer"}) as made:
        yield made


TREND = "/api/history/trend?path=m/x&path=m/y&start=2026-03-02T08:00:00Z&end=2026-03-02T09:00:00Z"


async def test_a_trend_is_answered_for_the_askers_own_enterprise(client, context) -> None:
    answer = await client.get(TREND + "&points=50")
    assert answer.status_code == 200
    assert answer.json() == {
        "start": "2026-03-02T08:00:00Z", "end": "2026-03-02T09:00:00Z", "answer": "complete",
        "times_s": {"m/x": [1.0]}, "values": {"m/x": [2.0]}, "gaps": [],
    }  # fmt: skip
    assert context.history.asked == ["t", ["m/x", "m/y"], START, 50]


async def test_stats_are_answered(client) -> None:
    assert (await client.get("/api/history/stats")).json()["duplicates"] == 4


@pytest.mark.parametrize("role", ["customer", "supplier"])
async def test_customers_and_suppliers_see_no_machines(client, role: str) -> None:
    answer = await client.get(TREND, headers={"role": role})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


async def test_nobody_sees_anything(client) -> None:
    assert (await client.get(TREND, headers={"role": ""})).status_code == 401


@pytest.mark.parametrize(
    "url",
    [
        "/api/history/trend?start=2026-03-02T08:00:00Z&end=2026-03-02T09:00:00Z",
        TREND + "&points=3",
        TREND + "&points=20001",
        TREND.replace("09:00", "08:00"),
        TREND.replace("Z&end", "&end"),
        TREND + "".join(f"&path={at}" for at in range(70)),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_a_reason(client, url: str) -> None:
    answer = await client.get(url)
    assert answer.status_code == 422
    assert answer.json()["cure"]


DROP = {"kept": "short", "day": "2026-03-01", "digest": "abc"}


async def test_engineers_see_what_is_due_and_only_admins_drop_it(client) -> None:
    (day,) = (await client.get("/api/history/retention")).json()["days"]
    assert (day["rows"], day["signals"], day["digest"]) == (2, ["m/x"], "abc")
    assert (await client.post("/api/history/retention/drop", json=DROP)).status_code == 403
    answer = await client.post("/api/history/retention/drop", json=DROP, headers={"role": "admin"})
    assert (answer.status_code, answer.json()["dropped_by"]) == (200, "P")
    assert (await client.get("/api/history/retention", headers={"role": "operator"})).status_code == 403


SAMPLES = TREND.replace("/trend?", "/samples.csv?")


async def test_samples_are_sent_as_one_file_from_many_pages(client) -> None:
    answer = await client.get(SAMPLES)
    assert answer.headers["batchone-missing"] == "none m/%C3%B6"
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[0] == '"path","source_time","received_time","value","quality"'
    assert len(answer.text.splitlines()) == 3
    arrow = await client.get(SAMPLES.replace(".csv", ".arrow"))
    assert pa.ipc.open_stream(arrow.content).read_all()["path"].to_pylist() == ["m/x", "m/x"]


async def test_a_file_that_would_be_too_large_is_refused_before_it_begins(client, context) -> None:
    context.history.total = EXPORT_ROWS_MAX + 1
    answer = await client.get(SAMPLES)
    assert answer.status_code == 422
    assert "one file holds" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("url", "role", "status"), [(SAMPLES, "customer", 403), (SAMPLES.replace(".csv", ".exe"), "admin", 422)]
)
async def test_a_file_is_for_staff_and_in_a_known_format(client, url: str, role: str, status: int) -> None:
    assert (await client.get(url, headers={"role": role})).status_code == status


HOUR = {"from": "2026-03-02T08:00:00.000Z", "to": "2026-03-02T09:00:00.000Z"}


async def test_grafana_finds_signals_and_gets_their_samples(client, context) -> None:
    assert (await client.get("/api/history/grafana/")).status_code == 200
    assert (await client.post("/api/history/grafana/search", json={"target": "m/"})).json() == ["m/P01/x", "m/x"]
    targets = [{"target": "m/x", "refId": "A", "type": "timeserie"}, {"target": None, "refId": "B"}]
    query = {"range": HOUR, "targets": targets, "maxDataPoints": 1, "intervalMs": 1000}
    answer = await client.post("/api/history/grafana/query", json=query)
    assert answer.json() == [{"target": "m/x", "datapoints": [[2.0, 1000.0]]}]
    assert context.history.asked == ["t", ["m/x"], START, 4]
    assert (await client.post("/api/history/grafana/query", json=query | {"targets": []})).json() == []


async def test_grafana_is_told_of_alarms_in_its_time(client) -> None:
    body = {"range": HOUR, "annotation": {"name": "Alarms", "query": "m", "enable": True}}
    (told,) = (await client.post("/api/history/grafana/annotations", json=body)).json()
    assert told["annotation"] == body["annotation"]
    assert (told["title"], told["text"], told["time"]) == ("m/x high", "Pressure", 1772438700000)


async def test_grafana_without_a_token_gets_nothing(client) -> None:
    for path in ("search", "query", "annotations"):
        assert (await client.post(f"/api/history/grafana/{path}", json={}, headers={"role": ""})).status_code == 401
