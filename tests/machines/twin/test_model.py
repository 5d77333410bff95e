from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.contracts.machines import DataNow
from batchone.contracts.things import SignalType, Thing, ThingModel
from batchone.machines import columns
from batchone.machines.twin.model import Expected, LastValues

Row = tuple[str, int, float, int]
"""Path, source time in microseconds, value, quality."""


def batch(*rows: Row, received: int = 0):
    paths = list(dict.fromkeys(row[0] for row in rows))
    return columns.to_batch(
        paths, [paths.index(row[0]) for row in rows], [row[1] for row in rows], received,
        [row[2] for row in rows], [row[3] for row in rows],
    )  # fmt: skip


def last(values: LastValues, equipment: str) -> list[tuple[str, int, float, int]]:
    return [(each.path, columns.to_us(each.source_time), each.value, each.quality) for each in values.of(equipment)]


def changes(values: LastValues, refresh_us: int = 10**9) -> dict[str, dict[str, float]]:
    return {each.equipment: dict(zip(each.paths, each.values.tolist(), strict=True)) for each in values.changes(refresh_us)}


def test_the_newest_sample_of_a_batch_counts_wherever_it_stands() -> None:
    values = LastValues()
    values.apply(batch(("m/x", 3, 30.0, 0), ("m/y", 1, 7.0, 0), ("m/x", 2, 20.0, 0), ("m/P01/z", 1, 1.0, 1)))
    assert last(values, "m") == [("m/P01/z", 1, 1.0, 1), ("m/x", 3, 30.0, 0), ("m/y", 1, 7.0, 0)]
    assert last(values, "n") == []


def test_a_signal_that_is_told_later_stands_among_the_others_by_path() -> None:
    values = LastValues()
    values.apply(batch(("m/x", 3, 30.0, 0), ("m/a", 1, 7.0, 0)))
    assert [path for path, *_ in last(values, "m")] == ["m/a", "m/x"]
    values.apply(batch(("m/b", 4, 1.0, 0), ("n/c", 4, 1.0, 0)))
    assert [path for path, *_ in last(values, "m")] == ["m/a", "m/b", "m/x"]


def test_a_late_sample_changes_nothing() -> None:
    values = LastValues()
    values.apply(batch(("m/x", 3, 30.0, 0)))
    values.apply(batch(("m/x", 2, 20.0, 0)))
    assert last(values, "m") == [("m/x", 3, 30.0, 0)]


def test_what_is_no_number_keeps_the_value_and_brings_its_quality() -> None:
    values = LastValues()
    values.apply(batch(("m/x", 3, 30.0, 0)))
    values.apply(batch(("m/x", 4, math.nan, 2)))
    assert last(values, "m") == [("m/x", 4, 30.0, 2)]


def test_a_signal_that_never_had_a_value_has_no_last_one() -> None:
    values = LastValues()
    values.apply(batch(("m/x", 4, math.nan, 2)))
    assert last(values, "m") == []


def test_filling_never_replaces_what_a_machine_has_said() -> None:
    values = LastValues()
    values.apply(batch(("m/x", 3, 30.0, 0)))
    values.apply(batch(("m/x", 3, 31.0, 1), ("m/y", 1, 5.0, 1)), fill=True)
    assert last(values, "m") == [("m/x", 3, 30.0, 0), ("m/y", 1, 5.0, 1)]


def test_only_what_changed_is_told_and_told_once() -> None:
    values = LastValues()
    values.apply(batch(("m/x", 1, 1.0, 0), ("m/y", 1, 2.0, 0), ("n/x", 1, 3.0, 0)))
    assert changes(values) == {"m": {"m/x": 1.0, "m/y": 2.0}, "n": {"n/x": 3.0}}
    assert changes(values) == {}
    values.apply(batch(("m/x", 2, 1.0, 0), ("n/x", 2, 4.0, 0)))
    assert changes(values) == {"n": {"n/x": 4.0}}


def test_a_change_of_quality_is_a_change() -> None:
    values = LastValues()
    values.apply(batch(("m/x", 1, 1.0, 0)))
    changes(values)
    values.apply(batch(("m/x", 2, 1.0, 2)))
    assert changes(values) == {"m": {"m/x": 1.0}}


def test_an_unchanged_value_is_told_again_when_it_is_much_newer() -> None:
    values = LastValues()
    values.apply(batch(("m/x", 1, 1.0, 0)))
    changes(values)
    values.apply(batch(("m/x", 100, 1.0, 0)))
    assert changes(values, refresh_us=99) == {}
    values.apply(batch(("m/x", 101, 1.0, 0)))
    assert changes(values, refresh_us=99) == {"m": {"m/x": 1.0}}


def test_thousands_of_signals_find_room() -> None:
    values = LastValues()
    names = [f"m{at % 7}/s{at}" for at in range(5000)]
    values.apply(columns.to_batch(names, np.arange(5000), np.arange(5000), 0, np.arange(5000) * 1.0, np.zeros(5000)))
    assert sum(len(values.of(f"m{at}")) for at in range(7)) == 5000
    assert last(values, "m3")[0][0] == "m3/s10"
    assert sum(len(each.paths) for each in values.changes(0)) == 5000


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["m/x", "m/y", "n/x"]), st.integers(0, 6), st.sampled_from([1.0, 2.0, 3.0]), st.integers(0, 2)
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(ROWS, max_size=6), st.sets(st.integers(0, 5)))
def test_last_is_the_newest_of_all_and_what_was_told_adds_up_to_it(parts: list[list[Row]], looks: set[int]) -> None:
    values, told = LastValues(), {}
    wanted: dict[str, Row] = {}
    for at, rows in enumerate(parts):
        values.apply(batch(*rows))
        for row in rows:
            if row[1] >= wanted.get(row[0], ("", -1, 0.0, 0))[1]:
                wanted[row[0]] = row
        if at in looks:
            told |= {path: value for each in changes(values).values() for path, value in each.items()}
    told |= {path: value for each in changes(values).values() for path, value in each.items()}
    assert [*last(values, "m"), *last(values, "n")] == [wanted[path] for path in sorted(wanted)]
    assert told == {path: row[2] for path, row in wanted.items()}


def test_qualities_and_silence_are_counted_by_equipment() -> None:
    second = 1_000_000
    name = {"en": "S"}
    signals = tuple(SignalType(each, name, every_s=1 if each != "told" else 0) for each in ("a", "b", "c", "told"))
    things = tuple(Thing(each, "", name, "e/s/a/l/c", 1, signals) for each in ("m", "n"))
    expected = Expected(ThingModel(0, (), things))
    values = LastValues()
    values.apply(batch(("m/a", 99 * second, 1.0, 0), ("m/b", 90 * second, 1.0, 1), ("m/c", 99 * second, math.nan, 2)))
    values.apply(batch(("m/told", second, 1.0, 0), ("other/x", 99 * second, 1.0, 0)))
    at = columns.from_us(99 * second)
    one, other = values.standing(expected, 100 * second, 2 * second)
    assert one == DataNow("m", signals=4, good=2, uncertain=1, bad=1, never=0, silent=1, newest=at, every_s=1.0)
    assert other == DataNow("n", signals=4, good=0, uncertain=0, bad=0, never=4, silent=0, newest=None, every_s=1.0)
    assert [each.silent for each in values.standing(expected, 100 * second, 20 * second)] == [0, 0]
