"""The web as a module: it requires every domain's protocols, provides none, and serves the pages until told to stop."""

from __future__ import annotations

import uvicorn

from batchone.contracts.design import Design
from batchone.contracts.enterprises import Enterprises
from batchone.contracts.logistics import Logistics
from batchone.contracts.machines import Alarms, Connect, History, Twin
from batchone.contracts.planning import Planning
from batchone.contracts.production import Production
from batchone.contracts.sales import Sales
from batchone.contracts.sourcing import Sourcing
from batchone.kernel.module import Context, Module, Running
from batchone.web.app import create_app
from batchone.web.settings import WebSettings

REQUIRED = (Enterprises, Design, Sales, Sourcing, Planning, Production, Logistics, Connect, History, Twin, Alarms)
_GRACE_S = 2
"""Open event streams never end by themselves; a server that waited for them would never stop."""


async def _build(context: Context, settings: WebSettings) -> Running:
    app = create_app(context, settings, context.routers)
    config = uvicorn.Config(
        app, host=settings.host, port=settings.port, timeout_graceful_shutdown=_GRACE_S, log_level="warning", access_log=False,
        server_header=False,
    )  # fmt: skip

    async def serve() -> None:
        # The process's own signal handlers stop all modules together; uvicorn must not take the signals for itself.
        server = _Server(config)
        try:
            await server.serve()
        finally:
            server.should_exit = True

    return Running(work={"pages": serve})


class _Server(uvicorn.Server):
    """A server that leaves signals alone."""

    def install_signal_handlers(self) -> None:
        """Nothing: the process has its own."""


MODULE = Module(name="web", build=_build, settings=WebSettings, requires=REQUIRED)
