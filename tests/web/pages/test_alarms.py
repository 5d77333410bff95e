"""The pages of alarms: the list, the figures, one alarm with its shelf and its limit."""

import re
from urllib.parse import urlencode

import pytest
from tests.web.conftest import As
from tests.web.fakes import FakeServices

from batchone.contracts.alarms import AlarmFilter, LimitSettings
from batchone.web.pages.alarms import AlarmsTopic
from batchone.web.services import web_of_app
from batchone.web.views.alarms import Which

SPEED = "lathe-1/spindle_speed"
ONE = Which(SPEED, "high").address  # type: ignore[arg-type]
THIS = {"path": SPEED, "kind": "high"}


async def test_what_stands_is_listed_with_value_and_limit_and_leads_to_its_alarm_and_machine(as_: As) -> None:
    page = (await as_("olu").get("/alarms")).text
    row = page[page.index('id="alarm-A-high"') :]
    row = row[: row.index("</tr>")]
    assert "too high" in row
    assert "1,020" in row
    assert 'href="/machines/lathe-1"' in row
    assert f'href="{ONE.replace("&", "&amp;")}"' in row
    assert "/alarms/A-high/acknowledge" in row


async def test_an_alarm_is_acknowledged_from_the_list(as_: As, services: FakeServices) -> None:
    answer = await as_("olu").post("/alarms/A-high/acknowledge", data={"back": "alarms"})
    assert answer.headers["location"] == "/alarms"
    assert services.world.alarms["A-high"].acknowledged_by == "Olu Ade"
    assert "/alarms/A-high/acknowledge" not in (await as_("olu").get("/alarms")).text


async def test_a_planner_sees_alarms_and_touches_none(as_: As) -> None:
    pia = as_("pia")
    assert 'acknowledge"' not in (await pia.get("/alarms")).text
    page = (await pia.get(ONE)).text
    assert "<form" not in page[page.index('id="limit"') :]
    for url, form in (
        ("/alarms/shelve", {"seconds": "900", "reason": "x"}), ("/alarms/take-out", {"reason": "x"}),
        ("/alarms/restore", {"held": "shelved"}), ("/alarms/limit", {"bound": "1", "why": "x"}),
    ):  # fmt: skip
        assert (await pia.post(url, data={**THIS, **form})).status_code == 403


async def test_lists_are_narrowed_and_wrong_ones_refused(as_: As) -> None:
    eva = as_("eva")
    assert "No alarm fits." in (await eva.get("/alarms?show=all&equipment=nothing")).text
    narrowed = (await eva.get("/alarms?show=all&since=2026-03-02T00:00:00%2B00:00&path=" + SPEED)).text
    assert "raised from" in narrowed
    for query in ("show=some", "kind=odd", "priority=none", "since=yesterday", "since=2026-03-02T00:00:00"):
        assert (await eva.get("/alarms?" + query)).status_code == 422, query


async def test_an_alarm_is_shelved_for_a_while_and_taken_back(as_: As, services: FakeServices) -> None:
    olu = as_("olu")
    answer = await olu.post("/alarms/shelve", data={**THIS, "seconds": "900", "reason": "noisy"})
    assert answer.headers["location"] == ONE
    assert 'id="alarm-A-high"' not in (await olu.get("/alarms")).text
    assert 'id="alarm-A-high"' in (await olu.get("/alarms?show=suppressed")).text
    page = (await olu.get(ONE)).text
    assert "noisy" in page
    assert "Show it again" in page
    await olu.post("/alarms/restore", data={**THIS, "held": "shelved"})
    assert (SPEED, "high") not in services.alarms.held


async def test_only_an_engineer_takes_an_alarm_out_of_service(as_: As, services: FakeServices) -> None:
    assert (await as_("olu").post("/alarms/take-out", data={**THIS, "reason": "x"})).status_code == 403
    await as_("eva").post("/alarms/take-out", data={**THIS, "reason": "sensor away"})
    page = (await as_("eva").get(ONE)).text
    assert "sensor away" in page
    assert "Put back into service" in page
    assert "Put back into service" not in (await as_("olu").get(ONE)).text
    assert (await as_("olu").post("/alarms/restore", data={**THIS, "held": "out_of_service"})).status_code == 403
    await as_("eva").post("/alarms/restore", data={**THIS, "held": "out_of_service"})
    assert (SPEED, "high") not in services.alarms.held


async def test_a_limit_is_changed_and_brought_back(as_: As, services: FakeServices) -> None:
    eva = as_("eva")
    form = {**THIS, "base": "0", "bound": "1100", "deadband": "", "priority": "alarm", "enabled": "", "why": "new oil"}
    answer = await eva.post("/alarms/limit", data={**form, "cause_zh": " 油温低 "})
    assert answer.headers["location"] == ONE + "#limit"
    (edition,) = services.alarms.kept[SPEED, "high"]
    assert edition.settings == LimitSettings(bound=1100, priority="alarm")
    assert (edition.rationale.cause, edition.rationale.response, edition.why) == ({"zh": "油温低"}, {}, "new oil")
    page = (await eva.get(ONE)).text
    assert 'value="1100"' in page
    assert "new oil" in page
    assert (await eva.post("/alarms/limit", data=form)).status_code == 409, "it was made from the version before"
    await eva.post("/alarms/limit", data={**THIS, "why": "old oil", "reset": "1"})
    assert services.alarms.kept[SPEED, "high"][0].settings == LimitSettings()


@pytest.mark.parametrize("wrong", [{"bound": "hot"}, {"on_delay_s": "-1"}, {"kind": "odd"}])
async def test_a_wrong_limit_is_refused(as_: As, services: FakeServices, wrong: dict[str, str]) -> None:
    answer = await as_("eva").post("/alarms/limit", data={**THIS, "base": "0", "why": "x", **wrong})
    assert answer.status_code == 422
    assert services.alarms.kept == {}


async def test_an_alarm_that_there_is_not_is_not_found(as_: As) -> None:
    eva = as_("eva")
    assert (await eva.get("/alarms/one?" + urlencode({"path": "rocket", "kind": "offline"}))).status_code == 404
    assert (await eva.get("/alarms/one?" + urlencode({"path": "rocket/x", "kind": "high"}))).status_code == 404
    assert (await eva.get("/alarms/one?" + urlencode({"path": "lathe-1", "kind": "offline"}))).status_code == 200


async def test_each_figure_leads_to_the_alarms_behind_it(as_: As, services: FakeServices) -> None:
    page = (await as_("olu").get("/alarms/statistics?hours=24")).text
    flood = re.search(r'At the peak</dt><dd><a href="([^"]+)">(\d+)</a>', page)
    assert flood
    rows = (await as_("olu").get(flood[1].replace("&amp;", "&"))).text
    assert rows.count('<tr id="alarm-') == int(flood[2]) > 10
    often = re.search(r'href="(/alarms\?show=all&amp;path=[^"]+)">(\d+) times', page)
    assert often
    assert (await as_("olu").get(often[1].replace("&amp;", "&"))).text.count('<tr id="alarm-') == int(often[2])


async def test_the_stream_tells_the_list_when_it_changed(app: object, services: FakeServices) -> None:
    topic = AlarmsTopic(web_of_app(app), "works", AlarmFilter(), "en", acknowledges=True)  # type: ignore[arg-type]
    assert "too high" in (await topic.snapshot()).decode()
    await topic.tick()
    assert await topic.tick() is None
    services.world.alarms.clear()
    assert "Nothing is wrong." in (await topic.tick() or b"").decode()
