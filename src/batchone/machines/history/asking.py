"""SQL over samples: one SELECT at a time, in a DuckDB that sees one tenant's files, writes nothing and ends in time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.history.caching import Cache
from batchone.machines.history.journal import Tail
from batchone.machines.history.lasts import Lasts
from batchone.machines.history.model import EVER, Missing, Segment, check_window
from batchone.machines.history.reading import SQL, WARM_SHARE, Found, literal, locked_down, there
from batchone.machines.history.store import Catalogue
from batchone.machines.history.warm import Warm

_PART = 50_000
_TENANTS_WARM = 8
_SHAPES = ("packed", "plain", "unsealed", "warm")


@dataclass(frozen=True)
class Answer:
    """What a SELECT gave; `cut` if there was more than was asked for; `missing` are files that could not be read."""

    table: pa.Table
    cut: bool
    missing: Missing


@dataclass(frozen=True)
class _Known:
    """The DuckDB of a tenant, and what it holds of segments."""

    duck: duckdb.DuckDBPyConnection
    warm: Warm
    lasts: Lasts


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
        self._ducks: dict[str, _Known] = {}
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
        for known in self._ducks.values():
            known.duck.close()

    def _duck(self, tenant: str) -> tuple[duckdb.DuckDBPyConnection, _Known]:
        """A connection of its own, whose views nobody else sees, to the DuckDB that sees one tenant's files."""
        with self._opening:
            # The most recently asked stands last; of two that are answered at once neither is the first of nine.
            known = self._ducks.pop(tenant, None)
            if known is None and len(self._ducks) >= _TENANTS_WARM:
                self._ducks.pop(next(iter(self._ducks))).duck.close()
            if known is None:
                duck = duckdb.connect(":memory:")
                locked_down(duck, self._root / tenant, self._threads, self._memory_bytes)
                warm = Warm(duck, self._root, SQL, self._memory_bytes / WARM_SHARE)
                known = _Known(duck, warm, Lasts(duck, self._root, SQL))
            self._ducks[tenant] = known
            return known.duck.cursor(), known

    def _ask(
        self, tenant: str, select: str, found: Found, bounds: tuple[int, int], rows: int, seconds: float
    ) -> tuple[pa.Table, bool]:  # fmt: skip
        duck, known = self._duck(tenant)
        late = threading.Timer(seconds, duck.interrupt)
        late.daemon = True
        try:
            whole = (
                [each for each in found.segments if each.alone and _within(each, bounds)] if "last" in select.lower() else []
            )
            with known.warm.using(found.segments) as tables, known.lasts.using(whole) as ids:
                self._make_views(duck, select, found, tables, ids, bounds)
                return _answer(duck, select, rows, late)
        except (duckdb.Error, pa.ArrowException) as error:
            if "INTERRUPT" in str(error):
                what = f"The answer took longer than {seconds:g} s."
                raise Refused("history.slow", what, "Ask for fewer paths or a shorter window, or give it more time.") from error
            raise Refused("history.sql", f"{error}".strip(), "Correct the SELECT.") from error
        finally:
            late.cancel()
            duck.close()

    def _make_views(
        self, duck: duckdb.DuckDBPyConnection, select: str, found: Found, tables: Mapping[str, str], lasts: set[str],
        bounds: tuple[int, int],
    ) -> None:  # fmt: skip
        if found.unsealed is not None:
            duck.register("unsealed", found.unsealed)
        duck.execute(f"CREATE TEMP VIEW samples AS {view_of(self._root, found, tables, bounds)}")
        # Making a view opens files, so those are made that the text may name.
        if "signals" in select.lower():
            duck.execute(f"CREATE TEMP VIEW signals AS {SQL['signals_of']}")
        if "last" in select.lower():
            newest = self._newest(lasts, found, tables, bounds)
            duck.execute(f"CREATE TEMP VIEW last AS {SQL['last'].replace('$newest', newest)}")

    def _newest(self, lasts: set[str], found: Found, tables: Mapping[str, str], bounds: tuple[int, int]) -> str:
        """What holds the newest sample of each path: what is known of some segments, and all samples of the others."""
        if not lasts:
            return "samples"
        rest = replace(found, segments=[each for each in found.segments if each.id not in lasts])
        parts = SQL["lasts_of"].replace("$ids", literal(sorted(lasts))), view_of(self._root, rest, tables, bounds)
        return " ".join(("(", " UNION ALL ".join(parts), ")"))


def _within(segment: Segment, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= columns.to_us(segment.first) and columns.to_us(segment.last) < bounds[1]


def _answer(duck: duckdb.DuckDBPyConnection, select: str, rows: int, late: threading.Timer) -> tuple[pa.Table, bool]:
    statements = duck.extract_statements(select)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise Refused("history.no_select", "This is no single SELECT.", "Ask with one SELECT over samples, last, signals.")
    late.start()
    return _first(duck.sql(statements[0].query).to_arrow_reader(_PART), rows)


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
    """Where samples from one time to another stand: a segment's file or table (`place`), or what is not sealed, which has no
    place. What is not `alone` may hold a sample that another part holds as well; what is not sealed may hold one twice."""

    first: datetime
    last: datetime
    shape: str
    place: str = ""
    alone: bool = False


def view_of(root: Path, found: Found, warm: Mapping[str, str], bounds: tuple[int, int]) -> str:
    """The samples there are, each once."""
    parts = [
        Part(each.first, each.last, "warm", warm[each.id], each.alone) if each.id in warm
        else Part(each.first, each.last, each.shape, str(root / each.file), each.alone)
        for each in found.segments
    ]  # fmt: skip
    if found.unsealed is not None:
        ends = pc.min_max(found.unsealed["source_time"])
        parts.append(Part(ends["min"].as_py(), ends["max"].as_py(), "unsealed"))
    single, groups = sharing(parts)
    texts = list(_selects(single, bounds))
    texts += (" ".join(("SELECT * FROM (", " UNION ALL ".join(_selects(each, bounds)), ")", SQL["once"])) for each in groups)
    return " UNION ALL ".join(texts) or SQL["none"]


def _selects(parts: Sequence[Part], bounds: tuple[int, int]) -> Iterator[str]:
    """The SELECTs over parts: one for each shape of files, for each table one."""
    filled = {shape: SQL[shape].replace("$start", str(bounds[0])).replace("$end", str(bounds[1])) for shape in _SHAPES}
    for shape in _SHAPES:
        places = [part.place for part in parts if part.shape == shape]
        if shape == "warm":
            yield from (filled[shape].replace("$table", f'"{place}"') for place in places)
        elif places:
            yield filled[shape].replace(f"${shape}", literal(places))


def sharing(parts: Sequence[Part]) -> tuple[list[Part], list[list[Part]]]:
    """Parts of which nobody else holds a sample, and groups of parts that may hold the same samples.

    One sample can stand in two parts only where their times overlap, and one of both is not alone.
    """
    group = list(range(len(parts)))

    def root(at: int) -> int:
        while group[at] != at:
            at = group[at]
        return at

    for one, part in enumerate(parts):
        if not part.alone:
            for two, other in enumerate(parts):
                if part.first <= other.last and other.first <= part.last:
                    group[root(two)] = root(one)
    found: dict[int, list[Part]] = {}
    for at, part in enumerate(parts):
        found.setdefault(root(at), []).append(part)
    groups = [each for each in found.values() if len(each) > 1 or each[0].shape == "unsealed"]
    return [each[0] for each in found.values() if len(each) == 1 and each[0].shape != "unsealed"], groups
