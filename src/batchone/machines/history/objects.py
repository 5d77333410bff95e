"""The port to an object store, and its implementation by a folder, such as a mount of network storage.

Every method blocks: call them from a thread. A store that cannot be reached is `TryLater`; an object that a reachable store
does not have is `NotFound`. Keys are relative paths with slashes.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from batchone.kernel.errors import NotFound, TryLater
from batchone.machines.history.segments import put

CHUNK = 1 << 20


@dataclass(frozen=True)
class Stored:
    """An object as a listing tells it."""

    key: str
    bytes: int


class ObjectStore(Protocol):
    """Objects by key. What `put` has returned from is whole; a `put` that was cut leaves the object before it, or none."""

    @property
    def where(self) -> str:
        """The store's address, as people write it."""
        ...

    def put(self, key: str, data: BinaryIO) -> None:
        """Store an object, in the place of the one there was."""
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """An object's bytes, in parts."""
        ...

    def stored(self, prefix: str = "") -> Iterator[Stored]:
        """The objects whose keys begin with a prefix that is empty or ends with a slash, by key."""
        ...

    def remove(self, key: str) -> None:
        """Remove an object; it is no error if there is none."""
        ...

    def check(self) -> None:
        """`TryLater` when the store cannot be reached, does not know the keys, or lacks its folder or bucket."""
        ...


def away(where: str, what: object) -> TryLater:
    """The error of a store that cannot be reached."""
    cure = "See that it runs, that its address is right, and that its keys may read, write, list and delete."
    return TryLater("history.objects_away", f"The object store {where} cannot be reached: {what}.", cure, after_s=30)


def absent(where: str, key: str) -> NotFound:
    """The error of an object that there is not."""
    return NotFound("history.no_object", f"The object store {where} has no object {key}.", "Bring it back from a copy.")


def digest_of(store: ObjectStore, key: str) -> tuple[int, str]:
    """The size of an object and the SHA-256 of its bytes, as they are read back."""
    size, digest = 0, hashlib.sha256()
    for part in store.read(key):
        size += len(part)
        digest.update(part)
    return size, digest.hexdigest()


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


class FolderObjects:
    """Objects as files below a folder. With `makes` the folder is made when it is not there; without, its lack means that
    the store is away, because a mount that is not there must not be taken for an empty one."""

    def __init__(self, folder: Path, *, makes: bool = False) -> None:
        self.folder = folder
        self._makes = makes

    @property
    def where(self) -> str:
        """The folder."""
        return str(self.folder)

    def put(self, key: str, data: BinaryIO) -> None:
        """Store an object, synced to the disk."""
        try:
            self._there()
            put(self.folder / key, lambda sink: shutil.copyfileobj(data, sink, CHUNK))
        except OSError as error:
            raise away(self.where, error) from error

    def read(self, key: str) -> Iterator[bytes]:
        """A file's bytes."""
        try:
            self._there()
            with (self.folder / key).open("rb") as data:
                while part := data.read(CHUNK):
                    yield part
        except FileNotFoundError as error:
            raise absent(self.where, key) from error
        except OSError as error:
            raise away(self.where, error) from error

    def stored(self, prefix: str = "") -> Iterator[Stored]:
        """Whole files; those that are being written do not count."""
        try:
            self._there()
            files = [path for path in (self.folder / prefix).rglob("*") if path.is_file() and path.suffix != ".part"]
            for path in sorted(files, key=lambda each: each.relative_to(self.folder).as_posix()):
                yield Stored(path.relative_to(self.folder).as_posix(), path.stat().st_size)
        except OSError as error:
            raise away(self.where, error) from error

    def remove(self, key: str) -> None:
        """Remove a file, and folders that become empty."""
        try:
            self._there()
            path = self.folder / key
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == self.folder or not folder.is_dir() or any(folder.iterdir()):
                    break
                folder.rmdir()
        except OSError as error:
            raise away(self.where, error) from error

    def check(self) -> None:
        """Whether the folder is there."""
        self._there()

    def _there(self) -> None:
        if self._makes:
            self.folder.mkdir(parents=True, exist_ok=True)
        elif not self.folder.is_dir():
            raise away(self.where, "there is no such folder")


class Below:
    """The objects of another store below a prefix, which ends with a slash."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    @property
    def where(self) -> str:
        """The other store's address and the prefix."""
        return f"{self._store.where}/{self._prefix.rstrip('/')}"

    def put(self, key: str, data: BinaryIO) -> None:
        """Store an object."""
        self._store.put(self._prefix + key, data)

    def read(self, key: str) -> Iterator[bytes]:
        """An object's bytes."""
        return self._store.read(self._prefix + key)

    def stored(self, prefix: str = "") -> Iterator[Stored]:
        """The objects below the prefix."""
        for each in self._store.stored(self._prefix + prefix):
            yield Stored(each.key.removeprefix(self._prefix), each.bytes)

    def remove(self, key: str) -> None:
        """Remove an object."""
        self._store.remove(self._prefix + key)

    def check(self) -> None:
        """As the other store's."""
        self._store.check()


OWNER = "owner"
"""The object that names whose store it is."""


def owner_of(store: ObjectStore) -> str:
    """Who the store belongs to; empty when nobody has claimed it."""
    try:
        return b"".join(store.read(OWNER)).decode(errors="replace")
    except NotFound:
        return ""
