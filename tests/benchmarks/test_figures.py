"""Percentiles, ratios and tables say what was measured."""

import math

import pytest
from benchmarks.figures import Table, exponent, gap, kept, mean, p50, p99, percentile, ratio, text


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 201)]
    assert percentile(values, 0.99) == 198
    assert percentile(values, 0.5) == 100
    assert percentile(values, 1.0) == 200
    assert percentile([7.0], 0.01) == 7.0


def test_the_ninety_ninth_of_few_values_is_the_greatest() -> None:
    assert p99([3.0, 1.0, 2.0]) == 3.0
    assert p50([4.0, 1.0, 2.0, 3.0]) == 2.5


def test_nothing_measured_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_a_ratio_says_how_many_times_the_peers_figure_is_of_ours() -> None:
    assert ratio(10.0, 2.0) == 5.0
    assert math.isnan(ratio(10.0, 0.0))


def test_a_gap_is_a_part_of_the_best_and_there_is_none_to_nothing() -> None:
    assert gap(103, 100) == pytest.approx(3)
    assert gap(97, 100) == pytest.approx(-3)
    assert gap(5, 0) is None


def test_a_mean_leaves_out_what_is_not_there() -> None:
    assert mean([1.0, None, 4.0]) == 2.5
    assert mean([None]) is None


def test_an_exponent_is_the_power_of_the_size() -> None:
    assert exponent((10, 3.0), (1_000, 300.0)) == pytest.approx(1)
    assert exponent((10, 3.0), (1_000, 30_000.0)) == pytest.approx(2)
    assert exponent((10, 3.0), (1_000, 3.0)) == 0
    assert math.isfinite(exponent((10, 0.0), (1_000, 0.0)))


def test_one_figure_that_is_not_so_is_enough_for_a_no() -> None:
    assert kept(True, True) == "yes"
    assert kept(True, False) == "no"


def test_a_table_aligns_names_left_and_figures_right() -> None:
    shown = text(Table("Title", ("way", "n", "ms"), (("ours", 1200, 1.2345), ("peer", 3, None)), ("A note.",)))
    assert shown.splitlines() == [
        "",
        "Title",
        "way       n    ms",
        "----  -----  ----",
        "ours  1,200  1.23",
        "peer      3     -",
        "  A note.",
    ]
