"""No Python names a product: with every word of the pack exchanged, the loop still runs."""

from pathlib import Path

import pytest
from tests.scenarios.loop import ROOT, running
from tests.support_pack import rename_pack

pytestmark = [pytest.mark.story, pytest.mark.timeout(400)]


async def test_a_pack_of_other_words_runs_from_order_to_finished_item(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    rename_pack(ROOT / "packs/refrigerator", pack)
    async with running(tmp_path / "home", pack=pack) as loop:
        assert loop.demo.pack.product.id != "refrigerator"
        order = await loop.order({}, "key")
        finished = await loop.until_status(order["number"], "finished", "in_transit")
        record = await loop.person().get(f"/api/items/{finished['items'][0]}")
        assert record["operations_done"] == record["operations_total"] == len(loop.demo.pack.routing)
