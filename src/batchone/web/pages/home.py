"""The first page: where this role can go, and for staff how the plant stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from batchone.contracts.machines import Alarms, Connect
from batchone.contracts.planning import Planning, PlanSummary
from batchone.kernel.errors import NotFound, TryLater
from batchone.web.services import Web, web_of
from batchone.web.session import SignedIn

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
    try:
        plan = await web.services.get(Planning).summary(tenant)
    except (NotFound, TryLater):
        pass
    try:
        alarms = len(await web.services.get(Alarms).active(tenant, ""))
        machines = await web.services.get(Connect).equipment(tenant)
        running, total = sum(each.state == "running" for each in machines), len(machines)
    except TryLater:
        pass
    return Standing(plan, alarms, running, total)


@router.get("/")
async def home(visit: SignedIn, web: Annotated[Web, Depends(web_of)]) -> HTMLResponse:
    """The links of this role."""
    figures = await standing(web, visit.tenant) if visit.sees("line") else None
    return web.renderer.page(visit, "home.html", figures=figures)
