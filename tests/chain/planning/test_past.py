"""Plans of the history are there as they were, whatever came after them."""

import pytest

from batchone.chain.planning.past import past_plans
from batchone.kernel.errors import NotFound

pytestmark = pytest.mark.engine


async def test_plans_are_read_as_they_were_with_when_their_orders_are_due(works) -> None:
    await works.order("O1")
    first = await works.planner.plan_once(search=False)
    await works.order("O2")
    second = await works.planner.plan_once(search=False)
    (earlier, later), due = await past_plans(works.context.database, "t", first.number, second.number)
    assert {a.job for a in earlier.plan.assignments} == {"O1"}
    assert {a.job for a in later.plan.assignments} == {"O1", "O2"} == set(due)
    assert later.summary == second
    with pytest.raises(NotFound, match="no plan 99"):
        await past_plans(works.context.database, "t", first.number, 99)
