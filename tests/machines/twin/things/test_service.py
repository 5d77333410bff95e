from __future__ import annotations

from pathlib import Path

import pytest
from tests.support_plant import Ports, pack_of

from batchone.contracts.enterprises import Actor
from batchone.contracts.things import SignalType, Thing
from batchone.kernel.database import migrate
from batchone.kernel.errors import Conflict, Forbidden, NotFound, Refused
from batchone.machines import twin
from batchone.machines.twin.store import ThingsStore
from batchone.machines.twin.things.service import ThingsService

pytestmark = pytest.mark.engine
CHEN = Actor("t", "chen", "Chen", "engineer")
AIR = "equipment:\n  - {id: comp-1, place: e/s/utilities, signals: [{id: pressure, unit: bar}]}\n"


class FakeDesign:
    async def products(self, tenant: str):
        return (type("P", (), {"id": "p"}),)

    async def pack(self, tenant: str, product: str):
        return pack_of(Ports(1, 2))


class Audit:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    async def record(self, actor, action, subject, key, outcome, details) -> None:
        self.lines.append((actor.person, action, subject))


@pytest.fixture
async def things(database, clock) -> ThingsService:
    await migrate(database, "twin", Path(twin.__file__).parent / "migrations")
    audit = Audit()
    made = ThingsService(ThingsStore(database), clock, FakeDesign, lambda: audit)
    made.audit = audit
    return made


async def test_each_text_is_the_next_version_and_is_said_and_recorded(things, database) -> None:
    assert (await things.model("t")).version == 0
    assert (await things.declare("t", AIR, "air house", CHEN)).version == 1
    assert (await things.declare("t", AIR.replace("bar", "kPa"), "", CHEN)).version == 2
    assert "comp-1/pressure" in (await things.model("t")).signals
    assert [(each.version, each.note) for each in await things.editions("t")] == [(2, ""), (1, "air house")]
    assert "unit: bar" in await things.text("t", 1)
    assert "unit: kPa" in await things.text("t", 0)
    async with database.transaction() as tx:
        said = await tx.all("SELECT name, body FROM kernel.outbox ORDER BY seq")
    assert [(row["name"], row["body"]["version"]) for row in said] == [("things.declared", 1), ("things.declared", 2)]
    assert things.audit.lines == [("chen", "things.declare", "1"), ("chen", "things.declare", "2")]


async def test_the_same_text_again_changes_nothing(things) -> None:
    await things.declare("t", AIR, "", CHEN)
    assert (await things.declare("t", AIR + "\n# a comment\n", "", CHEN)).version == 1
    assert len(await things.editions("t")) == 1


def more(thing: str, signal: str, unit: str = "", place: str = "") -> Thing:
    return Thing(thing, "", {"en": thing}, place, signals=(SignalType(signal, {"en": signal.title()}, unit),))


async def test_equipment_of_packs_declared_and_new_equipment_get_more_signals_in_one_version(things) -> None:
    await things.declare("t", AIR, "", CHEN)
    wanted = (
        more("press-1", "hum", "dB(A)", "e/s/elsewhere"),
        more("comp-1", "temperature", "degC"),
        more("fan-1", "speed", "rpm", "e/s/roof"),
    )
    model = await things.extend("t", wanted, "three", CHEN)
    assert model.version == 2
    assert {"press-1/hum", "comp-1/temperature", "comp-1/pressure", "fan-1/speed"} <= set(model.signals)
    assert (model.thing("fan-1").place, model.thing("press-1").place) == ("e/s/roof", "tinworks/north/hall/line/cell")
    assert (await things.extend("t", wanted, "again", CHEN)).version == 2, "what is declared stays as it is"


async def test_more_of_what_cannot_be_is_refused_and_changes_nothing(things) -> None:
    wrong = (
        (more("ghost", "x"), "no equipment ghost"), (more("press-1", "force"), "has the signal force"),
        (more("press-1", "hum", "furlongs-ish"), "no unit"), (more("fan-1", "a b", "", "e/s"), "should match"),
    )  # fmt: skip
    for thing, told in wrong:
        with pytest.raises(Refused, match=told):
            await things.extend("t", (more("press-1", "sound"), thing), "", CHEN)
    assert (await things.model("t")).version == 0


async def test_only_engineers_of_the_enterprise_declare(things) -> None:
    for actor in (Actor("t", "li", "Li", "operator"), Actor("u", "wu", "Wu", "engineer")):
        with pytest.raises(Forbidden):
            await things.declare("t", AIR, "", actor)
    with pytest.raises(NotFound):
        await things.text("t", 4)


async def test_of_two_who_declare_at_once_one_is_told(things, database, clock) -> None:
    store = ThingsStore(database)
    await store.add("t", 1, "types: []\n", "", "wu", clock.now())
    with pytest.raises(Conflict):
        await store.add("t", 1, AIR, "", "chen", clock.now())
