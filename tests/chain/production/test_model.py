"""Judging results and reacting to failures."""

import math

from hypothesis import given
from hypothesis import strategies as st

from batchone.chain.production.model import REWORKS_MAX, judge, react
from batchone.contracts.pack import Check


def check(
    name: str, low: float | None = None, high: float | None = None, reaction: str = "rework", redo: tuple[str, ...] = ()
) -> Check:
    return Check(name, "10", {"en": name}, name, "mm", low, high, reaction, redo, {})  # type: ignore[arg-type]


def test_a_value_on_the_limit_passes_and_one_beyond_fails() -> None:
    limit = check("gap", 1.0, 2.0)
    assert [judge([limit], {"gap": v})[0].passed for v in (1.0, 2.0, 0.99, 2.01)] == [True, True, False, False]


def test_a_required_measurement_that_is_missing_or_not_a_number_fails() -> None:
    limit = check("gap", 1.0, 2.0)
    for results in ({}, {"gap": math.nan}, {"gap": math.inf}):
        (judged,) = judge([limit], results)
        assert judged.passed is False
        assert judged.value is None


def test_a_recorded_measurement_neither_passes_nor_fails() -> None:
    (judged,) = judge([check("power")], {"power": 95.0})
    assert judged.passed is None
    assert judge([check("power")], {}) == ()


def test_rework_redoes_what_any_failed_check_asks_for_in_the_order_of_the_routing() -> None:
    failed = judge([check("a", high=0, redo=("30", "10")), check("b", high=0, redo=("20",))], {"a": 1, "b": 1})
    reaction = react(failed, {"a": 1, "b": 1}, ["10", "20", "30", "40"])
    assert reaction is not None
    assert (reaction.kind, reaction.redo) == ("rework", ("10", "20", "30"))


def test_a_hold_outweighs_rework() -> None:
    failed = judge([check("a", high=0, redo=("10",)), check("b", high=0, reaction="hold")], {"a": 1, "b": 1})
    reaction = react(failed, {}, ["10"])
    assert reaction is not None
    assert (reaction.kind, reaction.check.id) == ("hold", "b")


@given(st.integers(1, 10))
def test_after_too_many_failures_of_one_check_a_person_decides(times: int) -> None:
    failed = judge([check("a", high=0, redo=("10",))], {"a": 1})
    reaction = react(failed, {"a": times}, ["10"])
    assert reaction is not None
    assert reaction.kind == ("hold" if times > REWORKS_MAX else "rework")
