"""A customer is told when a date moves, and not twice for the same thing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from batchone.chain.planning.moved import Thresholds, Told, news

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LIMITS = Thresholds(0.0, 4 * 3600.0)


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


TOLD = Told("O1", at(50), NOW, at(40), at(50), None, None)


def test_later_is_told_when_the_expected_finish_passes_the_p90() -> None:
    assert news(TOLD, at(49), at(58), LIMITS) == ""
    assert news(TOLD, at(51), at(60), LIMITS) == "later"


def test_earlier_is_told_when_even_the_p90_is_earlier_by_the_stated_amount() -> None:
    assert news(TOLD, at(30), at(37), LIMITS) == ""
    assert news(TOLD, at(30), at(35.9), LIMITS) == "earlier"


def test_who_was_told_is_told_again_only_when_that_is_passed_too() -> None:
    told = replace(TOLD, moved_likely=at(52), moved_sure=at(62))
    assert news(told, at(55), at(65), LIMITS) == ""
    assert news(told, at(62.1), at(72), LIMITS) == "later"
    # Back on time after a delay is good news.
    assert news(told, at(40), at(47), LIMITS) == "earlier"


@given(st.lists(st.floats(20, 80), min_size=1, max_size=60), st.floats(1, 12))
def test_a_finish_that_wavers_by_less_than_the_margin_tells_once(hours, margin) -> None:
    told, said = TOLD, 0
    low, high = 51.0, 51.0 + margin * 0.9
    for hour in hours:
        finish = low + (hour - 20) / 60 * (high - low)
        kind = news(told, at(finish), at(finish + margin), LIMITS)
        if kind:
            said += 1
            told = replace(told, moved_likely=at(finish), moved_sure=at(finish + margin))
    assert said == 1
