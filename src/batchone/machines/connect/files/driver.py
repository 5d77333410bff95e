"""A folder that is looked at: files that stopped growing are taken, and moved away once their samples are on disk.

Whoever owns the folder makes `done` and `refused` in it; without these nothing is touched. The name of what is handed on is
made of the file's bytes and of how they are read, so that a file that is taken again after a crash is stored once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa

from batchone.contracts.sources import Found, Probed
from batchone.contracts.things import ThingModel
from batchone.kernel.clock import Clock
from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.connect.driver import Fault, Garbled, Reach, Reading, ReadOnly, Seen, away, unheard
from batchone.machines.connect.files.tables import KINDS, Told, layout_of, read
from batchone.machines.connect.proposing import propose
from batchone.machines.connect.wiring import Wiring

_DONE, _REFUSED = "done", "refused"
_PIECE = 50_000
_BYTES_MAX = 512_000_000
_FULL = 0.9


@dataclass
class _Taking:
    """A file whose samples are being handed on, piece by piece."""

    path: Path
    size: tuple[int, int]
    mark: str
    told: Told
    names: pa.Array
    at: int = 0

    @property
    def piece(self) -> str:
        """The mark of the piece that is due."""
        return f"{self.mark}-{self.at}"


class FilesDriver(ReadOnly):
    """Implements `Driver` and `Keeping`. Settings are those of `tables.Layout`."""

    def __init__(self, wiring: Wiring, reach: Reach, clock: Clock) -> None:  # noqa: ARG002 - nothing is reached out for
        self.address = wiring.url
        self._folder = folder_of(wiring.url)
        self._layout = layout_of(wiring.settings)
        self._connection = wiring.connection
        self._clock = clock
        self._paths = {point.address: point.path for point in wiring.points}
        self._reads_as = repr((sorted(self._paths.items()), sorted(wiring.settings.items()), sorted(wiring.scales.items())))
        self._sizes: dict[Path, tuple[int, int]] = {}
        self._taking: _Taking | None = None
        self._press = 0.0

    async def open(self) -> None:
        """See that the folder is there, with the two in it."""
        for name in ("", _DONE, _REFUSED):
            if not await asyncio.to_thread((self._folder / name).is_dir):
                raise away(self.address, f"there is no folder {self._folder / name}")

    async def read(self) -> Reading:
        """The next piece of a file, when there is one and room for it."""
        full = self._press >= _FULL
        if self._taking is None and not full:
            refused = await self._begin()
            if refused is not None:
                return refused
        if self._taking is None or full:
            await asyncio.sleep(self._layout.every_s)
            return Reading()
        return self._piece(self._taking)

    async def kept(self, mark: str) -> None:
        """The piece of that mark is on disk; after the last one its file is done."""
        taking = self._taking
        if taking is None or taking.piece != mark:
            return
        taking.at += _PIECE
        if taking.at >= len(taking.told.value):
            await self._end(taking)

    async def close(self) -> None:
        """Nothing is held open; a file whose samples are not all kept is still where it was."""
        self._taking = None

    def press(self, share: float) -> None:
        """Take no more files while the buffer behind is nearly full."""
        self._press = share

    async def _begin(self) -> Reading | None:
        """Open the oldest whole file, if there is one; a reading where it was refused."""
        path = await self._whole()
        if path is None:
            return None
        try:
            size = await asyncio.to_thread(_size, path)
            data = await asyncio.to_thread(_bytes_of, path)
            told = await asyncio.to_thread(read, data, path.suffix.lower(), self._layout)
        except Garbled as error:
            await self._refuse(path, error)
            return Reading(faults=(Fault(f"{self._connection}/{path.name}", 1, error.what),))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise away(self.address, error) from error
        mark = hashlib.sha256(data + self._reads_as.encode()).hexdigest()[:32]
        names = pa.array([self._paths.get(name, f"{self._connection}/{name}") for name in told.names], pa.string())
        self._taking = _Taking(path, size, mark, told, names)
        if not len(told.value):
            await self._end(self._taking)
        return None

    async def _end(self, taking: _Taking) -> None:
        """Put a file away whose samples are kept; one that was written to meanwhile is taken anew instead."""
        self._taking = None
        try:
            unchanged = await asyncio.to_thread(_size, taking.path) == taking.size
        except FileNotFoundError:
            return
        if unchanged:
            await self._put_away(taking.path, _DONE, taking.mark)

    def _piece(self, taking: _Taking) -> Reading:
        own = slice(taking.at, taking.at + _PIECE)
        told, now_us = taking.told, columns.to_us(self._clock.now())
        value = told.value[own]
        batch = columns.to_batch(
            taking.names, told.name_of[own], told.time_us[own], now_us, value, np.zeros(len(value), np.uint8)
        )
        return Reading(batch, mark=taking.piece)

    async def _whole(self) -> Path | None:
        """The oldest file that did not grow since the last look."""
        try:
            found = await asyncio.to_thread(_look, self._folder)
        except OSError as error:
            raise away(self.address, error) from error
        before, self._sizes = self._sizes, found
        whole = [path for path, size in found.items() if before.get(path) == size]
        return min(whole, key=lambda path: (found[path][1], path.name), default=None)

    async def _refuse(self, path: Path, error: Garbled) -> None:
        why = self._folder / _REFUSED / f"{path.name}.why"
        try:
            await asyncio.to_thread(why.write_text, f"{error.what}\n{error.cure}\n", "utf-8")
        except OSError as trouble:
            raise away(self.address, trouble) from trouble
        await self._put_away(path, _REFUSED, "")

    async def _put_away(self, path: Path, where: str, mark: str) -> None:
        target = self._folder / where / path.name
        taken: bool = await asyncio.to_thread(target.exists)
        if mark and taken:
            target = target.with_name(f"{path.stem}-{mark[:8]}{path.suffix}")
        try:
            with suppress(FileNotFoundError):
                await asyncio.to_thread(path.replace, target)
        except OSError as error:
            raise away(self.address, error) from error
        self._sizes.pop(path, None)


async def probe(
    url: str, settings: Mapping[str, str], model: ThingModel, reach: Reach, seen: Seen = unheard,  # noqa: ARG001
) -> Probed:  # fmt: skip
    """Read the newest file of the folder, or the newest done, and propose its names; nothing is moved."""
    folder, layout = folder_of(url), layout_of(settings)
    try:
        files = await asyncio.to_thread(lambda: {**_look(folder), **_look(folder / _DONE)})
    except OSError as error:
        raise away(url, error) from error
    if not files:
        raise away(url, f"no file of {' or '.join(KINDS)} is there yet")
    newest = max(files, key=lambda path: files[path][1])
    told = await asyncio.to_thread(lambda: read(_bytes_of(newest), newest.suffix.lower(), layout))
    listed, rest = propose(_found(told), model)
    return Probed(url, "files", f"a folder; seen: {newest.name}", "whoever may write into the folder", listed, rest)


def folder_of(url: str) -> Path:
    """The folder that a url names; `Refused` when it names none on this machine."""
    parts = urlsplit(url)
    folder = Path(unquote(parts.path))
    if parts.netloc not in ("", "localhost") or not folder.is_absolute() or ".." in folder.parts or folder == Path("/"):
        raise Refused("files.folder", f"'{url}' is no folder of this machine.", "Write it as file:///var/drop/press-4.")
    return folder


def _found(told: Told) -> Iterator[Found]:
    last = np.zeros(len(told.names))
    last[told.name_of] = told.value
    for name, value in zip(told.names, last.tolist(), strict=True):
        yield Found(name, name, "number", "", f"{value:g}")


def _look(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of the last change of each file; links are none, since they may lead elsewhere."""
    found = {}
    for path in folder.iterdir():
        if path.suffix.lower() in KINDS and not path.name.startswith(".") and path.is_file() and not path.is_symlink():
            with suppress(FileNotFoundError):
                found[path] = _size(path)
    return found


def _size(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _bytes_of(path: Path) -> bytes:
    if path.stat().st_size > _BYTES_MAX:
        raise Garbled("files.large", f"It has more than {_BYTES_MAX} bytes.", "Drop it in several files.")
    return path.read_bytes()
