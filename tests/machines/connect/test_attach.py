from datetime import UTC, datetime, timedelta

from batchone.machines import columns
from batchone.machines.columns import BAD, GOOD, UNCERTAIN, Samples
from batchone.machines.connect.attach import Quarantine, attach, last_values, stale_marks
from batchone.machines.connect.driver import Fault

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def batch(*rows: tuple[str, float]):
    samples = Samples()
    for number, (path, value) in enumerate(rows):
        samples.add(path, number, number, value)
    return samples.take()


def test_declared_signals_pass_untouched() -> None:
    quarantine = Quarantine("line")
    given = batch(("m1/a", 1.0), ("m1/b", 2.0))
    assert attach(given, {"m1/a", "m1/b", "m1/c"}, quarantine, NOON) is given
    assert quarantine.listed() == ()


def test_undeclared_signals_are_set_aside_counted_and_listed() -> None:
    quarantine = Quarantine("line")
    given = batch(("m1/x", 1.0), ("m1/a", 2.0), ("m1/x", 3.0), ("m1/y", 4.0))
    passed = attach(given, {"m1/a"}, quarantine, NOON)
    assert passed.column("path").to_pylist() == ["m1/a"]
    attach(batch(("m1/x", 9.0)), {"m1/a"}, quarantine, NOON + timedelta(seconds=5))
    first, second = quarantine.listed()
    assert (first.path, first.reason, first.count, first.value) == ("m1/x", "undeclared", 3, 9.0)
    assert (first.first, first.last) == (NOON, NOON + timedelta(seconds=5))
    assert (second.path, second.count) == ("m1/y", 1)
    assert quarantine.count == 4


def test_unreadable_things_are_counted_beside() -> None:
    quarantine = Quarantine("line")
    quarantine.unreadable(Fault("m1/State", 3, "77 is no state"), NOON)
    quarantine.unreadable(Fault("m1/State", 2, "78 is no state"), NOON)
    (entry,) = quarantine.listed()
    assert (entry.count, entry.what, entry.value) == (5, "78 is no state", None)


def test_the_list_is_bounded_but_the_count_is_not() -> None:
    quarantine = Quarantine("line")
    for number in range(1500):
        quarantine.undeclared(f"m1/{number}", 1, 0.0, NOON)
    assert len(quarantine.listed()) == 1001
    assert quarantine.count == 1500


def test_the_last_value_of_each_path_is_found() -> None:
    assert last_values(batch(("m1/a", 1.0), ("m1/b", 2.0), ("m1/a", 3.0))) == {"m1/a": 3.0, "m1/b": 2.0}
    assert last_values(columns.empty()) == {}


def test_the_values_of_a_lost_machine_become_uncertain_at_the_time_of_the_loss() -> None:
    marks = stale_marks({"m1/a": 3.0, "m1/b": float("nan")}, NOON)
    assert marks.column("path").to_pylist() == ["m1/a"]
    assert columns.values_of(marks).tolist() == [3.0]
    assert columns.times_us(marks).tolist() == [columns.to_us(NOON)]
    assert columns.qualities_of(marks).tolist() == [UNCERTAIN]
    assert len({GOOD, UNCERTAIN, BAD}) == 3
