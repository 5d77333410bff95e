"""Engines and time for all tests: one real PostgreSQL and one real NATS a test run, a database and streams of its own a test.

`BATCHONE_TEST_POSTGRES` and `BATCHONE_TEST_NATS` name external servers to use instead (the PostgreSQL URL must be allowed to
create databases).
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from batchone.kernel.bus import STREAMS
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.engines.nats import Nats
from batchone.kernel.engines.postgres import Postgres
from batchone.kernel.ids import TimeIds

KERNEL_MIGRATIONS = Path(__file__).parent.parent / "src/batchone/kernel/migrations"
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


_ORDER = ("slow", "engine", "peer", "browser", "story", "fault")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first: what needs nothing, then what is slow, engines, peers, a browser, whole stories, and faults last."""
    items.sort(
        key=lambda item: max((_ORDER.index(mark.name) + 1 for mark in item.iter_markers() if mark.name in _ORDER), default=0)
    )


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for the whole run."""
    outside = os.environ.get("BATCHONE_TEST_POSTGRES")
    if outside:
        yield outside
        return
    # Not below pytest's own folder: another run resets who may enter that one, and the server may run as another user.
    with tempfile.TemporaryDirectory(prefix="batchone-test-") as folder:
        server = Postgres(Path(folder))
        server.start()
        yield server.url
        server.stop()


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats | None]:
    """A NATS server for the whole run; none where an external one is named."""
    if os.environ.get("BATCHONE_TEST_NATS"):
        yield None
        return
    server = Nats(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def nats_url(nats_server: Nats | None) -> str:
    """Where NATS answers."""
    return nats_server.url if nats_server else os.environ["BATCHONE_TEST_NATS"]


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at a Monday morning."""
    return ManualClock(START)


@pytest.fixture
def chance() -> random.Random:
    """Seeded chance."""
    return random.Random(7)


@pytest.fixture
def ids(clock: ManualClock, chance: random.Random) -> TimeIds:
    """Seeded ids."""
    return TimeIds(clock, chance)


@pytest.fixture
def database_url(postgres_url: str, chance: random.Random) -> Iterator[str]:
    """A database of its own for one test."""
    name = f"t{os.getpid()}_{random.SystemRandom().getrandbits(40):x}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    yield (
        postgres_url.replace("/batchone?", f"/{name}?")
        if "/batchone?" in postgres_url
        else f"{postgres_url.rsplit('/', 1)[0]}/{name}"
    )
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[arg-type]


@pytest.fixture
async def database(database_url: str, clock: ManualClock, ids: TimeIds) -> AsyncIterator[Database]:
    """A database with the kernel's tables."""
    base = await Database.connect(database_url, clock, ids, size=6)
    await migrate(base, "kernel", KERNEL_MIGRATIONS)
    yield base
    await base.close()


@pytest.fixture
async def nats_bus(nats_url: str) -> AsyncIterator[NatsBus]:
    """A connection to NATS with empty streams."""
    bus = await NatsBus.connect(nats_url, "test")
    for stream in STREAMS:
        await bus._js.delete_stream(stream.name)
        await bus.ensure(stream)
    yield bus
    await bus.close()
