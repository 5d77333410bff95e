"""Files of old days move to an object store, and nobody who reads, drops or merges can tell, but while it is away."""

from __future__ import annotations

import asyncio
import io
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
from tests.support_objects import S3Server

from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import Gap
from batchone.kernel.errors import Conflict, TryLater
from batchone.machines.history.archive import Archive
from batchone.machines.history.asking import Asker
from batchone.machines.history.caching import Cache
from batchone.machines.history.keeping import Keeper
from batchone.machines.history.model import MergeRules
from batchone.machines.history.objects import OWNER, Below, FolderObjects, ObjectStore, Stored
from batchone.machines.history.offload import Mover, audit, remove_strays
from batchone.machines.history.reading import Reader
from batchone.machines.history.retaining import Retainer
from batchone.machines.history.service import Historian
from batchone.machines.history.store_objects import MovedSegments

pytestmark = pytest.mark.engine
DAY = 86_400.0
DAYS = 8
ADMIN = Actor("t", "ann", "Ann", "admin")


class Killed(BaseException):
    """The process ends here."""


class Shaky:
    """A store over another one that can be away, and at whose n-th step the process is killed, before or after its effect."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.away = False
        self.kill_at: tuple[int, bool] | None = None
        self.steps = 0

    where = "shaky"

    def _step(self, effect: Callable[[], None]) -> None:
        if self.away:
            raise TryLater("history.objects_away", "The object store shaky cannot be reached.")
        number, self.steps = self.steps, self.steps + 1
        if self.kill_at is not None and self.kill_at[0] == number:
            if self.kill_at[1]:
                effect()
            raise Killed
        effect()

    def put(self, key: str, data: BinaryIO) -> None:
        self._step(lambda: self._store.put(key, data))

    def read(self, key: str) -> Iterator[bytes]:
        self._step(lambda: None)
        yield from self._store.read(key)

    def stored(self, prefix: str = "") -> Iterator[Stored]:
        self._step(lambda: None)
        yield from self._store.stored(prefix)

    def remove(self, key: str) -> None:
        self._step(lambda: self._store.remove(key))

    def check(self) -> None:
        self._step(self._store.check)


class Moving:
    """A historian of which files older than two days move, with a cache of a size to choose."""

    def __init__(self, rig, clock, store: ObjectStore, bytes_max: float = 1e9, grace_s: float = 0.0) -> None:
        self.rig, self.clock = rig, clock
        self.inner, self.store = store, Shaky(store)
        self.moved = MovedSegments(rig.database)
        self.bytes_max, self.grace_s = bytes_max, grace_s
        self.start()

    def start(self) -> None:
        """What a process has in its memory, anew."""
        rig = self.rig
        self.cache = Cache(
            self.moved, rig.root, self.store, bytes_max=self.bytes_max, grace_s=self.grace_s, real_s=lambda: rig.real_s
        )  # fmt: skip
        self.reader = Reader(rig.catalogue, rig.root, threads=1, memory_bytes=256e6, cache=self.cache)
        rig.historian = Historian(rig.catalogue, self.reader)
        rules = MergeRules(4, 0, 10_000)
        self.mover = Mover(
            rig.catalogue, self.moved, rig.root, self.store, self.cache, rules, after_s=2 * DAY, clock=self.clock
        )  # fmt: skip
        self.keeper = Keeper(rig.catalogue, rig.files, rules, grace_s=-1, stray_s=0, objects=self.store)

    def retainer(self, archive: ObjectStore) -> Retainer:
        async def record(*_: object) -> None:
            return None

        return Retainer(
            self.rig.catalogue, self.rig.files, self.reader, Archive(archive), {"standard": 4 * DAY}, clock=self.clock,
            ids=self.rig.ids, record=record,
        )  # fmt: skip

    async def fill(self) -> None:
        for at in range(DAYS):
            rows = [(f"m/{path}", -at * DAY + each, each / 7) for path in "xy" for each in range(20)]
            await self.rig.store([self.rig.message(rows, batch=f"B{at}")])
        await self.keeper.tidy()

    async def segments(self) -> dict[str, bool]:
        """Whether each segment has moved."""
        return {each.file: each.moved for each in await self.rig.catalogue.of_tenant("t")}

    async def sizes(self) -> dict[str, int]:
        """The files that have moved, and their sizes."""
        return {each.file: each.bytes for each in await self.rig.catalogue.of_tenant("t") if each.moved}

    def here(self) -> set[str]:
        return {file for file in self.rig.on_disk() if file.endswith(".parquet")}

    def stored(self) -> set[str]:
        return {each.key for each in self.inner.stored()} - {OWNER}


@pytest.fixture
def store(s3_server: S3Server) -> ObjectStore:
    return s3_server.store(f"moving-{secrets.token_hex(4)}")


@pytest.fixture
async def moving(rig, clock, store: ObjectStore) -> Moving:
    made = Moving(rig, clock, store)
    await made.fill()
    return made


async def empty_cache(moving: Moving) -> None:
    moving.bytes_max, kept = 0, moving.bytes_max
    moving.start()
    await moving.cache.trim()
    moving.bytes_max = kept
    moving.start()


async def test_old_files_move_and_everything_is_read_as_before(moving: Moving) -> None:
    before = await moving.rig.everything()
    assert await moving.mover.move_all() == DAYS - 3
    gone = {file for file, moved in (await moving.segments()).items() if moved}
    assert moving.stored() == gone
    assert all("2026-02-2" in file for file in gone)
    await empty_cache(moving)
    assert moving.here() == set(await moving.segments()) - gone
    assert await moving.rig.everything() == before
    assert moving.here() == set(await moving.segments())
    assert await moving.mover.move_all() == 0


async def test_sql_in_another_process_brings_what_its_window_needs_and_no_more(moving: Moving) -> None:
    await moving.mover.move_all()
    await empty_cache(moving)
    young = moving.here()
    asker = Asker(moving.rig.catalogue, moving.rig.root, threads=1, memory_bytes=2e8, cache=moving.cache)
    window = moving.rig.at(-5.5 * DAY), moving.rig.at(-4.5 * DAY)
    found = await asker.ask("t", "SELECT count(*) AS n FROM samples", rows=1, seconds=30, window=window)
    assert (found.table["n"][0].as_py(), found.missing) == (40, {})
    assert len(moving.here() - young) == 1
    asker.close()


async def test_what_is_young_or_still_to_be_merged_stays(rig, clock, store: ObjectStore) -> None:
    made = Moving(rig, clock, store)
    for at in range(3):
        await rig.store([rig.message([("m/x", -5 * DAY + at, 1.0)], batch=f"B{at}")])
    await rig.store([rig.message([("m/x", -1.5 * DAY, 1.0)], batch="B9")])
    assert await made.mover.move_all() == 0
    assert made.stored() == set()
    await made.keeper.tidy()
    assert await made.mover.move_all() == 1


async def test_the_cache_holds_no_more_than_it_may_and_gives_back_what_was_not_used_for_longest(moving: Moving) -> None:
    await moving.mover.move_all()
    sizes = await moving.sizes()
    moving.bytes_max = 2.5 * max(sizes.values())
    moving.start()
    rig = moving.rig

    async def read(day: float) -> str:
        rig.real_s += 60
        segments = await rig.catalogue.overlapping("t", rig.at(-day * DAY - 1), rig.at(-day * DAY + 1))
        trend = await rig.historian.trend("t", ["m/x"], rig.at(-day * DAY - 1), rig.at(-day * DAY + 1), 100)
        assert (trend.answer, len(trend.values["m/x"])) == ("complete", 1)
        assert sum(sizes[file] for file in moving.here() & sizes.keys()) <= moving.bytes_max
        return next(each.file for each in segments if each.file in sizes)

    await empty_cache(moving)
    three, four = await read(3), await read(4)
    assert {three, four} == moving.here() & sizes.keys()
    await read(3)
    five = await read(5)
    assert {three, five} == moving.here() & sizes.keys()


async def test_a_file_that_somebody_may_be_reading_stays_and_what_has_no_room_is_said_to_be_away(moving: Moving) -> None:
    await moving.mover.move_all()
    sizes, rig = await moving.sizes(), moving.rig
    await empty_cache(moving)
    moving.bytes_max, moving.grace_s = 2.5 * max(sizes.values()), 300.0
    moving.start()
    trend = await rig.historian.trend("t", ["m/x"], rig.at(-DAYS * DAY), rig.at(1), 1000)
    assert (trend.answer, len(trend.values["m/x"])) == ("missing", 20 * 4 + 1)
    assert [gap.reason for gap in trend.gaps] == ["away"] * 3
    assert len(moving.here() & sizes.keys()) == 2
    rig.real_s += 301
    trend = await rig.historian.trend("t", ["m/x"], rig.at(-7.5 * DAY), rig.at(-6.5 * DAY), 1000)
    assert (trend.answer, trend.gaps) == ("complete", ())


async def test_a_store_that_is_away_makes_an_answer_that_says_so_until_it_is_back(moving: Moving) -> None:
    before = await moving.rig.everything()
    await moving.mover.move_all()
    await empty_cache(moving)
    gone = sorted(file for file, moved in (await moving.segments()).items() if moved)
    moving.store.away = True
    start, end = moving.rig.at(-DAYS * DAY), moving.rig.at(DAY)
    trend = await moving.rig.historian.trend("t", ["m/x"], start, end, 1000)
    assert (trend.answer, trend.gaps) == ("missing", tuple(Gap("away", file) for file in gone))
    assert len(trend.values["m/x"]) == 60
    assert (await moving.rig.historian.samples("t", ["m/x"], start, end, "", 9)).gaps == trend.gaps
    assert (await moving.rig.historian.trend("t", ["m/x"], moving.rig.at(-DAY), end, 100)).answer == "complete"
    moving.store.away = False
    moving.rig.real_s += 11
    assert (await moving.rig.historian.trend("t", ["m/x"], start, end, 1000)).gaps == ()
    assert await moving.rig.everything() == before


async def test_who_waited_for_a_store_in_vain_does_not_wait_again_at_once(moving: Moving) -> None:
    await moving.mover.move_all()
    await empty_cache(moving)
    moving.store.away = True
    asked = 0
    step = moving.store._step

    def counted(effect: Callable[[], None]) -> None:
        nonlocal asked
        asked += 1
        step(effect)

    moving.store._step = counted  # type: ignore[method-assign]
    for _ in range(5):
        await moving.rig.historian.trend("t", ["m/x"], moving.rig.at(-4.5 * DAY), moving.rig.at(-3.5 * DAY), 9)
    assert asked == 1
    moving.rig.real_s += 11
    await moving.rig.historian.trend("t", ["m/x"], moving.rig.at(-4.5 * DAY), moving.rig.at(-3.5 * DAY), 9)
    assert asked == 2


async def test_a_reader_without_a_store_says_that_what_has_moved_is_away(moving: Moving) -> None:
    await moving.mover.move_all()
    await empty_cache(moving)
    trend = await Historian(moving.rig.catalogue, moving.rig.reader).trend(
        "t", ["m/x"], moving.rig.at(-4.5 * DAY), moving.rig.at(-3.5 * DAY), 9
    )
    assert [gap.reason for gap in trend.gaps] == ["away", "none"]


async def test_an_object_that_is_gone_or_damaged_is_lost_and_the_others_are_read(moving: Moving) -> None:
    await moving.mover.move_all()
    await empty_cache(moving)
    one, two, *_ = sorted(moving.stored())
    moving.inner.remove(one)
    moving.inner.put(two, io.BytesIO(b"PAR1 something else"))
    trend = await moving.rig.historian.trend("t", ["m/x"], moving.rig.at(-DAYS * DAY), moving.rig.at(DAY), 1000)
    assert trend.gaps == (Gap("lost", one), Gap("lost", two))
    assert len(trend.values["m/x"]) == 20 * (DAYS - 2)
    assert (await audit(moving.moved, moving.store)).missing == (one, two)


async def test_a_store_that_holds_nothing_of_ours_is_away_not_one_that_lost_it(moving: Moving, tmp_path: Path) -> None:
    await moving.mover.move_all()
    await empty_cache(moving)
    (tmp_path / "not mounted").mkdir()
    other = Moving(moving.rig, moving.clock, FolderObjects(tmp_path / "not mounted"))
    trend = await moving.rig.historian.trend("t", ["m/x"], moving.rig.at(-4.5 * DAY), moving.rig.at(-3.5 * DAY), 9)
    assert [gap.reason for gap in trend.gaps] == ["away", "none"]
    await moving.rig.store([moving.rig.message([("m/x", -3.5 * DAY, 7.0)])])
    await other.keeper.tidy()
    with pytest.raises(TryLater, match="nothing of what was moved"):
        await other.mover.move_all()
    assert other.stored() == set()


async def test_two_historians_do_not_share_a_place(moving: Moving) -> None:
    moving.inner.put(OWNER, io.BytesIO(b"somebody"))
    moving.inner.put("t/theirs.parquet", io.BytesIO(b"1"))
    with pytest.raises(Conflict, match="another historian"):
        await moving.mover.move_all()
    with pytest.raises(Conflict, match="not this historian's"):
        await remove_strays(moving.moved, moving.store)
    assert moving.stored() == {"t/theirs.parquet"}


async def test_strays_are_found_and_go_when_somebody_says_so(moving: Moving) -> None:
    await moving.mover.move_all()
    before = moving.stored()
    moving.inner.put("t/standard/2026-01-01/SEG-left.parquet", io.BytesIO(b"1"))
    found = await audit(moving.moved, moving.store)
    assert (found.objects, found.strays, found.missing) == (len(before), ("t/standard/2026-01-01/SEG-left.parquet",), ())
    assert await remove_strays(moving.moved, moving.store) == found.strays
    assert moving.stored() == before


@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_any_step_nothing_is_lost_and_nothing_is_left_without_a_name(
    rig, clock, tmp_path: Path, after: bool
) -> None:  # fmt: skip
    (tmp_path / "objects").mkdir()
    made = Moving(rig, clock, FolderObjects(tmp_path / "objects"))
    await made.fill()
    before = await rig.everything()
    for step in range(100):
        made.store.steps, made.store.kill_at = 0, (step, after)
        try:
            await made.mover.move_all()
            break
        except Killed:
            made.store.kill_at = None
            made.start()
            await made.keeper.tidy()
            await empty_cache(made)
            assert await rig.everything() == before
            found = await audit(made.moved, made.store)
            assert (found.strays, found.missing) == ((), ())
    assert step >= 6
    assert sum((await made.segments()).values()) == DAYS - 3


async def test_a_day_that_is_merged_while_it_moves_is_neither_lost_nor_left_in_the_store(moving: Moving) -> None:
    await moving.mover.move_all()
    for at in range(2):
        rows = [("m/x", -5 * DAY + 100 * at + each, 9.0) for each in range(5)]
        await moving.rig.store([moving.rig.message(rows, batch=f"late {at}")])
    before = await moving.rig.everything()
    segments = [each for each in await moving.rig.catalogue.of_tenant("t") if not each.moved]
    late = [each for each in segments if each.first < moving.rig.at(-2 * DAY)]
    assert len(late) == 2
    await asyncio.gather(*(moving.mover._move(each) for each in late), moving.keeper.merge())
    await moving.keeper.tidy()
    await moving.mover.move_all()
    await empty_cache(moving)
    assert await moving.rig.everything() == before
    assert (await audit(moving.moved, moving.store)).strays == ()
    assert moving.stored() == {file for file, moved in (await moving.segments()).items() if moved}


async def test_a_sample_of_a_moved_day_that_comes_again_is_read_once(moving: Moving) -> None:
    before = await moving.rig.everything()
    await moving.mover.move_all()
    await moving.rig.store([moving.rig.message([("m/x", -5 * DAY, 0.0), ("m/x", -5 * DAY + 0.5, 3.0)], batch="again")])
    assert await moving.rig.everything() == sorted([*before, ("m/x", -5 * DAY + 0.5, 3.0)])


@pytest.mark.parametrize("archive", ["folder", "objects"])
async def test_moved_days_are_archived_dropped_and_brought_back(moving: Moving, tmp_path: Path, archive: str) -> None:
    before = await moving.rig.everything()
    await moving.mover.move_all()
    await empty_cache(moving)
    place = FolderObjects(tmp_path / "archive", makes=True) if archive == "folder" else Below(moving.inner, "old/")
    retainer = moving.retainer(place)
    assert await retainer.drop_all() == DAYS - 5
    await moving.keeper.remove_retired()
    assert len(await moving.rig.everything()) == 40 * 5
    assert {key for key in moving.stored() if not key.startswith("old/")} == {
        file for file, moved in (await moving.segments()).items() if moved
    }
    for each in await retainer.dropped("t"):
        await retainer.restore("t", each.id, ADMIN)
    assert await moving.rig.everything() == before
    await moving.mover.move_all()
    await empty_cache(moving)
    assert await moving.rig.everything() == before


async def test_a_day_is_not_dropped_while_its_files_cannot_be_had(moving: Moving, tmp_path: Path) -> None:
    before = await moving.rig.everything()
    await moving.mover.move_all()
    await empty_cache(moving)
    retainer = moving.retainer(FolderObjects(tmp_path / "archive", makes=True))
    moving.store.away = True
    assert await retainer.drop_all() == 0
    moving.store.away = False
    moving.rig.real_s += 11
    assert await moving.rig.everything() == before


async def test_an_object_of_a_dropped_day_goes_once_the_store_is_back(moving: Moving, tmp_path: Path) -> None:
    await moving.mover.move_all()
    retainer = moving.retainer(FolderObjects(tmp_path / "archive", makes=True))
    await retainer.drop_all()
    moving.store.away = True
    await moving.keeper.tidy()
    moving.store.away = False
    moving.rig.real_s += 11
    assert len(moving.stored()) == DAYS - 3
    await moving.keeper.tidy()
    assert len(moving.stored()) == 2
    assert (await audit(moving.moved, moving.store)).strays == ()


async def test_many_who_read_at_once_through_a_small_cache_see_every_sample(moving: Moving) -> None:
    before = await moving.rig.everything()
    await moving.mover.move_all()
    await empty_cache(moving)
    sizes = await moving.sizes()
    moving.bytes_max, moving.grace_s = sum(sizes.values()), 300.0
    moving.start()

    async def read(day: float) -> int:
        trend = await moving.rig.historian.trend(
            "t", ["m/x", "m/y"], moving.rig.at((-day - 0.5) * DAY), moving.rig.at(DAY), 999
        )
        assert trend.answer == "complete"
        return sum(len(values) for values in trend.values.values())

    counts = await asyncio.gather(*(read(day % DAYS) for day in range(3 * DAYS)))
    assert counts == [40 * (day % DAYS + 1) for day in range(3 * DAYS)]
    assert list(moving.rig.root.rglob("*.part")) == []
    assert await moving.rig.everything() == before


async def test_a_real_server_that_dies_and_comes_back_is_away_meanwhile(rig, clock, tmp_path: Path) -> None:
    folder = Path(f"/tmp/s3-{secrets.token_hex(4)}")
    folder.mkdir()
    server = S3Server(folder)
    try:
        server.start()
        made = Moving(rig, clock, server.store("one"))
        await made.fill()
        before = await rig.everything()
        await made.mover.move_all()
        await empty_cache(made)
        server.kill()
        trend = await rig.historian.trend("t", ["m/x"], rig.at(-4.5 * DAY), rig.at(-3.5 * DAY), 9)
        assert [gap.reason for gap in trend.gaps] == ["away", "none"]
        server.start()
        rig.real_s += 11
        assert await rig.everything() == before
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
