"""Sales' routes about notices: where a customer is told, and what became of what left the platform."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from batchone.chain.sales.model import owner_of
from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.sales import Contact, Outgoing, Sales
from batchone.kernel.errors import Forbidden
from batchone.kernel.module import Context


def _customer(actor: Annotated[Actor, Depends(allow("customer"))]) -> Actor:
    """Somebody who acts for a customer; an admin does not."""
    if actor.role != "customer":
        raise Forbidden("sales.no_customer", "Only customers are told of their orders.", "Sign in as a customer.")
    return actor


_Own = Annotated[Actor, Depends(_customer)]
_Planner = Annotated[Actor, Depends(allow("planner"))]


class Told(BaseModel):
    """Where a customer wants to be told, and in which language."""

    model_config = ConfigDict(extra="forbid", strict=True)
    email: str = Field(max_length=254)
    language: str = Field(default="en", max_length=8)


def add_notices(routes: APIRouter, context: Context) -> None:
    """Add them to the routes of sales."""

    @routes.get("/contact")
    async def contact(actor: _Own) -> Contact:
        """Where you are told by e-mail when a date of your orders moves; an empty address is nowhere."""
        return await context.get(Sales).contact(actor.tenant, owner_of(actor)) or Contact("", "")

    @routes.put("/contact", status_code=204)
    async def set_contact(body: Told, actor: _Own) -> None:
        """Be told there from now on; an empty address ends it."""
        await context.get(Sales).set_contact(actor.tenant, owner_of(actor), Contact(body.email.strip(), body.language))

    @routes.get("/notices/outgoing")
    async def outgoing(
        actor: _Planner,
        state: Annotated[str, Query(max_length=10, pattern="^[a-z]*$")] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> tuple[Outgoing, ...]:
        """Notices that leave by e-mail or webhook, the newest first, and what went wrong with them."""
        return await context.get(Sales).outgoing(actor.tenant, state, limit)
