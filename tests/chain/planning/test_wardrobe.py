"""The pack with tools, people, a crew, a cure, a tariff and an aim: planned by the planner, and promised from its plan."""

from datetime import timedelta
from itertools import pairwise

import pytest
from tests.support_pack import PACKS, pack_texts

from batchone.chain.design.completion import complete
from batchone.chain.planning import solve, store, validate
from batchone.chain.planning.book import dated
from batchone.chain.planning.model import Measure
from batchone.chain.planning.planner import assignment_of
from batchone.chain.planning.timeline import Timeline
from batchone.contracts.design import Design
from batchone.contracts.production import JobReleased

pytestmark = pytest.mark.engine
MOST = timedelta(days=3)
CHOICES = {"bays": "2", "bay.1.trays": "1", "bay.2.trays": "1"}


@pytest.fixture
def files():
    return pack_texts(PACKS / "wardrobe")


@pytest.fixture
async def cabinets(works):
    """The works with wardrobes of two bays, a tray in each."""

    sold = works.context.get(Design)
    sold.choices = complete(sold.blueprint, sold.blueprint.known(CHOICES))
    return works


async def in_force(works):
    """The problem as it stands, and the plan of the tables for it."""
    picture = await works.planner.picture()
    return picture.problem(), picture.in_force()


async def test_an_order_is_planned_to_cure_and_with_the_tool_and_the_people_it_needs(cabinets) -> None:
    for order in ("O1", "O2", "O3"):
        await cabinets.order(order)
    made = await cabinets.planner.plan_once(search=True, why="asked for")
    of, plan = await in_force(cabinets)
    assert (of.aim, of.tariff is not None) == ((Measure.TARDINESS, Measure.SETUP, Measure.MAKESPAN, Measure.ENERGY), True)
    # The tables keep all that a plan is made of but what it is worth, which stands in its summary.
    assert {str(each.rule) for each in validate(of, plan)} <= {"objective"}
    at = {each.op: each for each in await cabinets.service.of_order("t", "O1")}
    assert made.operations == 3 * len(at)
    for bay in ("1", "2"):
        cured = at[f"30.{bay}"].start - at[f"20.{bay}.1"].end
        assert timedelta(minutes=25) <= cured <= MOST
        assert [name for name, _ in at[f"40.{bay}"].also] == ["joiners", "hinge-template"]
    assert with_template(plan.assignments) == 6
    # Planned again, everybody keeps what they have.
    assert await cabinets.planner.plan_once(search=False) is None
    better = solve(of, 1.0, 1, in_force=plan)
    assert validate(of, better) == []
    assert with_template(better.assignments) == 6
    # A plan of the past tells of them, too.
    past = {each.op: each for each in (await cabinets.service.plan("t", made.number)).operations if each.order == "O1"}
    assert past["40.1"].also == at["40.1"].also


async def test_promises_hold_the_tool_and_cure_and_no_two_of_them_get_the_same(cabinets) -> None:
    await cabinets.order("O1")
    await cabinets.planner.plan_once(search=False)
    given = [await cabinets.service.insert("t", "C", 2, 0, (), 900.0) for _ in range(3)]
    taken = [a for each in given for a in await held(cabinets, each.reservation)]
    taken += [a for a in (await in_unix(cabinets)) if ("hinge-template", 0) in a.also]
    assert with_template(taken) == 2 * 2 * 3 + 2
    by_name = {a.operation: a for a in taken}
    for name, a in by_name.items():
        item, _, op = name.rpartition("/")
        if op.startswith("30."):
            cured = a.start_s - by_name[f"{item}/20.{op.removeprefix('30.')}.1"].end_s
            assert 25 * 60 <= cured <= MOST.total_seconds()


async def test_what_was_promised_keeps_its_tool_when_another_plan_comes_into_force_and_after_a_restart(cabinets) -> None:
    await cabinets.order("O1")
    await cabinets.planner.plan_once(search=False)
    first = await cabinets.service.insert("t", "C", 1, 0, (), 900.0)
    await cabinets.planner.plan_once(search=False, why="again")
    again = await type(cabinets).start(cabinets.context)
    await again.planner.load_reservations()
    second = await again.service.insert("t", "C", 1, 0, (), 900.0)
    promised = [await held(again, each.reservation) for each in (first, second)]
    assert with_template([a for each in promised for a in each]) == 4


async def test_an_order_takes_the_place_and_the_tools_of_its_promise(cabinets) -> None:
    given = await cabinets.service.insert("t", "C", 1, 0, (), 900.0)
    promised = {a.operation.rpartition("/")[2]: a.also for a in await held(cabinets, given.reservation)}
    await cabinets.order("O1", reservation=given.reservation)
    of, plan = await in_force(cabinets)
    assert {a.operation.rpartition("/")[2]: a.also for a in plan.assignments} == promised
    assert {str(each.rule) for each in validate(of, plan)} <= {"objective"}
    assert max(plan.at(a.end_s) for a in plan.assignments) <= given.p90_finish
    Timeline.of(of, plan)


async def test_a_job_that_took_another_tool_than_planned_keeps_that_one(cabinets) -> None:
    await cabinets.order("O1")
    await cabinets.planner.plan_once(search=False)
    said = JobReleased("J1", "O1.0", "O1", "40.1", 1, "bench-1", (("joiners", 1), ("hinge-template", 0)))
    async with cabinets.context.database.transaction() as tx:
        await cabinets.service.on_job_released(tx, cabinets.heard(said))
    await cabinets.starts("O1.0", "40.1", "bench-1", 1, seconds=180)
    await cabinets.planner.plan_once(search=False)
    _, plan = await in_force(cabinets)
    assert plan.by_operation["O1.0/40.1"].also == (("joiners", 1), ("hinge-template", 0))
    assert plan.by_operation["O1.0/40.2"].setup_start_s >= 180
    async with cabinets.context.database.transaction() as tx:
        await store.again(tx, "t", "O1.0", "40.1", 2)
    [waits] = [each for each in (await cabinets.planner.picture()).operations if each.op == "40.1"]
    assert (waits.state, waits.also) == ("planned", ())


async def test_the_glue_sets_on_after_the_tray_is_done(cabinets, clock) -> None:
    await cabinets.order("O1")
    await cabinets.planner.plan_once(search=False)
    now = clock.now()
    async with cabinets.context.database.transaction() as tx:
        await store.started(tx, "t", "O1.0", "20.1.1", 1, "bench-1", 1, now - timedelta(minutes=5), now)
        await store.finished(tx, "t", "O1.0", "20.1.1", 1, now - timedelta(minutes=5), now)
    await cabinets.planner.plan_once(search=False)
    [fit] = [each for each in await cabinets.service.of_order("t", "O1") if each.op == "30.1"]
    assert fit.start >= now + timedelta(minutes=25)


def with_template(assignments) -> int:
    """How many have the drilling template, one after another."""
    spans = sorted((a.setup_start_s, a.end_s) for a in assignments if ("hinge-template", 0) in a.also)
    assert all(ends <= begins for (_, ends), (begins, _) in pairwise(spans))
    return len(spans)


async def held(works, reservation):
    async with works.context.database.transaction() as tx:
        rows = await store.reservations(tx, "t", works.context.clock.now())
    return [assignment_of(values) for row in rows if row["id"] == reservation for item in row["placed"] for values, _ in item]


async def in_unix(works):

    of, plan = await in_force(works)
    return [dated(a, of.origin) for a in plan.assignments]
