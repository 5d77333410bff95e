"""Saved configurations: kept under a name, shared by a link, gone on from, voted for, and compared."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from batchone.contracts.choosing import Choosing, Saved
from batchone.contracts.design import Design
from batchone.kernel.errors import Refused
from batchone.web.books import Book
from batchone.web.possible import possible
from batchone.web.services import Web, web_of
from batchone.web.session import AnyVisit, actor_of, member
from batchone.web.views import saved as view
from batchone.web.views.shop import contents_of
from batchone.web.visit import Visit

router = APIRouter(prefix="/saved")
Shopper = Annotated[Visit, Depends(member("shop"))]
ThisWeb = Annotated[Web, Depends(web_of)]


@router.get("")
async def mine(visit: Shopper, web: ThisWeb) -> HTMLResponse:
    """What the person saved, the newest first; two of one product can be compared."""
    found = await web.services.get(Choosing).saved(visit.tenant, actor_of(visit))
    books = {each.pack.product.id: each for each in await web.books.all(visit.tenant)}
    return web.renderer.page(visit, "saved.html", groups=view.by_product(found, books))


@router.post("")
async def keep(
    visit: Shopper,
    web: ThisWeb,
    product: Annotated[str, Form()],
    name: Annotated[str, Form()],
    query: Annotated[str, Form()] = "",
) -> Response:
    """Save what the shop shows under a name."""
    book = await web.books.of(visit.tenant, product)
    known, fields = {option.id for option in book.pack.options}, dict(parse_qsl(query))
    choices = {option: value for option, value in fields.items() if option in known}
    choosing, actor = web.services.get(Choosing), actor_of(visit)
    under_way = await choosing.begin(visit.tenant, product, choices, actor)
    if contents := contents_of(fields, known):
        under_way = await choosing.click(visit.tenant, under_way.id, under_way.revision, {}, (), contents, actor)
    kept = await choosing.save(visit.tenant, under_way.id, name.strip(), actor)
    return RedirectResponse(f"/saved/{kept.token}", 303)


@router.get("/compare")
async def compare(visit: Shopper, web: ThisWeb, one: str = "", other: str = "") -> HTMLResponse:
    """Two saved configurations side by side: what differs in choices, price, lead and parts."""
    if not one or not other or one == other:
        raise Refused("web.compare", "Two different ones are needed to compare.", "Mark one in each column.")
    choosing, actor = web.services.get(Choosing), actor_of(visit)
    found = [await choosing.shared(token, actor) for token in (one, other)]
    if found[0].product != found[1].product:
        raise Refused("web.compare", "These are different products.", "Compare two of one product.")
    book = await web.books.of(visit.tenant, found[0].product)
    party = actor.party
    design = web.services.get(Design)
    (first, gone), (second, also_gone) = [await possible(design, visit.tenant, book, each.choices, party) for each in found]
    told = await design.compare(visit.tenant, found[0].product, first.choices, second.choices, party)
    return web.renderer.page(
        visit, "compared.html", one=found[0], other=found[1], told=told, name=book.pack.product.name,
        modules=view.module_names(book, told), left_out=(*gone, *also_gone),
    )  # fmt: skip


@router.get("/{token}")
async def shared(token: str, visit: AnyVisit, web: ThisWeb) -> HTMLResponse:
    """One saved configuration, for whoever has its link, signed in or not."""
    found = await web.services.get(Choosing).shared(token, visit.actor)
    book = await web.books.of(found.tenant, found.product)
    return web.renderer.page(visit, "shared.html", **await _shown(web, visit, book, found))


@router.post("/{token}/vote")
async def vote(token: str, visit: Shopper, web: ThisWeb, wanted: Annotated[str, Form()] = "") -> Response:
    """Vote for it, or take the vote back."""
    await web.services.get(Choosing).vote(token, wanted == "1", actor_of(visit))
    return RedirectResponse(f"/saved/{token}", 303)


async def _shown(web: Web, visit: Visit, book: Book, found: Saved) -> dict[str, Any]:
    design = web.services.get(Design)
    party = visit.actor.party if visit.actor is not None and visit.actor.tenant == found.tenant else ""
    state, left_out = await possible(design, found.tenant, book, found.choices, party)
    drawing = await design.drawing(found.tenant, found.product, state.completion)
    own_texts, own_pictures = book.own(state.completion, found.contents)
    return {
        "saved": found,
        "own_texts": own_texts,
        "own_pictures": own_pictures,
        "name": book.pack.product.name,
        "rows": view.chosen(book, state),
        "price": state.price,
        "drawing": Markup(drawing),  # noqa: S704 - the pack's own SVG, which was cleaned when it was installed
        "address": view.address(found),
        "left_out": left_out,
    }
