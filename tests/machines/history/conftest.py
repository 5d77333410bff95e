"""A historian over a real catalogue and a folder of its own."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from tests.support_objects import S3Server

from batchone.kernel.bus import Message
from batchone.kernel.database import Database, migrate
from batchone.kernel.ids import TimeIds
from batchone.machines import columns, history
from batchone.machines.history.ingest import Ingest
from batchone.machines.history.journal import Journals, Rules
from batchone.machines.history.keeping import Keeper
from batchone.machines.history.model import MergeRules
from batchone.machines.history.reading import Reader
from batchone.machines.history.sealing import Sealer
from batchone.machines.history.segments import SegmentFiles
from batchone.machines.history.service import Historian
from batchone.machines.history.store import Catalogue

Row = tuple[str, float, float]
"""Path, seconds after the start, value."""


@dataclass
class Rig:
    """The parts of a historian; `restart` throws away everything that a crash would."""

    root: Path
    database: Database
    ids: TimeIds
    start: datetime
    files: SegmentFiles = field(init=False)
    catalogue: Catalogue = field(init=False)
    reader: Reader = field(init=False)
    journals: Journals | None = None
    sealer: Sealer = field(init=False)
    ingest: Ingest = field(init=False)
    historian: Historian = field(init=False)
    real_s: float = 2e9

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.catalogue = Catalogue(self.database)
        self.reader = Reader(self.catalogue, self.root, threads=1, memory_bytes=256e6)
        self.restart()

    def restart(self) -> None:
        counter = itertools.count()
        self.files = SegmentFiles(
            self.root, lambda: f"{self.ids.new('SEG')}-{next(counter)}", lambda: self.real_s
        )  # fmt: skip
        if self.journals is not None:
            # With a process its locks go.
            self.journals._leave()
        self.journals = Journals(self.catalogue, self.root, lambda: f"{self.ids.new('JRN')}-{next(counter)}", Rules())
        self.sealer = Sealer(self.database, self.journals, self.files)
        self.ingest = Ingest(self.database, self.journals, flush_s=0)
        self.historian = Historian(self.catalogue, self.reader)

    async def store(self, messages: Sequence[Message]) -> None:
        """Messages as segments."""
        await self.ingest.store(messages)
        await self.sealer.seal_all()

    def keeper(
        self, *, fan_in: int = 4, settled_s: float = 1e9, rows_max: int = 10_000, grace_s: float = 0, stray_s: float = 0
    ) -> Keeper:
        return Keeper(
            self.catalogue, self.files, MergeRules(fan_in, settled_s, rows_max), grace_s=grace_s, stray_s=stray_s
        )  # fmt: skip

    async def compact(self) -> None:
        """Merge every shelf as far as it goes."""
        await self.keeper(settled_s=0).tidy()

    def at(self, seconds: float) -> datetime:
        return self.start + timedelta(seconds=seconds)

    def batch(self, rows: Sequence[Row], *, quality: int = 0) -> pa.RecordBatch:
        paths = sorted({path for path, _, _ in rows})
        times = [columns.to_us(self.at(seconds)) for _, seconds, _ in rows]
        return columns.to_batch(
            paths, [paths.index(path) for path, _, _ in rows], times, columns.to_us(self.start),
            [value for _, _, value in rows], [quality] * len(rows),
        )  # fmt: skip

    def message(self, rows: Sequence[Row], *, tenant: str = "t", quality: int = 0, batch: str | None = None) -> Message:
        made = self.batch(rows, quality=quality)
        return Message(f"samples.{tenant}.c1", columns.to_bytes(made, batch or ""))

    async def everything(self, tenant: str = "t") -> list[Row]:
        table = await self.historian.read(tenant, None, self.at(-400 * 86400), self.at(400 * 86400))
        times = table["source_time"].cast(pa.int64()).to_pylist()
        start = columns.to_us(self.start)
        return [
            (path, (time - start) / 1e6, value)
            for path, time, value in zip(table["path"].to_pylist(), times, table["value"].to_pylist(), strict=True)
        ]

    def on_disk(self) -> set[str]:
        return {path.relative_to(self.root).as_posix() for path in self.root.rglob("*.*") if path.suffix != ".lock"}


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server that speaks S3, for the whole run."""
    # Not below pytest's own folder: the paths of its sockets must be short.
    with tempfile.TemporaryDirectory(prefix="s3-") as folder:
        server = S3Server(Path(folder))
        server.start()
        yield server
        server.kill()


@pytest.fixture
def digest() -> Callable[[bytes], str]:
    return lambda data: hashlib.sha256(data).hexdigest()


@pytest.fixture
async def rig(database: Database, ids: TimeIds, tmp_path: Path, clock: object) -> AsyncIterator[Rig]:
    await migrate(database, "history", Path(history.__file__).parent / "migrations")
    made = Rig(tmp_path / "history", database, ids, clock.now())  # type: ignore[attr-defined]
    yield made
    made.reader.close()
