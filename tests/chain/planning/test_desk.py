"""A planner's desk over a real database: moves, branches that are planned, compared and accepted, pins that last."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from tests.support_pack import SMALL

from batchone.chain.design.completion import complete
from batchone.chain.design.explosion import explode
from batchone.chain.design.model import Blueprint, compile_pack
from batchone.chain.design.packs import load_files
from batchone.chain.planning import store
from batchone.chain.planning.desk import Desk
from batchone.chain.planning.hand import Moved
from batchone.chain.planning.judged import RulesBroken
from batchone.chain.planning.model import Plan
from batchone.chain.planning.module import MODULE
from batchone.chain.planning.planner import Planner, PlanningSettings
from batchone.chain.planning.service import PlanningService
from batchone.contracts.by_hand import (
    Branch,
    ExtraMachine,
    Move,
    OrderWish,
    Overtime,
    PlanningByHand,
    Stop,
    WithoutOrder,
)
from batchone.contracts.design import Design, Exploded, Product
from batchone.contracts.enterprises import Actor, Enterprises
from batchone.contracts.pack import Pack
from batchone.contracts.planning import PlannedOperation, Planning
from batchone.contracts.sales import OrderPlaced
from batchone.kernel.bus_memory import MemoryBus
from batchone.kernel.clock import ManualClock
from batchone.kernel.database import Database, migrate
from batchone.kernel.errors import Conflict, NotFound, Refused
from batchone.kernel.http import install_problems
from batchone.kernel.ids import TimeIds
from batchone.kernel.module import Context

pytestmark = pytest.mark.engine
TENANT, MINUTE = "t", timedelta(minutes=1)


class Lamps:
    """Implements what planning asks of design."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint

    async def products(self, tenant: str) -> tuple[Product, ...]:
        pack = self.blueprint.pack
        return (Product(pack.product.id, pack.product.name, pack.sector, pack.id, pack.version, pack.product.base_price),)

    async def pack(self, tenant: str, product: str, version: str | None = None) -> Pack:
        return self.blueprint.pack

    async def explode(self, tenant: str, configuration: str) -> Exploded:
        return explode(self.blueprint, configuration, complete(self.blueprint, {"foot": configuration}))


class Record:
    """The audit record, remembered."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str, str]] = []

    async def record(self, actor: Actor, what: str, about: str, key: str, outcome: str, more: Any) -> None:
        self.done.append((actor.person, what, key))


@dataclass
class Works:
    context: Context
    planner: Planner
    service: PlanningService
    desk: Desk
    clock: ManualClock
    record: Record

    async def order(self, name: str, configuration: str = "round", due_min: float = 60, items: int = 1) -> None:
        due = self.clock.now() + due_min * MINUTE
        placed = OrderPlaced(
            order=name, number=name.upper(), customer="c", configuration=configuration, product="lamp", quantity=items,
            priority=1, promise="P", reservation="none", due=due,
            promised_p50=due, promised_p90=due,
            items=tuple(f"{name}-{n}" for n in range(items)),
        )  # fmt: skip
        exploded = await self.context.get(Design).explode(TENANT, configuration)
        async with self.context.database.transaction() as tx:
            await store.add_order(tx, TENANT, placed, 1, self.clock.now(), placed.due)
            for item in placed.items:
                await store.add_operations(tx, TENANT, name, item, exploded.operations, {})

    async def operation(self, item: str, op: str) -> PlannedOperation:
        found = await self.service.of_order(TENANT, item.rpartition("-")[0])
        return next(each for each in found if (each.item, each.op) == (item, op))

    async def solved(self, branch: str) -> Branch:
        """A branch searched to its end: the first search of a process compiles, which takes longer than an answer may."""
        found = await self.desk.solve_branch(TENANT, branch, 0.2)
        while found.solving:
            await asyncio.sleep(0.1)
            found = await self.desk.branch(TENANT, branch)
        return found


@pytest.fixture
async def works(database: Database, clock: ManualClock, ids: TimeIds, chance: random.Random, tmp_path: Path) -> Works:
    assert MODULE.migrations is not None
    await migrate(database, "planning", MODULE.migrations)
    context = Context(clock=clock, ids=ids, chance=chance, database=database, bus=MemoryBus(), home=tmp_path, tenant=TENANT)
    record = Record()
    context.provide(Design, Lamps(compile_pack(load_files(SMALL))))
    context.provide(Enterprises, record)
    planner = Planner(context, PlanningSettings(budget_s=0, frozen_s=60, tolerance_s=0.001))
    # A worker that is a thread: what runs in it is the same, and it need not be started.
    planner._pool = ThreadPoolExecutor(1)
    made = Works(context, planner, PlanningService(context, planner), Desk(context, planner), clock, record)
    context.provide(Planning, made.service)
    context.provide(PlanningByHand, made.desk)
    for n, foot in enumerate(("round", "clamp", "round", "clamp", "square")):
        await made.order(f"o{n}", foot, due_min=4 + n)
    await planner.plan_once(search=True, why="first")
    return made


def move_of(op: PlannedOperation, start: datetime, *, push: bool = False) -> Move:
    return Move(op.item, op.op, op.equipment, start, None, push)


async def last_turning(works: Works) -> PlannedOperation:
    every = [await works.operation(f"o{n}-0", "10") for n in range(5)]
    return max(every, key=lambda each: each.start)


async def test_a_move_is_checked_and_says_what_it_does_without_doing_it(works: Works) -> None:
    op = await last_turning(works)
    far = op.start + 30 * MINUTE
    blocked = await works.desk.check_move(TENANT, move_of(op, far), None)
    assert (blocked.legal, blocked.why) == (False, "successor")
    assert blocked.behind is not None
    assert blocked.behind.item == op.item
    legal = await works.desk.check_move(TENANT, move_of(op, far, push=True), None)
    assert legal.legal
    assert [each.order for each in legal.orders] == [op.order]
    assert legal.after.tardiness_s > legal.before.tardiness_s
    assert (await works.operation(op.item, "10")).start == op.start
    with pytest.raises(NotFound):
        await works.desk.check_move(TENANT, Move("nothing", "10", op.equipment, far), None)


async def test_a_draft_of_moves_is_compared_undone_redone_and_accepted_and_its_moves_stay(works: Works) -> None:
    op = await last_turning(works)
    number = (await works.service.summary(TENANT)).number
    branch = await works.desk.open_branch(TENANT, "later", [], "k0", "pia")
    branch = await works.desk.change_branch(TENANT, branch.id, move_of(op, op.start + 20 * MINUTE, push=True), "k1")
    assert await works.desk.change_branch(TENANT, branch.id, branch.changes[0], "k1") == branch
    assert branch.result is not None
    assert not branch.stale
    assert [each.order for each in branch.result.orders] == [op.order]
    undone = await works.desk.undo(TENANT, branch.id)
    assert undone.changes == ()
    assert len(undone.undone) == 1
    assert undone.result is not None
    assert undone.result.orders == ()
    again = await works.desk.redo(TENANT, branch.id)
    assert again.changes == branch.changes
    accepted = await works.desk.accept_branch(TENANT, branch.id, "pia")
    assert accepted.plan is not None
    assert accepted.plan.number == number + 1
    assert accepted.plan.why == "branch later"
    assert accepted.branch.state == "accepted"
    assert (await works.desk.accept_branch(TENANT, branch.id, "pia")).plan == accepted.plan
    (pin,) = await works.desk.pins(TENANT)
    assert (pin.item, pin.op, pin.spot.start, pin.by) == (op.item, "10", op.start + 20 * MINUTE, "pia")
    await works.planner.plan_once(search=True, why="search again")
    assert (await works.operation(op.item, "10")).start == op.start + 20 * MINUTE
    # The pin removed, the next search brings it forward again.
    await works.desk.unpin(TENANT, op.item, "10")
    with pytest.raises(NotFound):
        await works.desk.unpin(TENANT, op.item, "10")
    await works.planner.plan_once(search=True, why="search again")
    assert (await works.operation(op.item, "10")).start < op.start + 20 * MINUTE


async def test_a_branch_shows_a_change_and_what_was_taken_back_at_once(works: Works) -> None:
    op = await last_turning(works)

    async def start_in(branch: str) -> datetime:
        shown = await works.desk.branch_window(TENANT, branch, op.start - 60 * MINUTE, op.start + 60 * MINUTE, 100)
        return next(each.start for each in shown if (each.item, each.op) == (op.item, "10"))

    branch = await works.desk.open_branch(TENANT, "later", [], "k0", "pia")
    assert await start_in(branch.id) == op.start
    await works.desk.change_branch(TENANT, branch.id, move_of(op, op.start + 20 * MINUTE, push=True), "k1")
    assert await start_in(branch.id) == op.start + 20 * MINUTE
    await works.desk.undo(TENANT, branch.id)
    assert await start_in(branch.id) == op.start


async def test_a_move_that_is_not_legal_is_refused_with_the_nearest_places(works: Works) -> None:
    op = await last_turning(works)
    branch = await works.desk.open_branch(TENANT, "b", [], "k", "pia")
    with pytest.raises(Refused, match="in its item") as refused:
        await works.desk.change_branch(TENANT, branch.id, move_of(op, op.start + 20 * MINUTE), "k1")
    assert refused.value.where["why"] == "successor"
    assert "could start at" in refused.value.cure
    with pytest.raises(Refused, match="no equipment"):
        await works.desk.change_branch(TENANT, branch.id, Move(op.item, "10", "nowhere", op.start), "k2")


async def test_overtime_is_searched_compared_and_kept_for_the_pictures_to_come(works: Works) -> None:
    # 08:00 on a Monday in Brno's hall: closed from 18:00 on, so a lamp for the night waits for the morning.
    await works.clock.advance(9.9 * 3600)
    for n in range(20):
        await works.order(f"n{n}", "clamp" if n % 2 else "round", due_min=120)
    await works.planner.plan_once(search=True, why="evening")
    now = works.clock.now()
    branch = await works.desk.open_branch(TENANT, "night", [Overtime("turning", now, now + timedelta(hours=2))], "k", "pia")
    assert branch.stale
    with pytest.raises(Conflict, match="not planned"):
        await works.desk.accept_branch(TENANT, branch.id, "pia")
    branch = await works.desk.change_branch(TENANT, branch.id, Overtime("fitting", now, now + timedelta(hours=2)), "k1")
    branch = await works.solved(branch.id)
    assert branch.result is not None
    assert branch.result.after.late_orders < branch.result.before.late_orders
    assert not branch.result.hypothetical
    accepted = await works.desk.accept_branch(TENANT, branch.id, "pia")
    assert accepted.plan is not None
    assert accepted.plan.late_orders == branch.result.after.late_orders
    picture = await works.planner.picture()
    assert {(each.target, each.opened) for each in picture.hours} == {("turning", True), ("fitting", True)}
    await works.planner.plan_once(search=True, why="later")
    assert (await works.service.summary(TENANT)).late_orders <= branch.result.after.late_orders


async def test_what_a_plan_cannot_carry_can_only_be_compared(works: Works) -> None:
    changes = [ExtraMachine("turning"), WithoutOrder("o0"), OrderWish("o1", due=works.clock.now() + 2 * MINUTE)]
    branch = await works.desk.open_branch(TENANT, "dream", changes, "k", "pia")
    branch = await works.solved(branch.id)
    assert branch.result is not None
    assert set(branch.result.hypothetical) == {"extra_machine", "without_order", "order_wish"}
    gone = next(each for each in branch.result.orders if each.order == "o0")
    assert gone.after is None
    with pytest.raises(Conflict, match="only be compared"):
        await works.desk.accept_branch(TENANT, branch.id, "pia")
    assert (await works.desk.throw_away(TENANT, branch.id)).state == "thrown_away"
    with pytest.raises(Conflict, match="closed"):
        await works.desk.undo(TENANT, branch.id)


async def test_a_stop_moves_work_and_a_priority_is_kept(works: Works) -> None:
    now = works.clock.now()
    stop = Stop("lathe-1", now + 2 * MINUTE, now + 12 * MINUTE)
    branch = await works.desk.open_branch(TENANT, "service", [stop, OrderWish("o4", priority=9)], "k", "pia")
    branch = await works.solved(branch.id)
    accepted = await works.desk.accept_branch(TENANT, branch.id, "pia")
    assert accepted.plan is not None
    turning = [await works.operation(f"o{n}-0", "10") for n in range(5)]
    inside = [each for each in turning if stop.start <= each.start < stop.end]
    assert inside == []
    picture = await works.planner.picture()
    assert {each.id: each.weight for each in picture.orders}["o4"] == 9


async def test_a_branch_of_an_old_plan_is_rebased_and_says_what_changed(works: Works) -> None:
    op = await last_turning(works)
    branch = await works.desk.open_branch(TENANT, "b", [move_of(op, op.start + 20 * MINUTE, push=True)], "k", "pia")
    assert branch.result is not None
    base = branch.result.plan
    await works.clock.advance(26 * 60)
    await works.planner.plan_once(search=False, why="time went on")
    accepted = await works.desk.accept_branch(TENANT, branch.id, "pia")
    assert accepted.plan is None
    assert accepted.news
    assert accepted.branch.result is not None
    assert accepted.branch.result.plan > base
    accepted = await works.desk.accept_branch(TENANT, branch.id, "pia")
    assert accepted.plan is not None


async def test_a_branch_survives_the_plan_going_on_when_nothing_it_shows_is_worse(works: Works) -> None:
    op = await last_turning(works)
    branch = await works.desk.open_branch(TENANT, "b", [move_of(op, op.start + 20 * MINUTE, push=True)], "k", "pia")
    await works.order("extra", "round", due_min=500)
    await works.planner.plan_once(search=False, why="order placed")
    accepted = await works.desk.accept_branch(TENANT, branch.id, "pia")
    assert accepted.plan is not None
    assert (await works.operation(op.item, "10")).start == op.start + 20 * MINUTE
    assert (await works.operation("extra-0", "10")).start > works.clock.now()


async def test_a_pin_is_given_up_when_its_machine_breaks(works: Works) -> None:
    op = await last_turning(works)
    branch = await works.desk.open_branch(TENANT, "b", [move_of(op, op.start + 5 * MINUTE, push=True)], "k", "pia")
    await works.desk.accept_branch(TENANT, branch.id, "pia")
    async with works.context.database.transaction() as tx:
        await store.set_equipment(tx, TENANT, op.equipment, "alarm", works.clock.now())
    await works.clock.advance(9 * 60)
    await works.planner.plan_once(search=False, why="broke down")
    assert await works.desk.pins(TENANT) == ()


async def test_any_plan_is_rebuilt_and_two_are_compared(works: Works) -> None:
    first = (await works.service.summary(TENANT)).number
    before = await works.service.plan(TENANT, first)
    op = await last_turning(works)
    branch = await works.desk.open_branch(TENANT, "b", [move_of(op, op.start + 20 * MINUTE, push=True)], "k", "pia")
    await works.desk.accept_branch(TENANT, branch.id, "pia")
    assert await works.service.plan(TENANT, first) == before
    now = await works.service.window(TENANT, works.clock.now(), works.clock.now() + timedelta(days=2), 999)
    after = await works.service.plan(TENANT, first + 1)
    assert [(o.item, o.op, o.start) for o in after.operations] == sorted(
        ((o.item, o.op, o.start) for o in now.operations), key=lambda each: (each[2], f"{each[0]}/{each[1]}")
    )
    told = await works.service.diff(TENANT, first, first + 1)
    assert {each.item for each in told.shifts} == {op.item}
    assert [each.order for each in told.orders] == [op.order]
    with pytest.raises(NotFound):
        await works.service.plan(TENANT, 99)


async def test_reasons_add_up_and_bottlenecks_are_measured(works: Works) -> None:
    told = await works.desk.reasons(TENANT, "o4")
    assert sum(each.seconds for each in told.shares) == (told.finish - works.clock.now()).total_seconds()
    found = await works.desk.bottlenecks(TENANT)
    assert found.equipment[0].equipment == "lathe-1"
    assert found.equipment[0].position is not None
    assert found.equipment[0].position.makespan_s < found.worth.makespan_s


async def test_the_api_opens_changes_accepts_and_records(works: Works) -> None:
    app = FastAPI()
    install_problems(app)

    @app.middleware("http")
    async def sign_in(request: Request, go_on: Any) -> Any:
        request.state.actor = Actor(TENANT, "pia", "Pia", request.headers.get("role", "planner"), "", "token")
        return await go_on(request)

    assert MODULE.router is not None
    app.include_router(MODULE.router(works.context))
    op = await last_turning(works)
    body = {"kind": "move", "item": op.item, "op": "10", "equipment": op.equipment, "push": True}
    body["start"] = (op.start + 20 * MINUTE).isoformat()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://b", headers={"idempotency-key": "k"}) as http:
        assert (await http.post("/api/plan/moves", json=body)).json()["legal"] is True
        assert (await http.post("/api/plan/branches", json={"name": "a"}, headers={"role": "operator"})).status_code == 403
        made = (await http.post("/api/plan/branches", json={"name": "a", "changes": [body]})).json()
        assert made["changes"][0]["kind"] == "move"
        twice = await http.post("/api/plan/branches", json={"name": "a"}, headers={"idempotency-key": "k2"})
        assert (twice.status_code, twice.json()["type"]) == (409, "urn:batchone:problem:planning.branch_name")
        assert (await http.get(f"/api/plan/branches/{made['id']}")).json() == made
        assert (await http.post(f"/api/plan/branches/{made['id']}/acceptance")).json()["plan"]["number"] == 2
        assert (await http.get("/api/plan/pins")).json()[0]["item"] == op.item
        assert (await http.get("/api/plan/1")).json()["summary"]["number"] == 1
        assert (await http.get("/api/plan/diff?before=1&after=2")).json()["orders"][0]["order"] == op.order
        assert (await http.get("/api/plan/orders/o1/reasons")).status_code == 200
        assert (await http.delete(f"/api/plan/pins/{op.item}/10")).status_code == 204
        wrong = await http.post(f"/api/plan/branches/{made['id']}/changes", json={"kind": "what"})
        assert wrong.status_code == 422
        schema = (await http.get("/openapi.json")).json()
    assert "/api/plan/branches/{branch}/acceptance" in schema["paths"]
    assert [what for _, what, _ in works.record.done] == ["plan.branch_opened", "plan.branch_accepted", "plan.unpinned"]


async def test_a_refused_move_names_each_rule_it_would_break_and_the_branch_stays_as_it_was(works: Works) -> None:
    *_, other, op = sorted([await works.operation(f"o{n}-0", "10") for n in range(5)], key=lambda each: each.start)
    branch = await works.desk.open_branch(TENANT, "b", [move_of(op, op.start + 20 * MINUTE, push=True)], "k", "pia")
    # Onto what another order has of the lathe, and past what comes after it in its item.
    with pytest.raises(RulesBroken) as refused:
        await works.desk.change_branch(TENANT, branch.id, move_of(other, op.start + 20 * MINUTE + timedelta(seconds=1)), "k1")
    named = {(each["rule"], each["order"], each["item"], each["op"]) for each in refused.value.errors}
    assert ("precedence", other.order, other.item, "20") in named
    assert ("capacity", other.order, other.item, "10") in named
    assert await works.desk.branch(TENANT, branch.id) == branch
    # What no rule of a plan forbids, but a planner's, is named by that.
    far = works.clock.now() + timedelta(days=1)
    await works.desk.change_branch(TENANT, branch.id, move_of(other, far, push=True), "k2")
    with pytest.raises(RulesBroken) as pinned:
        await works.desk.change_branch(TENANT, branch.id, move_of(op, far - timedelta(seconds=1), push=True), "k3")
    assert pinned.value.where["why"] == "pinned"
    assert (other.item, "10") in {(each["item"], each["op"]) for each in pinned.value.errors}
    assert len((await works.desk.branch(TENANT, branch.id)).changes) == 2


async def test_a_plan_that_moves_made_is_judged_and_one_that_breaks_rules_is_refused(works: Works, monkeypatch: Any) -> None:
    op = await last_turning(works)
    branch = await works.desk.open_branch(TENANT, "b", [], "k", "pia")
    real = Moved.plan.func  # type: ignore[attr-defined]

    def careless(moved: Moved) -> Plan:
        plan: Plan = real(moved)
        first = next(a for a in plan.assignments if a.operation != moved.operation and a.resource == moved.now[0].resource)
        on_it = replace(moved.now[0], setup_start_s=first.setup_start_s, start_s=first.start_s)
        return replace(plan, assignments=tuple(on_it if a.operation == moved.operation else a for a in plan.assignments))

    monkeypatch.setattr(Moved, "plan", property(careless))
    with pytest.raises(RulesBroken, match="would break") as refused:
        await works.desk.change_branch(TENANT, branch.id, move_of(op, op.start + 20 * MINUTE, push=True), "k1")
    assert refused.value.code == "planning.rules_broken"
    assert (op.item, op.order) in {(each["item"], each["order"]) for each in refused.value.errors}
    assert (await works.desk.branch(TENANT, branch.id)).changes == ()


async def test_an_accepted_branch_is_taken_back_as_a_new_plan_with_the_places_from_before(works: Works) -> None:
    before = {(o.item, o.op): o.start for o in (await works.service.plan(TENANT, 1)).operations}
    op = await last_turning(works)
    first = await works.desk.open_branch(TENANT, "first", [move_of(op, op.start + 20 * MINUTE, push=True)], "k", "pia")
    await works.desk.accept_branch(TENANT, first.id, "pia")
    again = await works.desk.open_branch(
        TENANT, "second", [move_of(op, op.start + 40 * MINUTE, push=True), OrderWish("o4", priority=9)], "k1", "pia"
    )
    await works.solved(again.id)
    assert (await works.desk.accept_branch(TENANT, again.id, "pia")).plan is not None
    with pytest.raises(Conflict, match="Another branch") as newer:
        await works.desk.take_back(TENANT, first.id, "pia")
    assert newer.value.where["branch"] == again.id
    made = await works.desk.take_back(TENANT, again.id, "pia")
    assert (made.number, made.why, made.rules_broken) == (4, "back to plan 2, without branch second", 0)
    assert await works.desk.take_back(TENANT, again.id, "pia") == made
    # The pin of the first branch, which the second wrote over, counts again, and so does the weight from before.
    (pin,) = await works.desk.pins(TENANT)
    assert (pin.spot.start, pin.plan) == (op.start + 20 * MINUTE, 2)
    assert {each.id: each.weight for each in (await works.planner.picture()).orders}["o4"] == 1
    assert (await works.service.diff(TENANT, 2, 4)).shifts == ()
    assert (await works.desk.take_back(TENANT, first.id, "pia")).number == 5
    assert await works.desk.pins(TENANT) == ()
    assert {(o.item, o.op): o.start for o in (await works.service.plan(TENANT, 5)).operations} == before
    assert {each.name: each.back for each in await works.desk.branches(TENANT)} == {"first": 5, "second": 4}
    assert [each.number for each in await works.service.summaries(TENANT, 9)] == [5, 4, 3, 2, 1]


async def test_what_machines_did_since_stays_when_a_branch_is_taken_back(works: Works) -> None:
    op = await last_turning(works)
    now = works.clock.now()
    stop = Stop("lathe-1", now + 200 * MINUTE, now + 220 * MINUTE)
    branch = await works.desk.open_branch(TENANT, "b", [stop, move_of(op, op.start + 5 * MINUTE, push=True)], "k", "pia")
    await works.solved(branch.id)
    assert (await works.desk.accept_branch(TENANT, branch.id, "pia")).plan is not None
    moved = await works.operation(op.item, "10")
    await works.clock.advance((moved.start - now).total_seconds())
    await works.order("extra", "round", due_min=500)
    async with works.context.database.transaction() as tx:
        begun = works.clock.now()
        await store.started(tx, TENANT, op.item, "10", 1, op.equipment, 1, begun, begun + (op.end - op.start))
    await works.planner.plan_once(search=False, why="began")
    made = await works.desk.take_back(TENANT, branch.id, "pia")
    assert made.rules_broken == 0
    assert (await works.operation(op.item, "10")).start == begun
    # What came after the plan that is gone back to is in the new one.
    assert (await works.operation("extra-0", "10")).start >= begun
    assert (await works.planner.picture()).hours == ()


async def test_only_what_was_accepted_is_taken_back(works: Works) -> None:
    branch = await works.desk.open_branch(TENANT, "b", [], "k", "pia")
    with pytest.raises(Conflict, match="not in force"):
        await works.desk.take_back(TENANT, branch.id, "pia")
    with pytest.raises(NotFound):
        await works.desk.take_back(TENANT, "nothing", "pia")


async def test_when_all_is_done_there_is_no_plan_to_go_back_to(works: Works) -> None:
    op = await last_turning(works)
    branch = await works.desk.open_branch(TENANT, "b", [move_of(op, op.start + 5 * MINUTE, push=True)], "k", "pia")
    await works.desk.accept_branch(TENANT, branch.id, "pia")
    async with works.context.database.transaction() as tx:
        await tx.run("UPDATE planning.operations SET state = 'done'")
    with pytest.raises(Conflict, match="no open work"):
        await works.desk.take_back(TENANT, branch.id, "pia")
    assert (await works.service.summary(TENANT)).number == 2


async def test_the_api_names_each_broken_rule_and_takes_a_branch_back(works: Works) -> None:
    app = FastAPI()
    install_problems(app)

    @app.middleware("http")
    async def sign_in(request: Request, go_on: Any) -> Any:
        request.state.actor = Actor(TENANT, "pia", "Pia", request.headers.get("role", "planner"), "", "token")
        return await go_on(request)

    assert MODULE.router is not None
    app.include_router(MODULE.router(works.context))
    op = await last_turning(works)
    body = {"kind": "move", "item": op.item, "op": "10", "equipment": op.equipment}
    later = body | {"start": (op.start + 20 * MINUTE).isoformat()}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://b", headers={"idempotency-key": "k"}) as http:
        branch = (await http.post("/api/plan/branches", json={"name": "a"})).json()["id"]
        refused = await http.post(f"/api/plan/branches/{branch}/changes", json=later)
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
        told = refused.json()
        assert (told["type"], told["why"]) == ("urn:batchone:problem:planning.illegal_move", "successor")
        assert {"rule": "precedence", "order": op.order, "item": op.item, "op": "20"}.items() <= told["errors"][0].items()
        changed = await http.post(f"/api/plan/branches/{branch}/changes", json=later | {"push": True})
        assert changed.status_code == 200
        assert (await http.post(f"/api/plan/branches/{branch}/acceptance")).json()["plan"]["number"] == 2
        forbidden = await http.post(f"/api/plan/branches/{branch}/reversal", headers={"role": "operator"})
        assert forbidden.status_code == 403
        back = (await http.post(f"/api/plan/branches/{branch}/reversal")).json()
        assert (back["number"], back["rules_broken"]) == (3, 0)
        assert (await http.get(f"/api/plan/branches/{branch}")).json()["back"] == 3
    assert works.record.done[-1][1] == "plan.branch_taken_back"
