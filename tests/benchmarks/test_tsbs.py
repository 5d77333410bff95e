"""Trucks are told alike each time, all engines are asked the same, and what their client computes is computed right."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.trucks import DAY_S, EACH_S, FLEETS, SIGNALS, START_S, Tellings, Truck, fleet_of, paths_of, told
from benchmarks.tsbs import QUESTIONS, agree, why_slower
from benchmarks.tsbs_ours import question
from benchmarks.tsbs_peers import _INFLUX, _VICTORIA, PERIOD_S, Asked, _burnt, _loaded, _sessions, lines

from batchone.machines import columns

_TRUCKS = [
    Truck("truck_0000", "South", "Ada", "L-8", 1_000.0, 100.0, 10.0),
    Truck("truck_0001", "South", "Bo", "L-8", 2_000.0, 100.0, 20.0),
]


def _asked(days: int = 1) -> Asked:
    return Asked(_TRUCKS, START_S, START_S + days * DAY_S)


def test_trucks_tell_the_same_each_time_and_some_of_it_late() -> None:
    trucks = fleet_of(4, seed=1)
    assert {truck.fleet for truck in trucks} == set(FLEETS)
    rows = told(trucks, 1, seed=2)
    assert np.all(np.diff(rows.received_us) >= 0)
    assert np.any(rows.received_us - rows.source_us > 60_000_000)
    whole = 4 * DAY_S // EACH_S
    assert 0.98 * whole < len(rows) < whole
    again = told(trucks, 1, seed=2)
    assert np.array_equal(rows.values, again.values)
    assert np.array_equal(rows.received_us, again.received_us)


def test_no_telling_falls_on_the_border_of_ten_minutes() -> None:
    seconds = told(fleet_of(4, seed=1), 1, seed=2).source_us / 1e6 % EACH_S
    assert 1 <= seconds.min() <= seconds.max() <= 9


def test_who_stands_or_is_broken_down_has_no_speed() -> None:
    rows = told(fleet_of(8, seed=1), 1, seed=2)
    velocity, status = (rows.values[:, SIGNALS.index(name)] for name in ("velocity", "status"))
    assert np.all(velocity[status > 0] == 0)
    assert 0.2 < np.mean(velocity > 1) < 0.8
    assert set(status) <= set(range(6))


def test_samples_and_lines_hold_the_same_values() -> None:
    values = np.arange(20, dtype=np.float64).reshape(2, 10)
    rows = Tellings(np.array([1, 0], np.int32), np.array([5_000, 9_000]), np.array([6_000, 9_500]), values)
    samples = rows.samples(paths_of(_TRUCKS))
    assert samples["path"].to_pylist()[:2] == ["truck_0001/latitude", "truck_0001/longitude"]
    assert columns.values_of(samples).tolist() == values.ravel().tolist()
    assert columns.times_us(samples).tolist() == [5_000] * 10 + [9_000] * 10
    text = lines(rows, _TRUCKS).decode().splitlines()
    assert text[0].startswith("readings,name=truck_0001,fleet=South,driver=Bo,model=L-8 latitude=0.0,longitude=1.0,")
    assert text[0].endswith(" 5")
    assert text[1] == "diagnostics,name=truck_0001,fleet=South,driver=Bo,model=L-8 fuel_state=7.0,current_load=8.0,status=9.0 5"
    assert [row["path"] for row in samples.slice(10, 1).to_pylist()] == ["truck_0000/latitude"]


def test_all_are_asked_all_thirteen() -> None:
    assert len(QUESTIONS) == 13
    assert _INFLUX.keys() == _VICTORIA.keys() == QUESTIONS.keys()
    for name in QUESTIONS:
        asked = question(name, _asked())
        assert asked.window[0] < asked.window[1]


def test_a_drive_counts_on_the_day_of_its_start_if_both_its_ends_are_known() -> None:
    speeds = [50, 0, 50, 50, 0, 50, 0, 0, 50]
    periods = [(START_S + DAY_S - 5 * PERIOD_S + at * PERIOD_S, float(speed)) for at, speed in enumerate(speeds)]
    assert _sessions({"truck_0000": periods}, _asked(2)) == {("truck_0000", 0): (20.0,), ("truck_0000", 1): (10.0,)}


def test_a_fleets_consumption_is_a_mean_over_its_samples_and_a_load_over_its_trucks() -> None:
    assert _burnt({"truck_0000": (30.0, 3.0), "truck_0001": (20.0, 1.0)}, _asked()) == {("South",): (12.5, 12.5)}
    assert _loaded({"truck_0000": 500.0, "truck_0001": 500.0}, _asked()) == {("South", "L-8"): (0.375,)}


def test_an_engine_that_disagrees_ends_the_benchmark() -> None:
    agree("avg-load", {"batchone": {("South",): (1.0,)}, "influxdb": {("South",): (1.0000001,)}})
    with pytest.raises(AssertionError, match="influxdb answers avg-load with other rows"):
        agree("avg-load", {"batchone": {("South",): (1.0,)}, "influxdb": {}})
    with pytest.raises(AssertionError, match=r"influxdb answers avg-load for .*South"):
        agree("avg-load", {"batchone": {("South",): (1.0,)}, "influxdb": {("South",): (1.1,)}})


def test_a_reason_stands_where_another_is_faster() -> None:
    assert why_slower({"last-loc": {"batchone": 2.0, "influxdb": 3.0}}) == []
    (reason,) = why_slower({"last-loc": {"batchone": 2.0, "influxdb": 1.0}})
    assert "last-loc" in reason
