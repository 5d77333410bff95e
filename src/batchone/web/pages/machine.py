"""A machine: its state, its signals with the last minute and live, its alarms, its jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from batchone.contracts.alarms import Alarms
from batchone.contracts.machines import Connect, History, LastValue, Twin
from batchone.contracts.pack import Equipment
from batchone.contracts.production import Production
from batchone.kernel.errors import NotFound, TryLater
from batchone.web.books import Book
from batchone.web.live import Regions, message, whole
from batchone.web.pages.line import MAY_ACKNOWLEDGE
from batchone.web.services import Web, web_of
from batchone.web.session import actor_of, member
from batchone.web.views import machine as view
from batchone.web.views.wrong import Wrong, wrongs
from batchone.web.visit import Visit

router = APIRouter()
Watcher = Annotated[Visit, Depends(member("line"))]
ThisWeb = Annotated[Web, Depends(web_of)]
_TREND_POINTS = 300
_ALARMS_SHOWN = 8
REGIONS = {
    "head-state": "_machine_state.html",
    "head-order": "_machine_order.html",
    "wrong": "_wrong.html",
    "jobs": "_machine_jobs.html",
    "past": "_machine_past.html",
}


@dataclass(frozen=True)
class Place:
    """A machine in its book."""

    book: Book
    equipment: Equipment


async def place_of(web: Web, tenant: str, equipment: str) -> Place:
    """The machine of an id; `NotFound` when no line has it."""
    book = await web.books.of_equipment(tenant, equipment)
    found = book.equipment(equipment)
    if found is None:
        raise NotFound(
            "web.equipment", f"There is no equipment {equipment}.", "Choose one on the line page.", equipment=equipment
        )
    return Place(book, found)


async def read_machine(web: Web, tenant: str, place: Place) -> view.Machine:
    """State and jobs, read through the contracts; a machine that does not answer has jobs without progress."""
    services = web.services
    now = next((each for each in await services.get(Connect).equipment(tenant) if each.equipment == place.equipment.id), None)
    stations = [each for each in await services.get(Production).stations(tenant) if each.equipment == place.equipment.id]
    try:
        reports = await services.get(Connect).job_reports(tenant, place.equipment.id) if stations else ()
    except TryLater:
        reports = ()
    briefs = await web.briefs.of(tenant, [each.order for each in stations])
    return view.machine(place.book, place.equipment, now, stations, reports, briefs)


async def read_wrong(web: Web, tenant: str, place: Place) -> tuple[Wrong, ...]:
    """What is wrong at this machine."""
    alarms = await web.services.get(Alarms).active(tenant, place.equipment.id)
    machines = [each for each in await web.services.get(Connect).equipment(tenant) if each.equipment == place.equipment.id]
    return wrongs(place.book, alarms, machines)


class MachineTopic:
    """A machine's page, live: values twice a second, everything else once."""

    def __init__(self, web: Web, tenant: str, place: Place, position: int, language: str, *, acknowledges: bool) -> None:
        self._web, self._tenant, self._place, self._language, self._acknowledges = web, tenant, place, language, acknowledges
        signals = place.book.pack.signals_of(place.equipment.equipment_class)
        rows = view.signal_rows(place.equipment, signals, (), position, web.services.clock.now(), web.services.clock.speed)
        self._paths = [row.path for row in rows]
        self._regions = Regions()
        self._ticks = 0
        self.key = f"machine {tenant} {place.equipment.id} {position} {language} {acknowledges}"
        self.every_s = web.settings.signals_every_s

    async def snapshot(self) -> bytes:
        """Everything, with the trend's history."""
        return whole(await self._rendered()) + await self._history()

    async def tick(self) -> bytes | None:
        """The last values, and each second time whatever else changed."""
        self._ticks += 1
        changed = self._regions.changed(await self._rendered()) if self._ticks % 2 else None
        last = await self._web.services.get(Twin).last(self._tenant, self._place.equipment.id)
        return frame(self._web.services.clock.now(), last, self._paths) + (changed or b"")

    async def _rendered(self) -> dict[str, str]:
        values = {
            "machine": await read_machine(self._web, self._tenant, self._place),
            "wrong": await read_wrong(self._web, self._tenant, self._place),
            "past": await self._web.services.get(Alarms).history(self._tenant, self._place.equipment.id, _ALARMS_SHOWN),
            "acknowledges": self._acknowledges,
        }
        return {target: self._web.renderer.fragment(name, self._language, **values) for target, name in REGIONS.items()}

    async def _history(self) -> bytes:
        services = self._web.services
        now = services.clock.now()
        window_s = self._web.settings.trend_s * max(services.clock.speed, 1.0)
        try:
            trend = await services.get(History).trend(
                self._tenant, self._paths, now - timedelta(seconds=window_s), now, _TREND_POINTS
            )
            lines = {path: [list(trend.times_s.get(path, ())), list(trend.values.get(path, ()))] for path in self._paths}
        except TryLater:
            lines = {path: [[], []] for path in self._paths}
        body = {"now": now.timestamp(), "window": window_s, "lines": lines}
        return message(orjson.dumps(body).decode(), event="history")


def frame(now: datetime, last: tuple[LastValue, ...], paths: list[str]) -> bytes:
    """Last values as an event for the page's script: path to (source time, value, quality)."""
    wanted = set(paths)
    values = {each.path: (each.source_time.timestamp(), each.value, each.quality) for each in last if each.path in wanted}
    return message(orjson.dumps({"now": now.timestamp(), "values": values}).decode(), event="frame")


@router.get("/machines/{equipment}")
async def machine(equipment: str, request: Request, visit: Watcher, web: ThisWeb) -> HTMLResponse:
    """The page of a machine; `position` chooses whose signals are shown where it has several."""
    place = await place_of(web, visit.tenant, equipment)
    found = await read_machine(web, visit.tenant, place)
    position = view.position_from(request.query_params.get("position"), found)
    clock = web.services.clock
    last = await web.services.get(Twin).last(visit.tenant, equipment)
    signals = place.book.pack.signals_of(place.equipment.equipment_class)
    return web.renderer.page(
        visit, "machine.html",
        machine=found, position=position, product=place.book.pack.product.id,
        signals=view.signal_rows(place.equipment, signals, last, position, clock.now(), clock.speed),
        has_positions=any(signal.scope == "position" for signal in signals) and place.equipment.positions > 1,
        wrong=await read_wrong(web, visit.tenant, place),
        past=await web.services.get(Alarms).history(visit.tenant, equipment, _ALARMS_SHOWN),
        window_s=web.settings.trend_s * max(clock.speed, 1.0),
        acknowledges=actor_of(visit).role in MAY_ACKNOWLEDGE,
    )  # fmt: skip


@router.get("/machines/{equipment}/live")
async def live(equipment: str, visit: Watcher, web: ThisWeb, position: int = 1) -> Response:
    """The machine's stream."""
    place = await place_of(web, visit.tenant, equipment)
    acknowledges = actor_of(visit).role in MAY_ACKNOWLEDGE
    within = min(max(position, 1), place.equipment.positions)
    return web.hub.response(MachineTopic(web, visit.tenant, place, within, visit.language, acknowledges=acknowledges))
