"""The line board and its stream."""

import asyncio
from dataclasses import replace

from tests.web.conftest import As
from tests.web.fakes import FakeServices

from batchone.contracts.machines import EQUIPMENT_TOPIC, JOBS_TOPIC
from batchone.web.pages.line import BoardTopic
from batchone.web.services import Web, web_of_app


async def test_the_board_shows_every_station_with_its_state_in_words_and_the_item_at_it(
    as_: As, services: FakeServices
) -> None:
    page = (await as_("eva").get("/line/lamp")).text
    for equipment in services.world.blueprint.pack.equipment:
        assert f'id="station-{equipment.id}"' in page
        assert f'href="/machines/{equipment.id}"' in page
    station = services.world.stations()[0]
    order = services.world.orders[station.order]
    assert f'href="/orders/{order.number}?item={station.item}"' in page
    assert order.customer.town in page


async def test_what_is_wrong_is_named_at_the_top_with_a_link(as_: As) -> None:
    page = (await as_("eva").get("/line/lamp")).text
    wrong = page[page.index('id="wrong"') : page.index('id="takt"')]
    assert "Spindle speed" in wrong
    assert "too high" in wrong
    assert "1,020 rpm" in wrong
    assert "(limit 1,000 rpm)" in wrong
    assert 'href="/machines/lathe-1"' in wrong


async def test_only_those_at_the_line_acknowledge(as_: As) -> None:
    assert "/alarms/A-high/acknowledge" in (await as_("olu").get("/line/lamp")).text
    assert "/acknowledge" not in (await as_("pia").get("/line/lamp")).text
    assert (await as_("pia").post("/alarms/A-high/acknowledge")).status_code == 403


async def test_a_single_line_is_opened_at_once_and_an_unknown_one_is_not_there(as_: As) -> None:
    assert (await as_("eva").get("/line")).headers["location"] == "/line/lamp"
    assert (await as_("eva").get("/line/rocket")).status_code == 404


async def test_a_line_that_cannot_be_read_says_so(as_: As, services: FakeServices) -> None:
    services.machines.away = True
    answer = await as_("eva").get("/line/lamp")
    assert (answer.status_code, "Try again" in answer.text) == (503, True)


async def test_the_stream_sends_the_whole_board_first_and_then_only_what_changed(app: object, services: FakeServices) -> None:
    web: Web = web_of_app(app)  # type: ignore[arg-type]
    topic = BoardTopic(web, services.tenant, "lamp", "en", acknowledges=True)
    snapshot = (await topic.snapshot()).decode()
    for target in ("board", "wrong", "head-state", "takt"):
        assert f'hx-target="#{target}"' in snapshot
    await topic.tick()
    assert await topic.tick() is None
    lathe = services.world.machines["lathe-1"]
    services.world.machines["lathe-1"] = replace(lathe, state="blocked")
    told = (await topic.tick() or b"").decode()
    assert 'hx-target="#board"' in told
    assert 'hx-target="#wrong"' not in told
    assert "blocked" in told


async def test_a_change_of_a_machine_wakes_the_boards_of_its_tenant_only(app: object, services: FakeServices) -> None:
    topic = BoardTopic(web_of_app(app), services.tenant, "lamp", "en", acknowledges=True)  # type: ignore[arg-type]
    woken: list[int] = []
    listening = asyncio.create_task(topic.listen(lambda: woken.append(1)))
    await asyncio.sleep(0)
    await services.bus.broadcast(f"{EQUIPMENT_TOPIC}.other.lathe-1", b"{}")
    await services.bus.broadcast(f"{JOBS_TOPIC}.{services.tenant}.lathe-1", b"[]")
    assert woken == []
    await services.bus.broadcast(f"{EQUIPMENT_TOPIC}.{services.tenant}.lathe-1", b"{}")
    assert woken == [1]
    listening.cancel()


async def test_streams_of_other_languages_and_rights_are_told_apart(app: object, services: FakeServices) -> None:
    web = web_of_app(app)  # type: ignore[arg-type]
    topics = [
        BoardTopic(web, "works", "lamp", language, acknowledges=right) for language in ("en", "zh") for right in (True, False)
    ]
    assert len({topic.key for topic in topics}) == 4
    assert "转速" in (await topics[2].snapshot()).decode()
