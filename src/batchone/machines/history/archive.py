"""The archive: dropped days as folders of files with a manifest, readable without the platform."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from batchone.kernel.errors import NotFound, Refused, TryLater
from batchone.machines.history.model import Segment
from batchone.machines.history.objects import ObjectStore, digest_of, sha256_of


@dataclass(frozen=True)
class Kept:
    """A file of the archive: the segment that it was, and the SHA-256 of its bytes."""

    segment: Segment
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a folder of the archive holds; `lost` are segments whose files were gone before anybody dropped them."""

    id: str
    files: tuple[Kept, ...]
    lost: tuple[Segment, ...]


_MANIFEST = TypeAdapter(Manifest)


class Archive:
    """In `store`, one folder for each dropped day. Every method blocks: call them from a thread."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def keep(self, id: str, root: Path, segments: Sequence[Segment]) -> str:  # noqa: A002
        """Copy segments' files; the name of their folder. They are there with a manifest, read back as they went; or
        `TryLater`."""
        first = segments[0]
        name = f"{first.tenant}/{first.day.isoformat()}-{first.kept}-{id}"
        kept, lost = [], []
        try:
            for segment in segments:
                source = root / segment.file
                if source.exists():
                    kept.append(Kept(segment, self._copy(source, f"{name}/{source.name}")))
                else:
                    lost.append(segment)
            manifest = _MANIFEST.dump_json(Manifest(id, tuple(kept), tuple(lost)), indent=1)
            self.store.put(f"{name}/manifest.json", io.BytesIO(manifest))
        except (OSError, TryLater) as error:
            self._remove_half(name)
            raise TryLater(
                "history.archive", f"A day could not be archived: {error}.", "See that the archive's disk has room.", after_s=60
            ) from error
        return name

    def _copy(self, source: Path, key: str) -> str:
        sha256 = sha256_of(source)
        with source.open("rb") as data:
            self.store.put(key, data)
        if digest_of(self.store, key)[1] != sha256:
            raise OSError(f"{self.store.where} gave {key} back as something else")
        return sha256

    def manifest(self, name: str) -> Manifest:
        """What a folder holds; `Refused` when that cannot be read."""
        try:
            return _MANIFEST.validate_json(b"".join(self.store.read(f"{name}/manifest.json")))
        except (NotFound, ValueError) as error:
            what = f"The archive's folder {self.store.where}/{name} cannot be read: {error}."
            raise Refused("history.archive", what, _CURE) from error

    def fetch(self, name: str, kept: Kept, target: Path) -> None:
        """Write a file of a folder to `target`; `Refused` when it is not what it was."""
        key = f"{name}/{Path(kept.segment.file).name}"
        try:
            with target.open("wb") as sink:
                for part in self.store.read(key):
                    sink.write(part)
        except NotFound as error:
            raise Refused("history.archive", f"The archive's file {self.store.where}/{key} is gone.", _CURE) from error
        if sha256_of(target) != kept.sha256:
            what = f"The archive's file {self.store.where}/{key} is not what it was."
            raise Refused("history.archive", what, _CURE)

    def remove(self, name: str) -> None:
        """Remove a folder again."""
        for each in list(self.store.stored(f"{name}/")):
            self.store.remove(each.key)

    def _remove_half(self, name: str) -> None:
        try:
            self.remove(name)
        except (OSError, TryLater):
            return  # what is left has no manifest, and nothing counts on it


_CURE = "Bring the folder back as it was when it was archived."
