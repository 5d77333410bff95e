"""The planner over its tables: a report that cannot be does not stop the plan, and is told."""

import pytest
from structlog.testing import capture_logs

from batchone.chain.planning import store

pytestmark = pytest.mark.engine


async def test_two_running_on_one_place_are_told_while_the_rest_is_planned(works) -> None:
    await works.order("O1")
    await works.order("O2")
    await works.starts("O1.0", "10", "lathe-1", 1)
    await works.starts("O2.0", "10", "lathe-1", 1)
    with capture_logs() as logs:
        made = await works.planner.plan_once(search=False)
    assert made.why.startswith("order.placed; ")
    assert made.why.endswith("runs on lathe-1 beside others on all of its 1 positions")
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["plan.clash"]
    for order in ("O1", "O2"):
        assert {each.op for each in await works.service.of_order("t", order)} == {"10", "20", "30"}


async def test_a_clash_is_told_even_if_nothing_else_changed_and_logged_only_once(works, clock) -> None:
    await works.order("O1")
    await works.planner.plan_once(search=False)
    assert await works.planner.plan_once(search=False) is None
    await works.starts("O1.0", "10", "lathe-1", 4)
    made = await works.planner.plan_once(search=False)
    assert made.why == "time went on; O1.0/10 runs on lathe-1 at position 4 of 1"
    with capture_logs() as logs:
        assert await works.planner.plan_once(search=False) is None
    assert logs == []


async def test_a_promise_is_given_while_a_machine_reports_a_position_that_it_does_not_have(works) -> None:
    await works.order("O1")
    await works.starts("O1.0", "10", "lathe-1", 4)
    given = await works.service.insert("t", "C", 1, 0, (), 900.0)
    assert given.finish > works.context.clock.now()


async def test_many_clashes_are_told_in_few_words(works) -> None:
    for number in range(6):
        await works.order(f"O{number}")
        await works.starts(f"O{number}.0", "10", "lathe-1", 1)
    made = await works.planner.plan_once(search=False)
    assert made.why.count(" runs on ") == 3
    assert made.why.endswith("; 2 more that cannot be")


async def test_an_order_that_comes_while_the_plant_is_looked_at_comes_whole_or_not_at_all(works, monkeypatch) -> None:
    await works.order("O1")
    read = store.open_operations

    async def slowly(tx, tenant, tracks=None):
        if tracks is None:
            await works.order("O2")
        return await read(tx, tenant, tracks)

    monkeypatch.setattr(store, "open_operations", slowly)
    picture = await works.planner.picture()
    assert {each.order for each in picture.operations} == {order.id for order in picture.orders} == {"O1"}
