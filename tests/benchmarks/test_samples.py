"""Every way stores the same rows, all of them; the figures follow from rows, seconds and bytes."""

import random
from pathlib import Path

import pytest
from benchmarks.peers import Sqlite
from benchmarks.samples import PATHS, SIGNALS, Pipeline, Run, batches, peer_run, synthetic

from batchone.kernel.bus_nats import NatsBus
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.ids import TimeIds
from batchone.machines import columns, history


def test_figures_follow_from_what_was_measured() -> None:
    run = Run(rows=2_000_000, real_s=4.0, cpu_s=3.0, bytes=10_000_000)
    assert (run.per_s, run.cpu_per_million, run.bytes_each) == (500_000, 1.5, 5.0)


def test_batches_hold_all_rows_of_all_signals_and_none_twice() -> None:
    made = list(batches(2 * SIGNALS + 50, 300, seed=1))
    assert [batch.num_rows for batch in made] == [300, 300, 250]
    seen = [pair for batch in made for pair in zip(batch["path"].to_pylist(), columns.times_us(batch), strict=True)]
    assert len(set(seen)) == len(seen) == 2 * SIGNALS + 50
    assert {path for path, _ in seen} == set(PATHS)
    assert synthetic(10, 3).equals(synthetic(10, 3))


def test_sqlite_keeps_all_rows(tmp_path: Path) -> None:
    run = peer_run(Sqlite(tmp_path), rows=900, size=300, seed=1)
    assert run.rows == 900
    assert run.bytes > 900 * 8
    assert not list(tmp_path.iterdir())


@pytest.mark.engine
async def test_a_tiny_run_goes_from_columns_to_catalogue(
    tmp_path: Path, database: Database, nats_bus: NatsBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pipeline, "_cpu_s", lambda _: 0.0)
    await migrate(database, "history", Path(history.__file__).parent / "migrations")
    ids = TimeIds(SystemClock(), random.Random(1))
    pipeline = Pipeline(tmp_path, None, None, database, nats_bus, ids)  # type: ignore[arg-type]  # servers only count their time
    for seed in (1, 2):
        run = await pipeline.run(900, 300, seed)
        assert run.rows == 900
        assert run.bytes > 0
