from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI, Request

from batchone.contracts.certificates import Certificates, PlatformCertificate, ServerCertificate
from batchone.contracts.enterprises import Actor
from batchone.kernel.http import install_problems
from batchone.machines.connect.certificates.api import router

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ONE = ServerCertificate("10.0.0.5:4840", "AB:CD", "CN=plc", "urn:plc", NOON, NOON, "waiting", NOON, NOON)


class Service:
    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def own(self, tenant):
        return (PlatformCertificate("EF", "CN=b", "urn:b", NOON, NOON, True, "PEM"),)

    async def seen(self, tenant):
        return (ONE,)

    async def approve(self, tenant, server, fingerprint, actor):
        self.asked.append(("approve", tenant, server, fingerprint, actor.person))
        return ONE

    async def revoke(self, tenant, server, fingerprint, actor):
        self.asked.append(("revoke", tenant, server, fingerprint, actor.person))
        return ONE

    async def renew(self, tenant, actor):
        self.asked.append(("renew", tenant, actor.person))
        return PlatformCertificate("GH", "CN=b", "urn:b", NOON, NOON, False, "PEM")

    async def take_over(self, tenant, fingerprint, actor):
        self.asked.append(("take over", tenant, fingerprint, actor.person))
        return PlatformCertificate("GH", "CN=b", "urn:b", NOON, NOON, True, "PEM")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def client(service: Service):
    app = FastAPI()
    install_problems(app)
    app.include_router(router(SimpleNamespace(get={Certificates: service}.__getitem__)))  # type: ignore[arg-type]

    @app.middleware("http")
    async def sign_in(request: Request, call_next):
        request.state.actor = Actor("tinworks", "anna", "Anna", request.headers["x-role"])  # type: ignore[arg-type]
        return await call_next(request)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as made:
        yield made


@pytest.mark.parametrize(("role", "status"), [("operator", 200), ("engineer", 200), ("supplier", 403), ("customer", 403)])
async def test_staff_see_whom_the_platform_trusts(client: httpx.AsyncClient, role: str, status: int) -> None:
    for path in ("", "/own"):
        answer = await client.get(f"/api/connections/certificates{path}", headers={"x-role": role})
        assert answer.status_code == status


@pytest.mark.parametrize("verb", ["approve", "revoke"])
async def test_engineers_judge(client: httpx.AsyncClient, service: Service, verb: str) -> None:
    body = {"server": "10.0.0.5:4840", "fingerprint": "AB:CD"}
    for role, status in (("engineer", 200), ("planner", 403), ("operator", 403)):
        answer = await client.post(f"/api/connections/certificates/{verb}", json=body, headers={"x-role": role})
        assert answer.status_code == status
    assert service.asked == [(verb, "tinworks", "10.0.0.5:4840", "AB:CD", "anna")]


async def test_the_platforms_own_is_renewed(client: httpx.AsyncClient, service: Service) -> None:
    url = "/api/connections/certificates/own"
    assert (await client.post(f"{url}/renew", headers={"x-role": "planner"})).status_code == 403
    made = (await client.post(f"{url}/renew", headers={"x-role": "engineer"})).json()
    assert made["in_use"] is False
    used = await client.post(f"{url}/take-over", json={"fingerprint": "GH"}, headers={"x-role": "engineer"})
    assert used.json()["in_use"] is True
    assert service.asked == [("renew", "tinworks", "anna"), ("take over", "tinworks", "GH", "anna")]
