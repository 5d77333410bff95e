"""Promises that have run out or were ordered already: refused with a cure, and nothing half-done."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.faults.harness import Customers, Faulty, faulty
from tests.faults.lamps import lamps

pytestmark = [pytest.mark.fault, pytest.mark.timeout(240)]
SLOW, FAST = 10, 500
CUSTOMER = {"id": "ada", "name": "Ada", "town": "Brno"}


async def test_a_promise_is_ordered_once_and_only_while_it_is_good(tmp_path: Path) -> None:
    async with faulty(tmp_path / "home", pack=lamps(tmp_path / "pack"), speed=SLOW) as plant:
        await _ordered_by_many_at_once_it_is_one_order(plant)
        await _repeated_at_once_it_is_one_order(plant)
        used = await _a_key_is_good_for_one_promise(plant)
        await _run_out_it_is_refused_but_what_was_ordered_before_is_remembered(plant, used)
        customers = Customers(plant.loop)
        number = await customers.order()
        assert number.endswith("-000004"), "a refused order took no number"


async def _ordered_by_many_at_once_it_is_one_order(plant: Faulty) -> None:
    promise = await _promise(plant)
    answers = await asyncio.gather(*(_order(plant, promise, f"many-{n}") for n in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    for answer in answers:
        if answer.status_code == 409:
            _is_problem(answer, "sales.promise_used")
    await _holds(plant, 1)


async def _repeated_at_once_it_is_one_order(plant: Faulty) -> None:
    promise = await _promise(plant)
    answers = await asyncio.gather(*(_order(plant, promise, "same") for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["number"] for answer in answers}) == 1
    await _holds(plant, 2)


async def _a_key_is_good_for_one_promise(plant: Faulty) -> str:
    first, second = await _promise(plant), await _promise(plant)
    assert (await _order(plant, first, "key")).status_code == 201
    _is_problem(await _order(plant, second, "key"), "sales.key_used")
    await _holds(plant, 3)
    return first


async def _run_out_it_is_refused_but_what_was_ordered_before_is_remembered(plant: Faulty, used: str) -> None:
    promise = await _promise(plant)
    expires = datetime.fromisoformat((await plant.loop.person().get(f"/api/promises/{promise}"))["expires"])
    await plant.tell_plant("speed", speed=FAST)

    async def look() -> bool:
        return plant.loop.demo.clock.now() > expires

    await plant.loop.until(look, "the promise run out", timeout_s=30)
    await asyncio.sleep(0.5)
    await plant.tell_plant("speed", speed=SLOW)
    answer = await _order(plant, promise, "late")
    assert answer.status_code == 410
    _is_problem(answer, "sales.promise_expired")
    again = await _order(plant, used, "key")
    assert again.status_code == 201
    await _holds(plant, 3)


async def _promise(plant: Faulty) -> str:
    shop = plant.loop.person()
    product = plant.loop.demo.pack.product.id
    configuration = await shop.post("/api/configurations", {"product": product, "choices": {}})
    asked = {"configuration": configuration["id"], "quantity": 1, "priority": 0}
    return str((await shop.post("/api/promises", asked))["id"])


async def _order(plant: Faulty, promise: str, key: str) -> Any:
    return await plant.loop.person().try_post("/api/orders", {"promise": promise, "customer": CUSTOMER}, key=key)


def _is_problem(answer: Any, code: str) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:batchone:problem:{code}"
    assert answer.json()["detail"]
    assert answer.json()["cure"]


async def _holds(plant: Faulty, orders: int) -> None:
    """So many orders, with one item each, in every book that keeps them."""

    async def look() -> bool:
        (row,) = await plant.rows(
            """SELECT (SELECT count(*) FROM sales.orders) AS sales, (SELECT count(*) FROM sourcing.orders) AS sourcing,
                 (SELECT count(*) FROM planning.orders) AS planning, (SELECT count(*) FROM production.items) AS production,
                 (SELECT count(*) FROM kernel.outbox WHERE name = 'order.placed') AS said"""
        )
        assert max(row.values()) <= orders, row
        return set(row.values()) == {orders}

    await plant.loop.until(look, f"{orders} orders in every book", timeout_s=30)
