"""The plant's bound, and the way that an item's finish hung on."""

from datetime import UTC, datetime, timedelta

import pytest
from benchmarks.loop import SPEED, Bound, Told, bound, chain, way_s
from benchmarks.plans import wishes
from benchmarks.platform import the_pack

from batchone.chain.design.model import compile_pack
from batchone.contracts.production import ItemFinished, JobFinished
from batchone.kernel.facts import Envelope, body_of

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def job(op: str, began: float, ended: float) -> JobFinished:
    at = [START + timedelta(seconds=second) for second in (began, ended)]
    return JobFinished(f"J{op}", "I", "O", op, 1, "m", "finished", at[0], at[1], 0.0, "")


def test_the_bottleneck_is_the_class_with_the_most_work_for_each_position() -> None:
    pack = the_pack()
    made = wishes(compile_pack(pack), 20, seed=1)
    found = bound(pack, made)
    positions = sum(each.positions for each in pack.equipment if each.equipment_class == found.equipment_class)
    work = sum(step.duration_s for one in made for step in one.operations if step.equipment_class == found.equipment_class)
    assert found.takt_s == pytest.approx(work / len(made) / positions)
    assert found.way_s == min(way_s(one) for one in made)


def test_the_longest_way_is_at_least_every_operations_own_time() -> None:
    (made,) = wishes(compile_pack(the_pack()), 1, seed=1)
    assert max(step.duration_s for step in made.operations) < way_s(made) < sum(step.duration_s for step in made.operations)


def test_the_bound_of_many_is_one_way_and_the_takt_of_the_others() -> None:
    assert Bound("x", 12.0, 4000.0).span_s(1) == 4000.0
    assert Bound("x", 12.0, 4000.0).span_s(11) == 4120.0


def test_a_finish_hangs_on_the_predecessor_that_ended_last() -> None:
    jobs = {each.op: each for each in (job("10", 0, 5), job("20", 0, 9), job("30", 11, 20), job("40", 0, 2))}
    way = chain(jobs, {"30": ("10", "20"), "10": (), "20": (), "40": ()})
    assert [each.op for each in way] == ["20", "30"]
    assert chain({}, {}) == []


def test_what_is_told_is_counted_from_its_own_time_to_the_hearing() -> None:
    told = Told()
    finished = ItemFinished("I", "O", "S1", 1.0)
    told.hear(Envelope("F1", "t", "item.finished", 1, START, "p", body_of(finished)), START + timedelta(seconds=SPEED))
    told.hear(Envelope("F2", "t", "stock.moved", 1, START, "p", "{}"), START)
    assert told.facts == 2
    assert told.finished == {"I": START}
    assert told.heard_late_s["item.finished"] == [SPEED]
