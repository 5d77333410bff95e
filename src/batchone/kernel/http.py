"""The HTTP border: errors as RFC 9457 problem details, and the idempotency key."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from batchone.kernel.errors import BatchoneError, Broken, Refused, TryLater, Unauthenticated

PROBLEM = "application/problem+json"


def problem(error: BatchoneError, status: int | None = None) -> JSONResponse:
    """An error as a problem detail: `type` is its code, `detail` what is wrong, `cure` what to do, `errors` each of the things
    that are wrong where they are many."""
    body: dict[str, object] = {
        "type": f"urn:batchone:problem:{error.code}", "title": type(error).__name__, "status": status or error.status,
        "detail": error.what, "cure": error.cure,
    }  # fmt: skip
    body.update({key: value for key, value in error.where.items() if key not in body})
    if error.errors:
        body["errors"] = [dict(each) for each in error.errors]
    headers = {}
    if isinstance(error, TryLater):
        headers["Retry-After"] = f"{max(1, round(error.after_s))}"
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, status or error.status, headers, media_type=PROBLEM)


def install_problems(app: FastAPI) -> None:
    """Answer every error of `app` as a problem detail."""

    async def ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, BatchoneError)
        return problem(error)

    async def unreadable(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        faults = "; ".join(f"{'.'.join(str(p) for p in f['loc'])}: {f['msg']}" for f in error.errors())
        return problem(
            Refused("request.invalid", f"The request is not valid: {faults}.", "Correct it; see /docs for its shape.")
        )

    async def other(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        refused = Refused("request.http", str(error.detail), "See /docs for what there is.")
        response = problem(refused, error.status_code)
        response.headers.update(error.headers or {})
        return response

    async def unexpected(_: Request, __: Exception) -> JSONResponse:
        # The server logs it with its trace; what it was is nobody's business outside.
        return problem(Broken("request.failed", "The request failed inside the platform.", "Try it again, or read its log."))

    app.add_exception_handler(BatchoneError, ours)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.add_exception_handler(HTTPException, other)
    app.add_exception_handler(Exception, unexpected)


def idempotency_key(idempotency_key: Annotated[str | None, Header(max_length=200)] = None) -> str:
    """The request's `Idempotency-Key`; what changes the world is refused without one."""
    if not idempotency_key or not idempotency_key.strip():
        raise Refused(
            "request.no_key", "This request needs an Idempotency-Key header.",
            "Send one new key for each intention, and the same key when you repeat it.",
        )  # fmt: skip
    return idempotency_key.strip()


def optional_key(idempotency_key: Annotated[str | None, Header(max_length=200)] = None) -> str:
    """The request's `Idempotency-Key`, where repeating does no harm but need not be done twice; empty if there is none."""
    return (idempotency_key or "").strip()
