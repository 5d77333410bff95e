"""What a stored sample costs on disk, as it is written and once it is merged, and what reading either costs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa

from batchone.machines import columns
from batchone.machines.history.model import Segment
from batchone.machines.history.reading import Reader, Window
from batchone.machines.history.segments import SegmentFiles, sorted_unique
from benchmarks.figures import Table
from benchmarks.shopfloor import shift

_WANTED_BYTES = 3.0
_TENANT = "bench"


def bytes_a_sample(steady: Callable[[int], pa.RecordBatch], *, quick: bool) -> Table:
    """The same rows in both shapes; `steady` makes the rows that the rest of the benchmark sends."""
    machines, seconds = (5, 18_000) if quick else (100, 18_000)
    rows = {
        "shop floor, clocks of milliseconds": shift(machines, seconds, 1),
        "shop floor, clocks of microseconds": shift(machines, seconds, 1, fine=True),
        "signals in turn, random microseconds": steady(100_000 if quick else 1_000_000),
    }
    found = [line for name, batch in rows.items() for line in _measured(name, sorted_unique([batch]))]
    return Table(
        "Bytes of a stored sample",
        ("samples", "shape", "rows", "bytes_each", "wanted", "write_cpu_s_per_million", "trend_ms"), tuple(found),
        ("As written: what is fresh. Merged: what all becomes within minutes. All columns: both times, value, quality, path.",
         "Trend: one signal over everything, thinned to 600 points, from a warm file; the median of five."),
    )  # fmt: skip


def _measured(name: str, batch: pa.RecordBatch) -> list[tuple[str | int | float | None, ...]]:
    found: list[tuple[str | int | float | None, ...]] = []
    with tempfile.TemporaryDirectory(prefix="batchone-bench-") as folder:
        root = Path(folder)
        for packed in (False, True):
            files = SegmentFiles(root, lambda shape=packed: f"packed-{shape}", time.time)  # type: ignore[misc]
            began = time.process_time()
            segment = files.write(_TENANT, date(2026, 3, 2), batch, packed=packed)
            cpu_s = time.process_time() - began
            shape, wanted = ("merged", _WANTED_BYTES) if packed else ("as written", None)
            each = segment.bytes / segment.rows
            found.append((name, shape, segment.rows, each, wanted, cpu_s / segment.rows * 1e6, _trend_ms(root, segment, batch)))
    return found


def _trend_ms(root: Path, segment: Segment, batch: pa.RecordBatch) -> float:
    # Nothing asks the catalogue: the reader is told the segment.
    reader = Reader(None, root, threads=2, memory_bytes=1e9)  # type: ignore[arg-type]
    path = columns.paths_of(batch)[-1]
    window = Window([segment], columns.to_us(segment.first), columns.to_us(segment.last) + 1, [path])
    try:
        took = []
        for _ in range(6):
            began = time.perf_counter()
            if not reader._trend(window, 600).lines[path]:
                raise AssertionError(f"no sample of {path} was found")
            took.append(time.perf_counter() - began)
        return 1000 * statistics.median(took[1:])
    finally:
        reader.close()
