"""Design's routes: products, configuring, frozen configurations, drawings, packs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from batchone.contracts.access import allow
from batchone.contracts.design import Configuration, ConfigurationState, Design, Exploded, Product
from batchone.contracts.enterprises import Actor
from batchone.contracts.pack import Pack
from batchone.kernel.errors import Refused
from batchone.kernel.http import optional_key
from batchone.kernel.module import Context

_Anybody = Annotated[Actor, Depends(allow())]
_Buyer = Annotated[Actor, Depends(allow("customer", "planner"))]
_Staff = Annotated[Actor, Depends(allow("planner", "operator", "engineer"))]
_Engineer = Annotated[Actor, Depends(allow("engineer"))]
_Id = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
_Word = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9._-]+$")]
_Key = Annotated[str, Depends(optional_key)]
_CHOICES_MAX = 2000
_NO_SCRIPT = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}


class Chosen(BaseModel):
    """Explicit choices: option id to value id."""

    model_config = ConfigDict(extra="forbid", strict=True)
    choices: dict[_Word, _Word] = Field(default_factory=dict, max_length=_CHOICES_MAX)


class ToComplete(Chosen):
    """What to freeze: the choices for a product; what is left open is completed."""

    product: str = Field(max_length=64, pattern=r"^[a-z0-9_-]+$")


class PackFiles(BaseModel):
    """A pack: the text of each of its files by name."""

    model_config = ConfigDict(extra="forbid", strict=True)
    files: dict[str, Annotated[str, Field(max_length=2_000_000)]] = Field(max_length=50)


def router(context: Context) -> APIRouter:
    """The routes, over whoever implements `Design`."""
    routes = APIRouter(prefix="/api", tags=["design"])

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
        return await context.get(Design).configure(actor.tenant, product, body.choices)

    @routes.get("/products/{product}/drawing", response_class=Response)
    async def drawing(product: _Id, actor: _Anybody, request: Request) -> Response:
        """The product as SVG; choices are query parameters (`?layout=cross`)."""
        choices = dict(request.query_params)
        if len(choices) != len(request.query_params.multi_items()):
            raise Refused("design.chosen_twice", "An option is chosen twice.", "Choose one value for each option.")
        svg = await context.get(Design).drawing(actor.tenant, product, choices)
        return Response(svg, media_type="image/svg+xml", headers=_NO_SCRIPT)

    @routes.post("/configurations", status_code=201)
    async def complete(body: ToComplete, actor: _Buyer, key: _Key) -> Configuration:
        """Complete the choices and freeze them; the same key again answers with the same configuration."""
        return await context.get(Design).complete(actor.tenant, body.product, body.choices, actor, key)

    @routes.get("/configurations/{configuration}")
    async def configuration(configuration: _Id, actor: _Anybody) -> Configuration:
        """A frozen configuration."""
        return await context.get(Design).configuration(actor.tenant, configuration)

    @routes.get("/configurations/{configuration}/explosion")
    async def explosion(configuration: _Id, actor: _Staff) -> Exploded:
        """Bill of materials and routing of a frozen configuration."""
        return await context.get(Design).explode(actor.tenant, configuration)

    @routes.post("/packs", status_code=201)
    async def install(body: PackFiles, actor: _Engineer) -> Product:
        """Install a pack. With one fault nothing is installed, and `faults` tells all of them."""
        return await context.get(Design).install(actor.tenant, body.files, actor)

    return routes
