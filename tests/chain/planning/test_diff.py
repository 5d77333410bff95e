from datetime import timedelta

from hypothesis import given
from tests.chain.planning.problems import UNHURRIED, op, problem, problems

from batchone.chain.planning import Job, Measure, Moved, Problem, Resource, diff, move, solve

OF = problem([Resource("m"), Resource("n")], [Job("a", 10), Job("b", 40)], [op("a.0", "m"), op("b.0", "m")])


@UNHURRIED
@given(problems())
def test_a_plan_differs_from_itself_in_nothing_whenever_it_is_looked_at(of: Problem) -> None:
    plan = solve(of, 0, 1)
    told = diff(plan, plan.shifted(of.origin + timedelta(seconds=7)))
    assert (told.added, told.removed, told.moved, told.jobs) == ((), (), (), ())
    assert all(gain.before == gain.after for gain in told.gains)


def test_what_moved_who_is_later_and_what_it_cost_are_told() -> None:
    plan = solve(OF, 0, 1)
    after = move(OF, plan, "a.0", start_s=20)
    assert isinstance(after, Moved)
    told = diff(plan, after.plan)
    assert [(each.was.operation, each.was.start_s, each.now.start_s, each.elsewhere) for each in told.moved] == [
        ("a.0", 0, 20, False)
    ]
    assert [(each.job, each.becomes_late, each.becomes_timely) for each in told.later] == [("a", True, False)]
    assert told.earlier == ()
    assert {gain.measure: gain.after - gain.before for gain in told.gains}[Measure.TARDINESS] == 20


def test_operations_of_one_plan_only_are_named() -> None:
    whole, part = solve(OF, 0, 1), solve(problem(OF.resources, OF.jobs, OF.operations[:1]), 0, 1)
    assert [a.operation for a in diff(part, whole).added] == ["b.0"]
    assert [a.operation for a in diff(whole, part).removed] == ["b.0"]
