"""Judging results and reacting to failures."""

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from batchone.chain.production.model import REWORKS_MAX, TooLate, beside, judge, react, waited
from batchone.contracts.pack import Check
from batchone.contracts.sharing import Wait


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


ENDED = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_a_wait_is_over_in_between_its_bounds_and_a_setup_counts_as_waiting() -> None:
    waits = [Wait("20", 600, 3600)]
    at = [waited("30", waits, {"20": ENDED}, ENDED + timedelta(seconds=s), 0) for s in (599, 600, 3600, 3601)]
    assert at == ["early", "ready", "ready", TooLate("30", "20", ENDED)]
    assert waited("30", waits, {"20": ENDED}, ENDED + timedelta(seconds=3590), 11) == TooLate("30", "20", ENDED)
    assert waited("30", [Wait("20", 600)], {"20": ENDED}, ENDED + timedelta(days=9), 0) == "ready"
    assert waited("30", waits, {}, ENDED, 0) == "ready"


def test_what_a_job_takes_is_what_is_planned_and_any_crew_that_is_free() -> None:
    jig, ann, bob = ("jig", 0), ("ann", 0), ("bob", 0)
    assert beside((jig,), 1, (), set()) == (jig,)
    assert beside((jig,), 1, (), {jig}) is None
    assert beside((), 1, (), set()) is None
    # A planned crew goes before others, one that is not planned is found, and a setup that is not needed takes none.
    assert beside((jig, bob), 1, (ann, bob), set()) == (jig, bob)
    assert beside((jig, bob), 1, (ann, bob), {bob}) == (jig, ann)
    assert beside((jig,), 1, (ann, bob), {ann}) == (jig, bob)
    assert beside((jig, bob), 1, (), set()) == (jig,)
    assert beside((ann,), 1, (ann,), set()) is None
