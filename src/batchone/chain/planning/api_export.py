"""Planning's routes for the plan in force as a file."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor
from batchone.contracts.planning import Exported, ExportForm, Planning
from batchone.kernel.errors import Unauthenticated
from batchone.kernel.module import Context

_allowed = allow("planner", "operator", "engineer")
_Language = Annotated[Literal["en", "zh"], Query(description="In which language things are named.")]
_MEDIA: dict[ExportForm, str] = {"csv": "text/csv", "ics": "text/calendar", "xml": "application/xml"}


def _subscriber(request: Request) -> Actor:
    """Whoever may read the plan. A calendar asks for a name and a password only where it is told that they help: any name, and
    an API token."""
    try:
        return _allowed(request)
    except Unauthenticated as error:
        raise HTTPException(401, error.what, {"WWW-Authenticate": 'Basic realm="batchone", charset="UTF-8"'}) from error


_Staff = Annotated[Actor, Depends(_allowed)]
_Subscriber = Annotated[Actor, Depends(_subscriber)]


def add_export_routes(routes: APIRouter, context: Context) -> None:
    """The routes, over whoever implements `Planning`."""

    @routes.get("/export.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
    async def table(actor: _Staff, language: _Language = "en") -> Response:
        """Every open operation of the plan in force, one row each."""
        return _file(await context.get(Planning).export(actor.tenant, "csv", "", language), "csv")

    @routes.get("/export.ics", response_class=Response, responses={200: {"content": {"text/calendar": {}}}})
    async def calendar(
        actor: _Subscriber, resource: Annotated[str, Query(max_length=100)], language: _Language = "en"
    ) -> Response:
        """The open work of one equipment as a calendar, to subscribe to."""
        return _file(await context.get(Planning).export(actor.tenant, "ics", resource, language), "ics", resource)

    @routes.get("/export.xml", response_class=Response, responses={200: {"content": {"application/xml": {}}}})
    async def schedule(actor: _Staff, language: _Language = "en") -> Response:
        """The plan in force as an operations schedule of ISA-95 (B2MML)."""
        return _file(await context.get(Planning).export(actor.tenant, "xml", "", language), "xml")


def _file(found: Exported, form: ExportForm, of: str = "") -> Response:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in of)
    name = f"plan-{found.plan}{'-' + plain if plain else ''}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(found.text, media_type=f"{_MEDIA[form]}; charset=utf-8", headers=headers)
