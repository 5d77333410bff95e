"""The embedded engines are killed, stopped, started again, and lose nothing that was acknowledged."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from batchone.kernel.bus import EVENTS, Message
from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database
from batchone.kernel.engines.child import Child, answers, free_port
from batchone.kernel.engines.nats import Nats
from batchone.kernel.engines.postgres import Postgres
from batchone.kernel.errors import Broken, TryLater
from batchone.kernel.ids import TimeIds

pytestmark = [pytest.mark.engine, pytest.mark.fault]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that is not below pytest's: each run of pytest closes that to others, and the server is somebody else."""
    with tempfile.TemporaryDirectory(prefix="batchone-test-") as name:
        yield Path(name)


@pytest.fixture
def postgres(folder: Path) -> Iterator[Postgres]:
    server = Postgres(folder / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    server = Nats(tmp_path / "nats")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def database(postgres: Postgres, clock: ManualClock, ids: TimeIds) -> AsyncIterator[Database]:
    database = await Database.connect(postgres.url, clock, ids, size=3)
    database._pool.timeout = 1.0
    async with database.transaction() as tx:
        await tx.run("CREATE TABLE kept (n int PRIMARY KEY)")
    yield database
    await database.close()


def kill(engine: Postgres | Nats) -> None:
    """As the kernel does when memory runs out: without a word."""
    assert engine.child is not None
    engine.child.process.kill()
    engine.child.process.wait()


def runs(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def insert(database: Database, n: int) -> None:
    async with database.transaction() as tx:
        await tx.run("INSERT INTO kept VALUES (%(n)s)", n=n)


async def kept(database: Database) -> list[int]:
    async with database.transaction() as tx:
        return [row["n"] for row in await tx.all("SELECT n FROM kept ORDER BY n")]


async def soon(attempt: Callable[[], object], timeout_s: float = 30) -> object:
    """Try again for as long as it says to try later."""
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                return await attempt()  # type: ignore[misc]  # every attempt here is a coroutine
            except TryLater:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def running(coroutine) -> AsyncIterator[asyncio.Task[None]]:  # type: ignore[no-untyped-def]
    task = asyncio.create_task(coroutine)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_database_in_use_says_try_later_while_postgresql_is_stopped_and_then_works(
    postgres: Postgres, database: Database
) -> None:
    await insert(database, 1)
    await asyncio.to_thread(postgres.stop)
    for _ in range(3):
        with pytest.raises(TryLater):
            await insert(database, 2)
    postgres.start()
    await soon(lambda: insert(database, 2))
    assert await kept(database) == [1, 2]


async def test_a_transaction_that_postgresql_breaks_off_is_try_later_and_leaves_nothing(
    postgres: Postgres, database: Database
) -> None:
    async def broken_off() -> None:
        async with database.transaction() as tx:
            await tx.run("INSERT INTO kept VALUES (1)")
            await asyncio.to_thread(postgres.stop)
            await tx.run("INSERT INTO kept VALUES (2)")

    with pytest.raises(TryLater, match="PostgreSQL"):
        await broken_off()
    postgres.start()
    assert await soon(lambda: kept(database)) == []


async def test_what_was_committed_survives_kill_9_in_the_middle_of_writing(postgres: Postgres, database: Database) -> None:
    committed: list[int] = []

    async def write() -> None:
        n = 0
        while True:
            with suppress(TryLater):
                await insert(database, n)
                committed.append(n)
            n += 1

    async with running(write()):
        while len(committed) < 50:
            await asyncio.sleep(0.01)
        kill(postgres)
        postgres.start()
        after = len(committed)
        async with asyncio.timeout(30):
            while len(committed) < after + 50:
                await asyncio.sleep(0.01)
    assert set(committed) <= set(await kept(database))


async def test_a_database_away_for_longer_than_the_pool_tries_comes_back(postgres: Postgres, database: Database) -> None:
    database._pool.reconnect_timeout = 0.5
    await asyncio.to_thread(postgres.stop)
    with pytest.raises(TryLater):
        await insert(database, 1)
    await asyncio.sleep(2)
    postgres.start()
    await soon(lambda: insert(database, 1))
    assert await kept(database) == [1]


def test_a_server_that_was_killed_starts_again_over_its_stale_lock(postgres: Postgres) -> None:
    kill(postgres)
    lock = postgres.data / "postmaster.pid"
    assert lock.exists()
    postgres.start()
    kill(postgres)
    # The number in the lock now belongs to somebody else, as after a restart of the machine.
    words = lock.read_text().splitlines()
    lock.write_text("\n".join([str(os.getpid()), *words[1:]]) + "\n")
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("content", ["", "\n", "not a number\n", "999999999\n"])
def test_a_lock_that_names_nobody_does_not_keep_a_server_from_starting(postgres: Postgres, content: str) -> None:
    postgres.stop()
    (postgres.data / "postmaster.pid").write_text(content)
    postgres.start()


async def test_a_killed_servers_children_end_before_a_new_one_starts(postgres: Postgres) -> None:
    """A backend in the middle of a computation does not notice at once that its server died."""
    busy = await psycopg.AsyncConnection.connect(postgres.url)
    pid = busy.info.backend_pid
    query = asyncio.create_task(busy.execute("SELECT count(*) FROM generate_series(1, 12000000) a WHERE sqrt(a) < 0"))
    await asyncio.sleep(0.3)
    kill(postgres)
    outlives = runs(pid)
    await asyncio.to_thread(postgres.start)
    still = runs(pid)
    await asyncio.gather(query, return_exceptions=True)
    await busy.close()
    assert outlives, "the computation should outlive its server, or this test shows nothing"
    assert not still
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_two_servers_over_one_folder_are_refused(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchone.kernel.engines.postgres._STALE_LOCK_S", 0.5)
    with pytest.raises(Broken, match="runs on"):
        Postgres(postgres.folder).start()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,), "the first one is not disturbed"


def test_a_folder_that_was_cut_short_in_the_making_is_made_anew(folder: Path) -> None:
    server = Postgres(folder / "postgres")
    part = server.data.with_suffix(".part")
    part.mkdir(parents=True)
    (part / "PG_VERSION").write_text("18\n")
    server.start()
    server.stop()
    assert not part.exists()


def test_a_folder_with_something_else_in_it_is_not_swept_away(folder: Path) -> None:
    server = Postgres(folder / "postgres")
    server.data.mkdir(parents=True)
    (server.data / "precious").write_text("x")
    with pytest.raises(Broken, match="holds no database"):
        server.start()
    assert (server.data / "precious").read_text() == "x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must become somebody else")
def test_started_by_root_the_server_runs_as_nobody_and_listens_on_no_network(postgres: Postgres) -> None:
    assert postgres.child is not None
    status = Path(f"/proc/{postgres.child.process.pid}/status").read_text()
    user = next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))
    assert int(user) != 0
    assert postgres.data.stat().st_uid == int(user)
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_folder_with_a_long_name_has_its_socket_elsewhere(folder: Path) -> None:
    server = Postgres(folder / ("long-" * 20))
    assert len(str(server.socket / ".s.PGSQL.5432")) < 107
    server.start()
    try:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("batchone",)
    finally:
        server.stop()


def test_engines_die_with_the_process_that_started_them(folder: Path) -> None:
    script = (
        "import os, pathlib, sys, time\n"
        "from batchone.kernel.engines.nats import Nats\n"
        "from batchone.kernel.engines.postgres import Postgres\n"
        f"p, n = Postgres(pathlib.Path({str(folder / 'p')!r})), Nats(pathlib.Path({str(folder / 'n')!r}))\n"
        "p.start(); n.start()\n"
        "print(p.child.process.pid, n.child.process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        engines = [int(word) for word in parent.stdout.readline().split()]
        assert len(engines) == 2
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(runs(pid) for pid in engines):
        assert time.monotonic() < deadline, "an engine outlives its parent"
        time.sleep(0.05)


def test_a_program_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    child = Child.start("thing", [sys.executable, "-c", "raise SystemExit('no such disk')"], tmp_path / "logs" / "thing.log")
    with pytest.raises(Broken, match="no such disk"):
        child.wait_until(lambda: False, timeout_s=20)
    child.stop()


def test_a_program_that_is_never_ready_is_told_and_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    child = Child.start("thing", [sys.executable, "-c", script], tmp_path / "thing.log")
    with pytest.raises(Broken, match="not ready"):
        child.wait_until(lambda: False, timeout_s=0.3)
    child.wait_until(lambda: "deaf" in child.last_words(), timeout_s=10)
    child.stop(timeout_s=0.2)
    assert not child.alive


def test_a_free_port_is_free_and_nothing_answers_there() -> None:
    assert not answers(free_port())


async def test_while_nats_is_away_publishing_says_try_later_and_nothing_acknowledged_is_lost(nats: Nats) -> None:
    bus = await NatsBus.connect(nats.url, "publisher")
    other = await NatsBus.connect(nats.url, "consumer")
    got: list[int] = []

    async def handle(messages: Sequence[Message]) -> None:
        got.extend(int(message.data) for message in messages)

    stored: list[int] = []
    tries_later = 0

    async def publish() -> None:
        nonlocal tries_later
        for n in range(400):
            while True:
                try:
                    await bus.publish("events.t.counted", str(n).encode(), id=str(n))
                    break
                except TryLater:
                    tries_later += 1
                    await asyncio.sleep(0.05)
            stored.append(n)

    async with running(other.consume(EVENTS, "c", ["events.*.counted"], handle, batch=10)):
        async with running(publish()) as publishing:
            for breaking in (kill, lambda engine: engine.stop()):
                seen = len(stored)
                async with asyncio.timeout(30):
                    while len(stored) < seen + 60:
                        await asyncio.sleep(0.01)
                await asyncio.to_thread(breaking, nats)
                await asyncio.sleep(0.3)
                await asyncio.to_thread(nats.start)
            async with asyncio.timeout(60):
                await publishing
                while set(got) != set(range(400)):
                    await asyncio.sleep(0.05)
        async with asyncio.timeout(30):
            while await other.pending(EVENTS, "c"):
                await asyncio.sleep(0.05)
    assert tries_later > 0
    first_times = list(dict.fromkeys(got))
    assert first_times == sorted(first_times), "in order, apart from what came twice"
    await bus.close()
    await other.close()


async def test_questions_are_answered_again_after_nats_was_away(nats: Nats) -> None:
    asking, answering = await NatsBus.connect(nats.url, "a"), await NatsBus.connect(nats.url, "b")

    async def answerer(data: bytes) -> bytes:
        return data[::-1]

    async with running(answering.answer("reads.x", answerer)):
        assert await soon(lambda: asking.ask("reads.x", b"ab", timeout_s=2)) == b"ba"
        await asyncio.to_thread(kill, nats)
        with pytest.raises(TryLater):
            await asking.ask("reads.x", b"ab", timeout_s=1)
        await asyncio.to_thread(nats.start)
        assert await soon(lambda: asking.ask("reads.x", b"ab", timeout_s=2)) == b"ba"
    await asking.close()
    await answering.close()


async def test_no_nats_at_all_means_try_later() -> None:
    with pytest.raises(TryLater):
        await NatsBus.connect(f"nats://127.0.0.1:{free_port()}", "x")
