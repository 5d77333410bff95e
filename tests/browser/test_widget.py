"""The configurator on a page of another origin (another port), with and without allowance."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.serving import serving
from tests.web.fakes import FakeServices

from batchone.chain.design.configure import configure

pytestmark = pytest.mark.browser


@contextmanager
def other_site() -> Iterator[tuple[str, list[str]]]:
    """A site of its own on another port; its page is whatever stands last in the list."""
    pages: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((pages[-1] if self.path == "/" else "").encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", pages
    finally:
        server.shutdown()
        server.server_close()


def page_with(address: str, product: str) -> str:
    return f"""<!doctype html><html lang="en"><title>Another shop</title><h1>Another shop</h1>
      <script type="module" src="{address}/embed/widget.js"></script>
      <batchone-configurator product="{product}"></batchone-configurator>
      <script>window.said = []; document.addEventListener("batchone-change", (event) => said.push(event.detail));</script>"""


def opened(browser: Browser, site: str) -> Page:
    page = browser.new_page()
    page.goto(site)
    return page


def test_an_allowed_site_shows_the_configurator_and_hears_what_is_chosen(browser: Browser, services: FakeServices) -> None:
    pack = services.world.blueprint.pack
    option = next(each for each in pack.options if any(v.price.amount > 100 for v in each.values if v.id != each.default))
    value = next(v for v in option.values if v.id != option.default and v.price.amount > 100)
    with other_site() as (site, pages), serving(services, embed_origins=(site,)) as address:
        pages.append(page_with(address, pack.product.id))
        page = opened(browser, site)
        expect(page.locator("batchone-configurator .sum strong")).to_be_visible()
        before = page.locator("batchone-configurator .sum strong").inner_text()
        expect(page.locator("batchone-configurator .picture svg")).to_be_visible()
        page.locator("batchone-configurator").get_by_label(value.name["en"]).first.check()
        expect(page.locator("batchone-configurator .sum strong")).not_to_have_text(before)
        assert page.evaluate("said.at(-1).choices")[option.id] == value.id
        link = page.locator("batchone-configurator a").get_attribute("href")
        assert link == f"{address}/shop/{pack.product.id}?{option.id}={value.id}"
        page.close()


@pytest.mark.parametrize(
    ("language", "button", "instead"), [("en", "Choose it anyway", "instead of"), ("zh", "仍要选择", "将放弃")]
)
def test_a_blocked_value_is_chosen_anyway_and_what_stood_in_its_way_goes(
    browser: Browser, services: FakeServices, language: str, button: str, instead: str
) -> None:
    blueprint = services.world.blueprint
    option, value, blocked = next(
        (option, value, (row.id, each))
        for option in blueprint.pack.options
        for value in option.values
        if value.id != option.default
        for row in configure(blueprint, {option.id: value.id}).options
        for each in row.values
        if each.reason is not None and each.reason.give_up == (option.id,)
    )
    with other_site() as (site, pages), serving(services, embed_origins=(site,)) as address:
        pages.append(
            page_with(address, blueprint.pack.product.id).replace(
                "<batchone-configurator ", f'<batchone-configurator lang="{language}" '
            )
        )
        page = opened(browser, site)
        widget = page.locator("batchone-configurator")
        widget.locator(f"[id='{option.id}-{value.id}']").check()
        why = widget.locator(f"[id='why-{blocked[0]}-{blocked[1].id}']")
        expect(why).to_contain_text(
            f"{instead} {option.name[language]}{'：' if language == 'zh' else ': '}{value.name[language]}"
        )
        expect(widget.locator(f"[id='{blocked[0]}-{blocked[1].id}']")).to_be_disabled()
        why.get_by_role("button", name=f"{button}: {blocked[1].name[language]}").click()
        taken = widget.locator(f"[id='{blocked[0]}-{blocked[1].id}']")
        expect(taken).to_be_checked()
        expect(taken).to_be_focused()
        choices = page.evaluate("said.at(-1).choices")
        assert choices[blocked[0]] == blocked[1].id
        assert choices[option.id] != value.id
        assert page.evaluate("document.querySelector('batchone-configurator').choices") == {blocked[0]: blocked[1].id}
        page.close()


def test_a_site_that_is_not_allowed_shows_a_refusal_and_gets_no_answer(browser: Browser, services: FakeServices) -> None:
    with other_site() as (site, pages), serving(services, embed_origins=("https://somebody.example",)) as address:
        pages.append(page_with(address, services.world.blueprint.pack.product.id))
        page = opened(browser, site)
        expect(page.locator("batchone-configurator [role=alert]")).to_be_visible()
        assert page.locator("batchone-configurator fieldset").count() == 0
        assert page.evaluate("said.length") == 0
        page.close()
