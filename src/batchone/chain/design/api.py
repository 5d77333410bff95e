"""Design's routes: products, configuring, prices, frozen configurations, drawings, packs."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from batchone.chain.design.api_authoring import add_authoring
from batchone.chain.design.choosing.api import add_routes
from batchone.contracts.access import allow
from batchone.contracts.design import (
    Comparison,
    Configuration,
    ConfigurationState,
    Design,
    Exploded,
    Judgement,
    Price,
    Product,
    Suggestion,
    Wish,
)
from batchone.contracts.enterprises import Actor
from batchone.contracts.pack import Pack
from batchone.contracts.sales import Sales
from batchone.kernel.errors import Refused
from batchone.kernel.http import optional_key
from batchone.kernel.module import Context

_Anybody = Annotated[Actor, Depends(allow())]
_Buyer = Annotated[Actor, Depends(allow("customer", "planner"))]
_Staff = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
_Engineer = Annotated[Actor, Depends(allow("engineer"))]
_Id = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
_Word = Annotated[str, Field(max_length=200, pattern=r"^[a-z0-9._-]+$")]
_Key = Annotated[str, Depends(optional_key)]
_CHOICES_MAX = 2000
_SELLERS = frozenset({"planner", "admin"})
"""Who is told what things cost to make; a customer's request never is."""
_ORDERS_COUNTED = 500
_NO_SCRIPT = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}


class Chosen(BaseModel):
    """Explicit choices: option id to value id."""

    model_config = ConfigDict(extra="forbid", strict=True)
    choices: dict[_Word, _Word] = Field(default_factory=dict, max_length=_CHOICES_MAX)


class ToSuggest(Chosen):
    """Choices, and what their completion should be best at."""

    wish: Wish = "default"


class ToPrice(Chosen):
    """Choices, and how many items of them. A seller may name the `party` (a customer's id) whose price is asked for."""

    quantity: int = 1
    party: str = Field(default="", max_length=64)


class ToCompare(BaseModel):
    """Two sets of choices."""

    model_config = ConfigDict(extra="forbid", strict=True)
    one: dict[_Word, _Word] = Field(max_length=_CHOICES_MAX)
    other: dict[_Word, _Word] = Field(max_length=_CHOICES_MAX)


class ToComplete(Chosen):
    """What to freeze: the choices for a product; what is left open is completed.

    `contents` is what the customer brings to values that take something: a text, or the digest of a picture.
    """

    product: str = Field(max_length=64, pattern=r"^[a-z0-9_-]+$")
    contents: dict[_Word, Annotated[str, Field(max_length=500)]] = Field(default_factory=dict, max_length=50)


class PackFiles(BaseModel):
    """A pack: the text of each of its files by name."""

    model_config = ConfigDict(extra="forbid", strict=True)
    files: dict[str, Annotated[str, Field(max_length=2_000_000)]] = Field(max_length=50)


def router(context: Context) -> APIRouter:
    """The routes, over whoever implements `Design`, `Choosing` and `Authoring`."""
    routes = APIRouter(prefix="/api", tags=["design"])
    _products(routes, context)
    _worth(routes, context)
    _frozen(routes, context)
    add_routes(routes, context)
    add_authoring(routes, context)
    return routes


def _products(routes: APIRouter, context: Context) -> None:
    @routes.get("/products")
    async def products(actor: _Anybody) -> tuple[Product, ...]:
        """What can be ordered."""
        return await context.get(Design).products(actor.tenant)

    @routes.get("/products/{product}/pack")
    async def pack(product: _Id, actor: _Staff, version: str | None = None) -> Pack:
        """The whole pack of a product; the newest version unless one is named."""
        return await context.get(Design).pack(actor.tenant, product, version)

    @routes.post("/products/{product}/configure")
    async def configure(product: _Id, body: Chosen, actor: _Anybody) -> ConfigurationState:
        """Where every option and value stands, given explicit choices; nothing is stored."""
        return await context.get(Design).configure(actor.tenant, product, body.choices, actor.party)

    @routes.get("/products/{product}/drawing", response_class=Response)
    async def drawing(product: _Id, actor: _Anybody, request: Request) -> Response:
        """The product as SVG; choices are query parameters (`?layout=cross`)."""
        choices = dict(request.query_params)
        if len(choices) != len(request.query_params.multi_items()):
            raise Refused("design.chosen_twice", "An option is chosen twice.", "Choose one value for each option.")
        svg = await context.get(Design).drawing(actor.tenant, product, choices)
        return Response(svg, media_type="image/svg+xml", headers=_NO_SCRIPT)

    @routes.post("/packs", status_code=201)
    async def install(body: PackFiles, actor: _Engineer) -> Product:
        """Install a pack. With one fault nothing is installed, and `faults` tells all of them."""
        return await context.get(Design).install(actor.tenant, body.files, actor)


def _worth(routes: APIRouter, context: Context) -> None:
    @routes.post("/products/{product}/suggest")
    async def suggest(product: _Id, body: ToSuggest, actor: _Anybody) -> Suggestion:
        """The best completion of the choices: `default`, `cheapest`, `earliest` or `popular` (by the last 500 orders)."""
        popularity = await _popularity(context, actor.tenant, product) if body.wish == "popular" else {}
        return await context.get(Design).suggest(actor.tenant, product, body.choices, body.wish, popularity, actor.party)

    @routes.post("/products/{product}/price")
    async def price(product: _Id, body: ToPrice, actor: _Anybody) -> Price:
        """What so many items of the completed choices cost today, line by line; sellers are told the cost, too."""
        seller = actor.role in _SELLERS
        party = body.party if seller and body.party else actor.party
        return await context.get(Design).price(actor.tenant, product, body.choices, body.quantity, party, seller)

    @routes.post("/products/{product}/compare")
    async def compare(product: _Id, body: ToCompare, actor: _Anybody) -> Comparison:
        """Two sets of choices side by side: options, price, lead and bill of materials."""
        return await context.get(Design).compare(actor.tenant, product, body.one, body.other, actor.party)


def _frozen(routes: APIRouter, context: Context) -> None:
    @routes.post("/configurations", status_code=201)
    async def complete(body: ToComplete, actor: _Buyer, key: _Key) -> Configuration:
        """Complete the choices and freeze them; the same key again answers with the same configuration."""
        return await context.get(Design).complete(actor.tenant, body.product, body.choices, actor, key, body.contents)

    @routes.get("/configurations/{configuration}")
    async def configuration(configuration: _Id, actor: _Anybody) -> Configuration:
        """A frozen configuration."""
        return await context.get(Design).configuration(actor.tenant, configuration)

    @routes.get("/configurations/{configuration}/judgement")
    async def judgement(configuration: _Id, actor: _Anybody, day: Annotated[date | None, Query()] = None) -> Judgement:
        """Whether a frozen configuration can still be sold and built on a day (today unless one is named), or why not."""
        return await context.get(Design).judge(actor.tenant, configuration, day)

    @routes.get("/configurations/{configuration}/explosion")
    async def explosion(configuration: _Id, actor: _Staff) -> Exploded:
        """Bill of materials and routing of a frozen configuration."""
        return await context.get(Design).explode(actor.tenant, configuration)


async def _popularity(context: Context, tenant: str, product: str) -> dict[str, dict[str, int]]:
    """How often each value was ordered, in the last orders of a product."""
    page = await context.get(Sales).orders(tenant, "", "", "-placed", 0, _ORDERS_COUNTED, "")
    found: dict[str, dict[str, int]] = {}
    for order in page.orders:
        if order.product == product:
            for option, value in order.choices.items():
                counts = found.setdefault(option, {})
                counts[value] = counts.get(value, 0) + order.quantity
    return found
