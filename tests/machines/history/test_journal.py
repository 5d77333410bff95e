"""The journal's frames, its reader, and what a disk may do to them."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.kernel.errors import TryLater
from batchone.machines.history.journal import Frame, Journal, Journals, Left, Rules, Tail, scan

pytestmark = pytest.mark.engine
FRAME = st.builds(
    Frame, st.sampled_from(["t", "u"]), st.text(min_size=1, max_size=9), st.integers(1, 99), st.integers(0, 10**9),
    st.integers(0, 10**9), st.binary(max_size=60),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(FRAME, max_size=5), st.binary(max_size=30))
def test_whole_frames_are_read_back_whatever_stands_behind_them(frames: list[Frame], rest: bytes) -> None:
    data = b"".join(map(bytes, frames))
    found = scan(data + rest)
    assert found.frames[: len(frames)] == tuple(frames)
    assert found.end >= len(data)


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAME, min_size=1, max_size=4), st.data())
def test_a_journal_cut_off_anywhere_gives_the_frames_before(frames: list[Frame], data: st.DataObject) -> None:
    whole = b"".join(map(bytes, frames))
    cut = data.draw(st.integers(0, len(whole)))
    found = scan(whole[:cut])
    assert found.frames == tuple(frames[: len(found.frames)])
    assert (found.damaged, found.end + found.behind) == (0, cut)
    assert sum(len(bytes(frame)) for frame in frames[: len(found.frames)]) == found.end


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAME, min_size=3, max_size=5), st.data())
def test_a_damaged_frame_hides_no_other_and_is_said(frames: list[Frame], data: st.DataObject) -> None:
    hurt = data.draw(st.integers(0, len(frames) - 2))
    parts = [bytearray(bytes(frame)) for frame in frames]
    parts[hurt][data.draw(st.integers(0, len(parts[hurt]) - 1))] ^= data.draw(st.integers(1, 255))
    found = scan(b"".join(map(bytes, parts)))
    assert found.frames == tuple(frame for at, frame in enumerate(frames) if at != hurt)
    assert found.damaged == len(parts[hurt])


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_none(noise: bytes) -> None:
    found = scan(b"\xb1frm" + noise)
    assert found.end <= len(noise) + 4


def frame(batch: str, *, tenant: str = "t") -> Frame:
    return Frame(tenant, batch, 1, 5, 5, b"data")


async def test_a_reader_sees_what_has_been_written_since_and_only_its_tenants(rig) -> None:
    tail = Tail(rig.root)

    async def seen(tenant: str) -> list[str]:
        _, frames, gone = await tail.moment(rig.catalogue, tenant, lambda: rig.catalogue.stats(tenant))
        assert not gone
        return [frame.batch for frame in frames]

    await rig.journals.append([frame("A"), frame("X", tenant="u")])
    assert (await seen("t"), await seen("u")) == (["A"], ["X"])
    await rig.journals.append([frame("B"), frame("A")])
    assert await seen("t") == ["A", "B"]


async def test_what_is_delivered_again_once_it_is_sealed_counts_once(rig) -> None:
    message = rig.message([("m/x", 1, 1.0), ("m/x", 2, 2.0)], batch="A")
    await rig.ingest.store([message])
    reading = rig.historian
    assert (await reading.stats("t")).samples == 2
    await rig.journals.leave()
    await rig.ingest.store([message])
    assert (await reading.stats("t")).samples == 2
    await rig.sealer.seal()
    assert len(await rig.catalogue.journals()) == 1
    assert (await reading.stats("t")).samples == 2
    assert (await reading.samples("t", ["m/x"], rig.at(0), rig.at(9), "", 10)).total == 2
    await rig.sealer.seal_all()
    assert (await reading.stats("t")).samples == 2


def test_a_frame_that_is_being_written_is_left_for_the_next_time() -> None:
    whole = bytes(frame("A")) + bytes(frame("B"))
    for size in range(len(whole) + 1):
        found = scan(whole[:size])
        assert len(found.frames) == (size >= len(bytes(frame("A")))) + (size == len(whole))


def test_nobody_takes_a_journal_whose_writer_lives(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "journal/J1.journal")
    with Left(tmp_path / journal.file) as mine:
        assert not mine
    journal.close()
    with Left(tmp_path / journal.file) as mine, Left(tmp_path / journal.file) as others:
        assert (mine, others) == (True, False)
    with Left(tmp_path / "gone") as mine:
        assert not mine


def test_a_journal_is_not_closed_under_who_writes_and_takes_nothing_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, writing, closed, sync = Journal(tmp_path, "journal/J1.journal"), threading.Event(), threading.Event(), os.fdatasync

    def slowly(handle: int) -> None:
        writing.set()
        assert not closed.wait(0.2)
        sync(handle)

    monkeypatch.setattr(os, "fdatasync", slowly)
    writer = threading.Thread(target=journal.append, args=([frame("A")],))
    writer.start()
    writing.wait()
    journal.close()
    closed.set()
    writer.join()
    assert journal.rows == 1
    with pytest.raises(OSError, match="closed"):
        journal.append([frame("B")])
    assert [each.batch for each in scan((tmp_path / journal.file).read_bytes()).frames] == ["A"]


async def test_behind_a_failed_write_a_new_journal_begins(rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.ingest.store([rig.message([("m/x", 1, 1.0)], batch="A")])
    whole = os.write

    def full(handle: int, data: bytes) -> int:
        whole(handle, data[:20])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    second = rig.message([("m/x", 2, 2.0)], batch="B")
    with pytest.raises(TryLater, match="No space"):
        await rig.ingest.store([second])
    monkeypatch.undo()
    assert await rig.everything() == [("m/x", 1, 1.0)]
    await rig.ingest.store([second])
    assert len(await rig.catalogue.journals()) == 2
    await rig.sealer.seal_all()
    assert await rig.everything() == [("m/x", 1, 1.0), ("m/x", 2, 2.0)]
    assert (await rig.historian.stats("t")).duplicates == 0


async def test_a_full_journal_is_left_to_be_sealed_and_too_many_of_them_are_waited_for(rig) -> None:
    journals = Journals(rig.catalogue, rig.root, lambda: rig.ids.new("JRN"), Rules(rows=2, unsealed=1))
    for batch in "AB":
        assert not journals.full.is_set()
        await journals.append([Frame("t", batch, 2, 5, 5, b"")])
        assert journals.full.is_set()
        journals.full.clear()
    with pytest.raises(TryLater, match="wait to be sealed"):
        await journals.append([frame("C")])


async def test_a_sample_is_sealed_in_time_though_more_and_more_come(rig) -> None:
    work = asyncio.create_task(rig.sealer.work(0.05))
    async with asyncio.timeout(20):
        at = 0
        while (await rig.historian.stats("t")).segments < 3:
            await rig.ingest.store([rig.message([("m/x", at := at + 1, 1.0)])])
            await asyncio.sleep(0.01)
    work.cancel()
    assert len(await rig.everything()) == at


async def test_what_a_disk_lost_of_a_journal_is_kept_for_a_person_and_hides_nothing_else(rig) -> None:
    for at in range(3):
        await rig.ingest.store([rig.message([("m/x", at, 1.0)], batch=f"B{at}")])
    (file,) = await rig.catalogue.journals()
    data = bytearray((rig.root / file).read_bytes())
    data[len(data) // 2] ^= 1
    (rig.root / file).write_bytes(data)
    assert [at for _, at, _ in await rig.everything()] == [0, 2]
    await rig.sealer.seal_all()
    assert [at for _, at, _ in await rig.everything()] == [0, 2]
    assert [name for name in rig.on_disk() if name.endswith(".damaged")] == [file.replace(".journal", ".damaged")]


async def test_a_journal_without_its_file_is_said_to_be_lost(rig) -> None:
    await rig.ingest.store([rig.message([("m/x", 1, 1.0)])])
    (file,) = await rig.catalogue.journals()
    (rig.root / file).unlink()
    trend = await rig.historian.trend("t", ["m/x"], rig.at(0), rig.at(9), 100)
    assert trend.answer == "missing"
    assert (trend.gaps[0].reason, trend.gaps[0].what) == ("lost", file)


async def test_what_a_crash_left_before_the_catalogue_named_it_is_removed(rig) -> None:
    Journal(rig.root, "journal/J0.journal").close()
    writing = Journal(rig.root, "journal/J1.journal")
    await rig.sealer.seal()
    assert rig.on_disk() == {"journal/J1.journal"}
    writing.close()
    await rig.sealer.seal()
    assert rig.on_disk() == set()
