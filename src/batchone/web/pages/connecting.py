"""Connecting a machine: its address, whom to trust, which of what it offers is which signal, and the first values."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from batchone.contracts.certificates import Certificates
from batchone.contracts.machines import Connect
from batchone.contracts.sources import Look, Sources
from batchone.contracts.things import Things
from batchone.kernel.errors import Conflict, NotFound
from batchone.web.pages.connect import Engineer, ThisWeb, led_to
from batchone.web.services import Web
from batchone.web.session import actor_of
from batchone.web.views import connect as view
from batchone.web.visit import Visit

router = APIRouter(prefix="/connect/new")
_ROWS_SHOWN = 200
_NAMES_OFFERED = 500
_BY_HAND, _BESIDE = 8, 3
"""Lines to write by hand: where nothing was found, and beside what was."""


@router.get("")
async def start(request: Request, visit: Engineer, web: ThisWeb) -> HTMLResponse:
    """Where the machine answers."""
    asked = view.asked(request.query_params)
    return web.renderer.page(visit, "connect_new.html", asked=asked, protocols=view.PROTOCOLS, securities=view.SECURITIES)


@router.post("")
async def begin(request: Request, visit: Engineer, web: ThisWeb) -> Response:
    """Look at what answers there; where machines do not say what they offer, go on to writing it by hand."""
    asked = view.asked(_texts(await request.form()))
    if not view.protocol_of(asked.url).probed:
        return led_to(request, asked.address("/connect/new/by-hand"))
    look = await web.services.get(Sources).look(visit.tenant, asked.url, asked.settings, actor_of(visit))
    return led_to(request, f"/connect/new/{look}")


@router.get("/by-hand")
async def by_hand(request: Request, visit: Engineer, web: ThisWeb) -> HTMLResponse:
    """Signals by their addresses, from the machine's documents."""
    asked = view.asked(request.query_params)
    return await _mapping(web, visit, asked, None, rows_all=True)


@router.post("/by-hand")
async def declare_by_hand(request: Request, visit: Engineer, web: ThisWeb) -> Response:
    """Declare what was written."""
    form = _texts(await request.form())
    return await _declare(request, web, visit, view.asked(form), (), await request.form())


@router.get("/{look}")
async def looked(look: str, visit: Engineer, web: ThisWeb, every: bool = False) -> HTMLResponse:
    """How the probe stands; what it found, or why it found nothing."""
    now = await web.services.get(Sources).looked(visit.tenant, look)
    asked = view.Asked(now.url, now.settings)
    if now.probed is not None:
        return await _mapping(web, visit, asked, now, rows_all=every)
    where = now.failure.where if now.failure else {}
    shown = [datetime.fromisoformat(where[each]) if each in where else None for each in ("begins", "ends")]
    own = (await web.services.get(Certificates).own(visit.tenant))[0] if now.failure else None
    return web.renderer.page(visit, "connect_look.html", look=now, asked=asked, own=own, shown=shown)


@router.get("/{look}/progress")
async def progress(look: str, visit: Engineer, web: ThisWeb) -> Response:
    """How far the probe is; the page is loaded anew once it is over."""
    now = await web.services.get(Sources).looked(visit.tenant, look)
    if now.over:
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    return web.renderer.page(visit, "_connect_progress.html", look=now)


@router.post("/{look}/approve")
async def approve(
    look: str, request: Request, visit: Engineer, web: ThisWeb, server: Annotated[str, Form()],
    fingerprint: Annotated[str, Form()],
) -> Response:  # fmt: skip
    """Trust the certificate that the server showed, and look again."""
    now = await web.services.get(Sources).looked(visit.tenant, look)
    await web.services.get(Certificates).approve(visit.tenant, server, fingerprint, actor_of(visit))
    again = await web.services.get(Sources).look(visit.tenant, now.url, now.settings, actor_of(visit))
    return led_to(request, f"/connect/new/{again}")


@router.post("/{look}/declare")
async def declare(look: str, request: Request, visit: Engineer, web: ThisWeb) -> Response:
    """Declare what was ticked."""
    now = await web.services.get(Sources).looked(visit.tenant, look)
    found = now.probed.found if now.probed else ()
    return await _declare(request, web, visit, view.Asked(now.url, now.settings), found, await request.form())


async def _mapping(web: Web, visit: Visit, asked: view.Asked, look: Look | None, *, rows_all: bool) -> HTMLResponse:
    services = web.services
    model = await services.get(Things).model(visit.tenant)
    rows = view.rows_of(look.probed.found if look and look.probed else (), model)
    name = view.connection_id(asked.url, await _taken(web, visit.tenant))
    places = list(dict.fromkeys(each.place for each in model.things if each.place))
    server = view.server_of(asked.url)
    seen = await services.get(Certificates).seen(visit.tenant) if asked.scheme == "opc.tcp" else ()
    return web.renderer.page(
        visit, "connect_map.html", asked=asked, look=look, protocol=view.protocol_of(asked.url), name=name,
        rows=rows if rows_all else rows[:_ROWS_SHOWN], all_rows=len(rows), kinds=view.KINDS, places=places,
        things=[each.id for each in model.things][:_NAMES_OFFERED], lines=_BESIDE if rows else _BY_HAND,
        trusted=next((each for each in seen if each.server == server and each.state == "approved"), None),
    )  # fmt: skip


async def _declare(
    request: Request, web: Web, visit: Visit, asked: view.Asked, found: Any, form: FormData
) -> Response:  # fmt: skip
    given, ticked = _texts(form), [str(each) for each in form.getlist("take")]
    wanted = view.wanted(given, ticked, asked, found, visit.language)
    if await _is_taken(web, visit.tenant, wanted.source.id):
        what = f"There is a connection {wanted.source.id} already."
        raise Conflict("web.connect.taken", what, "Call this one otherwise, or remove that one first.")
    note = given.get("note", "")
    await web.services.get(Sources).connect(visit.tenant, wanted.source, wanted.things, note, actor_of(visit))
    return led_to(request, f"/connect/connections/{wanted.source.id}?new=1")


async def _is_taken(web: Web, tenant: str, connection: str) -> bool:
    """Whether there is a connection of that id, be it one that was declared a moment ago and is not opened yet."""
    with suppress(NotFound):
        await web.services.get(Sources).shown(tenant, connection, 0)
        return True
    return connection in await _taken(web, tenant)


async def _taken(web: Web, tenant: str) -> set[str]:
    """The ids that connections have."""
    return {each.connection for each in await web.services.get(Connect).connections(tenant)}


def _texts(form: FormData) -> Mapping[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}
