"""The line board: what every station does, live."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from batchone.contracts.alarms import Alarms
from batchone.contracts.enterprises import Role
from batchone.contracts.machines import EQUIPMENT_TOPIC, Connect
from batchone.contracts.production import Production
from batchone.kernel.bus import Message
from batchone.web.live import Regions, whole
from batchone.web.services import Web, web_of
from batchone.web.session import actor_of, member
from batchone.web.views.line import Board, board
from batchone.web.visit import Visit

router = APIRouter()
Watcher = Annotated[Visit, Depends(member("line"))]
ThisWeb = Annotated[Web, Depends(web_of)]
MAY_ACKNOWLEDGE: frozenset[Role] = frozenset({"operator", "engineer", "admin"})

REGIONS = {"board": "_board.html", "wrong": "_wrong.html", "head-state": "_board_state.html", "takt": "_board_takt.html"}


async def read_board(web: Web, tenant: str, product: str) -> Board:
    """The board of a product's line, read through the contracts."""
    services = web.services
    book = await web.books.of(tenant, product)
    machines = await services.get(Connect).equipment(tenant)
    stations = await services.get(Production).stations(tenant)
    alarms = await services.get(Alarms).active(tenant, "")
    finished = await services.get(Production).finished_since(tenant, services.clock.now() - timedelta(hours=1))
    briefs = await web.briefs.of(tenant, [each.order for each in stations])
    return board(book, machines, stations, alarms, finished, briefs)


class BoardTopic:
    """The board of one line, in one language, for those who may or may not acknowledge alarms.

    A machine's change of state wakes it; jobs and alarms are told on its beat.
    """

    def __init__(self, web: Web, tenant: str, product: str, language: str, *, acknowledges: bool) -> None:
        self._web = web
        self._tenant, self._product, self._language, self._acknowledges = tenant, product, language, acknowledges
        self._regions = Regions()
        self.key = f"line {tenant} {product} {language} {acknowledges}"
        self.every_s, self.least_s = web.settings.board_every_s, web.settings.board_least_s

    async def listen(self, wake: Callable[[], None]) -> None:
        """Hear what machines change to, the moment that it is known."""

        async def heard(_: Message) -> None:
            wake()

        await self._web.services.bus.listen(f"{EQUIPMENT_TOPIC}.{self._tenant}.*", heard)

    async def _rendered(self) -> dict[str, str]:
        found = await read_board(self._web, self._tenant, self._product)
        values = {
            "board": found,
            "wrong": found.wrong,
            "now": self._web.services.clock.now(),
            "acknowledges": self._acknowledges,
        }
        return {target: self._web.renderer.fragment(template, self._language, **values) for target, template in REGIONS.items()}

    async def snapshot(self) -> bytes:
        """The whole board."""
        return whole(await self._rendered())

    async def tick(self) -> bytes | None:
        """The parts that changed."""
        return self._regions.changed(await self._rendered())


@router.get("/line")
async def lines(visit: Watcher, web: ThisWeb) -> Response:
    """All lines; a single one is opened at once."""
    books = await web.books.all(visit.tenant)
    if len(books) == 1:
        return RedirectResponse(f"/line/{books[0].pack.product.id}", 303)
    return web.renderer.page(visit, "lines.html", books=books)


@router.get("/line/{product}")
async def line(product: str, visit: Watcher, web: ThisWeb) -> HTMLResponse:
    """The board of the line that makes a product."""
    found = await read_board(web, visit.tenant, product)
    acknowledges = actor_of(visit).role in MAY_ACKNOWLEDGE
    return web.renderer.page(
        visit,
        "line.html",
        name=(await web.books.of(visit.tenant, product)).pack.product.name,
        board=found,
        product=product,
        now=visit.now,
        wrong=found.wrong,
        acknowledges=acknowledges,
    )


@router.get("/line/{product}/live")
async def live(product: str, visit: Watcher, web: ThisWeb) -> Response:
    """The board's stream."""
    await web.books.of(visit.tenant, product)
    acknowledges = actor_of(visit).role in MAY_ACKNOWLEDGE
    return web.hub.response(BoardTopic(web, visit.tenant, product, visit.language, acknowledges=acknowledges))
