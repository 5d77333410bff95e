from hypothesis import given
from tests.chain.planning.problems import UNHURRIED, op, problem, problems

from batchone.chain.planning import Job, Problem, Resource, validate
from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import dispatch
from batchone.chain.planning.replay import replay
from batchone.chain.planning.schedule import UNPLACED


@UNHURRIED
@given(problems())
def test_a_schedule_replayed_in_its_own_order_is_no_later(of: Problem) -> None:
    compiled = Compiled(of)
    first = dispatch(compiled)
    # Work that takes no time may share its start with what follows it, so the starts alone are not the order.
    order = sorted(compiled.topological, key=lambda i: (first.start[i], first.end[i]))
    again = replay(compiled, first.resource, first.track, [order.index(i) for i in range(compiled.n)])
    assert again is not None
    assert validate(of, again.plan("test", 0, bound_of(compiled))) == []
    assert all(late <= soon for late, soon in zip(again.end, first.end, strict=True))


@UNHURRIED
@given(problems())
def test_a_replay_without_tracks_finds_some(of: Problem) -> None:
    compiled = Compiled(of)
    first = dispatch(compiled)
    again = replay(compiled, first.resource, [UNPLACED] * compiled.n, first.start, chained=False)
    assert again is not None
    assert validate(of, again.plan("test", 0, bound_of(compiled))) == []


def test_an_order_against_the_precedences_gives_nothing() -> None:
    compiled = Compiled(problem([Resource("r")], [Job("j")], [op("j.0", "r"), op("j.1", "r", after=("j.0",))]))
    assert replay(compiled, [0, 0], [0, 0], [5, 0]) is None
