"""The rows are like a shop floor's, and what the peers' client computes is computed right."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.history import Orders, Window, _agree, _state_ms
from benchmarks.shopfloor import SIGNALS, in_batches, paths, shift

from batchone.machines import columns


def test_rows_come_as_they_arrive_and_power_is_told_once_a_second() -> None:
    rows = shift(2, 600, seed=1)
    assert np.all(np.diff(columns.times_us(rows, "received_time")) >= 0)
    assert np.all(columns.times_us(rows, "received_time") > columns.times_us(rows))
    names = rows["path"].to_pylist()
    assert set(names) <= set(paths(2))
    assert len(paths(2)) == 2 * sum(SIGNALS.values())
    assert names.count("machine-001/power_00") == 600
    assert sum(batch.num_rows for batch in in_batches(rows, 100)) == rows.num_rows
    assert rows.equals(shift(2, 600, seed=1))


def test_clocks_say_milliseconds_unless_they_are_fine() -> None:
    assert not np.any(columns.times_us(shift(1, 60, seed=1)) % 1000)
    assert np.any(columns.times_us(shift(1, 60, seed=1, fine=True)) % 1000)


def test_energy_of_an_order_is_power_times_the_time_that_it_held() -> None:
    orders = Orders.of(1, Window(0, 240))
    power = {"machine-000/power_00": (np.array([0, 60_000, 120_000, 180_000]), np.array([6.0, 12.0, 3.0, 99.0]))}
    assert orders.energy(power).tolist() == pytest.approx([0.1 + 0.2, 0.05])


def test_a_state_lasts_until_the_next() -> None:
    assert _state_ms({"m/state_00": (np.array([0, 5, 9]), np.array([1.0, 2.0, 1.0]))}) == 9


def test_an_engine_that_disagrees_ends_the_benchmark() -> None:
    _agree("Q5", {"batchone": 100.0, "influxdb": 100.00001})
    with pytest.raises(AssertionError, match="influxdb answers Q5"):
        _agree("Q5", {"batchone": 100.0, "influxdb": 101.0})
