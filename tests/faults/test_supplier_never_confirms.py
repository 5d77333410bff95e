"""A supplier who never answers: its call-off becomes overdue, another one is asked, and the order is finished."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.faults.harness import Customers, Faulty, background, faulty
from tests.faults.lamps import lamps
from tests.faults.ledger import audit
from tests.scenarios.loop import Json

from batchone.demo.suppliers import supply

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
SILENT, OTHER = "glassworks", "lampmakers"
NO_BULBS = (
    ("modules.yaml", 'cost: "1.00", stock: 99, reorder_at: 3, lot: 6}', 'cost: "1.00", stock: 0, reorder_at: 0, lot: 6}'),
    (
        "modules.yaml",
        "town: Jablonec, lead: 2 d, moq: 5, on_time: 0.95}\n",
        "town: Jablonec, lead: 1 h, moq: 5, on_time: 0.95}\n"
        "      - {id: lampmakers, name: {en: Lampmakers, zh: 灯厂}, town: Brno, lead: 90 min, moq: 5, on_time: 1}\n",
    ),
)
"""No bulb in store; the quicker one of two suppliers is the one who is silent."""


async def test_demand_goes_to_another_supplier_and_the_order_is_finished(tmp_path: Path) -> None:
    async with faulty(tmp_path / "home", pack=lamps(tmp_path / "pack", *NO_BULBS), speed=500) as plant:
        demo = plant.loop.demo
        people = supply(plant.loop.client, demo.doors.tokens, demo.pack, demo.clock, random.Random(1), silent={SILENT})
        async with background(people):
            customers = Customers(plant.loop)
            number = await customers.order()
            asked = await _call_off(plant, SILENT, "sent")
            overdue = await _call_off(plant, SILENT, "overdue")
            assert overdue["id"] == asked["id"]
            await _call_off(plant, OTHER, "sent", "confirmed", "received")
            order = await plant.loop.until_status(number, "finished", "in_transit", timeout_s=150)
        item = await plant.loop.person().get(f"/api/items/{order['items'][0]}")
        (bulb,) = [lot for lot in item["lots"] if lot["module"] == "bulb"]
        assert bulb["supplier"] == OTHER
        await _what_was_given_up_is_still_welcome(plant, overdue)
        await plant.until_settled()
        await audit(plant, customers)


async def _what_was_given_up_is_still_welcome(plant: Faulty, overdue: Json) -> None:
    before = await _bulbs(plant)
    supplier = plant.loop.person(SILENT)
    refused = await supplier.try_post(f"/api/call-offs/{overdue['id']}/confirm", {"at": overdue["needed"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:batchone:problem:sourcing.call_off_over")
    for _ in range(2):
        delivered = await supplier.post(f"/api/call-offs/{overdue['id']}/deliver", {"lot": "LATE-1"})
        assert delivered["state"] == "received"
    assert await _bulbs(plant) == before + overdue["quantity"]


async def _bulbs(plant: Faulty) -> int:
    stock = await plant.loop.person().get("/api/stock")
    return next(int(level["on_hand"]) for level in stock if level["variant"] == "bulb-led")


async def _call_off(plant: Faulty, supplier: str, *states: str) -> Json:
    async def look() -> Json | None:
        call_offs = await plant.loop.person().get("/api/call-offs", supplier=supplier)
        return next((each for each in call_offs if each["state"] in states and each["variant"] == "bulb-led"), None)

    found: Json = await plant.loop.until(look, f"a call-off of {supplier} {'/'.join(states)}", timeout_s=90)
    return found
