"""Machines' pages over the real platform: samples that come on the bus are known, stored, drawn, listed and exported."""

from __future__ import annotations

import asyncio
import csv
import math
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.works import Works, works

from batchone.contracts.machines import History
from batchone.contracts.things import Declared, Things
from batchone.machines import columns

pytestmark = [pytest.mark.browser, pytest.mark.engine]
SECONDS = 3600
"""So long before now there is a sample each second."""


@pytest.fixture(scope="module")
def plant(postgres_url: str, nats_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    with works(postgres_url, nats_url, tmp_path_factory.mktemp("works")) as running:
        yield running


@pytest.fixture(scope="module")
def address(plant: Works) -> str:
    return plant.address


@pytest.fixture(scope="module")
def session_of(plant: Works) -> Any:
    return plant.session


@pytest.fixture(scope="module")
def signal(plant: Works) -> Declared:
    """A signal of which an hour of samples is stored."""
    return plant.ask(_fed(plant), 120)


async def _fed(plant: Works) -> Declared:
    context = plant.process.context
    declared = next(iter((await context.get(Things).model(plant.tenant)).signals.values()))
    now = context.clock.now()
    times = [columns.to_us(now - timedelta(seconds=SECONDS - each)) for each in range(SECONDS)]
    values = [20 + math.sin(each / 40) for each in range(SECONDS)]
    batch = columns.to_batch([declared.path], [0] * SECONDS, times, times[-1], values, [0] * SECONDS)
    await context.bus.publish(f"samples.{plant.tenant}.test", columns.to_bytes(batch), id="test-1")
    history = context.get(History)
    while (await history.stats(plant.tenant)).samples < SECONDS:
        await asyncio.sleep(0.05)
    return declared


def opened(open_page: Open, path: str) -> Page:
    page = open_page(path, "pia")
    page.locator("#signals[data-ready]").wait_for()
    page.locator("#strips:not([aria-busy])").wait_for()
    return page


def test_a_machine_of_which_nothing_comes_is_offline_and_one_that_tells_shows_its_age(
    open_page: Open, signal: Declared
) -> None:
    page = open_page("/machines", "pia")
    row = page.locator(f"#machine-{signal.thing}")
    expect(row.locator(".age")).to_have_text(re.compile(r"\d"))
    expect(row).to_contain_text("offline")
    expect(row).to_contain_text("1 of 1 good")
    expect(page.locator(f"#fleet tbody tr:not(#machine-{signal.thing})").first).to_contain_text("no signals declared")
    expect(page.locator("#head-state")).to_contain_text("need attention")


def test_an_hour_is_drawn_listed_and_exported(open_page: Open, signal: Declared, tmp_path: Path) -> None:
    name = signal.path.partition("/")[2]
    page = opened(open_page, f"/machines/{signal.thing}?signal={name}&last=7200")
    count = int(page.locator(".signal").get_attribute("data-points") or 0)
    assert 100 < count < SECONDS
    expect(page.locator("#trend-said")).to_contain_text("Thinned to the picture")
    expect(page.locator("#trend-said")).to_contain_text("nothing came")
    page.locator("#strips").focus()
    for _ in range(5):
        page.keyboard.press("+")
    expect(page.locator("#trend-said")).to_contain_text("Every stored sample", timeout=15_000)
    page.goto(page.url.split("?")[0] + f"?signal={name}&last=7200")
    page.locator("#signals[data-ready]").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "samples.csv")
    rows = list(csv.DictReader((tmp_path / "samples.csv").read_text().splitlines()))
    assert len(rows) == SECONDS
    assert {each["path"] for each in rows} == {signal.path}
    page.get_by_role("link", name="Rows behind the picture").click()
    expect(page.locator("#head-state")).to_have_text("3,600 samples")
    expect(page.locator("table.samples tbody tr")).to_have_count(200)
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("link", name="To the first")).to_be_visible()
    expect(page.locator("table.samples tbody tr")).to_have_count(200)


def test_every_signal_is_listed_with_what_is_known_of_it(open_page: Open, signal: Declared) -> None:
    page = open_page(f"/machines/{signal.thing}/signals", "pia")
    name = signal.path.partition("/")[2]
    row = page.locator("tr", has=page.locator(f"input[value='{name}']"))
    expect(row).to_contain_text("good")
    page.locator(f"input[value='{name}']").check()
    page.get_by_role("button", name="Draw the ticked ones").click()
    expect(page.locator(".signal")).to_have_count(1)
