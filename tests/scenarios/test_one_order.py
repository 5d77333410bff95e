"""One order from choices to delivery, in one process, through the public API."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.scenarios.loop import Loop, running

pytestmark = [pytest.mark.story, pytest.mark.timeout(400)]


async def test_a_configured_product_is_promised_made_traced_and_delivered(tmp_path: Path) -> None:
    async with running(tmp_path / "home") as loop:
        await _blocked_choices_say_why(loop)
        order = await _ordering_twice_orders_once(loop)
        plain = await loop.order({}, "plain")
        await _bad_input_is_refused_with_a_cure(loop)
        finished = await loop.until_status(order["number"], "finished", "in_transit")
        item = await loop.person().get(f"/api/items/{finished['items'][0]}")
        await _the_item_has_its_whole_story(loop, order, item)
        await _its_readings_are_in_the_history(loop, item)
        await _what_its_options_need_after_the_last_station_is_waited_for(loop, finished, item)
        await loop.until_status(plain["number"], "finished", "in_transit")
        await _it_is_carried_and_delivered(loop, plain)


async def _blocked_choices_say_why(loop: Loop) -> None:
    product = loop.demo.pack.product.id
    state = await loop.person().post(f"/api/products/{product}/configure", {"choices": {"dispenser": "ice"}})
    values = {v["id"]: v for o in state["options"] if o["id"] == "layout" for v in o["values"]}
    assert values["single"]["standing"] == "excluded"
    assert values["single"]["reason"]["text"]["en"]
    assert values["single"]["reason"]["text"]["zh"]
    assert values["cross"]["standing"] == "selectable"


async def _ordering_twice_orders_once(loop: Loop) -> dict[str, object]:
    choices = {"layout": "cross", "volume_l": "560", "panel": "glass", "dispenser": "ice-water"}
    shop, product = loop.person(), loop.demo.pack.product.id
    configuration = await shop.post("/api/configurations", {"product": product, "choices": choices})
    assert choices.items() <= configuration["choices"].items()
    promise = await shop.post("/api/promises", {"configuration": configuration["id"], "quantity": 1, "priority": 1})
    now = loop.demo.clock.now()
    p50, p90 = datetime.fromisoformat(promise["p50"]), datetime.fromisoformat(promise["p90"])
    assert now + timedelta(hours=1) < p50 < p90 < now + timedelta(days=20)
    assert promise["price"]["amount"] == configuration["price"]["amount"]
    body = {"promise": promise["id"], "customer": {"id": "ada", "name": "Ada", "town": "Qingdao"}}
    order = await shop.post("/api/orders", body, key="once")
    again = await shop.post("/api/orders", body, key="once")
    assert order["number"] == again["number"]
    assert (await shop.get("/api/orders"))["total"] == 1
    return order  # type: ignore[no-any-return]


async def _bad_input_is_refused_with_a_cure(loop: Loop) -> None:
    shop, product = loop.person(), loop.demo.pack.product.id
    tries = [
        ("/api/configurations", {"product": product, "choices": {"layout": "round"}}),
        ("/api/configurations", {"product": product, "choices": {"layout": "single", "dispenser": "ice"}}),
        ("/api/configurations", {"product": "teapot", "choices": {}}),
        *[("/api/promises", {"configuration": "C-x", "quantity": q, "priority": 1}) for q in (0, -1, 10**9, 1.5, "many")],
        ("/api/promises", {"configuration": "C-unknown", "quantity": 1, "priority": 1}),
    ]
    for path, body in tries:
        answer = await shop.try_post(path, body, key="k")
        assert answer.status_code in (404, 409, 422), (path, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
        assert answer.json()["cure"]
    answer = await shop.try_post("/api/orders", content=b"{no json", key="k")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await shop.get("/api/orders"))["total"] == 2


async def _the_item_has_its_whole_story(loop: Loop, order: dict[str, object], item: dict[str, object]) -> None:
    pack = loop.demo.pack
    explosion = await loop.person().get(f"/api/configurations/{item['configuration']}/explosion")
    done = {job["op"] for job in item["jobs"] if job["state"] == "finished"}  # type: ignore[index, attr-defined]
    assert done == {step["op"] for step in explosion["operations"]} == {step.op for step in pack.routing}
    equipment = {machine.id: machine.equipment_class for machine in pack.equipment}
    classes = {step["op"]: step["equipment_class"] for step in explosion["operations"]}
    assert all(equipment[job["equipment"]] == classes[job["op"]] for job in item["jobs"])  # type: ignore[index, attr-defined]
    assert {lot["module"] for lot in item["lots"]} == {line["module"] for line in explosion["bom"]}  # type: ignore[index, attr-defined]
    assert all(lot["lot"] and lot["quantity"] > 0 for lot in item["lots"])  # type: ignore[index, attr-defined]
    measured = {m["check"] for m in item["measurements"]}  # type: ignore[index, attr-defined]
    assert measured == {check.id for check in pack.checks}
    assert item["serial"]
    assert item["order"] == order["id"]
    assert item["energy_kwh"] == pytest.approx(pack.energy.nominal_kwh, rel=0.35)


async def _its_readings_are_in_the_history(loop: Loop, item: dict[str, object]) -> None:
    pack = loop.demo.pack
    stats = await loop.person().get("/api/history/stats")
    assert stats["samples"] > 1000
    job = next(j for j in item["jobs"] if j["op"] == "110")  # type: ignore[index, attr-defined]
    kind = next(m.equipment_class for m in pack.equipment if m.id == job["equipment"])
    signal = next(s for s in pack.signals if s.equipment_class == kind and s.scope == "position")
    path = f"{job['equipment']}/P{job['position']:02d}/{signal.id}"
    trend = await loop.person().get("/api/history/trend", path=path, start=job["started"], end=job["finished"], points=500)
    assert len(trend["values"][path]) >= 5, trend


async def _what_its_options_need_after_the_last_station_is_waited_for(
    loop: Loop, order: dict[str, object], item: dict[str, object]
) -> None:
    configuration = await loop.person().get(f"/api/configurations/{item['configuration']}")
    assert configuration["lead_s"] > 86400

    async def look() -> object:
        return await loop.person().get("/api/shipments", order=order["id"])

    (shipment,) = await loop.until(look, "shipment", timeout_s=20)
    assert shipment["state"] == "waiting"
    ready = datetime.fromisoformat(shipment["ready"])
    finished = datetime.fromisoformat(str(item["finished"]))
    assert abs(ready - finished - timedelta(seconds=configuration["lead_s"])) < timedelta(minutes=5)
    assert ready < datetime.fromisoformat(str(order["planned_delivery"]))
    early = await loop.person(shipment["carrier"]).try_post(f"/api/shipments/{shipment['id']}/take")
    assert early.status_code == 409


async def _it_is_carried_and_delivered(loop: Loop, order: dict[str, object]) -> None:
    shop = loop.person()

    async def look() -> object:
        return await shop.get("/api/shipments", order=order["id"])

    (shipment,) = await loop.until(look, "shipment", timeout_s=20)
    carrier = loop.person(shipment["carrier"])
    await carrier.post(f"/api/shipments/{shipment['id']}/take")
    await loop.until_status(str(order["number"]), "in_transit", timeout_s=20)
    await carrier.post(f"/api/shipments/{shipment['id']}/deliver")
    delivered = await loop.until_status(str(order["number"]), "delivered", timeout_s=20)
    assert delivered["delivered"]
