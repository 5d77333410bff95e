from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chain.planning.problems import DAY_SHIFT, ORIGIN, UNHURRIED, calendars

from batchone.chain.planning import ALWAYS, DAY_S, NEVER, Calendar, Shift, weekly

TIMES = st.integers(0, 300)


def works(calendar: Calendar, second: int) -> bool:
    """Told second by second, from the definition."""
    if second < calendar.head_end_s:
        return any(a <= second < b for a, b in calendar.head)
    if not calendar.cycle:
        return False
    rest = (second - calendar.head_end_s) % calendar.cycle_s
    return any(a <= rest < b for a, b in calendar.cycle)


@UNHURRIED
@given(calendars(), TIMES, TIMES)
def test_working_seconds_are_those_counted_one_by_one(calendar: Calendar, a: int, length: int) -> None:
    assert calendar.working(a, a + length) == sum(works(calendar, s) for s in range(a, a + length))


@UNHURRIED
@given(calendars(), TIMES)
def test_the_next_start_is_the_first_working_second(calendar: Calendar, at: int) -> None:
    expected = next(s for s in range(at, at + 500) if works(calendar, s))
    assert calendar.next_start(at) == expected


@UNHURRIED
@given(calendars(), TIMES, st.integers(1, 80))
def test_work_ends_right_behind_its_last_working_second(calendar: Calendar, start: int, duration: int) -> None:
    end = calendar.work_end(start, duration)
    assert calendar.working(start, end) == duration
    assert works(calendar, end - 1)


@UNHURRIED
@given(calendars(), st.integers(150, 400), st.integers(1, 40))
def test_the_latest_start_leaves_exactly_the_working_time(calendar: Calendar, end: int, duration: int) -> None:
    start = calendar.latest_start(end, duration)
    if start >= 0:
        assert calendar.working(start, end) == duration
        assert calendar.working(start + 1, end) < duration
    else:
        assert calendar.working(0, end) < duration


@UNHURRIED
@given(calendars(), st.lists(st.tuples(TIMES, TIMES), max_size=3), st.booleans())
def test_closing_and_opening_hours_changes_those_seconds_only(calendar: Calendar, spans, opens: bool) -> None:
    changed = calendar.plus(spans) if opens else calendar.minus(spans)
    for second in range(700):
        touched = any(a <= second < b for a, b in spans)
        assert works(changed, second) == (opens if touched else works(calendar, second))


def test_a_duration_spans_the_break_and_the_night() -> None:
    # From 09:00, 30 minutes of break at 10:00: four hours end at 13:30, six on Tuesday at 07:30.
    assert DAY_SHIFT.work_end(9 * 3600, 4 * 3600) == 13 * 3600 + 1800
    assert DAY_SHIFT.work_end(9 * 3600, 6 * 3600) == DAY_S + 6 * 3600 + 5400
    assert DAY_SHIFT.next_start(5 * DAY_S) == 7 * DAY_S + 6 * 3600


def test_a_night_shift_that_began_before_the_origin_is_still_on() -> None:
    night = weekly("night", [Shift((6,), 22 * 3600, 6 * 3600)], origin=ORIGIN)
    assert night.intervals(0, DAY_S) == [(0, 6 * 3600)]


def test_six_in_the_morning_stays_six_when_the_clocks_change() -> None:
    zone = ZoneInfo("Europe/Berlin")
    origin = datetime(2026, 3, 27, tzinfo=zone)
    calendar = weekly("day", [Shift(tuple(range(7)), 6 * 3600, 14 * 3600)], origin=origin)
    begins = [a for a, _ in calendar.intervals(0, 4 * DAY_S)]
    expected = [datetime(2026, 3, day, 6, tzinfo=zone) for day in (27, 28, 29, 30)]
    assert begins == [round(at.timestamp() - origin.timestamp()) for at in expected]
    assert begins[2] - begins[1] == DAY_S - 3600
    far = round(datetime(2026, 7, 6, 5, tzinfo=zone).timestamp() - origin.timestamp())
    assert calendar.next_start(far) == far + 3600


def test_always_works_and_hours_that_run_out_are_never() -> None:
    assert ALWAYS.work_end(7, 5) == 12
    once = Calendar("once", ((0, 10),), 10)
    assert once.work_end(4, 6) == 10
    assert once.work_end(4, 7) == NEVER
    assert once.next_start(10) == NEVER


@pytest.mark.parametrize("head", [((5, 3),), ((0, 5), (4, 8)), ((0, 50),)])
def test_intervals_that_are_not_sorted_or_overlap_are_refused(head) -> None:
    with pytest.raises(ValueError, match="sorted, disjoint"):
        Calendar("bad", head, 20)


def test_an_origin_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        weekly("w", [], origin=datetime(2026, 1, 5))  # noqa: DTZ001 - that is what is refused
    assert weekly("w", [], origin=datetime(2026, 1, 5, tzinfo=UTC)).next_start(0) == NEVER
