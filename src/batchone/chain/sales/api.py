"""Sales' routes: promises and orders. A customer sees and orders only what is their own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from batchone.chain.sales.api_notices import add_notices
from batchone.chain.sales.model import may_order, owner_of
from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.sales import Customer, Earlier, Order, OrderPage, Promise, Sales
from batchone.kernel.errors import NotFound, Refused
from batchone.kernel.http import idempotency_key, optional_key
from batchone.kernel.module import Context

_ID = r"^[A-Za-z0-9._:-]+$"
_Buyer = Annotated[Actor, Depends(allow("customer", "planner"))]
_Reader = Annotated[Actor, Depends(allow("customer", "planner", "operator", "engineer"))]
_Key = Annotated[str, Depends(idempotency_key)]
_MaybeKey = Annotated[str, Depends(optional_key)]
_Id = Annotated[str, Path(max_length=64, pattern=_ID)]


class Asked(BaseModel):
    """What to promise: so many of a frozen configuration."""

    model_config = ConfigDict(extra="forbid", strict=True)
    configuration: str = Field(max_length=64, pattern=_ID)
    quantity: int = Field(default=1, ge=1, le=1000)
    priority: int = Field(default=0, ge=0, le=9, description="0 is normal, 1 express; above is for planners")
    inquiry: str = Field(
        default="", max_length=64,
        description="your own name for what is asked for: the promise replaces those that you were given for it and did not "
        "order, so that a repeated request, or another choice, reserves once",
    )  # fmt: skip


class Buyer(BaseModel):
    """Who orders and where it goes. A signed-in customer is known, so `id` is for staff who order on behalf."""

    model_config = ConfigDict(extra="forbid", strict=True)
    id: str = Field(default="", max_length=100)
    name: str = Field(min_length=1, max_length=100)
    town: str = Field(min_length=1, max_length=100)


class Ordered(BaseModel):
    """Order what a promise offers."""

    model_config = ConfigDict(extra="forbid", strict=True)
    promise: str = Field(max_length=64, pattern=_ID)
    customer: Buyer


def router(context: Context) -> APIRouter:
    """The routes, over whoever implements `Sales`."""
    routes = APIRouter(prefix="/api", tags=["sales"])

    @routes.post("/promises", status_code=201)
    async def give_promise(body: Asked, actor: _Buyer, key: _MaybeKey) -> Promise:
        """Price, p50 and p90 date of so many of a configuration, from the plan in force; the same key again answers with the
        same promise."""
        return await context.get(Sales).give_promise(
            actor.tenant, body.configuration, body.quantity, body.priority, actor, body.inquiry, key
        )

    @routes.get("/promises/{promise}")
    async def promise(promise: _Id, actor: _Buyer) -> Promise:
        """A promise given before; a customer sees their own."""
        found = await context.get(Sales).promise(actor.tenant, promise)
        if not may_order(actor, found.customer):
            raise NotFound("sales.no_promise", f"There is no promise {promise}.", "Ask for a new one.", promise=promise)
        return found

    @routes.get("/promises/{promise}/earlier")
    async def earlier(promise: _Id, actor: _Buyer) -> tuple[Earlier, ...]:
        """What would make the date earlier, and the dates it would give: another value of an option, part of the quantity
        first, overtime on the machine that holds it up. What helps most stands first; nothing is reserved."""
        found = await context.get(Sales).promise(actor.tenant, promise)
        if not may_order(actor, found.customer):
            raise NotFound("sales.no_promise", f"There is no promise {promise}.", "Ask for a new one.", promise=promise)
        return await context.get(Sales).earlier(actor.tenant, promise)

    @routes.post("/orders", status_code=201)
    async def place_order(body: Ordered, actor: _Buyer, key: _Key) -> Order:
        """Order what was promised; the same key again answers with the same order."""
        customer = Customer(_customer_id(actor, body.customer), body.customer.name.strip(), body.customer.town.strip())
        return await context.get(Sales).place_order(actor.tenant, body.promise, customer, key, actor)

    @routes.get("/orders")
    async def orders(
        actor: _Reader, search: str = "", status: str = "", sort: str = "", customer: str = "",
        offset: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> OrderPage:  # fmt: skip
        """Orders by search, status and customer; a customer's own only."""
        whose = owner_of(actor) or _text(customer)
        return await context.get(Sales).orders(actor.tenant, _text(search), status, sort, offset, limit, whose)

    @routes.get("/orders/{order}")
    async def order(order: _Id, actor: _Reader) -> Order:
        """One order, by id or number."""
        found = await context.get(Sales).order(actor.tenant, order)
        if owner_of(actor) not in ("", found.customer.id):
            raise NotFound("sales.no_order", f"There is no order {order}.", "Look it up among your orders.", order=order)
        return found

    add_notices(routes, context)
    return routes


def _customer_id(actor: Actor, given: Buyer) -> str:
    own = owner_of(actor)
    if own and given.id not in ("", own):
        raise Refused(
            "sales.other_customer", "An order can be placed only for yourself.", "Leave the customer's id out.", id=given.id
        )
    found = own or given.id.strip()
    if not found:
        raise Refused(
            "sales.no_customer", "It is not said which customer orders.", "Give the customer's id, beside name and town."
        )
    return found


def _text(given: str) -> str:
    if "\0" in given:
        raise Refused("request.invalid", "The request holds a character that no text has.", "Leave the NUL out.")
    return given
