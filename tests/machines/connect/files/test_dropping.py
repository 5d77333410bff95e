"""From a dropped file to samples on disk and the file put away: link and driver over a real folder."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from pathlib import Path

import pytest
from tests.support_plant import eventually

from batchone.contracts.sources import Point, Source
from batchone.contracts.things import ThingModel
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import SystemClock
from batchone.kernel.errors import Refused, TryLater
from batchone.machines import columns
from batchone.machines.connect.driver import Reach
from batchone.machines.connect.files.driver import FilesDriver, probe
from batchone.machines.connect.floor import Floor
from batchone.machines.connect.link import Link, Patience
from batchone.machines.connect.shipping import Bounds, Shipping
from batchone.machines.connect.wiring import Wiring, wire_source

POINTS = (Point("press-1/torque", "torque"), Point("press-1/angle", "angle"))
FILE = "time,torque,angle\n2024-03-01T08:00:00Z,1.5,90\n2024-03-01T08:00:01Z,2.5,91\n"


class Killed(BaseException):
    """The process ends here."""


def wiring_of(folder: Path, **settings: str) -> Wiring:
    source = Source("drop", folder.as_uri(), {"every": "10 ms", **settings}, POINTS)
    return wire_source(source, "files", {point.path for point in POINTS}, (), {})


class Site:
    """One life of the platform over a folder; what it keeps is read from its log."""

    def __init__(self, folder: Path, log: Path, boot: str = "B1") -> None:
        wiring, clock = wiring_of(folder), SystemClock()
        self.shipping = Shipping(MemoryBus(), "t", "drop", boot, log, Bounds(), time.time)
        self.link = Link(
            wiring, lambda: FilesDriver(wiring, Reach(), clock), floor=Floor(lambda *_: None), shipping=self.shipping,
            clock=clock, chance=random.Random(1), sleep=lambda _: asyncio.sleep(0.01), patience=Patience(),
            on_jobs=lambda *_: None,
        )  # fmt: skip

    @contextlib.asynccontextmanager
    async def runs(self):
        running = asyncio.ensure_future(self.link.run())
        try:
            yield running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await self.shipping.close()

    def kept(self) -> dict[str, list[tuple[str, float]]]:
        """By id of the batch."""
        found = {}
        while (entry := self.shipping._spool.first()) is not None:
            batch = columns.from_bytes(entry.data)
            found[entry.id] = list(zip(batch.column("path").to_pylist(), columns.values_of(batch).tolist(), strict=True))
            self.shipping._spool.done()
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    for name in ("done", "refused"):
        (made / name).mkdir(parents=True)
    return made


async def test_a_dropped_file_is_done_once_its_samples_are_on_disk(folder: Path, tmp_path: Path) -> None:
    site = Site(folder, tmp_path / "log")
    (folder / "a.csv").write_text(FILE)
    async with site.runs():
        await eventually((folder / "done" / "a.csv").exists)
        (rows,) = site.kept().values()
    assert rows == [("press-1/torque", 1.5), ("press-1/angle", 90), ("press-1/torque", 2.5), ("press-1/angle", 91)]
    assert not (folder / "a.csv").exists()


async def test_a_file_that_grows_waits(folder: Path) -> None:
    driver = FilesDriver(wiring_of(folder), Reach(), SystemClock())
    await driver.open()
    part = folder / "a.csv"
    for line in FILE.splitlines(keepends=True):
        with part.open("a") as out:
            out.write(line)
        assert not (await driver.read()).samples.num_rows
    assert (await driver.read()).samples.num_rows == 4


async def test_a_file_written_to_while_it_was_taken_is_taken_anew(folder: Path) -> None:
    driver = FilesDriver(wiring_of(folder), Reach(), SystemClock())
    await driver.open()
    (folder / "a.csv").write_text(FILE)
    await driver.read()
    first = await driver.read()
    with (folder / "a.csv").open("a") as out:
        out.write("2024-03-01T08:00:02Z,3.5,92\n")
    await driver.kept(first.mark)
    assert (folder / "a.csv").exists()
    await driver.read()
    again = await driver.read()
    assert again.samples.num_rows == 6
    assert again.mark != first.mark


async def test_killed_between_disk_and_folder_the_next_life_keeps_the_same_batch_under_the_same_id(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.csv").write_text(FILE)

    def killed(*_: object) -> None:
        raise Killed

    first = Site(folder, tmp_path / "log")
    with monkeypatch.context() as patch:
        patch.setattr(FilesDriver, "kept", killed)
        async with first.runs() as running:
            with pytest.raises(Killed):
                await running
    assert (folder / "a.csv").exists()
    before = first.kept()
    assert len(before) == 1
    second = Site(folder, tmp_path / "log", "B2")
    async with second.runs():
        await eventually((folder / "done" / "a.csv").exists)
        assert second.kept() == before


async def test_a_long_file_goes_in_pieces_and_is_done_after_the_last(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchone.machines.connect.files.driver._PIECE", 3)
    site = Site(folder, tmp_path / "log")
    (folder / "a.csv").write_text(FILE)
    async with site.runs():
        await eventually((folder / "done" / "a.csv").exists)
        assert [len(rows) for rows in site.kept().values()] == [3, 1]


async def test_a_spoilt_file_is_refused_with_the_reason_beside_it(folder: Path, tmp_path: Path) -> None:
    site = Site(folder, tmp_path / "log")
    (folder / "bad.csv").write_text("time,torque\nsoon,1\n")
    (folder / "good.csv").write_text(FILE)
    async with site.runs():
        await eventually((folder / "done" / "good.csv").exists)
        await eventually((folder / "refused" / "bad.csv").exists)
    assert "soon" in (folder / "refused" / "bad.csv.why").read_text()
    (entry,) = site.link.quarantine.listed()
    assert (entry.path, entry.reason) == ("drop/bad.csv", "unreadable")


async def test_a_disk_that_takes_nothing_leaves_the_file_where_it_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(folder, tmp_path / "log")
    (folder / "a.csv").write_text(FILE)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    async with site.runs():
        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", full)
            await eventually(lambda: "No space left" in site.link.now().error)
            assert (folder / "a.csv").exists()
        await eventually((folder / "done" / "a.csv").exists)
        assert len(site.kept()) == 1


async def test_while_little_room_is_left_no_file_is_taken(folder: Path) -> None:
    driver = FilesDriver(wiring_of(folder), Reach(), SystemClock())
    await driver.open()
    (folder / "a.csv").write_text(FILE)
    driver.press(0.95)
    for _ in range(4):
        assert not (await driver.read()).mark
    driver.press(0.1)
    await driver.read()
    assert (await driver.read()).mark


async def test_the_same_name_twice_keeps_both(folder: Path, tmp_path: Path) -> None:
    site = Site(folder, tmp_path / "log")
    async with site.runs():
        for value in (1, 2):
            (folder / "a.csv").write_text(f"time,torque\n2024-03-01T08:00:00Z,{value}\n")
            await eventually(lambda: not (folder / "a.csv").exists())
    assert len(list((folder / "done").iterdir())) == 2


async def test_without_its_folders_nothing_is_touched_until_they_are_there(folder: Path, tmp_path: Path) -> None:
    (folder / "done").rmdir()
    (folder / "a.csv").write_text(FILE)
    site = Site(folder, tmp_path / "log")
    async with site.runs():
        await eventually(lambda: "there is no folder" in site.link.now().error)
        assert (folder / "a.csv").exists()
        (folder / "done").mkdir()
        await eventually((folder / "done" / "a.csv").exists)


async def test_links_and_other_files_are_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.csv").write_text(FILE)
    (folder / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    (folder / "notes.txt").write_text("Call Anna.")
    driver = FilesDriver(wiring_of(folder), Reach(), SystemClock())
    await driver.open()
    for _ in range(3):
        assert not (await driver.read()).mark


async def test_a_probe_proposes_the_names_in_the_newest_file_and_moves_nothing(folder: Path) -> None:
    with pytest.raises(TryLater, match="no file of"):
        await probe(folder.as_uri(), {}, ThingModel(), Reach())
    (folder / "a.csv").write_text(FILE)
    seen = await probe(folder.as_uri(), {}, ThingModel(), Reach())
    assert [(each.address, each.value) for each in seen.found] == [("torque", "2.5"), ("angle", "91")]
    assert (folder / "a.csv").exists()


@pytest.mark.parametrize("url", ["file://nas/drop", "file:drop", "file:///", "file:///var/../etc"])
def test_what_is_no_folder_of_this_machine_is_refused(url: str) -> None:
    wiring = wire_source(Source("drop", url, {}, ()), "files", (), (), {})
    with pytest.raises(Refused, match="no folder of this machine"):
        FilesDriver(wiring, Reach(), SystemClock())
