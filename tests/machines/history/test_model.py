from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchone.kernel.errors import Refused
from batchone.machines.history.model import (
    MergeRules,
    Segment,
    Shelf,
    Steps,
    check_points,
    check_window,
    to_merge,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def shelf(*rows: int, quiet_s: float = 0, packed: bool = True) -> Shelf:
    segments = tuple(
        Segment(f"s{at}", "t", date(2026, 3, 2), f"f{at}", NOON, NOON, count, count, 1, packed)
        for at, count in enumerate(rows)
    )  # fmt: skip
    return Shelf("t", "standard", date(2026, 3, 2), segments, quiet_s)


RULES = MergeRules(fan_in=4, settled_s=60, rows_max=1000)


def test_a_few_small_segments_are_left_alone_while_the_day_goes_on() -> None:
    assert to_merge(shelf(5, 5, 5), RULES) == ()


def test_a_full_tier_is_merged_with_all_smaller_ones() -> None:
    assert [s.rows for s in to_merge(shelf(5, 6, 7, 8, 1, 300), RULES)] == [1, 5, 6, 7, 8]


def test_a_quiet_day_is_merged_altogether() -> None:
    assert [s.rows for s in to_merge(shelf(300, 5, quiet_s=60), RULES)] == [5, 300]


def test_a_day_of_one_segment_is_well_as_it_is() -> None:
    assert to_merge(shelf(300, quiet_s=1e9), RULES) == ()


def test_what_cannot_be_merged_is_packed_by_itself_once_its_day_is_quiet() -> None:
    assert to_merge(shelf(300, packed=False), RULES) == ()
    assert [s.rows for s in to_merge(shelf(1000, 2000, 5, quiet_s=60, packed=False), RULES)] == [1000]


def test_full_segments_are_never_rewritten() -> None:
    assert to_merge(shelf(1000, 2000, 5, quiet_s=1e9), RULES) == ()


@given(st.lists(st.integers(1, 1500), max_size=60), st.floats(0, 120))
def test_merging_ends_with_few_segments_and_within_the_limit(rows: list[int], quiet_s: float) -> None:
    left = list(rows)
    for _ in range(len(rows) + 1):
        chosen = [s.rows for s in to_merge(shelf(*left, quiet_s=quiet_s), RULES)]
        if not chosen:
            break
        assert len(chosen) > 1
        assert sum(chosen) <= RULES.rows_max
        for each in chosen:
            left.remove(each)
        left.append(sum(chosen))
    else:
        pytest.fail("merging did not end")
    assert sum(left) == sum(rows)
    assert sum(1 for each in left if each < 64) < 3 * RULES.fan_in


@given(st.integers(0, 10**15), st.integers(1, 10**14), st.integers(4, 5000))
def test_steps_never_give_more_points_than_were_asked_for(start: int, length: int, points: int) -> None:
    steps = Steps.of(start, start + length, points)
    touched = (start + length - 1) // steps.width_us - start // steps.width_us + 1
    assert 2 * touched + 2 <= points


def test_step_borders_stay_where_they_are_when_the_window_moves() -> None:
    assert Steps.of(0, 3_600_000_000, 100).width_us == Steps.of(5_000_000, 3_605_000_000, 100).width_us


def test_a_window_without_length_or_zone_is_refused() -> None:
    with pytest.raises(Refused, match="no length"):
        check_window(NOON, NOON)
    with pytest.raises(Refused, match="zone"):
        check_window(NOON.replace(tzinfo=None), NOON)


def test_a_trend_of_three_points_is_refused() -> None:
    with pytest.raises(Refused, match="at least 4"):
        check_points(3)
