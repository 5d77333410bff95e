from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chain.planning.problems import UNHURRIED

from batchone.chain.planning import DAY_S, WEEK_S
from batchone.chain.planning.eventlog import Learnt, Sharing, Span, Worker, learn

MONDAY = datetime(2012, 1, 2, tzinfo=UTC)


def span(order: str, activity: str, worker: str, begin_h: float, end_h: float, day: int = 0) -> Span:
    at = MONDAY + timedelta(days=day)
    return Span(0, order, activity, worker, at + timedelta(hours=begin_h), at + timedelta(hours=end_h))


def hours(learnt: Learnt, order: int = 0) -> list[tuple[str, float]]:
    return [(piece.activity, piece.work_s / 3600) for piece in learnt.orders[order].pieces]


def test_consecutive_reports_of_one_worker_become_one_step() -> None:
    learnt = learn([span("O", "Turning", "W", 7, 9), span("O", "Turning", "W", 9, 10), span("O", "Turning", "W", 10.5, 11)])
    assert hours(learnt) == [("Turning", 3.5)]


def test_another_worker_or_a_long_pause_begins_another_step() -> None:
    learnt = learn([span("O", "T", "W", 7, 9), span("O", "T", "V", 9, 10), span("O", "T", "V", 12, 13)])
    assert hours(learnt) == [("T", 2), ("T", 1), ("T", 1)]
    assert [piece.after for piece in learnt.orders[0].pieces] == [(), (0,), (1,)]


def test_a_report_over_the_night_is_one_step_with_all_its_hours() -> None:
    learnt = learn([span("O", "T", "W", 22, 30)])
    assert hours(learnt) == [("T", 8)]
    assert learnt.workers[0].presence == ((22 * 3600, 30 * 3600),)


def test_overlapping_reports_of_the_same_work_count_once() -> None:
    assert hours(learn([span("O", "T", "W", 7, 9), span("O", "T", "W", 8, 10)])) == [("T", 3)]


def test_time_reported_for_several_orders_is_divided_or_counted_in_full() -> None:
    spans = [span("A", "T", "W", 7, 9), span("B", "T", "W", 8, 9), span("B", "T", "W", 9, 10)]
    shared, full = learn(spans), learn(spans, Sharing.AS_REPORTED)
    assert [hours(shared, n)[0][1] for n in (0, 1)] == [1.5, 1.5]
    assert [hours(full, n)[0][1] for n in (0, 1)] == [2, 2]
    assert shared.workers[0].at_once == 2
    assert shared.workers[0].busy_s == 3 * 3600


@UNHURRIED
@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.sampled_from("TG"), st.sampled_from("WV"), st.integers(0, 40), st.integers(1, 9)),
        min_size=1,
        max_size=15,
    )
)
def test_divided_time_adds_up_to_the_time_people_were_busy(rows) -> None:
    learnt = learn([span(order, step, who, at / 2, (at + length) / 2) for order, step, who, at, length in rows])
    work = sum(piece.work_s for order in learnt.orders for piece in order.pieces)
    busy = sum(worker.busy_s for worker in learnt.workers)
    pieces = sum(len(order.pieces) for order in learnt.orders)
    assert abs(work - busy) <= pieces
    for worker in learnt.workers:
        assert sum(b - a for a, b in worker.presence) >= worker.busy_s


def test_different_activities_follow_each_other_even_where_they_overlapped() -> None:
    learnt = learn([span("O", "Turning", "W", 7, 12), span("O", "Checking", "V", 10, 11)])
    assert [piece.after for piece in learnt.orders[0].pieces] == [(), (0,)]


def test_one_activity_done_by_two_at_once_may_be_done_at_once() -> None:
    learnt = learn([span("O", "T", "W", 7, 12), span("O", "T", "V", 8, 13), span("O", "Q", "V", 13, 14)])
    assert [piece.after for piece in learnt.orders[0].pieces] == [(), (), (0, 1)]


def test_taking_an_activity_up_again_is_rework() -> None:
    again = [span("O", "T", "W", 7, 8), span("O", "Q", "V", 8, 9), span("O", "T", "W", 10, 11)]
    assert learn(again).orders[0].rework
    assert not learn(again[:2]).orders[0].rework
    assert learn([span("O", "Turning Rework", "W", 7, 8)]).orders[0].rework


def test_everybody_who_did_an_activity_can_do_it() -> None:
    learnt = learn([span("A", "T", "W", 7, 8), span("B", "T", "V", 7, 8), span("B", "Q", "V", 8, 9)])
    assert learnt.who_does("T") == ("V", "W")
    assert learnt.who_does("Q") == ("V",)


def test_a_worker_is_there_from_report_to_report_but_not_over_long_gaps() -> None:
    spans = [span("A", "T", "W", 7, 8), span("B", "T", "W", 9, 10), span("C", "T", "W", 15, 16)]
    assert learn(spans).workers[0].presence == ((7 * 3600, 10 * 3600), (15 * 3600, 16 * 3600))


def usual(spans: list[Span]) -> Worker:
    return learn(spans).workers[0]


def test_the_usual_week_is_what_recurs() -> None:
    spans = [span("A", "T", "W", 7, 15, day) for day in (0, 1, 7, 8, 14)] + [span("A", "T", "W", 7, 15, 16)]
    worker = usual(spans)
    assert worker.week == ((7 * 3600, 15 * 3600), (DAY_S + 7 * 3600, DAY_S + 15 * 3600))
    after = worker.calendar(17 * DAY_S, 0)
    assert after.intervals(16 * DAY_S, 22 * DAY_S)[0] == (16 * DAY_S + 7 * 3600, 16 * DAY_S + 15 * 3600)
    assert after.next_start(17 * DAY_S) == 3 * WEEK_S + 7 * 3600


def test_a_night_that_spans_the_end_of_the_week_recurs_whole() -> None:
    worker = usual([span("A", "T", "W", 22, 30, day) for day in (6, 13)])
    assert worker.calendar(15 * DAY_S, 0).next_start(15 * DAY_S) == 20 * DAY_S + 22 * 3600
    assert worker.calendar(15 * DAY_S, 0).work_end(20 * DAY_S + 22 * 3600, 8 * 3600) == 21 * DAY_S + 6 * 3600


def test_an_empty_log_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="teaches nothing"):
        learn([])
