import statistics
from random import Random

import pytest

from plantsim.faults import Breakdowns, Drift, Faults, Lie


def test_a_drift_grows_to_its_size_and_stays() -> None:
    faults = Faults()
    faults.drift("t", Drift(by=10, since_s=100, over_s=50))
    assert [faults.shift("t", at) for at in (100, 125, 150, 1000)] == [0, 5, 10, 10]
    assert faults.shift("other", 1000) == 0


def test_a_second_drift_begins_where_the_first_is() -> None:
    faults = Faults()
    faults.drift("t", Drift(by=10, since_s=0, over_s=10))
    faults.drift("t", Drift(by=-10, since_s=10, over_s=20))
    assert [faults.shift("t", at) for at in (10, 20, 30)] == [10, 0, -10]
    faults.drift("t", Drift(by=0, since_s=40, over_s=0))
    assert faults.shift("t", 40) == 0


def test_a_lie_lasts_for_its_number_of_jobs() -> None:
    faults = Faults()
    faults.lie("wall", Lie(9.9, 2))
    assert faults.reported({"height": 1.0}) == {"height": 1.0}
    assert [faults.reported({"wall": 3.5})["wall"] for _ in range(3)] == [9.9, 9.9, 3.5]


def test_faults_in_force_are_named() -> None:
    faults = Faults()
    faults.broken_until_s, faults.mute_until_real_s = 100, 50
    faults.drift("t", Drift(2, 0, 0))
    faults.lie("wall", Lie(1, 1))
    assert faults.in_force(99, 49) == ["broken", "mute", "drift t +2", "lie wall"]
    assert faults.in_force(100, 50) == ["drift t +2", "lie wall"]


def test_chance_breakdowns_come_at_their_mean_times() -> None:
    breakdowns, now_s, gaps, repairs = Breakdowns(1000, 100, Random(3), 0), 0.0, [], []
    last_s = 0.0
    while len(repairs) < 400:
        now_s += 1
        repair_s = breakdowns.repair_s(now_s)
        if repair_s is not None:
            gaps.append(now_s - last_s)
            repairs.append(repair_s)
            last_s = now_s + repair_s
    assert statistics.mean(gaps) == pytest.approx(1000, rel=0.15)
    assert statistics.mean(repairs) == pytest.approx(100, rel=0.15)
