"""Connections: how each stands, what its signals tell, live; and taking one back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from batchone.contracts.machines import Connect, LastValue, Twin
from batchone.contracts.quarantine import OTHERS, Quarantined, Quarantines
from batchone.contracts.sources import Source, Sources
from batchone.contracts.things import ThingModel, Things
from batchone.kernel.errors import NotFound, TryLater
from batchone.web.live import Regions, whole
from batchone.web.services import Web, web_of
from batchone.web.session import actor_of, member
from batchone.web.views import connect as view
from batchone.web.visit import Visit

router = APIRouter(prefix="/connect")
Engineer = Annotated[Visit, Depends(member("connect"))]
ThisWeb = Annotated[Web, Depends(web_of)]
VALUES_SHOWN = 200
LIST = {"head-state": "_connections_state.html", "connections": "_connections.html"}
ONE = {"head-state": "_connection_state.html", "link": "_connection_link.html", "values": "_connection_values.html"}


def led_to(request: Request, address: str) -> Response:
    """Lead a browser on, whether a form of the page asked or the page's script for it."""
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


async def waiting_in_quarantine(web: Web, tenant: str) -> int:
    """How many paths wait for a judgement; none while connect is away."""
    try:
        listed = await web.services.get(Quarantines).listed(tenant)
    except TryLater:
        return 0
    return waiting(listed)


def waiting(listed: Iterable[Quarantined]) -> int:
    """How many of these entries wait for a judgement; what stands for many of no name does not."""
    return sum(each.dismissed is None and each.path != OTHERS for each in listed)


async def _all(web: Web, tenant: str) -> dict[str, Any]:
    rows = view.connections_of(web.services.clock.now(), await web.services.get(Connect).connections(tenant))
    return {"connections": rows[: view.ROWS_SHOWN], "all_up": all(each.up for each in rows), "found": len(rows)}


@dataclass(frozen=True)
class Reading:
    """What a connection reads: its signals by path and address (at most so many of `count`), and what they are."""

    connection: str
    source: Source | None
    paths: tuple[tuple[str, str], ...]
    count: int
    model: ThingModel


async def reading_of(web: Web, tenant: str, connection: str) -> Reading:
    """What a connection reads, declared or of a pack; `NotFound` where there is none of that id."""
    services = web.services
    model = await services.get(Things).model(tenant)
    try:
        source, count = await services.get(Sources).shown(tenant, connection, VALUES_SHOWN)
    except NotFound:
        of_packs = await _of_pack(web, tenant, connection, model)
        if of_packs is None:
            raise
        return Reading(connection, None, tuple(of_packs[:VALUES_SHOWN]), len(of_packs), model)
    return Reading(connection, source, tuple((each.path, each.address) for each in source.points), count, model)


async def _of_pack(web: Web, tenant: str, connection: str, model: ThingModel) -> list[tuple[str, str]] | None:
    """The signals of the equipment that packs have on a connection, which have no address; none where no pack has it."""
    packs = [book.pack for book in await web.books.all(tenant)]
    if not any(each.id == connection for pack in packs for each in pack.connections):
        return None
    own = {each.id for pack in packs for each in pack.equipment if each.connection == connection}
    own |= {each.id for pack in packs for each in pack.meters if each.connection == connection}
    return [(each.path, "") for each in model.signals.values() if each.thing in own]


async def read_one(web: Web, tenant: str, reading: Reading) -> dict[str, Any]:
    """A connection as it stands, with the last values of its signals."""
    services = web.services
    now = services.clock.now()
    rows = view.connections_of(now, await services.get(Connect).connections(tenant))
    row = next((each for each in rows if each.id == reading.connection), None)
    if row is None and reading.source is None:
        raise TryLater("web.connection", f"The connection {reading.connection} is not opened yet.")
    last: list[LastValue] = []
    for equipment in sorted({path.partition("/")[0] for path, _ in reading.paths}):
        last += await services.get(Twin).last(tenant, equipment)
    values = view.values_of(now, reading.paths, reading.model, last)
    row = row or view.being_opened(cast(Source, reading.source))
    return {"connection": row, "values": values, "left_out": reading.count - len(reading.paths)}


class ConnectionsTopic:
    """The list of connections, live."""

    def __init__(self, web: Web, tenant: str, language: str) -> None:
        self._web, self._tenant, self._language = web, tenant, language
        self._regions = Regions()
        self.key = f"connections {tenant} {language}"
        self.every_s = web.settings.board_every_s

    async def _rendered(self) -> dict[str, str]:
        values = await _all(self._web, self._tenant)
        return {target: self._web.renderer.fragment(name, self._language, **values) for target, name in LIST.items()}

    async def snapshot(self) -> bytes:
        """The whole list."""
        return whole(await self._rendered())

    async def tick(self) -> bytes | None:
        """The list, when it changed."""
        return self._regions.changed(await self._rendered())


class ConnectionTopic:
    """One connection and its values, live."""

    def __init__(self, web: Web, tenant: str, reading: Reading, language: str) -> None:
        self._web, self._tenant, self._reading, self._language = web, tenant, reading, language
        self._regions = Regions()
        self.key = f"connection {tenant} {reading.connection} {language} {reading.count} {reading.model.version}"
        self.every_s = web.settings.signals_every_s

    async def _rendered(self) -> dict[str, str]:
        values = await read_one(self._web, self._tenant, self._reading)
        return {target: self._web.renderer.fragment(name, self._language, **values) for target, name in ONE.items()}

    async def snapshot(self) -> bytes:
        """All of it."""
        return whole(await self._rendered())

    async def tick(self) -> bytes | None:
        """What changed."""
        return self._regions.changed(await self._rendered())


@router.get("")
async def connections(visit: Engineer, web: ThisWeb) -> HTMLResponse:
    """Every connection: declared ones, and those of packs."""
    waiting = await waiting_in_quarantine(web, visit.tenant)
    return web.renderer.page(visit, "connect.html", **await _all(web, visit.tenant), waiting=waiting)


@router.get("/live")
async def live(visit: Engineer, web: ThisWeb) -> Response:
    """The list's stream."""
    return web.hub.response(ConnectionsTopic(web, visit.tenant, visit.language))


@router.get("/connections/{connection}")
async def one(connection: str, visit: Engineer, web: ThisWeb, new: bool = False) -> HTMLResponse:
    """A connection; as the last step of connecting it, where it is `new`."""
    reading = await reading_of(web, visit.tenant, connection)
    return web.renderer.page(visit, "connection.html", **await read_one(web, visit.tenant, reading), new=new)


@router.get("/connections/{connection}/live")
async def one_live(connection: str, visit: Engineer, web: ThisWeb) -> Response:
    """A connection's stream."""
    reading = await reading_of(web, visit.tenant, connection)
    return web.hub.response(ConnectionTopic(web, visit.tenant, reading, visit.language))


@router.post("/connections/{connection}/remove")
async def remove(connection: str, request: Request, visit: Engineer, web: ThisWeb) -> Response:
    """Read from it no more; what it told stays in the history."""
    await web.services.get(Sources).disconnect(visit.tenant, connection, "", actor_of(visit))
    return led_to(request, "/connect")
