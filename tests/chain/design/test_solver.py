from __future__ import annotations

from decimal import Decimal
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from batchone.chain.design.rules import (
    All,
    Among,
    Constant,
    Equivalent,
    Expression,
    Implies,
    Not,
    Some,
    Vocabulary,
    holds,
    parse,
)
from batchone.chain.design.solver import Space

OPTIONS = {"a": ("1", "2", "3"), "b": ("x", "y"), "c": ("p", "q", "r")}
WORDS = Vocabulary(options=OPTIONS, numbers={"a": {v: Decimal(v) for v in OPTIONS["a"]}}, derived={})
EVERYTHING = [dict(zip(OPTIONS, values, strict=True)) for values in product(*OPTIONS.values())]

leaves = st.one_of(
    st.booleans().map(Constant),
    st.sampled_from(sorted(OPTIONS)).flatmap(
        lambda option: st.frozensets(st.sampled_from(OPTIONS[option])).map(lambda values: Among(option, values))
    ),
)
expressions: st.SearchStrategy[Expression] = st.recursive(
    leaves,
    lambda parts: st.one_of(
        parts.map(Not),
        st.lists(parts, max_size=3).map(lambda found: All(tuple(found))),
        st.lists(parts, max_size=3).map(lambda found: Some(tuple(found))),
        st.builds(Implies, parts, parts),
        st.builds(Equivalent, parts, parts),
    ),
    max_leaves=10,
)
picks = st.dictionaries(st.sampled_from(sorted(OPTIONS)), st.integers(0, 2)).map(
    lambda found: {option: OPTIONS[option][number % len(OPTIONS[option])] for option, number in found.items()}
)


def valid(rules: dict[str, Expression]) -> list[dict[str, str]]:
    return [choices for choices in EVERYTHING if all(holds(rule, choices) for rule in rules.values())]


def has(choices: dict[str, str], wanted: dict[str, str]) -> bool:
    return wanted.items() <= choices.items()


@given(st.lists(expressions, max_size=4), expressions, picks)
def test_the_clauses_agree_with_the_tree_on_every_combination(
    found: list[Expression], asked: Expression, chosen: dict[str, str]
) -> None:
    rules = {f"rule-{number}": rule for number, rule in enumerate(found)}
    space = Space(WORDS, rules)
    literal = space.literal(asked)
    for choices in EVERYTHING:
        keeps = choices in valid(rules)
        assert space.possible(choices) is keeps
        assert space.possible(choices, literal) is (keeps and holds(asked, choices))
        assert space.possible(choices, -literal) is (keeps and not holds(asked, choices))
    fitting = [choices for choices in valid(rules) if has(choices, chosen) and holds(asked, choices)]
    example = space.example(chosen, literal)
    assert (example in fitting) if fitting else (example is None)
    space.close()


@given(st.lists(expressions, min_size=1, max_size=5), picks)
def test_a_conflict_is_real_and_minimal(found: list[Expression], chosen: dict[str, str]) -> None:
    rules = {f"rule-{number}": rule for number, rule in enumerate(found)}
    space = Space(WORDS, rules)
    if space.possible(chosen):
        return
    kept, names = space.conflict(chosen)

    def contradicts(some: dict[str, str], named: tuple[str, ...]) -> bool:
        return not any(has(choices, some) for choices in valid({name: rules[name] for name in named}))

    assert kept.items() <= chosen.items()
    assert contradicts(kept, names)
    for option in kept:
        assert not contradicts({key: value for key, value in kept.items() if key != option}, names)
    for name in names:
        assert not contradicts(kept, tuple(other for other in names if other != name))
    space.close()


def test_the_same_question_has_the_same_answer_whatever_was_asked_before() -> None:
    texts = {"one": "a = 1 => b = x", "two": "b = x => c = p", "three": "a = 1 => c != q"}
    rules = {name: parse(text, WORDS) for name, text in texts.items()}
    chosen = {"a": "1", "c": "q"}
    fresh = Space(WORDS, rules).conflict(chosen)
    used = Space(WORDS, rules)
    for choices in EVERYTHING:
        used.possible(choices)
    assert used.conflict(chosen) == fresh
