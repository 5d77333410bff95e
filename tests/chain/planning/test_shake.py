from tests.chain.planning.problems import plant

from batchone.chain.planning import validate
from batchone.chain.planning.bounds import bound_of
from batchone.chain.planning.compiled import Compiled
from batchone.chain.planning.dispatch import RuleOfDispatch, Urgency, dispatch
from batchone.chain.planning.schedule import Schedule
from batchone.chain.planning.shake import shake


def climb(seed: int) -> list[Schedule]:
    compiled = Compiled(plant(40, due_h=(1, 2)))
    found: list[Schedule] = []
    left = iter(range(40, -1, -1))
    shake(compiled, RuleOfDispatch(Urgency.SLACK, 20), seed, left_s=lambda: next(left), better=found.append)
    return found


def test_shaking_climbs_and_every_step_can_be_carried_out() -> None:
    of = plant(40, due_h=(1, 2))
    first = dispatch(Compiled(of), RuleOfDispatch(Urgency.SLACK, 20)).objective().key(of.aim)
    found = climb(1)
    worth = [schedule.objective().key(of.aim) for schedule in found]
    assert worth
    assert worth[0] < first
    assert worth == sorted(set(worth), reverse=True)
    assert validate(of, found[-1].plan("test", 1, bound_of(found[-1].c))) == []


def test_the_same_seed_climbs_the_same_way() -> None:
    assert [s.start for s in climb(5)] == [s.start for s in climb(5)]
