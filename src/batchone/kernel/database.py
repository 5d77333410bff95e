"""PostgreSQL: one pool a process, named SQL, and transactions that carry the facts they say.

A domain's SQL stands in its `queries.sql`, each statement under `-- name: ...`; its tables in a schema of its own, made by
the numbered files of its `migrations/` folder. A transaction stores state and outgoing facts together (outbox) and, when
it handles a fact, remembers having done so (inbox), so that what is delivered twice has its effect once.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from batchone.kernel.clock import Clock
from batchone.kernel.errors import Broken, TryLater
from batchone.kernel.facts import body_of, name_of
from batchone.kernel.ids import Ids

_log = structlog.get_logger(__name__)
_NAME = re.compile(r"^--\s*name:\s*(\w+)\s*$", re.MULTILINE)
Row = DictRow
_PAGE = 1_000


def load_queries(path: Path) -> Mapping[str, str]:
    """The named statements of a `queries.sql`."""
    parts = _NAME.split(path.read_text())
    queries = {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    if len(queries) != len(parts) // 2:
        raise Broken("database.queries", f"{path} names a query twice.", "Give each its own name.")
    return queries


class Transaction:
    """State changes and the facts that tell of them; both happen, or neither."""

    def __init__(self, connection: psycopg.AsyncConnection[DictRow], clock: Clock, ids: Ids) -> None:
        self._connection = connection
        self._clock = clock
        self._ids = ids
        self.said = 0

    async def all(self, sql: str, **values: Any) -> list[Row]:
        """Every row. Others get their turn while a hundred thousand are read."""
        cursor = await self._connection.execute(sql, values)
        rows: list[Row] = []
        while part := await cursor.fetchmany(_PAGE):
            rows += part
            if len(part) < _PAGE:
                break
            await asyncio.sleep(0)
        return rows

    async def one(self, sql: str, **values: Any) -> Row | None:
        """The first row, or none."""
        cursor = await self._connection.execute(sql, values)
        return await cursor.fetchone()

    async def run(self, sql: str, **values: Any) -> int:
        """Run a statement; the number of rows it touched."""
        cursor = await self._connection.execute(sql, values)
        return cursor.rowcount

    async def many(self, sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each row."""
        if rows:
            async with self._connection.cursor() as cursor:
                await cursor.executemany(sql, rows)

    async def say(self, tenant: str, fact: object, *, actor: str, time: datetime | None = None) -> str:
        """Put a fact in the outbox; it leaves when the transaction has committed. Returns its id."""
        name = name_of(type(fact))
        fact_id = self._ids.new("F")
        await self.run(
            "INSERT INTO kernel.outbox (id, tenant, name, version, time, actor, body) "
            "VALUES (%(id)s, %(tenant)s, %(name)s, %(version)s, %(time)s, %(actor)s, %(body)s::jsonb)",
            id=fact_id, tenant=tenant, name=name.name, version=name.version,
            time=time or self._clock.now(), actor=actor, body=body_of(fact),
        )  # fmt: skip
        self.said += 1
        return fact_id

    async def say_all(self, tenant: str, facts: Sequence[object], *, actor: str, times: Sequence[datetime]) -> None:
        """Put many facts in the outbox with one statement; they leave in this order. `times` are theirs, one each."""
        if not facts:
            return
        names = [name_of(type(each)) for each in facts]
        await self.run(
            "INSERT INTO kernel.outbox (id, tenant, name, version, time, actor, body) "
            "SELECT id, %(tenant)s, name, version, time, %(actor)s, body::jsonb "
            "FROM unnest(%(ids)s::text[], %(names)s::text[], %(versions)s::int[], %(times)s::timestamptz[], "
            "%(bodies)s::text[]) WITH ORDINALITY "
            "AS f (id, name, version, time, body, place) ORDER BY place",
            tenant=tenant, actor=actor, ids=[self._ids.new("F") for _ in facts], names=[name.name for name in names],
            versions=[name.version for name in names], times=list(times), bodies=[body_of(each) for each in facts],
        )  # fmt: skip
        self.said += len(facts)

    async def first_time(self, consumer: str, fact_id: str) -> bool:
        """Whether this consumer has not handled this fact yet; from now on it has."""
        return bool(
            await self.run(
                "INSERT INTO kernel.inbox (consumer, fact) VALUES (%(consumer)s, %(fact)s) ON CONFLICT DO NOTHING",
                consumer=consumer,
                fact=fact_id,
            )  # fmt: skip
        )


class Database:
    """The pool, and transactions on it; a server that is away means `TryLater`, never half a change."""

    def __init__(self, pool: AsyncConnectionPool[psycopg.AsyncConnection[DictRow]], clock: Clock, ids: Ids) -> None:
        self._pool = pool
        self._clock = clock
        self._ids = ids
        self.said = _Signal()

    @staticmethod
    async def connect(url: str, clock: Clock, ids: Ids, *, size: int = 10) -> Database:
        """Open the pool; the server may be away still."""
        # The pool doubles its pauses between attempts to connect until it gives up, and begins again when it is asked: given
        # up soon, a server that is back after a long while is found within seconds.
        pool = AsyncConnectionPool(
            url, min_size=1, max_size=size, open=False, timeout=8, reconnect_timeout=2,
            connection_class=psycopg.AsyncConnection[DictRow], check=AsyncConnectionPool.check_connection,
            kwargs={"row_factory": dict_row, "autocommit": True, "connect_timeout": 5},
        )  # fmt: skip
        await pool.open()
        return Database(pool, clock, ids)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction; it commits when the block ends well."""
        try:
            async with self._pool.connection() as connection, connection.transaction():
                transaction = Transaction(connection, self._clock, self._ids)
                yield transaction
        except PoolTimeout as error:
            raise TryLater("database.away", "PostgreSQL does not answer.", "See that it runs.") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise TryLater("database.away", f"PostgreSQL broke off: {error}.".strip(), "See that it runs.") from error
        if transaction.said:
            self.said.set()

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close(timeout=2)


class _Signal:
    """Wakes the outbox relay of this process when something was said here."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return
        finally:
            self._event.clear()


def _numbered(folder: Path) -> dict[int, Path]:
    numbered: dict[int, Path] = {}
    for path in sorted(folder.glob("*.sql")):
        number = path.name.partition("_")[0]
        if not number.isdecimal() or int(number) in numbered:
            raise Broken(
                "database.migration_number", f"{path} has no number of its own.", "Call it `<next number>_<what>.sql`."
            )
        numbered[int(number)] = path
    return numbered


async def migrate(database: Database, schema: str, folder: Path, *, up_to: int | None = None) -> list[str]:
    """Bring a schema to its newest form (or to number `up_to`); the names of what was applied.

    A file that was applied once must never change afterwards: its hash is kept, and another content is `Broken`.
    """
    applied: list[str] = []
    async with database.transaction() as tx:
        await tx.run("SELECT pg_advisory_xact_lock(hashtext('batchone.migrate'))")
        await tx.run("CREATE SCHEMA IF NOT EXISTS kernel")
        await tx.run(
            "CREATE TABLE IF NOT EXISTS kernel.migrations (schema text, number int, name text NOT NULL, "
            "sha256 text NOT NULL, PRIMARY KEY (schema, number))"
        )
        await tx.run(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        rows = await tx.all("SELECT number, sha256 FROM kernel.migrations WHERE schema = %(schema)s", schema=schema)
        known = {row["number"]: row["sha256"] for row in rows}
        numbered = _numbered(folder)
        if up_to is None and (newer := sorted(known.keys() - numbered.keys())):
            raise Broken(
                "database.newer",
                f"The schema {schema} has migration {newer[-1]}, which this version does not know.",
                "Run the version that made it, or a later one.",
            )
        for number, path in sorted(numbered.items()):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if number in known:
                if known[number] != digest:
                    raise Broken(
                        "database.migration_changed",
                        f"{path.name} of {schema} changed after it was applied.",
                        "Undo the change and add a new file.",
                    )
                continue
            if up_to is not None and number > up_to:
                break
            await tx.run(path.read_text().replace("%", "%%"))
            await tx.run(
                "INSERT INTO kernel.migrations VALUES (%(schema)s, %(number)s, %(name)s, %(sha256)s)",
                schema=schema, number=number, name=path.name, sha256=digest,
            )  # fmt: skip
            applied.append(path.name)
    return applied
