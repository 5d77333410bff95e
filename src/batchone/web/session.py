"""Signing in as the pages see it: the cookie, who visits, what a page or a form requires.

The enterprises domain keeps sessions; here is only its glue. A form or htmx request that changes something carries the
session's CSRF token, in the field `csrf` or in the header `X-CSRF-Token`, and is refused without it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request, Response

from batchone.contracts.enterprises import Actor, Enterprises, Session
from batchone.kernel.errors import Forbidden, Unauthenticated
from batchone.web.services import Web, web_of
from batchone.web.translations import accepted, best_language
from batchone.web.visit import Visit, theme_of

SESSION_COOKIE = "batchone_session"
THEME_COOKIE = "batchone_theme"
LANGUAGE_COOKIE = "batchone_language"
_YEAR_S = 365 * 86400


async def _session(request: Request, web: Web) -> Session | None:
    secret = request.cookies.get(SESSION_COOKIE)
    if not secret:
        return None
    try:
        return await web.services.get(Enterprises).session(secret)
    except Unauthenticated:
        return None


def _language(request: Request) -> str:
    wished = [request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)]
    return best_language([*wished, *accepted(request.headers.get("accept-language", ""))])


async def visit_of(request: Request, web: Annotated[Web, Depends(web_of)]) -> Visit:
    """Who visits, signed in or not; kept on the request so that an error page looks like the page it replaces."""
    session = await _session(request, web)
    actor = session.actor if session else None
    query = f"?{request.url.query}" if request.url.query else ""
    visit = Visit(
        tenant=actor.tenant if actor else web.services.tenant,
        actor=actor,
        csrf=session.csrf if session else "",
        language=_language(request),
        theme=theme_of(request.cookies.get(THEME_COOKIE), actor),
        path=request.url.path + query,
        now=web.services.clock.now(),
    )
    request.state.visit = visit
    return visit


AnyVisit = Annotated[Visit, Depends(visit_of)]


def signed_in(visit: AnyVisit) -> Visit:
    """A visit by somebody who is signed in."""
    if visit.actor is None:
        raise Unauthenticated("web.sign-in", "Nobody is signed in.", "Sign in first.")
    return visit


def member(key: str) -> Callable[[Visit], Visit]:
    """A requirement: signed in, in a role that sees the page `key` of the menu."""

    def requirement(visit: Annotated[Visit, Depends(signed_in)]) -> Visit:
        if not visit.sees(key):
            raise Forbidden("web.role", "Your role does not include this page.", "Go back, or sign in as somebody else.", page=key)
        return visit

    return requirement


async def posted(request: Request, visit: Annotated[Visit, Depends(signed_in)]) -> None:
    """A requirement: the request that changes something comes from one of our own pages."""
    token = request.headers.get("x-csrf-token")
    if token is None:
        field = (await request.form()).get("csrf")
        token = field if isinstance(field, str) else ""
    if not visit.csrf or not hmac.compare_digest(token.encode(), visit.csrf.encode()):
        raise Forbidden("web.csrf", "This form is out of date.", "Open the page again and repeat it.")


def same_site(request: Request) -> None:
    """A requirement for the sign-in form, which has no session yet: browsers say that it comes from ourselves."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Forbidden("web.cross-site", "This form came from another site.", "Open the sign-in page here.")
    origin = request.headers.get("origin")
    if origin is not None and origin != "null" and urlsplit(origin).netloc != request.url.netloc:
        raise Forbidden("web.cross-site", "This form came from another site.", "Open the sign-in page here.")


SignedIn = Annotated[Visit, Depends(signed_in)]
Posted = Depends(posted)


def actor_of(visit: Visit) -> Actor:
    """The actor of a visit that requires one."""
    if visit.actor is None:
        raise Unauthenticated("web.sign-in", "Nobody is signed in.", "Sign in first.")
    return visit.actor


def set_session(response: Response, session: Session, web: Web) -> None:
    """Give the browser the session's secret, out of reach of scripts, for as long as it runs.

    The session's end is in plant time, which may run faster than the browser's clock, so only the server tells it.
    """
    response.set_cookie(SESSION_COOKIE, session.secret, httponly=True, samesite="lax", secure=web.settings.cookie_secure)


def set_choice(response: Response, cookie: str, value: str, web: Web) -> None:
    """Remember a theme or language for a year."""
    response.set_cookie(cookie, value, max_age=_YEAR_S, httponly=True, samesite="lax", secure=web.settings.cookie_secure, path="/")


def safe_next(path: str | None) -> str:
    """A path of this site to go to next; anything else becomes the home page."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or any(ord(character) < 32 for character in path):
        return "/"
    return path


def sign_in_path(path: str) -> str:
    """The sign-in page that leads back to a path."""
    return f"/sign-in?next={quote(safe_next(path), safe='/')}"
