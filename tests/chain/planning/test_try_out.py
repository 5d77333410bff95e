"""Wishes tried in the plan in force, and customers told when the plan moves: over the real service."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from batchone.chain.planning import store
from batchone.contracts.design import Design
from batchone.contracts.planning import PromiseMoved, Wish
from batchone.kernel.facts import adapter

pytestmark = pytest.mark.engine


async def wish(works, quantity: int = 1, *, overtime: bool = False) -> Wish:
    exploded = await works.context.get(Design).explode("t", "C")
    return Wish(exploded, quantity, (), overtime)


async def test_what_is_tried_gets_the_date_that_a_promise_would_and_reserves_nothing(works) -> None:
    (tried,) = await works.service.try_out("t", [await wish(works)])
    given = await works.service.insert("t", "C", 1, 0, (), 900.0)
    assert (tried.finish, tried.p90_finish) == (given.finish, given.p90_finish)
    again, other = await works.service.try_out("t", [await wish(works), await wish(works, 20)], (given.reservation,))
    assert again == tried
    assert other.finish > tried.finish
    assert set(works.planner.book.reserved) == {given.reservation}


async def test_a_promise_names_the_plan_in_force_also_when_an_order_made_it(works) -> None:
    assert (await works.service.insert("t", "C", 1, 0, (), 900.0)).plan == 0
    await ordered(works)
    assert (await works.service.insert("t", "C", 1, 0, (), 900.0)).plan == (await works.service.summary("t")).number == 1


async def test_a_wish_that_no_machine_can_make_gets_no_date(works) -> None:
    fine = await wish(works)
    steps = fine.exploded.operations
    lost = replace(fine.exploded, operations=(replace(steps[0], equipment_class="welding"), *steps[1:]))
    assert await works.service.try_out("t", [replace(fine, exploded=lost)]) == (None,)


async def test_overtime_names_the_machine_and_its_hours(works, clock) -> None:
    await works.service.insert("t", "C", 400, 0, (), 900.0)
    plain, over = await works.service.try_out("t", [await wish(works), await wish(works, overtime=True)])
    assert over.name["zh"] in {"车床", "装配台"}
    assert over.start >= clock.now()
    assert over.end > over.start
    assert over.finish <= plain.finish


async def moved(works) -> list[PromiseMoved]:
    async with works.context.database.transaction() as tx:
        rows = await tx.all("SELECT body::text AS body FROM kernel.outbox WHERE name = 'promise.moved' ORDER BY seq")
    return [adapter(PromiseMoved).validate_json(row["body"]) for row in rows]


async def ordered(works, order: str = "O1") -> None:
    given = await works.service.insert("t", "C", 1, 0, (), 900.0)
    await works.order(order, reservation=given.reservation)


async def down(works, equipment: str, state: str = "alarm") -> None:
    async with works.context.database.transaction() as tx:
        await store.set_equipment(tx, "t", equipment, state, works.context.clock.now())


async def test_a_breakdown_that_passes_the_p90_is_told_once_with_the_machine(works, clock) -> None:
    await ordered(works)
    await works.planner.plan_once(search=False)
    assert await moved(works) == []
    for _ in range(12):
        await clock.advance(1800)
        await down(works, "lathe-1")
        await works.planner.plan_once(search=False)
    told = await moved(works)
    # Half an hour lost again and again passes the first p90, and only now and then the ones told after it.
    assert 1 <= len(told) <= 5
    assert {each.kind for each in told} == {"later"}
    assert told[0].order == "O1"
    assert told[0].p90_finish >= told[0].finish
    assert any("Lathe" in reason.text["en"] for reason in told[0].reasons)
    assert any("车床" in reason.text["zh"] for reason in told[0].reasons)
    assert all(later.finish > earlier.p90_finish - timedelta(minutes=1) for earlier, later in pairwise(told))


async def test_what_becomes_of_promises_is_learnt(works, clock) -> None:
    await ordered(works)
    honesty = await works.planner.honesty()
    assert honesty.weight == 0
    async with works.context.database.transaction() as tx:
        outcome = await store.item_finished(tx, "t", "O1.0", "O1", clock.now() + timedelta(hours=3))
    assert outcome is not None
    assert outcome.likely <= outcome.sure
    again = await type(works).start(works.context)
    assert (await again.planner.honesty()).weight == 1
