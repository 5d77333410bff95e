"""A write-ahead log: batches that were taken from machines and that the bus has not stored yet, on this machine's disk.

The log of a connection is a folder of numbered files. A record is its length and CRC-32, then when it was taken, how many
samples it has, its id and its bytes. Records are only ever appended, and synced before anybody is told that they are safe;
a file is removed whole once the bus has stored everything in it. What a crash cut off at the end is passed over, and so is
what a disk has spoilt: the file is kept aside then, for a person to look at.

Calls block on the disk and must not overlap: call them from a thread, one after another.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

_HEAD = struct.Struct(">II")
_BODY = struct.Struct(">dIH")
FILE_BYTES = 16_000_000
"""How long a file grows, and how much is held in memory to be sent."""
_RECORD_MAX = 64_000_000
"""A length beyond this was never written; it is a spoilt one, and must not be allocated."""
_LOSSES = "losses.json"
_SPOILT = ".spoilt"


@dataclass(frozen=True, slots=True)
class Entry:
    """A batch: its id, its bytes, how many samples it has, and when it was taken (real unix seconds)."""

    id: str
    data: bytes
    rows: int
    taken_s: float


@dataclass(frozen=True, slots=True)
class Losses:
    """Samples that were taken from machines and are gone, since the log was made: how many, and the last reason."""

    samples: int = 0
    last_s: float = 0.0
    why: str = ""


@dataclass
class _File:
    number: int
    path: Path
    bytes: int
    oldest_s: float
    left: int
    """Records that the bus has not stored; they are the last ones of the file."""


class Spool:
    """The log of one connection, below `folder`. `waiting_*` count what the bus has not stored yet; `kept_aside` are files that
    could not be read whole."""

    def __init__(self, folder: Path, *, file_bytes: int = FILE_BYTES, ahead_bytes: int = FILE_BYTES) -> None:
        self._folder = folder
        self._file_bytes = file_bytes
        self._ahead_bytes = ahead_bytes
        _make(folder)
        self._files: deque[_File] = deque()
        self._out: BinaryIO | None = None
        self._ahead: deque[Entry] = deque()
        self._held = 0
        self.losses = _losses(folder)
        self.waiting_bytes = 0
        self.waiting_records = 0
        self.waiting_rows = 0
        for path in sorted(folder.glob("*.log")):
            self._recover(path)
        self._next = self._files[-1].number + 1 if self._files else 1
        self.kept_aside = tuple(sorted(folder.glob(f"*{_SPOILT}")))

    @property
    def oldest_s(self) -> float | None:
        """When the oldest batch that waits was taken; none if nothing waits. Exact to a file."""
        return self._files[0].oldest_s if self._files else None

    def append(self, entries: Sequence[Entry]) -> None:
        """Add records and sync them once; `OSError` when the disk does not take them, with nothing half-written left behind."""
        data = b"".join(_record(entry) for entry in entries)
        file, out = self._writable(entries[0].taken_s)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[out.write(rest) :]
            os.fsync(out.fileno())
        except OSError:
            out.truncate(file.bytes)
            out.seek(file.bytes)
            raise
        # While the bus keeps up, what was just written is sent from memory, and the disk is not read at all.
        if len(self._ahead) == self.waiting_records and self._held + len(data) <= self._ahead_bytes:
            self._ahead.extend(entries)
            self._held += len(data)
        file.bytes += len(data)
        file.left += len(entries)
        self.waiting_records += len(entries)
        self.waiting_bytes += len(data)
        self.waiting_rows += sum(entry.rows for entry in entries)

    def first(self) -> Entry | None:
        """The oldest record that the bus has not stored; none if nothing waits. It stays until `done`."""
        if not self._ahead and self.waiting_records:
            file = self._files[0]
            entries = list(_entries(file.path.read_bytes()[: file.bytes]))
            self._ahead.extend(entries[len(entries) - file.left :])
            self._held = sum(map(_size, self._ahead))
        return self._ahead[0] if self._ahead else None

    def done(self) -> None:
        """The bus has stored the first record; a file of which it has stored everything is removed."""
        entry = self._ahead.popleft()
        size, file = _size(entry), self._files[0]
        self._held -= size
        file.left -= 1
        self.waiting_records -= 1
        self.waiting_rows -= entry.rows
        self.waiting_bytes -= size
        if not file.left:
            if len(self._files) == 1:
                self.close()
            self._files.popleft()
            file.path.unlink(missing_ok=True)

    def lose(self, samples: int, at_s: float, why: str) -> None:
        """Count samples that are gone. The count outlives the process, if the disk takes it."""
        self.losses = Losses(self.losses.samples + samples, at_s, why)
        part = self._folder / f"{_LOSSES}.part"
        with part.open("wb") as out:
            told = {"samples": self.losses.samples, "last_s": at_s, "why": why}
            out.write(orjson.dumps(told))
            out.flush()
            os.fsync(out.fileno())
        part.replace(self._folder / _LOSSES)

    def close(self) -> None:
        """Let go of the file."""
        if self._out is not None:
            self._out.close()
            self._out = None

    def _writable(self, now_s: float) -> tuple[_File, BinaryIO]:
        if self._out is not None and self._files[-1].bytes < self._file_bytes:
            return self._files[-1], self._out
        self.close()
        path = self._folder / f"{self._next:012d}.log"
        out = path.open("wb", buffering=0)
        try:
            _sync(self._folder)
        except OSError:
            out.close()
            path.unlink(missing_ok=True)
            raise
        self._out = out
        self._files.append(_File(self._next, path, 0, now_s, 0))
        self._next += 1
        return self._files[-1], out

    def _recover(self, path: Path) -> None:
        data = path.read_bytes()
        entries = list(_entries(data))
        size = sum(map(_size, entries))
        if size < len(data) and _cut_off(data[size:]):
            with path.open("r+b") as file:
                file.truncate(size)
        elif size < len(data):
            # More follows what cannot be read: a disk spoilt it. A person may still want the rest.
            path.replace(path.with_suffix(_SPOILT))
            with path.open("wb") as file:
                file.write(data[:size])
                file.flush()
                os.fsync(file.fileno())
        if not entries:
            path.unlink()
            return
        self._files.append(_File(int(path.stem), path, size, entries[0].taken_s, len(entries)))
        self.waiting_records += len(entries)
        self.waiting_bytes += size
        self.waiting_rows += sum(entry.rows for entry in entries)


def _head(entry: Entry) -> bytes:
    name = entry.id.encode()
    return _BODY.pack(entry.taken_s, entry.rows, len(name)) + name


def _size(entry: Entry) -> int:
    return _HEAD.size + len(_head(entry)) + len(entry.data)


def _record(entry: Entry) -> bytes:
    head = _head(entry)
    check = zlib.crc32(entry.data, zlib.crc32(head))
    return _HEAD.pack(len(head) + len(entry.data), check) + head + entry.data


def _entries(data: bytes) -> Iterator[Entry]:
    """Whole records from the start on, until the first that is none."""
    view, at = memoryview(data), 0
    while at + _HEAD.size <= len(data):
        length, check = _HEAD.unpack_from(data, at)
        body = view[at + _HEAD.size : at + _HEAD.size + length]
        if len(body) < max(length, _BODY.size) or zlib.crc32(body) != check:
            return
        taken_s, rows, name = _BODY.unpack_from(body)
        yield Entry(bytes(body[_BODY.size : _BODY.size + name]).decode(), bytes(body[_BODY.size + name :]), rows, taken_s)
        at += _HEAD.size + length


def _cut_off(rest: bytes) -> bool:
    """Whether what cannot be read is the beginning of one record, as a crash leaves it, or of zeros that were never written."""
    if len(rest) < _HEAD.size or not any(rest):
        return True
    length, _ = _HEAD.unpack_from(rest)
    return bool(length <= _RECORD_MAX and len(rest) < _HEAD.size + length)


def _losses(folder: Path) -> Losses:
    try:
        told = orjson.loads((folder / _LOSSES).read_bytes())
        return Losses(int(told["samples"]), float(told["last_s"]), str(told["why"]))
    except (FileNotFoundError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return Losses()


def _make(folder: Path) -> None:
    """Make a folder so that a power cut cannot take it away with what is synced in it."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
