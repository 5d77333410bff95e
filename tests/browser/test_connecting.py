"""Connecting a machine in a real browser: the whole platform, a real OPC UA server that signs and encrypts, live values."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua.client.client import Client
from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.works import Works, works
from tests.support_opcua import ALL, Kind, a_server, an_identity

from batchone.contracts.quarantine import Quarantines
from batchone.kernel.certificates import fingerprint

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def plant(postgres_url: str, nats_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    with works(postgres_url, nats_url, tmp_path_factory.mktemp("works")) as running:
        yield running


@pytest.fixture
def address(plant: Works) -> str:
    return plant.address


@pytest.fixture
def session_of(plant: Works) -> Callable[[str], str]:
    return lambda person: plant.session(person, "engineer")


class Machine:
    """An OPC UA server in the plant's event loop, with variables that can be set."""

    def __init__(self, plant: Works, folder: Path, kinds: tuple[Kind, ...] = ALL) -> None:
        self._plant = plant
        self.identity = an_identity(folder)
        self._server = a_server(self.identity, kinds, values=3, writable=True)
        self.url = plant.ask(self._server.__aenter__())

    @property
    def place(self) -> str:
        """Where it answers, as a person writes it."""
        return self.url.removeprefix("opc.tcp://").rstrip("/")

    def set(self, number: int, value: float) -> None:
        """The machine measures something else."""
        self._plant.ask(self._set(number, value))

    async def _set(self, number: int, value: float) -> None:
        async with Client(self.url) as client:
            await client.get_node(f"ns=2;s=Air.V{number}").write_value(value)

    def stop(self) -> None:
        """Switch it off."""
        self._plant.ask(self._server.__aexit__(None, None, None))


@pytest.fixture
def machine(plant: Works, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Machine]:
    made = Machine(plant, tmp_path / "plc", *getattr(request, "param", ()))
    yield made
    made.stop()


def opened(open_page: Open, path: str, **options: Any) -> Page:
    page = open_page(path, "eva", **options)
    page.locator("ix-menu.hydrated").wait_for(state="attached")
    return page


def looked_at(open_page: Open, machine: Machine, **options: Any) -> Page:
    """The first form filled in with the keyboard alone."""
    page = opened(open_page, "/connect", **options)
    page.get_by_role("link", name="Connect a machine").click()
    expect(page.get_by_label("Where does it answer?")).to_be_focused()
    page.keyboard.type(machine.place)
    page.keyboard.press("Enter")
    return page


def test_from_the_address_to_the_live_value(open_page: Open, machine: Machine) -> None:
    page = looked_at(open_page, machine)
    shown = page.locator(".fingerprint").first
    expect(shown).to_have_text(fingerprint(machine.identity.certificate))
    page.get_by_role("button", name="It is the same: approve, and go on").click()
    finds = page.locator(".find")
    expect(finds).to_have_count(3)
    expect(page.locator(".who-answers")).to_contain_text("encrypt with")
    page.get_by_label("Narrow the list").fill("V2")
    expect(finds.nth(0)).to_be_hidden()
    box = finds.nth(2).get_by_role("checkbox")
    box.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Declare (1)")).to_be_enabled()
    page.get_by_label("Name of the connection").fill("air")
    page.locator("#equipment").fill("comp-1")
    page.locator("#place").fill("works/hall-3/utilities/air/house")
    fields = finds.nth(2)
    fields.get_by_label("Signal").fill("pressure")
    fields.get_by_label("Name to show").fill("Air pressure")
    fields.get_by_label("Unit that the machine tells").fill("kPa")
    fields.get_by_label("Unit that it is kept in").fill("bar")
    page.get_by_role("button", name="Declare (1)").click()
    expect(page).to_have_url(re.compile("/connect/connections/air"))
    row = page.locator('[data-path="comp-1/pressure"]')
    expect(row).to_contain_text("Air pressure", timeout=20_000)
    expect(row).to_contain_text("0.020", timeout=20_000)
    machine.set(2, 712.0)
    expect(row).to_contain_text("7.12 bar", timeout=20_000)
    expect(page.locator("#head-state")).to_contain_text("up")
    expect(page.locator("#live-mark")).to_have_attribute("data-live", "live")
    page.get_by_role("link", name="To all connections").click()
    expect(page.locator("#connection-air")).to_contain_text("up")


@pytest.mark.parametrize("machine", [((Kind.NoSecurity,),)], indirect=True)
def test_a_machine_without_security_is_connected_only_by_who_says_so(open_page: Open, machine: Machine) -> None:
    page = looked_at(open_page, machine, size="phone")
    expect(page.locator("h2").first).to_have_text("The machine offers less security than was asked for")
    page.get_by_role("button", name="Look again, with less security").click()
    expect(page.locator("h2").first).to_have_text("The machine offers less security than was asked for")
    page.get_by_label("I know what that means").check()
    page.get_by_role("button", name="Look again, with less security").click()
    expect(page.locator(".find")).to_have_count(3)
    expect(page.locator(".who-answers")).to_contain_text("nothing is signed or encrypted")
    page.get_by_role("button", name="Declare").click()
    expect(page.locator("#say")).to_contain_text("No signal is ticked.")
    open_page.meant.append("422")  # type: ignore[attr-defined]


def test_what_answers_nowhere_says_so_and_the_address_can_be_changed(open_page: Open, machine: Machine) -> None:
    page = opened(open_page, "/connect/new")
    page.get_by_label("Where does it answer?").fill("127.0.0.1:9")
    page.get_by_role("button", name="Look what answers there").click()
    expect(page.locator("h2").first).to_have_text("Nothing answers at opc.tcp://127.0.0.1:9/", timeout=20_000)
    page.get_by_role("link", name="Change the address").click()
    expect(page.get_by_label("Where does it answer?")).to_have_value("127.0.0.1:9/")


def test_what_nothing_declares_waits_in_quarantine_until_it_is_adopted(
    open_page: Open, plant: Works, tmp_path: Path
) -> None:  # fmt: skip
    """Agents push to a declared connection: a signal that no line names is set aside, and read once it was adopted."""
    page = opened(open_page, "/connect/new")
    page.get_by_label("Telegraf").check()
    page.get_by_label("Where does it answer?").fill("agents")
    page.keyboard.press("Enter")
    page.get_by_label("Name of the connection").fill("agents")
    page.locator("#equipment").fill("fan-1")
    page.locator("#place").fill("works/hall-3/utilities/air/house")
    line = page.locator(".hand-line").first
    line.get_by_label("Address at the machine").fill("fan speed")
    line.get_by_label("Signal").fill("speed")
    page.get_by_role("button", name="Declare (1)").click()
    expect(page).to_have_url(re.compile("/connect/connections/agents"))
    expect(page.locator("#head-state")).to_contain_text("up", timeout=20_000)
    pushed(plant, "fan speed=1480,hum=41.5")
    expect(page.locator('[data-path="fan-1/speed"]')).to_contain_text("1,480", timeout=20_000)
    page.goto(plant.address + "/connect/quarantine")
    row = page.locator(".quarantine tbody").filter(has_text="fan hum")
    expect(row).to_contain_text("41.5")
    row.get_by_role("link", name="Adopt").click()
    page.locator("#equipment").fill("fan-1")
    page.locator("#signal").fill("hum")
    page.get_by_role("button", name="Read it as a signal from now on").click()
    expect(page.locator(".empty")).to_contain_text("Nothing waits here.")
    page.goto(plant.address + "/connect/connections/agents")
    hum = page.locator('[data-path="fan-1/hum"]')
    expect(hum).to_contain_text("no value yet")
    expect(page.locator("#head-state")).to_contain_text("up", timeout=20_000)
    for _ in range(100):
        # Until it has heard what was declared, the connection sets it aside still.
        pushed(plant, "fan hum=43.5")
        page.wait_for_timeout(200)
        if "43.5" in hum.inner_text():
            break
    expect(hum).to_contain_text("43.5")
    assert plant.ask(plant.process.context.get(Quarantines).listed(plant.tenant)) == ()


def pushed(plant: Works, body: str) -> None:
    """An agent tells something, once the connection takes it."""
    from batchone.contracts.sources import Sources
    from batchone.kernel.errors import BatchoneError

    async def push() -> None:
        for _ in range(400):
            try:
                await plant.process.context.get(Sources).push(plant.tenant, "agents", body, {})
            except BatchoneError:
                await asyncio.sleep(0.05)
            else:
                return
        raise AssertionError("nothing was taken")

    plant.ask(push(), 60)
