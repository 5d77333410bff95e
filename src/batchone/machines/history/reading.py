"""Reads by DuckDB over the segments that the catalogue names, in threads, so that the event loop stays free."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import structlog
from numpy.typing import NDArray

from batchone.contracts.machines import HistoryStats
from batchone.kernel.database import load_queries
from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.history.caching import Cache
from batchone.machines.history.journal import Frame, Tail
from batchone.machines.history.model import Missing, Segment, Steps, windows_before
from batchone.machines.history.store import Catalogue
from batchone.machines.history.warm import Warm

_log = structlog.get_logger(__name__)
_AT_ONCE = 2
WARM_SHARE = 8
"""So much of the memory for reads is for segments that are asked for again and again: an eighth."""

SQL = load_queries(Path(__file__).parent / "reading.sql")

Line = tuple[tuple[float, ...], tuple[float, ...]]
"""Times (unix seconds) and values of one signal, oldest first."""


@dataclass
class Thinned:
    """Lines by path; `thinned` if some samples were left out; `missing` are the files that could not be read, and why."""

    lines: dict[str, Line] = field(default_factory=dict)
    thinned: bool = False
    missing: Missing = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where a page of samples begins: at which path of those asked for, at which time, after how many samples of that time."""

    path: int = 0
    from_us: int = -(1 << 62)
    skip: int = 0

    def behind(self, times: NDArray[np.int64]) -> Place:
        """The place behind samples of this path that begin at this place, those that it skips included."""
        last = int(times[-1])
        return Place(self.path, last, int(np.count_nonzero(times == last)))

    @staticmethod
    def read(text: str) -> Place:
        """The place that `str` wrote; an empty text is the beginning."""
        try:
            return Place(*(int(part) for part in text.split("."))) if text else Place()
        except (TypeError, ValueError) as error:
            raise Refused("history.place", f"{text!r} is no place in an answer.", "Use `next` of the page before.") from error

    def __str__(self) -> str:
        return f"{self.path}.{self.from_us}.{self.skip}"


@dataclass(frozen=True)
class Window:
    """Which samples are wanted: of these segments and of a table with what stands in journals, between two times in
    microseconds, of some paths or of all."""

    segments: Sequence[Segment]
    start_us: int
    end_us: int
    paths: Sequence[str] | None
    unsealed: pa.Table | None = None


class Newest(NamedTuple):
    """A sample, its times in microseconds."""

    path: str
    value: float
    quality: int
    source_us: int
    received_us: int


class Reader:
    """Read-only, and only below the historian's folder."""

    def __init__(
        self, catalogue: Catalogue, root: Path, *, threads: int, memory_bytes: float, cache: Cache | None = None
    ) -> None:  # fmt: skip
        self._catalogue = catalogue
        self._root = root
        self._cache = cache
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._tail = Tail(root)
        self._duck = duckdb.connect(":memory:")
        locked_down(self._duck, root, threads, memory_bytes)
        self._warm = Warm(self._duck, root, SQL, memory_bytes / WARM_SHARE)

    def warm(self) -> None:
        """Pay once, at start, for what the first query and the first Arrow column load; blocks for a second or two."""
        columns.times_us(columns.from_bytes(columns.to_bytes(columns.to_batch(("a/b",), (0,), (0,), 0, (0.0,), (0,)))))
        self._duck.cursor().sql("SELECT epoch_us(make_timestamptz(0::BIGINT)) AS t").to_arrow_table()

    def close(self) -> None:
        """Let go of DuckDB."""
        self._duck.close()

    async def rows(self, tenant: str, paths: Sequence[str] | None, start: datetime, end: datetime) -> pa.Table:
        """All samples in the columns of a batch, once each, by path and source time; every path if `paths` is none."""
        window, _ = await self._window(tenant, paths, start, end)
        async with self._gate:
            return await asyncio.to_thread(self._rows, window)

    async def trend(self, tenant: str, paths: Sequence[str], start: datetime, end: datetime, points: int) -> Thinned:
        """Good and uncertain samples of each path, thinned where there are more than `points`."""
        window, missing = await self._window(tenant, paths, start, end)
        async with self._gate:
            found = await asyncio.to_thread(self._trend, window, points)
        found.missing = {**found.missing, **missing}
        return found

    async def page(
        self, tenant: str, paths: Sequence[str], start: datetime, end: datetime, after: Place, rows: int
    ) -> tuple[pa.Table, Place | None]:  # fmt: skip
        """The next rows after a place, path by path in the order given, and the place behind them; none at the end."""
        window, _ = await self._window(tenant, paths, start, end)
        async with self._gate:
            return await asyncio.to_thread(self._page, window, after, rows)

    def _page(self, window: Window, place: Place, rows: int) -> tuple[pa.Table, Place | None]:
        parts, room = [pa.Table.from_batches([columns.empty()])], rows
        paths = window.paths or ()
        while place.path < len(paths):
            begin = max(window.start_us, place.from_us)
            one = replace(window, start_us=begin, paths=[paths[place.path]])
            found, _ = self._query("page", one, limit=place.skip + room)
            part = found.cast(columns.SAMPLE_SCHEMA).slice(place.skip) if found is not None else parts[0]
            parts.append(part)
            room -= part.num_rows
            if room == 0:
                return pa.concat_tables(parts), place.behind(columns.times_us(found))
            place = Place(place.path + 1)
        return pa.concat_tables(parts), None

    async def counts(
        self, tenant: str, paths: Sequence[str], start: datetime, end: datetime
    ) -> tuple[dict[str, int], Missing]:  # fmt: skip
        """How many samples there are of each path that has any, bad ones too, and the files that could not be read."""
        window, missing = await self._window(tenant, paths, start, end)
        async with self._gate:
            found, readable = await asyncio.to_thread(self._query, "count_all", window)
        counts = dict(zip(found["path"].to_pylist(), found["rows"].to_pylist(), strict=True)) if found is not None else {}
        return counts, {**missing, **_unreadable(window, readable)}

    async def newest(self, tenant: str, paths: Sequence[str], since: datetime, end: datetime) -> tuple[list[Newest], Missing]:
        """The newest sample of each path that is not bad, before `end` and not before `since`, and the files that were looked
        for and could not be read."""
        left, found = set(paths), dict[str, Newest]()
        missing: dict[str, Literal["lost", "away"]] = {}
        for start, until in windows_before(end, since):
            window, lacking = await self._window(tenant, sorted(left), start, until)
            async with self._gate:
                table, readable = await asyncio.to_thread(self._query, "newest", window)
            missing |= {**lacking, **_unreadable(window, readable)}
            if table is not None:
                rows = zip(*(table[name].to_pylist() for name in ("path", "v", "q", "t", "r")), strict=True)
                found |= {row[0]: Newest(*row) for row in rows}
            left -= found.keys()
            if not left:
                break
        return [found[path] for path in sorted(found)], missing

    async def named(self, tenant: str, start: datetime, end: datetime) -> tuple[str, ...]:
        """The paths that stand in files which may have samples of a window."""
        window, _ = await self._window(tenant, None, start, end)
        sealed = await self.signals(window.segments)
        if window.unsealed is None:
            return sealed
        return tuple(sorted({*sealed, *pc.unique(window.unsealed["path"].cast(pa.string())).to_pylist()}))

    async def bring(self, segments: Sequence[Segment]) -> Missing:
        """Let segments have their files here, as far as they can be had; which could not, and why."""
        return await _missing(segments, self._root, self._cache)

    async def signals(self, segments: Sequence[Segment]) -> tuple[str, ...]:
        """The paths that stand in those files that can be read."""
        missing = await self.bring(segments)
        async with self._gate:
            return await asyncio.to_thread(self._signals, [each for each in segments if each.file not in missing])

    def _signals(self, segments: Sequence[Segment]) -> tuple[str, ...]:
        found: set[str] = set()
        for segment in segments:
            try:
                query = self._duck.cursor().sql(SQL["signals"], params={"files": [str(self._root / segment.file)]})
                found.update(path for (path,) in query.fetchall())
            except duckdb.Error as error:
                _log.error("history.segment_unreadable", file=segment.file, what=str(error))
        return tuple(sorted(found))

    async def unsealed(self, tenant: str) -> tuple[HistoryStats, list[Frame]]:
        """What a tenant has in segments, and the frames that stand in journals at the same moment."""
        stats, frames, _ = await self._tail.moment(self._catalogue, tenant, lambda: self._catalogue.stats(tenant))
        return stats, frames

    async def _window(
        self, tenant: str, paths: Sequence[str] | None, start: datetime, end: datetime
    ) -> tuple[Window, Missing]:  # fmt: skip
        found = await there(self._catalogue, self._tail, self._root, tenant, start, end, self._cache)
        wanted = None if paths is None else list(paths)
        return Window(found.segments, columns.to_us(start), columns.to_us(end), wanted, found.unsealed), found.missing

    def _rows(self, window: Window) -> pa.Table:
        table, _ = self._query("rows", window)
        if table is None:
            return pa.Table.from_batches([columns.empty()])
        return table.cast(columns.SAMPLE_SCHEMA)

    def _trend(self, window: Window, points: int) -> Thinned:
        found, paths = Thinned(), window.paths or ()
        counts, readable = self._query("count", window)
        found.missing = _unreadable(window, readable)
        if counts is None:
            return found
        count = dict(zip(counts["path"].to_pylist(), counts["rows"].to_pylist(), strict=True))
        few = [path for path in paths if 0 < count.get(path, 0) <= points]
        many = [path for path in paths if count.get(path, 0) > points]
        if few:
            found.lines |= _lines(self._query("all", replace(window, segments=readable, paths=few))[0])
        if many:
            width = Steps.of(window.start_us, window.end_us, points).width_us
            found.lines |= _lines(self._query("thin", replace(window, segments=readable, paths=many), width=width)[0])
            found.thinned = True
        return found

    def _query(self, name: str, window: Window, **values: Any) -> tuple[pa.Table | None, Sequence[Segment]]:
        """The result over those segments that can be read, and which they are; a damaged file must not hide the others."""
        if not window.segments and window.unsealed is None:
            return None, ()
        try:
            return self._run(name, window, values), window.segments
        except duckdb.Error as error:
            _log.warning("history.read_again", what=str(error))
        readable = [
            each for each in window.segments if self._readable(name, replace(window, segments=[each], unsealed=None), values)
        ]
        there = readable or window.unsealed is not None
        return (self._run(name, replace(window, segments=readable), values) if there else None), readable

    def _readable(self, name: str, window: Window, values: dict[str, Any]) -> bool:
        try:
            self._run(name, window, values)
        except duckdb.Error as error:
            _log.error("history.segment_unreadable", file=window.segments[0].file, what=str(error))
            return False
        return True

    def _run(self, name: str, window: Window, values: dict[str, Any]) -> pa.Table:
        duck = self._duck.cursor()
        bounds: dict[str, Any] = {"start": window.start_us, "end": window.end_us} | values
        wanted = ""
        if window.paths is not None:
            wanted, bounds["paths"] = f" AND {SQL['wanted']}", list(window.paths)
        with self._warm.using(window.segments) as warm:
            samples = [SQL["warm"].replace("$table", f'"{table}"') for table in warm.values()]
            if window.unsealed is not None:
                samples.append(SQL["unsealed"])
                duck.register("unsealed", window.unsealed)
            cold = [segment for segment in window.segments if segment.id not in warm]
            for shape in sorted({segment.shape for segment in cold}):
                samples.append(SQL[shape])
                bounds[shape] = [str(self._root / segment.file) for segment in cold if segment.shape == shape]
            sample = " UNION ALL ".join(part + wanted for part in samples)
            query = "\n".join(("WITH sample AS (", sample, ")", SQL[name]))
            return duck.sql(query, params=bounds).to_arrow_table()


@dataclass(frozen=True)
class Found:
    """What there is of a window: segments that have their file, a table of what stands in journals if anything does, and the
    files that could not be had."""

    segments: list[Segment]
    unsealed: pa.Table | None
    missing: Missing


async def there(
    catalogue: Catalogue, tail: Tail, root: Path, tenant: str, start: datetime, end: datetime, cache: Cache | None
) -> Found:  # fmt: skip
    """What there is of a window; what has moved to the object store is brought into the cache."""

    async def look() -> tuple[list[Segment], list[Frame], Missing]:
        segments, frames, gone = await tail.moment(catalogue, tenant, lambda: catalogue.counting(tenant, start, end))
        return segments, frames, {**dict.fromkeys(gone, "lost"), **await _missing(segments, root, cache)}

    segments, frames, missing = await look()
    if "lost" in missing.values():
        # A merge may have replaced them since the catalogue was asked.
        segments, frames, missing = await look()
    if missing:
        _log.error("history.file_missing", files=dict(sorted(missing.items())))
    unsealed = await asyncio.to_thread(tail.table, frames, columns.to_us(start), columns.to_us(end)) if frames else None
    return Found([segment for segment in segments if segment.file not in missing], unsealed, missing)


async def _missing(segments: Sequence[Segment], root: Path, cache: Cache | None) -> Missing:
    missing = await cache.bring(segments) if cache is not None else {}
    absent = await asyncio.to_thread(lambda: [each for each in segments if not (root / each.file).exists()])
    return {**{each.file: "away" if each.moved else "lost" for each in absent}, **missing}


def _unreadable(window: Window, readable: Sequence[Segment]) -> Missing:
    return dict.fromkeys({segment.file for segment in window.segments} - {segment.file for segment in readable}, "lost")


def _lines(table: pa.Table | None) -> dict[str, Line]:
    """The lines in a result that is ordered by path and time."""
    if table is None or table.num_rows == 0:
        return {}
    table = table.combine_chunks()
    path = table["path"].combine_chunks().dictionary_encode()
    code = np.asarray(path.indices)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(code)) + 1))
    times, values = np.asarray(table["t"]) / 1e6, np.asarray(table["v"])
    return {
        path[int(a)].as_py(): (tuple(times[a:b].tolist()), tuple(values[a:b].tolist()))
        for a, b in zip(starts, [*starts[1:], len(code)], strict=True)
    }


def locked_down(duck: duckdb.DuckDBPyConnection, folder: Path, threads: int, memory_bytes: float) -> None:
    """Let a DuckDB see nothing but a folder, for good."""
    for name, value in (
        ("threads", threads), ("memory_limit", f"{int(memory_bytes)}B"), ("TimeZone", "UTC"), ("temp_directory", ""),
        ("preserve_insertion_order", False), ("parquet_metadata_cache", True), ("autoinstall_known_extensions", False),
        ("autoload_known_extensions", False), ("allowed_directories", [str(folder)]), ("enable_external_access", False),
        ("lock_configuration", True),
    ):  # fmt: skip
        duck.execute(f"SET {name} = {literal(value)}")


def literal(value: object) -> str:
    """A value as DuckDB reads it in a text, where no parameter may stand."""
    if isinstance(value, list):
        return "[" + ", ".join(literal(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
