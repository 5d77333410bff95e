"""One suite over every connector: the real driver in a real link, and a far side that comes and goes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.machines.connect.far_sides import FAR_SIDES, MANY, PATHS, FarSide, Sparkplug
from tests.support_plant import eventually

from batchone.kernel.bus import SAMPLES
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ManualClock, SystemClock
from batchone.kernel.errors import Refused, TryLater
from batchone.machines import columns
from batchone.machines.columns import GOOD, UNCERTAIN
from batchone.machines.connect import drivers
from batchone.machines.connect.driver import Reach
from batchone.machines.connect.drivers import make_driver
from batchone.machines.connect.floor import Floor
from batchone.machines.connect.link import Link, Patience
from batchone.machines.connect.shipping import Bounds, Shipping
from batchone.machines.connect.wiring import Wiring

pytestmark = [pytest.mark.engine, pytest.mark.slow]

FOLDERS = sorted(path.parent.name for path in Path(drivers.__file__).parent.glob("*/driver.py"))
HOURS = 13
LONGEST_S = 3600.0
FEW = (3.0, 4.0, 5.0)


class Site:
    """A connection with all that is behind it on this side; its pauses are those of a clock that a test moves."""

    def __init__(self, wiring: Wiring, reach: Reach, folder: Path, clock: ManualClock) -> None:
        self.bus, self.clock, self.attempts = MemoryBus(), clock, 0

        def make():
            self.attempts += 1
            return make_driver(wiring, reach, SystemClock())

        self.shipping = Shipping(self.bus, "t", "cell", "B1", folder / "log", Bounds(batch_s=0.01), time.time)
        floor = Floor(lambda *_: None)
        floor.declare(["m-1"], {}, clock.now())
        self.link = Link(
            wiring, make, floor=floor, shipping=self.shipping, clock=clock, chance=random.Random(1), sleep=clock.sleep,
            patience=Patience(60.0, LONGEST_S, LONGEST_S), on_jobs=lambda *_: None,
        )  # fmt: skip
        self.tasks = [asyncio.create_task(work()) for work in (self.link.run, self.shipping.seal, self.shipping.send)]

    def samples(self) -> dict[str, list[tuple[float, int]]]:
        """What the bus has, by signal."""
        found: dict[str, list[tuple[float, int]]] = {}
        for message in self.bus._logs[SAMPLES.name].messages if SAMPLES.name in self.bus._logs else ():
            batch = columns.from_bytes(message.data)
            rows = zip(columns.values_of(batch).tolist(), columns.qualities_of(batch).tolist(), strict=True)
            for path, row in zip(batch.column("path").to_pylist(), rows, strict=True):
                found.setdefault(path, []).append(row)
        return found

    def last(self, count: int) -> list[tuple[float, int] | None]:
        """The newest sample of each of the first signals."""
        samples = self.samples()
        return [samples[path][-1] if path in samples else None for path in PATHS[:count]]

    def strange(self) -> list[str]:
        """What of our signals could not be read."""
        return [each.path for each in self.link.quarantine.listed() if each.reason == "unreadable" or each.path in PATHS]

    async def up(self) -> None:
        await eventually(lambda: self.link.now().up, "the connection", within_s=30)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.shipping.close()


@pytest.fixture(params=FOLDERS)
async def far(request: pytest.FixtureRequest, tmp_path: Path, mqtt_url: str) -> AsyncIterator[FarSide]:
    made = FAR_SIDES[request.param](tmp_path)
    if isinstance(made, Sparkplug):
        made.at_broker(mqtt_url)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def reach(mqtt_url: str) -> Reach:
    broker = urlsplit(mqtt_url)
    return Reach(mqtt_host=broker.hostname or "", mqtt_port=broker.port or 0, answer_s=2.0, silence_s=4.0)


@pytest.fixture
async def site(far: FarSide, reach: Reach, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Site]:
    made = Site(far.wiring(), reach, tmp_path, clock)
    yield made
    await made.close()


def test_every_connector_has_a_far_side() -> None:
    assert sorted(FAR_SIDES) == FOLDERS


async def test_it_opens_and_closes_and_leaves_nothing_behind(far: FarSide, reach: Reach) -> None:
    await make_driver(far.wiring(), reach, SystemClock()).close()
    for _ in range(2):
        driver = make_driver(far.wiring(), reach, SystemClock())
        await driver.open()
        await driver.close()
    before = len(asyncio.all_tasks())
    driver = make_driver(far.wiring(), reach, SystemClock())
    await driver.open()
    await driver.close()
    await driver.close()
    await eventually(lambda: len(asyncio.all_tasks()) <= before, "no task more than before")


async def test_a_batch_becomes_samples(far: FarSide, site: Site) -> None:
    await site.up()
    await far.tell(FEW, site.link)
    await eventually(lambda: site.last(3) == [(value, GOOD) for value in FEW], "the batch", within_s=30)
    assert site.strange() == []


async def test_a_thousand_on_their_way_all_come(far: FarSide, site: Site) -> None:
    await site.up()
    await far.tell([float(at + 7) for at in range(MANY)], site.link)
    await eventually(lambda: site.last(MANY) == [(float(at + 7), GOOD) for at in range(MANY)], "all of them", within_s=60)
    assert site.shipping.dropped == 0
    assert site.strange() == []


async def test_lost_for_thirteen_hours_it_comes_back(far: FarSide, site: Site) -> None:
    await site.up()
    await far.tell(FEW, site.link)
    await eventually(lambda: site.last(3) == [(value, GOOD) for value in FEW], "the batch", within_s=30)
    if not far.pushes:
        await far.stop()
        await eventually(lambda: site.last(3) == [(value, UNCERTAIN) for value in FEW], "its end", within_s=30)
        assert not site.link.now().up
        with pytest.raises(TryLater):
            _ = site.link.driver
    hours, told = 0, site.shipping.sent
    while hours < HOURS:
        before = site.attempts
        await site.clock.advance(LONGEST_S * 1.2)
        hours += 1
        if not far.pushes:
            await eventually(lambda before=before: site.attempts > before and site.clock._sleepers, "a try", within_s=30)
    assert site.shipping.sent == told  # what is lost is said once
    if not far.pushes:
        await far.start()
        await site.clock.advance(LONGEST_S * 1.2)
        await site.up()
    again = [value + 10 for value in FEW]
    await far.tell(again, site.link)
    await eventually(lambda: site.last(3) == [(value, GOOD) for value in again], "the batch after it", within_s=30)


async def test_nonsense_is_refused_before_anything_is_opened(far: FarSide, reach: Reach) -> None:
    for settings in far.nonsense:
        with pytest.raises(Refused):
            make_driver(far.wiring({**settings}), reach, SystemClock())
