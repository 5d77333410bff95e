"""Execution against a machine: what is released, what is believed, and that nothing is made twice."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.chain.production.machine import Machine
from tests.support_pack import AIDED

from batchone.chain.design.packs import load_files, load_pack
from batchone.chain.design.service import DesignService
from batchone.chain.production import store
from batchone.chain.production.execution import Execution, ProductionSettings
from batchone.chain.production.module import MODULE
from batchone.chain.production.service import ProductionService
from batchone.contracts.design import Design
from batchone.contracts.enterprises import Enterprises, system
from batchone.contracts.machines import Connect
from batchone.contracts.pack import Check
from batchone.contracts.planning import Dispatch, Planning
from batchone.contracts.production import ItemRecord
from batchone.contracts.sales import OrderPlaced
from batchone.contracts.sourcing import MaterialAllocated
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.errors import Conflict
from batchone.kernel.facts import Envelope, body_of
from batchone.kernel.ids import TimeIds
from batchone.kernel.module import Context
from batchone.kernel.outbox import Heard

pytestmark = pytest.mark.engine
PACK = Path(__file__).parents[3] / "packs/refrigerator"
DESIGN = Path(__file__).parents[3] / "src/batchone/chain/design/migrations"
T = "t"
ME = system(T, "me")


@dataclass
class Plan:
    """Every operation of every item, in order, each on the first equipment of its class."""

    wanted: list[Dispatch] = field(default_factory=list)

    async def dispatch_list(self, tenant: str, until: datetime) -> tuple[Dispatch, ...]:
        return tuple(self.wanted)


@dataclass
class Record:
    lines: list[tuple[str, str]] = field(default_factory=list)

    async def record(self, actor: object, action: str, subject: str, key: str, outcome: str, details: object) -> None:
        self.lines.append((action, subject))


@dataclass
class Shop:
    """A production with everything around it faked but the database."""

    context: Context
    service: ProductionService
    execution: Execution
    machine: Machine
    plan: Plan
    record: Record
    items: list[str] = field(default_factory=list)

    async def hear(self, fact: object) -> None:
        envelope = Envelope("F", T, "x", 1, self.context.clock.now(), "me", body_of(fact))
        handler = {OrderPlaced: self.service.on_order_placed, MaterialAllocated: self.service.on_material_allocated}[type(fact)]
        async with self.context.database.transaction() as tx:
            await handler(tx, Heard(envelope, fact))

    async def order(self, quantity: int = 1, *, material: bool = True) -> list[str]:
        design = self.context.get(Design)
        product = (await design.products(T))[0].id
        configuration = await design.complete(T, product, {}, ME)
        exploded = await design.explode(T, configuration.id)
        now, order = self.context.clock.now(), f"O{len(self.items)}"
        items = [f"I{len(self.items) + n}" for n in range(quantity)]
        self.items += items
        await self.hear(
            OrderPlaced(order, order, "P", "C", configuration.id, product, quantity, 1, tuple(items), now, now, now)
        )
        pack = await design.pack(T, product)
        first = {
            kind: next(m.id for m in pack.equipment if m.equipment_class == kind)
            for kind in {m.equipment_class for m in pack.equipment}
        }
        for item in items:
            for step in exploded.operations:
                self.plan.wanted.append(Dispatch(item, order, step.op, 1, first[step.equipment_class], now, now))
            if material:
                await self.bring(item, exploded.bom)
        return items

    async def bring(self, item: str, bom: object) -> None:
        lines = list(bom)  # type: ignore[call-overload]
        for index, line in enumerate(lines):
            last = not any(other.op == line.op for other in lines[index + 1 :])
            await self.hear(MaterialAllocated(item, line.op, line.module, line.variant, round(line.quantity), "L1", "S1", last))

    async def items_now(self) -> list[ItemRecord]:
        return [await self.service.item(T, item) for item in self.items]

    async def step(self) -> None:
        """Release what can be, let machines end what they run, read everything back."""
        while await self.execution.release_once():
            pass
        self.machine.end()
        await self.read_back()

    async def read_back(self) -> None:
        for equipment in self.execution.equipment():
            await self.execution._read_back(equipment)

    async def until_done(self, steps: int = 60) -> None:
        for _ in range(steps):
            if all(item.state == "finished" for item in await self.items_now()):
                return
            await self.step()
        raise AssertionError([(i.item, i.state, i.operations_done) for i in await self.items_now()])

    async def until_begun(self, items: list[str], steps: int = 60) -> None:
        for _ in range(steps):
            if all([(await self.service.item(T, item)).serial for item in items]):
                return
            await self.step()
        raise AssertionError([(i.item, i.state) for i in await self.items_now()])

    async def facts(self, name: str) -> list[dict[str, object]]:
        async with self.context.database.transaction() as tx:
            rows = await tx.all("SELECT body FROM kernel.outbox WHERE name = %(n)s ORDER BY seq", n=name)
        return [row["body"] for row in rows]


def _middle(check: Check) -> float:
    """A value that passes."""
    bounds = [bound for bound in (check.minimum, check.maximum) if bound is not None]
    return sum(bounds) / len(bounds) if bounds else 1.0


@pytest.fixture
async def shop(database: Database, clock: ManualClock, ids: TimeIds, tmp_path: Path) -> Shop:
    files = {p.name: p.read_text() for p in PACK.iterdir() if p.suffix in (".yaml", ".svg")}
    return await _shop(database, clock, ids, tmp_path, files)


@pytest.fixture
async def helped(database: Database, clock: ManualClock, ids: TimeIds, tmp_path: Path) -> Shop:
    """The same, making lamps with tools, people and a wait."""
    return await _shop(database, clock, ids, tmp_path, AIDED)


async def _shop(database: Database, clock: ManualClock, ids: TimeIds, tmp_path: Path, files: Mapping[str, str]) -> Shop:
    await migrate(database, "design", DESIGN)
    assert MODULE.migrations is not None
    await migrate(database, "production", MODULE.migrations)
    context = Context(
        clock=clock, ids=ids, chance=random.Random(1), database=database, bus=MemoryBus(), home=tmp_path, tenant=T
    )
    design = DesignService(database, clock, ids)
    await design.install(T, files, ME)
    pack = load_files(files)
    good = {step.op: {c.measure: _middle(c) for c in pack.checks if c.op == step.op} for step in pack.routing}
    machine, plan, record = Machine(clock.now(), results=good), Plan(), Record()
    for protocol, fake in ((Design, design), (Connect, machine), (Planning, plan), (Enterprises, record)):
        context.provide(protocol, fake)
    execution = Execution(context, ProductionSettings(refused_s=0))
    return Shop(context, ProductionService(context, execution), execution, machine, plan, record)


async def test_an_item_goes_through_every_operation_once_and_is_finished_with_a_serial(shop: Shop) -> None:
    (item,) = await shop.order()
    await shop.until_done()
    record = await shop.service.item(T, item)
    assert record.serial
    assert record.operations_done == record.operations_total == len({job.op for job in record.jobs}) == len(record.jobs)
    assert record.energy_kwh == pytest.approx(0.5 * len(record.jobs))
    assert {lot.module for lot in record.lots} == {
        line.module for line in (await shop.context.get(Design).explode(T, record.configuration)).bom
    }
    assert len(await shop.facts("item.finished")) == 1


async def test_items_that_were_begun_are_listed_in_pages(shop: Shop) -> None:
    begun, waiting = await shop.order(3), await shop.order(1, material=False)
    assert await shop.service.items_begun(T, "", 9) == ()
    await shop.until_begun(begun)
    first = await shop.service.items_begun(T, "", 2)
    rest = await shop.service.items_begun(T, first[-1].item, 2)
    assert [each.item for each in (*first, *rest)] == begun
    assert first[0] == await shop.service.item(T, begun[0])
    assert not (await shop.service.item(T, waiting[0])).serial
    assert await shop.service.items_begun("another", "", 9) == ()


async def test_no_operation_begins_before_those_that_it_comes_after(shop: Shop) -> None:
    (item,) = await shop.order()
    await shop.until_done()
    record = await shop.service.item(T, item)
    steps = {s.op: s for s in (await shop.context.get(Design).explode(T, record.configuration)).operations}
    finished = {job.op: job.finished for job in record.jobs}
    for job in record.jobs:
        assert all(finished[before] <= job.released or finished[before] <= job.started for before in steps[job.op].after)


async def test_an_operation_waits_for_its_material(shop: Shop) -> None:
    (item,) = await shop.order(material=False)
    for _ in range(5):
        await shop.step()
    record = await shop.service.item(T, item)
    consuming = {line.op for line in (await shop.context.get(Design).explode(T, record.configuration)).bom}
    assert not consuming & {job.op for job in record.jobs}


async def test_a_lost_answer_does_not_make_a_second_job(shop: Shop) -> None:
    await shop.order()
    shop.machine.lose_answers = True
    await shop.execution.release_once()
    shop.machine.lose_answers = False
    await shop.execution._again_unconfirmed()
    await shop.until_done()
    assert len(shop.machine.ran) == len(set(shop.machine.ran))


async def test_a_machine_that_is_away_keeps_its_job_until_it_is_back(shop: Shop) -> None:
    await shop.order()
    shop.machine.away = True
    await shop.execution.release_once()
    await shop.read_back()
    assert shop.machine.ran == []
    shop.machine.away = False
    await shop.execution._again_unconfirmed()
    await shop.until_done()
    assert len(shop.machine.ran) == len(set(shop.machine.ran))


async def test_a_job_is_not_withdrawn_because_nobody_knows_its_machine(shop: Shop) -> None:
    await shop.order()
    shop.machine.lose_answers = True
    await shop.execution.release_once()
    shop.machine.lose_answers, shop.machine.unknown = False, True
    await shop.execution._again_unconfirmed()
    await shop.read_back()
    shop.machine.unknown = False
    await shop.until_done()
    assert len(shop.machine.ran) == len(set(shop.machine.ran))


async def test_a_job_that_was_refused_is_not_given_by_who_looked_before(shop: Shop) -> None:
    await shop.order()
    shop.machine.away = True
    await shop.execution.release_once()
    async with shop.context.database.transaction() as tx:
        looked = await store.unconfirmed(tx, T)
    shop.machine.away, shop.machine.positions = False, 0
    await shop.execution._again_unconfirmed()
    shop.machine.positions = 1
    for row in looked:
        assert not await shop.execution._give(row, row["equipment"])
    assert looked
    assert shop.machine.ran == []
    await shop.until_done()


async def test_a_machine_that_forgot_a_job_just_before_a_crash_is_asked_no_more(shop: Shop) -> None:
    await shop.order()
    await shop.until_done()
    async with shop.context.database.transaction() as tx:  # as if the crash had come before it was noted
        await tx.run("UPDATE production.jobs SET cleared = false")
        assert await store.busy_equipment(tx, T)
    await shop.read_back()
    async with shop.context.database.transaction() as tx:
        assert await store.busy_equipment(tx, T) == []


async def test_a_busy_machine_refuses_and_the_operation_is_given_later(shop: Shop) -> None:
    await shop.order(quantity=2)
    shop.machine.positions = 0
    await shop.execution.release_once()
    shop.machine.positions = 1
    await shop.until_done()
    states = {job.state for item in await shop.items_now() for job in item.jobs}
    assert states == {"finished"}


async def test_a_failed_job_is_done_again_as_the_next_run(shop: Shop) -> None:
    (item,) = await shop.order()
    await shop.execution.release_once()
    shop.machine.end(state="failed", reason="power lost")
    await shop.read_back()
    shop.plan.wanted = [
        Dispatch(d.item, d.order, d.op, 2, d.equipment, d.setup_start, d.start)
        if d.op in {o for _, o in shop.machine.ran}
        else d
        for d in shop.plan.wanted
    ]
    await shop.until_done()
    record = await shop.service.item(T, item)
    assert {job.run for job in record.jobs if job.state == "failed"} == {1}
    assert all(job.reason == "power lost" for job in record.jobs if job.state == "failed")


async def test_a_failed_check_holds_the_item_and_has_the_named_operations_done_again(shop: Shop) -> None:
    pack = load_pack(PACK)
    bad = next(c for c in pack.checks if c.reaction == "rework" and len(c.redo) > 1)
    good = dict(shop.machine.results[bad.op])
    shop.machine.results[bad.op] = {**good, bad.measure: (bad.maximum if bad.maximum is not None else bad.minimum - 1) + 1}  # type: ignore[operator]
    (item,) = await shop.order()
    while not await shop.facts("check.failed"):
        await shop.step()
    shop.machine.results[bad.op] = good
    released = (await shop.facts("item.released"))[0]
    assert [op for op, _ in released["redo"]] == list(bad.redo)
    assert all(run == 2 for _, run in released["redo"])
    again = set(bad.redo)
    shop.plan.wanted = [
        Dispatch(d.item, d.order, d.op, 2 if d.op in again else 1, d.equipment, d.setup_start, d.start)
        for d in shop.plan.wanted
    ]
    await shop.until_done()
    record = await shop.service.item(T, item)
    assert {job.op for job in record.jobs if job.run == 2} == again
    assert record.holds[0].decision == "rework"


async def test_a_held_item_waits_for_a_person_and_goes_on_once(shop: Shop) -> None:
    pack = load_pack(PACK)
    bad = next(c for c in pack.checks if c.reaction == "hold" and c.maximum is not None)
    shop.machine.results[bad.op] = {**shop.machine.results[bad.op], bad.measure: bad.maximum + 5}
    (item,) = await shop.order()
    while (await shop.service.item(T, item)).state != "held":
        await shop.step()
    for _ in range(3):
        await shop.step()
    assert (await shop.service.item(T, item)).state == "held"
    first = await shop.service.release_item(T, item, (), "looked at it", "key-1", ME)
    again = await shop.service.release_item(T, item, (), "looked at it", "key-1", ME)
    assert first.holds[0].decision == again.holds[0].decision == "looked at it"
    assert shop.record.lines == [("item.release", item)]
    with pytest.raises(Conflict):
        await shop.service.release_item(T, item, (), "again", "key-2", ME)
    await shop.until_done()


async def test_a_report_that_comes_twice_is_taken_once(shop: Shop) -> None:
    await shop.order()
    await shop.execution.release_once()
    shop.machine.end()
    reports = [r for e in shop.execution.equipment() for r in await shop.machine.job_reports(T, e)]
    for report in reports * 3:
        await shop.execution.take(report)
    assert len(await shop.facts("job.finished")) == len(reports)


async def test_a_machine_that_ran_another_program_does_not_count(shop: Shop) -> None:
    await shop.order()
    await shop.execution.release_once()
    shop.machine.end()
    reports = [r for e in shop.execution.equipment() for r in await shop.machine.job_reports(T, e)]
    report = reports[0]
    await shop.execution.take(replace(report, parameters_match=False))
    finished = await shop.facts("job.finished")
    assert finished[-1]["state"] == "failed"


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_lost_in_between_nothing_is_made_twice_and_everything_is_finished(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    await shop.order(quantity=3)
    for _ in range(200):
        shop.machine.away = chance.random() < 0.2
        shop.machine.lose_answers = chance.random() < 0.3
        match chance.randrange(5):
            case 0:
                await shop.execution.release_once()
            case 1:
                shop.machine.end()
            case 2:
                await shop.read_back()
            case 3:
                await shop.execution._again_unconfirmed()
            case 4:  # A restart: everything in memory is gone.
                shop.execution = Execution(shop.context, ProductionSettings(refused_s=0))
                await shop.execution._learn_equipment()
    shop.machine.away = shop.machine.lose_answers = False
    await shop.execution._learn_equipment()
    await shop.execution._again_unconfirmed()
    await shop.until_done()
    assert len(shop.machine.ran) == len(set(shop.machine.ran))
    assert len(await shop.facts("item.finished")) == 3


FITTER = ("fitters", 0)


async def _later(shop: Shop, **time: float) -> None:
    """Time goes on, for the machines too."""
    clock = shop.context.clock
    assert isinstance(clock, ManualClock)
    await clock.advance(timedelta(**time).total_seconds())
    shop.machine.now = clock.now()


def _give(shop: Shop, op: str, *also: tuple[tuple[str, int], ...]) -> None:
    """The plan gives the operation of each item what stands here, in turn."""
    turn = iter(also)
    shop.plan.wanted = [replace(d, also=next(turn)) if d.op == op else d for d in shop.plan.wanted]


async def test_one_tool_or_person_is_never_with_two_jobs(helped: Shop) -> None:
    helped.machine.positions = 2
    await helped.order(quantity=2)
    await helped.step()
    await helped.step()
    _give(helped, "20", (FITTER, ("jig", 0)), (FITTER, ("jig", 1)))
    while await helped.execution.release_once():
        pass
    # Both are turned, but there is one fitter.
    glued = [item for item, op in helped.machine.ran if op == "20"]
    assert len(glued) == 1
    [station] = await helped.service.stations(T)
    assert station.also == ("fitters", "jig")
    assert [fact["also"] for fact in await helped.facts("job.released") if fact["op"] == "20"] == [[["fitters", 0], ["jig", 0]]]
    await helped.step()
    await helped.step()
    assert sorted(item for item, op in helped.machine.ran if op == "20") == sorted(helped.items)


async def test_nothing_is_released_before_the_plan_says_with_which_tools(helped: Shop) -> None:
    await helped.order()
    for _ in range(3):
        await helped.step()
    assert {op for _, op in helped.machine.ran} == {"10"}
    _give(helped, "20", (FITTER, ("jig", 0)))
    await helped.step()
    assert {op for _, op in helped.machine.ran} == {"10", "20"}


async def test_a_cure_is_waited_for_however_early_the_plan_is(helped: Shop) -> None:
    await helped.order()
    _give(helped, "20", (FITTER, ("jig", 0)))
    await helped.step()
    await _later(helped, minutes=1)
    await helped.step()
    await _later(helped, minutes=59)
    assert await helped.execution.release_once() == 0
    await _later(helped, minutes=2)
    await helped.until_done()
    [record] = await helped.items_now()
    ended = {job.op: job.finished for job in record.jobs}
    [fit] = [job for job in record.jobs if job.op == "30"]
    assert fit.released - ended["20"] >= timedelta(hours=1)


async def test_what_did_not_follow_soon_enough_is_held_once_for_a_person(helped: Shop) -> None:
    (item,) = await helped.order()
    _give(helped, "20", (FITTER, ("jig", 0)))
    await helped.step()
    await helped.step()
    await _later(helped, days=3)
    assert await helped.execution.release_once() == 0
    assert await helped.execution.release_once() == 0
    record = await helped.service.item(T, item)
    assert (record.state, [hold.reason for hold in record.holds]) == (
        "held", [{"en": "Fit bulb: too long after Glue feet", "zh": "装灯泡：距粘脚已超过最长等待时间"}]
    )  # fmt: skip
    assert [fact["reason"] for fact in await helped.facts("item.held")] == ["Fit bulb: too long after Glue feet"]
    # Glued again, it has to cure again, and may be too late again.
    await helped.service.release_item(T, item, ("20",), "glue it again", "key-1", ME)
    helped.plan.wanted = [replace(d, run=2) if d.op == "20" else d for d in helped.plan.wanted]
    await helped.step()
    await _later(helped, minutes=30)
    assert await helped.execution.release_once() == 0
    await _later(helped, days=3)
    assert await helped.execution.release_once() == 0
    assert len(await helped.facts("item.held")) == 2
    # A person may let it go on as it is.
    await helped.service.release_item(T, item, (), "it is good", "key-2", ME)
    await helped.until_done()


async def test_a_crew_sets_one_machine_up_at_a_time_and_is_free_when_that_is_done(helped: Shop) -> None:
    await helped.order(quantity=2)
    _give(helped, "20", (FITTER, ("jig", 0)), (FITTER, ("jig", 1)))
    await helped.step()  # the first is turned; nobody knows how the lathe stood, so it needs no setup
    async with helped.context.database.transaction() as tx:
        await tx.run("UPDATE production.setups SET setup_key = 'fixed'")
    while await helped.execution.release_once():
        pass
    # The only fitter glues, so nobody can set the lathe up for the second, whoever is planned for it.
    assert [op for _, op in helped.machine.ran] == ["10", "20"]
    helped.machine.end()
    await helped.read_back()
    while await helped.execution.release_once():
        pass
    assert [op for _, op in helped.machine.ran] == ["10", "20", "10"]
    stations = await helped.service.stations(T)
    assert [station.also for station in stations] == [("fitters",)]
    async with helped.context.database.transaction() as tx:
        now = helped.context.clock.now()
        assert await store.held(tx, T, now) == {FITTER}
        assert await store.held(tx, T, now + timedelta(seconds=60)) == set()
