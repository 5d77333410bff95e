"""A machine's page: values with limits, course, alarms, jobs, and its stream."""

import json

from tests.web.conftest import As
from tests.web.fakes import FakeServices

from batchone.web.pages.machine import MachineTopic, place_of
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


async def test_the_stream_begins_with_history_and_goes_on_with_values(app: object, services: FakeServices) -> None:
    web = web_of_app(app)  # type: ignore[arg-type]
    place = await place_of(web, "works", "lathe-1")
    topic = MachineTopic(web, "works", place, 1, "en", acknowledges=True)
    first = (await topic.snapshot()).decode()
    history = json.loads(first[first.index("event: history\ndata: ") + 21 :].split("\n")[0])
    times, values = history["lines"]["lathe-1/spindle_speed"]
    assert len(times) == len(values) >= 50
    assert history["now"] - times[0] <= history["window"] + 1
    told = (await topic.tick() or b"").decode()
    frame = json.loads(told[told.index("event: frame\ndata: ") + 19 :].split("\n")[0])
    assert frame["values"]["lathe-1/spindle_speed"][1:] == [1020.0, 0]
