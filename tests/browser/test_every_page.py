"""What holds for every page: accessible, no sideways scroll, nothing too small, each theme and language."""

import pytest
from playwright.sync_api import Page
from tests.browser.conftest import Open
from tests.browser.shots import LANGUAGES, SIZES, THEMES, pages
from tests.web.fakes import FakeServices

from batchone.web.assets import Workshop

pytestmark = pytest.mark.browser
AXE = Workshop.of_checkout().modules / "axe-core" / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
ANSWERS_404 = {"missing", "forbidden"}
MEASURE = """() => {
  const main = document.querySelector("ix-application").shadowRoot.querySelector("main");
  const seen = [...document.querySelectorAll("#content *")].filter((e) => !e.closest(".vis-timeline, .visually-hidden, thead"));
  const box = (e) => e.getBoundingClientRect();
  const name = (e) => `${e.tagName}.${e.className.baseVal ?? e.className}`;
  const written = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  return {
    sideways: main.scrollWidth - main.clientWidth,
    beyond: seen.filter((e) => box(e).width > 0 && box(e).right > innerWidth + 1).map(name),
    cut: seen.filter((e) => !e.children.length && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1
      && ["hidden", "clip"].includes(getComputedStyle(e).overflowX)).map(name),
    small: seen.filter((e) => written(e) && parseFloat(getComputedStyle(e).fontSize) < 14).map(name),
  };
}"""
DRAWN = "() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 250))"
"""What follows a window's width has done so: scripts may wait a little for the last of many changes."""
NAMES = [
    "sign-in", "home", "shop", "shop-own", "mine", "shop-old", "order", "order-held", "passport", "line", "machines",
    "machines-connection", "alarms", "alarms-all", "alarm-statistics", "alarm", "machine", "machine-wide", "machine-day",
    "machine-rows", "machine-signals", "plan", "plan-draft", "plan-compare", "plan-why", "plan-help", "plan-diff", "orders",
    "connect", "connect-new", "connect-looking", "connect-trust", "connect-floor", "connect-away", "connect-map",
    "connect-by-hand", "connection", "quarantine", "quarantine-adopt", "certificates", "rules", "saved", "saved-one",
    "saved-compared", "call-offs", "missing", "forbidden",
]  # fmt: skip


def settled(page: Page) -> None:
    """Wait until the design system has drawn the shell and the page's own script has its data."""
    page.locator("ix-menu.hydrated").wait_for(state="attached")
    for selector in ("#gantt[data-ready='0']", "#signals:not([data-ready])"):
        if page.locator(selector).count():
            page.locator(selector).wait_for(state="detached")
    if page.locator(".promise").count():
        page.locator(".promise strong").first.wait_for()


def quiet(open_page: Open, name: str) -> None:
    """A page that answers with an error says so in the browser's console; that much is meant."""
    if name in ANSWERS_404:
        wrong = open_page.wrong  # type: ignore[attr-defined]
        wrong[:] = [each for each in wrong if "Failed to load resource" not in each]


def test_the_pages_of_the_list_are_all_pages(services: FakeServices) -> None:
    assert list(pages(services)) == NAMES


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_breaks_no_rule_of_wcag(open_page: Open, services: FakeServices, name: str, theme: str) -> None:
    person, path = pages(services)[name]
    page = open_page(path, person, theme=theme)
    settled(page)
    page.evaluate(AXE.read_text())
    found = page.evaluate("(rules) => axe.run(rules)", RULES)["violations"]
    told = [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
    assert told == []
    quiet(open_page, name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_scrolls_sideways_cuts_a_label_or_writes_small(open_page: Open, services: FakeServices, language: str) -> None:
    found = {}
    for name, (person, path) in pages(services).items():
        page = open_page(path, person, language=language)
        settled(page)
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate(DRAWN)
            settled(page)
            measured = page.evaluate(MEASURE)
            if measured["sideways"] or measured["beyond"] or measured["cut"] or measured["small"]:
                found[name, size] = measured
        page.context.close()
        quiet(open_page, name)
    assert found == {}


@pytest.mark.parametrize(
    "name",
    ["shop", "line", "orders", "machine", "machines", "machine-signals", "connect-new", "connect-map", "quarantine-adopt"],
)
def test_what_can_be_touched_is_large_enough(open_page: Open, services: FakeServices, name: str) -> None:
    person, path = pages(services)[name]
    page = open_page(path, person, size="phone")
    settled(page)
    heights = page.eval_on_selector_all(
        "#content .button, #content select, #content input[type=text], #content input[type=search], #content .value label",
        "(all) => all.map((e) => [e.textContent.trim().slice(0, 30), e.getBoundingClientRect().height])",
    )
    assert [each for each in heights if 0 < each[1] < 44] == []
    assert heights
