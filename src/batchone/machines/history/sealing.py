"""From the journal to segments: drop what is known, sort by class and day, write, and let the catalogue name the new files
instead of the journal, all in one transaction."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from batchone.contracts.machines import Kept
from batchone.kernel.database import Database
from batchone.kernel.errors import TryLater
from batchone.machines import columns
from batchone.machines.history.journal import FOLDER, Frame, Journals, Left, Scanned, Turn, scan
from batchone.machines.history.model import BatchKey, Segment
from batchone.machines.history.repeats import Newest, repeats
from batchone.machines.history.segments import SegmentFiles, by_class, by_day, sorted_unique
from batchone.machines.history.store import Catalogue

_log = structlog.get_logger(__name__)

Classes = Callable[[str], Awaitable[Mapping[str, Kept]]]
"""For a tenant, the class of retention of each path that is not `standard`."""


async def all_standard(_: str) -> Mapping[str, Kept]:
    """Nothing is kept longer or shorter than other things."""
    return {}


@dataclass
class _Found:
    """A journal's batches by tenant and batch id; `repeated` counts samples that came again."""

    batches: dict[BatchKey, bytes] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @classmethod
    def of(cls, frames: Sequence[Frame], known: set[BatchKey]) -> _Found:
        """What is new among frames."""
        found = cls()
        for frame in frames:
            if frame.key in known or frame.key in found.batches:
                found.repeated[frame.tenant] += frame.rows
            else:
                found.batches[frame.key] = frame.data
        return found


@dataclass(frozen=True)
class _New:
    """A tenant's samples that no segment holds; `alone` if that is certain."""

    tenant: str
    rows: pa.RecordBatch
    alone: bool


class Sealer:
    """Makes segments of journals, for each tenant, class and day one. One process seals at a time.

    `classes` tells for how long each signal is kept; it is asked for each journal, and what is stored stays in its class.
    """

    def __init__(
        self, database: Database, journals: Journals, files: SegmentFiles, *, classes: Classes = all_standard
    ) -> None:  # fmt: skip
        self._database = database
        self._catalogue = Catalogue(database)
        self._journals = journals
        self._files = files
        self._classes = classes
        self._newest = Newest()
        self._turn = Turn(files.root / FOLDER / "sealing.lock")

    async def work(self, every_s: float) -> None:
        """Seal journals that are full, and at least every so many real seconds what there is, until cancelled."""
        while True:
            try:
                await self.seal()
            except TryLater as error:
                _log.warning("history.not_sealed", what=error.what, cure=error.cure)
                await asyncio.sleep(error.after_s)
            try:
                await asyncio.wait_for(self._journals.full.wait(), every_s)
            except TimeoutError:
                await self._journals.leave()
            self._journals.full.clear()

    async def seal_all(self) -> None:
        """Seal whatever has been written."""
        await self._journals.leave()
        await self.seal()

    async def seal(self) -> None:
        """Seal every journal that nobody writes, and remove what a crash left of those that do not count."""
        with self._turn.taken() as turn:
            if turn == "others":
                return
            if turn == "after others":
                self._newest.forget()
            lying = await asyncio.to_thread(self._lying)
            counting = await self._catalogue.journals()
            for file in counting:
                if file in lying:
                    await self._seal(file)
                else:
                    _log.error("history.journal_lost", file=file)
            await asyncio.to_thread(self._remove, sorted(lying - set(counting)))

    async def _seal(self, file: str) -> None:
        with Left(self._files.root / file) as mine:
            if not mine:
                return
            scanned = await asyncio.to_thread(self._scan, file)
            if scanned.behind:
                _log.warning("history.journal_cut_off", file=file, bytes=scanned.behind)
            keys = {frame.key for frame in scanned.frames}
            found = _Found.of(scanned.frames, await self._catalogue.known(keys) if keys else set())
            kept = {tenant: await self._classes(tenant) for tenant in {tenant for tenant, _ in found.batches}}
            news = [await self._new(tenant, found) for tenant in kept]
            segments: list[Segment] = []
            try:
                for new in news:
                    await asyncio.to_thread(self._write, new, kept[new.tenant], segments)
                await self._commit(file, found, segments)
            except BaseException:
                # Whether these samples are stored now may be unknown.
                self._newest.forget()
                raise
            finally:
                # The same for the files; from now on the catalogue tells.
                self._files.settle(segments)
            await asyncio.to_thread(self._put_away, file, scanned.damaged)

    def _scan(self, file: str) -> Scanned:
        return scan((self._files.root / file).read_bytes())

    async def _new(self, tenant: str, found: _Found) -> _New:
        """What of a tenant's batches no segment holds."""
        rows, late = await asyncio.to_thread(self._sorted, tenant, found)
        if not late.any():
            return _New(tenant, rows, alone=True)
        times = columns.times_us(rows)[late]
        first, last = columns.from_us(times.min()), columns.from_us(times.max() + 1)
        others = await self._catalogue.overlapping(tenant, first, last)
        return await asyncio.to_thread(self._without, tenant, found, rows, late, others)

    def _sorted(self, tenant: str, found: _Found) -> tuple[pa.RecordBatch, NDArray[np.bool_]]:
        batches = [
            columns.from_bytes(data).replace_schema_metadata(None) for (of, _), data in found.batches.items() if of == tenant
        ]  # fmt: skip
        rows = sorted_unique(batches)
        found.repeated[tenant] += sum(batch.num_rows for batch in batches) - rows.num_rows
        return rows, self._newest.late(tenant, rows)

    def _without(
        self, tenant: str, found: _Found, rows: pa.RecordBatch, late: NDArray[np.bool_], others: Sequence[Segment]
    ) -> _New:  # fmt: skip
        alone = True

        def read() -> Iterator[pa.RecordBatch]:
            nonlocal alone
            for segment in others:
                try:
                    yield self._files.read(segment)
                except (OSError, pa.ArrowException) as error:
                    # A file that is gone or damaged, or was merged just now: readers look for repeats then.
                    _log.warning("history.repeats_unknown", file=segment.file, what=str(error))
                    alone = False

        again = repeats(rows, late, read())
        found.repeated[tenant] += int(again.known.sum())
        left = rows.take(pa.array(np.flatnonzero(~again.known))) if again.known.any() else rows
        return _New(tenant, left, alone and not again.better.any())

    def _write(self, new: _New, kept: Mapping[str, Kept], segments: list[Segment]) -> None:
        if not new.rows.num_rows:
            return
        for each, part in by_class(new.rows, kept):
            for day, rows in by_day(part):
                segments.append(self._files.write(new.tenant, day, rows, kept=each, alone=new.alone))
        # Before it is committed, because forgetting is what a failed commit does.
        self._newest.stored(new.tenant, new.rows)

    async def _commit(self, file: str, found: _Found, segments: list[Segment]) -> None:
        async with self._database.transaction() as tx:
            await self._catalogue.end_journal(tx, file)
            await self._catalogue.add_batches(tx, found.batches.keys())
            await self._catalogue.add_segments(tx, segments)
            for tenant, count in found.repeated.items():
                await self._catalogue.add_duplicates(tx, tenant, count)

    def _put_away(self, file: str, damaged: int) -> None:
        path = self._files.root / file
        if damaged:
            # Bytes between whole frames were acknowledged once, and the disk lost them since: a person may look at them.
            _log.error("history.journal_damaged", file=file, bytes=damaged)
            path.rename(path.with_suffix(".damaged"))
        else:
            path.unlink()

    def _lying(self) -> set[str]:
        return {path.relative_to(self._files.root).as_posix() for path in (self._files.root / FOLDER).glob("*.journal")}

    def _remove(self, files: Sequence[str]) -> None:
        for file in files:
            with Left(self._files.root / file) as mine:
                if mine:
                    (self._files.root / file).unlink(missing_ok=True)
