from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.machines import Gap
from batchone.kernel.errors import Conflict, NotFound, Refused, TryLater
from batchone.machines.history.archive import Archive
from batchone.machines.history.objects import FolderObjects
from batchone.machines.history.retaining import Retainer
from batchone.machines.history.sealing import Sealer

pytestmark = pytest.mark.engine
ADMIN = Actor("t", "ann", "Ann", "admin")
DAY = 86_400.0


class Keeping:
    """A historian that keeps `m/short` for a day and everything else for ten."""

    def __init__(self, rig, clock, *, archive: bool = True, keep_s: Mapping[str, float] | None = None) -> None:
        self.rig, self.clock, self.lines = rig, clock, []
        self.archive = Archive(FolderObjects(rig.root.parent / "archive", makes=True))
        keep = {"short": DAY, "standard": 10 * DAY} if keep_s is None else keep_s
        self.retainer = Retainer(
            rig.catalogue, rig.files, rig.reader, self.archive if archive else None, keep, clock=clock, ids=rig.ids,
            record=self.record,
        )  # fmt: skip
        self.sealer = Sealer(rig.database, rig.journals, rig.files, classes=self.classes)

    async def classes(self, _: str) -> Mapping[str, str]:
        return {"m/short": "short", "m/long": "long"}

    async def record(self, *line: object) -> None:
        self.lines.append(line)

    async def store(self, messages) -> None:
        await self.rig.ingest.store(messages)
        await self.sealer.seal_all()

    async def fill(self) -> None:
        """A sample of each signal now and on each of the twelve days before."""
        rows = [(path, -at * DAY, float(at)) for at in range(13) for path in ("m/short", "m/x", "m/long")]
        for at in range(0, len(rows), 9):
            await self.store([self.rig.message(rows[at : at + 9], batch=f"B{at}")])

    async def drop_all(self) -> None:
        for day in (await self.retainer.preview("t", False)).days:
            await self.retainer.drop("t", day.kept, day.day, day.digest, ADMIN)


@pytest.fixture
async def keeping(rig, clock) -> Keeping:
    made = Keeping(rig, clock)
    await made.fill()
    return made


async def test_nothing_goes_where_no_duration_is_set(rig, clock) -> None:
    made = Keeping(rig, clock, keep_s={"short": None, "standard": None, "long": None})
    await made.fill()
    assert (await made.retainer.preview("t", False)).days == ()
    assert await made.retainer.drop_all() == 0


async def test_each_class_has_files_of_its_own(keeping) -> None:
    assert {tuple(file.split("/")[:2]) for file in keeping.rig.on_disk()} == {("t", "short"), ("t", "standard"), ("t", "long")}
    await keeping.rig.compact()
    assert {tuple(file.split("/")[:2]) for file in keeping.rig.on_disk()} == {("t", "short"), ("t", "standard"), ("t", "long")}


async def test_the_preview_tells_what_would_go_and_takes_nothing(keeping) -> None:
    before = await keeping.rig.everything()
    found = await keeping.retainer.preview("t", False)
    assert {day.kept for day in found.days} == {"short", "standard"}
    assert all(day.last < found.now for day in found.days)
    oldest = next(day for day in found.days if day.kept == "standard")
    assert (oldest.signals, oldest.rows) == (("m/x",), 1)
    assert await keeping.rig.everything() == before


async def test_dropping_takes_whole_days_of_their_class_and_says_so(keeping) -> None:
    await keeping.drop_all()
    left = await keeping.rig.everything()
    assert {path: sum(1 for each, *_ in left if each == path) for path in ("m/short", "m/x", "m/long")} == {
        "m/short": 2, "m/x": 11, "m/long": 13,
    }  # fmt: skip
    assert {line[1] for line in keeping.lines} == {"history.drop"}
    assert len(await keeping.retainer.dropped("t")) == len(keeping.lines) > 5
    await keeping.rig.keeper(grace_s=0).tidy()
    assert sorted(await keeping.rig.everything()) == sorted(left)


async def test_another_days_digest_drops_nothing(keeping) -> None:
    one, two, *_ = (await keeping.retainer.preview("t", False)).days
    before = await keeping.rig.everything()
    with pytest.raises(Conflict, match="not what it was"):
        await keeping.retainer.drop("t", one.kept, one.day, two.digest, ADMIN)
    with pytest.raises(Conflict, match="is due"):
        await keeping.retainer.drop("t", "long", one.day, one.digest, ADMIN)
    await keeping.store([keeping.rig.message([("m/short", -12 * DAY, 99.0)])])
    with pytest.raises(Conflict, match="not what it was"):
        await keeping.retainer.drop("t", one.kept, one.day, one.digest, ADMIN)
    assert len(await keeping.rig.everything()) == len(before) + 1


async def test_a_day_that_is_merged_meanwhile_is_dropped_by_nobody(keeping) -> None:
    await keeping.store([keeping.rig.message([("m/short", -12 * DAY, 99.0)])])
    before = await keeping.rig.everything()
    day = next(each for each in (await keeping.retainer.preview("t", False)).days if each.segments > 1)
    await asyncio.gather(
        keeping.rig.compact(), keeping.retainer.drop("t", day.kept, day.day, day.digest, ADMIN), return_exceptions=True
    )  # fmt: skip
    left = await keeping.rig.everything()
    assert len(left) in (len(before), len(before) - day.rows)


async def test_a_dropped_day_comes_back_from_the_archive_and_stays(keeping) -> None:
    before = await keeping.rig.everything()
    await keeping.drop_all()
    await keeping.rig.keeper(grace_s=0).tidy()
    for day in await keeping.retainer.dropped("t"):
        assert (await keeping.retainer.restore("t", day.id, ADMIN)).restored is not None
    await keeping.rig.compact()
    assert await keeping.rig.everything() == before
    assert (await keeping.retainer.preview("t", False)).days == ()
    again = (await keeping.retainer.preview("t", True)).days
    assert {day.kept for day in again} == {"restored"}
    with pytest.raises(Conflict, match="already"):
        await keeping.retainer.restore("t", day.id, ADMIN)
    with pytest.raises(NotFound):
        await keeping.retainer.restore("u", day.id, ADMIN)


async def test_what_was_dropped_is_said_to_be_until_it_comes_back(keeping) -> None:
    rig, window = keeping.rig, ("t", ["m/short", "m/long"])
    start, end = rig.at(-5.5 * DAY), rig.at(-4.5 * DAY)
    await keeping.drop_all()
    day = next(each for each in await keeping.retainer.dropped("t") if start <= each.first < end)
    found = await rig.historian.trend(*window, start, end, 100)
    assert (found.answer, found.gaps) == ("missing", (Gap("dropped", day.id), Gap("none", "m/short")))
    assert (await rig.historian.samples(*window, start, end, "", 9)).gaps == found.gaps
    assert (await rig.historian.trend("t", ["m/long"], start, end, 100)).answer == "complete"
    await keeping.retainer.restore("t", day.id, ADMIN)
    assert (await rig.historian.trend(*window, start, end, 100)).gaps == ()


async def test_a_damaged_archive_is_refused_and_brings_nothing_back(keeping) -> None:
    await keeping.drop_all()
    left, day = await keeping.rig.everything(), (await keeping.retainer.dropped("t"))[0]
    file = next((keeping.archive.store.folder / day.archive).glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-9] + b"damaged!!")
    with pytest.raises(Refused, match="not what it was"):
        await keeping.retainer.restore("t", day.id, ADMIN)
    assert await keeping.rig.everything() == left


async def test_what_cannot_be_archived_is_not_dropped(keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await keeping.rig.everything()
    keeping.archive.store.folder.write_text("a file stands where the folder should be")
    with pytest.raises(TryLater, match="could not be archived"):
        await keeping.drop_all()
    assert await keeping.retainer.drop_all() == 0
    assert await keeping.rig.everything() == before


async def test_without_an_archive_a_day_is_gone(rig, clock) -> None:
    made = Keeping(rig, clock, archive=False)
    await made.fill()
    assert await made.retainer.drop_all() > 5
    day = (await made.retainer.dropped("t"))[0]
    assert (day.archive, day.dropped_by) == ("", "historian")
    with pytest.raises(Refused, match="without a copy"):
        await made.retainer.restore("t", day.id, ADMIN)


async def test_days_of_another_tenant_are_not_touched(keeping) -> None:
    await keeping.store([keeping.rig.message([("m/x", -12 * DAY, 1.0)], tenant="u")])
    await keeping.drop_all()
    assert len(await keeping.rig.everything("u")) == 1
    assert [day.day for day in (await keeping.retainer.preview("u", False)).days] == [date(2026, 2, 18)]
