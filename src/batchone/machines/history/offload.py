"""Moving the files of settled days to the object store, and finding what does not belong there."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from batchone.kernel.clock import Clock
from batchone.kernel.errors import BatchoneError, Conflict, TryLater
from batchone.machines.history.caching import Cache
from batchone.machines.history.model import MergeRules, Segment, shelves, to_move
from batchone.machines.history.objects import OWNER, ObjectStore, away, digest_of, owner_of, sha256_of
from batchone.machines.history.store import Catalogue
from batchone.machines.history.store_objects import MovedSegments

_log = structlog.get_logger(__name__)


class Mover:
    """Moves segments of which every sample is older than `after_s` seconds of plant time and that are merged as far as they
    go. A segment's file is its object only once it was read back as it went; until then the catalogue takes the one
    in the folder, so that a crash between any two steps costs a repetition."""

    def __init__(
        self, catalogue: Catalogue, moved: MovedSegments, root: Path, store: ObjectStore, cache: Cache, rules: MergeRules, *,
        after_s: float, clock: Clock,
    ) -> None:  # fmt: skip
        self._catalogue = catalogue
        self._moved = moved
        self._root = root
        self._store = store
        self._cache = cache
        self._rules = rules
        self._after_s = after_s
        self._clock = clock

    async def work(self, every_s: float) -> None:
        """Move what is old enough, now and then (real seconds), until cancelled."""
        while True:
            try:
                await self.move_all()
            except BatchoneError as error:
                _log.warning("history.not_moved", what=error.what, cure=error.cure)
            await asyncio.sleep(every_s)

    async def move_all(self) -> int:
        """One round; how many segments have moved. `Conflict` when the store is another historian's."""
        before = self._clock.now() - timedelta(seconds=self._after_s)
        kept = [row for row in await self._catalogue.live() if not row[0].moved]
        chosen = [segment for shelf in shelves(kept) for segment in to_move(shelf, self._rules, before)]
        if chosen:
            await asyncio.to_thread(self._claim, *await self._moved.owner())
        moved = 0
        for segment in chosen:
            moved += await self._move(segment)
        await self._cache.trim()
        return moved

    def _claim(self, owner: str, used: bool) -> None:
        found = owner_of(self._store)
        if not found:
            if used:
                raise away(self._store.where, "it has nothing of what was moved")
            self._store.put(OWNER, io.BytesIO(owner.encode()))
        elif found != owner:
            what = f"The object store {self._store.where} holds the samples of another historian."
            raise Conflict("history.objects_owner", what, "Give each a bucket or a prefix of its own.")

    async def _move(self, segment: Segment) -> bool:
        path = self._root / segment.file
        try:
            sha256 = await asyncio.to_thread(sha256_of, path)
        except FileNotFoundError:
            _log.error("history.segment_lost", files=[segment.file])
            return False
        # Remembered before it goes, so that whatever comes to be in the store has a name in the catalogue.
        if not await self._moved.intend(segment.id, sha256):
            return False
        await asyncio.to_thread(self._put, segment.file, path, sha256)
        # Readers under way have asked the catalogue before: for them the file stays as if it had just been used.
        self._cache.use(segment.file)
        return await self._moved.moved(segment.id, sha256)

    def _put(self, key: str, path: Path, sha256: str) -> None:
        with path.open("rb") as data:
            self._store.put(key, data)
        if digest_of(self._store, key) != (path.stat().st_size, sha256):
            what = f"The object store {self._store.where} gave {key} back as something else."
            raise TryLater("history.objects_differ", what, "See that its disks are sound.", after_s=60)


@dataclass(frozen=True)
class Audit:
    """What the object store holds beside what the catalogue says: `strays` are objects that no segment names, `missing` those
    that a segment counts on and that are not there or have another size."""

    objects: int
    bytes: int
    strays: tuple[str, ...]
    missing: tuple[str, ...]


async def audit(moved: MovedSegments, store: ObjectStore) -> Audit:
    """Compare. What is moved meanwhile is no stray: it is named before it is there."""
    stored = {each.key: each.bytes for each in await asyncio.to_thread(lambda: list(store.stored()))}
    named = {each.file: each for each in await moved.objects()}
    found = stored.keys() & named.keys()
    return Audit(
        len(found), sum(stored[key] for key in found), tuple(sorted(stored.keys() - named.keys() - {OWNER})),
        tuple(each.file for each in named.values() if each.counts and stored.get(each.file) != each.bytes),
    )  # fmt: skip


async def remove_strays(moved: MovedSegments, store: ObjectStore) -> tuple[str, ...]:
    """Remove the objects that no segment names; which. `Conflict` when the store is another historian's."""
    owner, _ = await moved.owner()
    if await asyncio.to_thread(owner_of, store) != owner:
        what = f"The object store {store.where} is not this historian's."
        raise Conflict("history.objects_owner", what, "Give each a bucket or a prefix of its own.")
    strays = (await audit(moved, store)).strays
    for key in strays:
        await asyncio.to_thread(store.remove, key)
    return strays
