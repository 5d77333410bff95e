"""How smooth the Gantt is with thousands of bars: `python -m tests.browser.frames [ITEMS]` prints it, of a real plan.

A figure, not a test: how fast the machine is today is no fault of the page. A frame of a screen takes 16.7 ms; a task of more
than 50 ms is one that a hand on the mouse feels.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tests.browser.serving import CHROMIUM, FLAGS
from tests.browser.works import works

from batchone.kernel.engines.nats import Nats
from batchone.kernel.engines.postgres import Postgres

_WATCH = """() => {
  window.told = { frames: [], tasks: [] };
  new PerformanceObserver((list) => window.told.tasks.push(...list.getEntries().map((each) => each.duration)))
    .observe({ type: "longtask" });
  let last = performance.now();
  const tick = (now) => {
    window.told.frames.push(now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""
_MOVABLE = """() => {
  const host = document.querySelector(".vis-panel.vis-center").getBoundingClientRect();
  const able = [...document.querySelectorAll(".vis-item.bar.vis-editable")].map((bar) => [bar, bar.getBoundingClientRect()]);
  const inside = able.filter(([bar, box]) => box.left > host.left + 40 && box.right < host.right - 40
    && document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)?.closest(".bar") === bar);
  const [bar, box] = inside[Math.floor(inside.length / 2)];
  return [bar.dataset.id, box.x + box.width / 2, box.y + box.height / 2];
}"""
_STEPS = 90


@dataclass(frozen=True)
class Frames:
    """What was seen while something was done: milliseconds of each frame, and of each long task."""

    what: str
    frames: list[float]
    tasks: list[float]
    busy_ms: float
    """Of the page's thread on a processor, for each step: what other work on the machine does not change much."""

    def __str__(self) -> str:
        shown = sorted(self.frames)
        middle, most = shown[len(shown) // 2], shown[min(len(shown) - 1, len(shown) * 95 // 100)]
        tasks = f"{len(self.tasks)} long tasks" + (f", longest {max(self.tasks):.0f} ms" if self.tasks else "")
        frames = f"{len(shown):>4} frames, median {middle:5.1f} ms, p95 {most:5.1f} ms, longest {shown[-1]:6.1f} ms"
        return f"{self.what:<22} {frames}; {tasks}; {self.busy_ms:5.1f} ms of work a step"


def measured(page: Page) -> list[Frames]:
    """A window moved, a bar dragged in time and over the rows, a bar carried by keys, and a bar dropped."""
    page.evaluate(_WATCH)
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy_s() -> float:
        told = tools.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in told if each["name"] == "TaskDuration"))

    def watched(page: Page, what: str, do: Callable[[], None], steps: int = _STEPS) -> Frames:
        page.evaluate("() => { window.told.frames = []; window.told.tasks = []; }")
        began = busy_s()
        do()
        told = page.evaluate("() => window.told")
        return Frames(what, told["frames"], told["tasks"], 1000 * (busy_s() - began) / steps)

    found = []
    box = page.locator(".vis-panel.vis-center").bounding_box()
    assert box is not None
    # On the axis nothing is pressed but the window itself.
    axis = (box["x"] + box["width"] / 2, box["y"] - 12)

    def pan() -> None:
        page.mouse.move(*axis)
        page.mouse.down()
        for step in range(_STEPS):
            page.mouse.move(axis[0] + (step if step < _STEPS / 2 else _STEPS - step) * 4, axis[1])
        page.mouse.up()
        page.wait_for_timeout(400)

    found.append(watched(page, "window moved", pan))
    name, x, y = page.evaluate(_MOVABLE)

    def drag(by: float, over: float) -> None:
        for step in range(_STEPS):
            page.mouse.move(x + by * step / _STEPS, y + over * ((step // 10) % 2))

    page.mouse.move(x, y)
    page.mouse.down()
    found.append(watched(page, "bar dragged in time", lambda: drag(240, 0)))
    found.append(watched(page, "bar dragged over rows", lambda: drag(240, 44)))
    found.append(watched(page, "bar dropped", lambda: (page.mouse.up(), page.wait_for_timeout(1500))[0], 1))
    page.locator(f'.vis-item.bar[data-id="{name}"]').evaluate("(bar) => bar.focus()")

    def carry() -> None:
        for _ in range(30):
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(30)
        page.keyboard.press("Escape")

    found.append(watched(page, "bar carried by keys", carry, 30))
    return found


def main(items: int) -> None:
    """Start it all, order so many items, and print the figures for some lengths of time shown."""
    with tempfile.TemporaryDirectory(prefix="batchone-frames-") as folder, sync_playwright() as playwright:
        home = Path(folder)
        for each in ("postgres", "nats", "home"):
            (home / each).mkdir()
        postgres, nats = Postgres(home / "postgres"), Nats(home / "nats")
        postgres.start()
        nats.start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            with works(postgres.url, nats.url, home / "home", "refrigerator") as plant:
                for count in range(0, items, 50):
                    plant.order(f"customer-{count}", min(50, items - count))
                context = browser.new_context(viewport={"width": 1600, "height": 950})
                context.add_cookies([{"name": "batchone_session", "value": plant.session("pia"), "url": plant.address}])
                for minutes in ("20", "60", "480"):
                    page = context.new_page()
                    page.goto(plant.address + "/plan")
                    page.locator("#gantt[data-ready='1']").wait_for(state="attached")
                    page.locator(f".zoom button[data-minutes='{minutes}']").click()
                    page.wait_for_timeout(2500)
                    print(f"\n{minutes} min shown, {page.locator('.vis-item.bar').count()} bars drawn", flush=True)
                    for each in measured(page):
                        print(f"  {each}", flush=True)
                    page.close()
        finally:
            browser.close()
            nats.stop()
            postgres.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 240)
