"""Promises through the service over a plan that was written into its tables: a small one, to see that it is what it says."""

import random

import pytest
from benchmarks.crowd import works
from benchmarks.plans import NOW, planned
from benchmarks.platform import the_pack

from batchone.chain.design.model import compile_pack

pytestmark = pytest.mark.engine


async def test_a_promise_meets_the_plan_that_was_written() -> None:
    state = planned(compile_pack(the_pack()), 12, seed=1)
    async with works(state.picture.operations, state.picture.orders) as running:
        picture = await running.planner.picture()
        assert {each.id for each in picture.operations} == {each.id for each in state.picture.operations}
        there = {each.id: (each.equipment, each.position, each.start) for each in state.picture.operations}
        assert {each.id: (each.equipment, each.position, each.start) for each in picture.operations} == there
        given = await running.promise(await running.configuration(random.Random(1)))
        assert given["p90"] >= given["p50"] > NOW.isoformat()
        assert len(running.planner.book.reserved) == 1
