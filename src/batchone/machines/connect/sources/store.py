"""The numbered texts in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from batchone.contracts.sources import SourcesDeclared, SourcesEdition
from batchone.kernel.database import Database, load_queries
from batchone.kernel.errors import Conflict, NotFound

_QUERIES = load_queries(Path(__file__).parent.parent / "queries.sql")


class SourcesStore:
    """Each method is a transaction of its own; `TryLater` while PostgreSQL is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, tenant: str) -> tuple[int, str]:
        """Version and text that hold; 0 and nothing before the first."""
        async with self._database.transaction() as tx:
            row = await tx.one(_QUERIES["newest_sources"], tenant=tenant)
        return (row["version"], row["text"]) if row else (0, "")

    async def text(self, tenant: str, version: int) -> str:
        """The text of a version."""
        async with self._database.transaction() as tx:
            row = await tx.one(_QUERIES["sources"], tenant=tenant, version=version)
        if row is None:
            raise NotFound("connections.version", f"Connections have no version {version}.", "See the list of editions.")
        return str(row["text"])

    async def editions(self, tenant: str) -> tuple[SourcesEdition, ...]:
        """Every version, the newest first."""
        async with self._database.transaction() as tx:
            return tuple(SourcesEdition(**row) for row in await tx.all(_QUERIES["sources_editions"], tenant=tenant))

    async def add(self, tenant: str, version: int, text: str, note: str, by: str, at: datetime) -> None:
        """Store a version and say so; `Conflict` when somebody was faster."""
        async with self._database.transaction() as tx:
            row = {"tenant": tenant, "version": version, "text": text, "note": note, "by": by, "at": at}
            if not await tx.run(_QUERIES["add_sources"], **row):
                raise Conflict(
                    "connections.raced", "Somebody declared connections meanwhile.", "Read the newest and try again."
                )
            await tx.say(tenant, SourcesDeclared(version, by), actor=by, time=at)
