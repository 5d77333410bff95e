"""How long samples are kept: what is due, dropping it into the archive, bringing it back."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import structlog

from batchone.contracts.enterprises import Actor, system
from batchone.contracts.machines import DroppedDay, DueDay, Kept, RetentionPreview
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Conflict, NotFound, Refused, TryLater
from batchone.kernel.ids import Ids
from batchone.machines.history.archive import Archive, Manifest
from batchone.machines.history.model import KeepS, Segment, digest, due
from batchone.machines.history.reading import Reader
from batchone.machines.history.segments import SegmentFiles
from batchone.machines.history.store import Catalogue

_log = structlog.get_logger(__name__)
Record = Callable[[Actor, str, str, Mapping[str, str]], Awaitable[None]]
"""Writes a line of the audit record: who, action, subject, details."""


class Retainer:
    """Implements `batchone.contracts.machines.Retention`. Without an archive, dropped days are deleted."""

    def __init__(
        self, catalogue: Catalogue, files: SegmentFiles, reader: Reader, archive: Archive | None, keep_s: KeepS, *,
        clock: Clock, ids: Ids, record: Record,
    ) -> None:  # fmt: skip
        self._catalogue = catalogue
        self._files = files
        self._reader = reader
        self._archive = archive
        self._keep_s = keep_s
        self._clock = clock
        self._ids = ids
        self._record = record

    async def work(self, every_s: float) -> None:
        """Drop what is due, now and then (real seconds), until cancelled."""
        while True:
            await self.drop_all()
            await asyncio.sleep(every_s)

    async def drop_all(self) -> int:
        """Drop every day that is due, whoever's it is; how many. One that cannot be archived now is left for the next time."""
        dropped = 0
        for tenant in await self._catalogue.tenants():
            for day in (await self.preview(tenant, restored=False)).days:
                try:
                    await self.drop(tenant, day.kept, day.day, day.digest, system(tenant, "historian"))
                    dropped += 1
                except (Conflict, TryLater) as error:
                    _log.warning("history.not_dropped", day=str(day.day), kept=day.kept, what=error.what)
        return dropped

    async def preview(self, tenant: str, restored: bool) -> RetentionPreview:
        """What dropping would take away now."""
        now = self._clock.now()
        days = [await self._due_day(shelf) for shelf in due(await self._catalogue.of_tenant(tenant), self._keep(restored), now)]
        archive = self._archive.store.where if self._archive else ""
        return RetentionPreview(now, self._keep_s, archive, tuple(days))

    async def drop(self, tenant: str, kept: Kept, day: date, digest: str, actor: Actor) -> DroppedDay:
        """Archive a day that is due, then drop it; its files stay for readers under way for the keeper's grace."""
        shelf = await self._shelf(tenant, kept, day)
        found = await self._due_day(shelf)
        if found.digest != digest:
            raise Conflict("history.day_changed", f"{day} is not what it was in the preview.", "Look at the preview again.")
        id_ = self._ids.new("DROP")
        folder = await self._archived(id_, shelf) if self._archive else ""
        dropped = DroppedDay(
            id_, kept, day, found.segments, found.rows, found.bytes, len(found.signals), found.first, found.last, folder,
            self._clock.now(), actor.name,
        )  # fmt: skip
        try:
            await self._catalogue.drop(tenant, shelf, dropped, found.signals)
        except Conflict:
            if self._archive and folder:
                await asyncio.to_thread(self._archive.remove, folder)
            raise
        await self._record(actor, "history.drop", f"{kept} {day}", {"rows": str(found.rows), "archive": folder, "id": id_})
        _log.info("history.dropped", id=id_, kept=kept, day=str(day), rows=found.rows, archive=folder)
        return dropped

    async def dropped(self, tenant: str) -> tuple[DroppedDay, ...]:
        """The days that were dropped, newest first."""
        return tuple(await self._catalogue.dropped(tenant))

    async def restore(self, tenant: str, id: str, actor: Actor) -> DroppedDay:  # noqa: A002
        """Bring a dropped day back; the archive keeps its copy."""
        found = next((each for each in await self._catalogue.dropped(tenant) if each.id == id), None)
        if found is None:
            raise NotFound("history.no_drop", f"No day was dropped as {id}.", "See `batchone history dropped`.")
        if not found.archive or self._archive is None:
            raise Refused("history.no_archive", f"{id} was dropped without a copy.", "Set an archive for the next time.")
        manifest = await asyncio.to_thread(self._archive.manifest, found.archive)
        segments: list[Segment] = []
        try:
            await asyncio.to_thread(self._bring_back, self._archive, found.archive, manifest, segments)
            await self._catalogue.restore(tenant, id, segments, self._clock.now())
        finally:
            self._files.settle(segments)
        await self._record(actor, "history.restore", f"{found.kept} {found.day}", {"rows": str(found.rows), "id": id})
        return next(each for each in await self._catalogue.dropped(tenant) if each.id == id)

    async def _archived(self, id_: str, shelf: Sequence[Segment]) -> str:
        assert self._archive is not None
        away = [file for file, why in (await self._reader.bring(shelf)).items() if why == "away"]
        if away:
            what = f"A day could not be archived: {away[0]} cannot be had from the object store now."
            raise TryLater("history.archive", what, "See `batchone doctor`.", after_s=60)
        return await asyncio.to_thread(self._archive.keep, id_, self._files.root, shelf)

    def _bring_back(self, archive: Archive, name: str, manifest: Manifest, segments: list[Segment]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            for kept in manifest.files:
                archive.fetch(name, kept, path)
                segments.append(self._files.adopt(path, kept.segment, "restored"))

    def _keep(self, restored: bool) -> KeepS:
        return {**self._keep_s, "restored": 0.0} if restored else self._keep_s

    async def _shelf(self, tenant: str, kept: Kept, day: date) -> Sequence[Segment]:
        shelves = due(await self._catalogue.of_tenant(tenant), self._keep(kept == "restored"), self._clock.now())
        found = next((each for each in shelves if (each[0].kept, each[0].day) == (kept, day)), None)
        if found is None:
            raise Conflict("history.not_due", f"Nothing of {day} that is kept {kept} is due.", "Look at the preview again.")
        return found

    async def _due_day(self, shelf: Sequence[Segment]) -> DueDay:
        signals = await self._reader.signals(shelf)
        return DueDay(
            shelf[0].kept, shelf[0].day, len(shelf), sum(each.rows for each in shelf), sum(each.bytes for each in shelf),
            signals, min(each.first for each in shelf), max(each.last for each in shelf), digest(shelf),
        )  # fmt: skip
