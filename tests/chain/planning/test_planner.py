"""The planner over its tables: a report that cannot be does not stop the plan, and is told; every plan is judged."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from batchone.chain.planning import store
from batchone.chain.planning.files import native
from batchone.chain.planning.planner import PlanningSettings
from batchone.chain.planning.worker import _packed, unpack_task
from batchone.contracts.planning import Searching
from batchone.kernel.remote import serve

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


async def test_what_a_search_elsewhere_answers_is_judged_here_and_gives_way_if_it_breaks_a_rule(works) -> None:
    class Careless:
        """Puts every operation to the second 0."""

        async def search(self, packed: str, budget_s: float, seed: int, frozen_s: int, tell_on: str) -> str:
            _, plan, _ = unpack_task(packed)
            every = (replace(a, setup_start_s=0, start_s=0, end_s=a.end_s - a.start_s) for a in plan.assignments)
            return _packed(native.write_plan(replace(plan, assignments=tuple(every), produced_by="careless")))

    await works.order("O1")
    await works.order("O2")
    await works.planner.plan_once(search=False)
    works.planner.settings = PlanningSettings(search_elsewhere=True)
    works.planner._pool = ThreadPoolExecutor(1)
    serving = asyncio.create_task(serve(works.context.bus, Searching, Careless()))
    await asyncio.sleep(0.01)
    with capture_logs() as logs:
        made = await works.planner.plan_once(search=True, why="search elsewhere")
    serving.cancel()
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["plan.search_broken"]
    assert (made.method, made.rules_broken) == ("repair", 0)


async def test_a_plan_is_stored_with_what_the_judge_says_of_it(works) -> None:
    await works.order("O1")
    await works.order("O2")
    sound = await works.planner.plan_once(search=False)
    assert sound.rules_broken == 0
    await works.starts("O1.0", "10", "lathe-1", 1)
    await works.starts("O2.0", "10", "lathe-1", 1)
    # Two machines' reports that cannot both be: the plan has what it can of them.
    told = await works.planner.plan_once(search=False)
    assert (await works.service.summary("t")) == told
    assert told.rules_broken is not None


async def test_small_shifts_in_the_way_of_a_great_one_are_written_down_too(works, clock) -> None:
    await works.order("O1", items=6)
    first = await works.planner.plan_once(search=False)
    turning = sorted(
        (each for each in await works.service.of_order("t", "O1") if each.op == "10" and each.equipment == "lathe-1"),
        key=lambda each: each.start,
    )
    # The first takes less than the tolerance longer than was planned; what is behind it need not be a new plan.
    late = works.planner.settings.tolerance_s - 1
    await works.starts(turning[0].item, "10", "lathe-1", 1, seconds=(turning[0].end - turning[0].start).total_seconds() + late)
    assert await works.planner.plan_once(search=False) is None
    # Now something else changes by much, and what is stored must hold as a whole.
    await works.order("O2")
    made = await works.planner.plan_once(search=False)
    assert (made.number, made.rules_broken) == (first.number + 1, 0)
    stands = {each.item: each for each in await works.service.of_order("t", "O1") if each.op == "10"}
    assert stands[turning[1].item].setup_start >= stands[turning[0].item].end
    assert stands[turning[1].item].start - turning[1].start < timedelta(seconds=late + 60)
