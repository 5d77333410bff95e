"""Percentiles, ratios and tables say what was measured."""

import math

import pytest
from benchmarks.figures import Table, p50, p99, percentile, ratio, text


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
