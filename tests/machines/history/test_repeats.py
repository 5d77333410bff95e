"""No two segments share a sample: what came late or again is looked for, what is newer is new."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.machines import columns
from batchone.machines.history.asking import Asker
from batchone.machines.history.repeats import Newest, repeats
from batchone.machines.history.segments import sorted_unique

pytestmark = pytest.mark.engine
ROW = st.tuples(
    st.sampled_from(["a/x", "a/y", "b/x"]), st.sampled_from([0, 1, 2, 3, 1 << 55]), st.sampled_from([0.0, 1.0, math.nan]),
    st.integers(0, 2),
)  # fmt: skip
Row = tuple[str, int, float, int]


def batch(rows: list[Row]):
    paths = sorted({row[0] for row in rows}, reverse=True)
    return sorted_unique([
        columns.to_batch(
            paths, [paths.index(row[0]) for row in rows], [row[1] for row in rows], 7, [row[2] for row in rows],
            [row[3] for row in rows],
        )
    ])  # fmt: skip


def keys(of) -> list[tuple[str, int, str, int]]:
    names = of.column("path").dictionary.to_pylist()
    return [
        (names[code], int(time), str(value), int(quality))
        for code, time, value, quality in zip(
            columns.codes_of(of), columns.times_us(of), columns.values_of(of), columns.qualities_of(of), strict=True
        )
    ]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(ROW, min_size=1, max_size=8),
    st.lists(st.lists(ROW, min_size=1, max_size=8), max_size=3),
    st.randoms(use_true_random=False),
)
def test_repeats_are_those_that_a_reader_would_find(mine, others, chance) -> None:
    new, theirs = batch(mine), [batch(rows) for rows in others]
    late = np.array([chance.random() < 0.8 for _ in range(new.num_rows)])
    found = repeats(new, late, theirs) if late.any() else None
    for at, (path, time, value, quality) in enumerate(keys(new)):
        there = [key[3] for other in theirs for key in keys(other) if key[:3] == (path, time, value)]
        known = bool(late[at] and any(each <= quality for each in there))
        better = bool(late[at] and there and not known)
        if found is not None:
            assert (bool(found.known[at]), bool(found.better[at])) == (known, better)


def test_a_signal_is_late_until_it_is_known_and_then_only_with_older_times() -> None:
    newest, rows = Newest(), batch([("a/x", 5, 1.0, 0), ("a/y", 9, 1.0, 0)])
    assert newest.late("t", rows).tolist() == [True, True]
    newest.stored("t", rows)
    assert newest.late("t", batch([("a/x", 6, 1.0, 0), ("a/y", 9, 1.0, 0), ("b/x", 1, 0.0, 0)])).tolist() == [False, True, True]
    newest.stored("t", batch([("a/x", 2, 1.0, 0)]))
    assert newest.late("t", batch([("a/x", 5, 1.0, 0), ("a/x", 6, 1.0, 0)])).tolist() == [True, False]
    assert newest.late("u", rows).all()
    newest.forget()
    assert newest.late("t", rows).all()


async def alone(rig) -> list[bool]:
    return [segment.alone for segment in await rig.catalogue.of_tenant("t")]


async def test_what_comes_again_in_another_batch_is_stored_once(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0), ("m/x", 2, 2.0), ("m/y", 1, 5.0)])])
    for restarted in (False, True):
        if restarted:
            rig.restart()
        await rig.store([rig.message([("m/x", 2, 2.0), ("m/x", 3 + restarted, 3.0)], batch=f"B{restarted}")])
    stats = await rig.historian.stats("t")
    assert (stats.samples, stats.duplicates) == (5, 2)
    assert await alone(rig) == [True, True, True]
    assert (await rig.historian.samples("t", ["m/x"], rig.at(0), rig.at(9), "", 10)).total == 4
    await rig.compact()
    assert await alone(rig) == [True]


async def test_a_better_quality_is_stored_beside_the_worse_one_and_read_instead(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0)], quality=1)])
    await rig.store([rig.message([("m/x", 1, 1.0), ("m/x", 2, 2.0)], quality=0)])
    assert await alone(rig) == [True, False]
    asker = Asker(rig.catalogue, rig.root, threads=1, memory_bytes=256e6)
    found = await asker.ask("t", "SELECT quality FROM samples ORDER BY source_time", rows=9, seconds=30)
    assert found.table["quality"].to_pylist() == [0, 0]
    asker.close()


async def test_while_a_file_cannot_be_looked_into_readers_look_for_repeats(rig) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0), ("m/x", 3, 1.0)])])
    (segment,) = await rig.catalogue.of_tenant("t")
    whole = (rig.root / segment.file).read_bytes()
    (rig.root / segment.file).write_bytes(b"damaged")
    await rig.store([rig.message([("m/x", 1, 1.0), ("m/x", 2, 1.0)])])
    assert await alone(rig) == [True, False]
    (rig.root / segment.file).write_bytes(whole)
    asker = Asker(rig.catalogue, rig.root, threads=1, memory_bytes=256e6)
    found = await asker.ask("t", "SELECT count(*) AS rows FROM samples", rows=9, seconds=30)
    assert found.table["rows"].to_pylist() == [3]
    asker.close()


async def test_another_process_that_sealed_meanwhile_is_reckoned_with(rig, ids) -> None:
    await rig.store([rig.message([("m/x", 1, 1.0)])])
    first = rig.sealer
    rig.restart()
    await rig.store([rig.message([("m/x", 5, 1.0)])])
    rig.sealer = first
    first._journals = rig.journals
    await rig.store([rig.message([("m/x", 5, 1.0), ("m/x", 6, 1.0)])])
    assert (await rig.historian.stats("t")).samples == 3
