from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support_features import configurations, models

from batchone.chain.design.space import OptionSpace, Reasons, smallest_change
from batchone.chain.design.space.clauses import Kind, Statement
from batchone.chain.design.uvl import FeatureModel, Relation, holds, read

choices_of = st.dictionaries(st.integers(0, 6), st.booleans(), max_size=4)


def keeps(model: FeatureModel, statement: Statement, chosen: frozenset[int]) -> bool:
    """Whether a set of features keeps one statement, plainly."""
    kind, number = statement
    if kind is Kind.ROOT:
        return 0 in chosen
    if kind is Kind.BELOW:
        return number not in chosen or model.features[number].parent in chosen
    if kind is Kind.MANDATORY:
        return number in chosen or model.features[number].parent not in chosen
    if kind is Kind.GROUP:
        group = model.groups[number]
        have = sum(member in chosen for member in group.members)
        if group.relation is Relation.ALTERNATIVE and have > 1:
            return False
        return group.parent not in chosen or group.least <= have <= group.most
    return holds(model, model.constraints[number].formula, chosen)


def contradicts(model: FeatureModel, statements: tuple[Statement, ...], choices: dict[int, bool]) -> bool:
    """Whether no set of features at all keeps these statements and has these choices."""
    size = len(model.features)
    sets = (frozenset(n for n in range(size) if bits >> n & 1) for bits in range(1 << size))
    return not any(
        all((feature in chosen) is wanted for feature, wanted in choices.items())
        and all(keeps(model, statement, chosen) for statement in statements)
        for chosen in sets
    )


@settings(max_examples=80, deadline=None)
@given(models(7), choices_of, st.integers(0, 6), st.booleans())
def test_a_reason_is_true_and_nothing_of_it_can_be_left_out(
    model: FeatureModel, given_: dict[int, bool], feature: int, wanted: bool
) -> None:
    size = len(model.features)
    choices = {each: on for each, on in given_.items() if each < size and each != feature % size}
    asked = {feature % size: wanted}
    found = configurations(model)
    possible = any(all((f in each) is on for f, on in {**choices, **asked}.items()) for each in found)
    reasons = Reasons(model)
    reason = reasons.against(choices, feature % size, wanted=wanted)
    reasons.close()
    assert (reason is None) is possible
    if reason is None:
        return
    kept, statements = dict(reason.choices), reason.statements
    assert kept.items() <= choices.items()
    assert len(reason.said) == len(statements)
    assert contradicts(model, statements, {**kept, **asked})
    for each in kept:
        assert not contradicts(model, statements, {**{f: on for f, on in kept.items() if f != each}, **asked})
    for at in range(len(statements)):
        assert not contradicts(model, statements[:at] + statements[at + 1 :], {**kept, **asked})


@settings(max_examples=60, deadline=None)
@given(models(8), choices_of, st.integers(0, 6), st.booleans())
def test_the_smallest_change_helps_and_nothing_smaller_does(
    model: FeatureModel, given_: dict[int, bool], feature: int, wanted: bool
) -> None:
    size = len(model.features)
    choices = {each: on for each, on in given_.items() if each < size}
    want = feature % size
    found = [each for each in configurations(model) if (want in each) is wanted]
    space = OptionSpace(model)
    change = smallest_change(space, choices, want, wanted=wanted)
    space.close()
    broken = [sum((f in each) is not on for f, on in choices.items()) for each in found]
    assert (change is None) is (not found)
    if change is not None:
        assert len(change) == min(broken)
        left = {f: on for f, on in choices.items() if f not in change}
        assert any(all((f in each) is on for f, on in left.items()) for each in found)


MODEL = read("""features
    car
        mandatory
            engine
                alternative
                    petrol
                    electric
        optional
            towbar
            charger
            tank
constraints
    charger => electric
    tank => petrol
    towbar => tank
""")


def test_a_reason_reads_as_the_lines_of_the_model() -> None:
    numbers = MODEL.numbers
    reason = Reasons(MODEL).against({numbers["towbar"]: True}, numbers["charger"])
    assert reason is not None
    assert reason.choices == {numbers["towbar"]: True}
    assert [(said.line, said.text) for said in reason.said] == [
        (5, "engine has exactly one of petrol, electric"),
        (13, "charger => electric"),
        (14, "tank => petrol"),
        (15, "towbar => tank"),
    ]


def test_an_option_that_was_chosen_to_be_left_out_is_excluded_by_that_choice_alone() -> None:
    charger = MODEL.numbers["charger"]
    reason = Reasons(MODEL).against({charger: False}, charger)
    assert reason is not None
    assert (reason.choices, reason.said) == ({charger: False}, ())


def test_a_contradiction_of_the_model_is_named_minimally() -> None:
    text = "features\n\ta\n\t\tmandatory\n\t\t\tb\n\t\toptional\n\t\t\tc\n\t\t\td\nconstraints\n\tb => c\n\tb => !c\n\tb => d\n"
    reason = Reasons(read(text)).against({})
    assert reason is not None
    assert not reason.choices
    assert [said.line for said in reason.said] == [2, 4, 9, 10]


def test_giving_up_one_choice_is_preferred_to_two() -> None:
    numbers = MODEL.numbers
    choices = {numbers["towbar"]: True, numbers["tank"]: True, numbers["petrol"]: True}
    space = OptionSpace(MODEL)
    assert set(smallest_change(space, choices, numbers["charger"]) or ()) == set(choices)
    assert smallest_change(space, {numbers["tank"]: False, numbers["petrol"]: True}, numbers["towbar"]) == (numbers["tank"],)
    assert smallest_change(space, {numbers["charger"]: True}, numbers["charger"], wanted=False) == (numbers["charger"],)
    assert MODEL.groups[0].relation is Relation.MANDATORY
