"""What the compiled search makes of a shop with everything in it, judged by arithmetic that it does not share."""

from hypothesis import given, settings
from tests.chain.planning.judge.rich import rich_problems
from tests.chain.planning.problems import UNHURRIED

from batchone.chain.planning import Bound, Problem, validate
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.solvers.sequence import SequenceSearch


@settings(UNHURRIED, max_examples=60)
@given(rich_problems())
def test_a_searched_plan_keeps_every_rule(of: Problem) -> None:
    search = SequenceSearch(Compiled(of), 1)
    search.run(200)
    assert validate(of, search.schedule().plan("search", 1, Bound(0, 0))) == []
