"""An order of the pack with tools, people and a cure, in one process: made with them, and no sooner than its glue sets."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.scenarios.loop import ROOT, running

pytestmark = [pytest.mark.story, pytest.mark.timeout(400)]
CHOICES = {"bays": "2", "bay.1.trays": "1", "bay.2.trays": "1"}


async def test_an_order_is_made_with_its_tool_and_no_sooner_than_its_glue_sets(tmp_path: Path) -> None:
    async with running(tmp_path / "home", pack=ROOT / "packs/wardrobe", speed=400) as loop:
        order = await loop.order(CHOICES, "once")

        async def planned() -> Any:
            found = await loop.person().get(f"/api/plan/orders/{order['id']}")
            return found if any(each["also"] for each in found) else None

        plan = {each["op"]: each for each in await loop.until(planned, "a plan with tools", timeout_s=60)}
        assert [name for name, _ in plan["40.1"]["also"]] == ["joiners", "hinge-template"]
        finished = await loop.until_status(order["number"], "finished", "in_transit", timeout_s=300)
        record = await loop.person().get(f"/api/items/{finished['items'][0]}")
        jobs = {job["op"]: job for job in record["jobs"] if job["state"] == "finished"}
        for bay in ("1", "2"):
            glued, fitted = (datetime.fromisoformat(each) for each in (
                jobs[f"20.{bay}.1"]["finished"], jobs[f"30.{bay}"]["released"],
            ))  # fmt: skip
            assert fitted - glued >= timedelta(minutes=25)
        doors = sorted((jobs[f"40.{bay}"]["released"], jobs[f"40.{bay}"]["finished"]) for bay in ("1", "2"))
        assert datetime.fromisoformat(doors[0][1]) <= datetime.fromisoformat(doors[1][0])
