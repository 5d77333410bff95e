from __future__ import annotations

import random
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support_features import configurations, models

from batchone.chain.design.space import OptionSpace, Session, State
from batchone.chain.design.uvl import FeatureModel, read

CLOTHES = read("""features
\tshirt
\t\tmandatory
\t\t\tsize
\t\t\t\talternative
\t\t\t\t\ts
\t\t\t\t\tm
\t\t\t\t\tl
\t\t\t\t\txl
\t\t\t\t\txxl
\t\t\t\t\txxxl
\t\toptional
\t\t\tprint
\t\t\t\tor
\t\t\t\t\tfront
\t\t\t\t\tback
\t\t\tpocket
constraints
\tpocket => !front
\txxxl => !print
""")


def fitting(found: list[frozenset[int]], choices: dict[int, bool]) -> list[frozenset[int]]:
    return [each for each in found if all((feature in each) is wanted for feature, wanted in choices.items())]


def truly(found: list[frozenset[int]], feature: int) -> State:
    having = sum(feature in each for each in found)
    return State.SELECTABLE if 0 < having < len(found) else State.FORCED if having else State.EXCLUDED


choices_of = st.dictionaries(st.integers(0, 8), st.booleans(), max_size=4)


@settings(max_examples=100, deadline=None)
@given(models(), st.lists(choices_of, min_size=1, max_size=4), st.integers(2, 5))
def test_every_state_is_what_trying_every_set_of_features_shows(
    model: FeatureModel, asked: list[dict[int, bool]], slots: int
) -> None:
    found = configurations(model)
    space = OptionSpace(model, slots)
    pool = space.pool() if found else None
    for each in asked:
        choices = {feature: wanted for feature, wanted in each.items() if feature < len(model.features)}
        left = fitting(found, choices)
        assert space.possible(choices) is bool(left)
        conflict = space.conflict(choices)
        assert (conflict is None) is bool(left)
        if conflict is not None:
            assert not fitting(found, {feature: choices[feature] for feature in conflict})
        if not found:
            continue
        states = space.states(choices, None, pool)
        assert (states is not None) is bool(left)
        if states is not None:
            assert states.listed() == {feature: truly(left, feature) for feature in range(len(model.features))}
            page = sorted(choices) or [0]
            some = space.states(choices, page)
            assert some is not None
            assert some.listed() == {feature: truly(left, feature) for feature in page}
    space.close()


@settings(max_examples=50, deadline=None)
@given(models())
def test_core_dead_and_false_optional_are_what_every_configuration_shows(model: FeatureModel) -> None:
    found = configurations(model)
    if not found:
        return
    space = OptionSpace(model)
    assert set(space.prepared.core) == {f for f in range(len(model.features)) if truly(found, f) is State.FORCED}
    dead = {f for f in range(len(model.features)) if truly(found, f) is State.EXCLUDED}
    assert set(space.prepared.dead) == dead
    always = {
        number
        for number, feature in enumerate(model.features)
        if feature.parent >= 0
        and model.groups[feature.group].relation != "mandatory"
        and number not in dead
        and all(number in each for each in found if feature.parent in each)
    }
    assert set(space.false_optional()) == always
    space.close()


def named(states: dict[int, State]) -> dict[str, State]:
    return {CLOTHES.features[number].name: state for number, state in states.items()}


def test_interchangeable_options_are_told_apart_once_somebody_names_them() -> None:
    """Five sizes are alike; the solver knows four of them, and more names than that are asked elsewhere."""
    space, numbers = OptionSpace(CLOTHES), CLOTHES.numbers
    assert space.twins.without
    for names in (["xxl"], ["s", "xxl"], ["s", "m", "l"], ["s", "m", "l", "xl"]):
        choices = {numbers[name]: False for name in names}
        states = space.states(choices)
        assert states is not None
        told = named(states.listed())
        assert [told[name] for name in names] == [State.EXCLUDED] * len(names)
        left = {"s", "m", "l", "xl", "xxl", "xxxl"} - set(names)
        assert {told[name] for name in left} == {State.SELECTABLE}
    chosen = space.states({numbers["xxl"]: True})
    assert chosen is not None
    assert {name for name, state in named(chosen.listed()).items() if state is State.FORCED} == {"shirt", "size", "xxl"}
    last = space.states({numbers[name]: False for name in ("s", "m", "l", "xl", "xxl")})
    assert last is not None
    assert named(last.listed())["xxxl"] is State.FORCED
    assert named(last.listed())["print"] is State.EXCLUDED


def test_the_answer_does_not_depend_on_what_was_asked_before() -> None:
    chance, space = random.Random(4), OptionSpace(CLOTHES)
    questions = list(_questions(chance, 40))
    first = [_answer(space, choices) for choices in questions]
    chance.shuffle(questions)
    for choices in questions:
        assert _answer(space, choices) == _answer(OptionSpace(CLOTHES), choices)
    assert any(each is None for each in first)
    assert any(each is not None for each in first)


def _questions(chance: random.Random, many: int) -> Iterator[dict[int, bool]]:
    for _ in range(many):
        yield {number: chance.random() < 0.6 for number in chance.sample(range(len(CLOTHES.features)), 3)}


def _answer(space: OptionSpace, choices: dict[int, bool]) -> dict[int, State] | None:
    states = space.states(choices)
    return None if states is None else states.listed()


def test_what_a_session_met_answers_later_clicks_without_the_solver() -> None:
    space = OptionSpace(CLOTHES)
    session = Session(space)
    session.states()
    session.choose(CLOTHES.numbers["pocket"], True)
    session.states()
    before = space.calls
    session.states()
    assert space.calls == before
