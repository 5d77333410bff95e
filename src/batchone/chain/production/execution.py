"""Execution: gives operations to machines in the order of the plan, and takes in what the machines report.

Two loops. *Release* asks planning what should be done next, and gives each free position its first operation that is
ready. *Read-back* listens to the machines' reports and, since broadcasts may be lost, reads every busy machine now and
then. A job's row is committed before the machine hears of it, so that after a crash the same job is given again and the
machine answers with the state it has.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from batchone.chain.production import store
from batchone.chain.production.model import TooLate, beside, waited
from batchone.chain.production.reports import Reports
from batchone.contracts.design import Design
from batchone.contracts.machines import JOBS_TOPIC, Connect, JobOrder, JobReport
from batchone.contracts.pack import Equipment, Pack
from batchone.contracts.planning import Dispatch, Planning
from batchone.contracts.sharing import Wait
from batchone.kernel.bus import Message
from batchone.kernel.database import Row, Transaction
from batchone.kernel.errors import NotFound, Refused, TryLater
from batchone.kernel.facts import adapter
from batchone.kernel.module import Context
from batchone.kernel.settings import Seconds, Settings

_log = structlog.get_logger(__name__)


class ProductionSettings(Settings):
    """How eagerly production works. Times marked *real* are of the wall clock, others of the plant."""

    lookahead_s: Seconds = 120
    """How long before its planned start an operation may be released, plant time."""
    tick_s: Seconds = 0.25
    """Longest pause between looks at the plan, real."""
    read_back_s: Seconds = 2
    """Pause between read-backs of busy machines, real."""
    refused_s: Seconds = 0.5
    """Pause before a machine that refused a job is given another, real."""


class Execution:
    """The loops, over one tenant's plant."""

    def __init__(self, context: Context, settings: ProductionSettings) -> None:
        self._context = context
        self._settings = settings
        self._reports = Reports(context.ids, context.clock)
        self._wake = asyncio.Event()
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._giving: set[str] = set()
        self._refused: dict[str, float] = {}
        self._started: set[str] = set()
        self._packs: dict[tuple[str, str], Pack] = {}
        self._equipment: dict[str, tuple[Equipment, Pack]] = {}

    @property
    def tenant(self) -> str:
        """Whose plant this is."""
        return self._context.tenant

    def wake(self) -> None:
        """Something changed: look at the plan now."""
        self._wake.set()

    async def release_loop(self) -> None:
        """Release what is ready, until cancelled."""
        await self._again_unconfirmed()
        while True:
            try:
                released = await self.release_once()
            except NotFound:
                released = 0  # There is no plan or no product yet.
            if released:
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.tick_s):
                    await self._wake.wait()
            self._wake.clear()

    async def release_once(self) -> int:
        """Give every free position its next ready operation; how many jobs were given."""
        until = self._context.clock.now() + timedelta(seconds=self._settings.lookahead_s)
        wanted = await self._context.get(Planning).dispatch_list(self.tenant, until)
        if not wanted:
            return 0
        await self._learn_equipment()
        chosen = await self._choose(wanted)
        return sum(await asyncio.gather(*(self._give(row, equipment) for row, equipment in chosen)))

    async def _choose(self, wanted: Sequence[Dispatch]) -> list[tuple[Row, str]]:
        async with self._context.database.transaction() as tx:
            ready = await store.ready(tx, self.tenant, sorted({each.item for each in wanted}))
            jobs = await store.open_counts(tx, self.tenant)
            now = self._context.clock.now()
            held = await store.held(tx, self.tenant, now)
            chosen: list[tuple[Row, str]] = []
            for each in wanted:
                row = ready.get((each.item, each.op))
                known = self._equipment.get(each.equipment)
                if row is None or row["run"] != each.run or known is None or self._rests(each.equipment):
                    continue
                if jobs.get(each.equipment, 0) >= known[0].positions:
                    continue
                setup_s = await self._setup_s(
                    each.equipment, row["setup_key"], await store.setup_of(tx, self.tenant, each.equipment)
                )
                if row["waits"] and not await self._has_waited(tx, row, setup_s, now):
                    continue
                also = beside(each.also, len(row["needs"]), self._crews(each.equipment, setup_s), held)
                if also is None:
                    continue
                job_id = self._context.ids.new("J")
                if await store.add_job(tx, job_id, row, each.equipment, setup_s, now, also):
                    held.update(also)
                    jobs[each.equipment] = jobs.get(each.equipment, 0) + 1
                    job = await store.job(tx, self.tenant, job_id)
                    assert job is not None
                    chosen.append((job, each.equipment))
        return chosen

    async def _has_waited(self, tx: Transaction, row: Row, setup_s: float, now: datetime) -> bool:
        """Whether an operation's waits let it be released now; an item that waited too long is held, once, for a person."""
        ended = {before: datetime.fromtimestamp(second, UTC) for before, second in (row["ended"] or {}).items()}
        found = waited(row["op"], [Wait(*wait) for wait in row["waits"]], ended, now, setup_s)
        if isinstance(found, TooLate):
            if await store.was_held_for(tx, row["tenant"], row["item"], found.check):
                return True
            await self._reports.hold_late(tx, row, found, await self._pack(row["product"], row["version"]), now)
            return False
        return found == "ready"

    def _crews(self, equipment: str, setup_s: float) -> tuple[tuple[str, int], ...]:
        """Who could set an equipment up; nobody where there is nothing to do, or nobody is needed."""
        machine, pack = self._equipment[equipment]
        setup = next((c.setup for c in pack.classes if c.id == machine.equipment_class), None)
        if setup is None or setup.crew is None or not setup_s:
            return ()
        return tuple((each.id, number) for each in pack.serving(setup.crew) for number in range(each.count))

    async def _setup_s(self, equipment: str, key: str, before: str) -> float:
        machine, pack = self._equipment[equipment]
        setup = next((c.setup for c in pack.classes if c.id == machine.equipment_class), None)
        return setup.time_s(before or None, key or None) if setup else 0.0

    def _rests(self, equipment: str) -> bool:
        return self._refused.get(equipment, 0.0) > asyncio.get_running_loop().time()

    async def _give(self, row: Row, equipment: str) -> bool:
        """Give a job to its machine; whether the machine took it.

        Both loops may want to give the same job. Had the machine refused it to one of them, the other one, going by what
        it read before, would have it made although its operation is released anew.
        """
        if row["id"] in self._giving:
            return False
        self._giving.add(row["id"])
        try:
            async with self._context.database.transaction() as tx:
                now = await store.job(tx, self.tenant, row["id"])
            if now is None or now["state"] != "released" or now["confirmed"]:
                return False
            return await self._give_once(row, equipment)
        finally:
            self._giving.discard(row["id"])

    async def _give_once(self, row: Row, equipment: str) -> bool:
        order = JobOrder(
            job=row["id"], order=row["order_id"], item=row["item"], op=row["op"], program=row["program"],
            seconds=row["seconds"], setup=row["setup_key"], setup_seconds=row["setup_s"], parameters=row["parameters"],
            facts=row["facts"],
        )  # fmt: skip
        try:
            report = await self._context.get(Connect).start_job(self.tenant, equipment, order)
        except (TryLater, NotFound) as error:
            # The machine may have the job or not; only its read-back can tell, so the job stands and is given again.
            _log.info("job.unconfirmed", job=row["id"], equipment=equipment, what=error.what)
            return False
        except Refused as error:
            report = JobReport(row["id"], equipment, "refused", None, 0, None, None, "", True, {}, 0, error.what)
        if report.state == "refused":
            # A machine that says no is asked again after a pause, not at once and for ever.
            self._refused[equipment] = asyncio.get_running_loop().time() + self._settings.refused_s
        await self.take(report)
        return report.state != "refused"

    async def _again_unconfirmed(self) -> None:
        async with self._context.database.transaction() as tx:
            rows = await store.unconfirmed(tx, self.tenant)
        await asyncio.gather(*(self._give(row, row["equipment"]) for row in rows))

    async def listen(self) -> None:
        """Take in the reports that machines broadcast, until cancelled."""

        async def heard(message: Message) -> None:
            for report in adapter(tuple[JobReport, ...]).validate_json(message.data):
                await self.take(report)

        await self._context.bus.listen(f"{JOBS_TOPIC}.{self.tenant}.*", heard)

    async def read_back_loop(self) -> None:
        """Read every busy machine, and give unconfirmed jobs again, until cancelled."""
        while True:
            async with self._context.database.transaction() as tx:
                busy = await store.busy_equipment(tx, self.tenant)
            await asyncio.gather(*(self._read_back(equipment) for equipment in busy))
            await self._again_unconfirmed()
            await asyncio.sleep(self._settings.read_back_s)

    async def _read_back(self, equipment: str) -> None:
        try:
            reports = await self._context.get(Connect).job_reports(self.tenant, equipment)
        except (TryLater, NotFound) as error:
            _log.debug("read_back.waiting", equipment=equipment, what=error.what)
            return
        for report in reports:
            await self.take(report)
        await self._forget_what_is_gone(equipment, {report.job for report in reports})

    async def _forget_what_is_gone(self, equipment: str, known: set[str]) -> None:
        """An ended job that its machine does not show may be one that it forgot before we noted that it did."""
        async with self._context.database.transaction() as tx:
            ended = await store.uncleared(tx, self.tenant, equipment)
        for job in ended:
            if job not in known:
                await self._forget(equipment, job)

    async def take(self, report: JobReport) -> None:
        """Take in one report, and let the machine forget an ended job once it is stored."""
        if report.state == "running" and report.job in self._started:
            return  # Only its progress changed, which nobody stores.
        async with self._locks[report.job]:
            async with self._context.database.transaction() as tx:
                row = await store.job(tx, self.tenant, report.job, lock=True)
                if row is None or row["equipment"] != report.equipment:
                    _log.warning("job.foreign", job=report.job, equipment=report.equipment)
                    return
                forget = await self._reports.take(tx, row, report, await self._pack(row["product"], row["version"]))
            if forget:
                await self._forget(report.equipment, report.job)
        if report.state == "running":
            self._started.add(report.job)
            return
        self._started.discard(report.job)
        self._locks.pop(report.job, None)
        self.wake()

    async def _forget(self, equipment: str, job: str) -> None:
        try:
            await self._context.get(Connect).clear_job(self.tenant, equipment, job)
        except (TryLater, NotFound) as error:
            _log.debug("job.uncleared", job=job, what=error.what)
            return
        async with self._context.database.transaction() as tx:
            await store.cleared(tx, job)

    async def _pack(self, product: str, version: str) -> Pack:
        key = (product, version)
        if key not in self._packs:
            self._packs[key] = await self._context.get(Design).pack(self.tenant, product, version)
        return self._packs[key]

    async def _learn_equipment(self) -> None:
        if self._equipment:
            return
        design = self._context.get(Design)
        for product in await design.products(self.tenant):
            pack = await design.pack(self.tenant, product.id)
            self._equipment.update({machine.id: (machine, pack) for machine in pack.equipment})

    def forget_packs(self) -> None:
        """A product was released: equipment is learnt anew."""
        self._equipment = {}

    def equipment(self) -> Mapping[str, tuple[Equipment, Pack]]:
        """What is known of the plant."""
        return self._equipment
