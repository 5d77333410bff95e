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


class Cache:
    """At most `bytes_max` of files that have moved stand in the historian's folder, those that were used last; one that was
    used within the last `grace_s` real seconds stays, because somebody may be reading it.

    A file comes whole or not at all, and only if its bytes are those that were moved. Any number of processes may bring files
    into one folder: who makes room holds the folder's lock. `real_s` is the time by which the file system stamps files.
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

    async def bring(self, segments: Sequence[Segment]) -> Missing:
        """Let segments that have moved have their files, the newest first; which could not be brought, and why."""
        lacking = await asyncio.to_thread(self._lacking, [each for each in segments if each.moved])
        if not lacking:
            return {}
        lacking.sort(key=lambda each: (each.last, each.id), reverse=True)
        owner, _ = await self._moved.owner()
        return await asyncio.to_thread(self._fetch_all, lacking, await self._moved.files(), owner)

    async def trim(self) -> None:
        """Let the files that were not used for longest go, as far as there are too many bytes."""
        files = await self._moved.files()
        await asyncio.to_thread(self._room, 0, files)

    def use(self, file: str) -> bool:
        """Whether a file is there; it is used now."""
        now = self._real_s()
        try:
            os.utime(self._root / file, (now, now))
        except FileNotFoundError:
            return False
        return True

    def _lacking(self, segments: Sequence[Segment]) -> list[Segment]:
        return [each for each in segments if not self.use(each.file)]

    def _fetch_all(self, segments: Sequence[Segment], files: Collection[str], owner: str) -> Missing:
        away = threading.Event()

        def fetch(segment: Segment) -> Literal["lost", "away"] | None:
            # Who waited for one answer in vain need not wait for a hundred.
            if away.is_set():
                return "away"
            try:
                return self._fetch(segment, files, owner)
            except (TryLater, OSError) as error:
                away.set()
                _log.warning("history.not_brought", file=segment.file, what=str(error))
                return "away"

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = zip(segments, pool.map(fetch, segments), strict=True)
            return {segment.file: reason for segment, reason in found if reason is not None}

    def _fetch(self, segment: Segment, files: Collection[str], owner: str) -> Literal["lost", "away"] | None:
        path = self._root / segment.file
        others = [file for file in files if file != segment.file]
        if self.use(segment.file):
            return None  # somebody else has brought it meanwhile
        if not self._room(segment.bytes, others):
            return "away"
        make_folder(path.parent)
        part = path.with_name(f"{path.stem}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            if self._download(segment.file, part) != segment.object:
                _log.error("history.object_damaged", store=self._store.where, key=segment.file)
                return "lost"
            if not self._room(segment.bytes, others, then=lambda: part.replace(path)):
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

    def _room(self, bytes_: int, files: Collection[str], then: Callable[[], object] = lambda: None) -> bool:
        """Whether so many bytes fit beside what must stay, made to by removing what need not; `then` is done if they do,
        before anybody else can take the room."""
        with self._locked():
            held = sorted((stat.st_mtime, stat.st_size, path) for path, stat in self._stats(files))
            total = sum(size for _, size, _ in held)
            oldest_in_use = self._real_s() - self._grace_s
            for used, size, path in held:
                if total + bytes_ <= self._bytes_max or used > oldest_in_use:
                    break
                path.unlink(missing_ok=True)
                total -= size
            fits = total + bytes_ <= self._bytes_max
            if fits:
                then()
            return fits

    def _stats(self, files: Collection[str]) -> Iterator[tuple[Path, os.stat_result]]:
        for file in files:
            try:
                yield self._root / file, (self._root / file).stat()
            except FileNotFoundError:
                continue

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._root / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
