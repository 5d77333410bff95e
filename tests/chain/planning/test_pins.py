"""What a planner pinned stays through repairs and searches."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.chain.planning.problems import UNHURRIED, lasting, op, problem, problems

from batchone.chain.planning import Job, Moved, Resource, SetupMatrix, move, repair, solve, validate
from batchone.chain.planning.pins import Pin, hold, holds, pinned


@UNHURRIED
@given(problems().map(lasting), st.data())
def test_a_plan_that_holds_its_pins_is_valid_and_a_legal_place_is_kept(of, data) -> None:
    plan = solve(of, 0, 1)
    a = data.draw(st.sampled_from(plan.assignments))
    start = data.draw(st.integers(0, 120))
    found = move(of, plan, a.operation, start_s=start, push=True)
    assume(isinstance(found, Moved))
    # A setup that waits for the item waits for its material too, when a repair times it.
    material = {o.id: max(o.earliest_s, j.release_s) for o in of.operations for j in of.jobs if j.id == o.job}
    assume(found.now[0].setup_start_s >= material[a.operation])
    pin = Pin(a.operation, a.resource, found.now[0].track, start)
    bound = pinned(of, [pin])
    searched = solve(bound.problem, 0, 2)
    held = hold(bound, searched)
    assert validate(bound.problem, held) == []
    assert hold(bound, found.plan) == found.plan
    # Repairing the plan by hand leaves the pin alone.
    assert holds(pin, hold(bound, repair(bound.problem, found.plan)))


def test_a_search_that_would_rather_do_another_first_is_put_right() -> None:
    of = problem(
        [Resource("m", setup="s", keys=("red",))],
        [Job("a", 100), Job("b", 10, 9), Job("c", 20, 9)],
        [op("a.0", "m", 10, setup_key="red"), op("b.0", "m", 10, setup_key="green"), op("c.0", "m", 10, setup_key="green")],
        setups=(SetupMatrix("s", 5),),
    )
    pin = Pin("a.0", "m", 0, 12)
    bound = pinned(of, [pin])
    plan = hold(bound, solve(bound.problem, 0, 1))
    assert holds(pin, plan)
    assert validate(of, plan) == []


def test_a_pin_is_given_up_when_its_equipment_is_down_or_gone_and_forgotten_when_its_operation_is() -> None:
    of = problem([Resource("m"), Resource("n")], [Job("a")], [op("a.0", {"m": 10, "n": 10})])
    down = replace(of, resources=(replace(of.resources[0], available_from_s=50), of.resources[1]))
    pin = Pin("a.0", "m", 0, 20)
    assert [why for _, why in pinned(down, [pin]).lost] == ["down"]
    assert pinned(down, [pin]).problem is down
    assert [why for _, why in pinned(of, [replace(pin, resource="ghost")]).lost] == ["place"]
    assert [why for _, why in pinned(of, [replace(pin, track=1)]).lost] == ["place"]
    assert pinned(of, [replace(pin, operation="x")]) == pinned(of, [])
