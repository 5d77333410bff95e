"""A request for a promise that is repeated under its key is answered with the same promise, and reserves once."""

import asyncio

import pytest

from batchone.contracts.enterprises import Actor
from batchone.contracts.sales import PromiseGiven, Sales
from batchone.kernel.errors import Conflict, Refused

pytestmark = pytest.mark.engine
PLANNER = Actor("t", "paula", "Paula", "planner")
CUSTOMER = Actor("t", "ann", "Ann", "customer", "c-ann")


async def test_the_same_key_answers_with_the_same_promise(chain) -> None:
    sales, frozen = chain.context.get(Sales), chain.design.freeze()
    first = await sales.give_promise("t", frozen.id, 2, 0, PLANNER, "", "k1")
    assert await sales.give_promise("t", frozen.id, 2, 0, PLANNER, "", "k1") == first
    assert len(chain.planning.asked) == 1
    assert len(await chain.said(PromiseGiven)) == 1


async def test_many_at_once_under_one_key_reserve_once(chain) -> None:
    sales, frozen = chain.context.get(Sales), chain.design.freeze()
    asked = [sales.give_promise("t", frozen.id, 1, 0, CUSTOMER, "Q", "k1") for _ in range(6)]
    given = await asyncio.gather(*asked)
    assert {promise.id for promise in given} == {given[0].id}
    assert len(chain.planning.asked) == 1


async def test_keys_are_a_persons_own_and_for_one_request(chain) -> None:
    sales, frozen = chain.context.get(Sales), chain.design.freeze()
    first = await sales.give_promise("t", frozen.id, 1, 0, PLANNER, "", "k1")
    assert (await sales.give_promise("t", frozen.id, 1, 0, CUSTOMER, "", "k1")).id != first.id
    with pytest.raises(Conflict, match="used for another promise"):
        await sales.give_promise("t", frozen.id, 2, 0, PLANNER, "", "k1")
    with pytest.raises(Refused, match="readable"):
        await sales.give_promise("t", frozen.id, 1, 0, PLANNER, "", "a\nb")


async def test_without_a_key_each_request_is_one_of_its_own(chain, api) -> None:
    body = {"configuration": chain.design.freeze().id, "quantity": 1}
    plain = [(await api.post("/api/promises", json=body)).json()["id"] for _ in range(2)]
    keyed = [(await api.post("/api/promises", json=body, headers={"idempotency-key": "k"})).json()["id"] for _ in range(2)]
    assert len(set(plain)) == 2
    assert len(set(keyed)) == 1
