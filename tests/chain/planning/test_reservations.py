"""Capacity that is held for promises: taken, given back, and remembered."""

from datetime import timedelta

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
