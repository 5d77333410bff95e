"""What a planner does with the bars: drags them, moves them by keys, reads why not, accepts, undoes; and without script."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.web.by_hand import FROZEN_S
from tests.web.fakes import FakeServices
from tests.web.serve import services as made_up

from batchone.contracts.by_hand import Move
from batchone.contracts.planning import PlannedOperation

pytestmark = pytest.mark.browser
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def services(request: pytest.FixtureRequest) -> FakeServices:
    return made_up(calm=True, orders=getattr(request, "param", 60))


def drawn(page: Page) -> Page:
    page.locator("#gantt[data-ready='1']").wait_for(state="attached")
    page.locator(".vis-item.bar.vis-editable").first.wait_for(state="attached")
    return page


def bar_of(page: Page, op: PlannedOperation):
    return page.locator(f'.vis-item.bar[data-id="{op.item} {op.op} {op.run}"]')


def drag(page: Page, op: PlannedOperation, by: int, *, drop: bool = True) -> None:
    bar = bar_of(page, op)
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 11):
        page.mouse.move(x + by * step / 10, y)
        page.wait_for_timeout(25)
    if drop:
        page.mouse.up()


def opened(open_page: Open, services: FakeServices, **options: object) -> tuple[Page, PlannedOperation]:
    page = drawn(open_page("/plan", "pia", **options))
    return page, services.by_hand.movable()


def test_a_dragged_bar_becomes_a_draft_that_says_what_it_does_and_is_undone_redone_and_accepted(
    open_page: Open, services: FakeServices
) -> None:
    page, op = opened(open_page, services)
    number = services.world.plans[0].number
    drag(page, op, 120, drop=False)
    expect(page.locator("#hand-said")).to_be_visible()
    expect(page.locator("#hand-said")).to_contain_text("later")
    assert services.by_hand.checks >= 1
    page.mouse.up()
    expect(page.locator("#draft-title")).to_contain_text("Draft: Pia Kern")
    expect(page.locator(".draft-effect")).to_contain_text("1 order later")
    expect(page).to_have_url(re.compile(r"/plan\?branch=B"))
    assert services.world.plans[0].number == number
    page.locator("#content").click(position={"x": 5, "y": 5})
    page.keyboard.press("Control+z")
    expect(page.locator(".draft-effect")).to_contain_text("No order ends at another time")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".draft-effect")).to_contain_text("1 order later")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator(".said-done")).to_be_visible()
    assert services.world.plans[0].number == number + 1
    assert services.by_hand.pinned[0].item == op.item


def test_a_bar_that_may_not_stand_there_turns_red_says_why_and_goes_back(open_page: Open, services: FakeServices) -> None:
    page, op = opened(open_page, services)
    before = bar_of(page, op).bounding_box()
    drag(page, op, -260, drop=False)
    expect(page.locator("#hand-said.is-illegal .said-why")).to_be_visible()
    expect(page.locator(".bar-ghost")).to_have_class(re.compile("is-illegal"))
    page.mouse.up()
    expect(page.locator(".bar-ghost")).to_have_count(0)
    after = bar_of(page, op).bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["x"] - after["x"]) < 3
    assert not services.by_hand.kept
    # The reason stays to be read until something else is done.
    expect(page.locator("#hand-said .said-why")).to_be_visible()
    page.locator("h1").click()
    expect(page.locator("#hand-said")).to_be_hidden()
    quiet(open_page)


def quiet(open_page: Open) -> None:
    """A refused move is answered 422, which the browser's console tells; that much is meant."""
    open_page.meant.append("422")  # type: ignore[attr-defined]


def test_keys_move_a_bar_change_its_machine_drop_it_and_let_it_be(open_page: Open, services: FakeServices) -> None:
    page, op = opened(open_page, services)
    bar = bar_of(page, op)
    bar.evaluate("(bar) => bar.focus()")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#hand-said")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#hand-said")).to_be_hidden()
    assert not services.by_hand.kept
    bar.evaluate("(bar) => bar.focus()")
    # As far as it takes to a place that is free; what stands between is in the way.
    for _ in range(12):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(200)
        if not page.locator("#hand-said.is-illegal").count():
            break
    page.keyboard.press("Enter")
    expect(page.locator("#draft-title")).to_be_visible()
    (branch,) = services.by_hand.kept.values()
    (made,) = branch.changes
    assert isinstance(made, Move)
    assert made.start > op.start
    expect(bar).to_be_focused()
    page.keyboard.press("PageUp")
    expect(bar).not_to_be_focused()
    assert page.evaluate("document.activeElement.classList.contains('bar')")


def test_the_plants_going_on_is_told_and_accepted_again(open_page: Open, services: FakeServices) -> None:
    page, op = opened(open_page, services)
    drag(page, op, 120)
    page.get_by_role("button", name="Accept").wait_for()
    services.by_hand.plant_went_on = True
    page.get_by_role("button", name="Accept").click()
    expect(page.locator(".draft-card .refusal")).to_contain_text("planned anew")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator(".said-done")).to_be_visible()


def test_a_branch_is_thrown_away_after_asking(open_page: Open, services: FakeServices) -> None:
    page, op = opened(open_page, services)
    drag(page, op, 120)
    page.locator(".discard summary").click()
    page.get_by_role("button", name="Yes, throw it away").click()
    expect(page.locator(".draft-card")).to_have_count(0)
    assert [each.state for each in services.by_hand.kept.values()] == ["thrown_away"]


def test_without_script_the_forms_move_refuse_and_offer(open_page: Open, services: FakeServices) -> None:
    op = services.by_hand.movable()
    page = open_page("/plan", "pia", java_script_enabled=False)
    page.locator("#move-operation").select_option(f"{op.item}/{op.op}")
    page.locator("#move-equipment").select_option(op.equipment)
    zone = services.world.now.astimezone(ZONE)
    page.locator("#move-at").fill((zone + timedelta(seconds=FROZEN_S - 200)).strftime("%Y-%m-%dT%H:%M"))
    page.locator("#move button[type=submit]").click()
    expect(page.locator(".refused-card")).to_contain_text("too near in time")
    page.get_by_text("Back to the plan").click()
    page.locator("#move-operation").select_option(f"{op.item}/{op.op}")
    page.locator("#move-equipment").select_option(op.equipment)
    page.locator("#move-at").fill((op.start + timedelta(minutes=50)).astimezone(ZONE).strftime("%Y-%m-%dT%H:%M"))
    page.locator("#move button[type=submit]").click()
    expect(page.locator("#draft-title")).to_contain_text("Draft")
    page.locator(".trial summary", has_text="Overtime").click()
    page.locator("#overtime-ends").fill((zone + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M"))
    page.locator(".trial[open] button").click()
    expect(page.locator(".draft-card")).to_contain_text("2 changes")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator(".said-done")).to_be_visible()
    quiet(open_page)


def test_who_only_reads_the_plan_has_no_hand(open_page: Open) -> None:
    page = open_page("/plan", "olu")
    page.locator("#gantt[data-ready='1']").wait_for(state="attached")
    assert page.locator(".vis-editable").count() == 0
    assert page.locator("#move, .trial, #hand-push").count() == 0
