import json
from dataclasses import replace
from datetime import UTC, datetime
from math import nan
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from tests.chain.planning.judge.rich import one_by_one, rich_problems
from tests.chain.planning.problems import UNHURRIED, op, problem, problems

from batchone.chain.planning import Alternative, Fixed, Job, Problem, Resource, solve
from batchone.chain.planning.files import native
from batchone.kernel.errors import Refused

SMALL = problem([Resource("r")], [Job("j", 5)], [op("j.0", "r"), op("j.1", "r", after=("j.0",), fixed=Fixed("r", 0, 30))])


@UNHURRIED
@given(problems())
def test_a_problem_is_read_back_equal(of: Problem) -> None:
    assert native.read_problem(native.write_problem(of)) == of


@UNHURRIED
@given(rich_problems())
def test_a_problem_and_a_plan_with_everything_in_them_are_read_back_equal(of: Problem) -> None:
    plan = one_by_one(of)
    assert native.read_problem(native.write_problem(of)) == of
    assert native.read_plan(native.write_plan(plan)) == plan


def test_the_origin_keeps_its_moment_in_any_zone() -> None:
    of = replace(SMALL, origin=datetime(2026, 7, 1, 6, 30, 0, 250, ZoneInfo("Europe/Berlin")))
    assert native.read_problem(native.write_problem(of)).origin == of.origin


def test_what_has_its_default_is_not_written() -> None:
    written = json.loads(native.write_problem(SMALL))
    assert written["format"] == "batchone-problem"
    assert written["version"] == 1
    assert written["resources"] == [{"id": "r"}]
    assert "weights" not in written


def changed(**changes) -> str:
    return json.dumps(json.loads(native.write_problem(SMALL)) | changes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1, column 1"),
        ('{"format": 1,\n  oops}', "line 2, column 3"),
        ("[1]", "format: [1] stands there; expected 'batchone-problem'"),
        (changed(format="batchone-plan"), 'format: "batchone-plan" stands there'),
        (changed(version=2), "version: 2 stands there; expected 1"),
        (changed(colour="red"), "colour: Problem has no such key; expected one of origin, resources"),
        (changed(resources=[{"id": "r", "speed": 2}]), "resources[0].speed: Resource has no such key"),
        (changed(resources=[{}]), "resources[0].id: it is missing"),
        (changed(resources=[{"id": 7}]), "resources[0].id: 7 stands there; expected a text"),
        (changed(resources={}), "resources: {} stands there; expected a list"),
        (changed(jobs=[{"id": "j", "due_s": 1.5}]), "jobs[0].due_s: 1.5 stands there; expected a whole number"),
        (changed(jobs=[{"id": "j", "weight": True}]), "jobs[0].weight: true stands there"),
        (changed(origin="yesterday"), 'origin: "yesterday" stands there; expected an ISO 8601 time'),
        (changed(origin="2026-01-01T00:00:00"), "with its offset"),
        (changed(aim=["speed"]), 'aim[0]: "speed" stands there; expected one of tardiness'),
        (
            changed(setups=[{"id": "s", "pairs": [["a", "b"]]}]),
            'setups[0].pairs[0]: ["a", "b"] stands there; expected a list of 3',
        ),
        (changed(calendars=[{"id": "c", "cycle": [[5, 2]], "cycle_s": 9}]), "calendars[0]: calendar 'c'"),
        (
            changed(operations=[{"id": "o", "job": "j", "alternatives": [{"on": "r", "duration_s": 1, "power_kw": "x"}]}]),
            "power_kw",
        ),
        (changed(operations=[{"id": "o", "job": "j", "alternatives": [], "attended": 1}]), "expected true or false"),
        (changed(jobs=3).replace("3", "NaN", 1), "NaN is no number"),
        (changed().replace('"version"', '"format"', 1), "the key 'format' twice"),
        ("[" * 100_000, "somewhere"),
        (changed(operations=[0] * 250_001), "250000"),
    ],
)
def test_what_is_not_as_it_must_be_is_refused_with_its_path(text: str, said: str) -> None:
    with pytest.raises(Refused) as refusal:
        native.read_problem(text, "p.json")
    assert said in refusal.value.what
    assert "p.json" in refusal.value.what


def test_a_plan_is_no_problem_and_a_problem_no_plan() -> None:
    plan = native.write_plan(solve(problem([], [], []), 0, 1))
    with pytest.raises(Refused, match="batchone-problem"):
        native.read_problem(plan)
    with pytest.raises(Refused, match="batchone-plan"):
        native.read_plan(native.write_problem(SMALL))


def test_a_number_that_is_none_is_not_written() -> None:
    odd = replace(SMALL, operations=(replace(SMALL.operations[0], alternatives=(Alternative("r", 1, nan),)),))
    with pytest.raises(Refused, match="nan"):
        native.write_problem(odd)


def test_an_empty_problem_is_a_problem() -> None:
    empty = Problem(datetime(2026, 1, 1, tzinfo=UTC), (), (), ())
    assert native.read_problem(native.write_problem(empty)) == empty
