from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchone.chain.design.expressions import RELATIONS
from batchone.chain.design.rules import (
    All,
    Among,
    Compare,
    Constant,
    Equivalent,
    Expression,
    Implies,
    Not,
    Some,
    Term,
    Vocabulary,
    holds,
    parse,
)
from batchone.chain.design.solver import Space

OPTIONS = {"a": ("1", "2", "3"), "b": ("x", "y"), "c": ("p", "q", "r")}
WORDS = Vocabulary(options=OPTIONS, numbers={"a": {v: Decimal(v) for v in OPTIONS["a"]}}, derived={})
EVERYTHING = [dict(zip(OPTIONS, values, strict=True)) for values in product(*OPTIONS.values())]

amounts = st.integers(-6, 12).map(lambda number: Fraction(number, 2))


def terms(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Term]:
    """A number for each value of an option, or one where something holds and another elsewhere."""

    def by_value(option: str, numbers: list[Fraction]) -> Term:
        values = OPTIONS[option]
        return Term(tuple((Among(option, frozenset({value})), number) for value, number in zip(values, numbers, strict=False)))

    def by_condition(part: Expression, one: Fraction, other: Fraction) -> Term:
        return Term(((part, one), (Not(part), other)))

    return st.one_of(
        st.builds(by_value, st.sampled_from(sorted(OPTIONS)), st.lists(amounts, min_size=3, max_size=3)),
        st.builds(by_condition, parts, amounts, amounts),
    )


def compared(found: list[Term], relation: str, bound: Fraction) -> Compare:
    return Compare(tuple(found), relation, bound)


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
        st.builds(compared, st.lists(terms(parts), min_size=1, max_size=4), st.sampled_from(sorted(RELATIONS)), amounts),
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


@given(st.lists(expressions, max_size=4), picks)
def test_the_values_that_stay_possible_are_found_together_as_one_by_one(
    found: list[Expression], chosen: dict[str, str]
) -> None:
    space = Space(WORDS, {f"rule-{number}": rule for number, rule in enumerate(found)})
    atoms = [space.atom(option, value) for option, values in OPTIONS.items() for value in values]
    assert space.among(chosen, atoms) == {atom for atom in atoms if space.possible(chosen, atom)}
    space.close()


@given(st.lists(expressions, max_size=4), picks, expressions)
def test_the_fewest_choices_are_given_up(found: list[Expression], chosen: dict[str, str], wanted: Expression) -> None:
    rules = {f"rule-{number}": rule for number, rule in enumerate(found)}
    space = Space(WORDS, rules)
    given_up = space.least_given_up(chosen, space.literal(wanted))
    having = [choices for choices in valid(rules) if holds(wanted, choices)]
    fewest = min((sum(choices[option] != value for option, value in chosen.items()) for choices in having), default=None)
    assert (None if given_up is None else len(given_up)) == fewest
    if given_up is not None:
        left = {option: value for option, value in chosen.items() if option not in given_up}
        assert any(has(choices, left) for choices in having)
    space.close()


@settings(max_examples=60)
@given(st.lists(expressions, max_size=3), picks, st.lists(st.integers(-9, 9), min_size=8, max_size=8))
def test_the_cheapest_is_the_cheapest_of_all(found: list[Expression], chosen: dict[str, str], prices: list[int]) -> None:
    rules = {f"rule-{number}": rule for number, rule in enumerate(found)}
    space = Space(WORDS, rules)
    if not space.possible(chosen):
        return
    pairs = [(option, value) for option, values in OPTIONS.items() for value in values]
    price = dict(zip(pairs, prices, strict=True))
    best = space.cheapest(chosen, {space.atom(*pair): amount for pair, amount in price.items()})()
    left = [choices for choices in valid(rules) if has(choices, chosen)]
    assert best in left
    assert sum(price[pair] for pair in best.items()) == min(sum(price[pair] for pair in each.items()) for each in left)
    space.close()


@pytest.mark.parametrize("count", [2, 12, 13, 40])
def test_an_option_has_exactly_one_value_however_many_there_are(count: int) -> None:
    values = tuple(map(str, range(count)))
    space = Space(Vocabulary(options={"n": values}, numbers={}, derived={}), {})
    atoms = [space.atom("n", value) for value in values]
    assert not space.possible({}, *(-atom for atom in atoms))
    assert all(not space.possible({}, one, other) for one, other in combinations(atoms, 2))
    assert all(space.possible({}, atom) for atom in atoms)
