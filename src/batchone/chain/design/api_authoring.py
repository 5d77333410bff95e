"""Design's routes for whoever writes rules: read those in force, try a draft, make it the next version."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from batchone.contracts.access import allow
from batchone.contracts.authoring import Authoring, RulesText, RulesTried, TrialOrder
from batchone.contracts.design import Product
from batchone.contracts.enterprises import Actor
from batchone.kernel.module import Context

_Author = Annotated[Actor, Depends(allow("planner", "engineer"))]
_Engineer = Annotated[Actor, Depends(allow("engineer"))]
_Id = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
_Word = Annotated[str, Field(max_length=200)]


class Draft(BaseModel):
    """Rules as the file rules.yaml of a pack holds them, and orders to try: name to choices."""

    model_config = ConfigDict(extra="forbid", strict=True)
    text: str = Field(max_length=200_000)
    orders: dict[_Word, dict[_Word, _Word]] = Field(default_factory=dict, max_length=200)


class ToRelease(BaseModel):
    """Rules, and the version in force from which their author began."""

    model_config = ConfigDict(extra="forbid", strict=True)
    text: str = Field(max_length=200_000)
    base: str = Field(max_length=32)


def add_authoring(routes: APIRouter, context: Context) -> None:
    """The routes, over whoever implements `Authoring`."""

    @routes.get("/products/{product}/rules")
    async def rules(product: _Id, actor: _Author) -> RulesText:
        """The rules in force, as they were written."""
        return await context.get(Authoring).rules(actor.tenant, product)

    @routes.post("/products/{product}/rules/try")
    async def try_rules(product: _Id, body: Draft, actor: _Author) -> RulesTried:
        """What a draft is worth: faults with line and cure, dead and forced values, how many configurations there are, one
        that it gains and one that it loses, and what becomes of orders; nothing is kept."""
        orders = tuple(TrialOrder(name, choices) for name, choices in body.orders.items())
        return await context.get(Authoring).try_rules(actor.tenant, product, body.text, orders)

    @routes.post("/products/{product}/rules", status_code=201)
    async def release(product: _Id, body: ToRelease, actor: _Engineer) -> Product:
        """Make a draft the next version; orders that were placed keep theirs."""
        return await context.get(Authoring).release_rules(actor.tenant, product, body.text, body.base, actor)
