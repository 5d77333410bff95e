"""Dates are honest on the plant of the study: a few weeks of it here, years of it in the benchmark."""

import numpy as np
import pytest
from benchmarks.honesty import HALF_WITHIN, NINE_WITHIN, Kept, kept, plot, table, year
from benchmarks.platform import the_pack
from benchmarks.pushpull.plant import DAY_S, plant_of
from benchmarks.pushpull.promising import Told

from batchone.chain.design.model import compile_pack


@pytest.mark.slow
def test_weeks_of_orders_with_breakdowns_and_late_suppliers_come_as_promised() -> None:
    blueprint = compile_pack(the_pack())
    found = year(blueprint, plant_of(blueprint), seed=3, days=35, warm=14)
    assert found.orders > 50_000
    assert found.p50 == pytest.approx(0.5, abs=HALF_WITHIN)
    assert found.p90 == pytest.approx(0.9, abs=NINE_WITHIN)
    # Not by promising late: the two dates are hours apart, not days.
    assert 0 < found.width_h < 24
    assert found.months[:, 0].sum() == found.ahead[:, 0].sum() == found.orders


def told(late_s: list[int]) -> Told:
    count = len(late_s)
    at, planned = np.arange(count) * DAY_S, np.arange(count) * DAY_S + 3600
    return Told(at, planned, planned + 100, planned + 1000, planned + np.array(late_s))


def test_what_was_kept_is_counted_by_date_and_only_within_the_window() -> None:
    found = kept(told([0, 100, 101, 1000, 1001, 0]), DAY_S, 5 * DAY_S)
    assert (found.orders, found.p50, found.p90) == (4, 0.25, 0.75)
    assert found.ahead[0].tolist() == [4.0, 1.0, 3.0]
    assert found.wait_h == pytest.approx((3600 + 1000) / 3600)
    assert found.width_h == pytest.approx(0.25)


def test_the_plot_has_a_row_for_each_class_month_and_first_day_that_has_orders() -> None:
    one = kept(told([0, 0, 2000, 50]), 0, 4 * DAY_S)
    lines = plot([one, one]).splitlines()
    assert len(lines) == 3 + 4
    assert [line.split()[:2] for line in lines[3:]] == [["day", "1"], ["day", "2"], ["day", "3"], ["day", "4"]]
    assert "75.0" in lines[1]
    assert lines[1].count("#") == 1
    shown = table([one, Kept(0.5, 0.9, one.ahead, one.months, one.first, 1.0, 1.0, 4)], 4)
    assert [row[0] for row in shown.rows] == ["seed 1", "seed 2", "all"]
    assert shown.rows[-1][3] == pytest.approx(82.5)
