from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.machines.alarms.judge import judge
from batchone.machines.alarms.model import About, Readings, Rules, State

S = 1_000_000
"""Microseconds in a second."""


def rules(*, delay_s: float = 0, off_delay_s: float = 0, deadband: float = 1.0) -> Rules:
    """Two signals: the first bounded above by 30 and 40 and below by 20, the second above by 5."""
    made = [("a", "high", 30.0), ("a", "high_high", 40.0), ("a", "low", 20.0), ("b", "high", 5.0)]
    abouts = tuple(About(path, path, limit, "warning", bound, "", {}) for path, limit, bound in made)  # type: ignore[arg-type]
    return Rules(
        abouts, {"a": 0, "b": 1}, np.array([0, 0, 0, 1]), np.array([bound for *_, bound in made]),
        np.array([True, True, False, True]), np.full(4, deadband), np.full(4, round(delay_s * S)),
        np.full(4, round(off_delay_s * S)),
    )  # fmt: skip


def readings(*rows: tuple[int, float, float]) -> Readings:
    return Readings(
        np.array([row[0] for row in rows], np.int64), np.array([round(row[1] * S) for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
    )  # fmt: skip


def told(rules: Rules, transitions) -> list[tuple[str, str, bool, float, float]]:
    return [
        (rules.abouts[rule].path, rules.abouts[rule].limit, bool(raised), time / S, value)
        for rule, raised, time, value in zip(
            transitions.rule, transitions.raised, transitions.time_us.tolist(), transitions.value.tolist(), strict=True
        )
    ]


def run(rules: Rules, *batches: tuple[Readings, float]) -> list[tuple[str, str, bool, float, float]]:
    state, found = State.fresh(rules), []
    for batch, now_s in batches:
        state, transitions = judge(rules, state, batch, round(now_s * S))
        found += told(rules, transitions)
    return found


def test_a_value_beyond_a_bound_raises_and_one_back_inside_returns() -> None:
    found = run(rules(), (readings((0, 1, 25), (0, 2, 31), (0, 3, 28)), 10))
    assert found == [("a", "high", True, 2, 31), ("a", "high", False, 3, 28)]


def test_the_bound_itself_is_inside() -> None:
    assert run(rules(), (readings((0, 1, 30), (0, 2, 20)), 10)) == []


def test_inside_the_deadband_an_alarm_stays_and_none_begins() -> None:
    found = run(rules(), (readings((0, 1, 29.5), (0, 2, 31), (0, 3, 29.5), (0, 4, 30.5), (0, 5, 29.0)), 10))
    assert found == [("a", "high", True, 2, 31), ("a", "high", False, 5, 29)]


def test_a_lower_bound_is_crossed_downwards() -> None:
    found = run(rules(), (readings((0, 1, 19), (0, 2, 20.5), (0, 3, 21)), 10))
    assert found == [("a", "low", True, 1, 19), ("a", "low", False, 3, 21)]


def test_a_value_far_beyond_raises_both_limits() -> None:
    assert [row[:3] for row in run(rules(), (readings((0, 1, 45)), 1))] == [("a", "high", True), ("a", "high_high", True)]


def test_a_condition_shorter_than_the_on_delay_is_no_alarm() -> None:
    assert run(rules(delay_s=5), (readings((0, 1, 31), (0, 5.9, 25)), 100)) == []


def test_an_alarm_is_raised_when_the_delay_is_over_even_if_no_further_sample_comes() -> None:
    slow = rules(delay_s=5)
    found = run(slow, (readings((0, 1, 31)), 3), (Readings.none(), 5.9), (Readings.none(), 6.0), (Readings.none(), 9))
    assert found == [("a", "high", True, 6, 31)]


def test_a_sample_that_ends_the_condition_tells_that_it_lasted_long_enough() -> None:
    found = run(rules(delay_s=5), (readings((0, 1, 31), (0, 6, 25)), 6))
    assert found == [("a", "high", True, 6, 31), ("a", "high", False, 6, 25)]


def test_the_same_batch_again_changes_nothing() -> None:
    batch = readings((0, 1, 31), (0, 2, 25), (0, 3, 31), (1, 1, 9))
    once = run(rules(), (batch, 10))
    assert len(once) == 4
    assert run(rules(), (batch, 10), (batch, 10)) == once


def test_a_late_sample_judges_nothing_any_more() -> None:
    assert run(rules(), (readings((0, 5, 25)), 5), (readings((0, 4, 99), (0, 5, 99)), 5)) == []


def test_rows_out_of_order_are_judged_in_the_order_of_their_time() -> None:
    assert run(rules(), (readings((0, 3, 25), (0, 2, 31)), 5)) == run(rules(), (readings((0, 2, 31), (0, 3, 25)), 5))


def test_an_alarm_returns_only_when_it_has_been_over_for_the_off_delay() -> None:
    slow = rules(off_delay_s=5)
    found = run(
        slow, (readings((0, 1, 31), (0, 2, 25), (0, 6, 31), (0, 8, 25)), 8), (Readings.none(), 12), (Readings.none(), 13)
    )
    assert found == [("a", "high", True, 1, 31), ("a", "high", False, 13, 25)]


@dataclass
class _Naive:
    """The same judgement for one rule, sample by sample."""

    bound: float
    upper: bool
    deadband: float
    on_delay: int
    off_delay: int
    on: bool = False
    since: int = -(10**15)
    began: float = 0.0
    raised: bool = False

    def step(self, time: int, value: float) -> list[tuple[bool, int, float]]:
        out = self.pass_time(time)
        beyond = value - self.bound if self.upper else self.bound - value
        if (beyond > 0 and not self.on) or (beyond <= -self.deadband and self.on):
            self.on, self.since, self.began = not self.on, time, value
        return out + self.pass_time(time)

    def pass_time(self, now: int) -> list[tuple[bool, int, float]]:
        due = self.since + (self.on_delay if self.on else self.off_delay)
        if self.on != self.raised and due <= now:
            self.raised = self.on
            return [(self.raised, due, self.began)]
        return []


VALUES = st.sampled_from([15.0, 19.5, 20.0, 20.5, 21.0, 25.0, 29.0, 29.5, 30.0, 30.5, 39.5, 45.0])
SERIES = st.lists(st.tuples(st.integers(1, 9), VALUES), min_size=1, max_size=30)


@settings(max_examples=400, deadline=None)
@given(
    SERIES,
    st.integers(0, 12),
    st.integers(0, 12),
    st.sampled_from([0.0, 1.0]),
    st.lists(st.integers(1, 6), max_size=30),
    st.integers(0, 20),
)
def test_judging_in_columns_equals_judging_one_by_one(series, delay, off_delay, deadband, cuts, after) -> None:
    times = np.cumsum([step for step, _ in series]) * S
    values = np.array([value for _, value in series])
    made = rules(delay_s=delay, off_delay_s=off_delay, deadband=deadband)
    wanted: dict[int, list[tuple[bool, int, float]]] = {}
    end = int(times[-1]) + after * S
    for place in range(3):
        naive = _Naive(float(made.bound[place]), bool(made.upper[place]), deadband, delay * S, off_delay * S)
        wanted[place] = [each for t, v in zip(times.tolist(), values.tolist(), strict=True) for each in naive.step(t, v)]
        wanted[place] += naive.pass_time(end)
    state, found, start = State.fresh(made), {place: [] for place in range(3)}, 0
    for size in [*cuts, len(times)]:
        part = slice(start, start + size)
        if start < len(times):
            batch = Readings(np.zeros(len(times[part]), np.int64), times[part], values[part])
            now = int(times[part][-1])
        else:
            batch, now = Readings.none(), end
        start += size
        for repeat in range(2):
            state, transitions = judge(made, state, batch, now)
            assert repeat == 0 or len(transitions) == 0
            collect(found, transitions)
    state, transitions = judge(made, state, Readings.none(), end)
    collect(found, transitions)
    assert found == wanted
    for rows in found.values():
        assert [raised for raised, *_ in rows] == [at % 2 == 0 for at in range(len(rows))]


def collect(found: dict[int, list[tuple[bool, int, float]]], transitions) -> None:
    for rule, raised, at, value in zip(
        transitions.rule.tolist(), transitions.raised.tolist(), transitions.time_us.tolist(), transitions.value.tolist(),
        strict=True,
    ):  # fmt: skip
        found[rule].append((raised, at, value))


def test_many_rules_and_samples_take_no_loop() -> None:
    count, samples = 4000, 100_000
    chance = np.random.default_rng(3)
    abouts = tuple(About(f"p{at}", "m", "high", "warning", 1.0, "", {}) for at in range(count))
    many = Rules(
        abouts, {about.path: at for at, about in enumerate(abouts)}, np.arange(count), np.full(count, 0.99),
        np.ones(count, np.bool_), np.full(count, 0.01), np.zeros(count, np.int64),
        np.zeros(count, np.int64),
    )  # fmt: skip
    batch = Readings(chance.integers(0, count, samples), chance.integers(0, 10**9, samples), chance.random(samples))
    began = time.perf_counter()
    _, transitions = judge(many, State.fresh(many), batch, 10**9)
    assert len(transitions) > 500
    assert time.perf_counter() - began < 2
