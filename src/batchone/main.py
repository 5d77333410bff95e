"""Reads a deploy file and starts its modules: the only file that knows all of them."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import TextIO, cast

import structlog

from batchone.kernel.bus_edge import EdgeBus, bus_of
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.clock import Clock, ScaledClock, SystemClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.deploy import Deploy
from batchone.kernel.errors import Broken, TryLater
from batchone.kernel.home import Running as Note
from batchone.kernel.ids import TimeIds
from batchone.kernel.log import Lines
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.outbox import hear, relay
from batchone.kernel.remote import serve
from batchone.kernel.settings import read

MODULES: dict[str, str] = {
    "enterprises": "batchone.network.enterprises",
    "design": "batchone.chain.design",
    "sales": "batchone.chain.sales",
    "sourcing": "batchone.chain.sourcing",
    "planning": "batchone.chain.planning.module",
    "production": "batchone.chain.production",
    "logistics": "batchone.chain.logistics",
    "connect": "batchone.machines.connect",
    "history": "batchone.machines.history",
    "twin": "batchone.machines.twin",
    "alarms": "batchone.machines.alarms",
    "aas": "batchone.machines.aas",
    "serving": "batchone.machines.serving",
    "web": "batchone.web.module",
}
"""Every module by name, in the order in which they are built; each is imported only by the process that runs it."""

_KERNEL_MIGRATIONS = Path(__file__).parent / "kernel" / "migrations"
_log = structlog.get_logger(__name__)


def module(name: str) -> Module:
    """The declaration of a module."""
    found = import_module(MODULES[name]).MODULE
    if not isinstance(found, Module):
        raise Broken("main.no_module", f"{MODULES[name]} declares no module.", "Give it a MODULE.")
    return found


def check_settings(deploy: Deploy) -> None:
    """Refuse a deploy file whose settings a module would refuse, before anything is started."""
    for name in deploy.modules:
        read(module(name).settings, dict(deploy.settings_of(name)), f"module {name}")


def log_to_stderr(*, process: str, level: str = "info") -> None:
    """Structured lines on stderr; results alone go to stdout."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Lines(sys.stderr))),
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


class Process:
    """The modules of one process, running."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._built: list[tuple[Module, Running]] = []

    @staticmethod
    async def start(deploy: Deploy, name: str, note: Note, home: Path) -> Process:
        """Connect to the engines, bring the schemas up to date, build the modules in order, and set them to work."""
        clock: Clock = ScaledClock.from_file(Path(note.clock)) if note.clock else SystemClock()
        ids = TimeIds(clock)
        database = await Database.connect(note.postgres, clock, ids, size=16)
        context = Context(
            clock=clock, ids=ids, chance=random.Random(secrets.randbits(64)), database=database,
            bus=await _patiently(deploy, note.nats, name), home=home, tenant=deploy.tenant,
        )  # fmt: skip
        process = Process(context)
        if not deploy.engines.at_edge:
            await _until_there(lambda: _migrate(database, deploy))
        wanted = [each for each in MODULES if each in deploy.processes[name]]
        if "web" in wanted:
            context.routers = [
                router(context) for each in MODULES if each in deploy.placed and (router := module(each).router) is not None
            ]
        for each in wanted:
            await process._build(module(each), deploy, note)
        if not isinstance(context.bus, EdgeBus):
            context.supervisor.start("outbox", lambda: relay(database, context.bus))
        elif name == next(iter(deploy.processes)):
            context.supervisor.start("hand-over", context.bus.hand_over)
        for declared, running in process._built:
            process._set_to_work(declared, running)
        _log.info("process.running", modules=",".join(wanted))
        return process

    async def _build(self, declared: Module, deploy: Deploy, note: Note) -> None:
        context = self.context
        if not deploy.engines.at_edge and declared.migrations is not None and declared.schema is not None:
            await migrate(context.database, declared.schema, declared.migrations)
        given = dict(deploy.settings_of(declared.name))
        if "mqtt" in declared.settings.model_fields:
            given.setdefault("mqtt", note.mqtt)
        running = await declared.build(context, read(declared.settings, given, f"module {declared.name}"))
        declared.check(running)
        for protocol, implementation in running.provides.items():
            context.provide(protocol, implementation)
        self._built.append((declared, running))

    def _set_to_work(self, declared: Module, running: Running) -> None:
        context, name = self.context, declared.name
        for protocol, implementation in running.provides.items():
            context.supervisor.start(
                f"{name}: answers {protocol.__name__}",
                lambda p=protocol, i=implementation: serve(context.bus, p, i),  # type: ignore[misc]
            )
        if running.hears:
            context.supervisor.start(
                f"{name}: hears",
                lambda: hear(
                    context.database, context.bus, name, running.hears, after=running.after_hearing, alone=running.hearing_alone
                ),
            )
        for what, work in running.work.items():
            context.supervisor.start(f"{name}: {what}", work)

    async def stop(self) -> None:
        """Stop work, then modules in the reverse order, then let go of the engines."""
        await self.context.supervisor.stop()
        for _, running in reversed(self._built):
            if running.stop is not None:
                await running.stop()
        await self.context.bus.close()
        await self.context.database.close()


async def _migrate(database: Database, deploy: Deploy) -> None:
    """The kernel's schema, and those of modules at edges: an edge starts whether or not the database answers."""
    await migrate(database, "kernel", _KERNEL_MIGRATIONS)
    for name in [each for modules in deploy.edges.values() for each in modules]:
        declared = module(name)
        if declared.migrations is not None and declared.schema is not None:
            await migrate(database, declared.schema, declared.migrations)


async def _patiently(deploy: Deploy, url: str, name: str) -> NatsBus:
    while True:
        try:
            return await bus_of(deploy.engines, url, f"batchone-{name}")
        except TryLater as error:
            _log.info("process.waiting", what=error.what)
            await asyncio.sleep(0.5)


async def _until_there(work: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await work()
            return
        except TryLater as error:
            _log.info("process.waiting", what=error.what)
            await asyncio.sleep(0.5)


async def run_process(deploy: Deploy, name: str, note: Note, home: Path) -> None:
    """Run one process of a deployment until it is told to stop (SIGINT or SIGTERM)."""
    log_to_stderr(process=name)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stopped.set)
    process = await Process.start(deploy, name, note, home)
    await stopped.wait()
    await process.stop()
