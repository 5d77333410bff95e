"""The made-up plant on a free port of this machine, served as in earnest, for browser tests and screenshots."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from tests.web.fakes import FakeServices

from batchone.web.app import create_app
from batchone.web.settings import WebSettings

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def serving(services: FakeServices, *, embed_origins: tuple[str, ...] = ()) -> Iterator[str]:
    """The address of the running pages."""
    settings = WebSettings(name="Batchone Works", time_zone="Asia/Shanghai", embed_origins=embed_origins)
    app = create_app(services, settings)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1, server_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
