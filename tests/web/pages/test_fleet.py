"""The list of machines: rows, figures that lead to their rows, what is unknown, its stream."""

import json
import re

from tests.web.conftest import As
from tests.web.fakes import FakeServices

from batchone.contracts.pack import Limits
from batchone.contracts.things import EquipmentType, SignalType
from batchone.web.pages.fleet import FleetTopic
from batchone.web.services import web_of_app
from batchone.web.views.fleet import Wish

PRESS = EquipmentType(
    "press",
    {"en": "Press"},
    tuple(SignalType(f"s{n}", {"en": f"Signal {n}"}, "bar", limits=Limits(1, 5), every_s=1) for n in range(16)),
)


def row(page: str, machine: str) -> str:
    return page[page.index(f'id="machine-{machine}"') :].split("</tr>", 1)[0]


async def test_each_figure_of_a_machine_leads_to_its_rows(as_: As, services: FakeServices) -> None:
    page = (await as_("eva").get("/machines")).text
    lathe = row(page, "lathe-1")
    assert 'href="/machines/lathe-1"' in lathe
    assert 'href="/machines/lathe-1/signals"' in lathe
    assert 'href="/alarms?equipment=lathe-1"' in lathe
    assert re.search(r'href="/machines\?connection=[a-z]', lathe)


async def test_waiting_samples_are_told_as_hours_of_room(as_: As) -> None:
    page = (await as_("eva").get("/machines?show=waiting")).text
    assert "412,300 samples wait, room for 5.2 h, 2,150/s leave" in page
    assert "12 batches behind, 4 min" in page
    assert "1,280 samples lost" in page


async def test_a_connection_shows_all_that_is_known_of_it(as_: As, services: FakeServices) -> None:
    last = services.world.blueprint.pack.connections[-1].id
    page = (await as_("eva").get(f"/machines?connection={last}")).text
    for told in ("Set aside as undeclared", ">42<", "412,300, 6 min 20 s", "2,150 samples/s", "12 batches, 4 min"):
        assert told in page
    assert "Nothing is known of this connection now." in (await as_("eva").get("/machines?connection=gone")).text


async def test_what_is_not_answered_is_called_unknown(as_: As, services: FakeServices) -> None:
    services.machines.away = True
    page = (await as_("eva").get("/machines")).text
    assert "Not everything can be told now:" in page
    assert "the connections do not answer" in page
    lathe = row(page, "lathe-1")
    assert "unknown" in lathe
    assert "running" not in lathe


async def test_thousands_of_signals_on_hundreds_of_machines_make_a_page_of_fifty_rows(as_: As, services: FakeServices) -> None:
    services.machines.add(250, PRESS, "lumen/brno/press-hall/two/p")
    page = (await as_("eva").get("/machines")).text
    assert page.count('<tr id="machine-') == 50
    assert "1 to 50 of 2" in page
    assert len(page) < 120_000
    narrowed = (await as_("eva").get("/machines?q=press+249")).text
    assert re.findall(r'<tr id="machine-([^"]+)', narrowed) == ["press-249"]
    assert "edge-249" in narrowed


async def test_a_list_that_there_is_not_is_refused(as_: As) -> None:
    assert (await as_("eva").get("/machines?show=pink")).status_code == 422
    assert (await as_("mei").get("/machines")).status_code == 403


async def test_the_stream_tells_ages_each_second_and_rows_only_when_they_change(app: object, services: FakeServices) -> None:
    topic = FleetTopic(web_of_app(app), "works", Wish(), "en")  # type: ignore[arg-type]  # the fixture's app
    whole = (await topic.snapshot()).decode()
    assert 'hx-target="#fleet"' in whole
    await topic.tick()
    quiet = (await topic.tick() or b"").decode()
    assert "hx-partial" not in quiet
    ages = json.loads(quiet[quiet.index("event: ages\ndata: ") + 18 :].split("\n")[0])
    assert ages["lathe-1"] == 0.2
    path = "lathe-1/spindle_speed"
    services.machines.spoilt[path] = (2, 0.2)
    changed = (await topic.tick() or b"").decode()
    assert "1 bad" in changed
    assert 'hx-target="#fleet"' in changed
