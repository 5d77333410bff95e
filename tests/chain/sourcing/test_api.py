"""The routes of sourcing: a supplier sees and answers its own, and bad input is refused."""

from datetime import timedelta

import pytest

from batchone.contracts.sales import OrderPlaced

pytestmark = pytest.mark.engine
NEAR = {"authorization": "Bearer supplier/nora/near"}
FAR = {"authorization": "Bearer supplier/fred/far"}
NOBODY = {"authorization": "Bearer supplier/nick/"}


@pytest.fixture
async def call_off(chain, api) -> str:
    at = chain.context.clock.now() + timedelta(hours=48)
    items = tuple(f"I-{place}" for place in range(7))
    order = OrderPlaced("O", "SO-1", "P", "c", chain.design.freeze().id, "bench", 7, 0, items, at, at, at)
    await chain.tell(order, only="sourcing")
    rows = (await api.get("/api/call-offs", params={"state": "sent", "oldest_first": True})).json()
    return next(row["id"] for row in rows if row["variant"] == "oak")


def problem(answer, status: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["cure"]
    return answer.json()


async def test_a_supplier_lists_confirms_and_delivers(api, call_off, clock) -> None:
    listed = (await api.get("/api/call-offs", headers=NEAR, params={"supplier": "far"})).json()
    assert call_off in {row["id"] for row in listed}
    assert {row["supplier"] for row in listed} == {"near"}
    at = (clock.now() + timedelta(hours=2)).isoformat()
    confirmed = await api.post(f"/api/call-offs/{call_off}/confirm", json={"at": at}, headers=NEAR)
    assert confirmed.json()["state"] == "confirmed"
    delivered = await api.post(f"/api/call-offs/{call_off}/deliver", json={"lot": " L1 "}, headers=NEAR)
    assert (delivered.json()["state"], delivered.json()["lot"]) == ("received", "L1")
    problem(await api.post(f"/api/call-offs/{call_off}/deliver", json={"lot": "L2"}, headers=NEAR), 409)


async def test_another_supplier_finds_nothing_there(api, call_off) -> None:
    assert (await api.get("/api/call-offs", headers=FAR)).json() == []
    problem(await api.post(f"/api/call-offs/{call_off}/deliver", json={"lot": "L"}, headers=FAR), 404)
    problem(await api.get("/api/call-offs", headers=NOBODY), 403)
    problem(await api.post(f"/api/call-offs/{call_off}/deliver", json={"lot": "L"}, headers=NOBODY), 403)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("confirm", {}), ("confirm", {"at": "tomorrow"}), ("confirm", {"at": "2026-03-02T12:00:00"}),
        ("confirm", {"at": "2026-03-02T12:00:00Z", "x": 1}),
        ("confirm", {"at": "1990-01-01T00:00:00Z"}), ("deliver", {}), ("deliver", {"lot": ""}), ("deliver", {"lot": 7}),
        ("deliver", {"lot": "a\0"}), ("deliver", {"lot": "L", "quantity": 3}),
    ],
)  # fmt: skip
async def test_what_is_not_understood_is_refused_and_nothing_is_done(api, call_off, path, body) -> None:
    problem(await api.post(f"/api/call-offs/{call_off}/{path}", json=body, headers=NEAR), 422)
    rows = (await api.get("/api/call-offs", headers=NEAR)).json()
    assert next(row for row in rows if row["id"] == call_off)["state"] == "sent"


@pytest.mark.parametrize("query", ["state=lost", "limit=0", "limit=1001", "supplier=%00", "oldest_first=perhaps"])
async def test_a_list_that_cannot_be_is_refused(api, query) -> None:
    problem(await api.get(f"/api/call-offs?{query}"), 422)


async def test_stock_is_for_staff(api) -> None:
    levels = {row["variant"]: row for row in (await api.get("/api/stock")).json()}
    assert levels["oak"]["on_hand"] == 6
    problem(await api.get("/api/stock", headers=NEAR), 403)
    problem(await api.get("/api/stock", headers={"authorization": ""}), 401)
    problem(await api.post("/api/call-offs/CO-x/deliver", json={"lot": "L"}), 404)
