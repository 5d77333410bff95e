"""The newest sample of each signal in a segment, in DuckDB's memory: a segment never changes, so it is looked through once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from batchone.machines import columns
from batchone.machines.history.model import EVER, Segment

_ROWS_MAX = 500_000
_ASKED_MAX = 10_000


class Lasts:
    """Of segments of one DuckDB that have been asked for before, as far as half a million rows go: then it begins anew."""

    def __init__(self, duck: duckdb.DuckDBPyConnection, root: Path, sql: Mapping[str, str]) -> None:
        # Of its own, because others ask on theirs meanwhile.
        self._duck = duck.cursor()
        self._root = root
        self._sql = sql
        self._known: dict[str, int] = {}
        self._asked: set[str] = set()
        self._users = 0
        self._turn = threading.Lock()
        self._duck.execute(sql["lasts_begin"])

    @contextmanager
    def using(self, segments: Sequence[Segment]) -> Iterator[set[str]]:
        """The ids of those segments whose newest samples stand in the table `segment_last`; they stay while they are used."""
        with self._turn:
            known = self._of(segments)
            self._users += 1
        try:
            yield known
        finally:
            with self._turn:
                self._users -= 1

    def _of(self, segments: Sequence[Segment]) -> set[str]:
        new = [segment for segment in segments if segment.id in self._asked and segment.id not in self._known]
        if len(self._asked) > _ASKED_MAX:
            self._asked.clear()
        self._asked.update(segment.id for segment in segments)
        if sum(self._known.values()) + sum(segment.paths for segment in new) > _ROWS_MAX:
            new = []
            if not self._users:
                self._duck.execute(self._sql["lasts_clear"])
                self._known.clear()
        for segment in new:
            try:
                self._load(segment)
            except duckdb.Error:
                # Damaged or gone: whoever reads the file finds out, and says so.
                continue
            self._known[segment.id] = segment.paths
        return {segment.id for segment in segments if segment.id in self._known}

    def _load(self, segment: Segment) -> None:
        files = [str(self._root / segment.file)]
        load = self._sql["lasts_load"].replace("$sample", self._sql[segment.shape])
        bounds = {"start": columns.to_us(EVER[0]), "end": columns.to_us(EVER[1])}
        self._duck.execute(load, {segment.shape: files, "segment": segment.id} | bounds)
