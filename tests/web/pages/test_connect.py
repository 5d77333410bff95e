"""The pages of connections: the list, one with its values, its removal."""

import re

import pytest
from tests.web.conftest import As
from tests.web.fakes import FakeServices

from batchone.web.pages.connect import ConnectionsTopic, ConnectionTopic, reading_of
from batchone.web.services import web_of_app


@pytest.fixture(autouse=True)
def _begin(services: FakeServices) -> None:
    services.sources.begin()


def row_of(page: str, connection: str) -> str:
    row = page[page.index(f'id="connection-{connection}"') :]
    return row[: row.index("</tr>")]


async def test_every_connection_is_listed_with_state_link_and_freshness(as_: As, services: FakeServices) -> None:
    page = (await as_("eva").get("/connect")).text
    air, oven = row_of(page, "air-house"), row_of(page, "oven-gas")
    for told in ("OPC UA", "opc.tcp://10.0.0.5:4840/", "up", "just now", "12,000"):
        assert told in air
    for told in ("down", "does not answer", "nothing came yet"):
        assert told in oven
    of_pack = services.world.blueprint.pack.connections[0].id
    assert "of a pack" in row_of(page, of_pack)
    assert "1 connection down" in page
    assert 'href="/connect/new"' in page


async def test_a_connection_shows_its_signals_with_value_unit_and_address(as_: As) -> None:
    page = (await as_("eva").get("/connect/connections/air-house")).text
    row = page[page.index('data-path="comp-1/pressure"') :]
    row = row[: row.index("</tr>")]
    for told in ("Air pressure", "bar", "just now", "ns=2;s=Air.P", 'data-state="good"'):
        assert told in row, told
    assert "Remove this connection" in page
    assert 'aria-current="step"' not in page
    assert 'aria-current="step"' in (await as_("eva").get("/connect/connections/air-house?new=1")).text


async def test_a_connection_of_a_pack_shows_the_signals_of_its_machines_and_is_not_removed_here(
    as_: As, services: FakeServices
) -> None:
    pack = services.world.blueprint.pack
    machine = next(each for each in pack.equipment if each.connection and pack.signals_of(each.equipment_class))
    page = (await as_("eva").get(f"/connect/connections/{machine.connection}")).text
    assert f'data-path="{machine.id}/' in page
    assert "Remove this connection" not in page


async def test_a_connection_is_removed_and_what_there_is_not_is_not_found(as_: As, services: FakeServices) -> None:
    eva = as_("eva")
    answer = await eva.post("/connect/connections/air-house/remove")
    assert answer.headers["location"] == "/connect"
    assert 'id="connection-air-house"' not in (await eva.get("/connect")).text
    assert (await eva.get("/connect/connections/air-house")).status_code == 404
    assert "air-house" not in services.sources.kept


async def test_only_engineers_connect(as_: As) -> None:
    for person in ("olu", "pia", "mei"):
        for page in ("/connect", "/connect/new", "/connect/quarantine", "/connect/certificates"):
            assert (await as_(person).get(page)).status_code == 403, (person, page)
        assert (await as_(person).post("/connect/connections/air-house/remove")).status_code == 403


async def test_the_streams_tell_new_values_and_what_changed(app: object, services: FakeServices) -> None:
    web = web_of_app(app)  # type: ignore[arg-type]
    one = ConnectionTopic(web, "works", await reading_of(web, "works", "air-house"), "en")
    values = [re.findall(r"<strong>([^<]+)</strong> bar", (await one.snapshot()).decode())]
    await one.tick()
    await services.clock.advance(3)  # type: ignore[attr-defined]
    values.append(re.findall(r"<strong>([^<]+)</strong> bar", (await one.tick() or b"").decode()))
    assert values[0] != values[1]
    assert all(len(each) == 1 for each in values)
    every = ConnectionsTopic(web, "works", "en")
    assert b"all connections up" not in await every.snapshot()
    services.machines.down.clear()
    assert "all connections up" in (await every.tick() or b"").decode()
