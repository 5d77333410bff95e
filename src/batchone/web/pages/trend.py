"""What stands behind a machine's page: the points of a period for its chart, the stored rows, the list of all signals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from batchone.contracts.machines import DroppedDay, History, Retention, Twin
from batchone.contracts.things import Declared
from batchone.kernel.errors import TryLater
from batchone.web.pages.machine import Names, ThisWeb, Watcher, look_of
from batchone.web.places import place_of
from batchone.web.services import Web
from batchone.web.views import machine as machines
from batchone.web.views import signals as lists
from batchone.web.views import trend as view
from batchone.web.views.rows import rows_of

router = APIRouter()
ROWS = 200
Points = Annotated[int, Query(ge=view.POINTS_MIN, le=view.POINTS_MAX)]


async def read_trend(
    web: Web, tenant: str, signals: Sequence[Declared], window: tuple[datetime, datetime], points: int
) -> view.Shown:  # fmt: skip
    """At most so many points a signal, and why there are none where there are none; `TryLater` while the historian is away."""
    found = await web.services.get(History).trend(tenant, [each.path for each in signals], *window, points)
    days: tuple[DroppedDay, ...] = ()
    if any(gap.reason == "dropped" for gap in found.gaps):
        try:
            days = await web.services.get(Retention).dropped(tenant)
        except TryLater:
            days = ()
    return view.shown(found, signals, days, web.services.clock.now(), points)


@router.get("/machines/{equipment}/trend")
async def trend(
    equipment: str, request: Request, visit: Watcher, web: ThisWeb, points: Points, signal: Names = None
) -> Response:
    """The points of the named signals over a period, for the chart, with what is to be said of them in words."""
    place = await place_of(web, visit.tenant, equipment)
    look = look_of(web, place, signal, request.query_params)
    signals = view.chosen(place.signals, look.names, "")
    found = await read_trend(web, visit.tenant, signals, look.period.window(visit.now), points)
    told = found.trend
    names = {each.path: each.signal.name for each in place.signals}
    said = web.renderer.fragment(
        "_trend_said.html", visit.language, shown=found, names=names, at=lambda seconds: datetime.fromtimestamp(seconds, UTC)
    )  # fmt: skip
    body: dict[str, Any] = {
        "start": told.start.timestamp(), "end": told.end.timestamp(), "now": visit.now.timestamp(), "answer": told.answer,
        "lines": {each.path: (told.times_s.get(each.path, ()), told.values.get(each.path, ())) for each in signals},
        "holes": {path: [(hole.start_s, hole.end_s, hole.reason) for hole in holes] for path, holes in found.holes.items()},
        "said": said,
    }  # fmt: skip
    return Response(orjson.dumps(body), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/machines/{equipment}/rows")
async def rows(
    equipment: str, request: Request, visit: Watcher, web: ThisWeb, signal: Names = None, after: str = ""
) -> HTMLResponse:
    """The stored samples of a period, a page of rows at a time."""
    place = await place_of(web, visit.tenant, equipment)
    look = look_of(web, place, signal, request.query_params)
    signals = {each.path: each.signal for each in view.chosen(place.signals, look.names, "")}
    start, end = look.period.window(visit.now)
    # What follows must be of the same time, also if the period ends now.
    fixed = view.Look(place.thing.id, look.names, look.position, view.Period(start=start, end=end))
    page = await web.services.get(History).samples(visit.tenant, list(signals), start, end, after[:2000], ROWS)
    return web.renderer.page(
        visit, "machine_rows.html",
        place=place, look=look, fixed=fixed, signals=signals, start=start, end=end, rows=rows_of(page), page=page, after=after,
    )  # fmt: skip


Wished = Annotated[lists.Wish, Depends(lists.wish)]


@router.get("/machines/{equipment}/signals")
async def signals(
    equipment: str, request: Request, visit: Watcher, web: ThisWeb, wished: Wished, signal: Names = None
) -> HTMLResponse:
    """Every signal of a machine with its newest sample; those that are ticked are looked at together."""
    place = await place_of(web, visit.tenant, equipment)
    last = await web.services.get(Twin).last(visit.tenant, equipment)
    found = machines.signal_rows(place.signals, {}, last, visit.now, web.services.clock.speed)
    return web.renderer.page(
        visit, "machine_signals.html",
        place=place, look=look_of(web, place, signal, request.query_params), listed=lists.listed(found, wished),
        wished=wished, shows=lists.SHOWS, signals_all=len(place.signals), most=view.STRIPS_MAX, rows=lists.ROWS, now=visit.now,
    )  # fmt: skip
