"""A plan with what its judge says of it: plans are stored as that alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from batchone.chain.planning.history import split
from batchone.chain.planning.judge.facts import Rule
from batchone.chain.planning.model import Plan, Problem
from batchone.chain.planning.validator import Violation, validate
from batchone.kernel.errors import Refused

_TOLD = 3


@dataclass(frozen=True)
class Judged:
    """A plan and every rule it breaks: none, but for what machines report that no plan can make right."""

    plan: Plan
    broken: tuple[Violation, ...]


def judged(problem: Problem, plan: Plan) -> Judged:
    """The judge's word. Takes a second or two for 25,000 operations: not for the event loop."""
    return Judged(plan, tuple(validate(problem, plan)))


def broken_by_places(problem: Problem, plan: Plan) -> tuple[Violation, ...]:
    """The rules that the places of a plan break, whatever it says that they are worth."""
    return tuple(each for each in validate(problem, plan) if each.rule is not Rule.OBJECTIVE)


def news(broken: Iterable[Violation], before: Iterable[Violation]) -> tuple[Violation, ...]:
    """What is broken that was not broken before: the same operation may break the same rule by another second."""
    known = {(each.rule, each.operation) for each in before}
    return tuple(each for each in broken if (each.rule, each.operation) not in known)


class RulesBroken(Refused):
    """What somebody wants of a plan breaks rules: `errors` names each with its order and operation. Nothing was changed."""

    def __init__(self, code: str, what: str, cure: str, errors: Sequence[Mapping[str, str]], **where: object) -> None:
        super().__init__(code, what, cure, **where)
        self.errors = tuple(errors)


def named(detail: str, rule: str, order: str, operation: str) -> dict[str, str]:
    """One broken rule, as errors name it."""
    item, op = split(operation)
    return {"detail": detail, "rule": rule, "order": order, "item": item, "op": op}


def each_named(broken: Iterable[Violation]) -> list[dict[str, str]]:
    """Broken rules, as errors name them."""
    return [named(str(each), each.rule.value, each.job, each.operation) for each in broken]


def refusal(broken: Sequence[Violation]) -> RulesBroken:
    """Refuses a plan for the rules it breaks."""
    return RulesBroken(
        "planning.rules_broken",
        f"The plan would break {_count(broken)}; the first is {broken[0]}.",
        "Take the change back, or move what is in the way first; everything else stands as it did.",
        each_named(broken),
    )


def in_words(broken: Sequence[Violation]) -> Iterable[str]:
    """Broken rules for whoever reads why a plan was made, the first few of them."""
    yield from map(str, broken[:_TOLD])
    if len(broken) > _TOLD:
        yield f"{len(broken) - _TOLD} more rules broken"


def _count(broken: Sequence[Violation]) -> str:
    return "a rule" if len(broken) == 1 else f"{len(broken)} rules"
