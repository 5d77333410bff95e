"""A visit from a request: who (the access layer found out), in which language and theme, and what a page requires.

CSRF tokens of forms and htmx requests are checked by the access layer before a route is reached (`web.access`); here forms and
pages only get them. The one form without a session, signing in, is checked by where the browser says that it comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request, Response

from batchone.contracts.enterprises import Actor, Session
from batchone.contracts.sales import Sales
from batchone.kernel.errors import Forbidden, TryLater, Unauthenticated
from batchone.web.services import Web, web_of
from batchone.web.translations import accepted, best_language
from batchone.web.visit import Visit, theme_of

THEME_COOKIE = "batchone_theme"
LANGUAGE_COOKIE = "batchone_language"
_YEAR_S = 365 * 86400


def visit_of(request: Request) -> Visit:
    """Who visits, signed in or not."""
    web = web_of(request)
    actor: Actor | None = getattr(request.state, "actor", None)
    session: Session | None = getattr(request.state, "session", None)
    query = f"?{request.url.query}" if request.url.query else ""
    return Visit(
        tenant=actor.tenant if actor else web.services.tenant,
        actor=actor,
        csrf=session.csrf if session else "",
        language=_language(request),
        theme=theme_of(request.cookies.get(THEME_COOKIE), actor),
        path=request.url.path + query,
        now=web.services.clock.now(),
    )


def _language(request: Request) -> str:
    wished = [request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)]
    return best_language([*wished, *accepted(request.headers.get("accept-language", ""))])


async def with_news(request: Request) -> Visit:
    """Who visits and, where a customer asks for a whole page, how much news there is; none while sales is away."""
    visit = visit_of(request)
    whole = "text/html" in request.headers.get("accept", "") and "hx-request" not in request.headers
    if visit.actor is None or visit.actor.role != "customer" or not whole:
        return visit
    with suppress(TryLater):
        sales = web_of(request).services.get(Sales)
        return replace(visit, news=await sales.news(visit.tenant, visit.actor.party or visit.actor.person))
    return visit


AnyVisit = Annotated[Visit, Depends(with_news)]


def signed_in(visit: AnyVisit) -> Visit:
    """A visit by somebody who is signed in."""
    if visit.actor is None:
        raise Unauthenticated("web.sign_in", "Nobody is signed in.", "Sign in first.")
    return visit


SignedIn = Annotated[Visit, Depends(signed_in)]


def member(key: str) -> Callable[[Visit], Visit]:
    """A requirement: signed in, in a role that sees the page `key` of the menu."""

    def requirement(visit: SignedIn) -> Visit:
        if not visit.sees(key):
            raise Forbidden(
                "web.role", "Your role does not include this page.", "Go back, or sign in as somebody else.", page=key
            )
        return visit

    return requirement


def same_site(request: Request) -> None:
    """A requirement for the sign-in form: browsers say whether a form comes from this very site."""
    origin = request.headers.get("origin", "null")
    foreign = origin != "null" and urlsplit(origin).netloc != request.url.netloc
    if foreign or request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forbidden("web.cross_site", "This form came from another site.", "Open the sign-in page here.")


def actor_of(visit: Visit) -> Actor:
    """The actor of a visit that requires one."""
    if visit.actor is None:
        raise Unauthenticated("web.sign_in", "Nobody is signed in.", "Sign in first.")
    return visit.actor


def set_choice(response: Response, cookie: str, value: str, web: Web) -> None:
    """Remember a theme or language for a year."""
    response.set_cookie(cookie, value, max_age=_YEAR_S, httponly=True, samesite="lax", secure=web.settings.cookie_secure)


def safe_next(path: str | None) -> str:
    """A path of this site to go to next; anything else becomes the home page."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or any(ord(character) < 32 for character in path):
        return "/"
    return path


def sign_in_path(path: str) -> str:
    """The sign-in page that leads back to a path."""
    return f"/sign-in?next={quote(safe_next(path), safe='/')}"
