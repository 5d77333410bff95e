"""Connect at work: the links of the tenant's plant, jobs at machines, and how everything stands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from batchone.contracts.design import Design
from batchone.contracts.machines import ConnectionNow, EquipmentChanged, EquipmentNow, JobOrder, JobReport, MachineState
from batchone.contracts.pack import Pack
from batchone.contracts.sources import Source, Taken
from batchone.contracts.things import Things
from batchone.kernel.errors import Conflict, NotFound, TryLater
from batchone.kernel.module import Context
from batchone.kernel.supervise import Supervisor
from batchone.machines.connect.announce import Announcer
from batchone.machines.connect.driver import Driver, JobResponse, Reach
from batchone.machines.connect.drivers import SCHEMES, MakeDriver, make_driver
from batchone.machines.connect.floor import Floor
from batchone.machines.connect.jobs import Sent, changed, check_order, sent_of, to_report
from batchone.machines.connect.known import Known, Memory
from batchone.machines.connect.link import Link, Patience
from batchone.machines.connect.quarantine.counting import Quarantine
from batchone.machines.connect.recent import Recent
from batchone.machines.connect.shipping import Bounds, Shipping
from batchone.machines.connect.sources.text import scales
from batchone.machines.connect.store import Store
from batchone.machines.connect.wiring import Wiring, wire_all, wire_source, with_more

_log = structlog.get_logger(__name__)
ReachOf = Callable[[str], Reach]
_SETTLING_LOOKS, _SETTLING_S = 20, 0.05
"""How often, and with which pause (real), a machine's list of jobs is looked at until a job just given shows up."""


@dataclass
class _Connected:
    """A link and the supervisor that keeps its three pieces of work going."""

    link: Link
    supervisor: Supervisor

    async def stop(self) -> None:
        await self.supervisor.stop()
        await self.link.shipping.close()


class ConnectService:
    """Implements `contracts.machines.Connect` over supervised links, one for each connection of the tenant's packs."""

    def __init__(
        self, context: Context, store: Store, announcer: Announcer, *, reach_of: ReachOf, bounds: Bounds, patience: Patience,
        sources: Callable[[], Awaitable[Sequence[Source]]], make: MakeDriver = make_driver,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._context = context
        self._tenant = context.tenant
        self._clock = context.clock
        self._store = store
        self._announcer = announcer
        self._reach_of = reach_of
        self._bounds = bounds
        self._patience = patience
        self._declared_sources = sources
        self._make = make
        self._sleep = sleep
        self._folder: Path = context.home / "connect"
        self._floor = Floor(announcer.changed)
        self._links: dict[str, _Connected] = {}
        self._quarantines: dict[str, Quarantine] = {}
        self._declared: frozenset[str] | None = None
        self._memory = Memory(self._folder / "known.json")
        self._worth_keeping = asyncio.Event()
        self._wirings: Mapping[str, Wiring] = {}
        self._conflicts: Mapping[str, str] = {}
        self._said_before: Mapping[str, MachineState] = {}
        self._said: dict[str, MachineState] = {}
        self._sent: dict[tuple[str, str], Sent] = {}
        self._knows_sent = False
        self._starting: set[tuple[str, str]] = set()
        self._reports: dict[str, dict[str, JobReport]] = {}
        self._recent = Recent(time.monotonic)
        self._changed = asyncio.Event()
        self._reopened: set[str] = set()

    async def run(self) -> None:
        """Keep the links that the packs declare, until cancelled."""
        try:
            while True:
                self._changed.clear()
                await self._look_at_packs()
                await self._changed.wait()
        finally:
            for connection in list(self._links):
                await self._stop(connection)
            self._declared = None

    async def _look_at_packs(self) -> None:
        # Links that stand are not let go because the packs cannot be read for a while.
        while True:
            try:
                await self._learn()
            except TryLater as error:
                _log.info("connect.waiting", what=error.what)
                if self._declared is None:
                    await self._recall()
                await asyncio.sleep(min(error.after_s, 2.0))
            else:
                return

    async def _learn(self) -> None:
        wirings, conflicts = wire_all(await self._packs())
        of_packs = {wired.id for wiring in wirings.values() for wired in wiring.equipment}
        sources, model = await self._declared_sources(), await self._context.get(Things).model(self._tenant)
        wirings = with_more(wirings, sources, model)
        for each in sources:
            protocol = SCHEMES[urlsplit(each.url).scheme]
            wirings.setdefault(each.id, wire_source(each, protocol, model.signals.keys(), of_packs, scales(each, model)))
        if not self._knows_sent:
            self._sent = await self._store.sent() | self._sent
            self._knows_sent = True
        await self._apply(wirings, conflicts, await self._store.said())
        self._worth_keeping.set()

    async def _recall(self) -> None:
        """Do as was known before this start, until better is known."""
        known = await asyncio.to_thread(self._memory.read)
        if known is not None:
            self._sent = {(equipment, job): sent for equipment, job, sent in known.sent} | self._sent
            await self._apply({wiring.connection: wiring for wiring in known.wirings}, known.conflicts, known.said)

    async def remember(self) -> None:
        """Keep what is known in a file whenever it changed, until cancelled."""
        while True:
            await self._worth_keeping.wait()
            self._worth_keeping.clear()
            sent = tuple(
                (equipment, job, sent) for (equipment, job), sent in sorted(self._sent.items(), key=lambda each: each[0])
            )
            said = {**self._said_before, **self._said}
            known = Known(tuple(self._wirings.values()), self._conflicts, said, sent)
            try:
                await asyncio.to_thread(self._memory.write, known)
            except OSError as error:
                _log.warning("connect.not_kept", error=repr(error))

    def said(self, fact: EquipmentChanged) -> None:
        """A change of state was said, and is stored."""
        self._said[fact.equipment] = fact.state
        self._worth_keeping.set()

    async def tell_losses(self, every_s: float) -> None:
        """Say which samples found no room, every so many real seconds, until cancelled."""
        told: dict[str, int] = {}
        while True:
            await asyncio.sleep(every_s)
            for connection, connected in list(self._links.items()):
                shipping = connected.link.shipping
                if shipping.dropped == told.get(connection):
                    continue
                try:
                    await self._store.say_lost(connection, shipping.dropped, shipping.why_dropped, self._clock.now())
                except TryLater as error:
                    _log.info("connect.waiting", what=error.what)
                else:
                    told[connection] = shipping.dropped

    def reload(self) -> None:
        """A product was released: look at the packs again."""
        self._changed.set()

    def reopen(self, servers: Collection[str]) -> None:
        """Look at the packs again, and connect anew to these servers (`host:port`), of which something else is known now."""
        self._reopened |= set(servers)
        self._changed.set()

    async def start_job(self, tenant: str, equipment: str, order: JobOrder) -> JobReport:
        """Give a job to a machine and read it back; the same job again answers with its present state."""
        check_order(order)
        key = (equipment, order.job)
        # Were one of two to be refused, it would forget what was sent while the other one has it sent.
        if key in self._starting:
            raise TryLater("job.starting", f"{order.job} is just being given to {equipment}.")
        self._starting.add(key)
        try:
            return await self._start_job(self._link_of(tenant, equipment).driver, equipment, order)
        finally:
            self._starting.discard(key)

    async def _start_job(self, driver: Driver, equipment: str, order: JobOrder) -> JobReport:
        sent = self._sent[equipment, order.job] = sent_of(order)
        await self._store.put_sent(equipment, order.job, sent, self._clock.now())
        self._worth_keeping.set()
        response = await driver.start_job(equipment, order)
        if response.state == "refused":
            await self._forget(equipment, order.job)
        else:
            self._recent.started(equipment, response)
        return to_report(equipment, response, sent)

    async def job_reports(self, tenant: str, equipment: str) -> tuple[JobReport, ...]:
        """All jobs the machine knows: running, and ended but not cleared."""
        return self._to_reports(equipment, await self._link_of(tenant, equipment).driver.jobs(equipment))

    async def clear_job(self, tenant: str, equipment: str, job: str) -> None:
        """Tell the machine that its report of an ended job has been stored; done too when it never knew the job."""
        driver = self._link_of(tenant, equipment).driver
        if not await driver.clear(equipment, job) and await self._still_runs(driver, equipment, job):
            raise Conflict("job.running", f"{job} still runs at {equipment}.", "Wait for its end, or abort it.")
        self._recent.cleared(equipment, job)
        await self._forget(equipment, job)

    async def _still_runs(self, driver: Driver, equipment: str, job: str) -> bool:
        """Whether a machine tells of a job as running. A job just given may be told of a moment after its answer."""
        for _ in range(_SETTLING_LOOKS):
            told = {response.job: response.state for response in await driver.jobs(equipment)}
            if job in told or (equipment, job) not in self._sent:
                return told.get(job) == "running"
            await asyncio.sleep(_SETTLING_S)
        return False

    async def abort_job(self, tenant: str, equipment: str, job: str) -> None:
        """Stop a running job; it will be reported as failed."""
        if not await self._link_of(tenant, equipment).driver.abort(equipment, job):
            raise Conflict("job.not_running", f"{job} does not run at {equipment}.", "Look at the machine's jobs.")

    async def equipment(self, tenant: str) -> tuple[EquipmentNow, ...]:
        """Every equipment's state, by id."""
        self._check(tenant)
        return self._floor.all()

    async def connections(self, tenant: str) -> tuple[ConnectionNow, ...]:
        """Every connection's state, by id."""
        self._check(tenant)
        behind = await self._context.bus.behind()
        now = [self._links[connection].link.now() for connection in sorted(self._links)]
        return tuple(replace(each, behind=behind.messages, behind_s=behind.oldest_s) for each in now)

    def quarantines(self) -> Mapping[str, Quarantine]:
        """What each connection counts of what it sets aside, over all the links of its life."""
        return self._quarantines

    def _check(self, tenant: str) -> None:
        if tenant != self._tenant:
            raise NotFound("machine.tenant", f"{tenant} has no machines here.", "Ask where its machines are connected.")

    def _link_of(self, tenant: str, equipment: str) -> Link:
        self._check(tenant)
        for connected in self._links.values():
            if any(wired.id == equipment for wired in connected.link.wiring.equipment):
                return connected.link
        if self._declared is None or equipment in self._declared:
            raise TryLater("machine.starting", f"The connection of {equipment} is being made.")
        raise NotFound("machine.unknown", f"There is no equipment {equipment}.", "Look at the pack's resources.")

    async def _forget(self, equipment: str, job: str) -> None:
        self._sent.pop((equipment, job), None)
        await self._store.drop_sent(equipment, job)
        self._worth_keeping.set()

    def _to_reports(self, equipment: str, responses: tuple[JobResponse, ...]) -> tuple[JobReport, ...]:
        known = self._recent.amend(equipment, responses)
        return tuple(to_report(equipment, each, self._sent.get((equipment, each.job))) for each in known)

    def _on_jobs(self, equipment: str, responses: tuple[JobResponse, ...]) -> None:
        reports = self._to_reports(equipment, responses)
        news = changed(self._reports.get(equipment, {}), reports)
        self._reports[equipment] = {report.job: report for report in reports}
        self._announcer.reported(equipment, news)

    async def _packs(self) -> list[Pack]:
        design = self._context.get(Design)
        return [await design.pack(self._tenant, product.id) for product in await design.products(self._tenant)]

    async def pack_connections(self) -> frozenset[str]:
        """The ids of the connections of packs."""
        return frozenset(wire_all(await self._packs())[0])

    async def push(self, connection: str, body: str, settings: Mapping[str, str]) -> Taken:
        """Hand what was pushed to the driver of a connection; answered once its samples are on disk."""
        connected = self._links.get(connection)
        if connected is None and self._declared is None:
            raise TryLater("connections.starting", "Connections are being made.")
        if connected is None:
            raise NotFound("connections.unknown", f"There is no connection {connection}.", "Declare it first.")
        return await connected.link.push(body, settings)

    async def _apply(
        self, wirings: Mapping[str, Wiring], conflicts: Mapping[str, str], said: Mapping[str, MachineState]
    ) -> None:
        self._wirings, self._conflicts, self._said_before = wirings, conflicts, said
        equipment = [wired.id for wiring in wirings.values() for wired in wiring.equipment]
        self._declared = frozenset(equipment)
        reopened, self._reopened = self._reopened, set()
        for connection in list(self._links):
            link, wanted = self._links[connection].link, wirings.get(connection)
            if wanted is None or replace(link.wiring, more=wanted.more) != wanted or wanted.server in reopened:
                await self._stop(connection)
            elif link.wiring != wanted:
                link.learn(wanted)
        self._floor.declare(equipment, said, self._clock.now())
        for connection, wiring in wirings.items():
            if connection not in self._links:
                self._start(wiring, conflicts.get(connection, ""))
        for connection, what in conflicts.items():
            _log.error("connect.conflict", connection=connection, what=what)

    def _start(self, wiring: Wiring, note: str) -> None:
        # A fresh boot id for each life of a connection: the numbers of its batches begin again.
        boot, log = self._context.ids.new("B"), self._folder / wiring.connection
        shipping = Shipping(self._context.bus, self._tenant, wiring.connection, boot, log, self._bounds, time.time)
        link = Link(
            wiring, partial(self._make, wiring, self._reach_of(wiring.connection), self._clock), floor=self._floor,
            shipping=shipping, clock=self._clock, chance=self._context.chance, sleep=self._sleep, patience=self._patience,
            on_jobs=self._on_jobs, note=note,
            quarantine=self._quarantines.setdefault(wiring.connection, Quarantine(wiring.connection)),
        )  # fmt: skip
        supervisor = Supervisor()
        supervisor.start(f"connect: reads {wiring.connection}", link.run)
        supervisor.start(f"connect: seals {wiring.connection}", shipping.seal)
        supervisor.start(f"connect: sends {wiring.connection}", shipping.send)
        self._links[wiring.connection] = _Connected(link, supervisor)

    async def _stop(self, connection: str) -> None:
        await self._links.pop(connection).stop()
