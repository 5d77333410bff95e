"""Writing rules in a real browser: tried while one writes, faults in place, an order of one's own, the release."""

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.web.fakes import FakeServices

pytestmark = pytest.mark.browser


def opened(open_page: Open, services: FakeServices) -> Page:
    page = open_page(f"/rules/{services.world.blueprint.pack.product.id}", "eva")
    page.locator("ix-menu.hydrated").wait_for(state="attached")
    expect(page.locator("#tried")).to_contain_text("50,736")
    return page


def change(page: Page, before: str, after: str) -> None:
    """Put the caret behind some text of the rules and type there instead of it."""
    page.locator("#text").evaluate(
        "(box, text) => { const at = box.value.indexOf(text); box.focus(); box.setSelectionRange(at, at + text.length); }",
        before,
    )
    page.keyboard.type(after)


def test_a_draft_is_tried_while_one_writes_and_released(open_page: Open, services: FakeServices) -> None:
    page = opened(open_page, services)
    change(page, "grade = 1 => compressor", "grade = 1 => compresor")
    marked = page.locator(".listing .marked")
    expect(marked).to_contain_text("compresor")
    expect(page.get_by_role("button", name="Release as the next version")).to_be_disabled()
    marked.locator(".line").click()
    assert (
        page.locator("#text")
        .evaluate("(box) => box.value.slice(0, box.selectionStart).split('\\n').pop()")
        .strip()
        .endswith("=>")
    )
    change(page, "grade = 1 => compresor = inverter", "not (grade = 1)")
    expect(page.locator("#tried")).to_contain_text("No configuration has it")
    expect(page.locator("#tried")).to_contain_text("One value alone is left")
    page.get_by_label("An order of your own to try").fill("grade = 1")
    expect(page.locator("#own-title + .state")).to_contain_text("Energy grade 1")
    page.get_by_role("button", name="Release as the next version").click()
    expect(page.locator(".page-head")).to_contain_text("1.1.1")


def test_the_tab_key_indents_and_escape_lets_one_leave(open_page: Open, services: FakeServices) -> None:
    page = opened(open_page, services)
    page.locator("#text").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_label("An order of your own to try")).to_be_focused()
