from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.machines import columns
from batchone.machines.columns import BAD, GOOD, UNCERTAIN, Samples
from batchone.machines.connect.attach import Attaching
from batchone.machines.connect.quarantine.counting import Quarantine

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def batch(*rows: tuple[str, float]):
    samples = Samples()
    for number, (path, value) in enumerate(rows):
        samples.add(path, number, number, value)
    return samples.take()


def told(batch) -> list[tuple[str, float]]:
    return list(zip(batch.column("path").to_pylist(), columns.values_of(batch).tolist(), strict=True))


def test_declared_signals_pass_and_their_equipment_is_heard() -> None:
    attaching = Attaching(["m1/a", "m1/b", "m2/c"], Quarantine("line"))
    passed, heard = attaching.attach(batch(("m1/a", 1.0), ("m1/b", 2.0)), NOON)
    assert told(passed) == [("m1/a", 1.0), ("m1/b", 2.0)]
    assert heard == {"m1"}
    assert attaching.quarantine.listed() == ()


def test_undeclared_signals_are_set_aside_counted_and_listed() -> None:
    attaching = Attaching(["m1/a"], Quarantine("line"))
    given = batch(("m1/x", 1.0), ("m1/a", 2.0), ("m1/x", 3.0), ("m1/y", 4.0))
    passed, heard = attaching.attach(given, NOON)
    assert told(passed) == [("m1/a", 2.0)]
    assert passed.column("path").dictionary.to_pylist() == ["m1/a"], "strays do not travel on as names"
    assert heard == {"m1"}
    assert attaching.attach(batch(("m1/x", 9.0)), NOON + timedelta(seconds=5))[1] == frozenset()
    first, second = attaching.quarantine.listed()
    assert (first.path, first.reason, first.count, first.value) == ("m1/x", "undeclared", 3, 9.0)
    assert (first.first, first.last) == (NOON, NOON + timedelta(seconds=5))
    assert (second.path, second.count) == ("m1/y", 1)
    assert attaching.quarantine.count == 4


def test_numbers_are_kept_in_the_unit_of_their_declaration() -> None:
    attaching = Attaching(["m1/a", "m1/b"], Quarantine("line"), {"m1/b": (0.1, -5.0)})
    passed, _ = attaching.attach(batch(("m1/a", 1.0), ("m1/b", 70.0)), NOON)
    assert told(passed) == [("m1/a", 1.0), ("m1/b", 2.0)]
    assert told(attaching.lost(NOON)) == [("m1/a", 1.0), ("m1/b", 2.0)]


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(st.sampled_from("abcdxy"), st.floats(-9, 9)), max_size=8), max_size=6))
def test_whatever_comes_in_whatever_order_declared_samples_pass_and_all_others_are_counted(batches) -> None:
    declared = {f"m{name}/{name}" for name in "abcd"}
    attaching, last, strays = Attaching(sorted(declared), Quarantine("line")), {}, 0
    for rows in batches:
        given = [(f"m{name}/{name}", value) for name, value in rows]
        passed, heard = attaching.attach(batch(*given), NOON)
        expected = [row for row in given if row[0] in declared]
        assert told(passed) == expected
        assert heard == {path.partition("/")[0] for path, _ in expected}
        last.update(expected)
        strays += len(given) - len(expected)
    assert attaching.quarantine.count == strays
    assert dict(told(attaching.lost(NOON))) == last
    assert attaching.lost(NOON).num_rows == 0


def test_the_values_of_a_lost_machine_become_uncertain_at_the_time_of_the_loss_once() -> None:
    attaching = Attaching(["m1/a", "m1/b", "m2/a"], Quarantine("line"))
    attaching.attach(batch(("m1/a", 1.0), ("m1/a", 3.0), ("m1/b", float("nan")), ("m2/a", 7.0)), NOON)
    marks = attaching.lost(NOON, "m1")
    assert told(marks) == [("m1/a", 3.0)]
    assert columns.times_us(marks).tolist() == [columns.to_us(NOON)]
    assert columns.qualities_of(marks).tolist() == [UNCERTAIN]
    assert attaching.lost(NOON, "m1").num_rows == 0
    assert told(attaching.lost(NOON)) == [("m2/a", 7.0)]
    assert len({GOOD, UNCERTAIN, BAD}) == 3


def test_a_sample_whose_time_is_no_date_is_told_and_costs_the_others_nothing() -> None:
    quarantine = Quarantine("line")
    attaching = Attaching(("m1/a", "m1/b"), quarantine)
    sound = columns.to_us(NOON)
    times = [sound, -11_644_473_600_000_000, 253_370_764_800_000_000, sound + 1]
    batch, heard = attaching.attach(
        columns.to_batch(("m1/a", "m1/b"), [0, 1, 1, 0], times, sound, [1.0, 2.0, 3.0, 4.0], [0] * 4), NOON
    )
    assert (columns.values_of(batch).tolist(), heard) == ([1.0, 4.0], {"m1"})
    assert [(each.path, each.reason, each.count) for each in quarantine.listed()] == [("m1/b", "unreadable", 2)]
    nothing, nobody = attaching.attach(columns.to_batch(("m1/a",), [0], [-1], sound, [1.0], [0]), NOON)
    assert (nothing.num_rows, nobody, quarantine.count) == (0, frozenset(), 3)
