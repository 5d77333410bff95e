from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI, Request

from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import Alarm, Alarms
from batchone.kernel.errors import NotFound
from batchone.kernel.http import install_problems
from batchone.machines.alarms.api import router

ALARM = Alarm(
    "AL-1", "m/x", "m", "high", "warning", 30.0, 31.0, "degC", {"en": "X"}, "unacknowledged",
    datetime(2026, 3, 2, 8, tzinfo=UTC), None, None, "",
)  # fmt: skip


class FakeAlarms:
    def __init__(self) -> None:
        self.asked: list[object] = []

    async def active(self, tenant: str, equipment: str) -> tuple[Alarm, ...]:
        self.asked.append(("active", tenant, equipment))
        return (ALARM, ALARM)

    async def history(self, tenant: str, equipment: str, limit: int) -> tuple[Alarm, ...]:
        self.asked.append(("history", tenant, equipment, limit))
        return (ALARM,)

    async def acknowledge(self, tenant: str, alarm: str, actor: Actor) -> Alarm:
        if alarm != ALARM.id:
            raise NotFound("alarms.unknown", f"There is no alarm {alarm}.", "See /api/alarms.")
        self.asked.append(("acknowledge", tenant, alarm, actor.person))
        return replace(ALARM, state="acknowledged", acknowledged_by=actor.person)


class FakeContext:
    def __init__(self) -> None:
        self.alarms = FakeAlarms()

    def get(self, protocol: type) -> object:
        assert protocol is Alarms
        return self.alarms


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
        request.state.actor = Actor("t", "wang", "Wang", role) if role else None
        return await call_next(request)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", headers={"role": "operator"}) as made:
        yield made


async def test_active_alarms_are_listed(client, context) -> None:
    answer = await client.get("/api/alarms?equipment=m&limit=1")
    assert [each["id"] for each in answer.json()] == ["AL-1"]
    assert context.alarms.asked == [("active", "t", "m")]


async def test_all_alarms_are_listed_newest_first(client, context) -> None:
    assert len((await client.get("/api/alarms?show=all&limit=7")).json()) == 1
    assert context.alarms.asked == [("history", "t", "", 7)]


@pytest.mark.parametrize("role", ["operator", "engineer", "admin"])
async def test_who_works_at_the_machines_may_acknowledge(client, role: str) -> None:
    answer = await client.post("/api/alarms/AL-1/acknowledge", headers={"role": role})
    assert (answer.status_code, answer.json()["acknowledged_by"]) == (200, "wang")


@pytest.mark.parametrize(("role", "status"), [("planner", 403), ("customer", 403), ("supplier", 403), ("", 401)])
async def test_others_may_not(client, context, role: str, status: int) -> None:
    answer = await client.post("/api/alarms/AL-1/acknowledge", headers={"role": role})
    assert answer.status_code == status
    assert context.alarms.asked == []


async def test_an_unknown_alarm_is_a_problem_that_says_so(client) -> None:
    answer = await client.post("/api/alarms/AL-2/acknowledge")
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no alarm AL-2.")


@pytest.mark.parametrize("url", ["/api/alarms?limit=0", "/api/alarms?limit=1001", "/api/alarms?show=some"])
async def test_what_makes_no_list_is_refused(client, url: str) -> None:
    assert (await client.get(url)).status_code == 422
