"""What the catalogue knows of segments whose files go to the object store."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from batchone.kernel.database import Database, load_queries

_QUERIES = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True)
class Named:
    """An object that the catalogue names; it `counts` once it is whole and until its segment is retired."""

    file: str
    bytes: int
    counts: bool


class MovedSegments:
    """Each read or write in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def intend(self, id: str, sha256: str) -> bool:  # noqa: A002
        """From now on the store may have the object of a segment; false, and no change, if it does not count any more."""
        async with self._database.transaction() as tx:
            return await tx.run(_QUERIES["intend"], id=id, sha256=sha256) == 1

    async def moved(self, id: str, sha256: str) -> bool:  # noqa: A002
        """From now on the object is the segment's file; false, and no change, if the segment does not count any more."""
        async with self._database.transaction() as tx:
            return await tx.run(_QUERIES["moved"], id=id, sha256=sha256) == 1

    async def days(self) -> list[str]:
        """The folders, everybody's, of days of which anything has moved."""
        async with self._database.transaction() as tx:
            rows = await tx.all(_QUERIES["moved_days"])
        return [f"{row['tenant']}/{row['kept']}/{row['day'].isoformat()}" for row in rows]

    async def among(self, files: Collection[str]) -> set[str]:
        """Those of some files that have moved."""
        async with self._database.transaction() as tx:
            return {row["file"] for row in await tx.all(_QUERIES["moved_among"], files=list(files))}

    async def objects(self) -> list[Named]:
        """The objects that the store may have."""
        async with self._database.transaction() as tx:
            return [Named(**row) for row in await tx.all(_QUERIES["objects"])]

    async def owner(self) -> tuple[str, bool]:
        """Whose catalogue this is, and whether anything of it has moved yet."""
        async with self._database.transaction() as tx:
            row = await tx.one(_QUERIES["owner"])
        assert row is not None
        return row["id"], row["used"]
