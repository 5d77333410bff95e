"""The newest samples at or before a time, against an oracle that looks at every sample."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

import pytest

from batchone.contracts.machines import Gap
from batchone.kernel.bus import Message
from batchone.kernel.errors import Refused
from batchone.machines import columns
from batchone.machines.history.model import EVER, windows_before

pytestmark = pytest.mark.engine
HOUR, DAY, WEEK = 3_600.0, 86_400.0, 7 * 86_400.0
PATHS = ("m/a", "m/b", "m/c", "n/d")

Sample = tuple[str, int, int, float, int]
"""Path, source and received time in microseconds, value, quality."""


def oracle(samples: list[Sample], path: str, end_us: int, since_us: int) -> tuple[float, int, int] | None:
    """Value, quality and source time of the newest sample that is not bad."""
    fit = [
        (source, received, value, quality)
        for of, source, received, value, quality in samples
        if of == path and since_us <= source <= end_us and quality < columns.BAD and not math.isnan(value)
    ]
    if not fit:
        return None
    source, _, value, quality = max(fit)
    return value, quality, source


@pytest.mark.parametrize("seed", range(4))
async def test_it_finds_what_looking_at_every_sample_finds(rig, seed: int) -> None:
    chance, all_samples = random.Random(seed), list[Sample]()
    base = columns.to_us(rig.start)
    for at in range(12):
        rows: list[Sample] = []
        for _ in range(chance.randrange(1, 40)):
            source = base - round(chance.choice((HOUR, DAY, WEEK, 2 * WEEK)) * 1e6 * chance.random())
            value = float("nan") if chance.random() < 0.1 else float(chance.randrange(50))
            received = source + chance.randrange(0, 5_000_000, 1000)
            rows.append((chance.choice(PATHS), source, received, value, chance.choice((0, 0, 1, 2))))
        if at % 3 == 0:
            # The same time again: the later arrival counts.
            rows.append((rows[0][0], rows[0][1], rows[0][2] + 7_000, 77.0, 0))
        all_samples += rows
        paths = sorted({row[0] for row in rows})
        batch = columns.to_batch(
            paths, [paths.index(row[0]) for row in rows], [row[1] for row in rows], [row[2] for row in rows],
            [row[3] for row in rows], [row[4] for row in rows],
        )  # fmt: skip
        message = Message("samples.t.c1", columns.to_bytes(batch, f"B{at}"))
        # Some stand in segments, merged or not, and some in the journal.
        await (rig.store([message]) if at < 9 else rig.ingest.store([message]))
        if at == 5:
            await rig.compact()
    times = [base, *(each[1] + shift for each in chance.sample(all_samples, 12) for shift in (-1, 0, 1))]
    for end in times:
        look_back_s = chance.choice((60.0, HOUR, DAY, WEEK, 5 * WEEK))
        found = await rig.historian.at("t", PATHS, columns.from_us(end), look_back_s)
        since = columns.to_us(found.since)
        expected = {path: oracle(all_samples, path, end, since) for path in PATHS}
        told = {each.path: (each.value, each.quality, columns.to_us(each.source_time)) for each in found.values}
        assert told == {path: sample for path, sample in expected.items() if sample is not None}
        assert found.gaps == tuple(Gap("none", path) for path in PATHS if expected[path] is None)
        assert end + 1 - since == round(look_back_s * 1e6)


async def test_it_looks_no_further_back_than_it_says(rig) -> None:
    await rig.store([rig.message([("m/x", -2 * HOUR, 1.0)])])
    near = await rig.historian.at("t", ["m/x"], rig.start, HOUR)
    assert (near.values, near.gaps) == ((), (Gap("none", "m/x"),))
    assert near.since == rig.at(-HOUR) + timedelta(microseconds=1)
    (found,) = (await rig.historian.at("t", ["m/x"], rig.start, 2 * HOUR + 1)).values
    assert (found.value, found.source_time) == (1.0, rig.at(-2 * HOUR))
    assert (await rig.historian.at("t", ["m/x"], rig.at(-2 * HOUR), 1)).values == (found,)
    assert (await rig.historian.at("t", ["m/x"], rig.at(-2 * HOUR - 1), DAY)).values == ()


async def test_a_file_that_is_lost_is_said_to_be_and_an_older_sample_is_told(rig) -> None:
    await rig.store([rig.message([("m/x", -2 * DAY, 1.0)], batch="one")])
    await rig.store([rig.message([("m/x", -60, 2.0)], batch="two")])
    (file,) = [each.file for each in await rig.catalogue.of_tenant("t") if each.last > rig.at(-DAY)]
    (rig.root / file).unlink()
    found = await rig.historian.at("t", ["m/x"], rig.start, WEEK)
    assert ([each.value for each in found.values], found.gaps) == ([1.0], (Gap("lost", file),))


async def test_another_tenants_samples_are_not_told(rig) -> None:
    await rig.store([rig.message([("m/x", -60, 2.0)], tenant="u")])
    assert (await rig.historian.at("t", ["m/x"], rig.start, WEEK)).values == ()


async def test_a_time_without_zone_is_refused_and_one_before_all_time_has_nothing(rig) -> None:
    with pytest.raises(Refused, match="zone"):
        await rig.historian.at("t", ["m/x"], datetime(2026, 1, 1), 60)  # noqa: DTZ001
    for time in (EVER[0], EVER[0] - timedelta(days=9)):
        assert (await rig.historian.at("t", ["m/x"], time, WEEK)).gaps == (Gap("none", "m/x"),)


def test_windows_fill_the_time_without_gap_or_overlap_the_newest_first() -> None:
    for seconds in (0, 1, HOUR, DAY, 100 * DAY):
        least = EVER[1] - timedelta(seconds=seconds)
        windows = windows_before(EVER[1], least)
        borders = [EVER[1], *(start for start, _ in windows)]
        assert borders[-1] == least
        assert [end for _, end in windows] == borders[:-1]
        assert len(windows) <= 8
