"""The rule author's page: rules as text with their faults in place, what a draft would change, and its release."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from batchone.contracts.authoring import Authoring, TrialOrder
from batchone.contracts.design import Design
from batchone.contracts.sales import Sales
from batchone.kernel.errors import Forbidden
from batchone.web.services import Web, web_of
from batchone.web.session import actor_of, member
from batchone.web.views import rules as view
from batchone.web.visit import Visit

router = APIRouter(prefix="/rules")
Author = Annotated[Visit, Depends(member("rules"))]
ThisWeb = Annotated[Web, Depends(web_of)]
_ORDERS = 100
"""So many of the latest orders a draft is tried on."""


@router.get("")
async def products(visit: Author, web: ThisWeb) -> Response:
    """All products; the rules of a single one are opened at once."""
    found = await web.services.get(Design).products(visit.tenant)
    if len(found) == 1:
        return RedirectResponse(f"/rules/{found[0].id}", 303)
    return web.renderer.page(visit, "rules_of.html", products=found)


@router.get("/{product}")
async def page(product: str, visit: Author, web: ThisWeb) -> HTMLResponse:
    """The rules in force, tried as they are."""
    found = await web.services.get(Authoring).rules(visit.tenant, product)
    book = await web.books.of(visit.tenant, product)
    shown = await _tried(web, visit, product, found.text, "")
    return web.renderer.page(
        visit, "rules.html", rules=found, name=book.pack.product.name, tried=shown, order="", base=found.version,
        may_release=_may_release(visit),
    )  # fmt: skip


@router.post("/{product}/try")
async def try_out(
    product: str,
    visit: Author,
    web: ThisWeb,
    text: Annotated[str, Form()],
    order: Annotated[str, Form()] = "",
    base: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """What the draft is worth."""
    shown = await _tried(web, visit, product, _lines(text), order)
    return web.renderer.page(
        visit, "_rules.html", tried=shown, order=order, base=base, product=product, may_release=_may_release(visit)
    )  # fmt: skip


@router.post("/{product}/release")
async def release(
    product: str, visit: Author, web: ThisWeb, text: Annotated[str, Form()], base: Annotated[str, Form()]
) -> Response:
    """Make the draft the next version."""
    if not _may_release(visit):
        raise Forbidden("web.release", "Rules are released by an engineer.", "Ask one, and send the text along.")
    await web.services.get(Authoring).release_rules(visit.tenant, product, _lines(text), base, actor_of(visit))
    return RedirectResponse(f"/rules/{product}", 303)


async def _tried(web: Web, visit: Visit, product: str, text: str, order: str) -> view.Shown:
    """The draft tried on the latest orders and on the author's own one."""
    book = await web.books.of(visit.tenant, product)
    placed = await web.services.get(Sales).orders(visit.tenant, "", "", "-placed", 0, _ORDERS, "")
    own = view.choices_of(order)
    orders = [TrialOrder("", own)] if own else []
    orders += [TrialOrder(each.number, each.choices) for each in placed.orders if each.product == product]
    found = await web.services.get(Authoring).try_rules(visit.tenant, product, text, tuple(orders))
    return view.shown(book, text, found, own=bool(own))


def _may_release(visit: Visit) -> bool:
    return visit.actor is not None and visit.actor.role in {"engineer", "admin"}


def _lines(text: str) -> str:
    """A form's text with the line ends of a file."""
    return text.replace("\r\n", "\n")
