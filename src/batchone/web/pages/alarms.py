"""Alarms: what is wrong now, live; how much of it operators are told; one alarm with its shelf and its limit."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from batchone.contracts.alarms import AlarmFilter, AlarmLimit, Alarms
from batchone.contracts.enterprises import Actor, Role
from batchone.contracts.pack import Text
from batchone.kernel.errors import Forbidden, NotFound
from batchone.web.live import Regions, whole
from batchone.web.pages.line import MAY_ACKNOWLEDGE
from batchone.web.services import Web, web_of
from batchone.web.session import actor_of, member
from batchone.web.views import alarms as view
from batchone.web.visit import Visit

router = APIRouter()
Watcher = Annotated[Visit, Depends(member("alarms"))]
ThisWeb = Annotated[Web, Depends(web_of)]
MAY_CHANGE: frozenset[Role] = frozenset({"engineer", "admin"})
_ROWS = 200
_PAST = 12
REGIONS = {"head-state": "_alarms_state.html", "alarms": "_alarms.html"}


async def _names(web: Web, tenant: str) -> dict[str, Text]:
    """What equipment is called; what no pack knows is called by its id."""
    return {each.id: each.name for book in await web.books.all(tenant) for each in book.pack.equipment}


async def _listed(web: Web, tenant: str, wanted: AlarmFilter, acknowledges: bool) -> dict[str, Any]:
    return {
        "alarms": await web.services.get(Alarms).find(tenant, wanted, _ROWS), "names": await _names(web, tenant),
        "wanted": wanted, "address": view.address, "which": view.Which, "acknowledges": acknowledges, "most": _ROWS,
    }  # fmt: skip


class AlarmsTopic:
    """A list of alarms, live."""

    def __init__(self, web: Web, tenant: str, wanted: AlarmFilter, language: str, *, acknowledges: bool) -> None:
        self._web, self._tenant, self._wanted, self._language = web, tenant, wanted, language
        self._acknowledges = acknowledges
        self._regions = Regions()
        self.key = f"alarms {tenant} {wanted} {language} {acknowledges}"
        self.every_s = web.settings.board_every_s

    async def _rendered(self) -> dict[str, str]:
        values = await _listed(self._web, self._tenant, self._wanted, self._acknowledges)
        return {target: self._web.renderer.fragment(name, self._language, **values) for target, name in REGIONS.items()}

    async def snapshot(self) -> bytes:
        """The whole list."""
        return whole(await self._rendered())

    async def tick(self) -> bytes | None:
        """The list, when it changed."""
        return self._regions.changed(await self._rendered())


@router.get("/alarms")
async def alarms(request: Request, visit: Watcher, web: ThisWeb) -> HTMLResponse:
    """The list: what stands, worst first, unless something else is asked for."""
    wanted = view.wish(request.query_params)
    listed = await _listed(web, visit.tenant, wanted, actor_of(visit).role in MAY_ACKNOWLEDGE)
    return web.renderer.page(visit, "alarms.html", **listed, priorities=view.PRIORITIES, shows=view.SHOWS)


@router.get("/alarms/live")
async def live(request: Request, visit: Watcher, web: ThisWeb) -> Response:
    """The list's stream."""
    wanted = view.wish(request.query_params)
    acknowledges = actor_of(visit).role in MAY_ACKNOWLEDGE
    return web.hub.response(AlarmsTopic(web, visit.tenant, wanted, visit.language, acknowledges=acknowledges))


@router.get("/alarms/statistics")
async def statistics(visit: Watcher, web: ThisWeb, hours: int = view.WINDOWS_H[1]) -> HTMLResponse:
    """The load on operators over the last hours, each figure with the rows behind it."""
    window = min(max(hours, 1), 24 * 366)
    found = await web.services.get(Alarms).statistics(visit.tenant, visit.now - timedelta(hours=window), visit.now)
    return web.renderer.page(
        visit, "alarms_statistics.html", found=found, hours=window, windows=view.WINDOWS_H, which=view.Which,
        names=await _names(web, visit.tenant), address=view.address, every=AlarmFilter(show="all"), standing=AlarmFilter(),
        stale_before=visit.now - timedelta(hours=24),
    )  # fmt: skip


@router.get("/alarms/one")
async def one(visit: Watcher, web: ThisWeb, path: str, kind: str) -> HTMLResponse:
    """One alarm: how it stands, its shelf, its limit, when it came last."""
    alarm, service = view.which(path, kind), web.services.get(Alarms)
    past = await service.find(visit.tenant, AlarmFilter(show="all", path=path, limit=alarm.kind), _PAST)
    limit = await _limit(web, visit.tenant, alarm)
    equipment = limit.equipment if limit else past[0].equipment if past else path
    names = await _names(web, visit.tenant)
    if not past and limit is None and path not in names:
        raise NotFound("web.alarm", f"There is no alarm {kind} of {path}.", "Choose one of the list.")
    return web.renderer.page(
        visit, "alarm.html",
        alarm=alarm, past=past, limit=limit, equipment=equipment, names=names,
        name=limit.name if limit else past[0].name if past else names[path],
        held=next((each for each in await service.suppressed(visit.tenant) if (each.path, each.limit) == (path, kind)), None),
        editions=await service.limit_editions(visit.tenant, path, alarm.kind) if limit else (),
        shelves=view.SHELVES_S, priorities=view.PRIORITIES, acknowledges=actor_of(visit).role in MAY_ACKNOWLEDGE,
        changes=actor_of(visit).role in MAY_CHANGE, address=view.address, every=AlarmFilter(show="all"),
    )  # fmt: skip


async def _limit(web: Web, tenant: str, alarm: view.Which) -> AlarmLimit | None:
    """The limit of an alarm of a signal; none for one of equipment, or where the signal is declared no more."""
    if alarm.kind in ("offline", "broken", "lost"):
        return None
    try:
        limits = await web.services.get(Alarms).limits(tenant, alarm.path)
    except NotFound:
        return None
    return next((each for each in limits if each.limit == alarm.kind), None)


def _allowed(visit: Visit, roles: frozenset[Role], what: str) -> Actor:
    actor = actor_of(visit)
    if actor.role not in roles:
        raise Forbidden("web.alarm", f"Your role does not {what}.", "Ask somebody whose role does.")
    return actor


@router.post("/alarms/{alarm}/acknowledge")
async def acknowledge(
    alarm: str, request: Request, visit: Watcher, web: ThisWeb, back: Annotated[str, Form()] = ""
) -> Response:
    """Somebody has seen an alarm; the stream then shows it so. `back` says that they came from the list."""
    actor = _allowed(visit, MAY_ACKNOWLEDGE, "acknowledge alarms")
    done = await web.services.get(Alarms).acknowledge(visit.tenant, alarm, actor)
    if "hx-request" in request.headers:
        return web.renderer.page(visit, "_acknowledged.html", alarm=done)
    return RedirectResponse("/alarms" if back else f"/machines/{done.equipment}", 303)


Path = Annotated[str, Form()]
Kind = Annotated[str, Form()]
Reason = Annotated[str, Form()]


@router.post("/alarms/shelve")
async def shelve(
    visit: Watcher, web: ThisWeb, path: Path, kind: Kind, seconds: Annotated[float, Form()], reason: Reason = ""
) -> Response:
    """Set an alarm aside for a while."""
    alarm, actor = view.which(path, kind), _allowed(visit, MAY_ACKNOWLEDGE, "shelve alarms")
    await web.services.get(Alarms).shelve(visit.tenant, path, alarm.kind, seconds, reason, actor)
    return RedirectResponse(alarm.address, 303)


@router.post("/alarms/take-out")
async def take_out(visit: Watcher, web: ThisWeb, path: Path, kind: Kind, reason: Reason = "") -> Response:
    """Take an alarm out of service."""
    alarm, actor = view.which(path, kind), _allowed(visit, MAY_CHANGE, "take alarms out of service")
    await web.services.get(Alarms).take_out(visit.tenant, path, alarm.kind, reason, actor)
    return RedirectResponse(alarm.address, 303)


@router.post("/alarms/restore")
async def restore(visit: Watcher, web: ThisWeb, path: Path, kind: Kind, held: Annotated[str, Form()]) -> Response:
    """Take an alarm from the shelf, or put it back into service."""
    alarm, service = view.which(path, kind), web.services.get(Alarms)
    if held == "out_of_service":
        await service.put_back(visit.tenant, path, alarm.kind, _allowed(visit, MAY_CHANGE, "put alarms back into service"))
    else:
        await service.unshelve(visit.tenant, path, alarm.kind, _allowed(visit, MAY_ACKNOWLEDGE, "shelve alarms"))
    return RedirectResponse(alarm.address, 303)


@router.post("/alarms/limit")
async def change_limit(request: Request, visit: Watcher, web: ThisWeb) -> Response:
    """Judge a limit otherwise, or as declared again."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    alarm, actor = view.which(form.get("path", ""), form.get("kind", "")), _allowed(visit, MAY_CHANGE, "change limits")
    service, why = web.services.get(Alarms), form.get("why", "")
    if "reset" in form:
        await service.reset_limit(visit.tenant, alarm.path, alarm.kind, why, actor)
    else:
        base = int(form["base"]) if form.get("base", "").isdecimal() else 0
        settings, rationale = view.settings_of(form), view.rationale_of(form)
        await service.change_limit(visit.tenant, alarm.path, alarm.kind, base, settings, rationale, why, actor)
    return RedirectResponse(alarm.address + "#limit", 303)
