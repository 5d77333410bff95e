"""Segments in memory: the same answers, within bounds, and never taken away from who reads them."""

from __future__ import annotations

import asyncio

import pytest

from batchone.machines.history.asking import Asker
from batchone.machines.history.reading import Reader

pytestmark = pytest.mark.engine


async def fill(rig, count: int, *, rows: int = 10) -> None:
    """Segments, one after another in time, the first of them packed."""
    for at in range(count):
        await rig.store([rig.message([("m/x", at * rows + each, each / 8) for each in range(rows)] + [("m/y", at, 1.0)])])
        if not at:
            await rig.compact()


async def test_the_third_answer_and_the_tenth_are_the_first(rig) -> None:
    await fill(rig, 3)
    before = await rig.everything()
    trend = await rig.historian.trend("t", ["m/x"], rig.at(3), rig.at(25), 8)
    for _ in range(9):
        assert await rig.everything() == before
        assert await rig.historian.trend("t", ["m/x"], rig.at(3), rig.at(25), 8) == trend
    assert len(rig.reader._warm._loaded) == 3


async def test_sql_over_what_is_loaded_answers_as_before(rig) -> None:
    await fill(rig, 3)
    asker = Asker(rig.catalogue, rig.root, threads=1, memory_bytes=256e6)
    selects = (
        "SELECT path, source_time, received_time, value, quality FROM samples ORDER BY ALL", "SELECT * FROM last ORDER BY path",
        "SELECT * FROM signals ORDER BY path", "SELECT count(*) FROM samples WHERE path = 'm/x'",
    )  # fmt: skip
    answers = []
    for _ in range(5):
        found = [await asker.ask("t", each, rows=1000, seconds=30, window=(rig.at(5), rig.at(28))) for each in selects]
        answers.append([each.table.to_pylist() for each in found])
    assert all(each == answers[0] for each in answers)
    assert len(asker._ducks["t"].warm._loaded) == 3
    asker.close()


async def test_what_has_not_been_asked_for_the_longest_makes_room(rig) -> None:
    await fill(rig, 3)
    one, two, three = await rig.catalogue.of_tenant("t")
    warm = rig.reader._warm
    warm._rows_max = one.rows + two.rows

    def ask(*segments: object, times: int = 3) -> set[str]:
        for _ in range(times):
            with warm.using(segments) as tables:
                found = set(tables)
        return found

    assert ask(one) == {one.id}
    assert ask(two) == {two.id}
    assert ask(one, times=1) == {one.id}
    assert ask(three) == {three.id}
    assert set(warm._loaded) == {one.id, three.id}
    with warm.using([one, three]):
        assert ask(two) == set()
    assert ask(two, times=1) == {two.id}
    tables = rig.reader._duck.sql("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'warm %'").fetchall()
    assert tables == [(2,)]


async def test_a_segment_that_does_not_fit_or_is_damaged_stays_a_file(rig) -> None:
    await fill(rig, 1)
    (segment,) = await rig.catalogue.of_tenant("t")
    small = Reader(rig.catalogue, rig.root, threads=1, memory_bytes=80e6)
    small._warm._rows_max = segment.rows - 1
    (rig.root / segment.file).write_bytes(b"PAR1 damaged")
    for reader in (rig.reader, small):
        for _ in range(5):
            with reader._warm.using([segment]) as tables:
                assert not tables
    small.close()


async def test_many_read_while_segments_are_loaded_and_make_room(rig) -> None:
    await fill(rig, 6)
    before = await rig.everything()
    rig.reader._warm._rows_max = 25

    async def read() -> None:
        for at in range(12):
            assert await rig.everything() == before
            await rig.historian.trend("t", ["m/x"], rig.at(at * 5), rig.at(at * 5 + 9), 8)

    await asyncio.gather(*(read() for _ in range(4)))
