"""Reasons in words: what held an order, where, for how long, in each language."""

from tests.chain.planning.problems import ORIGIN, op, problem

from batchone.chain.planning import Job, Resource, SetupMatrix, Wait, explain, solve
from batchone.chain.planning.words import explained


def test_tools_crews_and_cures_are_told_by_their_names_in_both_languages() -> None:
    of = problem(
        [
            Resource("a", setup="m", keys=("red",)),
            Resource("b", setup="m", keys=("red",)),
            Resource("fitter"),
            Resource("gun", available_from_s=30_000),
        ],
        [Job("x", 0, 5), Job("y", 50_000)],
        [
            op("x.0", "a", 600, setup_key="green"),
            op("y.0", "b", 600, setup_key="green"),
            op("y.1", "b", 600, ("y.0",), needs=("gun",), waits=(Wait("y.0", 7200),)),
        ],
        setups=(SetupMatrix("m", 1800, detached=False, crew="fitter"),),
    )
    told = explained(explain(of, solve(of, 0, 1), "y"), (), ORIGIN)
    assert [(reason.kind, reason.subject) for reason in told] == [
        ("tool", "gun"), ("wait", "y.1"), ("crew", "fitter"), ("setup", "b"),
    ]  # fmt: skip
    assert told[0].text == {
        "en": "gun: needed elsewhere, broken or off shift for 5.2 h",
        "zh": "gun：被占用、故障或不当班 5.2 小时",
    }
    assert told[1].text["en"] == "y.1: 2.0 h between two steps"
    assert told[2].text["zh"] == "fitter：忙碌或不当班 30 分钟，无人换型"
