"""The course of a machine's signals: any period by wheel, drag, pinch and keys, asked for as the picture needs it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import Open
from tests.web.fakes import FakeServices

from batchone.contracts.machines import DroppedDay, Gap

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)


@pytest.fixture
def machine(services: FakeServices) -> str:
    """A machine that runs, of whose signals nothing is wrong."""
    spoilt = {path.partition("/")[0] for path in services.machines.spoilt}
    alarmed = {each.equipment for each in services.world.alarms.values()}
    pack = services.world.blueprint.pack
    fine = [
        each.id for each in pack.equipment if each.id not in spoilt | alarmed and services.world.machines[each.id].connected
    ]
    return next(each for each in fine if len(services.world.signals(each)) >= 2)


def opened(open_page: Open, path: str, **options: object) -> Page:
    page = open_page(path, "eva", **options)
    ready(page)
    return page


def ready(page: Page) -> None:
    """The picture shows what was asked for last."""
    page.locator("#signals[data-ready]").wait_for()
    page.locator("#strips:not([aria-busy])").wait_for()


def yesterday(services: FakeServices, machine: str, hours: float = 8) -> str:
    start = services.world.now - 24 * HOUR
    query = {"from": start.isoformat(), "to": (start + hours * HOUR).isoformat()}
    return f"/machines/{machine}?{urlencode(query)}"


def window(page: Page) -> tuple[float, float]:
    """The period of the address, in unix seconds."""
    query = parse_qs(urlsplit(page.url).query)
    start, end = (datetime.fromisoformat(query[name][0]).timestamp() for name in ("from", "to"))
    return start, end


def middle(page: Page) -> tuple[float, float, float]:
    """The middle of the first strip's plot, and its width."""
    box = page.locator(".strip .u-over").first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"]


def points(page: Page) -> list[int]:
    return [int(each) for each in page.locator(".signal").evaluate_all("(all) => all.map((e) => e.dataset.points)")]


def asked(services: FakeServices) -> tuple[float, float, int]:
    """What the historian was asked for last: start, end, points."""
    _, start, end, most = services.machines.asked[-1]
    return start.timestamp(), end.timestamp(), most


def test_zooming_in_asks_the_server_for_that_window_and_shows_more_of_it(
    open_page: Open, services: FakeServices, machine: str
) -> None:
    page = opened(open_page, yesterday(services, machine))
    before, answers = window(page), len(services.machines.asked)
    expect(page.locator("#trend-said")).to_contain_text("Thinned to the picture")
    x, y, width = middle(page)
    page.mouse.move(x, y)
    page.keyboard.down("Control")
    for _ in range(12):
        page.mouse.wheel(0, -240)
    page.keyboard.up("Control")
    expect(page.locator("#trend-said")).to_contain_text("Every stored sample of this period is drawn.")
    ready(page)
    start, end = window(page)
    assert end - start < (before[1] - before[0]) / 40
    assert before[0] < start < end < before[1]
    assert abs((start + end) / 2 - (before[0] + before[1]) / 2) < (before[1] - before[0]) / 100
    assert asked(services)[:2] == pytest.approx((start, end), abs=0.01)
    # One gesture is one question, however many turns of the wheel it had.
    assert len(services.machines.asked) - answers <= 3
    assert asked(services)[2] <= width


def test_there_are_never_more_points_than_pixels(open_page: Open, services: FakeServices, machine: str) -> None:
    page = opened(open_page, f"/machines/{machine}?last=86400")
    for wanted in ("Hour", "Week", "Month", "1 min"):
        page.get_by_role("link", name=wanted, exact=True).click()
        expect(page.get_by_role("link", name=wanted, exact=True)).to_have_attribute("aria-current", "true")
        page.wait_for_timeout(250)
        ready(page)
        _, _, width = middle(page)
        assert asked(services)[2] <= width
        assert 0 < max(points(page)) <= width
    # What goes on live takes the place of what leaves at the other end.
    page.wait_for_timeout(2500)
    assert max(points(page)) <= width


def test_the_wheel_alone_scrolls_the_page_until_the_picture_was_clicked(
    open_page: Open, services: FakeServices, machine: str
) -> None:
    page = opened(open_page, yesterday(services, machine))
    address = page.url
    x, y, _ = middle(page)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -240)
    page.wait_for_timeout(400)
    assert page.url == address
    page.mouse.click(x, y)
    page.mouse.wheel(0, -240)
    expect(page).not_to_have_url(address)


def test_the_keyboard_moves_zooms_and_returns_to_now(open_page: Open, services: FakeServices, machine: str) -> None:
    page = opened(open_page, yesterday(services, machine))
    start, end = window(page)
    page.locator("#strips").focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("from="))
    page.wait_for_function("(url) => location.href !== url", arg=page.url) if window(page) == (start, end) else None
    assert window(page) == pytest.approx((start - (end - start) / 10, end - (end - start) / 10), abs=0.01)
    address = page.url
    page.keyboard.press("+")
    expect(page).not_to_have_url(address)
    narrow = window(page)
    assert narrow[1] - narrow[0] == pytest.approx((end - start) / 2, abs=0.01)
    page.keyboard.press("End")
    expect(page).to_have_url(re.compile(r"last=14400"))
    ready(page)
    assert asked(services)[1] == pytest.approx(services.clock.now().timestamp(), abs=20)


def test_dragging_moves_the_period_and_the_way_back_takes_it_back(
    open_page: Open, services: FakeServices, machine: str
) -> None:
    page = opened(open_page, yesterday(services, machine))
    before, address = window(page), page.url
    x, y, width = middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x + width * 0.25 * step / 5, y)
    assert page.url == address
    page.mouse.up()
    expect(page).not_to_have_url(address)
    ready(page)
    quarter = (before[1] - before[0]) / 4
    assert window(page) == pytest.approx((before[0] - quarter, before[1] - quarter), abs=quarter / 20)
    page.go_back()
    expect(page).to_have_url(address)
    ready(page)
    page.wait_for_function(
        "(end) => document.getElementById('signals').dataset.shown.includes(String(end))", arg=int(before[1])
    )
    page.go_forward()
    expect(page).not_to_have_url(address)


def test_two_fingers_zoom_about_what_is_under_them(open_page: Open, services: FakeServices, machine: str) -> None:
    page = opened(open_page, yesterday(services, machine), size="tablet", has_touch=True)
    before, address = window(page), page.url
    x, y, width = middle(page)
    hand = page.context.new_cdp_session(page)
    for apart in (0.1, 0.15, 0.2, 0.3, 0.4):
        fingers = [{"x": x - width * apart, "y": y, "id": 0}, {"x": x + width * apart, "y": y, "id": 1}]
        kind = "touchStart" if apart == 0.1 else "touchMove"
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page).not_to_have_url(address)
    start, end = window(page)
    assert end - start == pytest.approx((before[1] - before[0]) / 4, rel=0.1)
    assert (start + end) / 2 == pytest.approx((before[0] + before[1]) / 2, abs=(before[1] - before[0]) / 50)


def test_what_was_there_stays_until_the_answer_comes_and_the_page_says_that_it_waits(
    open_page: Open, services: FakeServices, machine: str
) -> None:
    page = opened(open_page, yesterday(services, machine))
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/trend?**", hold)
    before = points(page)
    page.get_by_role("button", name="Longer period").click()
    expect(page.locator("#trend-wait")).to_have_text("reading the stored samples")
    assert points(page) == before
    assert page.locator("#strips").get_attribute("aria-busy") == "true"
    held.pop().continue_()
    expect(page.locator("#trend-wait")).to_have_text("")
    ready(page)


def test_a_historian_that_is_away_leaves_the_picture_and_is_asked_again(
    open_page: Open, services: FakeServices, machine: str
) -> None:
    page = opened(open_page, yesterday(services, machine))
    open_page.meant.append("503")  # type: ignore[attr-defined]
    before = points(page)
    page.route("**/trend?**", lambda route: route.fulfill(status=503))
    page.get_by_role("button", name="Earlier").click()
    expect(page.locator("#trend-wait")).to_contain_text("does not answer")
    assert points(page) == before
    page.unroute("**/trend?**")
    expect(page.locator("#trend-wait")).to_have_text("", timeout=10_000)


def test_why_samples_are_missing_stands_in_words_and_no_line_is_drawn_there(
    open_page: Open, services: FakeServices, machine: str
) -> None:
    start = services.world.now - 23 * HOUR
    services.machines.holes = [(start, start + HOUR, Gap("dropped", "DROP-7")), (start + 3 * HOUR, start + 4 * HOUR, None)]
    day = DroppedDay("DROP-7", "standard", start.date(), 1, 1, 1, 1, start, start + HOUR, "/a", services.world.now, "ada")
    services.machines.days = [day]
    page = opened(open_page, yesterday(services, machine))
    said = page.locator("#trend-said")
    expect(said).to_contain_text("Not every sample of this period is there:")
    expect(said).to_contain_text("dropped by retention (DROP-7, by ada); it is archived and can be restored")
    expect(said).to_contain_text("nothing came")
    expect(page.locator("#signals")).to_have_attribute("data-answer", "missing")
    # In the middle of a hole the picture is hatched, not crossed by a line: the pointer finds no value there.
    x, y, width = middle(page)
    page.mouse.move(x - width / 2 + width * 1.5 / 8, y)
    expect(page.locator(".at").first).to_be_hidden()
    page.mouse.move(x - width / 2 + width * 6 / 8, y)
    expect(page.locator(".at").first).to_be_visible()


def test_a_period_is_chosen_by_its_ends_in_the_plants_time(open_page: Open, services: FakeServices, machine: str) -> None:
    page = opened(open_page, f"/machines/{machine}", timezone_id="America/New_York")
    page.locator("#shown-period").click()
    page.get_by_label("From", exact=True).fill("2026-03-01T08:00:00")
    page.get_by_label("To", exact=True).fill("2026-03-01T09:30:00")
    page.locator("#from-to").get_by_role("button", name="Show").click()
    expect(page).to_have_url(re.compile(r"from=2026-03-01T00%3A00%3A00.000Z&to=2026-03-01T01%3A30"))
    expect(page.locator("#shown-period")).to_have_text(re.compile("08:00 – 09:30"))


def test_the_links_beside_the_picture_lead_to_what_it_shows(open_page: Open, services: FakeServices, machine: str) -> None:
    page = opened(open_page, f"/machines/{machine}?last=60")
    page.get_by_role("button", name="Earlier").click()
    expect(page).to_have_url(re.compile("from="))
    start, end = window(page)
    page.get_by_role("link", name="Rows behind the picture").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Samples of")
    assert window(page) == pytest.approx((start, end), abs=0.01)
    page.go_back()
    ready(page)
    assert window(page) == (start, end)
    page.route("**/api/history/**", lambda route: route.fulfill(body="x", headers={"Content-Disposition": "attachment"}))
    export = page.get_by_role("link", name="CSV")
    export.click()
    query = parse_qs(urlsplit(export.get_attribute("href") or "").query)
    assert [datetime.fromisoformat(query[name][0]).timestamp() for name in ("start", "end")] == [start, end]
    assert all(path.startswith(f"{machine}/") for path in query["path"])


def test_what_ends_now_goes_on_and_what_lies_in_the_past_stays(open_page: Open, services: FakeServices, machine: str) -> None:
    page = opened(open_page, f"/machines/{machine}")
    first = page.locator("#shown-period").inner_text()
    expect(page.locator("#shown-period")).not_to_have_text(first)
    past = opened(open_page, yesterday(services, machine))
    first, value = past.locator("#shown-period").inner_text(), past.locator(".value").first.inner_text()
    expect(past.locator(".value").first).not_to_have_text(value)
    assert past.locator("#shown-period").inner_text() == first
