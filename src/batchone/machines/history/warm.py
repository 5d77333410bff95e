"""Segments that are asked for again and again, decoded, in DuckDB's memory.

Reading one signal out of a Parquet file costs some milliseconds for the footer and for decoding the row groups in which it
stands. Charts and reports ask for the same day many times, so a segment is loaded when it is asked for the third time, sorted
by path and time, with numbers for paths; what has not been asked for the longest makes room.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from batchone.machines import columns
from batchone.machines.history.model import EVER, Segment

_COLD_ASKS = 2
_ROW_BYTES = 36
"""Two times, a value, a quality and a path's number, and what DuckDB needs besides."""


@dataclass
class _Loaded:
    table: str
    rows: int
    asked: int
    users: int = 0


class Warm:
    """At most `memory_bytes` of segments of one DuckDB. `sql` has the SELECTs over files, by shape."""

    def __init__(self, duck: duckdb.DuckDBPyConnection, root: Path, sql: Mapping[str, str], memory_bytes: float) -> None:
        # Of its own, because others ask on theirs meanwhile.
        self._duck = duck.cursor()
        self._root = root
        self._sql = sql
        self._rows_max = int(memory_bytes / _ROW_BYTES)
        self._loaded: dict[str, _Loaded] = {}
        self._asks: dict[str, int] = {}
        self._clock = 0
        self._turn = threading.Lock()
        self._duck.execute(sql["warm_begin"])

    @contextmanager
    def using(self, segments: Sequence[Segment]) -> Iterator[Mapping[str, str]]:
        """The tables of those segments that are loaded, by id; they stay while they are used."""
        with self._turn:
            self._clock += 1
            used = {}
            for segment in segments:
                loaded = self._loaded.get(segment.id) or self._asked(segment)
                if loaded is not None:
                    loaded.asked, loaded.users = self._clock, loaded.users + 1
                    used[segment.id] = loaded
        try:
            yield {name: loaded.table for name, loaded in used.items()}
        finally:
            with self._turn:
                for loaded in used.values():
                    loaded.users -= 1

    def _asked(self, segment: Segment) -> _Loaded | None:
        """The segment, loaded, if it has been asked for often enough and there is room."""
        asks = self._asks.pop(segment.id, 0) + 1
        # The least recently asked are the first in the dictionary; those that are gone are forgotten this way.
        self._asks[segment.id] = asks
        if len(self._asks) > 10_000:
            del self._asks[next(iter(self._asks))]
        if asks <= _COLD_ASKS or not self._make_room(segment.rows):
            return None
        del self._asks[segment.id]
        table = f"warm {segment.id}"
        try:
            self._load(table, segment)
        except duckdb.Error:
            # Damaged, gone, or more than there is memory for: whoever reads the file finds out, and says so.
            self._drop(table)
            return None
        self._loaded[segment.id] = loaded = _Loaded(table, segment.rows, self._clock)
        return loaded

    def _make_room(self, rows: int) -> bool:
        free = self._rows_max - sum(loaded.rows for loaded in self._loaded.values())
        oldest = sorted((loaded.asked, name) for name, loaded in self._loaded.items() if not loaded.users)
        for asked, name in oldest:
            if free >= rows or asked == self._clock:
                break
            loaded = self._loaded.pop(name)
            self._drop(loaded.table)
            free += loaded.rows
        return free >= rows

    def _load(self, table: str, segment: Segment) -> None:
        files = [str(self._root / segment.file)]
        self._duck.execute(self._sql["warm_paths"], {"files": files})
        load = self._sql["warm_load"].replace("$table", f'"{table}"').replace("$sample", self._sql[segment.shape])
        self._duck.execute(load, {segment.shape: files, "start": columns.to_us(EVER[0]), "end": columns.to_us(EVER[1])})

    def _drop(self, table: str) -> None:
        self._duck.execute(f'DROP TABLE IF EXISTS "{table}"')
