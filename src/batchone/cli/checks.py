"""What `batchone doctor` checks, each with its cure."""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from batchone.kernel.bus import SAMPLES, Behind
from batchone.kernel.bus_edge import EdgeBus, bus_of
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database
from batchone.kernel.deploy import EMBEDDED, Deploy, read_deploy
from batchone.kernel.engines import nats, postgres
from batchone.kernel.engines.child import answers
from batchone.kernel.errors import BatchoneError
from batchone.kernel.home import Running, home_folder, running_in
from batchone.kernel.ids import TimeIds

if TYPE_CHECKING:
    from batchone.chain.sales.outgoing.store import Standing
    from batchone.network.enterprises import AuditCheck

_FREE_GB = 2.0
_LATE_S = 60.0


@dataclass(frozen=True)
class Finding:
    """One check: ok, warn or fail, what was seen, and the cure of what is not ok."""

    check: str
    verdict: Literal["ok", "warn", "fail"]
    what: str
    cure: str = ""


def check_all(deploy: Path) -> list[Finding]:
    """Every check, in the order in which one would cure them."""
    checks: list[Callable[[], Finding]] = [
        _python, _packages, _postgres, _nats, _assets, _home, _disk, _clock,
        lambda: _deploy(deploy), lambda: _port(deploy), lambda: _objects(deploy), _browser, _running, _audit, _notices,
        _samples,
    ]  # fmt: skip
    return [check() for check in checks]


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("python", "ok", f"Python {version}")


def _packages() -> Finding:
    missing = []
    for name in ("fastapi", "psycopg", "nats", "pyarrow", "duckdb", "ortools", "pysat", "asyncua", "pymodbus", "aiomqtt"):
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        return Finding("packages", "fail", f"missing packages: {', '.join(missing)}", "Run `make setup`.")
    return Finding("packages", "ok", "all packages are there")


def _postgres() -> Finding:
    try:
        found = postgres.binaries()
    except BatchoneError as error:
        return Finding("postgres", "fail", error.what, error.cure)
    return Finding("postgres", "ok", f"PostgreSQL programs in {found}")


def _nats() -> Finding:
    try:
        found = nats.binary()
    except BatchoneError as error:
        return Finding("nats", "fail", error.what, error.cure)
    return Finding("nats", "ok", f"NATS server {found}")


def _assets() -> Finding:
    from batchone.web.static_files import STATIC, Assets

    try:
        Assets(STATIC)
    except BatchoneError as error:
        return Finding("assets", "fail", error.what, error.cure)
    return Finding("assets", "ok", "the pages' files are built")


def _home() -> Finding:
    home = home_folder()
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / ".probe"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        return Finding("home", "fail", f"{home} cannot be written: {error}", "Set BATCHONE_HOME to a folder of yours.")
    return Finding("home", "ok", f"data folder {home}")


def _disk() -> Finding:
    free = shutil.disk_usage(home_folder()).free / 1e9
    if free < _FREE_GB:
        return Finding("disk", "warn", f"{free:.1f} GB free", f"Make room: at least {_FREE_GB:.0f} GB.")
    return Finding("disk", "ok", f"{free:.0f} GB free")


def _clock() -> Finding:
    if time.time() < 1_700_000_000:
        return Finding("clock", "fail", "the machine's clock is far in the past", "Set it, best by NTP.")
    return Finding("clock", "ok", f"the clock says {time.strftime('%Y-%m-%d %H:%M:%S %Z')}")


def _deploy(path: Path) -> Finding:
    from batchone.main import MODULES, check_settings

    try:
        deploy = read_deploy(path, frozenset(MODULES))
        check_settings(deploy)
    except BatchoneError as error:
        return Finding("deploy", "fail", error.what, error.cure)
    engines = "embedded engines" if deploy.engines.postgres == EMBEDDED == deploy.engines.nats else "external engines"
    return Finding("deploy", "ok", f"{path}: {len(deploy.placed)} modules in {len(deploy.processes)} processes, {engines}")


def _port(path: Path) -> Finding:
    from batchone.main import MODULES

    try:
        port = int(read_deploy(path, frozenset(MODULES)).settings_of("web").get("port", 8080))
    except BatchoneError:
        return Finding("port", "warn", "the port is not known without a deploy file", "Cure the deploy file first.")
    if answers(port):
        return Finding(
            "port", "warn", f"something answers on port {port}", "If it is not Batchone, set another port in [modules.web]."
        )
    return Finding("port", "ok", f"port {port} is free")


def _objects(path: Path) -> Finding:
    from batchone.kernel.settings import read
    from batchone.machines.history.module import HistorySettings
    from batchone.machines.history.places import READERS_WAIT_S, store_of
    from batchone.main import MODULES

    try:
        deploy = read_deploy(path, frozenset(MODULES))
        settings = read(HistorySettings, deploy.settings_of("history"), "history")
        store = store_of(settings.objects, home_folder(), silent_s=READERS_WAIT_S)
        if store is None:
            return Finding("objects", "ok", "all samples stay in the data folder")
        store.check()
    except BatchoneError as error:
        return Finding("objects", "warn", error.what, error.cure)
    return Finding("objects", "ok", f"the object store {store.where} answers")


def _browser() -> Finding:
    found = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    if found is None:
        return Finding("browser", "warn", "no Chromium for the browser tests", "apt-get install chromium")
    return Finding("browser", "ok", f"Chromium for the browser tests: {found}")


def _running() -> Finding:
    try:
        note = running_in(home_folder())
    except BatchoneError as error:
        return Finding("running", "ok", error.what)
    return Finding("running", "ok", f"{note.deploy} runs at {note.web} (process {note.supervisor}, user {os.getuid()})")


def _audit() -> Finding:
    try:
        note = running_in(home_folder())
    except BatchoneError:
        return Finding("audit", "ok", "the audit record is checked while the platform runs")
    check = asyncio.run(_verified(note))
    if not check.sound:
        what = f"the audit record is broken at line {check.broken_at}: {check.fault}"
        return Finding("audit", "fail", what, "Somebody changed it in the database; compare with a backup.")
    return Finding("audit", "ok", f"the audit record holds together: {check.lines} lines")


async def _verified(note: Running) -> AuditCheck:
    from batchone.network.enterprises import verify_audit

    async with _database(note) as (database, tenant):
        return await verify_audit(database, tenant)


def _notices() -> Finding:
    try:
        note = running_in(home_folder())
    except BatchoneError:
        return Finding("notices", "ok", "outgoing notices are checked while the platform runs")
    try:
        standing = asyncio.run(_outgoing(note))
    except BatchoneError as error:
        return Finding("notices", "warn", error.what, error.cure)
    if standing.waiting or standing.failed:
        what = f"{standing.waiting} outgoing notices wait after a failure, {standing.failed} were given up: {standing.fault}"
        return Finding("notices", "warn", what, "See [modules.sales.email] and [modules.sales.webhook] of the deploy file.")
    return Finding("notices", "ok", "no outgoing notice failed in the last week")


async def _outgoing(note: Running) -> Standing:
    from batchone.chain.sales.outgoing.store import Standing, standing

    if "sales" not in _deployed().placed:
        return Standing(0, 0, "")
    async with _database(note) as (database, tenant):
        return await standing(database, tenant, SystemClock().now())


def _samples() -> Finding:
    try:
        note = running_in(home_folder())
    except BatchoneError:
        return Finding("samples", "ok", "samples that wait are looked for while the platform runs")
    try:
        left = asyncio.run(_left(note))
    except BatchoneError as error:
        return Finding("samples", "warn", error.what, error.cure)
    if left.messages and left.oldest_s > _LATE_S:
        what = f"{left.messages} batches of samples wait to be stored, the oldest for {left.oldest_s:.0f} s"
        return Finding("samples", "warn", what, "See that the hub runs and its disk has room; its log says why it stores none.")
    return Finding("samples", "ok", "samples are stored as they come")


async def _left(note: Running) -> Behind:
    """What the edge has not handed over, or the historian has not stored."""
    bus = await bus_of(_deployed().engines, note.nats, "doctor")
    try:
        return await (bus.behind() if isinstance(bus, EdgeBus) else bus.left(SAMPLES, "history"))
    finally:
        await bus.close()


def _deployed() -> Deploy:
    return Deploy.model_validate_json((home_folder() / "deploy.json").read_text())


@asynccontextmanager
async def _database(note: Running) -> AsyncIterator[tuple[Database, str]]:
    clock = SystemClock()
    database = await Database.connect(note.postgres, clock, TimeIds(clock), size=1)
    try:
        yield database, _deployed().tenant
    finally:
        await database.close()
