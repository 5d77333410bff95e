from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from batchone.chain.design.space import OptionSpace, Session, State
from batchone.chain.design.uvl import read
from batchone.kernel.errors import Conflict, Refused

MODEL = read(
    "features\n\tbike\n\t\talternative\n\t\t\tcity\n\t\t\trace\n\t\toptional\n\t\t\tbell\nconstraints\n\trace => !bell\n"
)
CITY, RACE, BELL = (MODEL.numbers[name] for name in ("city", "race", "bell"))


def test_of_two_clicks_that_race_one_is_told_to_look_again() -> None:
    session = Session(OptionSpace(MODEL))

    def click(feature: int) -> bool:
        try:
            session.choose(feature, True, on=0)
        except Conflict:
            return False
        return True

    for _ in range(50):
        session = Session(OptionSpace(MODEL))
        with ThreadPoolExecutor(2) as two:
            won = list(two.map(click, (RACE, BELL)))
        assert sorted(won) == [False, True]
        assert session.number == 1
        assert len(session.choices) == 1


def test_a_click_that_the_choices_exclude_is_refused_and_changes_nothing() -> None:
    session = Session(OptionSpace(MODEL))
    session.choose(BELL, True)
    with pytest.raises(Refused, match="race"):
        session.choose(RACE, True)
    assert (session.number, session.choices) == (1, {BELL: True})
    assert session.states([RACE]).listed() == {RACE: State.EXCLUDED}


def test_choices_are_taken_back_and_undone() -> None:
    session = Session(OptionSpace(MODEL))
    session.choose(BELL, True)
    session.choose(CITY, True)
    session.choose(BELL, None)
    assert session.choices == {CITY: True}
    session.undo()
    assert session.choices == {BELL: True, CITY: True}
    session.undo()
    session.undo()
    assert session.states([RACE]).listed() == {RACE: State.SELECTABLE}
    with pytest.raises(Refused, match="Nothing was chosen"):
        session.undo()
    with pytest.raises(Conflict):
        session.undo(on=2)


def test_many_sessions_share_one_space_without_mixing() -> None:
    space = OptionSpace(MODEL)

    def walk(number: int) -> bool:
        session = Session(space)
        session.choose((RACE, BELL)[number % 2], True)
        other = (BELL, RACE)[number % 2]
        return session.states([other]).listed() == {other: State.EXCLUDED}

    with ThreadPoolExecutor(8) as eight:
        assert all(eight.map(walk, range(64)))
