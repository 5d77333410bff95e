"""The web as a module: it requires every domain's protocols, provides none, and serves the pages until told to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from batchone.contracts.alarms import Alarms
from batchone.contracts.authoring import Authoring
from batchone.contracts.by_hand import PlanningByHand
from batchone.contracts.certificates import Certificates
from batchone.contracts.choosing import Choosing
from batchone.contracts.design import Design
from batchone.contracts.enterprises import Enterprises
from batchone.contracts.logistics import Logistics
from batchone.contracts.machines import Connect, History, Retention, Twin
from batchone.contracts.planning import Planning
from batchone.contracts.production import Production
from batchone.contracts.quarantine import Quarantines
from batchone.contracts.sales import Sales
from batchone.contracts.sources import Sources
from batchone.contracts.sourcing import Sourcing
from batchone.contracts.things import Things
from batchone.kernel.errors import TryLater
from batchone.kernel.module import Context, Module, Running
from batchone.web.app import create_app
from batchone.web.services import web_of_app
from batchone.web.settings import WebSettings

REQUIRED = (
    Enterprises, Design, Choosing, Authoring, Sales, Sourcing, Planning, PlanningByHand, Production, Logistics, Connect,
    Sources, Certificates, Quarantines, History, Retention, Twin, Things, Alarms,
)  # fmt: skip
_GRACE_S = 2
"""Open event streams never end by themselves; a server that waited for them would never stop."""


async def _build(context: Context, settings: WebSettings) -> Running:
    app = create_app(context, settings, context.routers)
    return Running(work={"pages": lambda: serve(app, settings)})


async def serve(app: FastAPI, settings: WebSettings) -> None:
    """Serve until cancelled; `TryLater` while the port belongs to somebody else."""
    config = uvicorn.Config(
        app, timeout_graceful_shutdown=_GRACE_S, log_config=None, access_log=False, server_header=False, lifespan="off",
        ssl_certfile=settings.tls_certificate, ssl_keyfile=settings.tls_key, proxy_headers=settings.behind_proxy,
    )  # fmt: skip
    server = _Server(config)
    with _listening(settings.host, settings.port) as listening:
        running = asyncio.create_task(server.serve([listening]))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            server.should_exit = True
            await web_of_app(app).hub.close()
            await running
            raise


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=512)
    except OSError as error:
        raise TryLater(
            "web.port",
            f"The pages cannot be served at {host}:{port}: {error.strerror or error}.",
            "Free the port or set another one.",
        ) from error


class _Server(uvicorn.Server):
    """A server that leaves signals to the process, which stops all its modules together."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


MODULE = Module(name="web", build=_build, settings=WebSettings, requires=REQUIRED)
