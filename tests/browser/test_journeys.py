"""What people do: choose and order, watch the line, acknowledge, read a machine and the plan, find an order."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.web.fakes import FakeServices
from tests.web.world import make_world

pytestmark = pytest.mark.browser

BAR_IN_VIEW = """() => {
  for (const bar of document.querySelectorAll(".bar:not(.bar-load):not(.bar-setup)")) {
    const box = bar.getBoundingClientRect();
    const spot = [box.x + box.width / 2, box.y + box.height / 2];
    if (box.width > 8 && document.elementFromPoint(...spot)?.closest(".bar") === bar) return spot;
  }
  return null;
}"""


def shop(open_page: Open, services: FakeServices, **options: object) -> Page:
    page = open_page(f"/shop/{services.world.blueprint.pack.product.id}", "mei", **options)
    if options.get("java_script_enabled", True):
        expect(page.locator(".promise strong")).to_be_visible()
    return page


def dear_value(services: FakeServices) -> tuple[str, str, str]:
    """An option, a value of it that costs more than its default, and the value's name."""
    state_options = services.world.blueprint.pack.options
    for option in state_options:
        for value in option.values:
            if value.price.amount > option.value(option.default).price.amount + 100:
                return option.id, value.id, value.name["en"]
    raise AssertionError


def test_the_way_back_and_undo_take_changes_back_one_by_one(open_page: Open, services: FakeServices) -> None:
    page = shop(open_page, services)
    steel, glass = page.locator("#o-panel-steel"), page.locator("#o-panel-glass")
    page.locator("#o-panel-steel").check()
    expect(page).to_have_url(re.compile("panel=steel"))
    page.locator("#o-panel-glass").check()
    expect(page).to_have_url(re.compile("panel=glass"))
    page.go_back()
    expect(steel).to_be_checked()
    page.go_forward()
    expect(glass).to_be_checked()
    page.locator("#o-layout-cross").check()
    page.get_by_role("link", name="Undo", exact=True).click()
    expect(page.locator("#o-layout-double")).to_be_checked()
    expect(glass).to_be_checked()
    page.get_by_role("button", name="cheapest").click()
    expect(page).to_have_url(re.compile("dispenser=none"))
    page.go_back()
    expect(page.locator("#forget-dispenser")).to_have_count(0)


def test_a_click_changes_price_drawing_address_and_date_and_shows_the_difference(
    open_page: Open, services: FakeServices
) -> None:
    page = shop(open_page, services)
    option, value, _ = dear_value(services)
    price, drawing = page.locator(".price > .number").first.inner_text(), page.locator(".picture svg").inner_html()
    page.locator(f"#o-{option}-{value}").check()
    expect(page.locator(".price > .number").first).not_to_have_text(price)
    expect(page.locator(".price .moved")).to_contain_text("+¥")
    expect(page).to_have_url(re.compile(rf"{option}={value}"))
    expect(page.locator(".promise strong")).to_be_visible()
    expect(page.locator(f"#o-{option}-{value}")).to_be_checked()
    assert page.locator(".picture svg").inner_html() != drawing
    page.reload()
    expect(page.locator(f"#o-{option}-{value}")).to_be_checked()


def test_the_keyboard_chooses_too_and_keeps_its_place(open_page: Open, services: FakeServices) -> None:
    page = shop(open_page, services)
    option = services.world.blueprint.pack.options[0]
    page.locator(f"#o-{option.id}-{option.default}").focus()
    page.keyboard.press("ArrowRight")
    chosen = page.locator(f"input[name='o.{option.id}']:checked")
    expect(chosen).not_to_have_value(option.default)
    expect(page.locator(".price .moved")).to_be_visible()
    expect(chosen).to_be_focused()


def test_a_blocked_value_says_why_and_can_be_had_all_the_same(open_page: Open, services: FakeServices) -> None:
    page = shop(open_page, services)
    for option in services.world.blueprint.pack.options:
        for value in option.values:
            if page.locator(".value.blocked").count() or page.locator(f"#o-{option.id}-{value.id}").is_checked():
                continue
            with page.expect_response(re.compile("/choose")):
                page.locator(f"#o-{option.id}-{value.id}").check()
            expect(page.locator(f"#o-{option.id}-{value.id}")).to_be_checked()
    blocked = page.locator(".value.blocked").first
    expect(blocked.locator(".why")).to_be_visible()
    taken = blocked.locator("input").get_attribute("id")
    blocked.get_by_role("button", name="Choose it anyway").click()
    expect(page.locator(f"#{taken}")).to_be_checked()


def test_an_order_leads_to_its_story(open_page: Open, services: FakeServices) -> None:
    page = shop(open_page, services, size="phone")
    page.get_by_label("Town").fill("Jimo")
    page.get_by_role("button", name=re.compile("Order for")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Order SO-"))
    expect(page.locator("#chapter-ordered")).to_be_visible()


def test_without_script_the_shop_still_works(open_page: Open, services: FakeServices) -> None:
    page = shop(open_page, services, java_script_enabled=False)
    option, value, _ = dear_value(services)
    page.locator(f"#o-{option}-{value}").check(force=True)
    page.get_by_role("button", name="Show price and drawing").click()
    expect(page).to_have_url(re.compile(rf"{option}={value}"))
    page.get_by_role("link", name="Show the delivery date").click()
    expect(page.locator(".promise strong")).to_be_visible()


def test_the_board_follows_the_machines_by_itself(open_page: Open, services: FakeServices) -> None:
    page = open_page(f"/line/{services.world.blueprint.pack.product.id}", "olu", theme="dark")
    expect(page.locator("#live-mark")).to_have_attribute("data-live", "live")
    idle = next(each for each in services.world.machines.values() if each.state == "idle")
    services.world.machines[idle.equipment] = replace(idle, state="setup")
    expect(page.locator(f"#station-{idle.equipment}")).to_have_class(re.compile("is-setup"))
    expect(page.locator(f"#station-{idle.equipment}")).to_contain_text("setup")


def test_an_alarm_is_acknowledged_without_leaving_the_board(open_page: Open, services: FakeServices) -> None:
    page = open_page(f"/line/{services.world.blueprint.pack.product.id}", "olu")
    expect(page.locator("#live-mark")).to_have_attribute("data-live", "live")
    row = page.locator("#wrong-A-broken")
    row.get_by_role("button", name=re.compile("Acknowledge")).click()
    expect(row).to_contain_text("acknowledged")
    expect(row.get_by_role("button")).to_have_count(0)
    assert services.world.alarms["A-broken"].acknowledged_by == "Olu Ade"


def test_a_board_that_is_no_longer_fed_says_so_and_recovers(open_page: Open, services: FakeServices) -> None:
    page = open_page(f"/line/{services.world.blueprint.pack.product.id}", "olu")
    mark = page.locator("#live-mark")
    expect(mark).to_have_attribute("data-live", "live")
    services.machines.away = True
    expect(mark).to_have_attribute("data-live", "stale")
    expect(mark).to_contain_text(re.compile(r"Stale since \d\d:\d\d:\d\d"))
    services.machines.away = False
    expect(mark).to_have_attribute("data-live", "live")


def test_a_machine_starts_with_its_history_goes_on_live_and_goes_stale(open_page: Open, services: FakeServices) -> None:
    equipment = next(each.id for each in services.world.blueprint.pack.equipment if each.positions > 8)
    page = open_page(f"/machines/{equipment}", "eva", theme="dark")
    expect(page.locator("#signals")).to_have_attribute("data-ready", "1")
    reading = page.locator(".signal .value").first
    before = reading.inner_text()
    expect(reading).not_to_have_text(before)
    services.machines.frozen_at = services.clock.now() - timedelta(seconds=60)
    expect(page.locator(".signal.is-stale").first).to_be_visible()
    expect(page.locator(".signal.is-stale .age").first).to_contain_text("stale since")


def test_the_gantt_shows_bars_the_line_of_now_and_leads_to_an_order(open_page: Open, services: FakeServices) -> None:
    page = open_page("/plan", "pia")
    gantt = page.locator("#gantt[data-ready='1']")
    gantt.wait_for()
    expect(gantt.locator(".vis-custom-time")).to_have_count(1)
    expect(gantt.locator(".gantt-row")).to_have_count(len(services.world.blueprint.pack.equipment))
    late = gantt.locator(".bar.is-late")
    assert late.count()
    assert "solid" in late.first.evaluate("(bar) => getComputedStyle(bar).borderBottom")
    page.get_by_role("button", name="20 min").click()
    # The timeline is drawn anew, and again when the bars of its window came: where a bar stands then is where it stays.
    page.wait_for_timeout(300)
    spot = page.wait_for_function(BAR_IN_VIEW).json_value()
    page.mouse.click(*spot, delay=400)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Order SO-"))


def test_the_gantt_takes_up_a_new_plan_and_a_machines_state_by_itself(open_page: Open, services: FakeServices) -> None:
    page = open_page("/plan", "pia")
    page.locator("#gantt[data-ready='1']").wait_for()
    read = services.planning.windows
    services.world.plans.insert(0, replace(services.world.plans[0], number=43, late_orders=0))
    expect(page.locator("#head-state")).to_contain_text("all orders on time")
    expect(page.locator("#head-order")).to_contain_text("Plan 43")
    page.wait_for_timeout(500)
    assert services.planning.windows > read
    machine = next(each for each in services.world.machines.values() if each.state == "idle")
    services.world.machines[machine.equipment] = replace(machine, state="alarm")
    name = services.world.blueprint.pack.machine(machine.equipment).name["en"]
    row = page.locator(".gantt-row", has_text=re.compile(rf"^{re.escape(name)}"))
    expect(row).to_contain_text("broken down")


def test_orders_are_found_sorted_and_read_on_while_scrolling(open_page: Open, services: FakeServices) -> None:
    services.sales.world = make_world(services.world.blueprint, services.world.now, orders=230)
    page = open_page("/orders", "pia")
    rows = page.locator("tr[id^='order-']")
    expect(rows).to_have_count(100)
    rows.last.scroll_into_view_if_needed()
    expect(rows).to_have_count(200)
    page.get_by_label("Search").fill("SO-10007")
    expect(rows).to_have_count(1)
    expect(page.locator("#total")).to_have_text("1 order")
    expect(page.get_by_label("Search")).to_be_focused()
    page.get_by_label("Search").fill("")
    expect(page.locator("#total")).to_have_text("230 orders")
    page.get_by_role("link", name="Order", exact=True).click()
    expect(page.locator("th[aria-sort='ascending']")).to_have_text(re.compile("Order"))
    expect(rows.first).to_have_id("order-SO-10000")


def test_signing_in_theme_language_and_signing_out(open_page: Open) -> None:
    page = open_page("/orders", "")
    page.get_by_label("Name").fill("pia")
    page.get_by_label("Password").fill("pia")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Orders")
    page.goto(page.url.split("/orders")[0] + "/look?theme=dark&language=zh&next=/orders")
    expect(page.locator("html")).to_have_attribute("data-ix-color-schema", "dark")
    expect(page.get_by_role("heading", level=1)).to_have_text("订单")
    page.goto(page.url.split("/orders")[0] + "/sign-out")
    page.get_by_role("button", name="退出").click()
    expect(page).to_have_url(re.compile("/sign-in"))
