"""What stands behind a machine's page: points for its chart, stored rows, all its signals."""

import re
from datetime import timedelta
from urllib.parse import urlencode

from tests.web.conftest import NOW, As
from tests.web.fakes import FakeServices

from batchone.contracts.machines import DroppedDay, Gap
from batchone.contracts.things import EquipmentType, SignalType

SPEED = "lathe-1/spindle_speed"


def between(start: timedelta, end: timedelta, **more: object) -> str:
    return urlencode({"from": (NOW + start).isoformat(), "to": (NOW + end).isoformat(), "signal": "spindle_speed", **more})


async def test_the_historian_is_asked_for_the_period_and_for_no_more_points_than_the_picture_has(
    as_: As, services: FakeServices
) -> None:
    hours = between(-timedelta(hours=8), -timedelta(hours=4), points=700)
    told = (await as_("eva").get(f"/machines/lathe-1/trend?{hours}")).json()
    assert services.machines.asked == [((SPEED,), NOW - timedelta(hours=8), NOW - timedelta(hours=4), 700)]
    times, values = told["lines"][SPEED]
    assert 0 < len(times) == len(values) <= 700
    assert told["answer"] == "downsampled"
    assert "least and greatest of each 41 s" in told["said"]
    near = between(-timedelta(minutes=2), timedelta(0), points=700)
    told = (await as_("eva").get(f"/machines/lathe-1/trend?{near}")).json()
    assert (told["answer"], len(told["lines"][SPEED][0])) == ("complete", 240)
    assert "Every stored sample" in told["said"]


async def test_each_reason_for_missing_samples_is_said(as_: As, services: FakeServices) -> None:
    first, second = NOW - timedelta(hours=7), NOW - timedelta(hours=6)
    services.machines.holes = [
        (first, first + timedelta(minutes=20), None), (second, second + timedelta(minutes=30), Gap("dropped", "DROP-7")),
        (second, second, Gap("lost", "works/standard/S-1.parquet")),
    ]  # fmt: skip
    day = DroppedDay("DROP-7", "standard", NOW.date(), 1, 1, 1, 1, second, second + timedelta(minutes=30), "/a", NOW, "ada")
    services.machines.days = [day]
    told = (await as_("eva").get(f"/machines/lathe-1/trend?{between(-timedelta(hours=8), timedelta(0), points=800)}")).json()
    assert told["answer"] == "missing"
    assert [each[2] for each in told["holes"][SPEED]] == ["none", "dropped"]
    for words in ("nothing came", "(DROP-7, by ada)", "it is archived", "lost or damaged", "S-1.parquet", "2 Mar, 10:30"):
        assert words in told["said"]


async def test_a_signal_without_any_sample_is_said_once(as_: As, services: FakeServices) -> None:
    services.machines.holes = [(NOW - timedelta(days=2), NOW, None)]
    told = (await as_("eva").get("/machines/lathe-1/trend?signal=spindle_speed&last=3600&points=500")).json()
    assert (told["answer"], told["lines"][SPEED]) == ("missing", [[], []])
    assert told["said"].count("Spindle speed") == 1


async def test_what_the_historian_cannot_answer_is_an_error_and_not_an_empty_picture(as_: As, services: FakeServices) -> None:
    services.machines.away = True
    answer = await as_("eva").get("/machines/lathe-1/trend?signal=spindle_speed&last=3600&points=500")
    assert answer.status_code == 503
    services.machines.away = False
    assert (await as_("eva").get("/machines/lathe-1/trend?last=3600&points=100000")).status_code == 422
    assert (await as_("mei").get("/machines/lathe-1/trend?last=3600&points=500")).status_code == 403


async def test_stored_rows_come_page_by_page_of_one_fixed_period(as_: As) -> None:
    client = as_("eva")
    page = (await client.get("/machines/lathe-1/rows?signal=spindle_speed&last=180")).text
    assert "360 samples" in page
    assert page.count("<tr><td") == 200
    following = re.search(r'href="(/machines/lathe-1/rows[^"]+after=[^"]+)"', page)
    assert following is not None
    assert "from=" in following[1]
    rest = (await client.get(following[1].replace("&amp;", "&"))).text
    assert rest.count("<tr><td") == 160
    assert "after=" not in rest
    assert "16:29:59.500" in rest


async def test_a_period_without_rows_says_so(as_: As) -> None:
    page = (await as_("eva").get(f"/machines/lathe-1/rows?{between(timedelta(hours=1), timedelta(hours=2))}")).text
    assert "There are no samples in this period." in page


async def test_doubtful_signals_of_a_machine_are_listed_and_ticked_ones_are_drawn(as_: As, services: FakeServices) -> None:
    kind = EquipmentType("press", {"en": "Press"}, tuple(SignalType(f"s{n}", {"en": f"S {n}"}, every_s=1) for n in range(300)))
    services.machines.add(1, kind, "lumen/brno/hall/two/p")
    services.machines.spoilt["press-000/s7"] = (0, 400.0)
    services.machines.spoilt["press-000/s8"] = None
    client = as_("eva")
    page = (await client.get("/machines/press-000/signals?show=silent")).text
    assert re.findall(r'type="checkbox" name="signal" value="([^"]+)"', page) == ["s7"]
    assert "silent for 6 min 40 s" in page
    assert 'value="s8"' in (await client.get("/machines/press-000/signals?show=never")).text
    whole = (await client.get("/machines/press-000/signals?signal=s250&last=3600")).text
    assert whole.count('type="checkbox"') == 100
    assert '<input type="hidden" name="signal" value="s250">' in whole
    assert "1 to 100 of 300" in whole
