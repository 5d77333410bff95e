"""The routes: lists in pages, filters, errors in the standard's form, who may read, and packages that are judged."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import replace
from zipfile import ZipFile

import httpx
import orjson
import pytest
from fastapi import FastAPI
from tests.machines.aas.world import TENANT, World, both_packs, record

from batchone.machines.aas import package
from batchone.machines.aas.addresses import Asset, encode
from batchone.machines.aas.api import PACKED_MAX, PREFIX, PROFILES
from batchone.machines.aas.service import node_of

EQUIPMENT = Asset(TENANT, "equipment", both_packs().things[0].id)
ITEM = Asset(TENANT, "item", "I-0002")
PLACE = f"/submodels/{encode(EQUIPMENT.submodel('identification'))}/submodel-elements"
STRANGER, NOT_BEGUN, BY_SERIAL = (
    f"/shells/{encode(each.shell)}"
    for each in (Asset("other", "item", "I-0002"), Asset(TENANT, "item", "I-0003"), Asset(TENANT, "item", "S2"))
)
AASX = {"Accept": package.MEDIA_TYPE}


@pytest.fixture(scope="module")
def lasting() -> tuple[World, FastAPI]:
    """One application for all tests here: to make one takes longer than to ask it."""
    world = World()
    return world, world.app(signed_in="engineer")


@pytest.fixture
def world(lasting: tuple[World, FastAPI]) -> World:
    world, _ = lasting
    world.things, world.items = both_packs(), [record("I-0001", "S1"), record("I-0002", "S2"), record("I-0003", "")]
    world.asked.clear()
    return world


@pytest.fixture
async def client(world: World, lasting: tuple[World, FastAPI]) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=lasting[1])
    async with httpx.AsyncClient(transport=transport, base_url=f"http://x{PREFIX}") as made:
        yield made


async def every(client: httpx.AsyncClient, path: str, limit: int, **filters: str) -> list[object]:
    """What all pages of a list hold, and none holds more than it may."""
    found: list[object] = []
    cursor: str | None = None
    while True:
        answer = (await client.get(path, params={"limit": limit, **filters, **({"cursor": cursor} if cursor else {})})).json()
        assert len(answer["result"]) <= limit
        found += answer["result"]
        cursor = answer["paging_metadata"].get("cursor")
        if cursor is None:
            return found


def filtered(**said: object) -> str:
    return encode(orjson.dumps(said).decode())


async def test_all_equipment_and_the_items_that_were_begun_have_shells_in_one_order(client) -> None:
    ids = [shell["id"] for shell in await every(client, "/shells", 100)]
    things = [Asset(TENANT, "equipment", thing.id).shell for thing in both_packs().things]
    assert ids == [*things, Asset(TENANT, "item", "I-0001").shell, ITEM.shell]


@pytest.mark.parametrize("path", [
    "/shells", "/shells/$reference", "/submodels", "/submodels/$metadata", "/submodels/$value", "/submodels/$reference",
])  # fmt: skip
async def test_small_pages_put_together_are_the_whole(client, path: str) -> None:
    whole = await every(client, path, 100)
    assert await every(client, path, 7) == whole


async def test_the_paths_of_all_submodels_come_in_pages_of_paths(client, world: World) -> None:
    world.things = replace(both_packs(), things=both_packs().things[:2])
    single = [
        path
        for submodel in await every(client, "/submodels", 100)
        for path in (await client.get(f"/submodels/{encode(submodel['id'])}/$path")).json()
    ]
    assert await every(client, "/submodels/$path", 9) == single
    assert len(single) > 50


@pytest.mark.parametrize("what", ["", "/$metadata", "/$value", "/$reference", "/$path"])
async def test_the_elements_of_a_submodel_come_in_pages(client, what: str) -> None:
    at = f"/submodels/{encode(ITEM.submodel('production-record'))}/submodel-elements{what}"
    assert await every(client, at, 3) == (await client.get(at)).json()["result"]


async def test_shells_are_found_by_idshort_and_by_asset_ids(client, world: World) -> None:
    async def found(**query: object) -> list[str]:
        return [shell["id"] for shell in (await client.get("/shells", params=query)).json()["result"]]

    assert await found(assetIds=filtered(name="serialNumber", value="S2")) == [ITEM.shell]
    assert await found(assetIds=filtered(name="globalAssetId", value=ITEM.urn)) == [ITEM.shell]
    assert await found(assetIds=filtered(name="equipmentId", value=EQUIPMENT.id)) == [EQUIPMENT.shell]
    both = [filtered(name="itemId", value="I-0002"), filtered(name="serialNumber", value="S2")]
    assert await found(assetIds=both) == [ITEM.shell]
    assert await found(assetIds=[*both, filtered(name="serialNumber", value="S1")]) == []
    assert await found(assetIds=filtered(name="itemId", value="S2")) == []
    assert await found(idShort="I_0002") == [ITEM.shell]
    assert await found(idShort=EQUIPMENT.id.replace("-", "_")) == [EQUIPMENT.shell]
    assert await found(idShort="I_0002", assetIds=filtered(name="equipmentId", value=EQUIPMENT.id)) == []


async def test_submodels_are_found_by_idshort_and_by_meaning(client, world: World) -> None:
    records = await every(client, "/submodels", 1, idShort="ProductionRecord")
    assert [each["id"] for each in records] == [
        Asset(TENANT, "item", each).submodel("production-record") for each in ("I-0001", "I-0002")
    ]
    meaning = encode(orjson.dumps(records[0]["semanticId"]).decode())
    assert await every(client, "/submodels", 5, semanticId=meaning) == records
    assert await every(client, "/submodels", 5, semanticId=meaning, idShort="TechnicalData") == []


async def test_a_submodel_is_the_same_by_id_and_below_its_shell(client) -> None:
    submodel = encode(EQUIPMENT.submodel("operational-data"))
    alone = await client.get(f"/submodels/{submodel}")
    below = await client.get(f"/shells/{encode(EQUIPMENT.shell)}/submodels/{submodel}")
    assert alone.json() == below.json()
    assert (await client.get(f"/shells/{encode(ITEM.shell)}/submodels/{submodel}")).status_code == 404


async def test_an_element_is_read_by_its_path(client) -> None:
    at = f"/submodels/{encode(ITEM.submodel('production-record'))}/submodel-elements"
    assert (await client.get(f"{at}/Jobs[0].Operation")).json()["value"] == "40"
    assert (await client.get(f"{at}/Jobs[0].Operation/$value")).json() == {"Operation": "40"}
    assert (await client.get(f"{at}/Checks[0].Limits/$value")).json() == {"max": 0.5}
    assert (await client.get(f"{at}/Jobs[1]/$path")).json()[:2] == ["Jobs[1]", "Jobs[1].JobId"]


@pytest.mark.parametrize(("path", "status"), [
    ("/shells?limit=0", 400), ("/shells?cursor=!", 400), (f"/shells?cursor={encode('x')}", 400), ("/shells?assetIds=e30", 400),
    ("/shells/=", 400), (f"/shells/{encode('urn:else')}", 404), (STRANGER, 404), (NOT_BEGUN, 404), (BY_SERIAL, 404),
    (f"/shells/{encode(EQUIPMENT.shell)}/asset-information/thumbnail", 404), ("/submodels?level=all", 400),
    ("/submodels?semanticId=e30", 400), (f"/submodels/$path?cursor={encode('x ')}", 400),
    (f"/submodels/{encode(EQUIPMENT.shell)}", 404),
    (f"{PLACE}/None", 404),
    (f"{PLACE}/a%20b", 400),
    (f"{PLACE}/Place/$path", 400),
    (f"{PLACE}/Place/attachment", 404),
    (f"{PLACE}?cursor={encode('-1')}", 400),
    ("/serialization?includeConceptDescriptions=maybe", 400), (f"/serialization?submodelIds={encode('x')}", 404),
])  # fmt: skip
async def test_a_refusal_is_a_result_of_the_standard(client, path: str, status: int) -> None:
    answer = await client.get(path)
    assert answer.status_code == status
    (message,) = answer.json()["messages"]
    assert message["messageType"] == "Error"
    assert 1 <= len(message["code"]) <= 32


@pytest.mark.parametrize(("who", "status"), [
    (f"{TENANT}/planner", 200), (f"{TENANT}/operator", 200), (f"{TENANT}/customer", 403), (f"{TENANT}/supplier", 403),
    ("/", 401),
])  # fmt: skip
async def test_shells_are_for_staff(client, who: str, status: int) -> None:
    for path in (
        "/shells",
        "/submodels",
        "/serialization",
        "/description",
        f"/submodels/{encode(ITEM.submodel('identification'))}",
    ):
        answer = await client.get(path, headers={"who": who})
        assert answer.status_code == status
        assert status == 200 or list(answer.json()) == ["messages"]
        assert (status == 401) == ("www-authenticate" in answer.headers)


async def test_another_enterprise_sees_nothing(client) -> None:
    assert (await client.get("/shells", headers={"who": "other/engineer"})).json()["result"] == []
    assert (await client.get(f"/shells/{encode(ITEM.shell)}", headers={"who": "other/engineer"})).status_code == 404


async def test_a_list_without_entries_has_its_own_path_and_an_empty_value(client, world: World) -> None:
    world.items = [replace(record("I-0002", "S2"), holds=())]
    at = f"/submodels/{encode(ITEM.submodel('production-record'))}/submodel-elements/Holds"
    assert (await client.get(f"{at}/$path")).json() == ["Holds"]
    assert (await client.get(f"{at}/$value")).json() == []


async def test_the_profiles_are_told(client) -> None:
    assert (await client.get("/description")).json() == {"profiles": list(PROFILES)}


async def test_a_serialization_holds_what_is_named_and_without_names_all_equipment(client) -> None:
    async def held(**query: object) -> tuple[list[str], list[str]]:
        found = (await client.get("/serialization", params=query)).json()
        return tuple([each["id"] for each in found.get(key, [])] for key in ("assetAdministrationShells", "submodels"))

    shells, submodels = await held()
    assert (len(shells), len(submodels)) == (len(both_packs().things), 3 * len(both_packs().things))
    record_id = ITEM.submodel("production-record")
    assert await held(aasIds=encode(ITEM.shell)) == ([ITEM.shell], [ITEM.submodel("identification"), record_id])
    assert await held(aasIds=encode(ITEM.shell), submodelIds=encode(record_id)) == ([ITEM.shell], [record_id])
    assert await held(submodelIds=encode(record_id)) == ([], [record_id])


async def test_meanings_of_signals_come_along_unless_they_are_not_wanted(client) -> None:
    one = {"aasIds": encode(EQUIPMENT.shell)}
    meanings = (await client.get("/serialization", params=one)).json()["conceptDescriptions"]
    data = (await client.get(f"/submodels/{encode(EQUIPMENT.submodel('technical-data'))}")).json()["submodelElements"]
    assert {each["id"] for each in meanings} == {each["semanticId"]["keys"][0]["value"] for each in data}
    without = await client.get("/serialization", params={**one, "includeConceptDescriptions": "false"})
    assert "conceptDescriptions" not in without.json()


async def test_an_exported_package_is_judged_equal_until_the_plant_changes(client, world: World) -> None:
    packed = (await client.get("/serialization", params={"aasIds": encode(EQUIPMENT.shell)}, headers=AASX)).content
    judged = (await client.post("/packages/check", content=packed)).json()
    assert judged["shells"] == [EQUIPMENT.shell]
    assert (judged["faults"], judged["foreign"], [each["differs"] for each in judged["known"]]) == ([], [], [[]] * 4)
    await world.clock.advance(5)
    again = (await client.post("/packages/check", content=packed)).json()
    (differing,) = (each for each in again["known"] if each["differs"])
    assert differing["id"] == EQUIPMENT.submodel("operational-data")
    assert [place.split("/")[-3:] for place in differing["differs"]] == [["value", "AgeSeconds", "value"]]


async def test_a_foreign_package_is_named_foreign_with_its_faults(client) -> None:
    packed = (await client.get("/serialization", params={"aasIds": encode(ITEM.shell)}, headers=AASX)).content
    environment = package.read(packed)
    environment.asset_administration_shells[0].id = "https://example.com/ids/aas/1"
    environment.asset_administration_shells[0].id_short = "no short id"
    judged = (await client.post("/packages/check", content=package.write(environment))).json()
    assert judged["foreign"] == ["https://example.com/ids/aas/1"]
    assert any("id_short" in fault or "ID-short" in fault for fault in judged["faults"])


async def test_a_package_that_cannot_be_read_or_is_too_large_is_refused(client) -> None:
    for content in (b"nothing", b"x" * (PACKED_MAX + 1)):
        answer = await client.post("/packages/check", content=content)
        assert (answer.status_code, list(answer.json())) == (400, ["messages"])


async def test_xml_and_packages_are_sent_where_they_are_wished(client) -> None:
    xml = await client.get("/serialization", headers={"Accept": "application/xml"})
    assert xml.headers["content-type"].startswith("application/xml")
    packed = await client.get("/serialization", headers=AASX)
    with ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.testzip() is None
    assert node_of(package.read(packed.content)) == (await client.get("/serialization")).json()


async def test_a_filter_by_name_looks_at_no_other_item(client, world: World) -> None:
    await client.get("/shells", params={"idShort": "I_0002"})
    assert set(world.asked) == {"I-0002"}
    assert await every(client, "/submodels", 100, idShort="TechnicalData")
    assert set(world.asked) == {"I-0002"}
