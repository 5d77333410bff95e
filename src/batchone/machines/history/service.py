"""The historian as others see it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime, timedelta
from typing import Literal

import pyarrow as pa

from batchone.contracts.machines import Gap, HistoryStats, LastValue, SamplePage, Trend, ValuesAt
from batchone.machines import columns
from batchone.machines.history.exporting import to_page
from batchone.machines.history.model import EVER, Missing, check_points, check_time, check_window
from batchone.machines.history.reading import Place, Reader, Thinned
from batchone.machines.history.store import Catalogue


class Historian:
    """Implements `batchone.contracts.machines.History`."""

    def __init__(self, catalogue: Catalogue, reader: Reader) -> None:
        self._catalogue = catalogue
        self._reader = reader

    async def trend(self, tenant: str, paths: Sequence[str], start: datetime, end: datetime, points: int) -> Trend:
        """Good and uncertain samples from `start` up to but not at `end`, thinned to at most `points` a signal.

        Of a thinned signal the first and last sample and the smallest and largest of each step are kept; every point is
        a sample that was stored.
        """
        check_window(start, end)
        check_points(points)
        wanted = list(dict.fromkeys(paths))
        found = await self._reader.trend(tenant, wanted, start, end, points)
        lines = {path: found.lines.get(path, ((), ())) for path in wanted}
        gaps = await self._gaps(tenant, wanted, start, end, found.missing, found.lines)
        return Trend(
            start=start, end=end, answer=_answer(found, gaps), gaps=gaps,
            times_s={path: times for path, (times, _) in lines.items()},
            values={path: values for path, (_, values) in lines.items()},
        )  # fmt: skip

    async def _gaps(
        self, tenant: str, paths: Sequence[str], start: datetime, end: datetime, missing: Missing, there: Container[str]
    ) -> tuple[Gap, ...]:  # fmt: skip
        dropped = await self._catalogue.dropped_of(tenant, paths, start, end)
        return (
            *(Gap(reason, file) for file, reason in sorted(missing.items())), *(Gap("dropped", id_) for id_ in dropped),
            *(Gap("none", path) for path in paths if path not in there),
        )  # fmt: skip

    async def samples(
        self, tenant: str, paths: Sequence[str], start: datetime, end: datetime, after: str, rows: int
    ) -> SamplePage:  # fmt: skip
        """Every sample, bad ones too, path by path: at most `rows` of them behind the page whose `next` is given."""
        check_window(start, end)
        wanted = list(dict.fromkeys(paths))
        counts: dict[str, int] = {}
        gaps: tuple[Gap, ...] = ()
        if not after:
            counts, missing = await self._reader.counts(tenant, wanted, start, end)
            gaps = await self._gaps(tenant, wanted, start, end, missing, counts)
        table, place = await self._reader.page(tenant, wanted, start, end, Place.read(after), rows)
        return SamplePage(to_page(table), table.num_rows, sum(counts.values()), "" if place is None else str(place), gaps)

    async def at(self, tenant: str, paths: Sequence[str], time: datetime, look_back_s: float) -> ValuesAt:
        """The newest sample of each path at or before a time that is not bad, looked for so many seconds back."""
        check_time(time)
        wanted = list(dict.fromkeys(paths))
        end = min(max(time + timedelta(microseconds=1), EVER[0]), EVER[1])
        since = EVER[0] if look_back_s >= (end - EVER[0]).total_seconds() else end - timedelta(seconds=look_back_s)
        found, missing = await self._reader.newest(tenant, wanted, since, end)
        there = {each.path for each in found}
        gaps = await self._gaps(tenant, wanted, since, end, missing, there)
        values = (
            LastValue(path, value, quality, columns.from_us(source), columns.from_us(received))
            for path, value, quality, source, received in found
        )
        return ValuesAt(time, since, tuple(values), gaps)

    async def signals(self, tenant: str, day: datetime) -> tuple[str, ...]:
        """The paths of which there are samples in the files of the 24 hours before a time."""
        return await self._reader.named(tenant, day - timedelta(days=1), day)

    async def stats(self, tenant: str) -> HistoryStats:
        """What is stored; `duplicates` counts samples that came again and were dropped."""
        sealed, frames = await self._reader.unsealed(tenant)
        if not frames:
            return sealed
        first, last = min(frame.first_us for frame in frames), max(frame.last_us for frame in frames)
        return HistoryStats(
            samples=sealed.samples + sum(frame.rows for frame in frames), segments=sealed.segments,
            bytes=sealed.bytes + sum(len(frame.data) for frame in frames),
            oldest=min(sealed.oldest or EVER[1], columns.from_us(first)),
            newest=max(sealed.newest or EVER[0], columns.from_us(last)), duplicates=sealed.duplicates,
        )  # fmt: skip

    async def read(self, tenant: str, paths: Sequence[str] | None, start: datetime, end: datetime) -> pa.Table:
        """Every sample from `start` up to but not at `end` in the columns of `SAMPLE_SCHEMA`, bad ones too.

        Sorted by path, source time and value, each of these once; all paths if `paths` is none.
        """
        check_window(start, end)
        return await self._reader.rows(tenant, paths, start, end)


def _answer(found: Thinned, gaps: Sequence[Gap]) -> Literal["complete", "downsampled", "missing"]:
    if not found.lines or any(gap.reason != "none" for gap in gaps):
        return "missing"
    return "downsampled" if found.thinned else "complete"
