"""What one connection sets aside, before it is stored."""

from datetime import UTC, datetime, timedelta

from batchone.contracts.quarantine import OTHERS
from batchone.machines.connect.driver import Fault
from batchone.machines.connect.quarantine.counting import LISTED_MAX, PATH_MAX, Quarantine

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=9)


def test_unreadable_things_are_counted_beside() -> None:
    quarantine = Quarantine("line")
    quarantine.unreadable(Fault("m1/State", 3, "77 is no state"), NOON)
    quarantine.unreadable(Fault("m1/State", 2, "78 is no state"), LATER)
    (entry,) = quarantine.listed()
    assert (entry.count, entry.what, entry.value) == (5, "78 is no state", None)
    assert (entry.first, entry.last) == (NOON, LATER)


def test_the_list_is_bounded_but_the_count_is_not() -> None:
    quarantine = Quarantine("line")
    paths = [f"m1/{number}" for number in range(LISTED_MAX + 500)]
    quarantine.undeclared_all(paths, [1] * len(paths), [0.0] * len(paths), NOON)
    quarantine.undeclared_all(["m1/3"], [1], [8.0], NOON)
    listed = {entry.path: entry.count for entry in quarantine.listed()}
    assert len(listed) == LISTED_MAX + 1
    assert (listed[OTHERS], listed["m1/3"]) == (500, 2)
    assert quarantine.count == LISTED_MAX + 501


def test_a_path_that_does_not_fit_whole_is_among_the_others_and_none_is_what_a_database_refuses() -> None:
    quarantine = Quarantine("line")
    quarantine.undeclared("x" * (PATH_MAX + 1), 2, 1.0, NOON)
    quarantine.undeclared("m1/\0\udc80", 1, 1.0, NOON)
    quarantine.unreadable(Fault("m1/a", 1, "\0" + "?" * 2000), NOON)
    listed = quarantine.listed()
    assert {(entry.path, entry.count) for entry in listed} == {(OTHERS, 2), ("m1/\ufffd?", 1), ("m1/a", 1)}
    assert all("\0" not in entry.what and len(entry.what) <= 500 for entry in listed)


def test_what_could_not_be_stored_is_counted_on() -> None:
    quarantine = Quarantine("line")
    quarantine.undeclared("m1/a", 2, 1.0, NOON)
    taken = quarantine.take()
    assert quarantine.listed() == ()
    quarantine.undeclared("m1/a", 3, 5.0, LATER)
    quarantine.give_back(taken)
    (entry,) = quarantine.listed()
    assert (entry.count, entry.value, entry.first, entry.last) == (5, 5.0, NOON, LATER)
    assert quarantine.count == 5


def test_strangers_do_not_crowd_out_what_concerns_a_declared_signal() -> None:
    quarantine = Quarantine("line", frozenset({"m1/a"}))
    for number in range(3000):
        quarantine.undeclared(f"m9/{number}", 1, 0.0, NOON)
    quarantine.unreadable(Fault("m1/a", 2, "no number"), NOON)
    quarantine.unreadable(Fault("m9/x", 1, "no number"), NOON)
    listed = {(each.path, each.reason): each.count for each in quarantine.listed()}
    assert len(listed) == 1003
    assert (listed["m1/a", "unreadable"], listed["(others)", "undeclared"], listed["(others)", "unreadable"]) == (2, 2000, 1)
