"""What planning's tables hold to: plans that are stored stay as they are."""

import psycopg
import pytest

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE planning.plans SET late_orders = 0",
        "UPDATE planning.plans SET changes = '' WHERE number = 1",
        "DELETE FROM planning.plans WHERE number = 1",
        "TRUNCATE planning.plans",
    ],
)
async def test_the_database_refuses_to_change_or_forget_a_plan(works, statement: str) -> None:
    await works.order("O1")
    made = await works.planner.plan_once(search=False)
    window = await works.service.plan("t", made.number)
    with pytest.raises(psycopg.errors.RestrictViolation, match="only ever added to"):
        async with works.context.database.transaction() as tx:
            await tx.run(statement)
    assert await works.service.plan("t", made.number) == window


async def test_reservations_still_expire_and_the_next_plan_still_comes(works, clock) -> None:
    await works.service.insert("t", "C", 1, 0, (), 60.0)
    await works.order("O1")
    first = await works.planner.plan_once(search=False)
    await clock.advance(61)
    await works.planner.load_reservations()
    await works.order("O2")
    second = await works.planner.plan_once(search=False)
    assert second.number > first.number
    async with works.context.database.transaction() as tx:
        assert await tx.all("SELECT id FROM planning.reservations") == []
