"""Call-offs: what suppliers are asked for; they confirm a date and report the delivery in one form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from batchone.contracts.enterprises import Actor, Role
from batchone.contracts.pack import Text
from batchone.contracts.sourcing import CallOff, Sourcing
from batchone.kernel.errors import Forbidden, NotFound, Refused
from batchone.web.services import Web, web_of
from batchone.web.session import actor_of, member
from batchone.web.visit import Visit

router = APIRouter(prefix="/call-offs")
Reader = Annotated[Visit, Depends(member("call-offs"))]
ThisWeb = Annotated[Web, Depends(web_of)]
STATES = ("sent", "confirmed", "announced", "received", "overdue")
_ANSWERS: frozenset[Role] = frozenset({"supplier", "admin"})
_ROWS = 200


def _supplier_of(actor: Actor) -> str:
    """Whose call-offs somebody sees: a supplier's person their own, staff all."""
    if actor.role != "supplier":
        return ""
    if not actor.party:
        raise Forbidden("web.no-party", "You are not tied to a supplier.", "Ask the enterprise that invited you.")
    return actor.party


async def _list(web: Web, visit: Visit, state: str) -> tuple[CallOff, ...]:
    return await web.services.get(Sourcing).call_offs(visit.tenant, state, _supplier_of(actor_of(visit)), _ROWS)


async def _names(web: Web, tenant: str, found: tuple[CallOff, ...]) -> dict[tuple[str, str], Text]:
    books = await web.books.all(tenant)
    names: dict[tuple[str, str], Text] = {}
    for kind, keys in (("module", {each.module for each in found}), ("variant", {each.variant for each in found})):
        for key in keys:
            known = [name for book in books if (name := book.name(kind, key)) != {"en": key}]
            names[kind, key] = known[0] if known else {"en": key}
    return names


@router.get("")
async def call_offs(visit: Reader, web: ThisWeb, state: str = "") -> HTMLResponse:
    """The list, newest first."""
    if state and state not in STATES:
        raise Refused("web.call-offs", f"There is no state '{state}'.", "Choose one of the list.")
    found = await _list(web, visit, state)
    return web.renderer.page(
        visit, "call_offs.html",
        call_offs=found, state=state, states=STATES, names=await _names(web, visit.tenant, found),
        answers=actor_of(visit).role in _ANSWERS, zone=web.settings.zone,
    )  # fmt: skip


async def _own(web: Web, visit: Visit, call_off: str) -> Actor:
    """The actor, if they may answer this call-off."""
    actor = actor_of(visit)
    if actor.role not in _ANSWERS:
        raise Forbidden("web.call-off", "Only the supplier answers a call-off.", "Ask the supplier.")
    supplier = _supplier_of(actor)
    if supplier and call_off not in {
        each.id for each in await web.services.get(Sourcing).call_offs(visit.tenant, "", supplier, 10_000)
    }:
        raise NotFound("web.call-off", f"There is no call-off {call_off}.", "Choose one of the list.")
    return actor


@router.post("/{call_off}/confirm")
async def confirm(call_off: str, visit: Reader, web: ThisWeb, at: Annotated[str, Form()]) -> Response:
    """Confirm a date (local time of the pages' zone)."""
    actor = await _own(web, visit, call_off)
    try:
        local = datetime.fromisoformat(at)
    except ValueError as error:
        raise Refused("web.date", f"'{at}' is not a date and time.", "Choose a day and a time.") from error
    when = local.replace(tzinfo=web.settings.zone) if local.tzinfo is None else local
    await web.services.get(Sourcing).confirm(visit.tenant, call_off, when.astimezone(UTC), actor)
    return RedirectResponse("/call-offs", 303)


@router.post("/{call_off}/deliver")
async def deliver(call_off: str, visit: Reader, web: ThisWeb, lot: Annotated[str, Form()]) -> Response:
    """Report the delivery under the supplier's own lot number."""
    actor = await _own(web, visit, call_off)
    if not lot.strip():
        raise Refused("web.lot", "The lot number is missing.", "Fill it in; the passport names it.")
    await web.services.get(Sourcing).deliver(visit.tenant, call_off, lot.strip()[:60], actor)
    return RedirectResponse("/call-offs", 303)
