"""The shop: choose options, see price, date and drawing after each click, order."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from batchone.contracts.choosing import Choosing
from batchone.contracts.design import ConfigurationState, Design, Wish
from batchone.contracts.sales import Customer, Promise, Sales
from batchone.kernel.errors import NotFound, Refused
from batchone.kernel.money import Money
from batchone.web.books import Book
from batchone.web.possible import possible
from batchone.web.services import Web, web_of
from batchone.web.session import SignedIn, actor_of, member
from batchone.web.views import shop as view
from batchone.web.visit import Visit

router = APIRouter(prefix="/shop")
Shopper = Annotated[Visit, Depends(member("shop"))]
ThisWeb = Annotated[Web, Depends(web_of)]
_WISHES: tuple[Wish, ...] = ("cheapest", "earliest", "popular")
_ORDERS_COUNTED = 500
_SELLERS = frozenset({"planner", "admin"})
"""Who sees what the material costs."""
_READ_MOST = 4_000_001
"""Of a picture no more is read: one byte above what is kept, so that it is refused for its size."""
_PICTURE = {"Cache-Control": "private, max-age=31536000, immutable", "Content-Disposition": "inline"}


@router.get("")
async def products(visit: Shopper, web: ThisWeb) -> Response:
    """All products; a single one is opened at once."""
    found = await web.services.get(Design).products(visit.tenant)
    if len(found) == 1:
        return RedirectResponse(f"/shop/{found[0].id}", 303)
    return web.renderer.page(visit, "products.html", products=found)


@router.get("/{product}")
async def configurator(product: str, request: Request, visit: Shopper, web: ThisWeb) -> HTMLResponse:
    """The configurator; the address' query holds the choices, so that it can be kept and sent to somebody."""
    book = await web.books.of(visit.tenant, product)
    known = {option.id for option in book.pack.options}
    picks = {key: value for key, value in request.query_params.items() if key in known}
    quantity = view.number_of(request.query_params.get("n"))
    inquiry = request.query_params.get("inquiry") or web.services.ids.new("Q")
    contents = view.contents_of(request.query_params, known)
    design, party = web.services.get(Design), _party(visit)
    state, left_out = await possible(design, visit.tenant, book, picks, party)
    picks = dict(state.choices)
    shown = await _shown(web, visit, book, state, quantity, None, contents)
    offer = None
    if "date" in request.query_params:
        offer = await _offer(web, visit, product, picks, quantity, "", inquiry, shown.contents)
    return web.renderer.page(
        visit, "shop.html", shop=shown, offer=offer, before="", inquiry=inquiry, left_out=left_out, undo=""
    )  # fmt: skip


@router.get("/{product}/choose")
async def choose(product: str, request: Request, visit: Shopper, web: ThisWeb) -> Response:
    """What a click makes of the page."""
    book = await web.books.of(visit.tenant, product)
    form = request.query_params
    picks = view.picks_of(form, form.getlist("picked"), [option.id for option in book.pack.options])
    option, _, value = form.get("take", "").partition(":")
    if value:
        picks = await _take(web, visit, product, picks, option, value)
    if form.get("wish"):
        picks = await _completed(web, visit, product, picks, form["wish"])
    quantity = view.number_of(form.get("n"))
    before = view.price_from(form.get("price"), book.pack.currency)
    contents = view.contents_of(form, {each.id for each in book.pack.options})
    shown = await _shop(web, visit, book, picks, quantity, before, contents)
    if "hx-request" not in request.headers:
        return RedirectResponse(shown.address, 303)
    # Each change has its own address, so that the browser's way back undoes it, however many there were.
    was = view.address_within(request.headers.get("hx-current-url", ""), product)
    before_id, inquiry = form.get("promise", ""), form.get("inquiry", "")
    headers = {"HX-Push-Url": view.asked_under(shown.address, inquiry)} if was != shown.address else {}
    return web.renderer.page(
        visit, "_shop.html", headers=headers, shop=shown, offer=None, before=before_id, inquiry=inquiry,
        undo=view.asked_under(was, inquiry) if was != shown.address else "",
    )  # fmt: skip


@router.get("/{product}/promise")
async def promise(
    product: str, request: Request, visit: Shopper, web: ThisWeb, before: str = "", inquiry: str = ""
) -> HTMLResponse:
    """The date of these choices, from the plan in force."""
    form = request.query_params
    picks = {key: value for key, value in form.items() if key not in {"n", "before", "inquiry"} and not key.startswith("own.")}
    contents = view.contents_of(form, [key.removeprefix("own.") for key in form if key.startswith("own.")])
    offer = await _offer(web, visit, product, picks, view.number_of(form.get("n")), before, inquiry, contents)
    return web.renderer.page(visit, "_promise.html", offer=offer, product=product)


@router.get("/{product}/earlier")
async def earlier(product: str, visit: Shopper, web: ThisWeb, promise: str) -> HTMLResponse:
    """What would make the date of a promise earlier; nothing for a promise of somebody else."""
    sales, actor = web.services.get(Sales), actor_of(visit)
    given = await sales.promise(visit.tenant, promise)
    if actor.role == "customer" and given.customer not in ("", actor.party, actor.person):
        raise NotFound("web.promise", f"There is no promise {promise}.", "Ask for a new one.", promise=promise)
    found = await sales.earlier(visit.tenant, promise)
    frozen = await web.services.get(Design).configuration(visit.tenant, given.configuration)
    offers = view.sooner(found, given, frozen.picks)
    return web.renderer.page(visit, "_earlier.html", offers=offers, product=product)


@router.post("/{product}/picture")
async def bring_picture(
    product: str, visit: Shopper, web: ThisWeb, option: Annotated[str, Form()], picture: UploadFile,
    query: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Keep the customer's picture for a chosen value, if it is one that this value takes."""
    book = await web.books.of(visit.tenant, product)
    known, fields, actor = {each.id for each in book.pack.options}, dict(parse_qsl(query)), actor_of(visit)
    content = base64.b64encode(await picture.read(_READ_MOST)).decode()
    kept = await web.services.get(Choosing).keep_picture(visit.tenant, content, actor)
    picks = {key: value for key, value in fields.items() if key in known}
    contents = {**view.contents_of(fields, known), option: kept.digest}
    await web.services.get(Design).complete(visit.tenant, product, picks, actor, contents=contents)
    query = view.query_of(picks, view.number_of(fields.get("n")), contents)
    return RedirectResponse(f"/shop/{product}?{query}#own-{option}", 303)


@router.get("/pictures/{digest}")
async def picture(digest: str, visit: SignedIn, web: ThisWeb) -> Response:
    """A picture that somebody brought, with its own type and nothing that could run."""
    found = await web.services.get(Choosing).picture(visit.tenant, digest)
    return Response(base64.b64decode(found.base64), media_type=f"image/{found.picture.format}", headers=_PICTURE)


@router.post("/{product}/order")
async def order(
    product: str, visit: Shopper, web: ThisWeb, town: Annotated[str, Form()],
    promise: Annotated[str, Form()] = "", key: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Order what was promised; the form's own key makes a repeated click the same order."""
    if not promise or not key:
        raise Refused(
            "web.no-promise",
            "There is no date for this choice yet.",
            "Wait until the date is shown, then order.",
            product=product,
        )
    if not town.strip():
        raise Refused("web.no-town", "The town to deliver to is missing.", "Fill it in.")
    actor = actor_of(visit)
    customer = Customer(actor.party or actor.person, actor.name, town.strip()[:80])
    placed = await web.services.get(Sales).place_order(visit.tenant, promise, customer, key, actor)
    return RedirectResponse(f"/my/{placed.number}", 303)


async def _shop(
    web: Web, visit: Visit, book: Book, picks: dict[str, str], quantity: int, before: Money | None, contents: dict[str, str]
) -> view.Shop:
    state = await web.services.get(Design).configure(visit.tenant, book.pack.product.id, picks, _party(visit))
    return await _shown(web, visit, book, state, quantity, before, contents)


async def _shown(
    web: Web, visit: Visit, book: Book, state: ConfigurationState, quantity: int, before: Money | None, contents: dict[str, str]
) -> view.Shop:
    design, party = web.services.get(Design), _party(visit)
    seller = visit.actor is not None and visit.actor.role in _SELLERS
    total = cost = None
    if quantity > 1 or seller:
        worth = await design.price(visit.tenant, book.pack.product.id, state.completion, quantity, party, seller)
        total, cost = worth.total, worth.cost
    drawing = await design.drawing(visit.tenant, book.pack.product.id, state.completion)
    # The drawing is the pack's own SVG; the design domain has taken scripts and references out when the pack was installed.
    return view.shop(book, state, Markup(drawing), quantity, before, contents, total, cost)  # noqa: S704


def _party(visit: Visit) -> str:
    """The customer whose prices are shown; empty for staff."""
    return visit.actor.party if visit.actor is not None else ""


async def _take(web: Web, visit: Visit, product: str, picks: dict[str, str], option: str, value: str) -> dict[str, str]:
    """The choices that stay when a blocked value is taken after all: whatever excludes it goes back to its default."""
    design = web.services.get(Design)
    kept = {key: chosen for key, chosen in picks.items() if key != option}
    for _ in range(len(kept)):
        state = await design.configure(visit.tenant, product, kept, _party(visit))
        blocking = view.in_the_way(state, option, value)
        if not blocking:
            break
        kept = {key: chosen for key, chosen in kept.items() if key not in blocking}
    return {**kept, option: value}


async def _completed(web: Web, visit: Visit, product: str, picks: dict[str, str], wish: str) -> dict[str, str]:
    """All choices, those still open as the customer wishes: the cheapest, the earliest, or what others order most."""
    known: Wish | None = next((each for each in _WISHES if each == wish), None)
    if known is None:
        raise Refused(
            "web.wish", f"'{wish}' is no way to complete a choice.", f"Ask for one of {', '.join(_WISHES)}.", wish=wish
        )
    popularity = await _popularity(web, visit.tenant, product) if known == "popular" else {}
    found = await web.services.get(Design).suggest(visit.tenant, product, picks, known, popularity, _party(visit))
    return dict(found.choices)


async def _popularity(web: Web, tenant: str, product: str) -> dict[str, Counter[str]]:
    """How often each value was ordered, among the last orders."""
    page = await web.services.get(Sales).orders(tenant, "", "", "-placed", 0, _ORDERS_COUNTED, "")
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for order in page.orders:
        for option, value in order.choices.items() if order.product == product else ():
            counted[option][value] += order.quantity
    return counted


async def _offer(
    web: Web,
    visit: Visit,
    product: str,
    picks: dict[str, str],
    quantity: int,
    before: str,
    inquiry: str,
    contents: Mapping[str, str],
) -> view.Offer:
    """A promise for these choices; it replaces those that this page was given before."""
    actor = actor_of(visit)
    sales = web.services.get(Sales)
    configuration = await web.services.get(Design).complete(visit.tenant, product, picks, actor, contents=contents)
    given = await sales.give_promise(visit.tenant, configuration.id, quantity, 0, actor, inquiry)
    earlier: Promise | None = None
    if before:
        try:
            earlier = await sales.promise(visit.tenant, before)
        except NotFound:
            earlier = None
    return view.offer(given, earlier, web.services.ids.new("key"))
