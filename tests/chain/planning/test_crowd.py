"""Many who ask at once: over the real service and PostgreSQL, while plans come into force, no capacity is sold twice."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta

import pytest

from batchone.chain.planning import Job, Operation, Rule, validate
from batchone.chain.planning.book import shifted
from batchone.chain.planning.model import Alternative
from batchone.kernel.errors import Refused

pytestmark = pytest.mark.engine


async def asks(works, chance: random.Random, mine: list[str]) -> None:
    """A customer who asks, changes their mind, and orders in the end or never."""
    for n in range(4):
        await asyncio.sleep(chance.random() / 50)
        given = await works.service.insert("t", "C", chance.choice((1, 2, 12)), 0, (), 900.0, tuple(mine[-1:]))
        mine.append(given.reservation)
        if chance.random() < 0.4:
            reserved = works.planner.book.reserved[given.reservation]
            async with works.planner.lock:
                await works.order(f"O-{given.reservation}", items=len(reserved.items), reservation=given.reservation)
            mine.clear()
        if n == 2 and chance.random() < 0.3:
            with pytest.raises(Refused):
                await works.service.insert("t", "C", 1, 0, (_never(works),), 900.0)


def _never(works):
    class Never:
        @property
        def at(self):
            raise Refused("test.never", "Never.", "Never.")

    return Never()


async def plans(works, times: int) -> None:
    for _ in range(times):
        await works.planner.plan_once(search=False, why="again")
        await asyncio.sleep(0.005)


async def judged(works):
    """The plan in force with everything that is held beside it, as one plan, under the judge."""
    picture = await works.planner.picture()
    problem, plan = picture.problem(), picture.in_force()
    operations, assignments, jobs = list[Operation](), list(plan.assignments), list[Job]()
    for held in works.planner.book.reserved.values():
        jobs.append(Job(held.id))
        for item in shifted(held, picture.now):
            for a, key in item:
                seconds = a.end_s - a.start_s
                operations.append(Operation(a.operation, held.id, (Alternative(a.resource, seconds),), setup_key=key))
                assignments.append(replace(a, job=held.id))
    whole = replace(problem, jobs=(*problem.jobs, *jobs), operations=(*problem.operations, *operations))
    together = replace(plan, assignments=tuple(sorted(assignments, key=lambda a: (a.start_s, a.operation))))
    return [each for each in validate(whole, together) if each.rule in (Rule.CAPACITY, Rule.PLACE, Rule.COMPLETENESS)]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_judge_finds_no_double_use_however_many_ask_and_order_at_once(works, seed) -> None:
    chance = random.Random(seed)
    await asyncio.gather(*(asks(works, random.Random(chance.random()), []) for _ in range(25)), plans(works, 12))
    assert await judged(works) == []
    assert len(works.planner.book.reserved) > 5
    async with works.context.database.transaction() as tx:
        rows = await tx.all("SELECT id, placed FROM planning.reservations ORDER BY id")
    # What is written down is what is held: after a restart nothing stands elsewhere.
    held = works.planner.book.reserved
    assert {row["id"] for row in rows} == set(held)
    for row in rows:
        stood = [[(a.operation, a.start_s) for a, _ in item] for item in held[row["id"]].items]
        assert stood == [[(values[0], values[5]) for values, _ in item] for item in row["placed"]]


async def test_what_is_held_gives_way_to_a_plan_and_is_held_elsewhere(works, clock) -> None:
    first = await works.service.insert("t", "C", 3, 0, (), 900.0)
    before = works.planner.book.reserved[first.reservation]
    # An order without a place of its own is planned where the reservation stands, since a plan knows none.
    await works.order("O1", items=3)
    made = await works.planner.plan_once(search=False)
    assert made is not None
    after = works.planner.book.reserved[first.reservation]
    assert after != before
    assert await judged(works) == []


async def test_after_a_restart_what_was_held_is_held_where_it_was(works) -> None:
    first = await works.service.insert("t", "C", 3, 0, (), 900.0)
    again = await type(works).start(works.context)
    await again.planner.load_reservations()
    held = again.planner.book.reserved[first.reservation]
    assert held.items == works.planner.book.reserved[first.reservation].items
    second = await again.service.insert("t", "C", 3, 0, (), 900.0)
    assert second.finish > first.finish
    assert await judged(again) == []


async def test_what_could_not_be_written_down_holds_nothing(works) -> None:
    free = (await works.service.insert("t", "C", 5, 0, (), 900.0)).reservation
    works.planner.book.give_back([free])
    with pytest.raises(Exception, match="duplicate key"):
        # The id is taken already, so that storing fails after the place was found.
        await _with_id(works, free)
    assert works.planner.book.reserved == {}
    assert (await works.service.insert("t", "C", 1, 0, (), 900.0)).finish < works.context.clock.now() + timedelta(hours=1)


async def _with_id(works, name: str) -> None:
    ids = works.context.ids
    works.context.ids = type("Fixed", (), {"new": lambda self, kind: name})()
    try:
        await works.service.insert("t", "C", 5, 0, (), 900.0)
    finally:
        works.context.ids = ids
