"""The catalogue in PostgreSQL: which files count, which batches they hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from batchone.contracts.machines import DroppedDay, HistoryStats
from batchone.kernel.database import Database, Row, Transaction, load_queries
from batchone.kernel.errors import Conflict, TryLater
from batchone.machines.history.model import BatchKey, Segment

_QUERIES = load_queries(Path(__file__).parent / "queries.sql")
_COLUMNS = tuple(field.name for field in fields(Segment))


@dataclass(frozen=True)
class Retired:
    """A segment that does not count any more; `stored` if the object store may have its file."""

    id: str
    file: str
    stored: bool


class Catalogue:
    """Reads of their own transaction each; writes inside the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self, keys: Collection[BatchKey]) -> set[BatchKey]:
        """Those batches that are stored already."""
        async with self._database.transaction() as tx:
            rows = await tx.all(_QUERIES["known_batches"], **_unzip(keys))
        return {(row["tenant"], row["batch"]) for row in rows}

    async def add_batches(self, tx: Transaction, keys: Collection[BatchKey]) -> None:
        """Note batches as stored; `TryLater` when another process stored one of them meanwhile."""
        if keys and await tx.run(_QUERIES["add_batches"], **_unzip(keys)) != len(keys):
            raise TryLater("history.raced", "Another process stored the same batch.", after_s=0.1)

    async def add_segments(self, tx: Transaction, segments: Sequence[Segment]) -> None:
        """Let segments count."""
        await tx.many(_QUERIES["add_segment"], [asdict(segment) for segment in segments])

    async def add_duplicates(self, tx: Transaction, tenant: str, count: int) -> None:
        """Count samples that came again."""
        if count:
            await tx.run(_QUERIES["add_duplicates"], tenant=tenant, duplicates=count)

    async def add_refused(self, tx: Transaction, digest: str, subject: str, reason: str, data: bytes) -> None:
        """Keep a message that is no batch."""
        # PostgreSQL's text holds every character but NUL, which a damaged message may well contain.
        subject, reason = subject.replace("\0", ""), reason.replace("\0", "")
        await tx.run(_QUERIES["add_refused"], digest=digest, subject=subject, reason=reason, data=data)

    async def journals(self) -> list[str]:
        """The files of journals that count, oldest first."""
        async with self._database.transaction() as tx:
            return [row["file"] for row in await tx.all(_QUERIES["journals"])]

    async def add_journal(self, file: str) -> None:
        """Let a journal count."""
        async with self._database.transaction() as tx:
            await tx.run(_QUERIES["add_journal"], file=file)

    async def end_journal(self, tx: Transaction, file: str) -> None:
        """Let a journal not count any more; `TryLater` when another process sealed it."""
        if await tx.run(_QUERIES["end_journal"], file=file) != 1:
            raise TryLater("history.raced", "Another process sealed the same journal.", after_s=0.1)

    async def counting(self, tenant: str, start: datetime, end: datetime) -> tuple[list[Segment], list[str]]:
        """The segments that may hold samples from `start` up to but not at `end`, and the journals, at one moment: what is
        being sealed is in one of both."""
        async with self._database.transaction() as tx:
            rows = await tx.all(_QUERIES["counting"], tenant=tenant, start=start, end=end)
        return [_segment(row) for row in rows if row["id"] is not None], rows[0]["journals"]

    async def overlapping(self, tenant: str, start: datetime, end: datetime) -> list[Segment]:
        """The segments that may hold samples from `start` up to but not at `end`."""
        async with self._database.transaction() as tx:
            rows = await tx.all(_QUERIES["overlapping"], tenant=tenant, start=start, end=end)
        return [_segment(row) for row in rows]

    async def tenants(self) -> list[str]:
        """Everybody who has samples."""
        async with self._database.transaction() as tx:
            return [row["tenant"] for row in await tx.all(_QUERIES["tenants"])]

    async def of_tenant(self, tenant: str) -> list[Segment]:
        """Every segment that counts."""
        async with self._database.transaction() as tx:
            return [_segment(row) for row in await tx.all(_QUERIES["of_tenant"], tenant=tenant)]

    async def drop(self, tenant: str, segments: Sequence[Segment], dropped: DroppedDay, paths: Sequence[str]) -> None:
        """Let segments not count any more, and remember it; `Conflict`, and no change, if some of them do not as it is."""
        async with self._database.transaction() as tx:
            if await tx.run(_QUERIES["retire"], ids=[segment.id for segment in segments]) != len(segments):
                raise Conflict("history.day_changed", f"{dropped.day} was merged meanwhile.", "Look at the preview again.")
            await tx.run(_QUERIES["add_dropped"], tenant=tenant, paths=list(paths), **asdict(dropped))

    async def dropped(self, tenant: str) -> list[DroppedDay]:
        """The days that were dropped, newest first."""
        async with self._database.transaction() as tx:
            rows = await tx.all(_QUERIES["dropped"], tenant=tenant)
        return [DroppedDay(**row) for row in rows]

    async def dropped_of(self, tenant: str, paths: Sequence[str], start: datetime, end: datetime) -> list[str]:
        """The ids of dropped days that had samples of these paths, maybe in this window, and were not restored."""
        async with self._database.transaction() as tx:
            rows = await tx.all(_QUERIES["dropped_of"], tenant=tenant, paths=list(paths), start=start, end=end)
        return [row["id"] for row in rows]

    async def restore(self, tenant: str, id: str, segments: Sequence[Segment], now: datetime) -> None:  # noqa: A002
        """Let segments of a dropped day count again; `Conflict`, and no change, if they do already."""
        async with self._database.transaction() as tx:
            if await tx.run(_QUERIES["mark_restored"], tenant=tenant, id=id, now=now) != 1:
                raise Conflict("history.restored", f"{id} has been restored already.", "Nothing is to be done.")
            await self.add_segments(tx, segments)

    async def live(self) -> list[tuple[Segment, float]]:
        """Every segment that counts, each with the real seconds since its day last got one."""
        async with self._database.transaction() as tx:
            rows = await tx.all(_QUERIES["live"])
        return [(_segment(row), row["quiet_s"]) for row in rows]

    async def swap(self, olds: Sequence[Segment], new: Segment, dropped: int) -> bool:
        """Let `new` count instead of `olds`; false, and no change, if some of them do not count any more."""
        try:
            async with self._database.transaction() as tx:
                if await tx.run(_QUERIES["retire"], ids=[segment.id for segment in olds]) != len(olds):
                    raise Conflict("history.retired", "Another process merged these segments.", "Choose again.")
                await self.add_segments(tx, [new])
                await self.add_duplicates(tx, new.tenant, dropped)
        except Conflict:
            return False
        return True

    async def long_retired(self, grace_s: float) -> list[Retired]:
        """Segments that stopped counting at least `grace_s` real seconds ago."""
        async with self._database.transaction() as tx:
            return [Retired(**row) for row in await tx.all(_QUERIES["long_retired"], grace_s=grace_s)]

    async def forget(self, ids: Collection[str]) -> None:
        """Drop the rows of retired segments whose files are gone."""
        async with self._database.transaction() as tx:
            await tx.run(_QUERIES["forget"], ids=list(ids))

    async def named(self, files: Sequence[str]) -> set[str]:
        """Those files that a row names, retired ones too."""
        async with self._database.transaction() as tx:
            rows = await tx.all(_QUERIES["named"], files=list(files))
        return {row["file"] for row in rows}

    async def prune_batches(self, age_s: float) -> None:
        """Forget batch ids older than `age_s` real seconds."""
        async with self._database.transaction() as tx:
            await tx.run(_QUERIES["prune_batches"], age_s=age_s)

    async def stats(self, tenant: str) -> tuple[HistoryStats, list[str]]:
        """What a tenant has in segments, and the journals at the same moment."""
        async with self._database.transaction() as tx:
            row = await tx.one(_QUERIES["stats"], tenant=tenant)
        assert row is not None
        journals = row.pop("journals")
        return HistoryStats(**row), journals


def _unzip(keys: Collection[BatchKey]) -> dict[str, list[str]]:
    return {"tenants": [tenant for tenant, _ in keys], "batches": [batch for _, batch in keys]}


def _segment(row: Row) -> Segment:
    return Segment(**{name: row[name] for name in _COLUMNS})
