"""Keeping the shelves tidy: merge small segments, remove files that no longer count, forget old batch ids."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from batchone.kernel.errors import TryLater
from batchone.machines.history.model import MergeRules, Segment, shelves, to_merge
from batchone.machines.history.objects import ObjectStore
from batchone.machines.history.segments import SegmentFiles, sorted_unique
from batchone.machines.history.store import Catalogue

_log = structlog.get_logger(__name__)
_BATCHES_AGE_S = 3 * 86400
"""A day longer than the stream keeps a message."""


class Keeper:
    """The historian's housework. All its durations are real seconds."""

    def __init__(
        self, catalogue: Catalogue, files: SegmentFiles, rules: MergeRules, *, grace_s: float, stray_s: float,
        objects: ObjectStore | None = None,
    ) -> None:  # fmt: skip
        self._catalogue = catalogue
        self._files = files
        self._rules = rules
        self._grace_s = grace_s
        self._stray_s = stray_s
        self._objects = objects

    async def work(self, every_s: float) -> None:
        """Tidy up, now and then, until cancelled."""
        while True:
            await self.tidy()
            await asyncio.sleep(every_s)

    async def tidy(self) -> None:
        """One round."""
        await self.remove_strays()
        while await self.merge():
            pass
        await self.remove_retired()
        await self._catalogue.prune_batches(_BATCHES_AGE_S)

    async def merge(self) -> int:
        """Merge once on every shelf that wants it; how many merges took place."""
        merged = 0
        for shelf in shelves([row for row in await self._catalogue.live() if not row[0].moved]):
            chosen = to_merge(shelf, self._rules)
            if chosen:
                merged += await self._merge(chosen)
        return merged

    async def _merge(self, olds: Sequence[Segment]) -> bool:
        lost = await asyncio.to_thread(self._files.missing, olds)
        if lost:
            _log.error("history.segment_lost", files=[segment.file for segment in lost])
            return False
        new = await asyncio.to_thread(self._rewrite, olds)
        try:
            swapped = await self._catalogue.swap(olds, new, sum(segment.rows for segment in olds) - new.rows)
        finally:
            self._files.settle([new])
        return swapped

    def _rewrite(self, olds: Sequence[Segment]) -> Segment:
        rows = sorted_unique([self._files.read(segment) for segment in olds])
        alone = all(segment.alone for segment in olds)
        return self._files.write(olds[0].tenant, olds[0].day, rows, kept=olds[0].kept, packed=True, alone=alone)

    async def remove_retired(self) -> None:
        """Remove files that merged ones replaced or that were dropped, once no reader can be at them any more. One whose
        object cannot be removed now is remembered for the next time."""
        retired = await self._catalogue.long_retired(self._grace_s)
        if not retired:
            return
        await asyncio.to_thread(self._files.remove, [each.file for each in retired])
        forgotten = [each.id for each in retired if not each.stored]
        try:
            for each in retired:
                if each.stored and self._objects is not None:
                    await asyncio.to_thread(self._objects.remove, each.file)
                    forgotten.append(each.id)
        except TryLater as error:
            _log.warning("history.objects_away", what=error.what)
        await self._catalogue.forget(forgotten)

    async def remove_strays(self) -> None:
        """Remove files that a crash left behind before the catalogue named them; the stream delivers their samples again."""
        strays = await asyncio.to_thread(self._files.strays, self._stray_s)
        if strays:
            named = await self._catalogue.named(strays)
            nameless = [file for file in strays if file not in named]
            _log.info("history.strays", removed=len(nameless)) if nameless else None
            await asyncio.to_thread(self._files.remove, nameless)
