from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request

from batchone.contracts.alarms import (
    Alarm,
    AlarmFilter,
    AlarmLimit,
    Alarms,
    AlarmStatistics,
    LimitEdition,
    LimitSettings,
    Rationale,
    Suppressed,
)
from batchone.contracts.enterprises import Actor
from batchone.kernel.clock import ManualClock
from batchone.kernel.errors import NotFound
from batchone.kernel.http import install_problems
from batchone.machines.alarms.api import router

GUIDE = Path(__file__).parents[3] / "docs/guides/alarms.md"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIMIT = AlarmLimit(
    "m/x", "m", "high", {"en": "X"}, "degC", LimitSettings(30),
    LimitEdition(1, LimitSettings(31), by="wang", at=NOON, why="oil"), LimitSettings(31),
)  # fmt: skip
ALARM = Alarm(
    "AL-1", "m/x", "m", "high", "warning", 30.0, 31.0, "degC", {"en": "X"}, "unacknowledged",
    datetime(2026, 3, 2, 8, tzinfo=UTC), None, None, "",
)  # fmt: skip


class FakeAlarms:
    def __init__(self) -> None:
        self.asked: list[object] = []

    async def find(self, tenant: str, wanted: AlarmFilter, limit: int) -> tuple[Alarm, ...]:
        self.asked.append(("find", tenant, wanted, limit))
        return (ALARM,)

    async def acknowledge(self, tenant: str, alarm: str, actor: Actor) -> Alarm:
        if alarm != ALARM.id:
            raise NotFound("alarms.unknown", f"There is no alarm {alarm}.", "See /api/alarms.")
        self.asked.append(("acknowledge", tenant, alarm, actor.person))
        return replace(ALARM, state="acknowledged", acknowledged_by=actor.person)

    async def shelve(self, tenant: str, path: str, limit: str, for_s: float, reason: str, actor: Actor) -> Suppressed:
        self.asked.append(("shelve", path, limit, for_s, reason, actor.person))
        return Suppressed(path, limit, "shelved", NOON, NOON, actor.person, reason)  # type: ignore[arg-type]

    async def unshelve(self, tenant: str, path: str, limit: str, actor: Actor) -> None:
        self.asked.append(("unshelve", path, limit, actor.person))

    async def take_out(self, tenant: str, path: str, limit: str, reason: str, actor: Actor) -> Suppressed:
        self.asked.append(("take_out", path, limit, reason, actor.person))
        return Suppressed(path, limit, "out_of_service", NOON, None, actor.person, reason)  # type: ignore[arg-type]

    async def put_back(self, tenant: str, path: str, limit: str, actor: Actor) -> None:
        self.asked.append(("put_back", path, limit, actor.person))

    async def suppressed(self, tenant: str) -> tuple[Suppressed, ...]:
        return (Suppressed("m/x", "high", "shelved", NOON, NOON, "wang", "noisy"),)

    async def limits(self, tenant: str, path: str) -> tuple[AlarmLimit, ...]:
        return (LIMIT,)

    async def limit_editions(self, tenant: str, path: str, limit: str) -> tuple[LimitEdition, ...]:
        return (LIMIT.edition,)

    async def change_limit(self, tenant, path, limit, base, settings, rationale, why, actor) -> AlarmLimit:
        self.asked.append(("change", path, limit, base, settings, rationale, why, actor.person))
        return LIMIT

    async def reset_limit(self, tenant: str, path: str, limit: str, why: str, actor: Actor) -> AlarmLimit:
        self.asked.append(("reset", path, limit, why, actor.person))
        return LIMIT

    async def statistics(self, tenant: str, start: datetime, end: datetime) -> AlarmStatistics:
        self.asked.append(("statistics", start, end))
        return AlarmStatistics(start, end, 1, 0, 0, None, 0, (), 0, 0, 0, 0, None, None, {"shelved": 1}, 0, ())


class FakeContext:
    def __init__(self) -> None:
        self.alarms = FakeAlarms()
        self.clock = ManualClock(NOON)

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


async def test_standing_alarms_are_listed(client, context) -> None:
    answer = await client.get("/api/alarms?equipment=m&limit=1")
    assert [each["id"] for each in answer.json()] == ["AL-1"]
    assert context.alarms.asked == [("find", "t", AlarmFilter(equipment="m"), 1)]


async def test_alarms_are_listed_by_what_they_are(client, context) -> None:
    url = (
        "/api/alarms?show=all&path=m/x&kind=high&priority=warning&since=2026-03-02T12:00:00Z&until=2026-03-02T12:00:00Z&limit=7"
    )
    assert len((await client.get(url)).json()) == 1
    assert context.alarms.asked == [("find", "t", AlarmFilter("all", "", "m/x", "high", "warning", NOON, NOON), 7)]


async def test_an_alarm_is_shelved_and_taken_back(client, context) -> None:
    wish = {"path": "m/x", "kind": "high"}
    answer = await client.post("/api/alarms/shelve", json={**wish, "seconds": 600, "reason": "noisy"})
    assert (answer.status_code, answer.json()["kind"], answer.json()["by"]) == (200, "shelved", "wang")
    assert (await client.post("/api/alarms/unshelve", json=wish)).status_code == 204
    assert context.alarms.asked == [("shelve", "m/x", "high", 600, "noisy", "wang"), ("unshelve", "m/x", "high", "wang")]
    assert [each["reason"] for each in (await client.get("/api/alarms/suppressed")).json()] == ["noisy"]


ENGINEERING = [
    ("POST", "/api/alarms/take-out", {"reason": "sensor away"}, ("take_out", "m/x", "high", "sensor away", "wang")),
    ("POST", "/api/alarms/put-back", {}, ("put_back", "m/x", "high", "wang")),
    (
        "PUT", "/api/alarms/limits",
        {"base": 2, "why": "oil", "settings": {"bound": 9, "enabled": True}, "rationale": {"cause": {"zh": "油"}}},
        ("change", "m/x", "high", 2, LimitSettings(9, enabled=True), Rationale({"zh": "油"}), "oil", "wang"),
    ),
    ("POST", "/api/alarms/limits/reset", {"why": "autumn"}, ("reset", "m/x", "high", "autumn", "wang")),
]  # fmt: skip


@pytest.mark.parametrize(("method", "url", "wish", "asked"), ENGINEERING)
async def test_an_engineer_takes_out_of_service_and_changes_limits(client, context, method, url, wish, asked) -> None:
    body = {"path": "m/x", "kind": "high", **wish}
    answer = await client.request(method, url, json=body, headers={"role": "engineer"})
    assert (answer.is_success, context.alarms.asked) == (True, [asked])
    assert (await client.request(method, url, json=body)).status_code == 403, "an operator may not"
    assert len(context.alarms.asked) == 1


async def test_the_examples_of_the_guide_are_taken(client, context) -> None:
    examples = re.findall(r"^(POST|PUT) +(/api/\S+) +(\{.*\})$", GUIDE.read_text(), re.MULTILINE)
    for method, url, body in examples:
        answer = await client.request(method, url, json=json.loads(body), headers={"role": "engineer"})
        assert answer.is_success, (url, answer.text)
    assert [asked[0] for asked in context.alarms.asked] == ["shelve", "unshelve", "take_out", "put_back", "change", "reset"]


async def test_limits_and_their_changes_are_read(client) -> None:
    assert (await client.get("/api/alarms/limits?path=m/x")).json()[0]["in_force"]["bound"] == 31
    assert (await client.get("/api/alarms/limits/editions?path=m/x&kind=high")).json()[0]["why"] == "oil"


async def test_the_figures_are_of_a_window_or_of_the_last_week(client, context) -> None:
    answer = await client.get("/api/alarms/statistics?start=2026-03-02T11:00:00Z")
    assert answer.json()["suppressed"] == {"shelved": 1}
    await client.get("/api/alarms/statistics")
    assert context.alarms.asked == [
        ("statistics", NOON - timedelta(hours=1), NOON), ("statistics", NOON - timedelta(days=7), NOON),
    ]  # fmt: skip


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


@pytest.mark.parametrize(
    "url", ["/api/alarms?kind=odd", "/api/alarms?limit=0", "/api/alarms?limit=1001", "/api/alarms?show=some"]
)
async def test_what_makes_no_list_is_refused(client, url: str) -> None:
    assert (await client.get(url)).status_code == 422
