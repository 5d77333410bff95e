"""The plan in force: a Gantt to read, what is late, what the newest planning runs were worth."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse

from batchone.contracts.by_hand import PlanningByHand
from batchone.contracts.machines import Connect
from batchone.contracts.planning import SEARCH_TOPIC, PlannedOperation, Planning, PlanSummary, PlanWindow, SearchNow
from batchone.contracts.sales import Sales
from batchone.kernel.bus import Message
from batchone.kernel.errors import NotFound, Refused
from batchone.web.books import Book
from batchone.web.briefs import Brief
from batchone.web.formats import Formats
from batchone.web.live import BEAT, Regions, message, whole
from batchone.web.pages.plan_by_hand import draft_values, may_plan
from batchone.web.services import Web, web_of
from batchone.web.session import member
from batchone.web.views import by_hand
from batchone.web.views import plan as view
from batchone.web.visit import Visit

router = APIRouter(prefix="/plan")
Planner = Annotated[Visit, Depends(member("plan"))]
ThisWeb = Annotated[Web, Depends(web_of)]
_OPERATIONS_MAX = 4000
_TABLE_ROWS = 60
_CHOICES = 300
_FARTHEST, _ALL_MAX = timedelta(days=3650), 250_000
"""All of a branch: as far as a plan may reach, and as many operations as one may have."""
_LATE_AHEAD = timedelta(hours=12)
_RUNS_SHOWN = 8
_LONGEST = timedelta(days=14)
_REGIONS = {
    "head-state": "_plan_state.html",
    "head-order": "_plan_order.html",
    "runs": "_plan_runs.html",
    "worth": "_plan_worth.html",
    "plan-search": "_plan_search.html",
}
_OVERDUE_S = 20.0
"""A search that told nothing for so long beyond its budget, real, ended without saying so."""


async def _summary(web: Web, tenant: str) -> PlanSummary | None:
    try:
        return await web.services.get(Planning).summary(tenant)
    except NotFound:
        return None


async def _values(web: Web, tenant: str) -> dict[str, Any]:
    summary = await _summary(web, tenant)
    runs = await web.services.get(Planning).summaries(tenant, _RUNS_SHOWN) if summary else ()
    return {"summary": summary, "runs": runs, "search": None}


class PlanTopic:
    """The plan's figures, its number (the Gantt fetches a new one by itself), the time now and the machines' states; while a
    better plan is searched for, how that stands, the moment it gets better."""

    def __init__(self, web: Web, tenant: str, language: str) -> None:
        self._web, self._tenant, self._language = web, tenant, language
        self._regions = Regions()
        self._search: SearchNow | None = None
        self._heard = 0.0
        self.key = f"plan {tenant} {language}"
        self.every_s, self.least_s = web.settings.board_every_s, web.settings.board_least_s

    async def listen(self, wake: Callable[[], None]) -> None:
        """Hear how a search stands."""

        async def heard(said: Message) -> None:
            self._search = SearchNow(**orjson.loads(said.data)) if said.data else None
            self._heard = time.monotonic()
            wake()

        await self._web.services.bus.listen(f"{SEARCH_TOPIC}.{self._tenant}", heard)

    def _searching(self) -> SearchNow | None:
        now = self._search
        if now is None or time.monotonic() - self._heard > now.budget_s - now.elapsed_s + _OVERDUE_S:
            return None
        return now

    async def _told(self) -> tuple[dict[str, str], bytes]:
        values = {**await _values(self._web, self._tenant), "search": self._searching()}
        html = {target: self._web.renderer.fragment(name, self._language, **values) for target, name in _REGIONS.items()}
        summary: PlanSummary | None = values["summary"]
        machines = await self._web.services.get(Connect).equipment(self._tenant)
        body = {
            "now": _ms(self._web.services.clock.now()),
            "plan": summary.number if summary else 0,
            "states": {machine.equipment: machine.state for machine in machines},
        }
        return html, message(orjson.dumps(body).decode(), event="plan")

    async def snapshot(self) -> bytes:
        """All figures."""
        html, told = await self._told()
        return whole(html) + told

    async def tick(self) -> bytes | None:
        """What changed, and the time."""
        html, told = await self._told()
        return (self._regions.changed(html) or BEAT) + told


@router.get("")
async def plan(visit: Planner, web: ThisWeb, branch: str = "", said: str = "", order: str = "") -> HTMLResponse:
    """The page, of the plan in force or of a branch of it; its table and late list are the Gantt's equal in words."""
    values = await _values(web, visit.tenant)
    books = await web.books.all(visit.tenant)
    until = visit.now + _LATE_AHEAD
    operations = (
        await _operations(web, visit.tenant, visit.now - timedelta(minutes=10), until, branch) if values["summary"] else ()
    )
    coming = sorted((each for each in operations if each.state != "done"), key=lambda each: each.start)
    offered = await _of_order(web, visit, order, branch) if order and may_plan(visit) else coming[:_CHOICES]
    late = [each for each in operations if each.late]
    briefs = await web.briefs.of(visit.tenant, [each.order for each in [*offered, *coming[:_TABLE_ROWS], *late]])
    return web.renderer.page(
        visit, "plan.html",
        **values,
        **await draft_values(web, visit, branch, said),
        **await _tools(web, visit, books, offered, briefs),
        offset_min=_offset_min(web, visit.now),
        kinds=view.kinds(books[0]) if books else (),
        late=view.late_orders(late, briefs),
        table=[view.table_row(books[0], each, briefs[each.order]) for each in coming[:_TABLE_ROWS]] if books else [],
        wished=order,
        all_machines=[machine for book in books for machine in book.pack.equipment],
    )  # fmt: skip


async def _of_order(web: Web, visit: Visit, number: str, branch: str) -> list[PlannedOperation]:
    """All operations of one order, however far ahead; of a branch as it puts them."""
    order = await web.services.get(Sales).order(visit.tenant, number.strip())
    found = await web.services.get(Planning).of_order(visit.tenant, order.id)
    if branch and found:
        until = visit.now + _FARTHEST
        every = await web.services.get(PlanningByHand).branch_window(visit.tenant, branch, visit.now, until, _ALL_MAX)
        found = tuple(each for each in every if each.order == order.id)
    return sorted(found, key=lambda each: each.start)


async def _tools(
    web: Web, visit: Visit, books: Sequence[Book], coming: Sequence[PlannedOperation], briefs: Mapping[str, Brief]
) -> dict[str, Any]:
    """What the forms of a planner offer: operations, machines and classes, branches, pins."""
    if not may_plan(visit):
        return {
            "choices": (),
            "branches": (),
            "accepted": None,
            "pins": (),
            "machines": (),
            "classes": (),
            "frozen_s": 0,
            "zone": web.settings.zone,
        }
    desk = web.services.get(PlanningByHand)
    frozen_s = (await desk.rules(visit.tenant)).frozen_s
    branches = await desk.branches(visit.tenant)
    since = visit.now + timedelta(seconds=frozen_s)
    return {
        "choices": by_hand.choices(books, coming, briefs, since),
        "branches": branches,
        "accepted": by_hand.to_take_back(branches),
        "pins": [(pin, by_hand.op_named(books, pin.op)) for pin in await desk.pins(visit.tenant)],
        "machines": [machine for book in books for machine in book.pack.equipment],
        "classes": [kind for book in books for kind in book.pack.classes],
        "frozen_s": frozen_s,
        "zone": web.settings.zone,
    }


def _offset_min(web: Web, now: datetime) -> int:
    offset = now.astimezone(web.settings.zone).utcoffset()
    return round(offset.total_seconds() / 60) if offset else 0


async def _window(web: Web, tenant: str, start: datetime, end: datetime) -> PlanWindow:
    return await web.services.get(Planning).window(tenant, start, end, _OPERATIONS_MAX)


async def _operations(web: Web, tenant: str, start: datetime, end: datetime, branch: str) -> tuple[PlannedOperation, ...]:
    """The operations of the plan in force or of a branch that touch a window."""
    if not branch:
        return (await _window(web, tenant, start, end)).operations
    return await web.services.get(PlanningByHand).branch_window(tenant, branch, start, end, _OPERATIONS_MAX)


@router.get("/window")
async def window(
    visit: Planner, web: ThisWeb, start: float | None = None, end: float | None = None, branch: str = ""
) -> Response:
    """Rows and bars between two times (milliseconds) for the Gantt's script; without them, an hour around now."""
    begin = _time(start) if start is not None else visit.now - timedelta(minutes=10)
    until = _time(end) if end is not None else visit.now + timedelta(minutes=50)
    if until <= begin or until - begin > _LONGEST:
        raise Refused("web.window", "The window must end after it starts and be at most 14 days long.", "Zoom in.")
    summary = await web.services.get(Planning).summary(visit.tenant)
    found = await _operations(web, visit.tenant, begin, until, branch)
    books = await web.books.all(visit.tenant)
    machines = await web.services.get(Connect).equipment(visit.tenant)
    briefs = await web.briefs.of(visit.tenant, [each.order for each in found])
    formats = web.renderer.formats(visit.language)
    frozen_s = (await web.services.get(PlanningByHand).rules(visit.tenant)).frozen_s if may_plan(visit) else 0.0
    body = {
        "plan": summary.number,
        "now": _ms(visit.now),
        "frozen": frozen_s * 1000,
        "start": _ms(begin),
        "end": _ms(until),
        "whole": len(found) < _OPERATIONS_MAX,
        "rows": [_row(row, formats) for book in books for row in view.rows(book, machines)],
        "bars": [_bar(bar, formats) for book in books for bar in view.bars(book, found, briefs)],
        "loads": [_load(load) for book in books for load in view.loads(book, found, begin, until)],
    }
    return Response(orjson.dumps(body), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/live")
async def live(visit: Planner, web: ThisWeb) -> Response:
    """The plan's stream."""
    return web.hub.response(PlanTopic(web, visit.tenant, visit.language))


def _row(row: view.Row, formats: Formats) -> dict[str, object]:
    return {"id": row.id, "name": formats.text(row.name), "state": row.state, "places": row.positions, "kind": row.kind}


def _bar(bar: view.Bar, formats: Formats) -> dict[str, object]:
    label = bar.order.number + (f" {bar.place}" if bar.place else "")
    told = [label, f"{bar.op} {formats.text(bar.op_name)}", f"{formats.clock(bar.start)} – {formats.clock(bar.end)}"]
    if bar.order.town:
        told.insert(1, f"{bar.order.customer}, {bar.order.town}")
    return {
        "id": bar.id, "row": bar.row, "lane": bar.lane, "start": _ms(bar.start), "end": _ms(bar.end),
        "setup": bar.setup_s * 1000, "kind": bar.kind, "label": label, "title": " · ".join(told),
        "state": bar.state, "late": bar.late, "operation": f"{bar.item}/{bar.op}",
        "link": f"/orders/{bar.order.number}?item={bar.item}",
    }  # fmt: skip


def _load(load: view.Load) -> dict[str, object]:
    return {
        "id": load.id, "row": load.row, "start": _ms(load.start), "end": _ms(load.end),
        "used": load.used, "places": load.positions, "late": load.late,
    }  # fmt: skip


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _time(milliseconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Refused("web.window", f"{milliseconds} is no time in milliseconds.", "Write a time since 1970.") from error
