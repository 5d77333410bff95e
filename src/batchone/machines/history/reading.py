"""Reads by DuckDB over the segments that the catalogue names, in threads, so that the event loop stays free."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import structlog

from batchone.kernel.database import load_queries
from batchone.machines import columns
from batchone.machines.history.model import Segment, Steps
from batchone.machines.history.store import Catalogue

_log = structlog.get_logger(__name__)
_AT_ONCE = 2

_SQL = load_queries(Path(__file__).parent / "reading.sql")

Line = tuple[tuple[float, ...], tuple[float, ...]]
"""Times (unix seconds) and values of one signal, oldest first."""


@dataclass
class Thinned:
    """Lines by path; `thinned` if some samples were left out, `whole` if every segment could be read."""

    lines: dict[str, Line] = field(default_factory=dict)
    thinned: bool = False
    whole: bool = True


class Reader:
    """Read-only, and only below the historian's folder."""

    def __init__(self, catalogue: Catalogue, root: Path, *, threads: int, memory_bytes: float) -> None:
        self._catalogue = catalogue
        self._root = root
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._duck = duckdb.connect(":memory:")
        for name, value in (
            ("threads", threads), ("memory_limit", f"{int(memory_bytes)}B"), ("TimeZone", "UTC"),
            ("preserve_insertion_order", False), ("autoinstall_known_extensions", False),
            ("autoload_known_extensions", False), ("allowed_directories", [str(root)]), ("enable_external_access", False),
            ("lock_configuration", True),
        ):  # fmt: skip
            self._duck.execute(f"SET {name} = {_literal(value)}")

    def warm(self) -> None:
        """Pay once, at start, for what the first query and the first Arrow column load; blocks for a second or two."""
        columns.times_us(columns.from_bytes(columns.to_bytes(columns.to_batch(("a/b",), (0,), (0,), 0, (0.0,), (0,)))))
        self._duck.cursor().sql("SELECT epoch_us(make_timestamptz(0::BIGINT)) AS t").to_arrow_table()

    def close(self) -> None:
        """Let go of DuckDB."""
        self._duck.close()

    async def rows(self, tenant: str, paths: Sequence[str] | None, start: datetime, end: datetime) -> pa.Table:
        """All samples in the columns of a batch, once each, by path and source time; every path if `paths` is none."""
        files, _ = await self._files(tenant, start, end)
        bounds: dict[str, Any] = {"start": columns.to_us(start), "end": columns.to_us(end)}
        if paths is not None:
            bounds["paths"] = list(paths)
        query = _SQL["rows"] if paths is None else _SQL["rows_of"]
        async with self._gate:
            return await asyncio.to_thread(self._rows, query, files, bounds)

    async def trend(self, tenant: str, paths: Sequence[str], start: datetime, end: datetime, points: int) -> Thinned:
        """Good and uncertain samples of each path, thinned where there are more than `points`."""
        files, whole = await self._files(tenant, start, end)
        bounds = {"start": columns.to_us(start), "end": columns.to_us(end)}
        async with self._gate:
            found = await asyncio.to_thread(self._trend, files, list(paths), bounds, points)
        found.whole &= whole
        return found

    async def _files(self, tenant: str, start: datetime, end: datetime) -> tuple[list[str], bool]:
        """The files of a window, and whether all that the catalogue names are there."""
        segments = await self._catalogue.overlapping(tenant, start, end)
        if await asyncio.to_thread(self._lost, segments):
            # A merge may have replaced them since the catalogue was asked.
            segments = await self._catalogue.overlapping(tenant, start, end)
        lost = await asyncio.to_thread(self._lost, segments)
        if lost:
            _log.error("history.segment_lost", files=sorted(lost))
        return [str(self._root / segment.file) for segment in segments if segment.file not in lost], not lost

    def _lost(self, segments: Sequence[Segment]) -> set[str]:
        return {segment.file for segment in segments if not (self._root / segment.file).exists()}

    def _rows(self, query: str, files: list[str], bounds: dict[str, Any]) -> pa.Table:
        table, _ = self._query(query, files, bounds)
        if table is None:
            return pa.Table.from_batches([columns.empty()])
        return table.cast(columns.SAMPLE_SCHEMA)

    def _trend(self, files: list[str], paths: list[str], bounds: dict[str, Any], points: int) -> Thinned:
        found = Thinned()
        counts, readable = self._query(_SQL["count"], files, bounds | {"paths": paths})
        found.whole = len(readable) == len(files)
        if counts is None:
            return found
        count = dict(zip(counts["path"].to_pylist(), counts["rows"].to_pylist(), strict=True))
        few = [path for path in paths if 0 < count.get(path, 0) <= points]
        many = [path for path in paths if count.get(path, 0) > points]
        if few:
            found.lines |= _lines(self._query(_SQL["all"], readable, bounds | {"paths": few})[0])
        if many:
            width = Steps.of(bounds["start"], bounds["end"], points).width_us
            found.lines |= _lines(self._query(_SQL["thin"], readable, bounds | {"paths": many, "width": width})[0])
            found.thinned = True
        return found

    def _query(self, query: str, files: list[str], values: dict[str, Any]) -> tuple[pa.Table | None, list[str]]:
        """The result over those files that can be read, and which they are; a damaged file must not hide the others."""
        if not files:
            return None, []
        try:
            return self._run(query, files, values), files
        except duckdb.Error as error:
            _log.warning("history.read_again", what=str(error))
        readable = [file for file in files if self._readable(file, query, values)]
        if len(readable) == len(files) or not readable:
            return (self._run(query, files, values), files) if readable else (None, [])
        return self._run(query, readable, values), readable

    def _readable(self, file: str, query: str, values: dict[str, Any]) -> bool:
        try:
            self._run(query, [file], values)
        except duckdb.Error as error:
            _log.error("history.segment_unreadable", file=file, what=str(error))
            return False
        return True

    def _run(self, query: str, files: list[str], values: dict[str, Any]) -> pa.Table:
        return self._duck.cursor().sql(query, params={"files": files, **values}).to_arrow_table()


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


def _literal(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_literal(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
