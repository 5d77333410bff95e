"""Every machine of the tenant, the worst first, live."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Annotated, TypeVar

import orjson
from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response

from batchone.contracts.alarms import Alarms
from batchone.contracts.machines import Connect, Twin
from batchone.contracts.sources import Sources
from batchone.contracts.things import ThingModel, Things
from batchone.kernel.errors import TryLater
from batchone.web.live import Regions, message, whole
from batchone.web.services import Web, web_of
from batchone.web.session import member
from batchone.web.views import fleet as view
from batchone.web.visit import Visit

router = APIRouter()
Watcher = Annotated[Visit, Depends(member("machines"))]
ThisWeb = Annotated[Web, Depends(web_of)]
Wished = Annotated[view.Wish, Depends(view.wish)]
T = TypeVar("T")
EVERY_S = 1.0
_LOOK_TICKS = 15
"""How often, in ticks, an open page looks whether other machines were declared."""
REGIONS = {"head-state": "_fleet_state.html", "fleet-figures": "_fleet_figures.html", "fleet": "_fleet.html"}


@dataclass(frozen=True)
class Declared:
    """What is declared: the machines, and the connections of each."""

    model: ThingModel
    links: dict[str, tuple[str, ...]]


async def told(answer: Awaitable[T]) -> T | None:
    """What a domain says, or nothing while it is away."""
    try:
        return await answer
    except TryLater:
        return None


async def declared(web: Web, tenant: str) -> Declared:
    """Which machines there are; `TryLater` while nobody knows."""
    model = await web.services.get(Things).model(tenant)
    sources = await told(web.services.get(Sources).declared(tenant)) or ()
    return Declared(model, view.links_of([book.pack for book in await web.books.all(tenant)], sources))


async def read_fleet(web: Web, tenant: str, known: Declared, wished: view.Wish) -> view.Fleet:
    """One page of the list, read through the contracts."""
    get = web.services.get
    heard = view.Told(
        machines=await told(get(Connect).equipment(tenant)), connections=await told(get(Connect).connections(tenant)),
        data=await told(get(Twin).data(tenant)), alarms=await told(get(Alarms).active(tenant, "")),
    )  # fmt: skip
    return view.fleet(known.model, known.links, heard, wished)


class FleetTopic:
    """One page of the list, live. Ages go each second and are small; rows are drawn anew only when they change otherwise."""

    def __init__(self, web: Web, tenant: str, wished: view.Wish, language: str) -> None:
        self._web, self._tenant, self._wished, self._language = web, tenant, wished, language
        self._regions = Regions()
        self._known: Declared | None = None
        self._ticks = 0
        self.key = f"fleet {tenant} {wished} {language}"
        self.every_s = EVERY_S

    async def snapshot(self) -> bytes:
        """The whole page of the list."""
        rendered, told_ages = await self._look()
        return whole(rendered) + told_ages

    async def tick(self) -> bytes | None:
        """Ages, and what else changed."""
        rendered, told_ages = await self._look()
        return (self._regions.changed(rendered) or b"") + told_ages

    async def _look(self) -> tuple[dict[str, str], bytes]:
        if self._known is None or self._ticks % _LOOK_TICKS == 0:
            self._known = await declared(self._web, self._tenant)
        self._ticks += 1
        found = await read_fleet(self._web, self._tenant, self._known, self._wished)
        values = {"fleet": found, "wished": self._wished, "now": None}
        rendered = {target: self._web.renderer.fragment(name, self._language, **values) for target, name in REGIONS.items()}
        return rendered, ages(self._web.services.clock.now().timestamp(), found)


def ages(now_s: float, found: view.Fleet) -> bytes:
    """The age of each row's newest sample, in seconds, as an event for the page's script."""
    newest = {row.thing.id: row.data.newest.timestamp() for row in found.rows if row.data and row.data.newest}
    body = {id_: round(max(0.0, now_s - at), 1) for id_, at in newest.items()}
    return message(orjson.dumps(body).decode(), event="ages")


@router.get("/machines")
async def machines(visit: Watcher, web: ThisWeb, wished: Wished) -> HTMLResponse:
    """The list; its rows, figures and areas."""
    known = await declared(web, visit.tenant)
    found = await read_fleet(web, visit.tenant, known, wished)
    return web.renderer.page(
        visit, "fleet.html", fleet=found, wished=wished, now=visit.now, areas=view.areas(known.model), shows=view.SHOWS,
        machines=len(known.model.things),
    )  # fmt: skip


@router.get("/fleet/live")
async def live(visit: Watcher, web: ThisWeb, wished: Wished) -> Response:
    """The list's stream."""
    return web.hub.response(FleetTopic(web, visit.tenant, wished, visit.language))
