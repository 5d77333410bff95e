"""An operation put where it may not stand, for the judge to name what is broken there."""

from tests.chain.planning.problems import op, problem

from batchone.chain.planning import Job, Resource, Rule, SetupMatrix, solve
from batchone.chain.planning.hand import Hand
from batchone.chain.planning.hand.forced import forced
from batchone.chain.planning.judged import broken_by_places
from batchone.chain.planning.model import Plan, Problem

OF = problem(
    [Resource("r", setup="s"), Resource("q")],
    [Job("A"), Job("B")],
    [
        op("A.1", "r", 60, setup_key="red"),
        op("A.2", "q", 60, ("A.1",)),
        op("B.1", "r", 60, setup_key="blue"),
    ],
    setups=(SetupMatrix("s", 30),),
)
PLAN = solve(OF, 0, 1)


def rules(of: Problem, plan: Plan) -> set[tuple[Rule, str]]:
    return {(each.rule, each.operation) for each in broken_by_places(of, plan)}


def test_every_rule_that_it_breaks_there_is_found_and_nothing_else_moves() -> None:
    floor = Hand(OF, PLAN).floor
    late = forced(floor, "A.1", "r", None, PLAN.by_operation["B.1"].start_s + 10)
    assert rules(OF, late) == {(Rule.CAPACITY, "A.1"), (Rule.PRECEDENCE, "A.2")}
    assert late.by_operation["B.1"] == PLAN.by_operation["B.1"]


def test_a_free_place_breaks_nothing_and_its_setup_stands_right_before_it() -> None:
    floor = Hand(OF, PLAN).floor
    far = forced(floor, "B.1", "r", 0, 5000)
    assert rules(OF, far) == set()
    assert far.by_operation["B.1"].setup_start_s == 4970


def test_a_resource_that_cannot_do_it_or_is_not_there_is_a_wrong_place() -> None:
    floor = Hand(OF, PLAN).floor
    assert rules(OF, forced(floor, "B.1", "q", None, 5000)) == {(Rule.PLACE, "B.1")}
    assert rules(OF, forced(floor, "B.1", "nowhere", None, 5000)) == {(Rule.PLACE, "B.1")}
