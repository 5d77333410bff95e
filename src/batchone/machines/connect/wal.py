"""A write-ahead file: batches that were taken from machines and that the bus has not stored yet.

A record is its length and CRC-32, then the batch's id and bytes; a record that a crash cut off is passed over at the next
start. The file is emptied whenever everything in it has been stored.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

_HEAD = struct.Struct(">II")
_ID = struct.Struct(">H")

Entry = tuple[str, bytes]
"""A batch's id and its bytes."""


class WriteAhead:
    """The file of one connection. Calls must not overlap; `append` and `rewrite` return after the disk has it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab+", buffering=0)

    def recover(self) -> list[Entry]:
        """Whole records, oldest first; what a crash cut off at the end is dropped."""
        self._file.seek(0)
        entries, end = _read(self._file.read())
        self._file.truncate(end)
        return entries

    def append(self, entry: Entry) -> None:
        """Add a record and sync it; `OSError` when the disk does not take it, with nothing half-written left behind."""
        start = self.size
        try:
            rest = memoryview(_record(entry))
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(start)
            raise

    def rewrite(self, entries: Sequence[Entry]) -> None:
        """Hold exactly these records."""
        if not entries:
            self._file.truncate(0)
            return
        part = self._path.with_suffix(".part")
        with part.open("wb") as file:
            for entry in entries:
                file.write(_record(entry))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
        self._file.close()
        self._file = self._path.open("ab+", buffering=0)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _record(entry: Entry) -> bytes:
    name = entry[0].encode()
    body = _ID.pack(len(name)) + name + entry[1]
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _read(data: bytes) -> tuple[list[Entry], int]:
    entries: list[Entry] = []
    at = 0
    while at + _HEAD.size <= len(data):
        length, check = _HEAD.unpack_from(data, at)
        body = data[at + _HEAD.size : at + _HEAD.size + length]
        if len(body) < max(length, _ID.size) or zlib.crc32(body) != check:
            break
        (name,) = _ID.unpack_from(body)
        entries.append((body[_ID.size : _ID.size + name].decode(), body[_ID.size + name :]))
        at += _HEAD.size + length
    return entries, at
