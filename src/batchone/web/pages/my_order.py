"""An order as its customer sees it (staff too): the live story of each item, and the passport of an item."""

from __future__ import annotations

import io
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from batchone.contracts.design import Design, RoutedOperation
from batchone.contracts.enterprises import Actor
from batchone.contracts.logistics import Logistics, Shipment
from batchone.contracts.planning import PlannedOperation, Planning
from batchone.contracts.production import Production
from batchone.contracts.sales import Order, Sales
from batchone.kernel.errors import NotFound, TryLater
from batchone.web.live import Regions, whole
from batchone.web.services import Web, web_of
from batchone.web.session import SignedIn, actor_of
from batchone.web.views import passport as passport_view
from batchone.web.views import story as story_view

router = APIRouter()
ThisWeb = Annotated[Web, Depends(web_of)]
_REGIONS = {
    "head-state": "_order_state.html", "due": "_order_due.html", "notices": "_order_notices.html", "story": "_story.html",
    "items": "_order_items.html",
}  # fmt: skip
_ROUTINGS_KEPT = 500


async def own_order(web: Web, tenant: str, number: str, actor: Actor) -> Order:
    """An order that the actor may see: staff any, a customer their own; another's does not exist for them."""
    order = await web.services.get(Sales).order(tenant, number)
    if actor.role == "supplier" or (actor.role == "customer" and order.customer.id not in {actor.party, actor.person}):
        raise NotFound("web.order", f"There is no order {number}.", "Choose one of your orders.", order=number)
    return order


class Routings:
    """Routings of frozen configurations, which never change, kept once read."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, str], tuple[RoutedOperation, ...]] = OrderedDict()

    async def of(self, web: Web, tenant: str, configuration: str) -> tuple[RoutedOperation, ...]:
        """The operations of a configuration."""
        key = (tenant, configuration)
        if key not in self._held:
            self._held[key] = (await web.services.get(Design).explode(tenant, configuration)).operations
            while len(self._held) > _ROUTINGS_KEPT:
                self._held.popitem(last=False)
        return self._held[key]


_routings = Routings()


@dataclass(frozen=True)
class OrderPage:
    """What the page of an order shows."""

    order: Order
    story: story_view.Story | None
    planned: tuple[PlannedOperation, ...]


async def read_story(web: Web, tenant: str, order: Order, item: str) -> OrderPage:
    """The story of one item of an order; the plan or the carrier being away leaves their part empty."""
    services = web.services
    records = await services.get(Production).items_of_order(tenant, order.id)
    record = next((each for each in records if item in {each.item, each.serial}), None) or next(iter(records), None)
    planned: tuple[PlannedOperation, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    try:
        planned = await services.get(Planning).of_order(tenant, order.id)
        shipments = await services.get(Logistics).shipments(tenant, "", order.id, 10)
    except (NotFound, TryLater):
        pass
    if record is None:
        return OrderPage(order, None, planned)
    configuration = await services.get(Design).configuration(tenant, order.configuration)
    book = await web.books.of(tenant, order.product, configuration.version)
    operations = await _routings.of(web, tenant, order.configuration)
    return OrderPage(order, story_view.story(book, order, record, operations, planned, shipments), planned)


class StoryTopic:
    """An order's page, live."""

    def __init__(self, web: Web, tenant: str, number: str, item: str, language: str, *, staff: bool) -> None:
        self._web, self._tenant, self._number, self._item, self._language, self._staff = (
            web,
            tenant,
            number,
            item,
            language,
            staff,
        )
        self._regions = Regions()
        self.key = f"order {tenant} {number} {item} {language} {staff}"
        self.every_s = web.settings.board_every_s

    async def _rendered(self) -> dict[str, str]:
        order = await self._web.services.get(Sales).order(self._tenant, self._number)
        page = await read_story(self._web, self._tenant, order, self._item)
        values: dict[str, Any] = {"order": order, "story": page.story, "item": self._item, "staff": self._staff}
        return {target: self._web.renderer.fragment(name, self._language, **values) for target, name in _REGIONS.items()}

    async def snapshot(self) -> bytes:
        """The whole story."""
        return whole(await self._rendered())

    async def tick(self) -> bytes | None:
        """What went on."""
        return self._regions.changed(await self._rendered())


@router.get("/orders/{number}")
async def order(number: str, visit: SignedIn, web: ThisWeb, item: str = "") -> HTMLResponse:
    """The page of an order, with the story of one of its items."""
    actor = actor_of(visit)
    found = await own_order(web, visit.tenant, number, actor)
    if actor.role == "customer" and found.news:
        await web.services.get(Sales).read_notices(visit.tenant, found.id, actor)
        visit = replace(visit, news=max(0, visit.news - 1))
    page = await read_story(web, visit.tenant, found, item)
    configuration = await web.services.get(Design).configuration(visit.tenant, found.configuration)
    book = await web.books.of(visit.tenant, found.product, configuration.version)
    drawing = await web.services.get(Design).drawing(visit.tenant, found.product, found.choices)
    choices = [(book.name("option", option.id), book.value_name(option.id, found.choices[option.id]))
               for option in book.pack.options if option.id in found.choices]  # fmt: skip
    own_texts, own_pictures = book.own(found.choices, configuration.contents)
    return web.renderer.page(
        visit, "order.html", own_texts=own_texts, own_pictures=own_pictures,
        order=found, story=page.story, item=item, product=book.pack.product.name, choices=choices,
        # As on the shop page, the drawing is the pack's own SVG, cleaned when the pack was installed.
        drawing=Markup(drawing),  # noqa: S704
        staff=visit.sees("line"),
    )  # fmt: skip


@router.get("/orders/{number}/live")
async def live(number: str, visit: SignedIn, web: ThisWeb, item: str = "") -> Response:
    """The order's stream."""
    found = await own_order(web, visit.tenant, number, actor_of(visit))
    return web.hub.response(StoryTopic(web, visit.tenant, found.number, item, visit.language, staff=visit.sees("line")))


@router.get("/my/{number}")
async def my_order(number: str) -> RedirectResponse:
    """The short address that an order confirmation shows."""
    return RedirectResponse(f"/orders/{number}", 303)


@router.get("/items/{serial}")
async def passport(serial: str, request: Request, visit: SignedIn, web: ThisWeb) -> HTMLResponse:
    """The passport of an item, by serial or id."""
    record = await web.services.get(Production).item(visit.tenant, serial)
    found = await own_order(web, visit.tenant, record.order, actor_of(visit))
    configuration = await web.services.get(Design).configuration(visit.tenant, record.configuration)
    book = await web.books.of(visit.tenant, record.product, configuration.version)
    address = str(request.base_url).rstrip("/") + f"/items/{record.serial or record.item}"
    return web.renderer.page(
        visit, "passport.html",
        passport=passport_view.passport(book, record, configuration.choices), order=found, address=address, qr=qr_code(address),
    )  # fmt: skip


def qr_code(address: str) -> Markup:
    """A QR code (ISO/IEC 18004) of an address as SVG in the colour of the text."""
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=2, dark="#000", light="#fff", title=None
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - made here from an address, of squares alone
