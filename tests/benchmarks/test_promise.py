"""The plans that promises are measured against are plans, and a measured insertion leaves them as they were."""

from benchmarks.plans import NOW, dispatched, open_operations, picture_of, planned, wishes
from benchmarks.platform import the_pack
from benchmarks.promise import insertions, pure, timeline_of

from batchone.chain.design.model import compile_pack
from batchone.chain.planning.promise import insert_items
from batchone.chain.planning.validator import validate

BLUEPRINT = compile_pack(the_pack())


def test_open_orders_have_every_operation_of_the_routing() -> None:
    operations = open_operations(wishes(BLUEPRINT, 3, seed=1))
    assert len(operations) == 3 * len(BLUEPRINT.pack.routing)
    assert len({each.order for each in operations}) == 3


def test_the_plan_to_insert_into_keeps_every_rule() -> None:
    problem = picture_of(BLUEPRINT, open_operations(wishes(BLUEPRINT, 8, seed=1))).problem()
    assert not validate(problem, dispatched(problem))
    state = planned(BLUEPRINT, 8, seed=1)
    assert len(state.plan.assignments) == len(state.problem.operations) == 8 * len(BLUEPRINT.pack.routing)


def test_all_insertions_meet_the_same_plan() -> None:
    state, asked = planned(BLUEPRINT, 8, seed=1), wishes(BLUEPRINT, 2, seed=2)
    timeline = timeline_of(state.problem, state.plan)
    first = insert_items(timeline.fork(), asked[0], 1, "R", (), NOW).finish_s
    assert len(insertions(timeline, asked)) == 2
    assert insert_items(timeline.fork(), asked[0], 1, "R", (), NOW).finish_s == first


def test_the_table_has_a_row_for_each_size() -> None:
    table = pure(BLUEPRINT, (2, 4), promises=2, replans=1)
    assert [row[0] for row in table.rows] == ["2 orders", "4 orders"]
    assert [row[1] for row in table.rows] == [2 * len(BLUEPRINT.pack.routing), 4 * len(BLUEPRINT.pack.routing)]
