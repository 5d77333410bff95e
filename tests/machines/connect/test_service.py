"""The whole module against the emulated plant: three connections, a real database, samples on the bus."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.support_opcua import a_server, an_identity
from tests.support_plant import CONNECTION, MACHINE, TENANT, EmulatedPlant, an_order, eventually, pack_of

from batchone.contracts.certificates import CertificateJudged, Certificates
from batchone.contracts.design import Design, ProductReleased
from batchone.contracts.enterprises import Actor, Enterprises
from batchone.contracts.machines import EQUIPMENT_TOPIC, JOBS_TOPIC, Connect, ConnectionNow, EquipmentNow, JobReport
from batchone.contracts.quarantine import Quarantines
from batchone.contracts.sources import Sources, SourcesDeclared
from batchone.contracts.things import SignalType, Thing, ThingModel, Things, ThingsDeclared, joined, of_packs
from batchone.kernel.bus import SAMPLES, Message
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import SystemClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.errors import Conflict, NotFound, Refused, TryLater
from batchone.kernel.facts import adapter
from batchone.kernel.ids import TimeIds
from batchone.kernel.module import Context, Running
from batchone.kernel.outbox import Heard
from batchone.kernel.settings import read
from batchone.machines import columns
from batchone.machines.connect.known import Memory
from batchone.machines.connect.module import MODULE, ConnectSettings, build
from batchone.machines.connect.service import ConnectService

_count = iter(range(1, 1_000_000))


def new_job() -> str:
    return f"J-{time.time_ns() % 10**12}-{next(_count)}"


@dataclass
class Offer:
    """The design domain as far as connect asks it."""

    pack_now: object
    away: int = 0

    async def products(self, tenant: str):
        if self.away:
            self.away -= 1
            raise TryLater("design.away", "Design starts still.", after_s=0.05)
        return (SimpleNamespace(id="tin"),)

    async def pack(self, tenant: str, product: str, version=None):
        return self.pack_now


@dataclass
class Model:
    """The twin's thing model as far as connect asks it."""

    now: ThingModel

    async def model(self, tenant: str) -> ThingModel:
        return self.now


class Audit:
    """The record of what was done, as far as connect writes it."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    async def record(self, actor, action, subject, key, outcome, details) -> None:
        self.lines.append((actor.person, action, outcome))


@dataclass
class Site:
    """A running module and what it said."""

    context: Context
    running: Running
    offer: Offer
    bus: MemoryBus
    jobs: list[JobReport] = field(default_factory=list)
    states: list[EquipmentNow] = field(default_factory=list)

    @property
    def service(self) -> Connect:
        return self.running.provides[Connect]  # type: ignore[return-value]

    @property
    def quarantines(self) -> Quarantines:
        return self.running.provides[Quarantines]  # type: ignore[return-value]

    @property
    def running_service(self) -> ConnectService:
        return self.service  # type: ignore[return-value]

    def now(self) -> tuple[EquipmentNow, ...]:
        return self.running_service._floor.all()

    @property
    def plant_port(self) -> int:
        pack = self.offer.pack_now
        return next(each.port for each in pack.connections if each.protocol == "opcua")  # type: ignore[attr-defined]

    def values_of(self, path: str) -> list[float]:
        batches = [columns.from_bytes(message.data) for message in self.bus._logs[SAMPLES.name].messages]
        rows = [
            row for batch in batches for row in zip(batch.column("path").to_pylist(), columns.values_of(batch), strict=True)
        ]
        return [float(value) for own, value in rows if own == path]

    async def hear_jobs(self, message: Message) -> None:
        self.jobs += adapter(tuple[JobReport, ...]).validate_json(message.data)

    async def hear_states(self, message: Message) -> None:
        self.states.append(adapter(EquipmentNow).validate_json(message.data))

    async def until(self, equipment: str, *states: str) -> None:
        found: EquipmentNow | None = None
        for _ in range(1000):
            found = next((now for now in await self.service.equipment(TENANT) if now.equipment == equipment), None)
            if found is not None and found.state in states:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{equipment} did not become {states}: {found}")

    async def facts(self, equipment: str) -> list[tuple[str, str]]:
        async with self.context.database.transaction() as tx:
            rows = await tx.all("SELECT body FROM kernel.outbox WHERE name = 'equipment.changed' ORDER BY seq")
        bodies = [row["body"] for row in rows]
        return [(body["before"], body["state"]) for body in bodies if body["equipment"] == equipment]

    async def until_facts(self, equipment: str, *expected: tuple[str, str]) -> None:
        for _ in range(500):
            if len(await self.facts(equipment)) >= len(expected):
                break
            await asyncio.sleep(0.02)
        assert await self.facts(equipment) == list(expected)

    def sample_paths(self) -> set[str]:
        messages = self.bus._logs[SAMPLES.name].messages
        return {path for message in messages for path in columns.paths_of(columns.from_bytes(message.data))}

    async def finish(self, equipment: str, job: str) -> JobReport:
        for _ in range(1000):
            found = [each for each in await self.service.job_reports(TENANT, equipment) if each.job == job]
            if found and found[0].state != "running":
                await self.service.clear_job(TENANT, equipment, job)
                return found[0]
            await asyncio.sleep(0.02)
        raise AssertionError(f"{job} did not end")


class open_site:  # noqa: N801
    """A module over a home folder and a database, as after a start of the platform."""

    def __init__(self, plant: EmulatedPlant, database: Database, mqtt_url: str, home: Path, away: int = 0) -> None:
        self.plant, self.database, self.mqtt_url, self.home, self.away = plant, database, mqtt_url, home, away

    async def __aenter__(self) -> Site:
        clock, bus = SystemClock(), MemoryBus()
        self.context = Context(
            clock=clock, ids=TimeIds(clock), chance=random.Random(3), database=self.database, bus=bus, home=self.home,
            tenant=TENANT,
        )  # fmt: skip
        offer = Offer(pack_of(self.plant.ports), self.away)
        self.context.provide(Design, offer)
        self.context.provide(Things, Model(of_packs([offer.pack_now])))
        self.context.provide(Enterprises, Audit())
        given = {"mqtt": self.mqtt_url, "answer": "1.5 s", "poll": "100 ms", "silence": "3 s", "retry_longest": "500 ms"}
        settings = read(ConnectSettings, given, "connect")
        running = await build(self.context, settings)
        MODULE.check(running)
        site = Site(self.context, running, offer, bus)
        supervisor = self.context.supervisor
        for name, work in running.work.items():
            supervisor.start(name, work)
        supervisor.start("jobs", lambda: bus.listen(f"{JOBS_TOPIC}.{TENANT}.*", site.hear_jobs))
        supervisor.start("states", lambda: bus.listen(f"{EQUIPMENT_TOPIC}.{TENANT}.*", site.hear_states))
        return site

    async def __aexit__(self, *_: object) -> None:
        assert all(health.restarts == 0 for health in self.context.supervisor.health.values())
        await self.context.supervisor.stop()


@pytest.fixture
async def tables(database: Database) -> Database:
    await migrate(database, "connect", MODULE.migrations)
    return database


OpenSite = Callable[..., open_site]


@pytest.fixture
def make_site(plant: EmulatedPlant, tables: Database, mqtt_url: str, home: Path) -> OpenSite:
    return lambda **more: open_site(plant, tables, mqtt_url, home, **more)


@pytest.fixture
async def site(make_site: OpenSite) -> AsyncIterator[Site]:
    async with make_site() as made:
        for equipment in MACHINE.values():
            await made.until(equipment, "idle")
        yield made


async def test_every_machine_is_connected_and_its_signals_flow(site: Site) -> None:
    for equipment in ("oven-1", "filler-2", "packer-2"):
        await site.until(equipment, "idle")
    assert [(now.connection, now.up, now.error) for now in await site.service.connections(TENANT)] == [
        ("filling", True, ""), ("forming", True, ""), ("packing", True, ""),
    ]  # fmt: skip
    expected = {"press-1/force", "oven-1/gas", "filler-1/flow", "filler-2/head", "packer-1/speed", "meter-1/energy"}
    await eventually(lambda: expected <= site.sample_paths(), "samples of every connection")
    subjects = {message.subject for message in site.bus._logs[SAMPLES.name].messages}
    assert subjects == {f"samples.{TENANT}.{connection}" for connection in CONNECTION.values()}
    assert all(now.connected and now.last_heard for now in await site.service.equipment(TENANT))


async def test_undeclared_signals_are_set_aside_and_listed(site: Site) -> None:
    expected = {("press-1/hum", "undeclared"), ("filler-1/@108", "undeclared"), ("packer-1/hum", "undeclared")}
    for _ in range(500):
        listed = {(entry.path, entry.reason) for entry in await site.quarantines.listed(TENANT)}
        if expected <= listed:
            break
        await asyncio.sleep(0.02)
    assert expected <= listed
    assert not any("hum" in path for path in site.sample_paths())
    counts = {now.connection: now.quarantined for now in await site.service.connections(TENANT)}
    assert all(counts.values())


async def test_a_job_runs_and_its_reports_are_broadcast(site: Site, protocol: str) -> None:
    equipment, order = MACHINE[protocol], an_order(protocol, new_job(), seconds=40)
    started = await site.service.start_job(TENANT, equipment, order)
    assert (started.state, started.parameters_match, started.program) == ("running", True, order.program)
    assert [each.job for each in await site.service.job_reports(TENANT, equipment)] == [order.job]
    await eventually(lambda: any(each.job == order.job and each.state == "finished" for each in site.jobs), "the broadcast")
    told = [each for each in site.jobs if each.job == order.job]
    assert all(before != after for before, after in itertools.pairwise(told))
    ended = await site.finish(equipment, order.job)
    assert ended == told[-1]
    assert (ended.state, ended.parameters_match) == ("finished", True)
    assert ended.results
    assert await site.service.job_reports(TENANT, equipment) == ()


async def test_refusals_and_conflicts_are_told_apart(site: Site, protocol: str) -> None:
    equipment, order = MACHINE[protocol], an_order(protocol, new_job(), seconds=400)
    await site.service.start_job(TENANT, equipment, order)
    busy = await site.service.start_job(TENANT, equipment, an_order(protocol, new_job()))
    assert (busy.state, busy.reason, busy.parameters_match) == ("refused", "busy", False)
    with pytest.raises(Conflict, match="still runs"):
        await site.service.clear_job(TENANT, equipment, order.job)
    with pytest.raises(Conflict, match="does not run"):
        await site.service.abort_job(TENANT, equipment, "J-never")
    await site.service.abort_job(TENANT, equipment, order.job)
    ended = await site.finish(equipment, order.job)
    assert (ended.state, ended.reason) == ("failed", "aborted")
    await site.service.clear_job(TENANT, equipment, "J-never")


async def test_a_job_that_is_just_being_given_is_not_given_beside(site: Site, protocol: str) -> None:
    equipment, order = MACHINE[protocol], an_order(protocol, new_job(), seconds=40)
    gives = [site.service.start_job(TENANT, equipment, order) for _ in range(2)]
    first, second = await asyncio.gather(*gives, return_exceptions=True)
    assert isinstance(first, JobReport)
    assert (first.state, first.parameters_match) == ("running", True)
    assert isinstance(second, TryLater)
    again = await site.service.start_job(TENANT, equipment, order)
    assert (again.job, again.parameters_match) == (order.job, True)
    await site.finish(equipment, order.job)


async def test_what_is_not_here_is_not_found(site: Site) -> None:
    with pytest.raises(NotFound):
        await site.service.equipment("somebody-else")
    with pytest.raises(NotFound):
        await site.service.job_reports(TENANT, "press-9")
    with pytest.raises(Refused):
        await site.service.start_job(TENANT, "press-1", an_order("opcua", "two words"))


async def test_a_job_outlives_a_restart_of_the_platform(make_site: OpenSite, protocol: str) -> None:
    equipment, order = MACHINE[protocol], an_order(protocol, new_job(), seconds=100)
    async with make_site() as first:
        await first.until(equipment, "idle")
        await first.service.start_job(TENANT, equipment, order)
        await first.until_facts(equipment, ("offline", "idle"))
    async with make_site() as second:
        await second.until(equipment, "running", "idle")
        ended = await second.finish(equipment, order.job)
        assert (ended.state, ended.parameters_match) == ("finished", True)
        await second.until_facts(equipment, ("offline", "idle"))


async def test_machines_are_read_and_jobs_known_before_the_packs_can_be_read_again(
    make_site: OpenSite, home: Path, protocol: str
) -> None:
    """As at an edge that starts while its hub is away."""
    equipment, order = MACHINE[protocol], an_order(protocol, new_job(), seconds=100)

    def kept() -> bool:
        known = Memory(home / "connect" / "known.json").read()
        at_machine = [job for name, job, _ in known.sent if name == equipment] if known else []
        return known is not None and order.job in at_machine and known.said.get(equipment) == "idle"

    async with make_site() as first:
        await first.until(equipment, "idle")
        await first.service.start_job(TENANT, equipment, order)
        await first.until_facts(equipment, ("offline", "idle"))
        await eventually(kept, "what is known in its file")
    async with make_site(away=1_000_000) as second:
        await second.until(equipment, "running", "idle")
        ended = await second.finish(equipment, order.job)
        assert (ended.state, ended.parameters_match) == ("finished", True)
        await second.until_facts(equipment, ("offline", "idle"))
        assert second.offer.away, "the packs should not have been read, or this test shows nothing"


async def test_trouble_is_said_and_work_is_not(site: Site, plant: EmulatedPlant, protocol: str) -> None:
    equipment, order = MACHINE[protocol], an_order(protocol, new_job(), seconds=20)
    await site.service.start_job(TENANT, equipment, order)
    await site.until(equipment, "running")
    await site.finish(equipment, order.job)
    await site.until(equipment, "idle")
    plant.tell("break", equipment=equipment, seconds=40)
    await site.until(equipment, "alarm")
    await site.until(equipment, "idle")
    await site.until_facts(equipment, ("offline", "idle"), ("idle", "alarm"), ("alarm", "idle"))
    told = [now.state for now in site.states if now.equipment == equipment]
    assert "running" in told
    assert "alarm" in told


async def test_an_unplugged_connection_says_so_once_and_comes_back(site: Site, plant: EmulatedPlant, protocol: str) -> None:
    equipment, connection = MACHINE[protocol], CONNECTION[protocol]
    plant.tell("unplug", connection=connection, seconds=3)
    await site.until(equipment, "offline")
    down = next(now for now in await site.service.connections(TENANT) if now.connection == connection)
    assert not down.up
    assert "does not answer" in down.error
    with pytest.raises(TryLater):
        await site.service.job_reports(TENANT, equipment)
    await site.until(equipment, "idle")
    await site.until_facts(equipment, ("offline", "idle"), ("idle", "offline"), ("offline", "idle"))
    order = an_order(protocol, new_job(), seconds=1)
    await site.service.start_job(TENANT, equipment, order)
    await site.finish(equipment, order.job)


async def test_a_released_product_changes_the_links_that_it_concerns_only(site: Site, plant: EmulatedPlant) -> None:
    before = {now.connection: now.since for now in await site.service.connections(TENANT)}
    site.offer.pack_now = pack_of(plant.ports, version="1.1.0", without="oven-1")
    site.offer.away = 2
    assert set(site.running.hears) == {ProductReleased, ThingsDeclared, SourcesDeclared, CertificateJudged}
    assert site.running.after_hearing is not None
    await site.running.after_hearing([])
    for _ in range(500):
        if "oven-1" not in [now.equipment for now in await site.service.equipment(TENANT)]:
            break
        await asyncio.sleep(0.02)
    await site.until("press-1", "idle")
    after = {now.connection: now.since for now in await site.service.connections(TENANT)}
    assert {name for name in after if after[name] != before[name]} == {"forming"}
    with pytest.raises(NotFound):
        await site.service.job_reports(TENANT, "oven-1")
    counted = site.running_service.quarantines()["forming"]
    await eventually(lambda: "oven-1/State" in {entry.path for entry in counted.listed()}, "its samples")
    assert [fact for fact in await site.facts("press-1") if fact[1] == "offline"] == []


async def test_it_waits_for_the_packs_at_the_start(make_site: OpenSite) -> None:
    async with make_site(away=3) as site:
        assert await site.service.connections(TENANT) == ()
        # Nobody may conclude that a machine is not there from asking too early: a job that it has would be given anew.
        with pytest.raises(TryLater):
            await site.service.job_reports(TENANT, "press-1")
        with pytest.raises(TryLater):
            await site.service.start_job(TENANT, "press-1", an_order("opcua", new_job()))
        await site.until("press-1", "idle")


CHEN = Actor(TENANT, "chen", "Chen", "engineer")


async def test_a_signal_that_is_declared_beside_the_pack_flows_from_its_machine_which_is_not_let_go(site: Site) -> None:
    things = site.context.get(Things)
    before = {now.connection: now.since for now in await site.service.connections(TENANT)}
    hum = SignalType("hum", {"en": "Hum"})
    things.now = joined(things.now, (), (Thing("press-1", "", {}, "", signals=(hum,)),), 1)
    site.running_service.reload()
    # An idle machine hums the same all the time, and a value that does not change is not told again.
    await site.service.start_job(TENANT, "press-1", an_order("opcua", new_job(), seconds=40))
    await eventually(lambda: "press-1/hum" in site.sample_paths(), "the signal that was in quarantine")
    after = await site.service.connections(TENANT)
    assert {now.connection: now.since for now in after} == before
    assert all(now.last_heard for now in after)
    assert not any(fact[1] == "offline" for fact in await site.facts("press-1"))


async def test_what_a_probe_finds_can_be_declared_and_then_flows_in_the_unit_of_its_declaration(site: Site) -> None:
    sources, things = site.running.provides[Sources], site.context.get(Things)
    url = f"opc.tcp://127.0.0.1:{site.plant_port}/"
    probed = await sources.probe(TENANT, url, {"security": "none"}, CHEN)
    found = {each.name: each for each in probed.found}
    hum = next(each for name, each in found.items() if "press-1" in name and "hum" in name)
    assert next(each for name, each in found.items() if "press-1 force" in name).proposed == "press-1/force"
    assert hum.proposed == ""

    with pytest.raises(Refused, match="press-1/noise is no declared signal"):
        await sources.declare(TENANT, a_source(url, "press-1/noise", hum.address), "", CHEN)
    noise = SignalType("noise", {"en": "Noise"}, "degC")
    spindle = Thing("spindle", "", {"en": "Spindle"}, "e/s/a", signals=(noise,))
    things.now = joined(things.now, (), (Thing("press-1", "", {}, "", signals=(noise,)), spindle), 1)
    assert await sources.declare(TENANT, a_source(url, "spindle/noise", hum.address), "first", CHEN) == 1
    assert await sources.declare(TENANT, a_source(url, "spindle/noise", hum.address), "again", CHEN) == 1
    site.running_service.reload()
    await site.until("spindle", "idle")
    await eventually(lambda: "spindle/noise" in site.sample_paths(), "the declared signal")
    value = site.values_of("spindle/noise")[-1]
    assert -273.15 < value < 0, "kelvin became degrees"
    assert [each.connection for each in await site.service.connections(TENANT)] == ["extra", "filling", "forming", "packing"]
    assert ("chen", "connections.declare", "declared") in site.context.get(Enterprises).lines

    await sources.declare(TENANT, "connections: []", "gone", CHEN)
    site.running_service.reload()
    await eventually(lambda: "spindle" not in {now.equipment for now in site.now()}, "the equipment gone")


async def test_a_secured_connection_opens_when_its_server_is_approved_and_closes_when_it_is_revoked(
    site: Site, home: Path
) -> None:
    sources, trust, things = site.running.provides[Sources], site.running.provides[Certificates], site.context.get(Things)
    fan = Thing("fan", "", {"en": "Fan"}, "e/s/a", signals=(SignalType("v", {"en": "V"}, "K"),))
    things.now = joined(things.now, (), (fan,), 1)

    async def judged(state: str) -> None:
        (known,) = await trust.seen(TENANT)
        judge = trust.approve if state == "approved" else trust.revoke
        await judge(TENANT, known.server, known.fingerprint, CHEN)
        fact = CertificateJudged(known.server, known.fingerprint, state, CHEN.person)
        await site.running.after_hearing([Heard(SimpleNamespace(), fact)])

    def line() -> ConnectionNow:
        """How it stands; while it is opened anew there is none."""
        found = (each.link.now() for name, each in site.running_service._links.items() if name == "extra")
        return next(found, ConnectionNow("extra", "opcua", url, False, datetime.now(UTC), 0, 0, ""))

    async with a_server(an_identity(home / "plc")) as url:
        text = f"connections: [{{id: extra, url: '{url}', signals: [{{path: fan/v, address: ns=2;s=Air.V0}}]}}]"
        await sources.declare(TENANT, text, "", CHEN)
        site.running_service.reload()
        await eventually(lambda: "extra" in site.running_service._links, "the link")
        await eventually(lambda: "nobody has approved" in line().error, "the refusal")
        await judged("approved")
        await eventually(lambda: "fan/v" in site.sample_paths(), "a sample", within_s=30.0)
        assert line().error == ""
        await judged("revoked")
        await eventually(lambda: not line().up and "revoked" in line().error, "the end")


def a_source(url: str, path: str, address: str) -> str:
    return (
        f"connections:\n  - {{id: extra, url: '{url}', settings: {{security: none}}, "
        f"signals: [{{path: {path}, address: '{address}', unit: K}}]}}\n"
    )
