"""What the doctor sees of a platform that runs."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from batchone.chain.sales.module import MODULE as SALES
from batchone.cli import checks
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.deploy import Deploy
from batchone.kernel.home import Running
from batchone.kernel.ids import TimeIds

pytestmark = pytest.mark.engine
_KERNEL = Path(checks.__file__).parents[1] / "kernel" / "migrations"
_FAILED = """
    SET LOCAL session_replication_role = replica;
    INSERT INTO sales.outgoing (tenant, order_id, plan, channel, state, since, due, fault)
    VALUES ('t', 'O-1', 1, 'webhook', 'failed', now(), now(), 'The webhook answered 500.'),
        ('t', 'O-2', 1, 'webhook', 'waiting', now(), now(), ''),
        ('t', 'O-3', 1, 'email', 'failed', now() - interval '9 days', now(), 'long ago'),
        ('other', 'O-4', 1, 'email', 'failed', now(), now(), 'not ours')
"""


@pytest.fixture
def home(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home over which a platform seems to run, with the tables of sales."""
    monkeypatch.setenv("BATCHONE_HOME", str(tmp_path))
    (tmp_path / "deploy.json").write_text(Deploy(name="d", tenant="t", processes={"p": ["sales"]}).model_dump_json())
    Running("d", database_url, "", "", "", "", os.getpid()).write(tmp_path)

    async def tables(database: Database) -> None:
        await migrate(database, "kernel", _KERNEL)
        assert SALES.migrations is not None
        await migrate(database, "sales", SALES.migrations)

    within(database_url, tables)
    return tmp_path


def within(url: str, work: Callable[[Database], Awaitable[Any]]) -> None:
    async def run() -> None:
        clock = SystemClock()
        database = await Database.connect(url, clock, TimeIds(clock), size=1)
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(run())


def test_notices_that_could_not_be_delivered_lately_are_a_warning_with_what_went_wrong(home: Path, database_url: str) -> None:
    assert checks._notices().verdict == "ok"

    async def fail(database: Database) -> None:
        async with database.transaction() as tx:
            for statement in _FAILED.split(";"):
                await tx.run(statement)

    within(database_url, fail)
    found = checks._notices()
    assert found.verdict == "warn"
    assert found.what == "0 outgoing notices wait after a failure, 1 were given up: The webhook answered 500."
    assert "modules.sales" in found.cure


def test_where_sales_does_not_run_there_is_nothing_to_say(home: Path) -> None:
    (home / "deploy.json").write_text(Deploy(name="d", tenant="t", processes={"p": ["web"]}).model_dump_json())
    assert checks._notices().verdict == "ok"


def test_samples_that_nobody_stores_are_a_warning_and_a_hub_that_is_away_too(
    nats_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCHONE_HOME", str(tmp_path))
    assert checks._samples().verdict == "ok"
    (tmp_path / "deploy.json").write_text(Deploy(name="d", tenant="t", processes={"p": ["history"]}).model_dump_json())
    Running("d", "", nats_url, "", "", "", os.getpid()).write(tmp_path)

    async def tell() -> None:
        bus = await NatsBus.connect(nats_url, "test")
        await bus.publish("samples.t.line", b"some", id=f"told-{os.getpid()}")
        await bus.close()

    asyncio.run(tell())
    assert checks._samples().verdict == "ok", "it has just come"
    monkeypatch.setattr(checks, "_LATE_S", -1.0)
    found = checks._samples()
    assert found.verdict == "warn"
    assert "wait to be stored" in found.what
    Running("d", "", "nats://127.0.0.1:1", "", "", "", os.getpid()).write(tmp_path)
    assert checks._samples().verdict == "warn"
