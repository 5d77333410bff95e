"""The same loop with its modules spread over five processes."""

from pathlib import Path

import pytest
from tests.scenarios.loop import running

pytestmark = [pytest.mark.story, pytest.mark.timeout(400)]


async def test_orders_run_through_when_every_wing_is_a_process_of_its_own(tmp_path: Path) -> None:
    async with running(tmp_path / "home", deploy="plant") as loop:
        assert len(loop.demo.deployment.children) >= 4
        orders = [await loop.order({}, f"key-{n}", quantity=2) for n in range(2)]
        for order in orders:
            finished = await loop.until_status(order["number"], "finished", "in_transit")
            for item in finished["items"]:
                record = await loop.person().get(f"/api/items/{item}")
                assert record["operations_done"] == record["operations_total"]
        stats = await loop.person().get("/api/history/stats")
        assert stats["samples"] > 500
