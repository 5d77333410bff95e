"""Cookies, tokens and forms at the border of the web."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Annotated, cast

import httpx
import pytest
from fastapi import Depends, FastAPI, Form, Request, Response, UploadFile
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from batchone.contracts.access import allow
from batchone.contracts.enterprises import Actor, Enterprises, Session
from batchone.kernel.errors import TryLater, Unauthenticated
from batchone.kernel.http import install_problems
from batchone.web.access import AccessMiddleware, forget, remember

ANA = Actor("t", "ana", "Ana", "planner")
SESSION = Session("s" * 43, "c" * 43, ANA, datetime(2026, 1, 1, tzinfo=UTC))
TOKEN = "bo_" + "t" * 43


class OneSession:
    """Knows one session and one token."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    async def session(self, secret: str) -> Session:
        self.asked += 1
        if self.away:
            raise TryLater("database.away", "PostgreSQL does not answer.")
        if secret != SESSION.secret:
            raise Unauthenticated("access.session", "This session is over.", "Sign in again.")
        return SESSION

    async def actor_of_token(self, secret: str) -> Actor:
        if secret != TOKEN:
            raise Unauthenticated("access.token", "This API token is not valid.", "Issue a new one.")
        return Actor("t", "ana", "Ana", "planner", via="token")


@pytest.fixture
def enterprises() -> OneSession:
    return OneSession()


@pytest.fixture
def app(enterprises: OneSession) -> FastAPI:
    app = FastAPI()
    install_problems(app)
    app.add_middleware(AccessMiddleware, get_enterprises=lambda: cast(Enterprises, enterprises))

    @app.get("/who")
    @app.get("/static/who")
    async def who(request: Request) -> dict[str, str | None]:
        actor, session = request.state.actor, request.state.session
        return {"actor": actor and f"{actor.person} by {actor.via}", "csrf": session and session.csrf}

    @app.post("/sign-in")
    async def sign_in(response: Response, person: Annotated[str, Form()]) -> str:
        remember(response, SESSION, secure=False)
        return person

    @app.api_route("/change", methods=["POST", "PUT", "PATCH", "DELETE"])
    async def change(request: Request, actor: Annotated[Actor, Depends(allow())]) -> dict[str, str]:
        return {"by": actor.person, "body": (await request.body()).decode("latin-1")}

    @app.post("/form")
    async def form(thing: Annotated[str, Form()], csrf: Annotated[str, Form()]) -> str:
        return f"{thing} {csrf}"

    @app.post("/upload")
    async def upload(drawing: UploadFile) -> int:
        return len(await drawing.read())

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://plant") as client:
        yield client


@pytest.fixture
def signed_in(client: httpx.AsyncClient) -> httpx.AsyncClient:
    client.cookies.set("batchone_session", SESSION.secret)
    return client


async def test_without_a_credential_nobody_asks(client: httpx.AsyncClient, enterprises: OneSession) -> None:
    assert (await client.get("/who")).json() == {"actor": None, "csrf": None}
    assert enterprises.asked == 0


async def test_a_cookie_gives_the_actor_and_the_session(signed_in: httpx.AsyncClient) -> None:
    assert (await signed_in.get("/who")).json() == {"actor": "ana by session", "csrf": SESSION.csrf}


@pytest.mark.parametrize("secret", ["over", "x" * 4000, "%00", "a b"])
async def test_a_cookie_of_no_session_counts_as_none(client: httpx.AsyncClient, secret: str) -> None:
    client.cookies.set("batchone_session", secret)
    assert (await client.get("/who")).json() == {"actor": None, "csrf": None}
    assert (await client.post("/change")).status_code == 401
    assert (await client.post("/sign-in", data={"person": "ana"})).status_code == 200


async def test_a_bearer_token_gives_the_actor_and_needs_no_csrf_token(client: httpx.AsyncClient) -> None:
    client.headers["Authorization"] = f"bearer {TOKEN}"
    assert (await client.get("/who")).json() == {"actor": "ana by token", "csrf": None}
    assert (await client.post("/change", content=b"x")).json() == {"by": "ana", "body": "x"}


def basic(words: str) -> str:
    return "Basic " + base64.b64encode(words.encode()).decode()


async def test_a_calendar_reads_with_a_token_as_its_password_and_changes_nothing(client: httpx.AsyncClient) -> None:
    client.headers["Authorization"] = basic(f"anybody:{TOKEN}")
    assert (await client.get("/who")).json() == {"actor": "ana by token", "csrf": None}
    refused = await client.post("/change", content=b"x")
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:batchone:problem:access.scheme")


@pytest.mark.parametrize("words", ["anybody:bo_wrong", "anybody:", TOKEN, ""])
async def test_a_wrong_password_is_refused(client: httpx.AsyncClient, words: str) -> None:
    assert (await client.get("/who", headers={"Authorization": basic(words)})).status_code == 401


async def test_a_token_goes_before_a_cookie(signed_in: httpx.AsyncClient) -> None:
    answer = await signed_in.get("/who", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.json()["actor"] == "ana by token"


@pytest.mark.parametrize("authorization", ["Bearer bo_wrong", "Bearer ", "Bearer", "Basic YTpi", "", "ü"])
async def test_a_bad_token_is_refused_even_with_a_good_cookie(signed_in: httpx.AsyncClient, authorization: str) -> None:
    answer = await signed_in.get("/who", headers={b"Authorization": authorization.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_change_by_cookie_needs_the_sessions_token(signed_in: httpx.AsyncClient, method: str) -> None:
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": SESSION.csrf + " x"}):
        answer = await signed_in.request(method, "/change", headers=headers)
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:batchone:problem:access.csrf"
    right = await signed_in.request(method, "/change", content=b"body", headers={"X-CSRF-Token": SESSION.csrf})
    assert right.json() == {"by": "ana", "body": "body"}


async def test_the_token_does_not_count_in_the_address_or_in_json(signed_in: httpx.AsyncClient) -> None:
    assert (await signed_in.post("/change", params={"csrf": SESSION.csrf})).status_code == 403
    assert (await signed_in.post("/change", json={"csrf": SESSION.csrf})).status_code == 403


async def test_a_form_may_carry_the_token_and_reaches_the_route_whole(signed_in: httpx.AsyncClient) -> None:
    answer = await signed_in.post("/form", data={"thing": "价 & =", "csrf": SESSION.csrf})
    assert answer.json() == f"价 & = {SESSION.csrf}"
    for csrf in ("", "wrong", "ü"):
        assert (await signed_in.post("/form", data={"thing": "x", "csrf": csrf})).status_code == 403
    assert (await signed_in.post("/form", data={"thing": "x"})).status_code == 403


async def test_a_form_of_parts_may_carry_the_token_and_its_files_arrive(signed_in: httpx.AsyncClient) -> None:
    drawing = b"\x00\xff" * 50_000
    answer = await signed_in.post("/upload", files={"drawing": ("a.svg", drawing)}, data={"csrf": SESSION.csrf})
    assert answer.json() == len(drawing)
    as_file = {"drawing": ("a.svg", b"x"), "csrf": ("c.txt", SESSION.csrf.encode())}
    assert (await signed_in.post("/upload", files=as_file)).status_code == 403


async def test_a_right_field_does_not_heal_a_wrong_header(signed_in: httpx.AsyncClient) -> None:
    answer = await signed_in.post("/form", data={"thing": "x", "csrf": SESSION.csrf}, headers={"X-CSRF-Token": "wrong"})
    assert answer.status_code == 403


async def test_a_form_too_large_to_look_into_says_how_to_send_it(signed_in: httpx.AsyncClient) -> None:
    large = {"drawing": ("a.svg", b"x" * 5_300_000)}
    answer = await signed_in.post("/upload", files=large, data={"csrf": SESSION.csrf})
    assert answer.status_code == 422
    assert "X-CSRF-Token" in answer.json()["cure"]
    answer = await signed_in.post("/upload", files=large, headers={"X-CSRF-Token": SESSION.csrf})
    assert answer.json() == 5_300_000


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
async def test_a_form_that_cannot_be_read_is_refused(signed_in: httpx.AsyncClient, kind: str) -> None:
    answer = await signed_in.post("/form", content=b"--y\r\n\xff\x00 garbage", headers={"Content-Type": kind})
    assert answer.status_code in {403, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_static_files_are_served_without_asking_who(signed_in: httpx.AsyncClient, enterprises: OneSession) -> None:
    assert (await signed_in.get("/static/who")).json() == {"actor": None, "csrf": None}
    assert enterprises.asked == 0


async def test_when_nobody_can_be_known_at_the_moment_the_answer_is_to_try_later(
    signed_in: httpx.AsyncClient, enterprises: OneSession
) -> None:
    enterprises.away = True
    answer = await signed_in.get("/who")
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


async def test_refusals_may_be_answered_in_another_form(enterprises: OneSession) -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("the request was refused before")

    layer = AccessMiddleware(
        app, lambda: cast(Enterprises, enterprises),
        answer=lambda request, error: Response(f"{request.url.path} {request.state.actor} {error.code}", 418),
    )  # fmt: skip
    async with httpx.AsyncClient(transport=httpx.ASGITransport(layer), base_url="http://plant") as client:
        client.cookies.set("batchone_session", SESSION.secret)
        answer = await client.post("/x")
    assert (answer.status_code, answer.text) == (418, "/x None access.csrf")


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: httpx.AsyncClient) -> None:
    answer = await client.post("/sign-in", data={"person": "ana"})
    cookie = answer.headers["set-cookie"]
    assert cookie == f"batchone_session={SESSION.secret}; HttpOnly; Path=/; SameSite=lax"
    assert (await client.get("/who")).json()["actor"] == "ana by session"


def test_behind_tls_the_cookie_is_sent_over_tls_only() -> None:
    response = Response()
    remember(response, SESSION, secure=True)
    forget(response, secure=True)
    given, taken = [value.decode() for name, value in response.raw_headers if name == b"set-cookie"]
    assert given.endswith("; Secure")
    assert taken.startswith('batchone_session=""; ')
    assert "Max-Age=0" in taken


async def test_a_stream_passes_piece_by_piece_and_hears_that_the_browser_left(enterprises: OneSession) -> None:
    sent: list[bytes] = []
    go = asyncio.Event()
    left = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await go.wait()
            yield b"second"
            await asyncio.sleep(60)
        finally:
            left.set()

    app = FastAPI()

    @app.post("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(endless())

    layer = AccessMiddleware(app, lambda: cast(Enterprises, enterprises))
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    form = f"csrf={SESSION.csrf}".encode()
    for part in (form[:7], form[7:]):
        inbox.put_nowait({"type": "http.request", "body": part, "more_body": part == form[:7]})

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            sent.append(message["body"])

    scope = {
        "type": "http", "method": "POST", "path": "/stream", "raw_path": b"/stream", "query_string": b"", "root_path": "",
        "scheme": "http", "server": ("plant", 80), "client": ("somebody", 1), "http_version": "1.1", "asgi": {"version": "3.0"},
        "headers": [
            (b"cookie", f"batchone_session={SESSION.secret}".encode()),
            (b"content-type", b"application/x-www-form-urlencoded"),
        ],
    }  # fmt: skip
    running = asyncio.create_task(layer(scope, inbox.get, send))
    await until(lambda: sent == [b"first"])
    go.set()
    await until(lambda: sent == [b"first", b"second"])
    inbox.put_nowait({"type": "http.disconnect"})
    async with asyncio.timeout(5):
        await left.wait()
        await running


async def test_what_is_no_request_is_not_asked_who_it_is(enterprises: OneSession) -> None:
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def never() -> Message:
        raise AssertionError

    async def nowhere(_: Message) -> None:
        raise AssertionError

    layer = AccessMiddleware(app, lambda: cast(Enterprises, enterprises))
    lifespan: Scope = {"type": "lifespan", "state": {}}
    await layer(lifespan, never, nowhere)
    assert seen.pop() is lifespan, "the application leaves its own state there"
    await layer({"type": "websocket", "headers": [(b"cookie", b"batchone_session=" + b"s" * 43)]}, never, nowhere)
    assert seen.pop()["state"] == {"actor": None, "session": None}, "a cookie alone must not open a socket from another site"
    assert enterprises.asked == 0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)
