"""Errors as people see them: a designed page, a sentence beside the form that was refused, or a problem detail for programs."""

from __future__ import annotations

from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from batchone.kernel.errors import BatchoneError, NotFound, Refused, TryLater, Unauthenticated
from batchone.kernel.http import problem
from batchone.web.services import web_of
from batchone.web.session import sign_in_path, visit_of
from batchone.web.visit import Visit


def is_page(request: Request) -> bool:
    """Whether a person's browser asked: a page or a part of one, not a program."""
    if request.url.path.startswith("/api/"):
        return False
    return "hx-request" in request.headers or "text/html" in request.headers.get("accept", "")


async def answer(request: Request, error: BatchoneError) -> Response:
    """The right form of an error for whoever asked."""
    if not is_page(request):
        return problem(error)
    visit: Visit | None = getattr(request.state, "visit", None) or await visit_of(request, web_of(request))
    partial = "hx-request" in request.headers
    if isinstance(error, Unauthenticated) and not request.url.path.startswith("/sign-in"):
        target = sign_in_path(visit.path if visit and request.method == "GET" and not partial else "/")
        if partial:
            return Response(status_code=204, headers={"HX-Redirect": target})
        return RedirectResponse(target, 303)
    return _shown(request, error, cast(Visit, visit), partial=partial)


def _shown(request: Request, error: BatchoneError, visit: Visit, *, partial: bool) -> HTMLResponse:
    renderer = web_of(request).renderer
    if partial:
        headers = {"HX-Retarget": "#say", "HX-Reswap": "innerHTML", "HX-Push-Url": "false"}
        return renderer.page(visit, "_refusal.html", status=error.status, headers=headers, error=error)
    headers = {"Retry-After": f"{max(1, round(error.after_s))}"} if isinstance(error, TryLater) else {}
    return renderer.page(visit, "error.html", status=error.status, headers=headers, error=error)


def install(app: FastAPI) -> None:
    """Answer every error of the app."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, BatchoneError)
        return await answer(request, error)

    async def unreadable(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        return await answer(request, Refused("request.invalid", f"The request is not valid: {faults}.", "Correct it and send it again."))

    async def other(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = NotFound if error.status_code == 404 else Refused
        refused = kind("request.http", str(error.detail), "See that the address is right.", path=request.url.path)
        response = await answer(request, refused)
        response.status_code = error.status_code if response.status_code != 303 else 303
        return response

    app.add_exception_handler(BatchoneError, ours)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.add_exception_handler(HTTPException, other)
