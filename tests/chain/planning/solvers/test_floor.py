import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chain.planning.problems import UNHURRIED, plant, problems

from batchone.chain.planning import Problem, validate
from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import RuleOfDispatch, Urgency, dispatch
from batchone.chain.planning.solvers.floor import Floor, FloorSearch, Tuned, key_of
from batchone.chain.planning.solvers.sequence import schedule_of
from batchone.chain.planning.solvers.tables import tables_of
from batchone.kernel.errors import Refused

RULES = st.builds(
    RuleOfDispatch, st.sampled_from(Urgency), st.sampled_from([0, 4, 20, 100]), st.sampled_from([10, 60, 1 << 50])
)


@UNHURRIED
@given(problems(), RULES)
def test_compiled_dispatching_makes_plans_that_can_be_carried_out(of: Problem, rule: RuleOfDispatch) -> None:
    compiled = Compiled(of)
    tables = tables_of(compiled)
    state = Floor(compiled, tables).run(Tuned.of(rule, compiled))
    if state is None:
        with pytest.raises(Refused):
            dispatch(compiled, rule)
        return
    assert validate(of, schedule_of(compiled, tables, state).plan("", 0, bound_of(compiled))) == []


@pytest.mark.parametrize("urgency", list(Urgency))
@pytest.mark.parametrize(("weight", "calm_s"), [(4, 1 << 50), (50, 1 << 50), (100, 3600)])
def test_compiled_dispatching_follows_the_rule_as_it_is_written(urgency: Urgency, weight: int, calm_s: int) -> None:
    compiled, rule = Compiled(plant(60)), RuleOfDispatch(urgency, weight, calm_s)
    tables = tables_of(compiled)
    state = Floor(compiled, tables).run(Tuned.of(rule, compiled))
    assert state is not None
    written = dispatch(compiled, rule)
    assert key_of(compiled, tables, state) == written.objective().key(compiled.problem.aim)
    assert state.op["start"].tolist() == written.start


def test_a_search_over_rules_only_gets_better_and_comes_back_the_same() -> None:
    compiled = Compiled(plant(40, due_h=(1.0, 1.5)))
    tables = tables_of(compiled)
    one, two = FloorSearch(compiled, 7, tables), FloorSearch(compiled, 7, tables)
    before: tuple[int, ...] | None = None
    for _ in range(40):
        one.run(1)
        assert before is None or one.worth <= before
        before = one.worth
    two.run(40)
    assert one.worth == two.worth
    assert one.worth < dispatch(compiled).objective().key(compiled.problem.aim)
