"""What would make a date earlier: tried in the plan, told in words with the date it would give."""

from datetime import timedelta

import pytest

from batchone.chain.sales.earlier import changes
from batchone.contracts.enterprises import Actor
from batchone.contracts.sales import Sales
from batchone.kernel.errors import NotFound

pytestmark = pytest.mark.engine
PLANNER = Actor("t", "paula", "Paula", "planner")


async def test_another_value_overtime_and_half_of_it_are_tried_without_the_promise_itself(chain, clock) -> None:
    # Six oak frames are there; the seventh takes four hours.
    sales, frozen = chain.context.get(Sales), chain.design.freeze("oak")
    given = await sales.give_promise("t", frozen.id, 7, 0, PLANNER)
    found = await sales.earlier("t", given.id)
    wishes, instead_of = chain.planning.tried[0]
    assert instead_of == ("R-1",)
    assert [(wish.quantity, wish.overtime) for wish in wishes] == [(7, False)] * (len(wishes) - 2) + [(3, False), (7, True)]
    assert [each.kind for each in found] == ["split", "overtime"]
    split, overtime = found
    assert (split.quantity, split.text["en"]) == (3, "3 of 7 delivered first")
    assert split.p90 == given.p90 - timedelta(hours=4)
    assert (overtime.equipment, overtime.text["zh"]) == ("saw", "锯床加班 1 小时")
    assert overtime.p90 == given.p90 - timedelta(hours=1)
    assert overtime.p50 < overtime.p90


async def test_another_value_is_told_with_its_price_where_it_is_there_sooner(chain) -> None:
    sales = chain.context.get(Sales)
    # Wide benches take two seats each: six of them are more than the ten red ones that are there.
    given = await sales.give_promise("t", chain.design.freeze("oak", "red", "wide").id, 6, 0, PLANNER)
    found = [each for each in await sales.earlier("t", given.id) if each.kind == "option"]
    assert [(each.option, each.value) for each in found] == [("size", "small")]
    assert found[0].text == {"en": "Size: small instead", "zh": "size改选small"}
    assert str(found[0].price_change.amount) == "60.00"
    assert found[0].p90 <= given.p90 - timedelta(minutes=15)


async def test_nothing_is_told_that_is_not_worth_it(chain) -> None:
    sales = chain.context.get(Sales)
    given = await sales.give_promise("t", chain.design.freeze().id, 1, 0, PLANNER)
    assert [each.kind for each in await sales.earlier("t", given.id)] == ["overtime"]


async def test_of_a_promise_that_nobody_gave_nothing_can_be_said(chain) -> None:
    with pytest.raises(NotFound):
        await chain.context.get(Sales).earlier("t", "P-nothing")


async def test_values_that_make_no_difference_in_the_plant_are_not_tried(chain) -> None:
    frozen = chain.design.freeze()
    exploded, others = await chain.design.explode("t", frozen.id), await chain.design.alternatives("t", frozen.id)
    same = next(each for each in others if each.option == "wood")
    tried = changes(
        exploded, 1, 0.0, [type(same)("look", {"en": "Look"}, "x", {"en": "X"}, same.price_difference, 0.0, exploded)]
    )
    assert [change.overtime for change in tried] == [True]
    assert len(changes(exploded, 1, 0.0, [same, same])) == 2


async def test_of_a_large_order_only_a_few_values_are_tried(chain) -> None:
    frozen = chain.design.freeze()
    exploded, others = await chain.design.explode("t", frozen.id), await chain.design.alternatives("t", frozen.id)
    assert len(others) > 2
    tried = [len([change for change in changes(exploded, n, 0.0, others) if change.alternative]) for n in (1, 1000)]
    assert tried == [len(others), 2]


async def test_over_the_api_a_customer_asks_for_their_own_only(chain, api) -> None:
    frozen = chain.design.freeze("oak")
    headers = {"authorization": "Bearer customer/ann/c-ann"}
    body = {"configuration": frozen.id, "quantity": 7}
    given = (await api.post("/api/promises", json=body, headers=headers)).json()
    answer = await api.get(f"/api/promises/{given['id']}/earlier", headers=headers)
    assert answer.status_code == 200
    assert {each["kind"] for each in answer.json()} == {"split", "overtime"}
    others = await api.get(f"/api/promises/{given['id']}/earlier", headers={"authorization": "Bearer customer/bob/c-bob"})
    assert others.status_code == 404
