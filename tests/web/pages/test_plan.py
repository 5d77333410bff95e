"""The plan: its figures, its table, and the window that the Gantt reads."""

import asyncio
from datetime import timedelta

import orjson
import pytest
from tests.web.conftest import As
from tests.web.fakes import FakeServices

from batchone.contracts.planning import SearchNow
from batchone.web.pages.plan import PlanTopic
from batchone.web.services import web_of_app


async def test_the_page_says_which_plan_is_in_force_what_it_is_worth_and_what_is_late(as_: As, services: FakeServices) -> None:
    page = (await as_("pia").get("/plan")).text
    summary = services.world.plans[0]
    assert f"Plan {summary.number}" in page
    assert "Lateness, weighted" in page
    for run in services.world.plans:
        assert f'id="run-{run.number}"' in page
    for each in services.world.operations:
        if each.late and each.start < services.world.now + timedelta(hours=12) and each.end > services.world.now:
            assert services.world.orders[each.order].number in page


async def test_before_the_first_plan_the_page_says_when_there_will_be_one(as_: As, services: FakeServices) -> None:
    services.world.plans.clear()
    page = await as_("pia").get("/plan")
    assert page.status_code == 200
    assert "There is no plan yet." in page.text


async def test_the_window_holds_rows_in_the_order_of_the_routing_and_bars_with_words(as_: As, services: FakeServices) -> None:
    told = (await as_("pia").get("/plan/window")).json()
    assert [row["id"] for row in told["rows"]] == ["lathe-1", "fitter-1", "tester-1"]
    assert told["whole"] is True
    bar = told["bars"][0]
    assert bar["end"] > bar["start"]
    assert bar["label"].startswith("SO-100")
    assert bar["link"].startswith("/orders/SO-100")
    known = {f"{each.item} {each.op} {each.run}" for each in services.world.operations}
    assert {bar["id"] for bar in told["bars"]} <= known


@pytest.mark.parametrize("query", ["start=2&end=1", "start=0&end=1e12", "start=-1e30&end=1", "start=nan&end=1"])
async def test_a_window_without_sense_is_refused(as_: As, query: str) -> None:
    answer = await as_("pia").get(f"/plan/window?{query}", headers={"Accept": "application/json"})
    assert answer.status_code == 422


async def test_the_stream_tells_time_plan_number_and_states(app: object, services: FakeServices) -> None:
    topic = PlanTopic(web_of_app(app), "works", "en")  # type: ignore[arg-type]
    first = (await topic.snapshot()).decode()
    assert 'hx-target="#worth"' in first
    assert '"plan":42' in first
    assert '"lathe-1":' in first
    await topic.tick()
    again = (await topic.tick() or b"").decode()
    assert "hx-partial" not in again
    assert "event: plan" in again


async def test_a_search_is_shown_while_it_runs(app: object, services: FakeServices) -> None:
    topic = PlanTopic(web_of_app(app), "works", "en")  # type: ignore[arg-type]
    assert "No search is running" in (await topic.snapshot()).decode()
    woken = asyncio.Event()
    listening = asyncio.create_task(topic.listen(woken.set))
    await asyncio.sleep(0)
    await services.bus.broadcast("live.search.works", orjson.dumps(SearchNow(1.5, 3.0, 7200, 60, 90000, 5400, "tabu")))
    await asyncio.wait_for(woken.wait(), 1)
    told = (await topic.tick() or b"").decode()
    assert "1.5 of 3 s" in told
    assert "25.0 %" in told
    woken.clear()
    await services.bus.broadcast("live.search.works", b"")
    await asyncio.wait_for(woken.wait(), 1)
    assert "No search is running" in (await topic.tick() or b"").decode()
    listening.cancel()


async def test_the_plan_is_offered_as_files_and_each_run_says_what_changed_with_it(as_: As) -> None:
    page = (await as_("olu").get("/plan?lang=zh")).text
    assert 'href="/api/plan/export.csv?language=zh"' in page
    assert 'href="/api/plan/export.xml?language=zh"' in page
    assert 'action="/api/plan/export.ics"' in page
    assert '<option value="lathe-1">' in page
    assert 'href="/plan/diff?from=41&amp;to=42"' in page
