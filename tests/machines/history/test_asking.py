from __future__ import annotations

import math
from pathlib import Path

import pytest

from batchone.kernel.errors import Refused
from batchone.machines.history.asking import Asker, Part, sharing

pytestmark = pytest.mark.engine


@pytest.fixture
async def asker(rig) -> Asker:
    """Over a packed segment, a plain one that repeats a sample of it, and another tenant's."""
    await rig.store([rig.message([("m/x", 1, 1.5), ("m/x", 2, 2.5), ("m/y", 1, math.nan)], batch="B1")])
    await rig.compact()
    await rig.store([rig.message([("m/x", 2, 2.5), ("m/x", 3, 0.5)], batch="B2")])
    await rig.store([rig.message([("m/secret", 1, 42.0)], tenant="u")])
    return Asker(rig.catalogue, rig.root, threads=1, memory_bytes=256e6)


async def ask(asker: Asker, select: str, **more: object) -> list[tuple[object, ...]]:
    found = await asker.ask("t", select, **{"rows": 100, "seconds": 30, **more})  # type: ignore[arg-type]
    return [tuple(row.values()) for row in found.table.to_pylist()]


async def test_each_sample_is_seen_once_whatever_the_shape_of_its_file(asker) -> None:
    select = "SELECT path, epoch(source_time)::BIGINT % 60 AS s, value FROM samples WHERE path = 'm/x' ORDER BY s"
    assert await ask(asker, select) == [("m/x", 1, 1.5), ("m/x", 2, 2.5), ("m/x", 3, 0.5)]


async def test_the_newest_of_each_signal_and_the_signals_are_views(asker) -> None:
    assert (await ask(asker, "SELECT path, value FROM last ORDER BY path"))[0] == ("m/x", 0.5)
    assert await ask(asker, "SELECT path, samples FROM signals ORDER BY path") == [("m/x", 3), ("m/y", 1)]


async def test_a_window_leaves_out_what_lies_beyond_it(asker, rig) -> None:
    assert await ask(asker, "SELECT count(*) FROM samples", window=(rig.at(2), rig.at(3))) == [(1,)]
    assert await ask(asker, "SELECT count(*) FROM samples", window=(rig.at(50), rig.at(60))) == [(0,)]


async def test_more_rows_than_asked_for_are_cut_and_said_to_be(asker) -> None:
    found = await asker.ask("t", "SELECT range FROM range(100000) ORDER BY range", rows=3, seconds=30)
    assert (found.table["range"].to_pylist(), found.cut) == ([0, 1, 2], True)
    assert not (await asker.ask("t", "SELECT * FROM samples", rows=4, seconds=30)).cut


async def test_a_lost_file_is_named(asker, rig) -> None:
    file = sorted(file for file in rig.on_disk() if file.startswith("t/"))[0]
    (rig.root / file).unlink()
    assert (await asker.ask("t", "SELECT 1", rows=1, seconds=30)).missing == {file: "lost"}


@pytest.mark.parametrize(
    "statement",
    [
        "DROP VIEW samples", "CREATE TABLE mine AS SELECT 1", "COPY samples TO '{root}/t/stolen.parquet'",
        "SELECT 1; SELECT 2", "ATTACH '{root}/t/new.db'", "SET enable_external_access = true", "EXPLAIN ANALYZE SELECT 1",
        "INSTALL httpfs", "PRAGMA database_list", "", "SELECT nonsense FROM samples", "SELECT",
        "SELECT * FROM read_parquet('{root}/u/*/*/*.parquet')", "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('{root}/../secret.csv')", "SELECT * FROM 'http://localhost/x.parquet'",
        "SELECT * FROM read_parquet('{root}/t/../u/standard/*/*.parquet')",
    ],
)  # fmt: skip
async def test_nothing_but_a_select_over_ones_own_samples_is_answered(asker, rig, statement: str) -> None:
    (rig.root.parent / "secret.csv").write_text("a\n1\n")
    before = rig.on_disk()
    with pytest.raises(Refused):
        await ask(asker, statement.format(root=rig.root))
    assert rig.on_disk() == before


async def test_what_takes_too_long_is_stopped(asker) -> None:
    with pytest.raises(Refused, match="took longer"):
        await ask(
            asker, "SELECT count(*) FROM range(100000000) a, range(1000000) b WHERE a.range % 7 = b.range % 5", seconds=0.2
        )


async def test_one_who_has_no_samples_gets_none(rig, tmp_path: Path) -> None:
    asker = Asker(rig.catalogue, rig.root, threads=1, memory_bytes=256e6)
    assert await ask(asker, "SELECT * FROM samples") == []


def test_only_what_overlaps_in_time_and_is_not_alone_is_compared(rig) -> None:
    spans = ((0, 5, False), (5, 9, False), (20, 30, True), (22, 23, True), (25, 40, False), (50, 60, True), (55, 70, True))
    parts = [Part(rig.at(first), rig.at(last), "plain", str(first), alone) for first, last, alone in spans]
    single, groups = sharing(parts)
    assert [part.place for part in single] == ["22", "50", "55"]
    assert [[part.place for part in group] for group in groups] == [["0", "5"], ["20", "25"]]
    unsealed = Part(rig.at(80), rig.at(90), "unsealed")
    assert sharing([unsealed]) == ([], [[unsealed]])


async def test_what_is_not_sealed_is_seen_as_well_and_once(asker, rig) -> None:
    message = rig.message([("m/x", 3, 0.5), ("m/x", 4, 0.25), ("m/x", 4, 0.25)], batch="B3")
    await rig.ingest.store([message])
    await rig.ingest.store([message])
    select = "SELECT value FROM samples WHERE path = 'm/x' ORDER BY source_time"
    assert await ask(asker, select) == [(1.5,), (2.5,), (0.5,), (0.25,)]
    assert await ask(asker, "SELECT value FROM last WHERE path = 'm/x'") == [(0.25,)]
    assert await ask(asker, "SELECT count(*) FROM samples", window=(rig.at(4), rig.at(5))) == [(1,)]
