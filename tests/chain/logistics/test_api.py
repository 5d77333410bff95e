"""The routes of logistics."""

from datetime import timedelta

import pytest

from batchone.contracts.production import ItemFinished
from batchone.contracts.sales import OrderPlaced

pytestmark = pytest.mark.engine
VAN = {"authorization": "Bearer supplier/vera/van"}
TRAIN = {"authorization": "Bearer supplier/theo/train"}


@pytest.fixture
async def shipment(chain, api) -> str:
    at = chain.context.clock.now() + timedelta(hours=22)
    await chain.tell(OrderPlaced("O", "SO-1", "P", "c", "C", "bench", 1, 0, ("I",), at, at, at), only="logistics")
    await chain.tell(ItemFinished("I", "O", "BE1", 1.0), only="logistics")
    return (await api.get("/api/shipments", headers=VAN)).json()[0]["id"]


def problem(answer, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["cure"]


async def test_a_carrier_lists_takes_and_delivers(api, shipment) -> None:
    problem(await api.post(f"/api/shipments/{shipment}/deliver", headers=VAN), 409)
    assert (await api.post(f"/api/shipments/{shipment}/take", headers=VAN)).json()["state"] == "in_transit"
    delivered = (await api.post(f"/api/shipments/{shipment}/deliver", headers=VAN)).json()
    assert (delivered["state"], delivered["items"]) == ("delivered", ["I"])


async def test_another_carrier_finds_nothing_there(api, shipment) -> None:
    assert (await api.get("/api/shipments", headers=TRAIN, params={"carrier": "van"})).json() == []
    problem(await api.post(f"/api/shipments/{shipment}/take", headers=TRAIN), 404)


@pytest.mark.parametrize(("who", "status"), [("supplier/nick/", 403), ("customer/ann/c", 403), ("", 401)])
async def test_others_may_not(api, shipment, who, status) -> None:
    headers = {"authorization": f"Bearer {who}"}
    problem(await api.get("/api/shipments", headers=headers), status)
    problem(await api.post(f"/api/shipments/{shipment}/take", headers=headers), status)
    problem(await api.post(f"/api/shipments/{shipment}/deliver", headers=headers), status)


@pytest.mark.parametrize("query", ["state=lost", "limit=0", "order=%00", "oldest_first=maybe"])
async def test_a_list_that_cannot_be_is_refused(api, query) -> None:
    problem(await api.get(f"/api/shipments?{query}"), 422)
