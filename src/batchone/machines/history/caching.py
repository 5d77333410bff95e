"""What has moved to the object store, brought back into the historian's folder for those who read it."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import structlog

from batchone.kernel.errors import NotFound, TryLater
from batchone.machines.history.model import Missing, Segment
from batchone.machines.history.objects import ObjectStore, owner_of
from batchone.machines.history.segments import make_folder
from batchone.machines.history.store_objects import MovedSegments

_log = structlog.get_logger(__name__)
_AT_ONCE = 4
_LOCK = ".cache.lock"
_AGAIN_S = 10.0
"""A store that was away is asked again after so many real seconds; until then nobody waits for it."""


class Cache:
    """At most `bytes_max` of files that have moved stand in the historian's folder, those that were used last; one that was
    used within the last `grace_s` real seconds stays, because somebody may be reading it.

    A file comes whole or not at all, and only if its bytes are those that were moved. Any number of processes may bring files
    into one folder: who makes room holds the folder's lock. What others bring meanwhile counts when a process looks next, so
    for a moment there may be more. `real_s` is the time by which the file system stamps files.
    """

    def __init__(
        self, moved: MovedSegments, root: Path, store: ObjectStore, *, bytes_max: float, grace_s: float,
        real_s: Callable[[], float],
    ) -> None:  # fmt: skip
        self._moved = moved
        self._root = root
        self._store = store
        self._bytes_max = bytes_max
        self._grace_s = grace_s
        self._real_s = real_s
        self._brought: set[str] = set()
        self._away_until = 0.0

    async def bring(self, segments: Sequence[Segment]) -> Missing:
        """Let segments that have moved have their files, the newest first; which could not be brought, and why."""
        lacking = await asyncio.to_thread(self._lacking, [each for each in segments if each.moved])
        if not lacking:
            return {}
        lacking.sort(key=lambda each: (each.last, each.id), reverse=True)
        owner, _ = await self._moved.owner()
        return await asyncio.to_thread(self._fetch_all, lacking, await self._held(), owner)

    async def trim(self) -> None:
        """Let the files that were not used for longest go, as far as there are too many bytes."""
        await asyncio.to_thread(self._room, 0, await self._held())

    def use(self, file: str) -> bool:
        """Whether a file is there; it is used now."""
        now = self._real_s()
        try:
            os.utime(self._root / file, (now, now))
        except FileNotFoundError:
            return False
        return True

    async def _held(self) -> set[str]:
        """What has moved and stands here. Files of a day that have not moved stand beside, so the catalogue must tell."""
        local = await asyncio.to_thread(self._local, await self._moved.days())
        return await self._moved.among(local) if local else set()

    def _local(self, days: Sequence[str]) -> list[str]:
        return [f"{day}/{path.name}" for day in days for path in (self._root / day).glob("*.parquet")]

    def _lacking(self, segments: Sequence[Segment]) -> list[Segment]:
        return [each for each in segments if not self.use(each.file)]

    def _fetch_all(self, segments: Sequence[Segment], files: Collection[str], owner: str) -> Missing:
        def fetch(segment: Segment) -> Literal["lost", "away"] | None:
            if self._real_s() < self._away_until:
                return "away"
            try:
                return self._fetch(segment, files, owner)
            except (TryLater, OSError) as error:
                self._away_until = self._real_s() + _AGAIN_S
                _log.warning("history.not_brought", file=segment.file, what=str(error))
                return "away"

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = zip(segments, pool.map(fetch, segments), strict=True)
            return {segment.file: reason for segment, reason in found if reason is not None}

    def _fetch(self, segment: Segment, files: Collection[str], owner: str) -> Literal["lost", "away"] | None:
        path = self._root / segment.file
        if self.use(segment.file):
            return None  # somebody else has brought it meanwhile
        if not self._room(segment.bytes, files, but=segment.file):
            return "away"
        make_folder(path.parent)
        part = path.with_name(f"{path.stem}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            if self._download(segment.file, part) != segment.object:
                _log.error("history.object_damaged", store=self._store.where, key=segment.file)
                return "lost"
            if not self._room(segment.bytes, files, but=segment.file, then=lambda: part.replace(path)):
                return "away"
        except NotFound:
            # A store that is not ours is not one that lost something.
            return "lost" if owner_of(self._store) == owner else "away"
        finally:
            part.unlink(missing_ok=True)
        return None

    def _download(self, key: str, part: Path) -> str:
        digest = hashlib.sha256()
        with part.open("wb") as sink:
            for data in self._store.read(key):
                sink.write(data)
                digest.update(data)
            sink.flush()
            os.fsync(sink.fileno())
        now = self._real_s()
        os.utime(part, (now, now))
        return digest.hexdigest()

    def _room(
        self, bytes_: int, files: Collection[str], *, but: str = "", then: Callable[[], object] | None = None
    ) -> bool:  # fmt: skip
        """Whether so many bytes fit beside what must stay of some files and of what was brought since, made to by removing
        what need not; one file, `but`, does not count. If they do, `then` brings it before anybody else takes the room."""
        with self._locked():
            held = sorted(self._stats({*files, *self._brought} - {but}))
            total = sum(size for _, size, _ in held)
            oldest_in_use = self._real_s() - self._grace_s
            for used, size, file in held:
                if total + bytes_ <= self._bytes_max or used > oldest_in_use:
                    break
                (self._root / file).unlink(missing_ok=True)
                self._brought.discard(file)
                total -= size
            fits = total + bytes_ <= self._bytes_max
            if fits and then is not None:
                then()
                self._brought.add(but)
            return fits

    def _stats(self, files: Collection[str]) -> Iterator[tuple[float, int, str]]:
        """When each that is there was used last, and its size."""
        for file in files:
            try:
                stat = (self._root / file).stat()
            except FileNotFoundError:
                self._brought.discard(file)
                continue
            yield stat.st_mtime, stat.st_size, file

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._root / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
