from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI, Request

from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import EquipmentAt, Gap, LastValue, SignalAt, Twin
from batchone.kernel.http import install_problems
from batchone.machines.twin.api import router

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class FakeContext:
    def get(self, protocol: type) -> FakeContext:
        assert protocol is Twin
        return self

    async def last(self, tenant: str, equipment: str) -> tuple[LastValue, ...]:
        return (LastValue(f"{equipment}/x", 1.5, 0, NOON, NOON),) if tenant == "t" else ()

    async def at(self, tenant: str, equipment: str, time: datetime) -> EquipmentAt:
        signals = (SignalAt(f"{equipment}/x", 1.5, 0, NOON, (time - NOON).total_seconds()),)
        return EquipmentAt(equipment, time, "running", NOON, signals, (), NOON, (Gap("none", f"{equipment}/y"),))


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install_problems(app)
    app.include_router(router(FakeContext()))

    @app.middleware("http")
    async def sign_in(request: Request, call_next):
        tenant, _, role = request.headers.get("who", "").partition("/")
        request.state.actor = Actor(tenant, "p", "P", role) if role else None
        return await call_next(request)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as made:
        yield made


async def test_last_values_of_an_equipment_are_answered(client) -> None:
    answer = await client.get("/api/twin/m", headers={"who": "t/engineer"})
    times = {"source_time": "2026-03-02T12:00:00Z", "received_time": "2026-03-02T12:00:00Z"}
    assert answer.json() == [{"path": "m/x", "value": 1.5, "quality": 0, **times}]


async def test_another_enterprise_sees_nothing_of_it(client) -> None:
    assert (await client.get("/api/twin/m", headers={"who": "u/engineer"})).json() == []


@pytest.mark.parametrize(("who", "status"), [("t/customer", 403), ("t/supplier", 403), ("", 401)])
async def test_who_has_no_business_there_is_refused(client, who: str, status: int) -> None:
    assert (await client.get("/api/twin/m", headers={"who": who})).status_code == status


async def test_with_a_time_the_answer_is_how_the_equipment_was_then(client) -> None:
    answer = await client.get("/api/twin/m", params={"at": "2026-03-02T13:00:00+01:00"}, headers={"who": "t/engineer"})
    told = answer.json()
    assert (told["at"], told["state"]) == ("2026-03-02T13:00:00+01:00", "running")
    assert told["signals"] == [{"path": "m/x", "value": 1.5, "quality": 0, "source_time": "2026-03-02T12:00:00Z", "age_s": 0.0}]
    assert told["gaps"] == [{"reason": "none", "what": "m/y"}]


async def test_what_is_no_time_is_refused(client) -> None:
    assert (await client.get("/api/twin/m", params={"at": "noon"}, headers={"who": "t/engineer"})).status_code == 422
