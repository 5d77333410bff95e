"""The list of orders: search, sort, a hundred rows at a time, promise beside plan; and a customer's own orders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from batchone.contracts.sales import Contact, Sales
from batchone.kernel.errors import Refused
from batchone.web.menu import N_
from batchone.web.services import Web, web_of
from batchone.web.session import actor_of, member
from batchone.web.visit import Visit

router = APIRouter()
Staff = Annotated[Visit, Depends(member("orders"))]
Customer = Annotated[Visit, Depends(member("mine"))]
ThisWeb = Annotated[Web, Depends(web_of)]
ROWS = 100
STATUSES = ("open", "late", "placed", "planned", "in_production", "held", "finished", "in_transit", "delivered")
COLUMNS = (
    ("number", N_("Order")),
    ("customer", N_("Customer")),
    ("placed", N_("Placed")),
    ("promised", N_("Promised by")),
    ("planned", N_("Planned for")),
    ("status", N_("Status")),
)
_SORTS = {sort for key, _ in COLUMNS for sort in (key, f"-{key}")}


@dataclass(frozen=True)
class Wish:
    """What of the list is asked for."""

    search: str
    status: str
    sort: str
    offset: int

    def address(self, **changes: str | int) -> str:
        """The address of the same list with something changed; everything but `offset` starts at the top again."""
        other = replace(self, **{"offset": 0, **changes})  # type: ignore[arg-type]  # the fields' own types
        told = {"q": other.search, "status": other.status, "sort": other.sort, "offset": other.offset or ""}
        query = urlencode({key: value for key, value in told.items() if value})
        return f"/orders?{query}" if query else "/orders"

    def next_sort(self, column: str) -> str:
        """The order that a press on a column's head gives: up first, then down."""
        return f"-{column}" if self.sort == column else column


def wish(
    q: str = "", status: str = "", sort: str = "-placed", offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0
) -> Wish:  # fmt: skip
    """What the query asks for; an unknown column or status is refused."""
    if sort not in _SORTS or (status and status not in STATUSES):
        raise Refused(
            "web.orders", f"The list cannot be sorted by '{sort}' or filtered by '{status}'.", "Choose a column's head."
        )
    return Wish(q.strip()[:100], status, sort, offset)


@router.get("/orders")
async def orders(request: Request, visit: Staff, web: ThisWeb, wished: Annotated[Wish, Depends(wish)]) -> HTMLResponse:
    """The list; an htmx request gets rows alone (`offset` above 0) or the whole table."""
    found = await web.services.get(Sales).orders(
        visit.tenant, wished.search, wished.status, wished.sort, wished.offset, ROWS, ""
    )
    more = wished.offset + len(found.orders) < found.total
    partial = "hx-request" in request.headers
    template = "orders.html" if not partial else "_order_rows.html" if wished.offset else "_orders.html"
    headers = {"HX-Replace-Url": wished.address()} if partial and not wished.offset else {}
    return web.renderer.page(
        visit, template, headers=headers,
        orders=found.orders, total=found.total, wish=wished, more=more, partial=partial,
        rows=ROWS, columns=COLUMNS, statuses=STATUSES,
    )  # fmt: skip


@router.get("/my")
async def mine(visit: Customer, web: ThisWeb) -> HTMLResponse:
    """A customer's own orders, newest first."""
    actor = actor_of(visit)
    found = await web.services.get(Sales).orders(visit.tenant, "", "", "-placed", 0, ROWS, actor.party or actor.person)
    contact = await web.services.get(Sales).contact(visit.tenant, actor.party or actor.person)
    return web.renderer.page(visit, "mine.html", orders=found.orders, contact=contact)


@router.post("/my/contact")
async def set_contact(visit: Customer, web: ThisWeb, email: Annotated[str, Form()] = "") -> RedirectResponse:
    """Tell this customer by e-mail, in the language in which they look at the page; an empty address ends it."""
    actor = actor_of(visit)
    contact = Contact(email.strip(), visit.language)
    await web.services.get(Sales).set_contact(visit.tenant, actor.party or actor.person, contact)
    return RedirectResponse("/my", 303)
