"""The Gantt over the real desk: a real pack's plan in PostgreSQL, moved by mouse, keys and form, judged by the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Open
from tests.browser.test_by_hand import quiet
from tests.browser.works import START, Works, works

from batchone.contracts.by_hand import Branch, Move
from batchone.contracts.planning import PlannedOperation
from batchone.contracts.sales import Order

pytestmark = [pytest.mark.browser, pytest.mark.engine]
ZONE = ZoneInfo("Asia/Shanghai")
NOON = START.replace(hour=11, minute=0)
"""When the shift's break begins; it lasts half an hour."""


PICTURE = """() => {
  window.picture = [];
  const frame = document.querySelector(".vis-itemset");
  const bar = document.querySelector(".vis-item.bar.vis-editable");
  const now = document.querySelector(".vis-custom-time.now");
  const left = (element) => element.getBoundingClientRect().left;
  const told = () => ({ what: frame.style.transform ? "moved" : "drawn", apart: left(bar) - left(now) });
  new MutationObserver(() => window.picture.push(told())).observe(frame, { attributeFilter: ["style"] });
}"""


@pytest.fixture(scope="module")
def plant(postgres_url: str, nats_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    with works(postgres_url, nats_url, tmp_path_factory.mktemp("works")) as running:
        yield running


@pytest.fixture(scope="module")
def first(plant: Works) -> Order:
    """An order of one item: the plan begins with it, and what is behind it stands on its machines for days."""
    return plant.order("first", 1)


@pytest.fixture(scope="module")
def crowd(plant: Works, first: Order) -> Order:
    """So many items behind it that the plan has more than two thousand operations."""
    return plant.order("crowd", 300)


@pytest.fixture(scope="module")
def address(plant: Works) -> str:
    return plant.address


@pytest.fixture(scope="module")
def session_of(plant: Works) -> Any:
    return plant.session


@pytest.fixture
def page(open_page: Open, first: Order) -> Page:
    return opened(open_page)


def opened(open_page: Open, path: str = "/plan", minutes: int = 60) -> Page:
    shown = open_page(path, "pia")
    shown.locator("#gantt[data-ready='1']").wait_for(state="attached")
    shown.locator(f".zoom button[data-minutes='{minutes}']").click()
    shown.locator("#gantt[aria-busy='false']").wait_for(state="attached")
    shown.locator(".vis-item.bar.vis-editable").first.wait_for(state="attached")
    return shown


def one(plant: Works, order: Order, op: str) -> PlannedOperation:
    return next(each for each in plant.operations(order) if each.op == op)


def bar_of(page: Page, op: PlannedOperation) -> Locator:
    return page.locator(f'.vis-item.bar[data-id="{op.item} {op.op} {op.run}"]')


def box_of(found: Locator) -> dict[str, float]:
    box = found.bounding_box()
    assert box is not None
    return {**box}


def lane_of(page: Page, machine: str) -> float:
    """The middle of a machine's row, in pixels."""
    label = box_of(page.locator(".vis-label", has=page.locator(f'a[href="/machines/{machine}"]')))
    return label["y"] + label["height"] / 2


def pixels(page: Page, minutes: float) -> float:
    """How far a time is on the axis that an hour long is shown on."""
    return box_of(page.locator(".vis-panel.vis-center"))["width"] * minutes / 60


def grip(page: Page, op: PlannedOperation, by: float, machine: str = "") -> None:
    """Drags a bar by some minutes, onto another machine's row if one is named, and holds it there."""
    bar = bar_of(page, op)
    bar.scroll_into_view_if_needed()
    box = box_of(bar)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    down = lane_of(page, machine) - y if machine else 0.0
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x + pixels(page, by) * step / 8, y + down * step / 8)
        page.wait_for_timeout(20)


def ghost(page: Page) -> Locator:
    """The copy of the bar that the mouse holds."""
    return page.locator(".bar-ghost")


def draft_of(plant: Works, page: Page) -> Branch:
    found = re.search(r"branch=(B-?\w+)", page.url)
    assert found is not None
    return plant.ask(plant.desk.branch(plant.tenant, found.group(1)))


def in_draft(plant: Works, branch: Branch, op: PlannedOperation) -> PlannedOperation:
    every = plant.ask(plant.desk.branch_window(plant.tenant, branch.id, START, START + timedelta(days=60), 20_000))
    return next(each for each in every if (each.item, each.op) == (op.item, op.op))


def test_a_job_dragged_in_time_shows_what_becomes_of_its_order_is_undone_and_accepted(
    page: Page, plant: Works, first: Order
) -> None:
    op, number = one(plant, first, "50"), plant.summary().number
    grip(page, op, 14)
    said = page.locator("#hand-said")
    expect(said).to_contain_text("1 order later")
    expect(said).to_contain_text(first.number)
    expect(said).to_contain_text("due")
    expect(said).to_contain_text("Assembly place")
    page.mouse.up()
    expect(page.locator("#draft-title")).to_contain_text("Draft: Pia Kern")
    expect(page.locator(".draft-effect")).to_contain_text("1 order later")
    branch = draft_of(plant, page)
    moved = in_draft(plant, branch, op)
    assert moved.end - moved.start == op.end - op.start
    assert timedelta(minutes=10) < moved.start - op.start < timedelta(minutes=16)
    # Nothing is in force before it is accepted.
    assert one(plant, first, "50").start == op.start
    page.keyboard.press("Control+z")
    expect(page.locator(".draft-effect")).to_contain_text("No order ends at another time")
    assert in_draft(plant, draft_of(plant, page), op).start == op.start
    page.get_by_role("button", name="Redo").click()
    expect(page.locator(".draft-effect")).to_contain_text("1 order later")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator(".said-done")).to_be_visible()
    assert plant.summary().number > number
    assert one(plant, first, "50").start == moved.start
    expect(bar_of(page, op)).to_have_attribute("aria-label", re.compile(f"{moved.start.astimezone(ZONE):%H:%M:%S} – "))


def test_a_job_is_dragged_to_another_machine_of_its_class(page: Page, plant: Works, first: Order) -> None:
    op = one(plant, first, "40.2")
    other = {"bench-1": "bench-2", "bench-2": "bench-1"}[op.equipment]
    grip(page, op, 0, other)
    expect(page.locator("#hand-said .said-place")).to_contain_text("Bench " + other[-1])
    expect(page.locator("#hand-said:not(.is-illegal)")).to_be_visible()
    page.mouse.up()
    page.locator("#draft-title").wait_for()
    moved = in_draft(plant, draft_of(plant, page), op)
    assert (moved.equipment, moved.start) == (other, op.start)
    page.wait_for_timeout(300)
    assert abs(box_of(bar_of(page, op))["y"] + 13 - lane_of(page, other)) < 40
    assert one(plant, first, "40.2").equipment == op.equipment


@pytest.mark.parametrize(
    ("name", "by", "machine", "why"),
    [
        ("40.2", 0, "saw-1", "It cannot be done there."),
        ("50", -16, "", "An operation before it ends later."),
        ("10.1", -9, "", "too near in time"),
    ],
    ids=["a machine of another class", "before what comes before it", "too near"],
)
def test_a_move_that_is_refused_says_why_while_the_mouse_is_down_and_goes_back(
    page: Page, plant: Works, first: Order, open_page: Open, name: str, by: int, machine: str, why: str
) -> None:
    op = one(plant, first, name)
    before = box_of(bar_of(page, op))
    grip(page, op, by, machine)
    expect(page.locator("#hand-said.is-illegal .said-why")).to_contain_text(why)
    expect(ghost(page)).to_have_class(re.compile("is-illegal"))
    page.mouse.up()
    expect(ghost(page)).to_have_count(0)
    expect(page.locator("#hand-said .said-why")).to_contain_text(why)
    after = box_of(bar_of(page, op))
    # The axis goes on with the time, so that a bar is not where it was to the pixel.
    assert abs(before["x"] - after["x"]) < pixels(page, 2)
    assert abs(before["y"] - after["y"]) < 4
    assert "branch=" not in page.url
    quiet(open_page)


def test_a_job_over_a_break_is_as_long_as_the_machine_needs_and_short_again_before_it(
    page: Page, plant: Works, first: Order
) -> None:
    op = one(plant, first, "50")
    page.locator(".zoom button[data-minutes='480']").click()
    bar = bar_of(page, op)
    expect(bar).to_be_visible()
    short, work = box_of(bar)["width"], op.end - op.start
    # Begun two minutes before noon, it goes on after the break; the bar gets longer while it is still held.
    bar.evaluate("(bar) => bar.focus()")
    steps = round((NOON - timedelta(minutes=4) - op.start) / timedelta(minutes=5))
    for _ in range(steps):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#hand-said:not(.is-illegal) .said-place")).to_be_visible()
    width = f"(bar) => Math.abs(bar.getBoundingClientRect().width / {short} - {(work + timedelta(minutes=30)) / work}) < 0.2"
    page.wait_for_function(f"() => ({width})(document.activeElement)")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"() => Math.abs(document.activeElement.getBoundingClientRect().width / {short} - 1) < 0.2")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator("#draft-title").wait_for()
    moved = in_draft(plant, draft_of(plant, page), op)
    assert moved.start < NOON < moved.end
    assert moved.end - moved.start == work + timedelta(minutes=30)


def test_keys_move_a_job_in_time_and_to_another_machine_and_undo(page: Page, plant: Works, first: Order) -> None:
    op = one(plant, first, "40.2")
    other = {"bench-1": "bench-2", "bench-2": "bench-1"}[op.equipment]
    bar_of(page, op).evaluate("(bar) => bar.focus()")
    page.keyboard.press("Alt+ArrowDown" if other == "bench-2" else "Alt+ArrowUp")
    expect(page.locator("#hand-said .said-place")).to_contain_text("Bench " + other[-1])
    expect(bar_of(page, op)).to_be_focused()
    # There is no third bench.
    page.keyboard.press("Alt+ArrowDown" if other == "bench-2" else "Alt+ArrowUp")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#hand-said:not(.is-illegal) .said-place")).to_contain_text("Bench " + other[-1])
    page.keyboard.press("Enter")
    page.locator("#draft-title").wait_for()
    moved = in_draft(plant, draft_of(plant, page), op)
    assert (moved.equipment, moved.start) == (other, op.start + timedelta(minutes=1))
    expect(bar_of(page, op)).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator(".draft-card")).to_contain_text("0 changes")
    assert in_draft(plant, draft_of(plant, page), op).equipment == op.equipment


def test_a_job_that_keys_carry_out_of_the_window_takes_the_window_along(page: Page, plant: Works, first: Order) -> None:
    op = one(plant, first, "50")
    page.locator(".zoom button[data-minutes='20']").click()
    page.locator(".zoom button[data-shift='1']").click()
    page.locator(".zoom button[data-shift='1']").click()
    bar = bar_of(page, op)
    bar.evaluate("(bar) => bar.focus()")
    for _ in range(80):
        page.keyboard.press("ArrowRight")
    expect(bar).to_be_focused()
    expect(bar).to_be_in_viewport()
    page.keyboard.press("Escape")
    assert "branch=" not in page.url


def test_the_form_moves_refuses_and_accepts_as_the_mouse_does(open_page: Open, plant: Works, first: Order) -> None:
    op = one(plant, first, "40.1")
    other = {"bench-1": "bench-2", "bench-2": "bench-1"}[op.equipment]
    page = open_page("/plan", "pia", java_script_enabled=False, size="phone")

    def move(machine: str, start: datetime) -> None:
        page.get_by_label("Order number").first.fill(first.number)
        page.get_by_role("button", name="Show its operations").click()
        page.locator("#move-operation").select_option(f"{op.item}/{op.op}")
        page.locator("#move-equipment").select_option(machine)
        page.locator("#move-at").fill(f"{start.astimezone(ZONE):%Y-%m-%dT%H:%M:%S}")
        page.locator("#move button[type=submit]").click()

    move("saw-1", op.start)
    expect(page.locator(".refused-card")).to_contain_text("It cannot be done there.")
    page.get_by_text("Back to the plan").click()
    move(other, op.start)
    expect(page.locator("#draft-title")).to_contain_text("Draft")
    branch = draft_of(plant, page)
    assert in_draft(plant, branch, op).equipment == other
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".draft-card")).to_contain_text("0 changes")
    assert in_draft(plant, branch, op).equipment == op.equipment
    page.get_by_role("button", name="Redo").click()
    expect(page.locator(".draft-card")).to_contain_text("1 change,")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator(".said-done")).to_be_visible()
    accepted = one(plant, first, "40.1")
    assert (accepted.equipment, accepted.start) == (other, op.start)
    quiet(open_page)


def test_the_mouse_holds_a_copy_of_a_job_that_stays_where_it_is_until_it_is_dropped(
    page: Page, plant: Works, first: Order
) -> None:
    op = one(plant, first, "50")
    before = box_of(bar_of(page, op))
    grip(page, op, 14)
    expect(page.locator("#hand-said")).to_contain_text("1 order later")
    held = box_of(ghost(page))
    assert abs(held["x"] - before["x"] - pixels(page, 14)) < pixels(page, 2)
    assert (held["y"], held["width"]) == (pytest.approx(before["y"], abs=1), pytest.approx(before["width"], abs=1))
    # The axis goes on with the time, so that a bar is not where it was to the pixel.
    near = pytest.approx(before, abs=pixels(page, 2))
    assert box_of(bar_of(page, op)) == near
    page.keyboard.press("Escape")
    expect(ghost(page)).to_have_count(0)
    page.mouse.up()
    assert box_of(bar_of(page, op)) == near
    assert "branch=" not in page.url


def test_while_the_window_moves_the_bars_move_as_one_picture_and_are_drawn_anew_when_it_rests(page: Page) -> None:
    bar, now = page.locator(".vis-item.bar.vis-editable").first, page.locator(".vis-custom-time.now")
    before, apart = box_of(bar), box_of(bar)["x"] - box_of(now)["x"]
    page.evaluate(PICTURE)
    center = box_of(page.locator(".vis-panel.vis-center"))
    x, y, by = center["x"] + center["width"] / 2, center["y"] - 12, center["width"] / 8
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(x - by * step / 5, y)
        page.wait_for_timeout(20)
    page.mouse.up()
    page.wait_for_function("() => window.picture.at(-1)?.what === 'drawn'")
    told = page.evaluate("() => window.picture")
    assert any(each["what"] == "moved" for each in told)
    # Where the picture is agrees with the line of now, which the timeline places.
    assert all(abs(each["apart"] - apart) < 1 for each in told)
    assert abs(before["x"] - by - box_of(bar)["x"]) < 10
    assert page.locator(".vis-itemset").evaluate("(picture) => picture.style.transform") == ""


@pytest.mark.timeout(600)
def test_who_walks_through_the_plan_sees_each_of_two_thousand_jobs(open_page: Open, plant: Works, crowd: Order) -> None:
    page = opened(open_page, minutes=480)
    number, missed = 0, set()
    # Material that comes makes the plan anew, and then nearly all stands elsewhere: a walk counts that saw one plan only.
    while number != plant.summary().number:
        number = plant.summary().number
        page.locator(".zoom button[data-minutes='now']").click()
        missed = missed_by_walking(page, plant.operations())
    assert sorted(missed) == []


def missed_by_walking(page: Page, every: list[PlannedOperation]) -> set[str]:
    """What is not drawn on any step from now to the end of the plan, of more than two thousand operations."""
    assert len(every) > 2000
    missed = {f"{each.item} {each.op} {each.run}" for each in every}
    # Each step is three quarters of eight hours; material that comes late may put the end of the plan weeks ahead.
    for _ in range(2 + (max(each.end for each in every) - START) // timedelta(hours=6)):
        page.locator("#gantt[aria-busy='false']").wait_for(state="attached")
        missed -= set(page.locator(".vis-item.bar[data-id]").evaluate_all("(bars) => bars.map((bar) => bar.dataset.id)"))
        if not missed:
            break
        page.locator(".zoom button[data-shift='1']").click()
    return missed


@pytest.mark.timeout(400)
def test_of_two_thousand_jobs_the_form_reaches_the_last_and_moves_it_alone(open_page: Open, plant: Works, crowd: Order) -> None:
    every = plant.operations()
    assert len(every) > 2000
    page = opened(open_page)
    # One far behind is moved by the form, and no other.
    last = max((each for each in every if each.op == "50"), key=lambda each: each.start)
    page.goto(f"{plant.address}/plan?order={crowd.number}")
    page.locator("#move-operation").select_option(f"{last.item}/{last.op}")
    page.locator("#move-at").fill(f"{last.start.astimezone(ZONE) + timedelta(minutes=7):%Y-%m-%dT%H:%M:%S}")
    page.locator("#move button[type=submit]").click()
    page.locator("#draft-title").wait_for()
    (change,) = draft_of(plant, page).changes
    assert isinstance(change, Move)
    assert (change.item, change.op, change.start) == (last.item, "50", last.start + timedelta(minutes=7))
