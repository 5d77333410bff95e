from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from batchone.machines.connect.spool import Entry, Spool


def entry(number: int, size: int = 10) -> Entry:
    return Entry(f"b-{number}", bytes([number % 256]) * size, number % 7 + 1, 100.0 + number)


def drained(spool: Spool) -> list[Entry]:
    found = []
    while (first := spool.first()) is not None:
        found.append(first)
        spool.done()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "line"


def test_what_is_appended_comes_out_in_order_and_leaves_no_file(folder: Path) -> None:
    spool = Spool(folder, file_bytes=100)
    entries = [entry(number) for number in range(20)]
    for at in range(0, 20, 2):
        spool.append(entries[at : at + 2])
    assert len(list(folder.glob("*.log"))) > 3
    assert (spool.waiting_records, spool.waiting_rows) == (20, sum(each.rows for each in entries))
    assert spool.oldest_s == 100.0
    assert drained(spool) == entries
    assert (spool.waiting_records, spool.waiting_bytes, spool.waiting_rows, spool.oldest_s) == (0, 0, 0, None)
    assert list(folder.glob("*.log")) == []


def test_what_waited_is_there_after_a_restart(folder: Path) -> None:
    spool = Spool(folder, file_bytes=100)
    for number in range(9):
        spool.append([entry(number)])
    assert spool.first() == entry(0)
    spool.done()
    spool.close()
    again = Spool(folder, file_bytes=100)
    found = drained(again)
    assert found[-8:] == [entry(number) for number in range(1, 9)]


@pytest.mark.parametrize("cut", [1, 5, 8, 9, 20, 35])
def test_a_record_that_a_crash_cut_off_is_passed_over(folder: Path, cut: int) -> None:
    spool = Spool(folder)
    spool.append([entry(1), entry(2)])
    spool.close()
    (path,) = folder.glob("*.log")
    path.write_bytes(path.read_bytes()[:-cut])
    again = Spool(folder)
    assert again.first() == entry(1)
    again.append([entry(3)])
    assert drained(again) == [entry(1), entry(3)]
    assert list(folder.glob("*.spoilt")) == []


def test_a_tail_of_zeros_that_was_never_written_is_passed_over(folder: Path) -> None:
    spool = Spool(folder)
    spool.append([entry(1)])
    spool.close()
    (path,) = folder.glob("*.log")
    path.write_bytes(path.read_bytes() + bytes(4096))
    assert drained(Spool(folder)) == [entry(1)]


def test_a_spoilt_record_costs_what_follows_in_its_file_and_the_file_is_kept_aside(folder: Path) -> None:
    spool = Spool(folder, file_bytes=100)
    for number in range(6):
        spool.append([entry(number)])
    spool.close()
    first = min(folder.glob("*.log"))
    data = bytearray(first.read_bytes())
    data[20] ^= 0xFF
    first.write_bytes(data)
    again = Spool(folder, file_bytes=100)
    assert [each.id for each in drained(again)] == ["b-3", "b-4", "b-5"]
    assert [path.name for path in folder.glob("*.spoilt")] == [first.with_suffix(".spoilt").name]
    assert [path.name for path in again.kept_aside] == [first.with_suffix(".spoilt").name]


def test_a_length_that_was_never_written_is_not_believed(folder: Path) -> None:
    folder.mkdir()
    (folder / f"{1:012d}.log").write_bytes(b"\xff" * 64)
    assert drained(Spool(folder)) == []
    assert len(list(folder.glob("*.spoilt"))) == 1


def test_a_disk_that_is_full_leaves_nothing_half_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(folder)
    spool.append([entry(1)])

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        spool.append([entry(2)])
    monkeypatch.undo()
    spool.append([entry(3)])
    spool.close()
    assert drained(Spool(folder)) == [entry(1), entry(3)]


def test_losses_are_counted_over_restarts_and_a_spoilt_count_begins_anew(folder: Path) -> None:
    spool = Spool(folder)
    spool.lose(5, 10.0, "full")
    Spool(folder).lose(7, 11.0, "still full")
    assert Spool(folder).losses.samples == 12
    (folder / "losses.json").write_bytes(b"{]")
    assert Spool(folder).losses.samples == 0


class AnyLife(RuleBasedStateMachine):
    """Whatever happens in whatever order, what was appended and is not done comes out, in order, once a life."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.home = tempfile.TemporaryDirectory()
        self.number = 0
        self.waiting: list[Entry] = []
        self.spool = Spool(Path(self.home.name) / "line", file_bytes=120, ahead_bytes=150)

    @rule(count=st.integers(1, 4), size=st.integers(0, 60))
    def append(self, count: int, size: int) -> None:
        entries = [entry(self.number + at, size) for at in range(count)]
        self.number += count
        self.spool.append(entries)
        self.waiting += entries

    @precondition(lambda self: self.waiting)
    @rule()
    def send(self) -> None:
        assert self.spool.first() == self.waiting[0]
        self.spool.done()
        self.waiting.pop(0)

    @rule()
    def restart(self) -> None:
        self.spool.close()
        self.spool = Spool(Path(self.home.name) / "line", file_bytes=120, ahead_bytes=150)
        # What was done of a file that is still there comes once more: the bus knows it by its id.
        repeated = self.spool.waiting_records - len(self.waiting)
        assert repeated >= 0
        for _ in range(repeated):
            assert self.spool.first() is not None
            self.spool.done()

    @invariant()
    def counts_agree(self) -> None:
        assert self.spool.waiting_records == len(self.waiting)
        assert self.spool.waiting_rows == sum(each.rows for each in self.waiting)

    def teardown(self) -> None:
        assert drained(self.spool) == self.waiting
        self.spool.close()
        self.home.cleanup()


TestAnyLife = AnyLife.TestCase
TestAnyLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_new_folder_and_those_above_it_are_on_the_disk_before_anything_counts_as_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("batchone.machines.connect.spool._sync", synced.append)
    spool = Spool(tmp_path / "connect" / "line")
    spool.append([entry(1)])
    spool.close()
    assert synced == [tmp_path, tmp_path / "connect", tmp_path / "connect" / "line"]
