"""Signing in and out, and how pages look (theme and language)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from batchone.contracts.enterprises import Enterprises
from batchone.kernel.errors import Refused, Unauthenticated
from batchone.web.access import SESSION_COOKIE, forget, remember
from batchone.web.services import Web, web_of
from batchone.web.session import (
    LANGUAGE_COOKIE,
    THEME_COOKIE,
    AnyVisit,
    SignedIn,
    safe_next,
    same_site,
    set_choice,
)
from batchone.web.translations import LANGUAGES

router = APIRouter()
ThisWeb = Annotated[Web, Depends(web_of)]


@router.get("/sign-in")
async def sign_in_form(visit: AnyVisit, web: ThisWeb, next: str = "/") -> Response:  # noqa: A002 - the address's own word
    """The form for a name and a password."""
    if visit.actor is not None:
        return RedirectResponse(safe_next(next), 303)
    return _form(visit, web, next)


def _form(visit: AnyVisit, web: Web, next_path: str, *, person: str = "", refused: Refused | None = None) -> HTMLResponse:
    status = refused.status if refused else 200
    return web.renderer.page(visit, "sign_in.html", status=status, next=safe_next(next_path), person=person, refused=refused)


@router.post("/sign-in", dependencies=[Depends(same_site)])
async def sign_in(
    visit: AnyVisit,
    web: ThisWeb,
    person: Annotated[str, Form()],
    password: Annotated[str, Form()],
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """Sign in; a wrong name or password shows the form again without saying which it was."""
    try:
        session = await web.services.get(Enterprises).sign_in(visit.tenant, person.strip(), password)
    except Unauthenticated as refused:
        return _form(visit, web, next, person=person, refused=refused)
    response = RedirectResponse(safe_next(next), 303)
    remember(response, session, secure=web.settings.cookie_secure)
    return response


@router.get("/sign-in/link/{secret}")
async def sign_in_by_link(secret: str, visit: AnyVisit, web: ThisWeb, next: str = "/") -> Response:  # noqa: A002
    """Sign in by a link that somebody was given, and go on to the page that it names."""
    try:
        session = await web.services.get(Enterprises).sign_in_by_link(secret)
    except Unauthenticated as refused:
        return _form(visit, web, "/", refused=refused)
    response = RedirectResponse(safe_next(next), 303)
    remember(response, session, secure=web.settings.cookie_secure)
    return response


@router.get("/sign-out")
async def sign_out_form(visit: SignedIn, web: ThisWeb) -> HTMLResponse:
    """Ask before signing out, so that a link alone ends nothing."""
    return web.renderer.page(visit, "sign_out.html")


@router.post("/sign-out")
async def sign_out(request: Request, web: ThisWeb) -> Response:
    """End the session."""
    await web.services.get(Enterprises).sign_out(request.cookies.get(SESSION_COOKIE, ""))
    response = RedirectResponse("/sign-in", 303)
    forget(response, secure=web.settings.cookie_secure)
    return response


@router.get("/look")
async def look(web: ThisWeb, theme: str = "", language: str = "", next: str = "/") -> Response:  # noqa: A002
    """Choose a theme or a language; nothing else changes, so a link may do it."""
    response = RedirectResponse(safe_next(next), 303)
    if theme in {"light", "dark"}:
        set_choice(response, THEME_COOKIE, theme, web)
    if language in LANGUAGES:
        set_choice(response, LANGUAGE_COOKIE, language, web)
    return response
