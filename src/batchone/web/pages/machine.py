"""A machine: its state, the course of its signals over any period and live, its alarms, its jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from batchone.contracts.alarms import Alarms
from batchone.contracts.machines import Connect, LastValue, Twin
from batchone.contracts.pack import Limits
from batchone.contracts.production import Production
from batchone.contracts.things import Declared
from batchone.kernel.errors import NotFound, TryLater
from batchone.web.live import Regions, message, whole
from batchone.web.pages.line import MAY_ACKNOWLEDGE
from batchone.web.places import Place, place_of
from batchone.web.services import Web, web_of
from batchone.web.session import actor_of, member
from batchone.web.views import machine as view
from batchone.web.views import trend
from batchone.web.views.wrong import Wrong, wrongs
from batchone.web.visit import Visit

router = APIRouter()
Watcher = Annotated[Visit, Depends(member("machines"))]
ThisWeb = Annotated[Web, Depends(web_of)]
Names = Annotated[list[str] | None, Query(alias="signal", max_length=64)]
_ALARMS_SHOWN = 8
REGIONS = {
    "head-state": "_machine_state.html",
    "head-order": "_machine_order.html",
    "wrong": "_wrong.html",
    "jobs": "_machine_jobs.html",
    "past": "_machine_past.html",
}


async def read_machine(web: Web, tenant: str, place: Place) -> view.Machine:
    """State and jobs, read through the contracts; a machine that does not answer has jobs without progress."""
    services, id_ = web.services, place.thing.id
    now = next((each for each in await services.get(Connect).equipment(tenant) if each.equipment == id_), None)
    stations = [each for each in await services.get(Production).stations(tenant) if each.equipment == id_]
    try:
        reports = await services.get(Connect).job_reports(tenant, id_) if stations else ()
    except TryLater:
        reports = ()
    briefs = await web.briefs.of(tenant, [each.order for each in stations])
    return view.machine(place, now, stations, reports, briefs)


async def read_wrong(web: Web, tenant: str, place: Place) -> tuple[Wrong, ...]:
    """What is wrong at this machine."""
    alarms = await web.services.get(Alarms).active(tenant, place.thing.id)
    machines = [each for each in await web.services.get(Connect).equipment(tenant) if each.equipment == place.thing.id]
    return wrongs(lambda _: place.thing.name, alarms, machines)


async def limits_in_force(web: Web, tenant: str, signals: Sequence[Declared]) -> dict[str, Limits]:
    """The bounds by which signals are judged now, by path; those of which nobody says it are left out."""
    found = {}
    for each in signals:
        try:
            told = await web.services.get(Alarms).limits(tenant, each.path)
        except (NotFound, TryLater):
            continue
        bounds = {limit.limit: limit.in_force.bound for limit in told if limit.in_force.enabled}
        found[each.path] = Limits(
            low=bounds.get("low"), high=bounds.get("high"), low_low=bounds.get("low_low"), high_high=bounds.get("high_high")
        )
    return found


def look_of(web: Web, place: Place, names: Sequence[str] | None, query: Mapping[str, str]) -> trend.Look:
    """What an address asks to look at."""
    otherwise_s = web.settings.trend_s * max(web.services.clock.speed, 1.0)
    wanted = trend.period(query, web.settings.zone, otherwise_s)
    return trend.Look(place.thing.id, tuple(names or ()), query.get("position", ""), wanted)


class MachineTopic:
    """A machine's page, live: values twice a second, everything else once. The course before now is asked for by the page,
    for the period that it shows."""

    def __init__(
        self, web: Web, tenant: str, place: Place, paths: Sequence[str], language: str, *, acknowledges: bool
    ) -> None:  # fmt: skip
        self._web, self._tenant, self._place, self._language, self._acknowledges = web, tenant, place, language, acknowledges
        self._paths = frozenset(paths)
        self._regions = Regions()
        self._ticks = 0
        self.key = f"machine {tenant} {place.thing.id} {sorted(paths)} {language} {acknowledges}"
        self.every_s = web.settings.signals_every_s

    async def snapshot(self) -> bytes:
        """Everything, and that values begin, so that the page asks for what it missed."""
        now = web_now(self._web)
        return whole(await self._rendered()) + message(orjson.dumps({"now": now}).decode(), event="begin")

    async def tick(self) -> bytes | None:
        """The last values, and each second time whatever else changed."""
        self._ticks += 1
        changed = self._regions.changed(await self._rendered()) if self._ticks % 2 else None
        last = await self._web.services.get(Twin).last(self._tenant, self._place.thing.id)
        return frame(web_now(self._web), last, self._paths) + (changed or b"")

    async def _rendered(self) -> dict[str, str]:
        values = {
            "machine": await read_machine(self._web, self._tenant, self._place),
            "wrong": await read_wrong(self._web, self._tenant, self._place),
            "past": await self._web.services.get(Alarms).history(self._tenant, self._place.thing.id, _ALARMS_SHOWN),
            "acknowledges": self._acknowledges,
        }
        return {target: self._web.renderer.fragment(name, self._language, **values) for target, name in REGIONS.items()}


def web_now(web: Web) -> float:
    """Plant time in unix seconds."""
    return web.services.clock.now().timestamp()


def frame(now_s: float, last: Sequence[LastValue], paths: frozenset[str]) -> bytes:
    """Last values as an event for the page's script: path to (source time, value, quality)."""
    values = {each.path: (each.source_time.timestamp(), each.value, each.quality) for each in last if each.path in paths}
    return message(orjson.dumps({"now": now_s, "values": values}).decode(), event="frame")


@router.get("/machines/{equipment}")
async def machine(equipment: str, request: Request, visit: Watcher, web: ThisWeb, signal: Names = None) -> HTMLResponse:
    """The page of a machine: of the signals named, else of some of the `position` where it has several."""
    place = await place_of(web, visit.tenant, equipment)
    found = await read_machine(web, visit.tenant, place)
    position = view.position_from(request.query_params.get("position"), found)
    look, clock = look_of(web, place, signal, request.query_params), web.services.clock
    signals = trend.chosen(place.signals, look.names, position)
    start, end = look.period.window(visit.now)
    return web.renderer.page(
        visit, "machine.html",
        machine=found, position=position, look=look, exact=look.of(each.path for each in signals), start=start, end=end,
        signals=view.signal_rows(
            signals, await limits_in_force(web, visit.tenant, signals),
            await web.services.get(Twin).last(visit.tenant, equipment), visit.now, clock.speed,
        ),
        signals_all=len(place.signals), period_of=trend.Period, now=visit.now,
        periods=(web.settings.trend_s * max(clock.speed, 1.0), *trend.PERIODS_S),
        has_positions=found.positions > 1 and any(each.signal.scope == "position" for each in place.signals),
        wrong=await read_wrong(web, visit.tenant, place),
        past=await web.services.get(Alarms).history(visit.tenant, equipment, _ALARMS_SHOWN),
        acknowledges=actor_of(visit).role in MAY_ACKNOWLEDGE,
    )  # fmt: skip


@router.get("/machines/{equipment}/live")
async def live(equipment: str, visit: Watcher, web: ThisWeb, signal: Names = None) -> Response:
    """The stream of a machine and its named signals."""
    place = await place_of(web, visit.tenant, equipment)
    paths = [each.path for each in trend.chosen(place.signals, signal or (), "")] if signal else []
    acknowledges = actor_of(visit).role in MAY_ACKNOWLEDGE
    return web.hub.response(MachineTopic(web, visit.tenant, place, paths, visit.language, acknowledges=acknowledges))
