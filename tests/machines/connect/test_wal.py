import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from batchone.machines.connect.wal import WriteAhead

ENTRIES = [("a-1", b"first"), ("a-2", b""), ("a-3", bytes(range(256)) * 40)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "connect" / "line.wal"


@pytest.fixture
def wal(path: Path) -> Iterator[WriteAhead]:
    made = WriteAhead(path)
    for entry in ENTRIES:
        made.append(entry)
    yield made
    made.close()


def recovered(path: Path, *more: tuple[str, bytes]) -> list[tuple[str, bytes]]:
    with closing(WriteAhead(path)) as again:
        entries = again.recover()
        for entry in more:
            again.append(entry)
    return entries


MORE = ("b-1", b"more")


def test_what_was_appended_is_there_after_a_crash(wal: WriteAhead, path: Path) -> None:
    assert recovered(path) == ENTRIES


def test_it_goes_on_after_what_it_recovered(wal: WriteAhead, path: Path) -> None:
    recovered(path, MORE)
    assert recovered(path) == [*ENTRIES, MORE]


@pytest.mark.parametrize("cut", [1, 5, 4000])
def test_a_record_that_a_crash_cut_off_is_dropped_and_overwritten(wal: WriteAhead, path: Path, cut: int) -> None:
    os.truncate(path, path.stat().st_size - cut)
    assert recovered(path, MORE) == ENTRIES[:2]
    assert recovered(path) == [*ENTRIES[:2], MORE]


def test_a_damaged_record_ends_the_file(wal: WriteAhead, path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    assert recovered(path) == ENTRIES[:2]


def test_a_file_of_something_else_holds_nothing(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this was never one of ours, whatever it says")
    assert recovered(path) == []
    assert path.stat().st_size == 0


def test_rewriting_keeps_exactly_what_is_given(wal: WriteAhead, path: Path) -> None:
    wal.rewrite(ENTRIES[2:])
    wal.append(MORE)
    assert recovered(path) == [ENTRIES[2], MORE]
    wal.rewrite([])
    assert wal.size == 0


def test_a_disk_that_takes_nothing_leaves_nothing_half_written(
    wal: WriteAhead, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    size = wal.size

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        wal.append(MORE)
    assert wal.size == size
    monkeypatch.undo()
    wal.append(MORE)
    assert recovered(path) == [*ENTRIES, MORE]
