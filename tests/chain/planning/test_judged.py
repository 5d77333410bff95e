"""What the judge says of a plan, as plans are stored with it and as a refusal names it."""

from dataclasses import replace

from tests.chain.planning.problems import op, problem

from batchone.chain.planning import Job, Resource, Rule, Violation, solve
from batchone.chain.planning.judged import broken_by_places, in_words, judged, news, refusal
from batchone.kernel.http import problem as problem_detail

OF = problem(
    [Resource("r")],
    [Job("SO-1", 100), Job("SO-2", 100)],
    [replace(op(f"I{n}/10", "r", 60), job=f"SO-{n}") for n in (1, 2)],
)
PLAN = solve(OF, 0, 1)
CLASH = replace(PLAN, assignments=tuple(replace(a, setup_start_s=0, start_s=0, end_s=60) for a in PLAN.assignments))


def test_a_sound_plan_breaks_nothing_and_a_clash_is_named_with_its_operation_and_order() -> None:
    assert judged(OF, PLAN).broken == ()
    (broken,) = broken_by_places(OF, CLASH)
    assert (broken.rule, broken.operation, broken.job) == (Rule.CAPACITY, "I2/10", "SO-2")
    # What a plan says it is worth counts among its rules, too, where it is judged as a whole.
    assert {each.rule for each in judged(OF, CLASH).broken} == {Rule.CAPACITY, Rule.OBJECTIVE}


def test_what_was_broken_before_by_another_second_is_no_news() -> None:
    was = Violation(Rule.CAPACITY, "I2/10", "begins at 0", "SO-2")
    assert news([replace(was, what="begins at 7")], [was]) == ()
    other = replace(was, operation="I1/10")
    assert news([was, other], [was]) == (other,)


def test_a_refusal_names_every_rule_with_its_order_and_operation_in_the_problem_detail() -> None:
    broken = [Violation(Rule.CAPACITY, f"I{n}/10", "is in the way", f"SO-{n}") for n in range(5)]
    body = problem_detail(refusal(broken)).body.decode()
    assert '"type":"urn:batchone:problem:planning.rules_broken"' in body
    assert "would break 5 rules" in body
    for n in range(5):
        assert f'"rule":"capacity","order":"SO-{n}","item":"I{n}","op":"10"' in body


def test_a_plans_reason_names_the_first_few_and_counts_the_rest() -> None:
    broken = [Violation(Rule.SETUP, f"I{n}/10", "is too short", "SO-1") for n in range(5)]
    told = list(in_words(broken))
    assert told[0] == "setup: operation 'I0/10' of job 'SO-1' is too short"
    assert told[3:] == ["2 more rules broken"]
