"""Transactions, named SQL, and schemas that are brought up to date once and only once."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from tests.support_schema import catalog

import batchone
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, load_queries, migrate
from batchone.kernel.errors import Broken, Refused
from batchone.kernel.facts import fact
from batchone.kernel.ids import TimeIds

pytestmark = pytest.mark.engine

SOURCE = Path(batchone.__file__).parent
FOLDERS = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("migrations"))


@fact("tests.database.said")
@dataclass(frozen=True)
class Said:
    text: str


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE own.a (x int); -- 100 % of it\nINSERT INTO own.a VALUES (1);")
    (tmp_path / "0002_second.sql").write_text("ALTER TABLE own.a ADD y text CHECK (y LIKE 'a%');")
    return tmp_path


async def count(database: Database, table: str) -> int:
    async with database.transaction() as tx:
        row = await tx.one(f"SELECT count(*) AS n FROM {table}")
    assert row is not None
    return int(row["n"])


async def test_a_block_that_fails_leaves_nothing_behind(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as tx:
            await tx.run("INSERT INTO kernel.inbox VALUES ('c', 'f')")
            await tx.say("t", Said("x"), actor="me")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await fail()
    assert await count(database, "kernel.inbox") == await count(database, "kernel.outbox") == 0
    assert not database.said._event.is_set()


async def test_what_is_said_carries_its_time_actor_and_tenant(database: Database, clock: ManualClock) -> None:
    async with database.transaction() as tx:
        said = await tx.say("t", Said("it's 100 %"), actor="ana")
    async with database.transaction() as tx:
        row = await tx.one("SELECT * FROM kernel.outbox")
    assert row is not None
    assert (row["id"], row["tenant"], row["actor"], row["time"]) == (said, "t", "ana", clock.now())
    assert row["body"] == {"text": "it's 100 %"}
    assert database.said._event.is_set()


async def test_a_fact_is_new_to_each_consumer_once(database: Database) -> None:
    async with database.transaction() as tx:
        assert [await tx.first_time(c, "F-1") for c in ("a", "a", "b")] == [True, False, True]
    async with database.transaction() as tx:
        assert not await tx.first_time("a", "F-1")


async def test_rows_come_as_mappings_and_counts_as_numbers(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.many("INSERT INTO kernel.inbox VALUES (%(c)s, %(f)s)", [{"c": "a", "f": str(n)} for n in range(5)])
        await tx.many("INSERT INTO kernel.inbox VALUES (%(c)s, %(f)s)", [])
        assert [row["fact"] for row in await tx.all("SELECT fact FROM kernel.inbox ORDER BY fact LIMIT 2")] == ["0", "1"]
        assert await tx.one("SELECT * FROM kernel.inbox WHERE consumer = %(c)s", c="nobody") is None
        assert await tx.run("DELETE FROM kernel.inbox WHERE fact > %(f)s", f="1") == 3


async def test_values_are_never_read_as_sql(database: Database) -> None:
    hostile = "'); DROP TABLE kernel.inbox; --"
    async with database.transaction() as tx:
        await tx.run("INSERT INTO kernel.inbox VALUES (%(c)s, 'f')", c=hostile)
        row = await tx.one("SELECT consumer FROM kernel.inbox")
    assert row == {"consumer": hostile}


async def test_more_transactions_than_connections_wait_for_their_turn(database: Database) -> None:
    async def one(n: int) -> None:
        async with database.transaction() as tx:
            await tx.run("INSERT INTO kernel.inbox VALUES ('c', %(f)s)", f=str(n))
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one(n) for n in range(50)))
    assert await count(database, "kernel.inbox") == 50


async def test_a_cancelled_transaction_leaves_its_connection_usable(database: Database) -> None:
    async def long() -> None:
        async with database.transaction() as tx:
            await tx.run("INSERT INTO kernel.inbox VALUES ('c', 'f')")
            await tx.run("SELECT pg_sleep(30)")

    for _ in range(8):
        task = asyncio.create_task(long())
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await count(database, "kernel.inbox") == 0


def test_queries_are_read_by_their_names(tmp_path: Path) -> None:
    file = tmp_path / "queries.sql"
    file.write_text("-- About it.\n-- name: one\nSELECT 1\n-- a remark\n\n--name:two \nSELECT 2;\n")
    assert load_queries(file) == {"one": "SELECT 1\n-- a remark", "two": "SELECT 2;"}


def test_two_queries_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text("-- name: one\nSELECT 1\n-- name: one\nSELECT 2\n")
    with pytest.raises(Broken, match="twice"):
        load_queries(tmp_path / "queries.sql")


async def test_migrations_are_applied_in_order_once(database: Database, folder: Path) -> None:
    assert await migrate(database, "own", folder) == ["0001_first.sql", "0002_second.sql"]
    assert await migrate(database, "own", folder) == []
    assert await count(database, "own.a") == 1


async def test_several_processes_that_start_at_once_apply_each_migration_once(
    database: Database, database_url: str, folder: Path, clock: ManualClock, ids: TimeIds
) -> None:
    others = [await Database.connect(database_url, clock, ids, size=1) for _ in range(3)]
    applied = await asyncio.gather(*(migrate(each, "own", folder) for each in (database, *others)))
    assert sorted(map(len, applied)) == [0, 0, 0, 2]
    for other in others:
        await other.close()


async def test_a_migration_that_fails_applies_nothing_of_its_run(database: Database, folder: Path) -> None:
    (folder / "0003_third.sql").write_text("CREATE TABLE own.b (x int); SELECT nonsense;")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        await migrate(database, "own", folder)
    async with database.transaction() as tx:
        assert await tx.one("SELECT 1 FROM pg_namespace WHERE nspname = 'own'") is None
    (folder / "0003_third.sql").write_text("CREATE TABLE own.b (x int);")
    assert len(await migrate(database, "own", folder)) == 3


async def test_a_migration_that_was_changed_after_it_was_applied_is_refused(database: Database, folder: Path) -> None:
    await migrate(database, "own", folder, up_to=1)
    first = folder / "0001_first.sql"
    first.write_text(first.read_text() + " ")
    with pytest.raises(Broken, match=r"0001_first\.sql of own changed"):
        await migrate(database, "own", folder)
    async with database.transaction() as tx:
        assert await tx.all("SELECT number FROM kernel.migrations WHERE schema = 'own'") == [{"number": 1}]


async def test_a_version_older_than_the_schema_does_not_start(database: Database, folder: Path) -> None:
    await migrate(database, "own", folder)
    (folder / "0002_second.sql").unlink()
    with pytest.raises(Broken, match="migration 2"):
        await migrate(database, "own", folder)


@pytest.mark.parametrize("name", ["0002_again.sql", "third.sql", "3.5_x.sql"])
async def test_a_migration_without_a_number_of_its_own_is_refused(database: Database, folder: Path, name: str) -> None:
    (folder / name).write_text("SELECT 1;")
    with pytest.raises(Broken, match="number of its own"):
        await migrate(database, "own", folder)


async def test_the_same_file_may_stand_in_two_schemas(database: Database, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "0001_first.sql").write_text("CREATE TABLE other.a (x int);")
    await migrate(database, "own", folder)
    assert await migrate(database, "other", other) == ["0001_first.sql"]


async def test_a_refusal_passes_through_a_transaction_as_it_is(database: Database) -> None:
    with pytest.raises(Refused, match="wrong"):
        async with database.transaction():
            raise Refused("a.b", "wrong", "mend")


def schema_of(folder: Path) -> str:
    """A package's schema is called like the package."""
    return folder.parent.name


def numbers(folder: Path) -> list[int]:
    return sorted(int(path.name.split("_")[0]) for path in (SOURCE / folder).glob("*.sql"))


def test_there_are_packages_with_migrations() -> None:
    assert Path("kernel/migrations") in FOLDERS
    assert len(FOLDERS) > 3
    for folder in FOLDERS:
        assert numbers(folder) == list(range(1, len(numbers(folder)) + 1)), f"{folder}: a number is missing"
        assert numbers(folder), f"{folder} is empty"


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
async def test_a_schema_migrated_step_by_step_equals_one_made_at_once(
    folder: Path, database_url: str, clock: ManualClock, ids: TimeIds
) -> None:
    schema, made = schema_of(folder), []
    database = await Database.connect(database_url, clock, ids, size=1)
    for steps in ([None], [*numbers(folder), None]):
        async with database.transaction() as tx:
            for old in {schema, "kernel"}:
                await tx.run(f'DROP SCHEMA IF EXISTS "{old}" CASCADE')
        if schema != "kernel":
            await migrate(database, "kernel", SOURCE / "kernel/migrations")
        for step in steps:
            await migrate(database, schema, SOURCE / folder, up_to=step)
        assert await migrate(database, schema, SOURCE / folder) == []
        made.append(catalog(database_url, schema))
    await database.close()
    assert made[0] == made[1]
    assert len(made[0]) > 3


async def test_a_domain_keeps_to_its_own_schema(database_url: str, clock: ManualClock, ids: TimeIds) -> None:
    database = await Database.connect(database_url, clock, ids, size=1)
    await migrate(database, "kernel", SOURCE / "kernel/migrations")
    for folder in FOLDERS:
        if schema_of(folder) != "kernel":
            before = {schema: catalog(database_url, schema) for schema in await _schemas(database)}
            await migrate(database, schema_of(folder), SOURCE / folder)
            after = {schema: catalog(database_url, schema) for schema in await _schemas(database)}
            assert {schema for schema in after if after[schema] != before.get(schema)} == {schema_of(folder)}
    await database.close()


async def _schemas(database: Database) -> list[str]:
    async with database.transaction() as tx:
        rows = await tx.all(
            "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%%' AND nspname <> 'information_schema'"
        )
    return [row["nspname"] for row in rows]
