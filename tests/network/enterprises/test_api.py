"""The routes of the domain, behind the web's access layer, and the domain as a module."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from batchone.contracts.enterprises import Actor, Enterprises, Session
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database
from batchone.kernel.errors import Unauthenticated
from batchone.kernel.http import install_problems
from batchone.kernel.ids import TimeIds
from batchone.kernel.module import Context
from batchone.kernel.remote import remote, serve
from batchone.network.enterprises import MODULE, EnterprisesSettings
from batchone.network.enterprises.service import EnterprisesService
from batchone.web.access import AccessMiddleware

pytestmark = pytest.mark.engine


@pytest.fixture
def context(migrated: Database, clock: ManualClock, ids: TimeIds, tmp_path: Path) -> Context:
    return Context(
        clock=clock, ids=ids, chance=random.Random(1), database=migrated, bus=MemoryBus(), home=tmp_path, tenant="t"
    )  # fmt: skip


@pytest.fixture
async def client(context: Context, service: EnterprisesService) -> AsyncIterator[httpx.AsyncClient]:
    context.provide(Enterprises, service)
    app = FastAPI()
    install_problems(app)
    assert MODULE.router is not None
    app.include_router(MODULE.router(context))
    app.add_middleware(AccessMiddleware, get_enterprises=lambda: context.get(Enterprises))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://plant") as client:
        yield client


async def signed_in(service: EnterprisesService, client: httpx.AsyncClient, person: str, role: str) -> Session:
    await service.ensure_person("t", person, person.title(), role, "", "p" if role == "supplier" else "")  # type: ignore[arg-type]
    session = await service.sign_in_by_link(await service.issue_link("t", person))
    client.cookies.set("batchone_session", session.secret)
    client.headers["X-CSRF-Token"] = session.csrf
    return session


async def test_somebody_learns_who_they_are(service: EnterprisesService, client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/me")).status_code == 401
    await signed_in(service, client, "sun", "supplier")
    assert (await client.get("/api/me")).json() == {
        "tenant": "t", "person": "sun", "name": "Sun", "role": "supplier", "party": "p", "via": "session",
    }  # fmt: skip


async def test_a_token_issued_here_opens_the_same_routes(service: EnterprisesService, client: httpx.AsyncClient) -> None:
    await signed_in(service, client, "ana", "planner")
    answer = await client.post("/api/tokens", json={"label": "script"})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    client.cookies.clear()
    del client.headers["X-CSRF-Token"]
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    assert (await client.get("/api/me")).json()["via"] == "token"
    assert (await client.post("/api/tokens", json={"label": "another"})).status_code == 403


@pytest.mark.parametrize("body", [{}, {"label": ""}, {"label": " "}, {"label": "x", "person": "boss"}, {"label": 3}, []])
async def test_a_token_request_that_makes_no_sense_is_refused(
    service: EnterprisesService, client: httpx.AsyncClient, body: object
) -> None:
    await signed_in(service, client, "ana", "planner")
    answer = await client.post("/api/tokens", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/people", "/api/audit"])
async def test_people_and_record_are_for_admins(service: EnterprisesService, client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 401
    for role in ("customer", "planner", "operator", "engineer", "supplier"):
        await signed_in(service, client, f"some-{role}", role)
        assert (await client.get(path)).status_code == 403
    await signed_in(service, client, "boss", "admin")
    assert (await client.get(path)).status_code == 200


async def test_an_admin_sees_everybody_of_their_own_enterprise_and_no_password(
    service: EnterprisesService, client: httpx.AsyncClient
) -> None:
    await service.ensure_person("u", "eve", "Eve", "admin", "a good password", "")
    await service.ensure_person("t", "ana", "Ana", "planner", "a good password", "")
    await signed_in(service, client, "boss", "admin")
    answer = await client.get("/api/people")
    assert [person["id"] for person in answer.json()] == ["ana", "boss"]
    assert "argon2" not in answer.text


async def test_the_record_is_shown_newest_first_and_within_bounds(
    service: EnterprisesService, client: httpx.AsyncClient
) -> None:
    await signed_in(service, client, "boss", "admin")
    answer = await client.get("/api/audit", params={"limit": 2})
    assert [line["action"] for line in answer.json()] == ["session.opened", "link.issued"]
    for limit in ("0", "1001", "many"):
        assert (await client.get("/api/audit", params={"limit": limit})).status_code == 422


async def test_the_module_keeps_what_it_declares_and_answers_over_the_bus(context: Context) -> None:
    running = await MODULE.build(context, EnterprisesSettings())
    MODULE.check(running)
    served = asyncio.create_task(serve(context.bus, Enterprises, running.provides[Enterprises]))
    await asyncio.sleep(0.05)
    asking = remote(Enterprises, context.bus)
    await asking.ensure_person("t", "ana", "Ana", "planner", "", "")
    session = await asking.sign_in_by_link(await asking.issue_link("t", "ana"))
    assert session.actor == Actor("t", "ana", "Ana", "planner")
    assert await asking.session(session.secret) == session
    await asking.record(session.actor, "a", "s", "k", "done", {"x": "y"})
    assert (await asking.audit("t", 1))[0].details == {"x": "y"}
    await asking.sign_out(session.secret)
    with pytest.raises(Unauthenticated):
        await asking.session(session.secret)
    served.cancel()
    with suppress(asyncio.CancelledError):
        await served
