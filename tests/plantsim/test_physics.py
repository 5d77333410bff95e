import math
import statistics
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plantsim.pack import Amount, Check, Law, Operation
from plantsim.physics import draw_results, job_random, rounded, signal_value, work_of


def test_hold_stays_at_its_value_within_its_noise() -> None:
    law, random = Law("hold", at=42, noise=0.4, idle=38), Random(1)
    readings = [signal_value(law, 5, 100, random) for _ in range(2000)]
    assert statistics.mean(readings) == pytest.approx(42, abs=0.05)
    assert statistics.stdev(readings) == pytest.approx(0.4, rel=0.1)
    assert signal_value(law, None, 100, random) == 38


def test_hold_without_an_idle_value_holds_between_jobs_too() -> None:
    assert signal_value(Law("hold", at=20), None, 1, Random(1)) == 20


def test_approach_has_gone_63_percent_after_one_time_constant() -> None:
    law = Law("approach", start=25, to=125, tau_s=60)
    assert signal_value(law, 60, 300, Random(1)) == pytest.approx(25 + 100 * (1 - math.exp(-1)), rel=1e-3)
    assert signal_value(law, 0, 300, Random(1)) == 25
    assert signal_value(law, None, 300, Random(1)) == 25


def test_ramp_is_straight_and_ends_with_the_work() -> None:
    law = Law("ramp", start=10, to=30)
    assert [signal_value(law, at, 100, Random(1)) for at in (0, 50, 100, 500)] == [10, 20, 30, 30]


def test_decay_pumps_down_exponentially() -> None:
    law = Law("decay", start=100000, to=0, tau_s=10)
    after = [signal_value(law, at, 1000, Random(1)) for at in (10, 20, 30)]
    assert after[0] / after[1] == pytest.approx(after[1] / after[2], rel=1e-2) == pytest.approx(math.e, rel=1e-2)


def test_readings_are_no_finer_than_their_noise() -> None:
    assert rounded(42.12345, 0.4) == 42.1
    assert rounded(1234.5, 30) == 1230
    assert rounded(1.23456789, 0) == 1.235


def test_work_follows_the_pack_before_the_order() -> None:
    operation = Operation(
        "10",
        "x",
        Amount(100.0, ((lambda facts: facts["big"] is True, 50.0, None), (lambda facts: True, 10.0, "count"))),
        energy_kwh=2.0,
    )
    big = work_of(operation, {"big": True, "count": 2.0}, 7, 3.6, Random(1))
    assert big.run_s == pytest.approx(170, rel=0.08)
    assert big.energy_kwh == pytest.approx(2, rel=0.2)
    unknown = work_of(None, {"big": True}, 7, 3600, Random(1))
    assert unknown.run_s == pytest.approx(7, rel=0.08)
    assert unknown.energy_kwh == pytest.approx(7, rel=0.2)


@given(st.floats(0, 1e6), st.integers())
def test_work_always_takes_time(seconds: float, seed: int) -> None:
    work = work_of(None, {}, seconds, 1.0, Random(seed))
    assert work.run_s > 0
    assert work.energy_kwh >= 0


def test_a_job_measures_the_same_in_a_replay_and_another_job_something_else() -> None:
    checks = [Check("wall", "10", 3.5, 0.05), Check("height", "10", 0.0, 0.2)]
    first = draw_results(checks, {}, job_random(1, "J-1", "results"))
    assert first == draw_results(checks, {}, job_random(1, "J-1", "results"))
    assert first != draw_results(checks, {}, job_random(1, "J-2", "results"))
    assert first != draw_results(checks, {}, job_random(2, "J-1", "results"))


def test_faults_come_at_their_rate_with_their_mean() -> None:
    check = [Check("earth", "100", 0.06, 0.008, fault_rate=0.05, fault_mean=0.5)]
    readings = [draw_results(check, {}, job_random(1, f"J-{n}", "results"))["earth"] for n in range(4000)]
    faulty = [reading for reading in readings if reading > 0.3]
    assert len(faulty) / len(readings) == pytest.approx(0.05, abs=0.012)
    assert statistics.mean(faulty) == pytest.approx(0.5, abs=0.01)


def test_a_drift_moves_the_mean_and_a_positive_quantity_stays_positive() -> None:
    check = [Check("scratch", "120", 0.08, 0.001)]
    assert draw_results(check, {"scratch": 1.0}, Random(1))["scratch"] == pytest.approx(1.08, abs=0.01)
    assert draw_results(check, {"scratch": -1.0}, Random(1))["scratch"] == 0.0
    assert draw_results([Check("gap", "1", 0.0, 0.001)], {"gap": -1.0}, Random(1))["gap"] == pytest.approx(-1, abs=0.01)
