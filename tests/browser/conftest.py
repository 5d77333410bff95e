"""Chromium over the made-up plant. Every page that a test opens must stay silent: no error, no request to elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.browser.serving import CHROMIUM, FLAGS, serving
from tests.browser.shots import SIZES
from tests.web.fakes import FakeServices
from tests.web.serve import services as made_up

from batchone.web import assets
from batchone.web.assets import Workshop

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The system's Chromium; without it these tests are skipped, in CI they fail."""
    if not Path(CHROMIUM).exists():
        reason = f"no Chromium at {CHROMIUM}: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return CHROMIUM


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A Chromium for the tests of one file: what drives it keeps an event loop running, in which no asynchronous test of
    another file could run."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session", autouse=True)
def built(chromium: str) -> None:
    """The vendored files."""
    assets.build(Workshop.of_checkout(), lambda _: None)


@pytest.fixture
def services() -> FakeServices:
    return made_up()


@pytest.fixture
def address(services: FakeServices) -> Iterator[str]:
    with serving(services) as found:
        yield found


@pytest.fixture
def session_of() -> Callable[[str], str]:
    """The session of a person: of the made-up plant it is called as the person is."""
    return lambda person: person


@pytest.fixture
def open_page(browser: Browser, address: str, session_of: Callable[[str], str]) -> Iterator[Open]:
    """Opens a page as somebody; at the end of the test nothing must have gone wrong on any of them."""
    wrong: list[str] = []
    with ExitStack() as stack:

        def opened(
            path: str, person: str = "ada", *, size: str = "desk", theme: str = "light", language: str = "en", **options: Any
        ) -> Page:
            width, height = SIZES[size]
            context: BrowserContext = browser.new_context(viewport={"width": width, "height": height}, **options)
            stack.callback(context.close)
            cookies = {"batchone_theme": theme, "batchone_language": language}
            if person:
                cookies["batchone_session"] = session_of(person)
            context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items()])
            page = context.new_page()
            page.on("console", lambda told: wrong.append(f"{path}: {told.text}") if told.type in {"error", "warning"} else None)
            page.on("pageerror", lambda error: wrong.append(f"{path}: {error}"))
            page.on(
                "request", lambda asked: None if asked.url.startswith((address, "data:", "blob:")) else wrong.append(asked.url)
            )
            page.goto(address + path)
            return page

        opened.wrong = wrong  # type: ignore[attr-defined]
        opened.meant = []  # type: ignore[attr-defined]
        yield opened
    assert [each for each in wrong if not any(word in each for word in opened.meant)] == []  # type: ignore[attr-defined]
