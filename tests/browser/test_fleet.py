"""The list of machines in a browser: it follows the plant by itself, and holds a page of rows however many there are."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Open
from tests.web.fakes import FakeServices

from batchone.contracts.pack import Limits
from batchone.contracts.things import EquipmentType, SignalType

pytestmark = pytest.mark.browser
PRESS = EquipmentType(
    "press",
    {"en": "Press"},
    tuple(SignalType(f"s{n}", {"en": f"Signal {n}"}, "bar", limits=Limits(1, 5), every_s=1) for n in range(16)),
)


def test_a_machine_that_breaks_comes_to_the_top_by_itself(open_page: Open, services: FakeServices) -> None:
    page = open_page("/machines", "eva")
    rows = page.locator("#fleet tbody tr")
    worst = rows.first.get_attribute("id")
    fine = next(
        each for each in services.world.machines.values() if f"machine-{each.equipment}" != worst and each.state == "idle"
    )
    for other in [each.equipment for each in services.world.machines.values() if each.state == "alarm"]:
        services.world.machines[other] = replace(services.world.machines[other], state="running")
    services.world.alarms.clear()
    services.world.machines[fine.equipment] = replace(fine, state="alarm")
    expect(rows.first).to_have_id(f"machine-{fine.equipment}")
    expect(rows.first).to_contain_text("broken down")


def test_ages_go_on_each_second_and_rows_are_drawn_anew_without_losing_them(open_page: Open, services: FakeServices) -> None:
    services.machines.frozen_at = services.clock.now() - timedelta(seconds=540)
    page = open_page("/machines?show=offline", "eva")
    age = page.locator("[data-age]").first
    first = age.inner_text()
    expect(age).not_to_have_text(first)
    expect(age).to_have_text(re.compile(r"^\d+ min \d+ s$"))
    lost = next(each for each in services.world.machines.values() if each.state == "offline")
    path = next(iter(services.machines.world.signals(lost.equipment))).id
    services.machines.spoilt[f"{lost.equipment}/{path}"] = (2, 540.0)
    expect(page.locator("#fleet")).to_contain_text("1 bad")
    expect(age).to_have_text(re.compile(r"^\d+ min \d+ s$"))


def test_hundreds_of_machines_with_thousands_of_signals_are_turned_page_by_page(
    open_page: Open, services: FakeServices
) -> None:
    services.machines.add(250, PRESS, "haidun/qingdao/presses/line-9/p")
    page = open_page("/machines?area=haidun/qingdao/presses", "eva")
    expect(page.locator("#fleet-figures")).to_contain_text("of 4,000")
    expect(page.locator("#fleet tbody tr")).to_have_count(50)
    assert page.locator("#content *").count() < 2500
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("51 to 100 of 250")).to_be_visible()
    expect(page.locator("#live-mark")).to_have_attribute("data-live", "live")
    expect(page.locator("#fleet tbody tr").first).to_have_id("machine-press-050")
    page.get_by_label("Search").fill("press 249")
    page.locator("form.filters").get_by_role("button", name="Show").click()
    expect(page.locator("#fleet tbody tr")).to_have_count(1)
    page.get_by_role("link", name="edge-249").click()
    expect(page.get_by_role("heading", name="Connection edge-249")).to_be_visible()


def test_each_figure_leads_to_what_it_counts(open_page: Open, services: FakeServices) -> None:
    page = open_page("/machines", "eva")
    for name in ("Need attention", "With alarms", "Not connected", "Samples waiting"):
        figure = page.locator(".figure", has=page.get_by_text(name, exact=True)).get_by_role("link")
        count = figure.inner_text()
        figure.click()
        if name != "Samples waiting":
            expect(page.locator("#fleet tbody tr")).to_have_count(int(count))
        expect(page.locator(".figure a[aria-current]")).to_have_text(count)
    page.goto(page.url.split("?")[0] + "?show=silent")
    page.get_by_role("link", name=re.compile("silent$")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Signals of")
    expect(page.locator(".signal-list tbody tr").first).to_contain_text("silent for")
