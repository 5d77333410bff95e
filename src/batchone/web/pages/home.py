"""The first page: where this role can go, and for staff how the plant stands."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from batchone.contracts.alarms import Alarms
from batchone.contracts.machines import Connect
from batchone.contracts.planning import Planning, PlanSummary
from batchone.contracts.sales import Order, Sales
from batchone.kernel.errors import NotFound, TryLater
from batchone.web.services import Web, web_of
from batchone.web.session import SignedIn, actor_of
from batchone.web.views.wrong import Wrong, wrongs
from batchone.web.visit import Visit

router = APIRouter()


@dataclass(frozen=True)
class Standing:
    """The plant in four figures; None where a domain does not answer at the moment."""

    plan: PlanSummary | None
    alarms: int | None
    stations_running: int | None
    stations_total: int | None


async def standing(web: Web, tenant: str) -> Standing:
    """Ask planning, alarms and machines; one that is away leaves its figure empty instead of taking the page down."""
    plan, alarms, running, total = None, None, None, None
    with suppress(NotFound, TryLater):
        plan = await web.services.get(Planning).summary(tenant)
    with suppress(TryLater):
        alarms = len(await web.services.get(Alarms).active(tenant, ""))
    with suppress(TryLater):
        machines = await web.services.get(Connect).equipment(tenant)
        running, total = sum(each.state == "running" for each in machines), len(machines)
    return Standing(plan, alarms, running, total)


async def _wrong(web: Web, tenant: str) -> tuple[Wrong, ...]:
    try:
        alarms = await web.services.get(Alarms).active(tenant, "")
        machines = await web.services.get(Connect).equipment(tenant)
    except TryLater:
        return ()
    found: list[Wrong] = []
    for book in await web.books.all(tenant):
        known = {each.id for each in book.pack.equipment}
        ours = [each for each in alarms if each.equipment in known]
        found += wrongs(book.equipment_name, ours, [each for each in machines if each.equipment in known])
    return tuple(found)


async def _own_orders(web: Web, visit: Visit) -> tuple[Order, ...]:
    actor = actor_of(visit)
    try:
        return (await web.services.get(Sales).orders(visit.tenant, "", "", "-placed", 0, 5, actor.party or actor.person)).orders
    except TryLater:
        return ()


@router.get("/")
async def home(visit: SignedIn, web: Annotated[Web, Depends(web_of)]) -> HTMLResponse:
    """The links of this role, and what most likely brought them here."""
    staff = visit.sees("line")
    return web.renderer.page(
        visit, "home.html",
        figures=await standing(web, visit.tenant) if staff else None,
        wrong=await _wrong(web, visit.tenant) if staff else (), acknowledges=False,
        orders=await _own_orders(web, visit) if visit.sees("mine") else (),
    )  # fmt: skip
