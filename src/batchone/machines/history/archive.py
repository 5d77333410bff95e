"""The archive: dropped days as folders of files with a manifest, readable without the platform."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from batchone.kernel.errors import Refused, TryLater
from batchone.machines.history.model import Segment
from batchone.machines.history.segments import put


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
    """Below `folder`, one folder for each dropped day. Every method blocks on the disk: call them from a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def store(self, id: str, root: Path, segments: Sequence[Segment]) -> str:  # noqa: A002
        """Copy segments' files; the name of their folder. Nothing is there, or all with its manifest."""
        first = segments[0]
        name = f"{first.tenant}/{first.day.isoformat()}-{first.kept}-{id}"
        kept, lost = [], []
        try:
            for segment in segments:
                source = root / segment.file
                if source.exists():
                    kept.append(Kept(segment, self._copy(source, self.folder / name / source.name)))
                else:
                    lost.append(segment)
            manifest = _MANIFEST.dump_json(Manifest(id, tuple(kept), tuple(lost)), indent=1)
            put(self.folder / name / "manifest.json", lambda sink: _write(sink, manifest))
        except OSError as error:
            self.remove(name)
            raise TryLater(
                "history.archive", f"A day could not be archived: {error}.", "See that the archive's disk has room.", after_s=60
            ) from error
        return name

    def _copy(self, source: Path, target: Path) -> str:
        with source.open("rb") as data:
            put(target, lambda sink: shutil.copyfileobj(data, sink))
        return _sha256(target)

    def open(self, name: str) -> list[tuple[Path, Segment]]:
        """The files of a folder; `Refused` when one is not what it was."""
        folder = self.folder / name
        try:
            manifest = _MANIFEST.validate_json((folder / "manifest.json").read_bytes())
            found = [(folder / Path(each.segment.file).name, each) for each in manifest.files]
            damaged = [path for path, each in found if _sha256(path) != each.sha256]
        except (OSError, ValueError) as error:
            raise Refused("history.archive", f"The archive's folder {folder} cannot be read: {error}.", _CURE) from error
        if damaged:
            raise Refused("history.archive", f"The archive's file {damaged[0]} is not what it was.", _CURE)
        return [(path, each.segment) for path, each in found]

    def remove(self, name: str) -> None:
        """Remove a folder again."""
        shutil.rmtree(self.folder / name, ignore_errors=True)


_CURE = "Bring the folder back as it was when it was archived."


def _write(sink: object, data: bytes) -> None:
    sink.write(data)  # type: ignore[attr-defined]


def _sha256(path: Path) -> str:
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
