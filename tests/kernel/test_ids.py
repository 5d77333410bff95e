"""Ids: short, sortable by birth, never the same."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from batchone.kernel.clock import ManualClock
from batchone.kernel.ids import TimeIds


def test_an_id_is_its_kind_and_sixteen_characters_that_read_aloud(ids: TimeIds) -> None:
    kind, _, tail = ids.new("O").partition("-")
    assert kind == "O"
    assert len(tail) == 16
    assert not set(tail) - set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_ids_sort_by_birth_and_are_all_different_even_while_the_clock_stands(ids: TimeIds) -> None:
    made = [ids.new("O") for _ in range(200_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_go_on_when_the_clock_is_set_back(clock: ManualClock, ids: TimeIds) -> None:
    first = ids.new("O")
    clock._now -= timedelta(hours=1)
    assert ids.new("O") > first


@pytest.mark.parametrize("year", [1970, 1999, 2026, 2400, 3080])
def test_later_times_sort_later(year: int) -> None:
    earlier = TimeIds(ManualClock(datetime(year, 1, 1, tzinfo=UTC)), random.Random(2)).new("O")
    later = TimeIds(ManualClock(datetime(year, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)), random.Random(1)).new("O")
    assert earlier < later


def test_a_millisecond_that_is_full_goes_over_into_the_next(clock: ManualClock) -> None:
    ids = TimeIds(clock, random.Random(1))
    before = ids.new("O")
    ids._tail = 2**35 - 2
    after = ids.new("O")
    assert after > before
    assert len(after) == len(before)


def test_the_same_seed_and_time_give_the_same_ids(clock: ManualClock) -> None:
    first, second = (TimeIds(clock, random.Random(3)) for _ in range(2))
    assert [first.new("O") for _ in range(5)] == [second.new("O") for _ in range(5)]


def test_two_processes_without_a_seed_make_different_ids(clock: ManualClock) -> None:
    assert TimeIds(clock).new("O") != TimeIds(clock).new("O")
