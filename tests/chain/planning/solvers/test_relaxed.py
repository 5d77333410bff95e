"""The whole problem without breaks and setups: a bound that holds, and an order that can be carried out."""

from hypothesis import given, settings
from tests.chain.planning.problems import UNHURRIED, problems

from batchone.chain.planning import Problem, validate
from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import dispatch
from batchone.chain.planning.replay import replay
from batchone.chain.planning.schedule import UNPLACED
from batchone.chain.planning.solvers.relaxed import relaxed


@settings(UNHURRIED, max_examples=25)
@given(problems())
def test_the_bound_holds_and_the_order_met_is_a_plan_once_it_is_timed(of: Problem) -> None:
    compiled = Compiled(of)
    known = dispatch(compiled)
    found = relaxed(compiled, known, 0.5, seed=1, workers=1)
    assert found.bound_s <= max(known.end)
    if found.order is None:
        return
    resource, start = found.order
    track = [0 if compiled.positions[r] == 1 else UNPLACED for r in resource]
    timed = replay(compiled, resource, track, start)
    if timed is not None:
        assert max(timed.end) >= found.bound_s
        assert validate(of, timed.plan("test", 0, bound_of(compiled))) == []
