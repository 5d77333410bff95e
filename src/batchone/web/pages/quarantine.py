"""Quarantine: what machines told that nothing declares, to be adopted or dismissed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from batchone.contracts.machines import Connect
from batchone.contracts.quarantine import OTHERS, Quarantines
from batchone.contracts.things import Thing, Things
from batchone.kernel.errors import Refused
from batchone.web.pages.connect import Engineer, ThisWeb, led_to, waiting
from batchone.web.session import actor_of
from batchone.web.views import connect as view

router = APIRouter(prefix="/connect/quarantine")
_PAGE = 50
_NAMES_OFFERED = 500
Name = Annotated[str, Form()]


@router.get("")
async def quarantine(
    visit: Engineer, web: ThisWeb, connection: str = "", dismissed: bool = False, page: int = 1, of: str = "", adopt: str = ""
) -> HTMLResponse:  # fmt: skip
    """What waits for a judgement, one of it (`adopt`, of a connection) with the form for it; or what was dismissed."""
    listed = await web.services.get(Quarantines).listed(visit.tenant)
    of_these = [each for each in listed if (each.dismissed is not None) == dismissed and connection in {"", each.connection}]
    others = [each for each in of_these if each.path == OTHERS]
    rows = [each for each in of_these if each.path != OTHERS]
    at = min(max(page, 1), max(1, -(-len(rows) // _PAGE)))
    model = await web.services.get(Things).model(visit.tenant)
    declared = {each.connection for each in await web.services.get(Connect).connections(visit.tenant) if each.declared}
    return web.renderer.page(
        visit, "quarantine.html", rows=rows[(at - 1) * _PAGE : at * _PAGE], found=len(rows), others=others, page=at,
        pages=-(-len(rows) // _PAGE), connection=connection, dismissed=dismissed, declared=declared,
        connections=sorted({each.connection for each in listed}), waiting=waiting(listed), adopt=(of, adopt),
        things=[each.id for each in model.things][:_NAMES_OFFERED], kinds=view.KINDS, signal_id=view.signal_id,
        places=list(dict.fromkeys(each.place for each in model.things if each.place)),
    )  # fmt: skip


@router.post("/adopt")
async def adopt(request: Request, visit: Engineer, web: ThisWeb, connection: Name, path: Name) -> Response:
    """Declare what came under a path as a signal."""
    told = {name: str(value).strip() for name, value in (await request.form()).items()}
    equipment, signal = told.get("equipment", ""), told.get("signal", "")
    if not equipment or not signal:
        raise Refused("web.quarantine", "An equipment and a signal are needed.", "Say both.")
    thing = Thing(
        equipment, "", {"en": equipment}, told.get("place", ""), signals=(view.signal_of(signal, told, visit.language),)
    )
    await web.services.get(Quarantines).adopt(visit.tenant, connection, path, thing, actor_of(visit))
    return led_to(request, "/connect/quarantine")


@router.post("/dismiss")
async def dismiss(request: Request, visit: Engineer, web: ThisWeb, connection: Name, path: Name) -> Response:
    """Show it no more among what waits."""
    await web.services.get(Quarantines).dismiss(visit.tenant, connection, path, actor_of(visit))
    return led_to(request, "/connect/quarantine")


@router.post("/restore")
async def restore(request: Request, visit: Engineer, web: ThisWeb, connection: Name, path: Name) -> Response:
    """Let it wait for a judgement again."""
    await web.services.get(Quarantines).restore(visit.tenant, connection, path, actor_of(visit))
    return led_to(request, "/connect/quarantine?dismissed=1")
