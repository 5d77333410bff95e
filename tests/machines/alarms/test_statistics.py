from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchone.contracts.alarms import AlarmStatistics
from batchone.machines.alarms.model import About
from batchone.machines.alarms.statistics import Now, Raisings, statistics

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAMES = [About(f"m/{name}", "m", "high", "warning", 1.0, "", {"en": name}) for name in "abcdefghijklm"]


def figures(
    *rows: tuple[int, float], stood: float = float("nan"), waited: float = float("nan"), end: datetime = START + HOUR,
    operators: int = 1,
) -> AlarmStatistics:  # fmt: skip
    """Of alarms raised so many seconds after the start."""
    ordered = sorted(rows, key=lambda row: row[1])
    raisings = Raisings(
        NAMES, np.array([row[0] for row in ordered], np.int64),
        np.array([round((START.timestamp() + row[1]) * 1e6) for row in ordered], np.int64),
        np.full(len(rows), stood), np.full(len(rows), waited),
    )  # fmt: skip
    return statistics(raisings, Now(2, {"shelved": 1}, 3), START, end, operators)


def test_ten_alarms_in_ten_minutes_are_no_flood_and_eleven_are() -> None:
    ten = figures(*[(at, 600.0 + at) for at in range(10)])
    assert (ten.floods, ten.flood_share, ten.per_10_min) == ((), 0, pytest.approx(10 / 6))
    eleven = figures(*[(at, 600.0 + at) for at in range(11)])
    assert [(each.start, each.count) for each in eleven.floods] == [(START + timedelta(minutes=10), 11)]
    assert (eleven.flood_share, eleven.peak) == (pytest.approx(1 / 6), eleven.floods[0])


def test_a_flood_is_reckoned_for_each_operator() -> None:
    rows = [(at % 13, float(at)) for at in range(20)]
    assert len(figures(*rows).floods) == 1
    shared = figures(*rows, operators=2)
    assert (shared.floods, shared.per_10_min) == ((), pytest.approx(20 / 6 / 2))


def test_without_alarms_there_are_no_figures_but_zeros() -> None:
    none = figures()
    assert (none.alarms, none.peak, none.top_share, none.acknowledge_median_s, none.each) == (0, None, 0, None, ())
    assert (none.stale, none.suppressed, none.raised_suppressed) == (2, {"shelved": 1}, 3)


def test_an_alarm_chatters_when_it_comes_three_times_within_a_minute() -> None:
    found = figures((0, 0), (0, 30), (0, 60), (0, 70), (0, 500), (1, 0), (1, 31), (1, 61))
    assert [(each.path, each.count, each.bursts) for each in found.each] == [("m/a", 5, 1), ("m/b", 3, 0)]
    assert found.chattering == 1


def test_the_ten_most_frequent_make_up_their_share() -> None:
    found = figures(*[(at, 60.0 * at) for at in range(12)], (3, 5.0), (3, 15.0))
    assert found.each[0].path == "m/d"
    assert (found.each[0].count, found.each[0].share) == (3, pytest.approx(3 / 14))
    assert found.top_share == pytest.approx(12 / 14)
    assert found.each[0].last == START + timedelta(seconds=180)


def test_durations_are_of_what_is_over_and_acknowledged() -> None:
    found = figures((0, 0), (0, 100), stood=40.0, waited=8.0)
    assert (found.each[0].mean_s, found.acknowledged, found.acknowledge_median_s) == (40, 2, 8)
    assert figures((0, 0)).each[0].mean_s is None


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3599)), max_size=120), st.integers(1, 3))
def test_figures_equal_counting_one_by_one(rows, operators) -> None:
    found = figures(*rows, operators=operators)
    per = [sum(600 * n <= second < 600 * (n + 1) for _, second in rows) for n in range(6)]
    assert found.alarms == len(rows) == sum(each.count for each in found.each)
    assert (found.peak.count if found.peak else 0) == max(per)
    assert [each.count for each in found.floods] == [count for count in per if count > 10 * operators]
    for each in found.each:
        times = sorted(second for name, second in rows if NAMES[name].path == each.path)
        assert each.count == len(times)
        assert (each.bursts > 0) == any(times[n + 2] - times[n] <= 60 for n in range(len(times) - 2))
