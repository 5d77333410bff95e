"""A machine's page: values with limits, course, alarms, jobs, and its stream."""

import json

import pytest
from tests.web.conftest import As
from tests.web.fakes import FakeServices

from batchone.contracts.alarms import LimitEdition, LimitSettings, Rationale
from batchone.contracts.things import EquipmentType, SignalType
from batchone.web.pages.machine import MachineTopic
from batchone.web.places import place_of
from batchone.web.services import web_of_app


async def test_each_signal_shows_value_unit_and_limits(as_: As) -> None:
    page = (await as_("eva").get("/machines/lathe-1")).text
    assert 'data-path="lathe-1/spindle_speed"' in page
    assert 'data-low="800"' in page or 'data-low="800.0"' in page
    assert "800 – 1,000 rpm" in page
    assert "1,020" in page


async def test_the_corners_name_place_state_and_order(as_: As, services: FakeServices) -> None:
    page = (await as_("eva").get("/machines/lathe-1")).text
    for part in ("lumen", "brno", "hall", "one", "metal"):
        assert part in page[page.index('class="trail"') : page.index("head-state")]
    assert 'href="/line/lamp"' in page


async def test_a_value_is_shown_stale_when_its_time_is_over(as_: As, services: FakeServices) -> None:
    from datetime import timedelta

    services.machines.frozen_at = services.clock.now() - timedelta(seconds=60)
    page = (await as_("eva").get("/machines/lathe-1")).text
    assert "is-stale" in page
    assert "stale since 16:29:00" in page


async def test_an_alarm_is_acknowledged_by_a_form_and_by_a_part_of_the_page(as_: As, services: FakeServices) -> None:
    client = as_("olu")
    answer = await client.post("/alarms/A-high/acknowledge")
    assert answer.headers["location"] == "/machines/lathe-1"
    assert services.world.alarms["A-high"].acknowledged_by == "Olu Ade"
    part = await client.post("/alarms/A-high/acknowledge", headers={"HX-Request": "true"})
    assert "Acknowledged." in part.text
    over = await client.post("/alarms/gone/acknowledge", headers={"HX-Request": "true"})
    assert (over.status_code, over.headers["hx-retarget"]) == (409, "#say")


async def test_an_unknown_machine_is_not_there(as_: As) -> None:
    assert (await as_("eva").get("/machines/rocket")).status_code == 404
    assert (await as_("eva").get("/machines/rocket/live")).status_code == 404


async def test_the_stream_begins_with_a_sign_and_goes_on_with_values(app: object, services: FakeServices) -> None:
    web = web_of_app(app)  # type: ignore[arg-type]
    place = await place_of(web, "works", "lathe-1")
    topic = MachineTopic(web, "works", place, ["lathe-1/spindle_speed"], "en", acknowledges=True)
    first = (await topic.snapshot()).decode()
    assert json.loads(first[first.index("event: begin\ndata: ") + 19 :].split("\n")[0]) == {
        "now": services.clock.now().timestamp()
    }
    told = (await topic.tick() or b"").decode()
    frame = json.loads(told[told.index("event: frame\ndata: ") + 19 :].split("\n")[0])
    assert list(frame["values"]) == ["lathe-1/spindle_speed"]
    assert frame["values"]["lathe-1/spindle_speed"][1:] == [1020.0, 0]


async def test_the_limits_are_those_in_force(as_: As, services: FakeServices) -> None:
    settings = LimitSettings(bound=1100.0)
    services.alarms.kept["lathe-1/spindle_speed", "high"] = [LimitEdition(1, settings, Rationale(), "eva", None, "")]
    page = (await as_("eva").get("/machines/lathe-1")).text
    assert 'data-high="1100.0"' in page
    assert "800 – 1,100 rpm" in page


async def test_a_period_and_signals_of_the_address_are_kept_by_every_link(as_: As) -> None:
    page = (await as_("eva").get("/machines/lathe-1?signal=spindle_speed&last=28800")).text
    assert page.count("data-path=") == 1
    assert 'href="/machines/lathe-1/rows?signal=spindle_speed&amp;last=28800"' in page
    assert 'href="/machines/lathe-1?signal=spindle_speed&amp;last=3600"' in page
    assert 'data-last="28800.0" aria-current="true"' in page
    assert "/api/history/samples.csv?path=lathe-1%2Fspindle_speed&amp;start=" in page


async def test_a_machine_that_stands_in_no_line_has_a_page_too(as_: As, services: FakeServices) -> None:
    services.machines.add(
        1, EquipmentType("press", {"en": "Press"}, (SignalType("force", {"en": "Force"}, "kN", every_s=1),)), "e/s/a/l/c"
    )
    page = (await as_("eva").get("/machines/press-000")).text
    assert 'data-path="press-000/force"' in page
    assert 'href="/machines?area=e%2Fs%2Fa%2Fl"' in page
    assert "No item at this machine now." in page


@pytest.mark.parametrize(
    ("query", "status"),
    [("signal=gone", 404), ("last=soon", 422), ("last=0.1", 422), ("from=2026-03-02T08:00", 422), ("from=x&to=y", 422),
     ("from=2026-03-02T08:00&to=2026-03-02T07:00", 422), ("from=2026-03-02T08:00&to=2026-03-02T09:00", 200)],
)  # fmt: skip
async def test_an_address_of_no_signal_or_period_is_refused(as_: As, query: str, status: int) -> None:
    assert (await as_("eva").get(f"/machines/lathe-1?{query}")).status_code == status
