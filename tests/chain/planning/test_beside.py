"""What was put beside a plan is judged with what stands around it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from batchone.chain.planning import Rule
from batchone.chain.planning.beside import broken_beside

pytestmark = pytest.mark.engine


async def test_only_what_the_added_operations_break_is_told(works) -> None:
    await works.order("O1")
    await works.order("O2")
    await works.order("O3")
    await works.planner.plan_once(search=False)
    picture = await works.planner.picture()
    added = {each.id for each in picture.operations if each.order == "O3"}
    assert broken_beside(picture, added) == ()
    # Two of the others in one place are not the added one's fault; the added one in the place of another is.
    turning = {each.order: each for each in picture.operations if each.op == "10"}

    def onto(order: str, other: str):
        moved = replace(
            turning[order], setup_start=turning[other].setup_start, start=turning[other].start, end=turning[other].end
        )
        return replace(picture, operations=tuple(moved if each is turning[order] else each for each in picture.operations))

    assert broken_beside(onto("O2", "O1"), added) == ()
    found = broken_beside(onto("O3", "O1"), added)
    assert Rule.CAPACITY in {each.rule for each in found}
    late = replace(turning["O3"], start=turning["O3"].start + timedelta(hours=3), end=turning["O3"].end + timedelta(hours=3))
    moved = replace(picture, operations=tuple(late if each is turning["O3"] else each for each in picture.operations))
    assert {(each.rule, each.operation) for each in broken_beside(moved, added)} == {(Rule.PRECEDENCE, "O3.0/20")}


async def test_far_away_on_its_tracks_nothing_is_looked_at(works) -> None:
    for n in range(12):
        await works.order(f"O{n}")
    await works.planner.plan_once(search=False)
    picture = await works.planner.picture()
    turning = sorted(
        (each for each in picture.operations if each.op == "10" and each.equipment == "lathe-1"), key=lambda o: o.start
    )
    first, *_, before, last = turning
    broken = replace(before, setup_start=first.setup_start, start=first.start, end=first.end)
    elsewhere = replace(picture, operations=tuple(broken if each is before else each for each in picture.operations))
    added = {each.id for each in picture.operations if each.order == last.order}
    assert broken_beside(elsewhere, added) == ()
