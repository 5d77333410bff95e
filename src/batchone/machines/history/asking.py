"""SQL over samples: one SELECT at a time, in a DuckDB that sees one tenant's files, writes nothing and ends in time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.history.caching import Cache
from batchone.machines.history.journal import Tail
from batchone.machines.history.model import EVER, Missing, check_window
from batchone.machines.history.reading import SQL, Found, literal, locked_down, there
from batchone.machines.history.store import Catalogue

_PART = 50_000


@dataclass(frozen=True)
class Answer:
    """What a SELECT gave; `cut` if there was more than was asked for; `missing` are files that could not be read."""

    table: pa.Table
    cut: bool
    missing: Missing


class Asker:
    """Answers SELECTs over `samples` (path, source_time, received_time, value, quality; each sample once), `last` (the newest
    of each path) and `signals` (path, samples, first, last). It needs the catalogue and the files, not the platform: as
    many processes as one likes may ask beside the one that writes."""

    def __init__(
        self, catalogue: Catalogue, root: Path, *, threads: int, memory_bytes: float, cache: Cache | None = None
    ) -> None:  # fmt: skip
        self._catalogue = catalogue
        self._root = root
        self._cache = cache
        self._threads = threads
        self._memory_bytes = memory_bytes
        self._tail = Tail(root)
        self._ducks: dict[str, duckdb.DuckDBPyConnection] = {}
        self._opening = threading.Lock()

    async def ask(
        self, tenant: str, select: str, *, rows: int, seconds: float, window: tuple[datetime, datetime] = EVER
    ) -> Answer:  # fmt: skip
        """At most `rows` rows within so many real seconds; only samples of the window, if there is one, are looked at.

        `Refused` when it is no single SELECT, fails, reaches for anything but the tenant's samples, or takes too long.
        """
        check_window(*window)
        found = await there(self._catalogue, self._tail, self._root, tenant, *window, self._cache)
        bounds = columns.to_us(window[0]), columns.to_us(window[1])
        table, cut = await asyncio.to_thread(self._ask, tenant, select, found, bounds, rows, seconds)
        return Answer(table, cut, found.missing)

    def close(self) -> None:
        """Let go of DuckDB."""
        for duck in self._ducks.values():
            duck.close()

    def _duck(self, tenant: str) -> duckdb.DuckDBPyConnection:
        """A connection of its own, whose views nobody else sees, to the DuckDB that sees one tenant's files."""
        with self._opening:
            if tenant not in self._ducks:
                self._ducks[tenant] = duckdb.connect(":memory:")
                locked_down(self._ducks[tenant], self._root / tenant, self._threads, self._memory_bytes)
            return self._ducks[tenant].cursor()

    def _ask(
        self, tenant: str, select: str, found: Found, bounds: tuple[int, int], rows: int, seconds: float
    ) -> tuple[pa.Table, bool]:  # fmt: skip
        duck = self._duck(tenant)
        late = threading.Timer(seconds, duck.interrupt)
        late.daemon = True
        try:
            if found.unsealed is not None:
                duck.register("unsealed", found.unsealed)
            duck.execute(f"CREATE TEMP VIEW samples AS {_samples(self._root, found, bounds)}")
            duck.execute(f"CREATE TEMP VIEW last AS {SQL['last']}")
            duck.execute(f"CREATE TEMP VIEW signals AS {SQL['signals_of']}")
            statements = duck.extract_statements(select)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise Refused(
                    "history.no_select", "This is no single SELECT.", "Ask with one SELECT over samples, last, signals."
                )
            late.start()
            return _first(duck.sql(statements[0].query).to_arrow_reader(_PART), rows)
        except (duckdb.Error, pa.ArrowException) as error:
            if "INTERRUPT" in str(error):
                what = f"The answer took longer than {seconds:g} s."
                raise Refused("history.slow", what, "Ask for fewer paths or a shorter window, or give it more time.") from error
            raise Refused("history.sql", f"{error}".strip(), "Correct the SELECT.") from error
        finally:
            late.cancel()
            duck.close()


def _first(reader: pa.RecordBatchReader, rows: int) -> tuple[pa.Table, bool]:
    """The first rows, and whether there are more."""
    parts, count = [], 0
    for part in reader:
        parts.append(part)
        count += part.num_rows
        if count > rows:
            break
    return pa.Table.from_batches(parts, reader.schema).slice(0, rows), count > rows


@dataclass(frozen=True)
class Part:
    """Where samples from one time to another stand: a segment's file, or what is not sealed (`file` is empty), which may hold
    a sample twice."""

    first: datetime
    last: datetime
    shape: str
    file: str = ""


def _samples(root: Path, found: Found, bounds: tuple[int, int]) -> str:
    """The samples there are, each once. One sample can stand in two files only where their times overlap."""
    parts = [
        Part(each.first, each.last, "packed" if each.packed else "plain", str(root / each.file)) for each in found.segments
    ]  # fmt: skip
    if found.unsealed is not None:
        ends = pc.min_max(found.unsealed["source_time"])
        parts.append(Part(ends["min"].as_py(), ends["max"].as_py(), "unsealed"))
    texts = []
    for group in overlapping(parts):
        of: dict[str, list[str]] = {}
        for part in group:
            of.setdefault(part.shape, []).append(part.file)
        text = " UNION ALL ".join(_filled(shape, files, bounds) for shape, files in sorted(of.items()))
        single = len(group) == 1 and group[0].shape != "unsealed"
        texts.append(text if single else " ".join(("SELECT * FROM (", text, ")", SQL["once"])))
    return " UNION ALL ".join(texts) or SQL["none"]


def _filled(shape: str, files: list[str], bounds: tuple[int, int]) -> str:
    text = SQL[shape].replace("$start", str(bounds[0])).replace("$end", str(bounds[1]))
    return text.replace(f"${shape}", literal(files))


def overlapping(parts: Sequence[Part]) -> list[list[Part]]:
    """Parts in groups whose times overlap."""
    groups: list[list[Part]] = []
    until: datetime | None = None
    for part in sorted(parts, key=lambda each: (each.first, each.file)):
        if until is not None and part.first <= until:
            groups[-1].append(part)
        else:
            groups.append([part])
        until = part.last if until is None else max(until, part.last)
    return groups
