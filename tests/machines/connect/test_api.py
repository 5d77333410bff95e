from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI, Request

from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import Connect, ConnectionNow, EquipmentNow, JobReport
from batchone.kernel.errors import NotFound, TryLater
from batchone.kernel.http import install_problems
from batchone.machines.connect.api import router
from batchone.machines.connect.panel import Panel

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REPORT = JobReport("J-1", "m1", "running", 1, 0.25, NOON, None, "make-10", True, {}, 0.0, "")
ORDER = {
    "job": "J-1", "order": "O-1", "item": "I-1", "op": "10", "program": "make-10", "seconds": 5, "setup": "",
    "setup_seconds": 0, "parameters": {"force": 1.5, "film": "x"}, "facts": {},
}  # fmt: skip


class Service:
    """Both protocols; notes what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    async def connections(self, tenant):
        return (ConnectionNow("line", "opcua", "opc.tcp://x", True, NOON, 5, 1, ""),)

    async def equipment(self, tenant):
        return (EquipmentNow("m1", "idle", NOON, True, NOON),)

    async def job_reports(self, tenant, equipment):
        if equipment != "m1":
            raise NotFound("machine.unknown", f"There is no equipment {equipment}.", "Look at the pack.")
        return (REPORT,)

    async def start(self, equipment, order, actor, key):
        self.asked.append(("start", equipment, order.job, dict(order.parameters), actor.person, key))
        return REPORT

    async def abort(self, equipment, job, actor, key):
        self.asked.append(("abort", equipment, job, actor.person, key))

    async def clear(self, equipment, job, actor, key):
        raise TryLater("machine.away", "It does not answer.")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def client(service: Service):
    app = FastAPI()
    install_problems(app)
    context = SimpleNamespace(get={Connect: service, Panel: service}.__getitem__)
    app.include_router(router(context))  # type: ignore[arg-type]

    @app.middleware("http")
    async def sign_in(request: Request, call_next):
        role = request.headers.get("x-role")
        if role:
            request.state.actor = Actor("tinworks", "anna", "Anna", role)  # type: ignore[arg-type]
        return await call_next(request)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as made:
        yield made


def signed_in(role: str, key: str = "") -> dict[str, str]:
    return {"x-role": role} | ({"idempotency-key": key} if key else {})


async def test_staff_see_how_everything_stands(client: httpx.AsyncClient) -> None:
    for path in ("connections", "equipment", "equipment/m1/jobs"):
        answer = await client.get(f"/api/machines/{path}", headers=signed_in("operator"))
        assert answer.status_code == 200
        assert len(answer.json()) == 1
    assert answer.json()[0]["parameters_match"] is True


@pytest.mark.parametrize("role", ["customer", "supplier"])
async def test_others_do_not(client: httpx.AsyncClient, role: str) -> None:
    assert (await client.get("/api/machines/equipment", headers=signed_in(role))).status_code == 403


async def test_nobody_gets_nothing(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/machines/equipment")).status_code == 401


@pytest.mark.parametrize("role", ["engineer", "planner", "admin"])
async def test_who_is_in_charge_gives_commands(client: httpx.AsyncClient, service: Service, role: str) -> None:
    started = await client.post("/api/machines/equipment/m1/jobs", json=ORDER, headers=signed_in(role, "k1"))
    assert (started.status_code, started.json()["job"]) == (200, "J-1")
    aborted = await client.post("/api/machines/equipment/m1/jobs/J-1/abort", headers=signed_in(role, "k2"))
    assert (aborted.status_code, aborted.content) == (204, b"")
    assert service.asked == [
        ("start", "m1", "J-1", {"force": 1.5, "film": "x"}, "anna", "k1"),
        ("abort", "m1", "J-1", "anna", "k2"),
    ]


async def test_an_operator_gives_no_commands_here(client: httpx.AsyncClient, service: Service) -> None:
    answer = await client.post("/api/machines/equipment/m1/jobs", json=ORDER, headers=signed_in("operator", "k1"))
    assert answer.status_code == 403
    assert service.asked == []


async def test_a_command_without_a_key_is_refused(client: httpx.AsyncClient, service: Service) -> None:
    answer = await client.post("/api/machines/equipment/m1/jobs", json=ORDER, headers=signed_in("engineer"))
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]
    assert service.asked == []


async def test_an_order_of_another_shape_is_refused_with_its_place(client: httpx.AsyncClient) -> None:
    order = ORDER | {"seconds": "soon"}
    answer = await client.post("/api/machines/equipment/m1/jobs", json=order, headers=signed_in("engineer", "k1"))
    assert answer.status_code == 422
    assert "seconds" in answer.json()["detail"]


async def test_errors_are_problem_details(client: httpx.AsyncClient) -> None:
    unknown = await client.get("/api/machines/equipment/m9/jobs", headers=signed_in("engineer"))
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:batchone:problem:machine.unknown")
    away = await client.post("/api/machines/equipment/m1/jobs/J-1/clear", headers=signed_in("engineer", "k1"))
    assert (away.status_code, away.headers["retry-after"]) == (503, "2")
