"""The page of quarantine: what waits, what was dismissed, and adopting."""

from urllib.parse import urlencode

import pytest
from tests.web.conftest import As
from tests.web.fakes import FakeServices

PATH = {"connection": "oven-gas", "path": "oven-gas/plant/oven-3/zones#gas.flow"}
FORM = {"of": PATH["connection"], "adopt": PATH["path"]}


@pytest.fixture(autouse=True)
def _begin(services: FakeServices) -> None:
    services.sources.begin()


async def test_what_was_set_aside_is_listed_with_how_often_the_last_value_and_since_when(as_: As) -> None:
    page = (await as_("eva").get("/connect/quarantine")).text
    for told in (PATH["path"], "877", "14.2", "28 Feb, 16:30", "half open", "10,431 more samples"):
        assert told in page, told
    assert "3 to be judged" in page, "those without a name of their own are not to be judged"
    assert PATH["path"] not in (await as_("eva").get("/connect/quarantine?connection=none")).text


async def test_an_entry_is_adopted_as_a_signal_of_a_new_or_known_equipment(as_: As, services: FakeServices) -> None:
    eva = as_("eva")
    page = (await eva.get(f"/connect/quarantine?{urlencode(FORM)}")).text
    form = page[page.index('id="adopt"') :]
    assert 'value="flow"' in form, "a name is proposed"
    told = {"equipment": "oven-3", "signal": "gas", "name": "Gas flow", "unit": "m^3/h", "kind": "float", "place": "works/hall"}
    answer = await eva.post("/connect/quarantine/adopt", data={**PATH, **told})
    assert answer.headers["location"] == "/connect/quarantine"
    ((connection, path, thing),) = services.quarantines.adopted
    assert (connection, path, thing.id, thing.place) == (*PATH.values(), "oven-3", "works/hall")
    (signal,) = thing.signals
    assert (signal.id, signal.name, signal.unit) == ("gas", {"en": "Gas flow"}, "m^3/h")
    assert PATH["path"] not in (await eva.get("/connect/quarantine")).text


async def test_a_machine_of_a_pack_keeps_its_names(as_: As, services: FakeServices) -> None:
    entry = services.quarantines.entries[0]
    where = {"of": entry.connection, "adopt": entry.path}
    page = (await as_("eva").get(f"/connect/quarantine?{urlencode(where)}")).text
    form = page[page.index('id="adopt"') :]
    assert form.count(" readonly") == 2
    assert 'value="vibration"' in form


async def test_a_signal_of_a_position_is_adopted_for_every_position(as_: As, services: FakeServices) -> None:
    told = {"connection": "line", "path": "fan-1/P02/hum", "equipment": "fan-1", "signal": "P02/hum", "kind": "float"}
    await as_("eva").post("/connect/quarantine/adopt", data=told)
    (signal,) = services.quarantines.adopted[0][2].signals
    assert (signal.id, signal.scope, signal.name) == ("hum", "position", {"en": "hum"})


async def test_what_is_dismissed_goes_from_the_list_and_comes_back(as_: As) -> None:
    eva = as_("eva")
    await eva.post("/connect/quarantine/dismiss", data=PATH)
    assert PATH["path"] not in (await eva.get("/connect/quarantine")).text
    page = (await eva.get("/connect/quarantine?dismissed=1")).text
    assert PATH["path"] in page
    assert "dismissed by eva" in page
    await eva.post("/connect/quarantine/restore", data=PATH)
    assert PATH["path"] in (await eva.get("/connect/quarantine")).text


async def test_without_equipment_or_by_others_nothing_is_adopted(as_: As, services: FakeServices) -> None:
    told = {**PATH, "equipment": "", "signal": "gas", "kind": "float"}
    assert (await as_("eva").post("/connect/quarantine/adopt", data=told)).status_code == 422
    assert (await as_("olu").post("/connect/quarantine/adopt", data={**told, "equipment": "x"})).status_code == 403
    assert services.quarantines.adopted == []
