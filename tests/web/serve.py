"""The pages over a made-up plant, to look at: `python -m tests.web.serve [PORT]`, then sign in as ada, password ada."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from tests.web.fakes import FakeServices
from tests.web.world import make_world

from batchone.chain.design.model import compile_pack
from batchone.chain.design.packs import load_files, read_pack_files
from batchone.kernel.clock import ScaledClock
from batchone.web.app import create_app
from batchone.web.settings import WebSettings

PACKS = Path(__file__).parents[2] / "packs"
START = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def services(*, calm: bool = False, orders: int = 60) -> FakeServices:
    """The first pack's plant, in plant time that starts at a fixed moment and runs as fast as real time."""
    files = read_pack_files(sorted(path for path in PACKS.iterdir() if path.is_dir())[0])
    blueprint = compile_pack(load_files(files))
    clock = ScaledClock(1.0, time.time(), START.timestamp())
    return FakeServices(make_world(blueprint, clock.now(), calm=calm, orders=orders), clock, files)


if __name__ == "__main__":
    app = create_app(services(), WebSettings(name="Haidun Works", time_zone="Asia/Shanghai"))
    uvicorn.run(app, port=int(sys.argv[1]) if len(sys.argv) > 1 else 8123, timeout_graceful_shutdown=1, log_level="warning")
