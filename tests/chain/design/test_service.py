from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support_pack import SMALL, edited

from batchone.chain.design.module import MODULE
from batchone.chain.design.service import DesignService
from batchone.contracts.authoring import Authoring
from batchone.contracts.choosing import Choosing
from batchone.contracts.design import Design
from batchone.contracts.enterprises import system
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.errors import Conflict, NotFound, Refused
from batchone.kernel.ids import TimeIds
from batchone.kernel.remote import remote, serve

pytestmark = pytest.mark.engine

TENANT = "lumen"
DESIGN_METHODS = [name for name in vars(Design) if not name.startswith("_")]
ACTOR = system(TENANT, "tester")


def version(number: str, files: Mapping[str, str] = SMALL) -> dict[str, str]:
    return edited(files, "pack.yaml", "version: 1.0.0", f"version: {number}")


@pytest.fixture
async def design(database: Database, clock: ManualClock, ids: TimeIds) -> DesignService:
    assert MODULE.schema
    assert MODULE.migrations
    await migrate(database, MODULE.schema, MODULE.migrations)
    return DesignService(database, clock, ids)


async def said(database: Database) -> list[str]:
    async with database.transaction() as tx:
        rows = await tx.all("SELECT name, actor FROM kernel.outbox ORDER BY seq")
    assert all(row["actor"] == "tester" for row in rows)
    return [row["name"] for row in rows]


async def count(database: Database, table: str) -> int:
    async with database.transaction() as tx:
        row = await tx.one(f"SELECT count(*) AS n FROM design.{table}")
    assert row
    return int(row["n"])


async def test_an_installed_pack_is_a_product(design: DesignService, database: Database) -> None:
    product = await design.install(TENANT, SMALL, ACTOR)
    assert (product.id, product.pack, product.version, product.sector) == ("lamp", "lamps", "1.0.0", "lighting")
    assert await design.products(TENANT) == (product,)
    assert await design.products("others") == ()
    assert await said(database) == ["product.released"]


async def test_the_same_pack_again_changes_nothing(design: DesignService, database: Database) -> None:
    first = await design.install(TENANT, SMALL, ACTOR)
    assert await design.install(TENANT, SMALL, ACTOR) == first
    assert await count(database, "packs") == 1
    assert await said(database) == ["product.released"]


async def test_other_content_under_the_same_version_is_refused(design: DesignService, database: Database) -> None:
    await design.install(TENANT, SMALL, ACTOR)
    with pytest.raises(Conflict) as caught:
        await design.install(TENANT, edited(SMALL, "demo.yaml", "seed: 1", "seed: 2"), ACTOR)
    assert caught.value.code == "design.version_taken"
    assert (await design.pack(TENANT, "lamp")).demo.seed == 1
    assert await said(database) == ["product.released"]


async def test_a_pack_with_one_fault_installs_nothing(design: DesignService, database: Database) -> None:
    with pytest.raises(Refused) as caught:
        await design.install(TENANT, edited(SMALL, "signals.yaml", "unit: rpm", "unit: spins"), ACTOR)
    assert type(caught.value) is Refused
    assert caught.value.where["faults"].startswith("signals.yaml:6:11: 'spins' is no unit.")
    assert (await count(database, "packs"), await said(database)) == (0, [])


async def test_a_product_belongs_to_one_pack(design: DesignService) -> None:
    await design.install(TENANT, SMALL, ACTOR)
    with pytest.raises(Conflict, match="The product lamp is made by the pack lamps"):
        await design.install(TENANT, edited(SMALL, "pack.yaml", "pack: lamps", "pack: lanterns"), ACTOR)
    await design.install("others", edited(SMALL, "pack.yaml", "pack: lamps", "pack: lanterns"), ACTOR)


async def test_the_highest_version_is_offered(design: DesignService, database: Database) -> None:
    for number in ("1.9.0", "1.10.0", "1.2.0"):
        await design.install(TENANT, version(number), ACTOR)
    assert [product.version for product in await design.products(TENANT)] == ["1.10.0"]
    assert (await design.pack(TENANT, "lamp")).version == "1.10.0"
    assert (await design.pack(TENANT, "lamp", "1.2.0")).version == "1.2.0"
    with pytest.raises(NotFound):
        await design.pack(TENANT, "lamp", "3.0.0")
    assert len(await said(database)) == 3


async def test_a_frozen_configuration_keeps_its_choices_price_and_version(
    design: DesignService, database: Database, clock: ManualClock
) -> None:
    await design.install(TENANT, SMALL, ACTOR)
    frozen = await design.complete(TENANT, "lamp", {"height_cm": "60"}, ACTOR)
    assert frozen.picks == {"height_cm": "60"}
    assert list(frozen.choices.items()) == [("foot", "clamp"), ("height_cm", "60"), ("light", "led")]
    assert (str(frozen.price.amount), frozen.lead_s, frozen.completed_at) == ("26.00", 93600, clock.now())
    read = await design.configuration(TENANT, frozen.id)
    assert read == frozen
    assert list(read.choices) == list(frozen.choices)
    assert await said(database) == ["product.released", "configuration.completed"]
    with pytest.raises(NotFound):
        await design.configuration("others", frozen.id)


async def test_an_old_configuration_is_exploded_with_its_own_version(
    design: DesignService, database: Database, clock: ManualClock, ids: TimeIds
) -> None:
    await design.install(TENANT, SMALL, ACTOR)
    old = await design.complete(TENANT, "lamp", {}, ACTOR)
    changed = edited(version("2.0.0"), "bom.yaml", "quantity: {base: 3,", "quantity: {base: 5,")
    await design.install(TENANT, edited(changed, "options.yaml", '"3.00"', '"3.50"'), ACTOR)
    new = await design.complete(TENANT, "lamp", {}, ACTOR)
    for service in (design, DesignService(database, clock, ids)):
        felt = [(await service.explode(TENANT, each.id)).bom[-1].quantity for each in (old, new)]
        assert felt == [3, 5]
        assert [(await service.configuration(TENANT, each.id)).version for each in (old, new)] == ["1.0.0", "2.0.0"]


async def test_impossible_choices_freeze_nothing(design: DesignService, database: Database) -> None:
    await design.install(TENANT, SMALL, ACTOR)
    with pytest.raises(Refused, match="exclude one another"):
        await design.complete(TENANT, "lamp", {"light": "halogen", "height_cm": "60"}, ACTOR)
    with pytest.raises(Refused, match="exclude one another"):
        await design.drawing(TENANT, "lamp", {"light": "halogen", "height_cm": "60"})
    assert await count(database, "configurations") == 0


async def test_an_unknown_product_is_not_found(design: DesignService) -> None:
    for call in (
        design.configure(TENANT, "chair", {}),
        design.complete(TENANT, "chair", {}, ACTOR),
        design.pack(TENANT, "chair"),
    ):
        with pytest.raises(NotFound, match="There is no product 'chair'"):
            await call
    with pytest.raises(NotFound, match="There is no configuration 'C-0'"):
        await design.explode(TENANT, "C-0")


async def test_two_installations_at_once_release_once(design: DesignService, database: Database) -> None:
    await asyncio.gather(*(design.install(TENANT, SMALL, ACTOR) for _ in range(4)))
    assert (await count(database, "packs"), await said(database)) == (1, ["product.released"])


async def test_another_process_gets_the_same_answers(design: DesignService) -> None:
    await design.install(TENANT, SMALL, ACTOR)
    bus = MemoryBus()
    served = asyncio.create_task(serve(bus, Design, design))
    far = remote(Design, bus)
    while len(bus._answerers) < len(DESIGN_METHODS):
        await asyncio.sleep(0)
    try:
        assert await far.configure(TENANT, "lamp", {"light": "halogen"}) == await design.configure(
            TENANT, "lamp", {"light": "halogen"}
        )
        assert await far.pack(TENANT, "lamp") == await design.pack(TENANT, "lamp")
        frozen = await far.complete(TENANT, "lamp", {}, ACTOR)
        assert await far.explode(TENANT, frozen.id) == await design.explode(TENANT, frozen.id)
        with pytest.raises(Refused) as caught:
            await far.configure(TENANT, "lamp", {"light": "neon"})
        assert caught.value.code == "design.unknown_value"
    finally:
        served.cancel()
        await asyncio.gather(served, return_exceptions=True)


def test_the_module_declares_what_it_is() -> None:
    assert MODULE.name == MODULE.schema == "design"
    assert isinstance(MODULE.migrations, Path)
    assert MODULE.provides == (Design, Choosing, Authoring)


async def test_the_same_key_of_a_person_answers_with_the_same_configuration(design: DesignService, database: Database) -> None:
    await design.install(TENANT, SMALL, ACTOR)
    asked = [design.complete(TENANT, "lamp", {"foot": "clamp"}, ACTOR, "k1") for _ in range(4)]
    frozen = await asyncio.gather(*asked)
    assert {each.id for each in frozen} == {frozen[0].id}
    assert await count(database, "configurations") == 1
    with pytest.raises(Conflict, match="used for other choices"):
        await design.complete(TENANT, "lamp", {"foot": "square"}, ACTOR, "k1")
    assert (await design.complete(TENANT, "lamp", {"foot": "clamp"}, ACTOR)).id != frozen[0].id
    assert (await design.complete(TENANT, "lamp", {"foot": "clamp"}, system(TENANT, "other"), "k1")).id != frozen[0].id


async def test_alternatives_change_one_option_and_can_all_be_made(design: DesignService) -> None:
    await design.install(TENANT, SMALL, ACTOR)
    frozen = await design.complete(TENANT, "lamp", {"light": "halogen"}, ACTOR)
    found = await design.alternatives(TENANT, frozen.id)
    assert {(each.option, each.value) for each in found} >= {("light", "led"), ("foot", "clamp")}
    # Sixty centimetres exclude halogen.
    assert ("height_cm", "60") not in {(each.option, each.value) for each in found}
    for each in found:
        other = await design.complete(TENANT, "lamp", {**frozen.choices, each.option: each.value}, ACTOR)
        assert (await design.explode(TENANT, other.id)).operations == each.exploded.operations
        assert each.price_difference == other.price - frozen.price
