"""What engineers declared beside the packs, as numbered texts in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from batchone.contracts.things import ThingsDeclared, ThingsEdition
from batchone.kernel.database import Database, load_queries
from batchone.kernel.errors import Conflict, NotFound

_QUERIES = load_queries(Path(__file__).parent / "queries.sql")


class ThingsStore:
    """Each method is a transaction of its own; `TryLater` while PostgreSQL is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, tenant: str) -> tuple[int, str]:
        """Version and text that hold; 0 and nothing before the first."""
        async with self._database.transaction() as tx:
            row = await tx.one(_QUERIES["newest"], tenant=tenant)
        return (row["version"], row["text"]) if row else (0, "")

    async def text(self, tenant: str, version: int) -> str:
        """The text of a version."""
        async with self._database.transaction() as tx:
            row = await tx.one(_QUERIES["one"], tenant=tenant, version=version)
        if row is None:
            raise NotFound("things.version", f"Things have no version {version}.", "See /api/things/editions.")
        return str(row["text"])

    async def editions(self, tenant: str) -> tuple[ThingsEdition, ...]:
        """Every version, the newest first."""
        async with self._database.transaction() as tx:
            return tuple(ThingsEdition(**row) for row in await tx.all(_QUERIES["editions"], tenant=tenant))

    async def add(self, tenant: str, version: int, text: str, note: str, by: str, at: datetime) -> None:
        """Store a version and say so; `Conflict` when somebody was faster."""
        async with self._database.transaction() as tx:
            if not await tx.run(_QUERIES["add"], tenant=tenant, version=version, text=text, note=note, by=by, at=at):
                raise Conflict("things.raced", "Somebody declared things meanwhile.", "Read the newest version and try again.")
            await tx.say(tenant, ThingsDeclared(version, by), actor=by, time=at)
