"""A deployment as a whole: engines and processes as our children, watched, restarted, and stopped in order."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from batchone.kernel.clock import ScaledClock
from batchone.kernel.deploy import EMBEDDED, Deploy, Engines
from batchone.kernel.engines.child import Child, answers
from batchone.kernel.engines.nats import LeafOf, Nats, TakesLeaves, made_secret
from batchone.kernel.engines.postgres import Postgres
from batchone.kernel.engines.revival import Revival
from batchone.kernel.errors import Refused
from batchone.kernel.home import Running

_log = structlog.get_logger(__name__)
_WATCH_S = 0.2
_THRIFTY = {"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""How a process asks for memory, unless its surroundings say otherwise: the defaults keep what a large merge needed once in
every thread's arena, which doubled the historian's resident memory, for a twentieth of its processor time."""

Progress = Callable[[str], None]


class Deployment:
    """Starts what a deploy file says over a home folder."""

    def __init__(self, deploy: Deploy, home: Path, progress: Progress = lambda _: None) -> None:
        self.deploy = deploy
        self.home = home
        self._progress = progress
        self.postgres = Postgres(home / "postgres") if deploy.engines.postgres == EMBEDDED else None
        self.nats = Nats(home / "nats", leaves=_leaves(deploy.engines, home)) if deploy.engines.nats == EMBEDDED else None
        self.children: dict[str, Child] = {}
        self._watcher: asyncio.Task[None] | None = None
        self._revival = Revival()

    @property
    def web_port(self) -> int:
        """Where the pages answer."""
        return int(self.deploy.settings_of("web").get("port", 8080))

    @property
    def has_pages(self) -> bool:
        """Whether pages are served here; an edge serves none."""
        return any("web" in modules for modules in self.deploy.processes.values())

    @property
    def note(self) -> Running:
        """Where everything answers."""
        engines = self.deploy.engines
        host = str(self.deploy.settings_of("web").get("host", "127.0.0.1"))
        return Running(
            deploy=self.deploy.name,
            postgres=self.postgres.url if self.postgres else engines.postgres,
            nats=self.nats.url if self.nats else engines.nats,
            mqtt=engines.mqtt or (self.nats.mqtt_url if self.nats else ""),
            web=f"http://{host}:{self.web_port}" if self.has_pages else "",
            clock=str(self.clock_file) if self.clock_file.exists() else "",
            supervisor=os.getpid(),
        )

    @property
    def clock_file(self) -> Path:
        """The clock that the platform shares with an emulated plant; absent in a plant that runs in real time."""
        return self.home / "clock.json"

    def start_engines(self) -> None:
        """Start the engines and leave the note of where they answer."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._set_clock()
        for name, engine in (("PostgreSQL", self.postgres), ("NATS", self.nats)):
            if engine is not None:
                began = time.monotonic()
                engine.start()
                self._progress(f"{name} is up ({time.monotonic() - began:.1f} s)")
        kept = self.home / "deploy.json"
        kept.touch()
        kept.chmod(0o600)  # addresses of engines and a link's secret may stand in it
        kept.write_text(self.deploy.model_dump_json())
        self.note.write(self.home)

    def start_processes(self) -> None:
        """Start every process of the deploy file, and watch them from now on."""
        for name in self.deploy.processes:
            self._start(name)
        self._watcher = asyncio.create_task(self._watch())

    async def until_pages_answer(self, *, timeout_s: float = 120) -> None:
        """Wait for the web process."""
        began = time.monotonic()
        while not answers(self.web_port):
            if time.monotonic() - began > timeout_s:
                raise TimeoutError(f"no page within {timeout_s:.0f} s; read {self.home / 'logs'}")
            await asyncio.sleep(0.05)
        self._progress(f"the pages answer ({time.monotonic() - began:.1f} s)")

    def _start(self, name: str) -> None:
        environment = _THRIFTY | os.environ | {"BATCHONE_HOME": str(self.home)}
        command = [sys.executable, "-m", "batchone.cli", "process", name]
        self.children[name] = Child.start(
            f"process {name}", command, self.home / "logs" / f"{name}.log", environment=environment
        )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            self._keep_time()
            for name, child in list(self.children.items()):
                if not child.alive:
                    await self._revival.again(f"process {name}", partial(self._start, name))
            if self.nats is not None and self.nats.starved():
                _log.warning("engine.starved", what="NATS")
                await asyncio.to_thread(self.nats.stop)
            for label, engine in (("PostgreSQL", self.postgres), ("NATS", self.nats)):
                if engine is not None and engine.child is not None and not engine.child.alive:
                    await self._revival.again(label, engine.start)

    def _set_clock(self) -> None:
        # Plant time never goes back over the same data: a faster clock goes on from the last time seen, and only a home
        # that has never been run faster follows the system clock.
        now = time.time()
        last = self.home / "clock.last"
        start = max(now, float(last.read_text())) if last.exists() else now
        if self.deploy.clock.speed != 1 or last.exists():
            ScaledClock(self.deploy.clock.speed, now, start).write(self.clock_file)
            self._keep_time()

    def _keep_time(self) -> None:
        if self.clock_file.exists():
            plant = ScaledClock.from_file(self.clock_file).now().timestamp()
            part = self.home / "clock.last.part"
            part.write_text(f"{plant}")
            part.replace(self.home / "clock.last")

    @property
    def plant_now(self) -> datetime:
        """The present in plant time."""
        return ScaledClock.from_file(self.clock_file).now() if self.clock_file.exists() else datetime.now(UTC)

    async def stop(self) -> None:
        """Processes first, then the engines they stand on."""
        if self._watcher is not None:
            self._watcher.cancel()
        for child in self.children.values():
            child.process.terminate()
        await asyncio.gather(*(asyncio.to_thread(child.stop) for child in self.children.values()))
        self._keep_time()
        for engine in (self.nats, self.postgres):
            if engine is not None:
                await asyncio.to_thread(engine.stop)
        (self.home / "running.json").unlink(missing_ok=True)


def _leaves(engines: Engines, home: Path) -> TakesLeaves | LeafOf | None:
    file = home / "leaf.secret"
    if engines.leaf_port:
        return TakesLeaves(engines.leaf_port, engines.leaf_secret or made_secret(file), engines.leaf_host)
    if not engines.leaf_of:
        return None
    if not engines.leaf_secret and not file.exists():
        raise Refused(
            "deploy.no_leaf_secret", f"{engines.leaf_of} asks for a secret.", f"Copy the hub's leaf.secret to {file}."
        )
    return LeafOf(engines.leaf_of, engines.leaf_secret or file.read_text().strip(), engines.domain)
