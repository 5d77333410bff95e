"""One connection declared, with what is new by it, and taken back."""

from __future__ import annotations

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.sources import Point, Source
from batchone.contracts.things import SignalType, Thing, ThingModel, joined
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.errors import Forbidden, NotFound, Refused
from batchone.kernel.ids import TimeIds
from batchone.machines.connect.driver import Reach
from batchone.machines.connect.module import MODULE
from batchone.machines.connect.sources.service import SourcesService
from batchone.machines.connect.sources.store import SourcesStore

pytestmark = pytest.mark.engine
CHEN = Actor("t", "chen", "Chen", "engineer")
PRESSURE, HUM = SignalType("pressure", {"en": "Pressure"}, "bar"), SignalType("hum", {"en": "Hum"})
AIR = Source("air", "modbus://10.0.0.5:502", {}, (Point("comp-1/pressure", "holding:1", "kPa"),))
COMP = Thing("comp-1", "", {"en": "Compressor"}, "e/s/air", signals=(PRESSURE,))


class Others:
    """The thing model and the audit record."""

    def __init__(self) -> None:
        self.now = ThingModel()
        self.extended: list[tuple[Thing, ...]] = []

    async def model(self, tenant: str) -> ThingModel:
        return self.now

    async def extend(self, tenant, things, note, actor) -> ThingModel:
        self.extended.append(tuple(things))
        self.now = joined(self.now, (), things, self.now.version + 1)
        return self.now

    async def record(self, *_: object) -> None:
        """Who did what is no matter here."""


@pytest.fixture
def others() -> Others:
    return Others()


@pytest.fixture
async def sources(database: Database, clock, others: Others) -> SourcesService:
    await migrate(database, "connect", MODULE.migrations)

    async def taken() -> frozenset[str]:
        return frozenset({"line"})

    async def push(*_: object) -> None:
        raise AssertionError("nothing is pushed here")

    return SourcesService(
        "t", SourcesStore(database), clock, lambda: others, lambda: others, taken=taken, push=push, reach=Reach(),
        ids=TimeIds(SystemClock()),
    )  # type: ignore[arg-type, return-value]  # fmt: skip


async def test_a_connection_is_declared_with_its_new_equipment_and_replaced_by_its_id(sources, others) -> None:
    assert await sources.connect("t", AIR, (COMP,), "air house", CHEN) == 1
    assert await sources.declared("t") == (AIR,)
    assert others.extended == [(COMP,)]
    more = Source("air", AIR.url, {}, (*AIR.points, Point("comp-1/hum", "holding:9")))
    hum = Thing("comp-1", "", {}, "", signals=(PRESSURE, HUM))
    assert await sources.connect("t", more, (hum,), "", CHEN) == 2
    assert [each.signals for each in others.extended[1]] == [(HUM,)], "what is declared is not declared again"
    other = Source("oven", "modbus://10.0.0.6:502")
    assert await sources.connect("t", other, (), "", CHEN) == 3
    assert [each.id for each in await sources.declared("t")] == ["air", "oven"]
    assert [each.note for each in await sources.editions("t")] == ["", "", "air house"]
    shown, count = await sources.shown("t", "air", 1)
    assert ([point.path for point in shown.points], count) == (["comp-1/hum"], 2), "the first by path"
    assert await sources.declared("u") == ()
    with pytest.raises(NotFound):
        await sources.shown("t", "line", 1)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (Source("line", AIR.url), "is a pack's"),
        (Source("a b", AIR.url), "should match"),
        (Source("air", "gopher://10.0.0.5"), "nobody speaks"),
        (Source("air", AIR.url, {}, (Point("comp-1/pressure", "shelf:1"),)), "shelf"),
        (Source("air", AIR.url, {}, (Point("comp-1/pressure", "holding:1", "degC"),)), "comp-1/pressure"),
        (Source("air", AIR.url, {"colour": "red"}), "colour"),
    ],
)
async def test_a_fault_of_the_connection_leaves_no_equipment_behind(sources, others, source: Source, told: str) -> None:
    with pytest.raises(Refused, match=told):
        await sources.connect("t", source, (COMP,), "", CHEN)
    assert others.extended == []
    assert await sources.declared("t") == ()


async def test_one_connection_is_taken_back(sources) -> None:
    await sources.connect("t", AIR, (COMP,), "", CHEN)
    await sources.connect("t", Source("oven", "modbus://10.0.0.6:502"), (), "", CHEN)
    assert await sources.disconnect("t", "air", "sold", CHEN) == 3
    assert [each.id for each in await sources.declared("t")] == ["oven"]
    with pytest.raises(NotFound):
        await sources.disconnect("t", "air", "", CHEN)
    with pytest.raises(Forbidden):
        await sources.disconnect("t", "oven", "", Actor("t", "li", "Li", "operator"))
