"""Two plans of the history side by side: measures, orders that end at another time, operations that moved."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from batchone.contracts.planning import Planning
from batchone.contracts.sales import Sales
from batchone.web.services import Web, web_of
from batchone.web.session import member
from batchone.web.views import by_hand
from batchone.web.views import plan_diff as view
from batchone.web.visit import Visit

router = APIRouter(prefix="/plan")
Reader = Annotated[Visit, Depends(member("plan"))]
ThisWeb = Annotated[Web, Depends(web_of)]
_NEWEST = 30


@router.get("/diff")
async def diff(
    visit: Reader,
    web: ThisWeb,
    before: Annotated[int | None, Query(alias="from", ge=1)] = None,
    after: Annotated[int | None, Query(alias="to", ge=1)] = None,
    order: Annotated[str, Query(max_length=60)] = "",
    machine: Annotated[str, Query(max_length=100)] = "",
) -> HTMLResponse:
    """What a plan differs in from another; the newest from the one before it unless they are named. `order` (its number) and
    `machine` show the operations of one of them alone."""
    planning = web.services.get(Planning)
    newest = await planning.summaries(visit.tenant, _NEWEST)
    last = newest[0].number if newest else 0
    later = after or last
    earlier = before or max(1, later - 1)
    values: dict[str, Any] = {"newest": newest, "last": last, "earlier": earlier, "later": later, "told": None}
    if last >= max(earlier, later) and earlier != later:
        values |= await _told(web, visit, earlier, later, order.strip(), machine)
    return web.renderer.page(visit, "plan_diff.html", **values)


async def _told(web: Web, visit: Visit, earlier: int, later: int, number: str, machine: str) -> dict[str, Any]:
    told = await web.services.get(Planning).diff(visit.tenant, earlier, later)
    order = (await web.services.get(Sales).order(visit.tenant, number)).id if number else ""
    ended = view.orders(told)
    moves = view.moves(told.shifts, order, machine)
    books = await web.books.all(visit.tenant)
    shown = ended[: view.ORDERS_SHOWN]
    briefs = await web.briefs.of(visit.tenant, [*(each.order for each in shown), *(each.order for each in moves.rows)])
    return {
        "told": told,
        "figures": view.figures(told.before, told.after),
        "effect": by_hand.effect(told.orders),
        "orders": shown,
        "more_orders": len(ended) - len(shown),
        "moves": moves,
        "order": number,
        "machine": machine,
        "briefs": briefs,
        "named": lambda name: by_hand.named(books, name),
        "op": lambda name: by_hand.op_named(books, name),
        "by": view.by,
    }
