"""Pictures of every page, to be looked at: `python -m tests.browser.shots FOLDER [PAGE ...]`.

Each page in three widths, both themes and both languages, with something wrong and with nothing wrong. FOLDER lies outside
the checkout. Look for these: with nothing wrong there is no red, amber or green but the mark "Live"; every state is told by
shape and word; what is wrong is found in three seconds; every number has its unit, and its limits where it has some; title,
place, state and order stand in the same corners; one main button; nothing is cut; late is red underlined and nothing else
in the Gantt is red; price and date are in view wherever one scrolls.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, sync_playwright
from tests.browser.serving import CHROMIUM, FLAGS, serving
from tests.web.fakes import FakeServices
from tests.web.serve import services
from tests.web.world import TENANT

from batchone.contracts.alarms import LimitEdition, LimitSettings, Rationale
from batchone.contracts.by_hand import ExtraMachine, Move, Overtime, PinnedOperation
from batchone.contracts.machines import DroppedDay, Gap
from batchone.contracts.planning import Spot
from batchone.contracts.sales import Notice, Order, Reason
from batchone.web.views.alarms import Which

SIZES = {"phone": (390, 844), "tablet": (1180, 820), "desk": (1600, 950)}
THEMES = ("light", "dark")
LANGUAGES = ("en", "zh")
DIFFERENT = {"layout": "french4", "volume_l": "560", "panel": "glass", "smart": "21in"}


def pages(world: FakeServices) -> dict[str, tuple[str, str]]:
    """Name to (person, path)."""
    product = world.world.blueprint.pack.product.id
    orders = list(world.world.orders.values())
    mine = next(each for each in orders if each.status == "in_production" and each.customer.id == "cust-1")
    held = next((each for each in orders if each.status == "held"), mine)
    told(world, mine)
    world.sources.begin()
    finished = next(each for each in world.world.records.values() if each.state == "finished")
    busy = max(world.world.stations(), key=lambda each: each.since).equipment
    draft, extra, late = tried(world)
    one, other = kept(world, product)
    wide = next(each for each in world.world.blueprint.pack.equipment if each.positions > 8).id
    link = world.world.blueprint.pack.connections[-1].id
    return {
        "sign-in": ("", "/sign-in"), "home": ("ada", "/"), "shop": ("mei", f"/shop/{product}"),
        "shop-own": ("mei", f"/shop/{product}?panel=print&volume_l=480"), "mine": ("mei", "/my"),
        "shop-old": ("mei", f"/shop/{product}?panel=steel&smart=21in&layout=cross"),
        "order": ("mei", f"/orders/{mine.number}"), "order-held": ("ada", f"/orders/{held.number}"),
        "passport": ("ada", f"/items/{finished.serial}"), "line": ("eva", f"/line/{product}"),
        "machines": ("eva", "/machines"), "machines-connection": ("eva", f"/machines?connection={link}"),
        "alarms": ("olu", "/alarms"), "alarms-all": ("eva", "/alarms?show=all"),
        "alarm-statistics": ("eva", "/alarms/statistics"), "alarm": ("eva", alarmed(world)),
        "machine": ("eva", f"/machines/{busy}"), "machine-wide": ("eva", f"/machines/{wide}"),
        "machine-day": ("eva", holed(world, wide)), "machine-rows": ("eva", f"/machines/{wide}/rows?last=60"),
        "machine-signals": ("eva", f"/machines/{wide}/signals"),
        "plan": ("pia", "/plan"),
        "plan-draft": ("pia", f"/plan?branch={draft}"), "plan-compare": ("pia", f"/plan/branches?of={draft}&of={extra}"),
        "plan-why": ("pia", f"/plan/orders/{late}"), "plan-help": ("pia", "/plan/help"),
        "plan-diff": ("pia", "/plan/diff?from=40&to=42"),
        "orders": ("pia", "/orders"),
        "connect": ("eva", "/connect"), "connect-new": ("eva", "/connect/new"),
        "connect-looking": ("eva", probed(world, "slow")),
        "connect-trust": ("eva", probed(world, "untrusted")), "connect-floor": ("eva", probed(world, "insecure")),
        "connect-away": ("eva", probed(world, "away")), "connect-map": ("eva", probed(world, "pump")),
        "connect-by-hand": ("eva", "/connect/new/by-hand?url=modbus%3A%2F%2F10.0.0.5%3A502"),
        "connection": ("eva", "/connect/connections/air-house?new=1"), "quarantine": ("eva", "/connect/quarantine"),
        "quarantine-adopt": ("eva", adopting(world)), "certificates": ("eva", "/connect/certificates"),
        "rules": ("eva", f"/rules/{product}"),
        "saved": ("mei", "/saved"), "saved-one": ("mei", f"/saved/{one}"),
        "saved-compared": ("mei", f"/saved/compare?one={one}&other={other}"),
        "call-offs": ("sam", "/call-offs"), "missing": ("ada", "/nowhere"), "forbidden": ("mei", "/plan"),
    }  # fmt: skip


def probed(world: FakeServices, host: str) -> str:
    """The page of a probe that came to what its host is called."""
    looks = world.sources.looks
    looks[host] = world.sources.made(host, f"opc.tcp://{host}:4840/", {})
    return f"/connect/new/{host}"


def adopting(world: FakeServices) -> str:
    """The page of quarantine with the form for one of its entries."""
    entry = world.quarantines.entries[1]
    return f"/connect/quarantine?{urlencode({'of': entry.connection, 'adopt': entry.path})}"


def holed(world: FakeServices, machine: str) -> str:
    """A machine's page over the day before, in which samples are missing for different reasons."""
    start = world.world.now - timedelta(hours=30)
    if not world.machines.holes:
        quiet, gone, lost = (start + timedelta(hours=each) for each in (4, 11, 19))
        gap = Gap("dropped", "DROP-7")
        world.machines.holes = [
            (quiet, quiet + timedelta(minutes=80), None), (gone, gone + timedelta(hours=3), gap),
            (lost, lost + timedelta(minutes=30), Gap("lost", "works/standard/2026-03-01/S-000812.parquet")),
        ]  # fmt: skip
        day = DroppedDay(
            "DROP-7", "standard", gone.date(), 4, 120_000, 400_000, 24, gone, gone + timedelta(hours=3), "/archive/DROP-7",
            world.world.now, "ada",
        )  # fmt: skip
        world.machines.days = [day]
    return f"/machines/{machine}?{urlencode({'from': start.isoformat(), 'to': (start + timedelta(days=1)).isoformat()})}"


def told(world: FakeServices, order: Order) -> None:
    """The date of an order moved, and its customer has not read it yet."""
    later = order.promised_p90 + timedelta(hours=9)
    why = Reason("down", "s", {"en": "A station is out of order for 5.0 h", "zh": "工位故障停机 5.0 小时"})
    notice = Notice(order.placed + timedelta(hours=1), "later", order.promised_p50, order.promised_p90, later, later, (why,))
    world.world.orders[order.id] = replace(order, notices=(notice,))


def alarmed(world: FakeServices) -> str:
    """The page of an alarm whose limit was changed."""
    found = world.world.alarms.get("A-high") or next(iter(world.alarms.night), None)
    if found is None:
        return "/alarms"
    if not world.alarms.kept:
        response = {"en": "Open the valve by a quarter turn.", "zh": "将阀门打开四分之一圈。"}
        cause = {"en": "The filter is clogged.", "zh": "过滤器堵塞。"}
        settings = LimitSettings(bound=found.bound, off_delay_s=20.0)
        edition = LimitEdition(1, settings, Rationale(cause, {}, response), "eva", world.clock.now(), "It chattered at night.")
        world.alarms.kept[found.path, found.limit] = [edition]
    return Which(found.path, found.limit).address


def kept(world: FakeServices, product: str) -> tuple[str, str]:
    """The tokens of two configurations that Mei saved."""
    if not world.choosing.kept:
        named = {"For the kitchen": {}, "The large one, with everything that could be thought of": DIFFERENT}
        for name, choices in named.items():
            world.choosing.keep(product, name, choices, "mei", TENANT)
    one, other = world.choosing.kept
    return one, other


def tried(world: FakeServices) -> tuple[str, str, str]:
    """A draft with a move, another branch, and the number of a late order."""
    desk, now = world.by_hand, world.clock.now()
    known = {each.name: each.id for each in desk.kept.values()}
    if not known:
        op = desk.movable()
        moves = Move(op.item, op.op, op.equipment, op.start + timedelta(minutes=40), None, push=True)
        known["later"] = desk.tried("Pia Kern 16:30", moves).id
        overtime = Overtime(world.world.blueprint.pack.equipment[0].id, now, now + timedelta(hours=2))
        known["more"] = desk.tried("Night shift and a second foamer", overtime, ExtraMachine(overtime.target)).id
        desk.pinned.append(PinnedOperation(op.item, op.op, Spot(op.equipment, 1, op.start), "pia", 41))
    ids = list(known.values())
    late = max(world.world.operations, key=lambda each: (each.late, each.end))
    return ids[0], ids[1], world.world.orders[late.order].number


def shoot(browser: Browser, address: str, world: FakeServices, folder: Path, wanted: set[str], suffix: str = "") -> None:
    """Every wanted page in every width, theme and language."""
    for (name, (person, path)), (size, (width, height)), theme, language in itertools.product(
        pages(world).items(), SIZES.items(), THEMES, LANGUAGES
    ):
        if wanted and name not in wanted:
            continue
        if not wanted and size == "tablet" and language == "zh":
            continue
        context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
        cookies = {"batchone_theme": theme, "batchone_language": language, **({"batchone_session": person} if person else {})}
        context.add_cookies([{"name": key, "value": value, "url": address} for key, value in cookies.items()])
        page = context.new_page()
        page.goto(address + path)
        page.wait_for_timeout(1800 if name in {"machine", "machine-wide", "machine-day", "plan", "plan-draft", "line"} else 900)
        page.screenshot(path=folder / f"{name}{suffix}-{size}-{theme}-{language}.png")
        context.close()


def main(folder: Path, wanted: set[str]) -> None:
    """Take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for suffix, calm in (("", False), ("-calm", True)):
            world = services(calm=calm)
            with serving(world) as address:
                shoot(browser, address, world, folder, (wanted or {"line", "machine", "plan"}) if calm else wanted, suffix)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), set(sys.argv[2:]))
