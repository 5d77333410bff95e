"""The journal: the newest samples, batch after batch in a file that only grows, until they are sealed into segments.

A batch is stored once its frame is synced to the disk: one write and one sync for all that came at once, whatever day, class
or tenant it belongs to. Readers in any process read journals beside segments. A journal counts while the catalogue names it,
like a segment; whoever writes one holds a lock on it, so that another process can tell whether the writer still lives.

A frame is a head of fixed length, the tenant, the batch's id and the batch as it came (an Arrow IPC stream). The head has a
checksum of all that follows it. What a crash cut off was never acknowledged; nothing is written behind a failed write.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import threading
import uuid
import zlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import pyarrow as pa

from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.history.model import BatchKey
from batchone.machines.history.segments import make_folder, sync_folder

if TYPE_CHECKING:
    from batchone.machines.history.store import Catalogue

FOLDER = "journal"
T = TypeVar("T")
_MAGIC = b"\xb1frm"
_HEAD = struct.Struct("<4sI")
_REST = struct.Struct("<HHIIqq")


@dataclass(frozen=True)
class Frame:
    """A batch of a tenant as it came, with what a reader must know to leave it out: rows, first and last source time in
    microseconds since 1970."""

    tenant: str
    batch: str
    rows: int
    first_us: int
    last_us: int
    data: bytes

    @property
    def key(self) -> BatchKey:
        """What names the batch."""
        return self.tenant, self.batch

    def __bytes__(self) -> bytes:
        tenant, batch = self.tenant.encode(), self.batch.encode()
        rest = _REST.pack(len(tenant), len(batch), len(self.data), self.rows, self.first_us, self.last_us)
        rest = b"".join((rest, tenant, batch, self.data))
        return _HEAD.pack(_MAGIC, zlib.crc32(rest)) + rest


@dataclass(frozen=True)
class Scanned:
    """Frames from a part of a journal; `end` is the place behind the last one, where `behind` bytes are left, and `damaged`
    the bytes between frames that are none."""

    frames: tuple[Frame, ...] = ()
    end: int = 0
    behind: int = 0
    damaged: int = 0


def scan(data: bytes) -> Scanned:
    """The whole frames in a part of a journal that begins with one. Behind the last there may be what a writer is at."""
    frames: list[Frame] = []
    at = end = damaged = 0
    while at < len(data):
        frame, behind = _frame(data, at)
        if frame is None:
            at = data.find(_MAGIC, at + 1)
            if at < 0:
                break
            continue
        damaged += at - end
        frames.append(frame)
        at = end = behind
    return Scanned(tuple(frames), end, len(data) - end, damaged)


def _frame(data: bytes, at: int) -> tuple[Frame | None, int]:
    """The frame at a place, and the place behind it; none if there is no whole one."""
    start = at + _HEAD.size
    if len(data) < start + _REST.size:
        return None, at
    magic, checksum = _HEAD.unpack_from(data, at)
    tenant, batch, size, rows, first_us, last_us = _REST.unpack_from(data, start)
    texts = start + _REST.size
    body = texts + tenant + batch
    if magic != _MAGIC or len(data) < body + size or zlib.crc32(memoryview(data)[start : body + size]) != checksum:
        return None, at
    names = data[texts : texts + tenant].decode(), data[texts + tenant : body].decode()
    return Frame(*names, rows, first_us, last_us, data[body : body + size]), body + size


class Journal:
    """One file, open for writing and locked. Every method blocks on the disk."""

    def __init__(self, root: Path, file: str) -> None:
        self.file = file
        self.rows = 0
        # A cancelled caller leaves its thread at work; nobody closes the file under it, whose number another file would get.
        self._turn = threading.Lock()
        self._closed = False
        path = root / file
        make_folder(path.parent)
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sync_folder(path.parent)

    def append(self, frames: Iterable[Frame]) -> None:
        """Let frames be on the disk when this returns; `OSError` if they are not: then this journal is to be left."""
        rows, parts = 0, []
        for frame in frames:
            parts.append(bytes(frame))
            rows += frame.rows
        rest = memoryview(b"".join(parts))
        with self._turn:
            if self._closed:
                raise OSError("the journal is closed")
            while rest:
                rest = rest[os.write(self._handle, rest) :]
            os.fdatasync(self._handle)
            self.rows += rows

    def close(self) -> None:
        """Let go of the file, and of the lock, even if a child of this process inherited it."""
        with self._turn:
            self._closed = True
            fcntl.flock(self._handle, fcntl.LOCK_UN)
            os.close(self._handle)


@dataclass(frozen=True)
class Rules:
    """When a journal is full: at so many rows. No more than `unsealed` full ones may wait to be sealed."""

    rows: int = 200_000
    unsealed: int = 8


class Journals:
    """The journals of one process: one that is written, and full ones.

    `full` is set whenever a journal waits to be sealed.
    """

    def __init__(self, catalogue: Catalogue, root: Path, new_id: Callable[[], str], rules: Rules) -> None:
        self.root = root
        self.full = asyncio.Event()
        self._catalogue = catalogue
        self._new_id = new_id
        self._rules = rules
        self._current: Journal | None = None
        self._turn = asyncio.Lock()

    async def append(self, frames: Sequence[Frame]) -> None:
        """Store frames; `TryLater` when the disk would not take them, or sealing is behind."""
        async with self._turn:
            if self._current is None:
                self._current = await self._opened()
            try:
                await asyncio.to_thread(self._current.append, frames)
            except OSError as error:
                # What stands behind a failed write nobody can tell: the next frames go elsewhere.
                self._leave()
                raise TryLater(
                    "history.disk", f"Samples could not be written: {error}.", "See that the disk has room.", after_s=5
                ) from error
            if self._current.rows >= self._rules.rows:
                self._leave()

    async def leave(self) -> None:
        """Let what has been written be sealed."""
        async with self._turn:
            self._leave()

    def _leave(self) -> None:
        if self._current is not None:
            self._current.close()
            self._current = None
            self.full.set()

    async def _opened(self) -> Journal:
        if len(await self._catalogue.journals()) > self._rules.unsealed:
            raise TryLater(
                "history.sealing_behind", f"More than {self._rules.unsealed} journals wait to be sealed.",
                "See the log for what keeps the historian from it.", after_s=1,
            )  # fmt: skip
        file = f"{FOLDER}/{self._new_id()}.journal"
        try:
            made = await asyncio.to_thread(Journal, self.root, file)
        except OSError as error:
            raise TryLater(
                "history.disk", f"A journal could not be begun: {error}.", "See that the disk has room.", after_s=5
            ) from error
        try:
            await self._catalogue.add_journal(file)
        except BaseException:
            made.close()
            raise
        return made


class Left:
    """A journal that nobody writes any more, held so that nobody else seals it: `with Left(path) as mine`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def __enter__(self) -> bool:
        try:
            self._handle = os.open(self._path, os.O_RDONLY)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):
            return False
        return True

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            os.close(self._handle)


class Turn:
    """One at a time, of all processes: `with turn.taken() as whose` tells whether it is `mine`, was others' since it was mine
    last (`after others`), or is theirs now (`others`)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = uuid.uuid4().hex.encode()

    @contextmanager
    def taken(self) -> Iterator[Literal["mine", "after others", "others"]]:
        """Take it, if nobody has it."""
        make_folder(self._path.parent)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield "others"
                return
            known = os.pread(handle, 64, 0) == self._name
            os.ftruncate(handle, 0)
            os.pwrite(handle, self._name, 0)
            yield "mine" if known else "after others"
        finally:
            os.close(handle)


class Tail:
    """What stands in journals, for readers of any process. A file is read as far as it has grown since the last time.

    At most about `memory_bytes` of samples are held between two questions.
    """

    def __init__(self, root: Path, memory_bytes: float = 64e6) -> None:
        self._root = root
        self._memory_bytes = memory_bytes
        self._known: dict[str, Scanned] = {}
        self._decoded: dict[BatchKey, pa.RecordBatch] = {}
        self._sealed: dict[BatchKey, bool] = {}
        self._round = 0
        self._turn = threading.Lock()

    async def moment(
        self, catalogue: Catalogue, tenant: str, ask: Callable[[], Awaitable[tuple[T, list[str]]]]
    ) -> tuple[T, list[Frame], set[str]]:
        """What the catalogue tells (`ask` gives it with the journals that count), the tenant's batches which stand in these
        journals and in no segment, and the journals that are gone, all of one moment."""
        while True:
            told, files = await ask()
            frames, gone, unsure, round_ = await asyncio.to_thread(self._frames, files, tenant)
            sealed = await catalogue.known(unsure) if unsure else set()
            if (sealed or gone) and set(files) - set(await catalogue.journals()):
                # Some of them were sealed since `ask`: into segments that it did not tell of.
                continue
            with self._turn:
                if round_ == self._round:
                    self._sealed |= {key: key in sealed for key in unsure}
                left = [frame for frame in frames if frame.key not in sealed and not self._sealed.get(frame.key)]
            return told, left, gone

    def table(self, frames: Sequence[Frame], start_us: int, end_us: int) -> pa.Table | None:
        """Those batches that may have samples from `start_us` up to but not at `end_us`; one sample may stand there several
        times."""
        with self._turn:
            wanted = [self._batch(frame) for frame in frames if frame.last_us >= start_us and frame.first_us < end_us]
            if sum(batch.nbytes for batch in self._decoded.values()) > self._memory_bytes:
                self._decoded.clear()
        return pa.Table.from_batches(wanted, columns.SAMPLE_SCHEMA).unify_dictionaries() if wanted else None

    def _frames(self, files: Collection[str], tenant: str) -> tuple[list[Frame], set[str], set[BatchKey], int]:
        """A tenant's frames, each batch once; files that are gone; batches that a segment may hold as well; the round."""
        with self._turn:
            if self._known.keys() - set(files):
                # A journal was sealed: what stands in another one as well is known now.
                self._known = {file: known for file, known in self._known.items() if file in files}
                left = {frame.key for known in self._known.values() for frame in known.frames}
                self._decoded = {key: batch for key, batch in self._decoded.items() if key in left}
                self._sealed.clear()
                self._round += 1
            found: dict[str, Frame] = {}
            gone: set[str] = set()
            for file in files:
                try:
                    frames = self._grown(file).frames
                except FileNotFoundError:
                    gone.add(file)
                    continue
                for frame in frames:
                    if frame.tenant == tenant:
                        found.setdefault(frame.batch, frame)
            unsure = {frame.key for frame in found.values() if frame.key not in self._sealed}
            return list(found.values()), gone, unsure, self._round

    def _batch(self, frame: Frame) -> pa.RecordBatch:
        if frame.key not in self._decoded:
            self._decoded[frame.key] = columns.from_bytes(frame.data).replace_schema_metadata(None)
        return self._decoded[frame.key]

    def _grown(self, file: str) -> Scanned:
        known = self._known.get(file, Scanned())
        with (self._root / file).open("rb") as source:
            source.seek(known.end)
            new = scan(source.read())
        grown = Scanned(known.frames + new.frames, known.end + new.end)
        self._known[file] = grown
        return grown
