from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI, Request

from batchone.contracts.enterprises import Actor
from batchone.contracts.quarantine import Quarantined, Quarantines
from batchone.kernel.http import install_problems
from batchone.machines.connect.quarantine.api import router

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HUM = Quarantined("line", "m1/hum", "undeclared", 3, NOON, NOON, 1.0, "Nothing declares this signal.")


class Service:
    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    async def listed(self, tenant):
        return (HUM,)

    async def adopt(self, tenant, connection, path, thing, actor):
        (signal,) = thing.signals
        self.asked.append(("adopt", connection, path, thing.id, thing.place, signal.id, signal.unit, actor.person))

    async def dismiss(self, tenant, connection, path, actor):
        self.asked.append(("dismiss", connection, path, actor.person))

    async def restore(self, tenant, connection, path, actor):
        self.asked.append(("restore", connection, path, actor.person))


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def client(service: Service):
    app = FastAPI()
    install_problems(app)
    app.include_router(router(SimpleNamespace(get={Quarantines: service}.__getitem__)))  # type: ignore[arg-type]

    @app.middleware("http")
    async def sign_in(request: Request, call_next):
        request.state.actor = Actor("tinworks", "anna", "Anna", request.headers["x-role"])  # type: ignore[arg-type]
        return await call_next(request)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as made:
        yield made


async def test_staff_read_the_list_and_engineers_judge(client: httpx.AsyncClient, service: Service) -> None:
    (row,) = (await client.get("/api/machines/quarantine", headers={"x-role": "operator"})).json()
    assert (row["path"], row["count"], row["value"], row["dismissed"]) == ("m1/hum", 3, 1.0, None)
    place = {"connection": "line", "path": "m1/hum"}
    adopted = {**place, "equipment": "m1", "signal": {"id": "hum", "name": {"en": "Hum"}, "unit": "dB(A)"}}
    for what, body in (("dismiss", place), ("restore", place), ("adopt", adopted)):
        url = f"/api/machines/quarantine/{what}"
        assert (await client.post(url, json=body, headers={"x-role": "planner"})).status_code == 403
        assert (await client.post(url, json=body, headers={"x-role": "engineer"})).status_code == 204
    assert service.asked == [
        ("dismiss", "line", "m1/hum", "anna"), ("restore", "line", "m1/hum", "anna"),
        ("adopt", "line", "m1/hum", "m1", "", "hum", "dB(A)", "anna"),
    ]  # fmt: skip
