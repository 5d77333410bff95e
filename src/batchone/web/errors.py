"""Errors as people see them: a designed page, a sentence beside the form that was refused, or a problem detail for programs."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from batchone.kernel.errors import BatchoneError, NotFound, Refused, TryLater, Unauthenticated
from batchone.kernel.http import problem
from batchone.web.services import web_of
from batchone.web.session import sign_in_path, visit_of


def is_page(request: Request) -> bool:
    """Whether a person's browser asked: a page or a part of one, not a program."""
    if request.url.path.startswith("/api/"):
        return False
    accepted = request.headers.get("accept", "*/*")
    return "hx-request" in request.headers or "text/html" in accepted or "*/*" in accepted


def answer(request: Request, error: BatchoneError) -> Response:
    """The right form of an error for whoever asked."""
    if not is_page(request):
        return problem(error)
    partial = "hx-request" in request.headers
    if isinstance(error, Unauthenticated):
        # A part of a page leads back to the first page: its own address shows no whole page.
        back = "/" if partial or request.method != "GET" else visit_of(request).path
        if partial:
            return Response(status_code=204, headers={"HX-Redirect": sign_in_path(back)})
        return RedirectResponse(sign_in_path(back), 303)
    return _shown(request, error, partial=partial)


def _shown(request: Request, error: BatchoneError, *, partial: bool) -> HTMLResponse:
    visit, renderer = visit_of(request), web_of(request).renderer
    if partial:
        headers = {"HX-Retarget": "#say", "HX-Reswap": "innerHTML", "HX-Push-Url": "false", "HX-Replace-Url": "false"}
        return renderer.page(visit, "_error_words.html", status=error.status, headers=headers, error=error)
    headers = {"Retry-After": f"{max(1, round(error.after_s))}"} if isinstance(error, TryLater) else {}
    return renderer.page(visit, "error.html", status=error.status, headers=headers, error=error)


def install(app: FastAPI) -> None:
    """Answer every error of the app."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, BatchoneError)
        return answer(request, error)

    async def unreadable(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        return answer(
            request, Refused("request.invalid", f"The request is not valid: {faults}.", "Correct it and send it again.")
        )

    async def other(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = NotFound if error.status_code == 404 else Refused
        response = answer(
            request, kind("request.http", f"{error.detail}.", "See that the address is right.", path=request.url.path)
        )
        response.status_code = error.status_code
        return response

    app.add_exception_handler(BatchoneError, ours)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.add_exception_handler(HTTPException, other)
