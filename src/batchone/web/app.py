"""The web application: the pages, the domains' own routes, static files, errors, compression and security headers."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, FastAPI
from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchone.contracts.design import Design
from batchone.contracts.enterprises import Enterprises
from batchone.contracts.sales import Sales
from batchone.web import errors
from batchone.web.access import AccessMiddleware
from batchone.web.books import Books
from batchone.web.briefs import Briefs
from batchone.web.live import LiveHub
from batchone.web.pages import (
    alarms,
    call_offs,
    certificates,
    connect,
    connecting,
    embed,
    entrance,
    fleet,
    home,
    line,
    machine,
    my_order,
    orders,
    plan,
    plan_by_hand,
    plan_diff,
    quarantine,
    rules,
    saved,
    shop,
    trend,
)
from batchone.web.render import Renderer
from batchone.web.services import Services, Web
from batchone.web.settings import WebSettings
from batchone.web.static_files import STATIC, Assets, OwnFiles, VersionedFiles

PAGES = (
    entrance, home, shop, saved, rules, embed, my_order, line, fleet, machine, trend, alarms, plan, plan_diff, plan_by_hand,
    orders, call_offs, connect, connecting, quarantine, certificates,
)  # fmt: skip
_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds the same security headers to every answer; a raw ASGI layer, so that event streams pass through unbuffered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, with the headers on the answer's start."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def create_app(services: Services, settings: WebSettings | None = None, routers: Iterable[APIRouter] = ()) -> FastAPI:
    """The application over `services`, with the domains' `routers` beside the pages.

    `Broken` when the vendored files have not been built.
    """
    settings = settings or WebSettings()
    static = settings.assets or STATIC
    assets = Assets(static)
    app = FastAPI(title=settings.name, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.state.web = Web(
        services=services,
        settings=settings,
        renderer=Renderer(assets, settings.zone, settings.name),
        hub=LiveHub(),
        books=Books(lambda: services.get(Design)),
        briefs=Briefs(lambda: services.get(Sales)),
    )
    errors.install(app)
    app.add_middleware(
        AccessMiddleware,
        get_enterprises=lambda: services.get(Enterprises),
        unseen=("/static/", "/embed/"),
        answer=errors.answer,
    )
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(SecurityHeaders)
    app.mount("/static/vendor", _folder(assets), name="vendor")
    app.mount("/static/own", OwnFiles(static), name="own")
    for page in PAGES:
        app.include_router(page.router, include_in_schema=False)
    for router in routers:
        app.include_router(router)
    return app


def _folder(assets: Assets) -> VersionedFiles:
    return VersionedFiles(assets.vendor_dir.parent)
