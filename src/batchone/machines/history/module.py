"""The historian as a module."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import structlog
from pydantic import Field

from batchone.contracts.design import ProductReleased
from batchone.contracts.enterprises import Actor, Enterprises
from batchone.contracts.machines import History, Kept, Retention, Selects
from batchone.contracts.things import Things, ThingsDeclared
from batchone.kernel.bus import SAMPLES
from batchone.kernel.database import Transaction
from batchone.kernel.errors import TryLater
from batchone.kernel.module import Context, Module, Running
from batchone.kernel.outbox import Heard
from batchone.kernel.settings import Bytes, Seconds, Settings
from batchone.machines.history.api import router
from batchone.machines.history.asking import Asker
from batchone.machines.history.caching import Cache
from batchone.machines.history.ingest import Ingest
from batchone.machines.history.journal import Journals, Rules
from batchone.machines.history.keeping import Keeper
from batchone.machines.history.model import KeepS, MergeRules
from batchone.machines.history.offload import Mover
from batchone.machines.history.places import READERS_WAIT_S, ObjectSettings, archive_of, segments_in, store_of
from batchone.machines.history.reading import Reader
from batchone.machines.history.retaining import Retainer
from batchone.machines.history.sealing import Sealer
from batchone.machines.history.segments import SegmentFiles
from batchone.machines.history.selecting import Selecting
from batchone.machines.history.service import Historian
from batchone.machines.history.store import Catalogue
from batchone.machines.history.store_objects import MovedSegments

_log = structlog.get_logger(__name__)


class HistorySettings(Settings):
    """How the historian stores. All durations are real time, because disks and streams work in it."""

    flush: Seconds = Field(default=0.1, ge=0, le=10, description="A sample is readable at most this long after it came.")
    seal_every: Seconds = Field(default=30.0, gt=0, description="So long samples stand in a journal before they are sorted.")
    seal_rows: int = Field(default=200_000, ge=1, description="A journal of so many samples is sealed at once.")
    messages: int = Field(default=128, ge=1, le=1024, description="Batches taken from the stream at once.")
    tidy_every: Seconds = Field(default=20.0, gt=0, description="How often small segments are merged and strays removed.")
    fan_in: int = Field(default=8, ge=2, description="So many segments of like size become one.")
    settled: Seconds = Field(default=600.0, ge=0, description="A day that got nothing for so long is merged altogether.")
    segment_rows: int = Field(default=1_000_000, ge=1, description="The most samples of a merged segment.")
    grace: Seconds = Field(default=300.0, ge=0, description="How long a replaced file stays for readers under way.")
    stray: Seconds = Field(default=60.0, ge=0, description="A file that the catalogue has not named after so long is removed.")
    keep_short: Seconds | None = Field(
        default=None, description="How long signals of the class short are kept; unset: for good."
    )
    keep_standard: Seconds | None = Field(default=None, description="The same of the class standard, which is what most are.")
    keep_long: Seconds | None = Field(default=None, description="The same of the class long.")
    archive: str = Field(
        default="history-archive",
        description="Folder to which days go before they are dropped, objects:name for one in the object store; empty: they "
        "are deleted.",
    )
    objects: ObjectSettings = ObjectSettings()
    drop_every: Seconds | None = Field(default=None, description="How often what is due goes by itself; unset: only by hand.")
    read_threads: int = Field(default=2, ge=1, description="Processor cores for one read.")
    read_memory: Bytes = Field(default=1e9, ge=64e6, description="Memory for all reads.")


class Classified:
    """For how long each signal is kept, as the thing model says; asked again once somebody declared things anew.

    While it cannot be asked, what was known last holds; before the first answer samples wait in the journal.
    """

    def __init__(self, things: Callable[[], Things]) -> None:
        self._things = things
        self._known: dict[str, Mapping[str, Kept]] = {}
        self._stale: set[str] = set()

    async def __call__(self, tenant: str) -> Mapping[str, Kept]:
        """The class of each path that is not `standard`."""
        if tenant not in self._known or tenant in self._stale:
            try:
                signals = (await self._things().model(tenant)).signals
            except TryLater:
                if tenant not in self._known:
                    raise
                return self._known[tenant]
            told = {path: each.signal.retention for path, each in signals.items()}
            self._known[tenant] = {path: kept for path, kept in told.items() if kept != "standard"}
            self._stale.discard(tenant)
        return self._known[tenant]

    async def changed(self, _: Transaction, heard: Heard) -> None:
        """Things were declared, or a product was released."""
        self._stale.add(heard.envelope.tenant)


async def build(context: Context, settings: HistorySettings) -> Running:
    """The historian, with its folder `history` below the data folder."""
    classes = Classified(lambda: context.get(Things))
    root = (context.home / "history").resolve()
    root.mkdir(parents=True, exist_ok=True)
    files = SegmentFiles(root, partial(context.ids.new, "SEG"), time.time)
    catalogue = Catalogue(context.database)
    store = store_of(settings.objects, context.home)
    cache, moved = None, MovedSegments(context.database)
    objects = None if store is None else segments_in(store)
    quick = store_of(settings.objects, context.home, silent_s=READERS_WAIT_S)
    if quick is not None:
        cache = Cache(
            moved, root, segments_in(quick), bytes_max=settings.objects.cache, grace_s=settings.grace, real_s=time.time
        )
    reader = Reader(catalogue, root, threads=settings.read_threads, memory_bytes=settings.read_memory, cache=cache)
    await asyncio.to_thread(reader.warm)
    asker = Asker(catalogue, root, threads=settings.read_threads, memory_bytes=settings.read_memory / 4, cache=cache)
    journals = Journals(catalogue, root, partial(context.ids.new, "JRN"), Rules(settings.seal_rows))
    sealer = Sealer(context.database, journals, files, classes=classes)
    ingest = Ingest(context.database, journals, flush_s=settings.flush, full=settings.messages)
    rules = MergeRules(settings.fan_in, settings.settled, settings.segment_rows)
    keeper = Keeper(catalogue, files, rules, grace_s=settings.grace, stray_s=settings.stray, objects=objects)

    async def forget() -> None:
        # The stream takes nothing new once it is full, so what everybody has taken from it must go.
        while True:
            await asyncio.sleep(settings.tidy_every)
            try:
                await context.bus.forget(SAMPLES)
            except TryLater as error:
                _log.info("history.waiting", what=error.what)

    archive = archive_of(settings.archive, store, context.home)
    keep_s: KeepS = {"short": settings.keep_short, "standard": settings.keep_standard, "long": settings.keep_long}

    async def record(actor: Actor, action: str, subject: str, details: Mapping[str, str]) -> None:
        await context.get(Enterprises).record(actor, action, subject, "", "done", details)

    retainer = Retainer(
        catalogue, files, reader, archive, keep_s, clock=context.clock, ids=context.ids, record=record
    )  # fmt: skip
    work = {
        "samples": lambda: context.bus.consume(SAMPLES, "history", ["samples.>"], ingest.handle, batch=settings.messages),
        "seal": lambda: sealer.work(settings.seal_every),
        "tidy": lambda: keeper.work(settings.tidy_every),
        "forget": forget,
    }
    if objects is not None and cache is not None:
        mover = Mover(catalogue, moved, root, objects, cache, rules, after_s=settings.objects.move_after, clock=context.clock)
        work["objects"] = lambda: mover.work(settings.tidy_every)
    if settings.drop_every is not None:
        every_s = settings.drop_every
        work["retention"] = lambda: retainer.work(every_s)

    async def stop() -> None:
        await journals.leave()
        reader.close()
        asker.close()

    return Running(
        provides={History: Historian(catalogue, reader), Retention: retainer, Selects: Selecting(asker)},
        hears={ThingsDeclared: classes.changed, ProductReleased: classes.changed}, work=work, stop=stop,
    )  # fmt: skip


MODULE = Module(
    name="history", build=build, settings=HistorySettings, provides=(History, Retention, Selects),
    requires=(Enterprises, Things), hears=(ThingsDeclared, ProductReleased), schema="history",
    migrations=Path(__file__).parent / "migrations", router=router,
)  # fmt: skip
