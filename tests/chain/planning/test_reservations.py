"""Capacity that is held for promises: taken, given back, and remembered."""

import asyncio
from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

import pytest

pytestmark = pytest.mark.engine


async def insert(works, *instead_of: str, quantity: int = 20):
    return await works.service.insert("t", "C", quantity, 0, (), 900.0, instead_of)


async def held(works) -> list[str]:
    async with works.context.database.transaction() as tx:
        return [row["id"] for row in await tx.all("SELECT id FROM planning.reservations ORDER BY id")]


async def test_a_reservation_holds_its_capacity_against_the_next_one(works) -> None:
    first, second = await insert(works), await insert(works)
    assert second.finish > first.finish + timedelta(minutes=5)


async def test_one_that_is_given_back_is_free_for_the_one_instead_of_it(works) -> None:
    first = await insert(works)
    second = await insert(works, first.reservation)
    assert second.finish == first.finish
    assert await held(works) == [second.reservation]
    third = await insert(works, second.reservation, first.reservation, "R-unknown")
    assert third.finish == first.finish


async def test_what_was_given_back_stays_free_when_the_plan_is_read_anew(works) -> None:
    first = await insert(works)
    await insert(works, first.reservation, quantity=1)
    again = await type(works).start(works.context)
    await again.planner.load_reservations()
    third = await insert(again)
    assert third.finish < first.finish + timedelta(minutes=5)


async def test_what_an_order_took_cannot_be_given_back(works) -> None:
    first = await insert(works)
    await works.order("O1", items=20, reservation=first.reservation)
    second = await insert(works, first.reservation)
    assert second.finish > first.finish
    assert {each.op for each in await works.service.of_order("t", "O1")} == {"10", "20", "30"}


async def test_however_many_change_their_mind_at_once_each_holds_one_place_and_no_two_the_same(works) -> None:
    async def somebody() -> str:
        last = (await insert(works, quantity=5)).reservation
        for quantity in (3, 7, 4, 6):
            last = (await insert(works, last, quantity=quantity)).reservation
        return last

    last = await asyncio.gather(*(somebody() for _ in range(6)))
    await works.order("O1", items=6, reservation=last[0])
    again = (await insert(works, last[1], quantity=5)).reservation
    assert await held(works) == sorted([again, *last[2:]])
    kept = works.planner.book.kept()
    assert set(kept) == {"O1", again, *last[2:]}
    placed = defaultdict(list)
    for each in kept.values():
        for item in each.items:
            for a, _ in item:
                placed[a.resource, a.track].append((a.setup_start_s, a.end_s))
    assert sum(len(spans) for spans in placed.values()) == 3 * (5 + 5 * 6)
    for spans in placed.values():
        spans.sort()
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


async def plans(works):
    return await works.service.summaries("t", 9)


async def test_an_order_in_its_reserved_place_makes_a_plan_that_breaks_no_rule(works) -> None:
    await works.order("O0", items=3)
    await works.planner.plan_once(search=False)
    first = await insert(works, quantity=4)
    await works.order("O1", items=4, reservation=first.reservation)
    made = (await plans(works))[0]
    assert (made.method, made.why, made.rules_broken) == ("insertion", "order placed", 0)


async def test_a_place_that_a_machine_took_since_is_told_and_mended_by_the_next_plan(works, clock) -> None:
    await works.order("O0")
    await works.planner.plan_once(search=False)
    first = await insert(works, quantity=4)
    await clock.advance(60)
    # What runs on the lathe now ends long after what was promised there was to begin.
    await works.starts("O0.0", "10", "lathe-1", 1, seconds=4000)
    await works.order("O1", items=4, reservation=first.reservation)
    made = (await plans(works))[0]
    assert made.rules_broken > 0
    assert made.why.startswith("order placed; ")
    assert "of job 'O1'" in made.why
    mended = await works.planner.plan_once(search=False)
    assert (mended.number, mended.rules_broken) == (made.number + 1, 0)
