"""Who makes a request: the layer that turns a session cookie or an API token into `request.state.actor`.

It refuses what a browser was tricked into: a request that changes something and carries a session's cookie must also carry
the session's CSRF token, which only our own pages know. A request with a bearer token needs none, since no page of another
site can add that header; one that only reads may give the token as the password of HTTP Basic. It is plain ASGI, so answers
stream through it untouched.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchone.contracts.enterprises import Actor, Enterprises, Session
from batchone.kernel.errors import BatchoneError, Forbidden, Refused, Unauthenticated
from batchone.kernel.http import problem

SESSION_COOKIE = "batchone_session"
CSRF_HEADER, CSRF_FIELD = "X-CSRF-Token", "csrf"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_FORM_BYTES_MAX = 5 * 1024**2  # a customer's picture of 4 MB and what surrounds it

Answer = Callable[[Request, BatchoneError], Response]


class AccessMiddleware:
    """Sets `request.state.actor` (an `Actor` or None) and `request.state.session` (a `Session` or None).

    A cookie of a session that is over counts as no cookie: public pages still show, and routes that need somebody refuse. A
    bearer token that is not valid is refused at once. Paths that begin with one of `unseen` are passed on without a look.
    `answer` makes the refusals of this layer, problem details unless told otherwise.
    """

    def __init__(
        self, app: ASGIApp, get_enterprises: Callable[[], Enterprises], *, unseen: tuple[str, ...] = ("/static/",),
        answer: Answer = lambda _, error: problem(error),
    ) -> None:  # fmt: skip
        self._app = app
        self._get_enterprises = get_enterprises
        self._unseen = unseen
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who asks, then pass the request on or refuse it."""
        if scope["type"] != "http":
            await self._app(_known(scope, None, None) if scope["type"] == "websocket" else scope, receive, send)
            return
        request = Request(scope, receive)
        if request.url.path.startswith(self._unseen):
            await self._app(_known(scope, None, None), receive, send)
            return
        try:
            actor, session = await self._who(request)
            if session is not None and request.method not in _SAFE:
                receive = await _prove_origin(request, session, receive)
        except BatchoneError as error:
            await self._answer(Request(_known(scope, None, None), receive), error)(scope, receive, send)
            return
        await self._app(_known(scope, actor, session), receive, send)

    async def _who(self, request: Request) -> tuple[Actor | None, Session | None]:
        authorization = request.headers.get("authorization")
        if authorization is not None:
            kind, _, secret = authorization.partition(" ")
            if kind.lower() == "basic" and request.method in _SAFE:
                kind, secret = "bearer", _password(secret)
            # Telegraf and other writers of line protocol say Token, as InfluxDB taught them.
            if kind.lower() not in ("bearer", "token") or not secret.strip():
                raise Unauthenticated(
                    "access.scheme", "This way to authenticate is not known.", "Send `Authorization: Bearer ` and an API token."
                )
            return await self._get_enterprises().actor_of_token(secret.strip()), None
        secret = request.cookies.get(SESSION_COOKIE, "")
        if not secret:
            return None, None
        try:
            session = await self._get_enterprises().session(secret)
        except Unauthenticated:
            return None, None
        return session.actor, session


def _password(credentials: str) -> str:
    """The password of HTTP Basic; empty if there is none. Calendars that subscribe to something know no other way: they read
    with an API token as the password. A browser would send it along unasked, so nothing is changed with it."""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def remember(response: Response, session: Session, *, secure: bool) -> None:
    """Give the browser a session's cookie, out of reach of scripts and of forms on other sites.

    It has no date: the browser forgets it when it closes, the enterprise when the session ends. `secure` is for pages behind
    TLS; the cookie is then never sent without it.
    """
    response.set_cookie(SESSION_COOKIE, session.secret, path="/", httponly=True, samesite="lax", secure=secure)


def forget(response: Response, *, secure: bool) -> None:
    """Take the session's cookie back."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="lax", secure=secure)


def _known(scope: Scope, actor: Actor | None, session: Session | None) -> Scope:
    return {**scope, "state": {**scope.get("state", {}), "actor": actor, "session": session}}


async def _prove_origin(request: Request, session: Session, receive: Receive) -> Receive:
    """Check the CSRF token; what the application then receives is the same request, also where its form had to be read."""
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.headers.get("content-type", "").lower().startswith(_FORMS):
        body = await _read(receive)
        given = await _field(request.scope, body)
        receive = _again(body, receive)
    if given is None or not hmac.compare_digest(given.encode("utf-8", "replace"), session.csrf.encode()):
        raise Forbidden(
            "access.csrf",
            "The request does not carry the token of your session.",
            f"Load the page again and repeat it; programs send the header {CSRF_HEADER} or use an API token.",
        )
    return receive


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused("access.gone", "The request ended before it was whole.", "Send it again.")
        body += message.get("body", b"")
        if len(body) > _FORM_BYTES_MAX:
            raise Refused(
                "access.form_size",
                f"The form is larger than {_FORM_BYTES_MAX} bytes.",
                f"Send the session's token in the header {CSRF_HEADER}, so that the form need not be read for it.",
            )
        if not message.get("more_body", False):
            return bytes(body)


async def _field(scope: Scope, body: bytes) -> str | None:
    try:
        async with Request(scope, _again(body, _nothing)).form() as form:
            value = form.get(CSRF_FIELD)
    except (HTTPException, MultiPartException) as error:
        raise Refused("access.form", f"The form cannot be read: {error}.", "Send it as a browser does.") from error
    return value if isinstance(value, str) else None


def _again(body: bytes, rest: Receive) -> Receive:
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            return await rest()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
